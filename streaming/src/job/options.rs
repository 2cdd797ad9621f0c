//! Reading a table of options: typed, complete, and with every problem collected instead of the first.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::time::Duration;

use super::value::{Key, Span, Value, ValueKind, nearest};
use crate::{Error, Result};

/// One mistake: where it is and what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub span: Span,
    /// `operator.windows.window.size`.
    pub path: String,
    pub message: String,
}

/// The problems of one reading; clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Problems(Rc<RefCell<Vec<Problem>>>);

impl Problems {
    pub fn push(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Takes all problems, in the order of the file.
    pub fn take(&self) -> Vec<Problem> {
        let mut problems = self.0.take();
        problems.sort_by_key(|problem| problem.span.as_ref().map_or(usize::MAX, |span| span.start));
        problems
    }
}

/// A table of options that is being read. Every getter notes the name as known; [`Options::finish`] reports the others.
#[derive(Debug)]
pub struct Options {
    path: String,
    span: Span,
    entries: Vec<(Key, Value, bool)>,
    known: Vec<&'static str>,
    problems: Problems,
}

impl Options {
    /// Options of the table `value`, called `path` in messages. What is not a table is a problem, read as an empty one.
    pub fn new(path: impl Into<String>, value: Value, problems: Problems) -> Self {
        let path = path.into();
        let span = value.span.clone();
        let entries = match value.kind {
            ValueKind::Table(entries) => entries.into_iter().map(|(key, value)| (key, value, false)).collect(),
            _ => {
                let message = format!("expected a table, found {}", value.describe());
                problems.push(Problem {
                    span: value.span,
                    path: path.clone(),
                    message,
                });
                Vec::new()
            }
        };
        Self {
            path,
            span,
            entries,
            known: Vec::new(),
            problems,
        }
    }

    /// Options of a stored graph: JSON that was checked before.
    pub fn from_json(path: &str, json: &str) -> Result<Self> {
        let value = Value::parse_json(json).map_err(|reason| Error::user(path, reason))?;
        Ok(Self::new(path, value, Problems::default()))
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// Notes a problem with the option `name`, or with the whole table where it is not there.
    pub fn problem(&self, name: &str, message: impl Display) {
        let span = self
            .entries
            .iter()
            .find(|(key, ..)| key.name == name)
            .and_then(|(_, value, _)| value.span.clone());
        let path = join(&self.path, name);
        self.problems.push(Problem {
            span: span.or_else(|| self.span.clone()),
            path,
            message: message.to_string(),
        });
    }

    /// The value of an option, whatever its type.
    pub fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        let (_, value, used) = self.entries.iter_mut().find(|(key, ..)| key.name == name)?;
        *used = true;
        Some(value.clone())
    }

