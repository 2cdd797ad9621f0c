//! A diagram as the web page shows it.

use serde::Serialize;
use streaming::Timestamp;
use streaming::batch::{Batch, Pair, Payload, WindowKind};

/// The most pairs that are shown: the most persistent ones.
const MOST_PAIRS: usize = 2000;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Shown<'a> {
    operator: &'a str,
    key: &'a str,
    start: i64,
    end: i64,
    kind: &'static str,
    count: u64,
    algorithm: &'a str,
    computation_time: f64,
    error_bound: f64,
    truncated: bool,
    /// Dimension, birth, death; no death for an essential class.
    pairs: Vec<(u64, f64, Option<f64>)>,
}

/// JSON of a batch of one diagram.
pub fn shown_diagram(operator: &str, row: &Batch) -> String {
    let Payload::Diagrams(diagrams) = &row.payload else {
        return String::new();
    };
    let mut pairs = diagrams.pairs.row(0).to_vec();
    let truncated = pairs.len() > MOST_PAIRS;
    if truncated {
        pairs.sort_by(|left, right| persistence(right).total_cmp(&persistence(left)));
        pairs.truncate(MOST_PAIRS);
    }
    let shown = Shown {
        operator,
        key: &String::from_utf8_lossy(row.keys.row(0)),
        start: Timestamp::as_millis(diagrams.start[0]),
        end: Timestamp::as_millis(diagrams.end[0]),
        kind: WindowKind::from_code(diagrams.kind[0]).map_or("unknown", WindowKind::name),
        count: diagrams.count[0],
        algorithm: &String::from_utf8_lossy(diagrams.algorithm.row(0)),
        computation_time: diagrams.seconds[0],
        error_bound: diagrams.error_bound[0],
        truncated,
        pairs: pairs
            .iter()
            .map(|pair| {
                (
                    pair.dimension,
                    pair.birth,
                    Some(pair.death).filter(|death| death.is_finite()),
                )
            })
            .collect(),
    };
    serde_json::to_string(&shown).unwrap_or_default()
}

fn persistence(pair: &Pair) -> f64 {
    pair.death - pair.birth
}
