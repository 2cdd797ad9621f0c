//! JSON: an array of numbers or of rows, or an object that says what it holds.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Content, Table};

pub fn parse(text: &str) -> Result<Content, String> {
    if text.trim_start().starts_with('[') {
        return table(text).map(Content::Bare);
    }
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(not_json)?;
    let named = |name: &str| -> Result<Option<Table>, String> {
        let found = fields.get(name).map(|raw| table(raw.get()));
        found.transpose().map_err(|what| format!("in \"{name}\", {what}"))
    };
    if let Some(points) = named("points")? {
        Ok(Content::Points(points))
    } else if let Some(matrix) = named("distance_matrix")? {
        Ok(Content::DistanceMatrix(matrix))
    } else if let Some(edges) = named("edges")? {
        let vertices = fields.get("vertices").map(|raw| serde_json::from_str(raw.get()));
        let vertices = vertices
            .transpose()
            .map_err(|_| "\"vertices\" is not a number of vertices")?;
        Ok(Content::SparseEdges { edges, vertices })
    } else if let Some(diagrams) = fields.get("dgms") {
        let diagrams: Vec<&RawValue> = serde_json::from_str(diagrams.get()).map_err(|_| "\"dgms\" is not a list")?;
        let tables = diagrams.iter().map(|raw| table(raw.get()));
        tables.collect::<Result<_, _>>().map(Content::Diagrams)
    } else {
        Err("holds an object without \"points\", \"distance_matrix\", \"edges\" or \"dgms\"".to_owned())
    }
}

/// Numbers, or rows of numbers.
fn table(text: &str) -> Result<Table, String> {
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(not_json)?;
    if !items.iter().any(|item| item.get().starts_with('[')) {
        let values = items.iter().enumerate().map(|(at, item)| {
            serde_json::from_str(item.get())
                .map(|Exact(value)| value)
                .map_err(|_| not_number(item, &format!("number {at}")))
        });
        return values.collect::<Result<_, _>>().map(Table::list);
    }
    let (mut values, mut lengths) = (Vec::new(), Vec::with_capacity(items.len()));
    for (row, item) in items.iter().enumerate() {
        let numbers: Vec<Exact> =
            serde_json::from_str(item.get()).map_err(|_| not_number(item, &format!("row {row}")))?;
        lengths.push(numbers.len());
        values.extend(numbers.iter().map(|Exact(value)| value));
    }
    Ok(Table::new(values, lengths))
}

fn not_json(error: serde_json::Error) -> String {
    format!("is not JSON: {error}")
}

fn not_number(item: &RawValue, place: &str) -> String {
    /// More would not help to find it.
    const SHOWN: usize = 40;
    let text: String = item.get().chars().take(SHOWN).collect();
    let expected = if place.starts_with("row") {
        "a row of numbers"
    } else {
        "a number"
    };
    format!("{place} is {text}, expected {expected} (counted from 0)")
}

/// A float as Rust reads it, to the last bit; serde_json alone may miss that one. `null` is infinity.
struct Exact(f64);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match <&RawValue>::deserialize(deserializer)?.get() {
            "null" => Ok(Self(f64::INFINITY)),
            text => text
                .parse()
                .map(Self)
                .map_err(|_| D::Error::custom("expected a number")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_and_objects_are_read() {
        let rows = Table::from_rows(&[vec![0.1, 2.0], vec![3.0, f64::INFINITY]]);
        assert_eq!(parse("[[0.1, 2], [3.0, null]]"), Ok(Content::Bare(rows.clone())));
        assert_eq!(parse("[1, 2e3]"), Ok(Content::Bare(Table::list(vec![1.0, 2e3]))));
        assert_eq!(parse("[]"), Ok(Content::Bare(Table::list(vec![]))));
        assert_eq!(
            parse(r#"{"vertices": 5, "edges": [[0.1, 2], [3.0, null]], "more": {}}"#),
            Ok(Content::SparseEdges {
                edges: rows.clone(),
                vertices: Some(5)
            })
        );
        assert_eq!(
            parse(r#"{"dgms": [[[0.1, 2], [3.0, null]], []]}"#),
            Ok(Content::Diagrams(vec![rows, Table::list(vec![])]))
        );
    }

    #[test]
    fn numbers_are_exact_to_the_last_bit() {
        // serde_json without its feature float_roundtrip reads the neighbour of this one.
        let text = "31.245270191439438";
        let Ok(Content::Bare(table)) = parse(&format!("[{text}]")) else {
            panic!("not read")
        };
        assert_eq!(table.values[0].to_bits(), text.parse::<f64>().unwrap().to_bits());
    }

    #[test]
    fn faults_are_told_with_their_place() {
        let check = |text: &str, expected: &str| {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check("[[1, 2], [3, \"x\"]]", "row 1 is [3, \"x\"], expected a row of numbers");
        check("[[1, 2], 3]", "row 1 is 3");
        check("[1, true]", "number 1 is true, expected a number");
        check("[1, ", "is not JSON");
        check("{\"values\": []}", "without \"points\"");
        check("{\"points\": [[{}]]}", "in \"points\", row 0 is [{}]");
    }
}
