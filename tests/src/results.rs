//! Window results as they stand on the output topic (`tda_window_result_v1`).

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;
use streaming::Timestamp;

use crate::topics::Reader;

/// Which window: key, start and end in milliseconds since the epoch.
pub type Window = (String, i64, i64);

/// The diagram of a window: pairs `(dimension, birth, death)`, sorted.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagram {
    pub points: u64,
    pub pairs: Vec<(u8, f64, f64)>,
}

impl Diagram {
    pub fn new(points: u64, mut pairs: Vec<(u8, f64, f64)>) -> Self {
        pairs.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.total_cmp(&b.2)));
        Self { points, pairs }
    }

    /// What differs from `other`, in a line; only good for two that are not close.
    pub fn difference(&self, other: &Self, tolerance: f64) -> String {
        let (found, expected) = (self.pairs.len(), other.pairs.len());
        if self.points != other.points || found != expected {
            let (points, wanted) = (self.points, other.points);
            return format!("{points} points and {found} pairs, expected {wanted} points and {expected} pairs");
        }
        let mut apart = self
            .pairs
            .iter()
            .zip(&other.pairs)
            .filter(|(a, b)| !Self::close(a, b, tolerance));
        apart.next().map_or_else(String::new, |(found, expected)| {
            format!("{found:?}, expected {expected:?}")
        })
    }

    fn close(a: &(u8, f64, f64), b: &(u8, f64, f64), tolerance: f64) -> bool {
        let close = |a: f64, b: f64| a == b || (a - b).abs() <= tolerance;
        a.0 == b.0 && close(a.1, b.1) && close(a.2, b.2)
    }

    /// Whether both hold the same pairs up to `tolerance` in each value.
    pub fn is_close(&self, other: &Self, tolerance: f64) -> bool {
        self.points == other.points
            && self.pairs.len() == other.pairs.len()
            && self
                .pairs
                .iter()
                .zip(&other.pairs)
                .all(|(a, b)| Self::close(a, b, tolerance))
    }
}

#[derive(Deserialize)]
struct Document<'a> {
    window: WindowText,
    #[serde(borrow)]
    tda_results: Results<'a>,
}

#[derive(Deserialize)]
struct WindowText {
    key: String,
    start: String,
    end: String,
    count: u64,
}

#[derive(Deserialize)]
struct Results<'a> {
    #[serde(borrow)]
    persistence_pairs: Vec<PairText<'a>>,
}

/// Numbers as they were written: `serde_json` reads some of them wrongly in the last bit, the standard library none.
#[derive(Deserialize)]
struct PairText<'a> {
    dimension: u8,
    #[serde(borrow)]
    birth: &'a RawValue,
    #[serde(borrow)]
    death: &'a RawValue,
}

/// Reads one document.
pub fn parse(document: &[u8]) -> Result<(Window, Diagram)> {
    let read: Document<'_> = serde_json::from_slice(document)
        .with_context(|| format!("not a window result: {}", String::from_utf8_lossy(document)))?;
    let pairs = read.tda_results.persistence_pairs.iter().map(|pair| {
        let death = match pair.death.get() {
            "\"inf\"" => f64::INFINITY,
            number => number.parse()?,
        };
        Ok((pair.dimension, pair.birth.get().parse()?, death))
    });
    let diagram = Diagram::new(read.window.count, pairs.collect::<Result<_>>()?);
    let window = read.window;
    Ok(((window.key, millis(&window.start)?, millis(&window.end)?), diagram))
}

fn millis(text: &str) -> Result<i64> {
    let time = Timestamp::parse_rfc3339(text).with_context(|| format!("{text:?} is no time"))?;
    Ok(time.0.div_euclid(1000))
}

/// Reads a topic in the background and notes when every result came.
pub struct Collector {
    arrivals: Receiver<Result<(Instant, Vec<u8>)>>,
    // Dropping it tells the thread to end.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Every window that has come, with its diagram and the time of its first arrival.
    pub windows: BTreeMap<Window, (Diagram, Instant)>,
    /// Results of windows that had come before.
    pub duplicates: usize,
}

impl Collector {
    pub fn start(bootstrap: &str, topic: &str) -> Result<Self> {
        let reader = Reader::new(bootstrap, topic)?;
        let (send, arrivals) = channel();
        let (stop, stopped) = channel::<()>();
        let thread = thread::spawn(move || {
            while stopped.try_recv() == Err(TryRecvError::Empty) {
                let next = reader.next(Duration::from_millis(50));
                let failed = next.is_err();
                if let Some(arrival) = next.map(|next| next.map(|value| (Instant::now(), value))).transpose()
                    && (send.send(arrival).is_err() || failed)
                {
                    return;
                }
            }
        });
        Ok(Self {
            arrivals,
            stop: Some(stop),
            thread: Some(thread),
            windows: BTreeMap::new(),
            duplicates: 0,
        })
    }

    /// Takes in what has come. Fails when a window has come twice with different diagrams.
    pub fn take_in(&mut self) -> Result<()> {
        loop {
            let (at, document) = match self.arrivals.try_recv() {
                Ok(arrival) => arrival?,
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => bail!("the reader of the output topic has ended"),
            };
            let (window, diagram) = parse(&document)?;
            if let Some((before, _)) = self.windows.get(&window) {
                ensure!(
                    *before == diagram,
                    "{window:?} came twice, as {before:?} and as {diagram:?}"
                );
                self.duplicates += 1;
            } else {
                self.windows.insert(window, (diagram, at));
            }
        }
    }

    /// The longest time without a new window between `from` and `to`.
    pub fn longest_silence(&self, from: Instant, to: Instant) -> Duration {
        let mut times: Vec<_> = self
            .windows
            .values()
            .map(|(_, at)| *at)
            .filter(|at| (from..to).contains(at))
            .collect();
        times.push(from);
        times.push(to);
        times.sort_unstable();
        times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been seen by the test as a reader that ended.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_read_with_its_window_and_sorted_pairs() {
        let document =
            br#"{"window": {"key": "k", "start": "1970-01-01T00:00:01Z", "end": "1970-01-01T00:00:02.000Z", "count": 2, "kind": "tumbling"},
            "tda_results": {"persistence_pairs": [{"dimension": 0, "birth": 0.0, "death": "inf"},
                                                  {"dimension": 0, "birth": 0.0, "death": 0.5}]}}"#;
        let (window, diagram) = parse(document).unwrap();
        assert_eq!(window, ("k".into(), 1000, 2000));
        assert_eq!(
            diagram,
            Diagram {
                points: 2,
                pairs: vec![(0, 0.0, 0.5), (0, 0.0, f64::INFINITY)]
            }
        );
        assert!(parse(b"{}").is_err());
    }

    #[test]
    fn close_diagrams_differ_in_values_and_not_in_shape() {
        let diagram = |death| Diagram::new(2, vec![(0, 0.0, death), (0, 0.0, f64::INFINITY)]);
        assert!(diagram(0.5).is_close(&diagram(0.5 + 1e-9), 1e-8));
        assert!(!diagram(0.5).is_close(&diagram(0.6), 1e-8));
        assert!(!diagram(0.5).is_close(&Diagram::new(2, vec![]), 1.0));
    }
}
