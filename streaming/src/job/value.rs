//! A TOML or JSON value that remembers where it stands.

use std::fmt;
use std::ops::Range;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use toml::de::{DeTable, DeValue};

/// A place in the text of a file, in bytes; `None` for what comes from elsewhere (the command line, a stored graph).
pub type Span = Option<Range<usize>>;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    pub kind: ValueKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ValueKind {
    String(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    List(Vec<Value>),
    Table(Vec<(Key, Value)>),
}

/// The name of an entry of a table, and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub name: String,
    pub span: Span,
}

impl Value {
    pub fn new(kind: ValueKind) -> Self {
        Self { kind, span: None }
    }

    /// Parses a TOML document into a table. A syntax error gives its message and its place.
    pub fn parse_toml(text: &str) -> Result<Self, (String, Span)> {
        let table = DeTable::parse(text).map_err(|error| (error.message().to_owned(), error.span()))?;
        let span = Some(table.span());
        Ok(Self {
            kind: from_toml_table(table.into_inner()),
            span,
        })
    }

    /// Parses a TOML document into a table, or gives all of its syntax errors with their places.
    pub fn parse_toml_whole(text: &str) -> Result<Self, Vec<(String, Span)>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let errors = errors
                .into_iter()
                .map(|error| (error.message().to_owned(), error.span()));
            return Err(errors.collect());
        }
        let span = Some(table.span());
        Ok(Self {
            kind: from_toml_table(table.into_inner()),
            span,
        })
    }

    /// Reads a JSON object or value, in the order of the text; nothing in it has a place. `null` entries are left out.
    pub fn parse_json(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    pub fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            ValueKind::String(text) => text.as_str().into(),
            ValueKind::Integer(number) => (*number).into(),
            // JSON has no infinity; as text it is read back by `Options::float`.
            ValueKind::Float(number) if !number.is_finite() => number.to_string().into(),
            ValueKind::Float(number) => (*number).into(),
            ValueKind::Boolean(flag) => (*flag).into(),
            ValueKind::List(values) => values.iter().map(Self::to_json).collect(),
            ValueKind::Table(entries) => entries
                .iter()
                .map(|(key, value)| (key.name.clone(), value.to_json()))
                .collect(),
        }
    }

    /// What was found, in an error message: `the text "abc"`, `the number 5`.
    pub fn describe(&self) -> String {
        match &self.kind {
            ValueKind::String(text) => format!("the text {text:?}"),
            ValueKind::Integer(number) => format!("the number {number}"),
            ValueKind::Float(number) => format!("the number {number}"),
            ValueKind::Boolean(flag) => format!("{flag}"),
            ValueKind::List(values) => format!("a list of {}", values.len()),
            ValueKind::Table(_) => "a table".to_owned(),
        }
    }
}

fn from_toml_table(table: DeTable<'_>) -> ValueKind {
    let entries = table.into_iter().map(|(key, value)| {
        let key = Key {
            span: Some(key.span()),
            name: key.into_inner().into_owned(),
        };
        let span = Some(value.span());
        (
            key,
            Value {
                kind: from_toml(value.into_inner()),
                span,
            },
        )
    });
    let mut entries: Vec<_> = entries.collect();
    // The order of the file, not of the alphabet: errors and plans read as the file does.
    entries.sort_by_key(|(key, _)| key.span.as_ref().map_or(0, |span| span.start));
    ValueKind::Table(entries)
}

fn from_toml(value: DeValue<'_>) -> ValueKind {
    match value {
        DeValue::String(text) => ValueKind::String(text.into_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()) {
            Ok(number) => ValueKind::Integer(number),
            Err(_) => ValueKind::String(number.as_str().to_owned()),
        },
        DeValue::Float(number) => ValueKind::Float(number.as_str().replace('_', "").parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => ValueKind::Boolean(flag),
        DeValue::Datetime(time) => ValueKind::String(time.to_string()),
        DeValue::Array(values) => ValueKind::List(
            values
                .into_iter()
                .map(|value| {
                    let span = Some(value.span());
                    Value {
                        kind: from_toml(value.into_inner()),
                        span,
                    }
                })
                .collect(),
        ),
        DeValue::Table(table) => from_toml_table(table),
    }
}

impl Serialize for Value {
    /// Like [`Value::to_json`], in the order of the entries.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.kind {
            ValueKind::String(text) => serializer.serialize_str(text),
            ValueKind::Integer(number) => serializer.serialize_i64(*number),
            ValueKind::Float(number) if !number.is_finite() => serializer.collect_str(number),
            ValueKind::Float(number) => serializer.serialize_f64(*number),
            ValueKind::Boolean(flag) => serializer.serialize_bool(*flag),
            ValueKind::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(value)?;
                }
                list.end()
            }
            ValueKind::Table(entries) => {
                let mut table = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    table.serialize_entry(&key.name, value)?;
                }
                table.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value: Nullable = deserializer.deserialize_any(ValueVisitor).map(Nullable)?;
        value
            .0
            .ok_or_else(|| de::Error::custom("null where a value is expected"))
    }
}

/// A value, or `null`.
struct Nullable(Option<Value>);

impl<'de> Deserialize<'de> for Nullable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false, a list or a table")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Some(Value::new(ValueKind::Boolean(flag))))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(Value::new(ValueKind::Integer(number))))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(Value::new(match i64::try_from(number) {
            Ok(number) => ValueKind::Integer(number),
            Err(_) => ValueKind::Float(number as f64),
        })))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(Value::new(ValueKind::Float(number))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Value::new(ValueKind::String(text.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Some(Value::new(ValueKind::List(values))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((name, Nullable(value))) = map.next_entry::<String, Nullable>()? {
            if let Some(value) = value {
                entries.push((Key { name, span: None }, value));
            }
        }
        Ok(Some(Value::new(ValueKind::Table(entries))))
    }
}

/// The known name that `name` was probably meant to be, if one is near enough.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(name.len()) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_the_order_of_its_text_and_loses_its_nulls() {
        let text = r#"{"z":1,"a":[true,"x",2.5],"n":null,"m":{"b":1,"a":2}}"#;
        let value = Value::parse_json(text).unwrap();
        assert_eq!(
            serde_json::to_string(&value).unwrap(),
            r#"{"z":1,"a":[true,"x",2.5],"m":{"b":1,"a":2}}"#
        );
        assert!(Value::parse_json("[null]").is_err());
    }

    #[test]
    fn a_table_stands_at_its_header() {
        let text = "a = 1\n[source.points]\nconnector = \"kafka\"\n";
        let ValueKind::Table(entries) = Value::parse_toml(text).unwrap().kind else {
            panic!("a table")
        };
        let ValueKind::Table(sources) = &entries[1].1.kind else {
            panic!("a table")
        };
        assert_eq!(&text[sources[0].0.span.clone().unwrap()], "points");
        assert_eq!(&text[sources[0].1.span.clone().unwrap()], "[source.points]");
    }
}
