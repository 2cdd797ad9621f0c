//! One message: its fields, borrowed from the text, and the exact reading of its coordinates.
//!
//! A scanner, and `serde_json` for what is unusual, check that the text is JSON and find the fields; the numbers are then read by the standard library, which
//! rounds correctly, so a coordinate that was written from an `f64` is that `f64` again.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::scan::scan;

/// The fields that matter, as text that is known to be JSON. Others are passed over.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Message<'a> {
    pub key: Option<&'a str>,
    pub timestamp: Option<&'a str>,
    pub point: Option<&'a str>,
    pub points: Option<&'a str>,
    pub value: Option<&'a str>,
}

/// The same, as `serde_json` finds them.
#[derive(Deserialize)]
struct RawMessage<'a> {
    #[serde(borrow)]
    key: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    point: Option<&'a RawValue>,
    #[serde(borrow)]
    points: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

/// Why a message is refused; `String` because it is the answer to a person, and rare.
pub type Refusal = String;

/// The points of one message, one after the other.
#[derive(Default)]
pub struct Cloud {
    pub dim: usize,
    pub coords: Vec<f64>,
}

impl Cloud {
    pub fn len(&self) -> usize {
        self.coords.len() / self.dim.max(1)
    }
}

impl<'a> Message<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(bytes).map_err(|error| format!("not JSON: not UTF-8: {error}"))?;
        match scan(text) {
            Some(message) => Ok(message),
            None => Self::parse_slowly(text),
        }
    }

    /// Reads any JSON object.
    pub fn parse_slowly(text: &'a str) -> Result<Self, Refusal> {
        let start = text.trim_ascii_start();
        // A list would be read as the fields in their order.
        if !start.is_empty() && !start.starts_with('{') {
            return match serde_json::from_str::<&RawValue>(text) {
                Ok(_) => Err(format!("expected a JSON object, found {}", describe(start))),
                Err(error) => Err(format!("not JSON: {error}")),
            };
        }
        let raw: RawMessage<'a> = serde_json::from_str(text).map_err(|error| explain(text, &error))?;
        Ok(Self {
            key: raw.key.map(RawValue::get),
            timestamp: raw.timestamp.map(RawValue::get),
            point: raw.point.map(RawValue::get),
            points: raw.points.map(RawValue::get),
            value: raw.value.map(RawValue::get),
        })
    }

    /// Reads the points into `cloud`, which is emptied first.
    pub fn read_points(&self, cloud: &mut Cloud) -> Result<(), Refusal> {
        cloud.coords.clear();
        match (self.point, self.points, self.value) {
            (Some(point), None, None) => read_point(point, "point", cloud),
            (None, Some(points), None) => read_points(points, cloud),
            (None, None, Some(value)) => {
                cloud.dim = 1;
                cloud.coords.push(read_number(value, "value")?);
                Ok(())
            }
            (None, None, None) => Err("none of the fields \"point\", \"points\", \"value\" is there".to_owned()),
            _ => Err("more than one of the fields \"point\", \"points\", \"value\"".to_owned()),
        }
    }
}

/// A text or a whole number as text; numbers are common ids of sensors.
pub fn read_key(text: &str) -> Result<Cow<'_, str>, Refusal> {
    match read_text(text) {
        Some(key) => Ok(key),
        None if text.parse::<i64>().is_ok() => Ok(Cow::Borrowed(text)),
        None => Err(format!("field \"key\": expected a text, found {}", describe(text))),
    }
}

