//! The types of values, and how they are written.

use std::fmt;
use std::time::Duration;

/// A type that an option can have.
pub trait Value: Sized {
    /// Its name in the documentation.
    const KIND: &'static str;
    fn parse(text: &str) -> Option<Self>;
    /// What a text must be to parse, for messages.
    fn allowed() -> String;
    /// The value as a number to hold against an option's limits; seconds of a duration, bytes of a size.
    fn number(&self) -> Option<f64> {
        None
    }
    /// What to tell the user about a text that parses but is not taken literally.
    fn remark(_text: &str) -> Option<String> {
        None
    }
}

impl Value for String {
    const KIND: &'static str = "text";
    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
    fn allowed() -> String {
        "a text".into()
    }
}

/// Unset where the text is empty.
impl<T: Value> Value for Option<T> {
    const KIND: &'static str = T::KIND;
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(None);
        }
        T::parse(text).map(Some)
    }
    fn allowed() -> String {
        T::allowed()
    }
    fn number(&self) -> Option<f64> {
        self.as_ref().and_then(T::number)
    }
    fn remark(text: &str) -> Option<String> {
        T::remark(text)
    }
}

/// Separated by commas or semicolons.
impl Value for Vec<String> {
    const KIND: &'static str = "list";
    fn parse(text: &str) -> Option<Self> {
        let parts = text.split([',', ';']).map(str::trim).filter(|part| !part.is_empty());
        Some(parts.map(str::to_owned).collect())
    }
    fn allowed() -> String {
        "texts separated by commas".into()
    }
}

impl Value for bool {
    const KIND: &'static str = "boolean";
    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }
    fn allowed() -> String {
        "true or false".into()
    }
}

macro_rules! integer {
    ($($type:ty),*) => {$(
        impl Value for $type {
            const KIND: &'static str = "integer";
            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
            fn allowed() -> String {
                format!("an integer from {} to {}", <$type>::MIN, <$type>::MAX)
            }
            fn number(&self) -> Option<f64> {
                Some(*self as f64)
            }
        }
    )*};
}
integer!(u16, u32, u64);

impl Value for f64 {
    const KIND: &'static str = "number";
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }
    fn allowed() -> String {
        "a number".into()
    }
    fn number(&self) -> Option<f64> {
        Some(*self)
    }
}

impl Value for Duration {
    const KIND: &'static str = "duration";
    fn parse(text: &str) -> Option<Self> {
        parse_duration(text)
    }
    fn allowed() -> String {
        "a duration such as \"10 s\", \"500 ms\" or \"5 min\"".into()
    }
    fn number(&self) -> Option<f64> {
        Some(self.as_secs_f64())
    }
}

/// Reads a duration with Flink's units: `10s`, `500 ms`, `5 min`, `1.5h`, `2d`; a bare number counts milliseconds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let seconds = match unit.as_str() {
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => 1e-9,
        "us" | "µs" | "micro" | "micros" | "microsecond" | "microseconds" => 1e-6,
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * seconds).ok()
}

/// A number of bytes, written `1g`, `512 mb`, `64 KiB`; all units are powers of 1024, as in Flink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemorySize(pub u64);

impl Value for MemorySize {
    const KIND: &'static str = "memory size";
    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split_unit(text)?;
        let shift = match unit.as_str() {
            "" | "b" | "byte" | "bytes" => 0,
            "k" | "kb" | "kib" | "kibibytes" => 10,
            "m" | "mb" | "mib" | "mebibytes" => 20,
            "g" | "gb" | "gib" | "gibibytes" => 30,
            "t" | "tb" | "tib" | "tebibytes" => 40,
            _ => return None,
        };
        let bytes = number * (1u64 << shift) as f64;
        (bytes < u64::MAX as f64).then_some(Self(bytes as u64))
    }
    fn allowed() -> String {
        "a memory size such as \"1g\", \"512 mb\" or \"64 KiB\"".into()
    }
    fn number(&self) -> Option<f64> {
        Some(self.0 as f64)
    }
}

impl fmt::Display for MemorySize {
    /// In the largest unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(40, "tb"), (30, "gb"), (20, "mb"), (10, "kb")];
        let fitting = units
            .iter()
            .find(|(shift, _)| self.0 > 0 && self.0.is_multiple_of(1 << shift));
        match fitting {
            Some((shift, unit)) => write!(f, "{} {unit}", self.0 >> shift),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

/// The number in front and the lower-case unit behind it.
fn split_unit(text: &str) -> Option<(f64, String)> {
    let text = text.trim();
    let end = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let number = text[..end].parse().ok()?;
    Some((number, text[end..].trim().to_lowercase()))
}

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal $(| $other:literal)*,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $text,)* })
            }
        }

        impl Value for $name {
            const KIND: &'static str = concat!($("`", $text, "` ",)*);
            fn parse(text: &str) -> Option<Self> {
                match text.to_ascii_lowercase().replace('_', "-").as_str() {
                    $($text $(| $other)* => Some(Self::$variant),)*
                    _ => None,
                }
            }
            fn allowed() -> String {
                let texts: &[&str] = &[$($text,)*];
                format!("one of {}", texts.join(", "))
            }
            fn remark(text: &str) -> Option<String> {
                remark_of(stringify!($name), text)
            }
        }
    };
}

choice! {
    /// Where working state lives.
    StateBackend {
        /// In the memory of the process.
        Hashmap = "hashmap" | "filesystem" | "jobmanager",
        /// On local disk.
        Sled = "sled" | "rocksdb" | "forst",
    }
}
choice! {
    /// When a failed job starts again.
    RestartStrategy {
        None = "none" | "off" | "disable" | "disabled",
        FixedDelay = "fixed-delay" | "fixeddelay",
        FailureRate = "failure-rate" | "failurerate",
        ExponentialDelay = "exponential-delay" | "exponentialdelay",
    }
}
choice! {
    /// What a checkpoint promises about state.
    CheckpointingMode {
        ExactlyOnce = "exactly-once",
        AtLeastOnce = "at-least-once",
    }
}
fn remark_of(choice: &str, text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let on_disk = choice == "StateBackend" && (text == "rocksdb" || text == "forst");
    on_disk.then(|| format!("is \"{text}\"; taken as \"sled\", the backend on local disk"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_flinks_units() {
        let cases = [
            ("10s", 10_000),
            ("500 ms", 500),
            ("5min", 300_000),
            ("1.5 h", 5_400_000),
            ("250", 250),
            ("0", 0),
            ("1 d", 86_400_000),
        ];
        for (text, millis) in cases {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "10 parsecs", "-1s", "1.2.3 s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_have_flinks_units_and_are_shown_in_the_largest_that_fits() {
        let cases = [
            ("1g", 1 << 30, "1 gb"),
            ("512 mb", 512 << 20, "512 mb"),
            ("64 KiB", 64 << 10, "64 kb"),
            ("1.5g", 1536 << 20, "1536 mb"),
            ("1000", 1000, "1000 bytes"),
            ("0", 0, "0 bytes"),
        ];
        for (text, bytes, shown) in cases {
            let size = MemorySize::parse(text).unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, shown), "{text}");
        }
        for text in ["", "gb", "1 gram", "-1", "99999999999999 tb"] {
            assert_eq!(MemorySize::parse(text), None, "{text}");
        }
    }
}
