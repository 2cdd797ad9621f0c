//! Readings that several connectors share.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::job::{Options, ValueKind};

/// A number of bytes: `"16 MiB"`, `"64kb"`, `4096`; a bare number counts bytes, and `k`, `m`, `g` count in 1024s, as in Flink.
pub(super) fn bytes(options: &mut Options, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
    let value = options.take(name)?;
    let bytes = match &value.kind {
        ValueKind::Integer(number) => u64::try_from(*number).ok(),
        ValueKind::String(text) => parse_bytes(text),
        _ => None,
    };
    let Some(bytes) = bytes else {
        let found = value.describe();
        options.problem(
            name,
            format_args!("expected a size such as \"16 MiB\" or a number of bytes, found {found}"),
        );
        return None;
    };
    if !range.contains(&bytes) {
        options.problem(
            name,
            format_args!("{bytes} bytes is not between {} and {}", range.start(), range.end()),
        );
        return None;
    }
    Some(bytes)
}

fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let shift = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}

/// A table of names and texts; numbers and truth values become their texts. Empty where it is not given.
pub(super) fn texts(options: &mut Options, name: &'static str) -> BTreeMap<String, String> {
    let Some(value) = options.take(name) else {
        return BTreeMap::new();
    };
    let ValueKind::Table(entries) = value.kind else {
        let found = value.describe();
        options.problem(name, format_args!("expected a table, found {found}"));
        return BTreeMap::new();
    };
    let mut texts = BTreeMap::new();
    flatten("", &entries, &mut |key, value| {
        let text = match &value.kind {
            ValueKind::String(text) => text.clone(),
            ValueKind::Integer(number) => number.to_string(),
            ValueKind::Float(number) => number.to_string(),
            ValueKind::Boolean(flag) => flag.to_string(),
            _ => {
                let found = value.describe();
                options.problem(name, format_args!("{key} must be a text, found {found}"));
                return;
            }
        };
        texts.insert(key, text);
    });
    texts
}

/// `client.id = "x"` is a table within a table to TOML; here it is the one name `client.id`.
fn flatten(
    prefix: &str,
    entries: &[(crate::job::Key, crate::job::Value)],
    visit: &mut dyn FnMut(String, &crate::job::Value),
) {
    for (key, value) in entries {
        let name = format!("{prefix}{}", key.name);
        match &value.kind {
            ValueKind::Table(inner) => flatten(&format!("{name}."), inner, visit),
            _ => visit(name, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::tests::options;

    #[test]
    fn sizes_have_units_of_1024() {
        let cases = [
            ("4096", Some(4096)),
            ("16 MiB", Some(16 << 20)),
            ("64kb", Some(64 << 10)),
            ("1g", Some(1 << 30)),
            ("1.5 MiB", None),
            ("99999999999 g", None),
            ("many", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_bytes(text), bytes, "{text}");
        }
    }

    #[test]
    fn dotted_names_are_one_name() {
        let mut options = options("properties = { client.id = \"x\", \"linger.ms\" = 5, a.b.c = true }");
        let texts = texts(&mut options, "properties");
        let shown: Vec<_> = texts.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(shown, ["a.b.c=true", "client.id=x", "linger.ms=5"]);
        assert!(options.problems().is_empty());
    }
}
