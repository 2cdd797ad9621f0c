//! Reading YAML into flat keys: `rest.port: 8082` and nested maps mean the same.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::{Error, Result};

/// One `key: value` of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub key: String,
    pub value: String,
    /// Counted from 1.
    pub line: u64,
}

/// The flat entries of `text`, in its order; `origin` names it in errors.
pub(crate) fn read(text: &str, origin: &str) -> Result<Vec<Line>> {
    let failed = |reason: String| Error::Yaml {
        origin: origin.to_owned(),
        reason,
    };
    let parsed = serde_saphyr::from_str(text);
    // Without the lines around the mistake: they may hold a secret.
    let root: Option<Node> =
        parsed.map_err(|error: serde_saphyr::Error| failed(error.without_snippet().to_string()))?;
    let mut lines = Vec::new();
    match root {
        None | Some(Node::Null) => {}
        Some(Node::Map(entries)) => flatten("", &entries, text, &mut lines),
        Some(_) => return Err(failed("expected lines of the form \"key: value\"".into())),
    }
    Ok(lines)
}

fn flatten(prefix: &str, entries: &[(String, Spanned<Node>)], text: &str, lines: &mut Vec<Line>) {
    for (name, node) in entries {
        let key = format!("{prefix}{name}");
        if let Node::Map(inner) = &node.value {
            flatten(&format!("{key}."), inner, text, lines);
            continue;
        }
        if let Some(value) = written(node, text) {
            let line = node.referenced.line();
            lines.push(Line { key, value, line });
        }
    }
}

/// The value as it was written; `None` where there is nothing.
fn written(node: &Spanned<Node>, text: &str) -> Option<String> {
    match &node.value {
        Node::Null | Node::Map(_) => None,
        Node::Text(value) => Some(value.clone()),
        // The number's own text: 1_000 or 007 may be part of a name or of a password.
        Node::Plain(value) => Some(slice(text, node.referenced).unwrap_or(value).trim().to_owned()),
        Node::List(nodes) => {
            let parts: Vec<_> = nodes.iter().filter_map(|node| written(node, text)).collect();
            Some(parts.join(","))
        }
    }
}

fn slice(text: &str, location: Location) -> Option<&str> {
    let start = usize::try_from(location.span().byte_offset()?).ok()?;
    let length = usize::try_from(location.span().byte_len()?).ok()?;
    text.get(start..start.checked_add(length)?)
        .filter(|text| !text.trim().is_empty())
}

#[derive(Debug)]
enum Node {
    Null,
    Text(String),
    /// A number or boolean, as serde sees it.
    Plain(String),
    List(Vec<Spanned<Node>>),
    Map(Vec<(String, Spanned<Node>)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a map")
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }
    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }
    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Plain(value.to_string()))
    }
    fn visit_str<E: de::Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }
    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }
    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = sequence.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let lines = read(text, "test").unwrap();
        lines
            .iter()
            .map(|line| format!("{} {}={}", line.line, line.key, line.value))
            .collect()
    }

    #[test]
    fn flat_and_nested_keys_mean_the_same() {
        assert_eq!(
            shown("# comment\nrest.port: 8082\nrest:\n  address: host\n"),
            ["2 rest.port=8082", "4 rest.address=host"]
        );
    }

    #[test]
    fn values_are_taken_as_written() {
        assert_eq!(
            shown("a: 007\nb: 1_000\nc: 1.50\nd: TRUE\ne: '0123'\nf:\ng: [x, 1]\nh: 4g # why\n"),
            [
                "1 a=007",
                "2 b=1_000",
                "3 c=1.50",
                "4 d=TRUE",
                "5 e=0123",
                "7 g=x,1",
                "8 h=4g"
            ]
        );
    }

    #[test]
    fn an_empty_file_has_no_entries() {
        assert_eq!(shown(""), [""; 0]);
        assert_eq!(shown("# nothing\n"), [""; 0]);
    }

    #[test]
    fn an_error_names_the_line_and_shows_nothing_of_its_neighbours() {
        let text = "s3.secret-key: hunter2\nrest.port: [1\n";
        let error = read(text, "x.yaml").unwrap_err().to_string();
        assert!(error.contains("line 2") || error.contains("line 3"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn what_is_not_a_map_is_refused_with_its_name() {
        for text in ["- a\n- b\n", "just text", "a: [", "a: 1\na: 2\n"] {
            let error = read(text, "x.yaml").unwrap_err().to_string();
            assert!(error.starts_with("x.yaml is not a configuration: "), "{text}: {error}");
        }
    }
}
