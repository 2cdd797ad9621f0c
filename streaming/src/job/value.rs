//! A TOML or JSON value that remembers where it stands.

use std::ops::Range;

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

    /// Reads a JSON object or value; nothing in it has a place. `null` entries are left out.
    pub fn parse_json(text: &str) -> Result<Self, String> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        from_json(value)
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

fn from_json(value: serde_json::Value) -> Result<Value, String> {
    let kind = match value {
        serde_json::Value::Null => return Err("null where a value is expected".to_owned()),
        serde_json::Value::Bool(flag) => ValueKind::Boolean(flag),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) => ValueKind::Integer(integer),
            None => ValueKind::Float(
                number
                    .as_f64()
                    .ok_or_else(|| format!("the number {number} is out of range"))?,
            ),
        },
        serde_json::Value::String(text) => ValueKind::String(text),
        serde_json::Value::Array(values) => {
            ValueKind::List(values.into_iter().map(from_json).collect::<Result<_, _>>()?)
        }
        serde_json::Value::Object(entries) => ValueKind::Table(
            entries
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| Ok((Key { name, span: None }, from_json(value)?)))
                .collect::<Result<_, String>>()?,
        ),
    };
    Ok(Value::new(kind))
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
