//! Recorded points in, diagrams out: equal to those of GUDHI, and equal to the last bit to those computed directly.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tests::cluster::{Cluster, ClusterSpec, with_cluster};
use tests::expected::{Windows, compare};
use tests::results::{Diagram, Window};
use tests::stream::{FLUSH_KEY, Row, Stream};
use tests::wait::wait_until;

use crate::kafka::{self, Job};

/// `tests/golden/windows.json`, written by `windows.py` beside it.
#[derive(Deserialize)]
struct Golden {
    size_ms: i64,
    slide_ms: i64,
    max_dimension: usize,
    max_edge_length: f64,
    rows: Vec<GoldenRow>,
    windows: Vec<GoldenWindow>,
}

#[derive(Deserialize)]
struct GoldenRow {
    key: String,
    timestamp: i64,
    point: [f64; 2],
}

#[derive(Deserialize)]
struct GoldenWindow {
    key: String,
    start: i64,
    end: i64,
    count: u64,
    pairs: Vec<(u8, f64, Option<f64>)>,
}

impl Golden {
    fn read() -> Self {
        serde_json::from_str(include_str!("../../golden/windows.json")).unwrap()
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        self.rows.iter().map(|row| Row {
            key: row.key.clone(),
            event_time: row.timestamp * 1000,
            point: row.point,
        })
    }

    fn windows(&self) -> BTreeMap<Window, Diagram> {
        let diagram = |window: &GoldenWindow| {
            let pairs = window
                .pairs
                .iter()
                .map(|&(dimension, birth, death)| (dimension, birth, death.unwrap_or(f64::INFINITY)));
            Diagram::new(window.count, pairs.collect())
        };
        self.windows
            .iter()
            .map(|window| ((window.key.clone(), window.start, window.end), diagram(window)))
            .collect()
    }

    fn computed(&self) -> Windows {
        Windows {
            size_ms: self.size_ms,
            slide_ms: self.slide_ms,
            max_dimension: self.max_dimension,
            max_edge_length: self.max_edge_length,
        }
    }
}

/// Doubles on both sides; the distances are computed in a different order.
const TOLERANCE: f64 = 1e-9;

#[test]
fn windows_of_recorded_points_have_the_diagrams_of_gudhi() {
    with_cluster(ClusterSpec::new(1, 2), recorded_points);
}

#[test]
fn the_same_with_two_taskmanagers_and_checkpoints_in_s3() {
    with_cluster(ClusterSpec::new(2, 1).on_s3(), recorded_points);
}

fn recorded_points(cluster: &mut Cluster) -> Result<()> {
    let golden = Golden::read();
    let mut job = kafka::start(cluster, 2, &[("parallelism", "2"), ("max_dimension", "2")])?;
    write(&golden, &job)?;
    let expected = golden.windows();
    let mut come = 0;
    wait_until("all windows", Duration::from_secs(60), || {
        cluster.check_alive()?;
        job.output.take_in()?;
        come = job.output.windows.keys().filter(|window| window.0 != FLUSH_KEY).count();
        Ok(come >= expected.len())
    })
    .with_context(|| format!("{come} of {} windows came", expected.len()))?;

    let found = |window: &Window| job.output.windows.get(window).map(|(diagram, _)| diagram.clone());
    compare(&expected, found, job.output.windows.keys().cloned(), TOLERANCE)?;
    let direct = golden.computed().of(golden.rows())?;
    compare(&direct, found, job.output.windows.keys().cloned(), 0.0)?;
    ensure!(
        job.output.duplicates == 0,
        "{} windows came twice without a failure",
        job.output.duplicates
    );
    cluster.wait_for_checkpoints(&job.id, 1, Duration::from_secs(20))
}

/// Every key keeps to one partition, so that its rows stay in order.
fn write(golden: &Golden, job: &Job) -> Result<()> {
    for row in golden.rows() {
        let partition = i32::from(row.key == "two");
        job.writer
            .send(&job.input, partition, row.key.as_bytes(), row.to_json().as_bytes())?;
    }
    job.writer.flush()?;
    let stream = Stream {
        seed: 0,
        keys: 1,
        partitions: 2,
        step_us: 1_000_000,
    };
    stream.write_flush(&job.writer, &job.input, 120)
}
