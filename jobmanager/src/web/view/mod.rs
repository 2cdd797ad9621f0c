//! The REST answers, made of what is known of jobs and TaskManagers. Pure: same view, same JSON.

pub mod checkpoint;
pub mod cluster;
pub mod job;
pub mod metric;
pub mod vertex;

use serde_json::{Map, Value, json};
use streaming::graph::Vertex;

use crate::job::view::TaskView;

/// States of a task, as Flink counts them.
pub const TASK_STATES: [&str; 10] = [
    "CREATED",
    "SCHEDULED",
    "DEPLOYING",
    "INITIALIZING",
    "RUNNING",
    "FINISHED",
    "CANCELING",
    "CANCELED",
    "FAILED",
    "RECONCILING",
];

/// The id of a vertex in REST: 32 hexadecimal digits that stay the same over restarts and submissions, because they come
/// from the name of the vertex's first node alone (FNV-1a, 128 bits).
pub fn vertex_id(vertex: &Vertex) -> String {
    let head = vertex.nodes.first().map_or("", |node| node.id.as_str());
    format!("{:032x}", fnv(head))
}

fn fnv(text: &str) -> u128 {
    let basis = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    let step = |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
    text.bytes().fold(basis, step)
}

/// Counts of `names`, 0 where there is none.
fn counts<'a>(names: &[&str], found: impl IntoIterator<Item = &'a str>) -> Map<String, Value> {
    let mut counts: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!(0))).collect();
    for name in found {
        let count = counts.get(name).and_then(Value::as_u64).unwrap_or(0);
        counts.insert(name.to_owned(), json!(count + 1));
    }
    counts
}

/// Input and output of some tasks together, in Flink's names; ours stand beside them.
fn io_metrics<'a>(tasks: impl Iterator<Item = &'a TaskView> + Clone) -> Value {
    let sum = |of: fn(&TaskView) -> u64| tasks.clone().map(of).sum::<u64>();
    let rate = |of: fn(&TaskView) -> f64| (tasks.clone().map(of).sum::<f64>() * 10.0).round() / 10.0;
    let counted = |suffix: &str| {
        let counters = tasks.clone().flat_map(|task| &task.report.counters);
        let matching = counters.filter(|(name, _)| name.ends_with(suffix));
        matching.map(|(_, count)| count).sum::<u64>()
    };
    let is_complete = tasks.clone().all(|task| task.reported_ms > 0);
    let mut metrics = json!({
        "read-bytes": sum(|task| task.report.bytes_in),
        "read-bytes-complete": is_complete,
        "write-bytes": sum(|task| task.report.bytes_out),
        "write-bytes-complete": is_complete,
        "read-records": sum(|task| task.report.records_in),
        "read-records-complete": is_complete,
        "write-records": sum(|task| task.report.records_out),
        "write-records-complete": is_complete,
        "accumulated-backpressured-time": sum(|task| task.report.backpressured_ms),
        "accumulated-idle-time": sum(|task| task.report.idle_ms),
        "accumulated-busy-time": sum(|task| task.report.busy_ms) as f64,
        "records-in-per-second": rate(|task| task.rates.records_in),
        "records-out-per-second": rate(|task| task.rates.records_out),
        "records-late": counted(".numLateRecordsDropped"),
        "dead-letters": counted(".numRecordsBad") + counted(".numWindowsFailed"),
        "state-bytes": sum(|task| task.report.state_bytes),
    });
    // The lowest watermark, once every task has one.
    let watermarks: Option<Vec<i64>> = tasks.clone().map(TaskView::watermark_ms).collect();
    if let Some(lowest) = watermarks.and_then(|all| all.into_iter().min()) {
        metrics["current-input-watermark"] = json!(lowest);
    }
    let known: Vec<i64> = tasks
        .map(|task| task.report.pending_records)
        .filter(|&pending| pending >= 0)
        .collect();
    if !known.is_empty() {
        metrics["pending-records"] = json!(known.iter().sum::<i64>());
    }
    metrics
}

/// Milliseconds from `start` to `end`, or to `now` while there is no end; -1 before the start.
fn duration(start: i64, end: i64, now: i64) -> i64 {
    match (start, end) {
        (..=0, _) => -1,
        (start, ..=0) => (now - start).max(0),
        (start, end) => (end - start).max(0),
    }
}

/// Flink writes -1 for a time that is not yet.
fn time_or_none(ms: i64) -> i64 {
    if ms > 0 { ms } else { -1 }
}