    /// Whether an option is given, without reading it.
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, ..)| key.name == name)
    }

    fn typed<T>(&mut self, name: &'static str, expected: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let value = self.take(name)?;
        let result = read(&value);
        if result.is_none() {
            self.problem(name, format_args!("expected {expected}, found {}", value.describe()));
        }
        result
    }

    pub fn string(&mut self, name: &'static str) -> Option<String> {
        self.typed(name, "a text", |value| match &value.kind {
            ValueKind::String(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// A text that must be there; a problem and an empty text where it is not.
    pub fn required_string(&mut self, name: &'static str) -> String {
        if !self.has(name) {
            self.known.push(name);
            self.problem(name, format_args!("{name} is missing; it must be a text"));
            return String::new();
        }
        self.string(name).unwrap_or_default()
    }

    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        self.typed(name, "true or false", |value| match &value.kind {
            ValueKind::Boolean(flag) => Some(*flag),
            ValueKind::String(text) => text.parse().ok(),
            _ => None,
        })
    }

    pub fn integer(&mut self, name: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let number = self.typed(name, "a whole number", |value| match &value.kind {
            ValueKind::Integer(number) => Some(*number),
            ValueKind::String(text) => text.trim().parse().ok(),
            _ => None,
        })?;
        if !range.contains(&number) {
            self.problem(
                name,
                format_args!("{number} is not between {} and {}", range.start(), range.end()),
            );
            return None;
        }
        Some(number)
    }

    /// A number that is not NaN.
    pub fn float(&mut self, name: &'static str) -> Option<f64> {
        self.typed(name, "a number", |value| match &value.kind {
            ValueKind::Integer(number) => Some(*number as f64),
            ValueKind::Float(number) => Some(*number).filter(|number| !number.is_nan()),
            ValueKind::String(text) => text.trim().parse().ok().filter(|number: &f64| !number.is_nan()),
            _ => None,
        })
    }

    /// A number of at least 0; infinity is allowed.
    pub fn non_negative(&mut self, name: &'static str) -> Option<f64> {
        let number = self.float(name)?;
        if number < 0.0 {
            self.problem(name, format_args!("{number} is negative; it must be 0 or more"));
            return None;
        }
        Some(number)
    }

    /// A duration: `"10s"`, `"500 ms"`, `"5 min"`; a bare number counts milliseconds, as in Flink.
    pub fn duration(&mut self, name: &'static str) -> Option<Duration> {
        self.typed(
            name,
            "a duration such as \"10s\", \"500ms\", \"5min\"",
            |value| match &value.kind {
                ValueKind::Integer(millis) => u64::try_from(*millis).ok().map(Duration::from_millis),
                ValueKind::String(text) => parse_duration(text),
                _ => None,
            },
        )
    }

    /// One of a few words.
    pub fn one_of(&mut self, name: &'static str, allowed: &[&'static str]) -> Option<&'static str> {
        let text = self.string(name)?;
        let found = allowed.iter().find(|word| **word == text);
        if found.is_none() {
            self.none_of(name, &text, allowed);
        }
        found.copied()
    }

    /// Notes that the option `name` says `found`, which is none of `allowed`.
    pub fn none_of(&self, name: &str, found: &str, allowed: &[&str]) {
        let hint = nearest(found, allowed.iter().copied()).map(|word| format!("; did you mean {word:?}?"));
        self.problem(
            name,
            format_args!(
                "{found:?} is none of {}{}",
                allowed.join(", "),
                hint.unwrap_or_default()
            ),
        );
    }

    /// A list of texts; a single text is a list of one.
    pub fn strings(&mut self, name: &'static str) -> Option<Vec<String>> {
        self.typed(name, "a list of texts", |value| match &value.kind {
            ValueKind::String(text) => Some(vec![text.clone()]),
            ValueKind::List(values) => values
                .iter()
                .map(|value| match &value.kind {
                    ValueKind::String(text) => Some(text.clone()),
                    _ => None,
                })
                .collect(),
            _ => None,
        })
    }

    /// A list of whole numbers; a single number is a list of one.
    pub fn integers(&mut self, name: &'static str, range: RangeInclusive<i64>) -> Option<Vec<u64>> {
        let numbers: Vec<i64> = self.typed(name, "a list of whole numbers", |value| {
            let integer = |value: &Value| match value.kind {
                ValueKind::Integer(number) => Some(number),
                _ => None,
            };
            match &value.kind {
                ValueKind::List(values) => values.iter().map(integer).collect(),
                _ => integer(value).map(|number| vec![number]),
            }
        })?;
        if let Some(number) = numbers.iter().find(|number| !range.contains(number)) {
            self.problem(
                name,
                format_args!("{number} is not between {} and {}", range.start(), range.end()),
            );
            return None;
        }
        numbers.into_iter().map(|number| u64::try_from(number).ok()).collect()
    }

    /// A list of finite numbers; a single number is a list of one.
    pub fn floats(&mut self, name: &'static str) -> Option<Vec<f64>> {
        self.typed(name, "a list of numbers", |value| {
            let float = |value: &Value| match value.kind {
                ValueKind::Integer(number) => Some(number as f64),
                ValueKind::Float(number) => Some(number).filter(|number| number.is_finite()),
                _ => None,
            };
            match &value.kind {
                ValueKind::List(values) => values.iter().map(float).collect(),
                _ => float(value).map(|number| vec![number]),
            }
        })
    }

    /// A table within the table. The caller finishes it.
    pub fn table(&mut self, name: &'static str) -> Option<Self> {
        let value = self.take(name)?;
        Some(Self::new(join(&self.path, name), value, self.problems.clone()))
    }

    /// Reports every option that nobody asked for, with the nearest known name.
    pub fn finish(mut self) {
        self.known.sort_unstable();
        self.known.dedup();
        for (key, _, used) in &self.entries {
            if *used {
                continue;
            }
            let hint = match nearest(&key.name, self.known.iter().copied()) {
                Some(name) => format!("did you mean {name:?}?"),
                None => format!("known here: {}", self.known.join(", ")),
            };
            self.problems.push(Problem {
                span: key.span.clone(),
                path: join(&self.path, &key.name),
                message: format!("unknown option {:?}; {hint}", key.name),
            });
        }
    }
}

/// The path of an entry; the document itself has the empty path.
pub(super) fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// Reads `10s`, `500 ms`, `5 min`, `1.5h`, `2d`, `100us`; a bare number counts milliseconds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..digits].parse().ok()?;
    let seconds = match text[digits..].trim() {
        "us" | "µs" | "micros" => 1e-6,
        "" | "ms" | "milli" | "millis" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Options {
        Options::new(
            "operator.windows",
            Value::parse_toml(text).unwrap(),
            Problems::default(),
        )
    }

    #[test]
    fn all_problems_are_reported_at_once_with_their_places() {
        let text = "size = \"ten\"\nslidee = \"1s\"\nkind = \"sesion\"\n";
        let mut options = options(text);
        assert_eq!(options.duration("size"), None);
        assert_eq!(options.duration("slide"), None);
        assert_eq!(options.one_of("kind", &["tumbling", "session"]), None);
        let problems = options.problems().clone();
        options.finish();
        let problems = problems.take();
        let shown: Vec<_> = problems
            .iter()
            .map(|problem| (&text[problem.span.clone().unwrap()], problem.message.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                (
                    "\"ten\"",
                    "expected a duration such as \"10s\", \"500ms\", \"5min\", found the text \"ten\""
                ),
                ("slidee", "unknown option \"slidee\"; did you mean \"slide\"?"),
                (
                    "\"sesion\"",
                    "\"sesion\" is none of tumbling, session; did you mean \"session\"?"
                ),
            ]
        );
    }

    #[test]
    fn durations_have_flinks_units() {
        let cases = [
            ("10s", 10_000),
            ("500 ms", 500),
            ("5min", 300_000),
            ("1.5 h", 5_400_000),
            ("250", 250),
        ];
        for (text, millis) in cases {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse_duration("10 parsecs"), None);
        assert_eq!(parse_duration("-1s"), None);
    }
}
