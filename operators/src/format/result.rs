//! The encoder of `result-json`.

use std::fmt::Write as _;

use streaming::batch::{Batch, Diagrams, Documents, Pair, Payload, WindowKind, Windows};
use streaming::connector::Encoder;
use streaming::{Result, Timestamp};

use super::json::{push_number, push_text};
use super::point::{point_json, push_points};

/// The schema of an answer.
const SCHEMA: &str = "tda_window_result_v1";

/// Writes rows as JSON.
pub struct ResultEncoder {
    /// The job's name, as a JSON text.
    job: String,
    /// The document that is being written.
    text: String,
}

/// What is told of a window.
struct WindowOf<'a> {
    key: &'a [u8],
    start: Timestamp,
    end: Timestamp,
    count: u64,
    kind: u8,
}

impl ResultEncoder {
    pub fn new(job_name: &str) -> Self {
        let mut job = String::new();
        push_text(&mut job, job_name);
        Self {
            job,
            text: String::new(),
        }
    }

    /// Begins a document: `{"schema":…,"job":…,"timestamp":…,"window":{…}`.
    fn begin(&mut self, schema: Option<&str>, window: &WindowOf<'_>, now: Timestamp) {
        let text = &mut self.text;
        text.clear();
        text.push('{');
        if let Some(schema) = schema {
            put(text, format_args!("\"schema\":\"{schema}\","));
        }
        put(
            text,
            format_args!("\"job\":{},\"timestamp\":\"{now}\",\"window\":{{\"key\":", self.job),
        );
        push_text(text, &String::from_utf8_lossy(window.key));
        let kind = WindowKind::from_code(window.kind).map_or("unknown", WindowKind::name);
        let WindowOf { start, end, count, .. } = window;
        put(
            text,
            format_args!(",\"start\":\"{start}\",\"end\":\"{end}\",\"count\":{count},\"kind\":\"{kind}\"}}"),
        );
    }

    fn write_diagram(&mut self, keys: &[u8], diagrams: &Diagrams, row: usize, now: Timestamp) {
        let window = WindowOf {
            key: keys,
            start: diagrams.start[row],
            end: diagrams.end[row],
            count: diagrams.count[row],
            kind: diagrams.kind[row],
        };
        self.begin(Some(SCHEMA), &window, now);
        let text = &mut self.text;
        text.push_str(",\"computation_info\":{\"algorithm\":");
        push_text(text, &String::from_utf8_lossy(diagrams.algorithm.row(row)));
        put(
            text,
            format_args!(
                ",\"num_points\":{},\"dimension\":{}",
                diagrams.count[row], diagrams.dim[row]
            ),
        );
        put(
            text,
            format_args!(
                ",\"max_dimension\":{},\"computation_time\":",
                diagrams.max_dimension[row]
            ),
        );
        push_number(text, diagrams.seconds[row]);
        text.push_str(",\"success\":true,\"error_bound\":");
        push_number(text, diagrams.error_bound[row]);
        put(text, format_args!(",\"memory_bytes\":{}}}", diagrams.memory_bytes[row]));
        push_results(text, diagrams.pairs.row(row), u64::from(diagrams.max_dimension[row]));
        let annotations = diagrams.annotations.row(row);
        if !annotations.is_empty() {
            text.push(',');
            text.push_str(&String::from_utf8_lossy(annotations));
        }
        text.push('}');
    }

    fn write_window(&mut self, key: &[u8], windows: &Windows, row: usize, now: Timestamp) {
        let window = WindowOf {
            key,
            start: windows.start[row],
            end: windows.end[row],
            count: windows.count[row],
            kind: windows.kind[row],
        };
        self.begin(None, &window, now);
        let coords = windows.coords.row(row);
        if !coords.is_empty() {
            self.text.push_str(",\"points\":");
            push_points(&mut self.text, coords, windows.dim[row], usize::MAX);
        }
        self.text.push('}');
    }
}

impl Encoder for ResultEncoder {
    fn encode(&mut self, batch: Batch, now: Timestamp) -> Result<Documents> {
        let mut documents = Documents::default();
        match batch.payload {
            Payload::Documents(documents) => return Ok(documents),
            Payload::Points(points) => {
                for (row, time) in batch.event_time.iter().enumerate() {
                    documents
                        .bytes
                        .push(&point_json(batch.keys.row(row), *time, points.row(row)));
                }
            }
            Payload::Windows(windows) => {
                for row in 0..batch.event_time.len() {
                    self.write_window(batch.keys.row(row), &windows, row, now);
                    documents.bytes.push(self.text.as_bytes());
                }
            }
            Payload::Diagrams(diagrams) => {
                for row in 0..batch.event_time.len() {
                    self.write_diagram(batch.keys.row(row), &diagrams, row, now);
                    documents.bytes.push(self.text.as_bytes());
                }
            }
        }
        Ok(documents)
    }
}

/// Appends `,"tda_results":{…}`. Betti numbers are those at the end of the filtration: the classes that never die.
fn push_results(text: &mut String, pairs: &[Pair], max_dimension: u64) {
    let of = |dimension: u64| pairs.iter().filter(move |pair| pair.dimension == dimension);
    text.push_str(",\"tda_results\":{\"betti_numbers\":{");
    for dimension in 0..=max_dimension {
        let betti = of(dimension).filter(|pair| pair.death == f64::INFINITY).count();
        put(text, format_args!("{}\"{dimension}\":[{betti}]", comma(dimension)));
    }
    text.push_str("},\"persistence_pairs\":[");
    for (index, pair) in (0..).zip(pairs) {
        put(
            text,
            format_args!("{}{{\"dimension\":{},\"birth\":", comma(index), pair.dimension),
        );
        push_number(text, pair.birth);
        text.push_str(",\"death\":");
        push_number(text, pair.death);
        text.push('}');
    }
    text.push_str("],\"homology_groups\":[");
    for dimension in 0..=max_dimension {
        let features = of(dimension).count();
        put(
            text,
            format_args!(
                "{}{{\"dimension\":{dimension},\"num_features\":{features}}}",
                comma(dimension)
            ),
        );
    }
    text.push_str("]}");
}

fn comma(index: u64) -> &'static str {
    if index == 0 { "" } else { "," }
}

fn put(text: &mut String, written: std::fmt::Arguments<'_>) {
    text.write_fmt(written).expect("writing to a String cannot fail");
}