/// The content of a JSON string; `None` if it is something else.
pub fn read_text(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.as_bytes().contains(&b'\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(text).ok().map(Cow::Owned)
}

fn read_point(text: &str, field: &str, cloud: &mut Cloud) -> Result<(), Refusal> {
    let Some(inner) = list(text) else {
        return Err(format!(
            "field {field:?}: expected a list of numbers, found {}",
            describe(text)
        ));
    };
    read_numbers(inner, field, &mut cloud.coords)?;
    cloud.dim = cloud.coords.len();
    if cloud.dim == 0 {
        return Err(format!("field {field:?}: a point without coordinates"));
    }
    Ok(())
}

fn read_points(text: &str, cloud: &mut Cloud) -> Result<(), Refusal> {
    let expected = |found: &str| {
        format!(
            "field \"points\": expected a list of lists of numbers, found {}",
            describe(found)
        )
    };
    let mut rest = list(text).ok_or_else(|| expected(text))?.trim_ascii_start();
    if rest.is_empty() {
        return Err("field \"points\": an empty cloud".to_owned());
    }
    cloud.dim = 0;
    for row in 0.. {
        let Some(inside) = rest.strip_prefix('[') else {
            return Err(format!("{} at row {row}", expected(rest)));
        };
        // The first bracket that closes: a list inside is refused by the number reader.
        let end = inside.find(']').unwrap_or(inside.len());
        let before = cloud.coords.len();
        read_numbers(&inside[..end], "points", &mut cloud.coords).map_err(|reason| format!("{reason} at row {row}"))?;
        let width = cloud.coords.len() - before;
        if width == 0 {
            return Err(format!("field \"points\": a point without coordinates at row {row}"));
        }
        if row == 0 {
            cloud.dim = width;
        } else if width != cloud.dim {
            return Err(format!(
                "field \"points\": ragged: row {row} has {width} coordinates, row 0 has {}",
                cloud.dim
            ));
        }
        rest = inside[end..].trim_start_matches(']').trim_ascii_start();
        match rest.strip_prefix(',') {
            Some(next) => rest = next.trim_ascii_start(),
            None => break,
        }
    }
    Ok(())
}

/// Appends the numbers of the inside of a JSON list.
fn read_numbers(inner: &str, field: &str, numbers: &mut Vec<f64>) -> Result<(), Refusal> {
    let bytes = inner.as_bytes();
    if bytes.trim_ascii().is_empty() {
        return Ok(());
    }
    let mut start = 0;
    loop {
        let end = bytes[start..]
            .iter()
            .position(|&byte| byte == b',')
            .map_or(bytes.len(), |at| start + at);
        numbers.push(read_number(inner[start..end].trim_ascii(), field)?);
        if end == bytes.len() {
            return Ok(());
        }
        start = end + 1;
    }
}

/// A finite number. `text` begins a JSON value.
fn read_number(text: &str, field: &str) -> Result<f64, Refusal> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(format!(
            "field {field:?}: {text} is infinite as a 64-bit float, expected a finite number"
        )),
        Err(_) => Err(format!(
            "field {field:?}: expected a finite number, found {}",
            describe(text)
        )),
    }
}

fn list(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.strip_suffix(']')
}

/// The word for a JSON value by its first letter, with a little of a text.
fn describe(text: &str) -> String {
    match text.as_bytes().first() {
        Some(b'"') => format!("the text {}", text.chars().take(32).collect::<String>()),
        Some(b'[') => "a list".to_owned(),
        Some(b'{') => "an object".to_owned(),
        Some(b'n') => "null".to_owned(),
        Some(b't') => "true".to_owned(),
        Some(b'f') => "false".to_owned(),
        _ => format!("the number {}", text.chars().take(32).collect::<String>()),
    }
}

/// NaN and infinity are no JSON, though many a writer writes them: worth a reason of its own.
#[cold]
fn explain(text: &str, error: &serde_json::Error) -> Refusal {
    if error.is_data() {
        return format!("{error}");
    }
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let at = error.column().saturating_sub(2);
    let near = line.get(at..).unwrap_or_default();
    for word in ["NaN", "Infinity", "nan", "inf"] {
        if near
            .get(..near.len().min(word.len() + 1))
            .is_some_and(|near| near.contains(word))
        {
            return format!("not JSON: a coordinate is {word}, expected a finite number ({error})");
        }
    }
    format!("not JSON: {error}")
}
