//! Answers about the checkpoints of a job.

use serde_json::{Map, Value, json};
use streaming::graph::Vertex;

use super::{job, vertex_id};
use crate::job::checkpoints::{Acknowledgement, Checkpoint, Checkpoints, Restored, Status};
use crate::job::view::JobView;

/// `/jobs/:id/checkpoints`.
pub fn overview(job: &JobView, now: i64) -> Value {
    let all = &job.checkpoints;
    let in_progress = all.in_progress();
    let durations: Vec<u64> = all.measured.iter().map(|(duration, _)| *duration).collect();
    let sizes: Vec<u64> = all.measured.iter().map(|(_, size)| *size).collect();
    let nothing = vec![0; durations.len()];
    json!({
        "counts": {
            "restored": all.restored,
            "total": all.completed + all.failed + in_progress as u64,
            "in_progress": in_progress,
            "completed": all.completed,
            "failed": all.failed,
        },
        "summary": {
            "checkpointed_size": spread(&sizes),
            "state_size": spread(&sizes),
            "end_to_end_duration": spread(&durations),
            "alignment_buffered": spread(&nothing),
            "processed_data": spread(&nothing),
            "persisted_data": spread(&nothing),
        },
        "latest": latest(all, now),
        "history": all.history.iter().map(|one| entry(one, now)).collect::<Vec<_>>(),
    })
}

fn latest(all: &Checkpoints, now: i64) -> Value {
    let restored = |one: &Restored| json!({"id": one.epoch, "restore_timestamp": one.at_ms, "is_savepoint": false, "external_path": one.path});
    json!({
        "completed": all.latest_completed().map(|one| entry(one, now)),
        "savepoint": null,
        "failed": all.latest_failed().map(|one| entry(one, now)),
        "restored": all.latest_restored.as_ref().map(restored),
    })
}

/// A checkpoint in a list, without its tasks.
fn entry(one: &Checkpoint, now: i64) -> Value {
    let (class, status) = match one.status {
        Status::InProgress => ("in_progress", "IN_PROGRESS"),
        Status::Completed => ("completed", "COMPLETED"),
        Status::Failed => ("failed", "FAILED"),
    };
    let mut entry = json!({
        "className": class,
        "id": one.epoch,
        "status": status,
        "is_savepoint": false,
        "savepointFormat": null,
        "trigger_timestamp": one.triggered_ms,
        "latest_ack_timestamp": one.last_acknowledged_ms().unwrap_or(-1),
        "checkpointed_size": one.written_bytes(),
        "state_size": one.state_bytes(),
        "end_to_end_duration": one.duration_ms(now),
        "alignment_buffered": 0,
        "processed_data": 0,
        "persisted_data": 0,
        "num_subtasks": one.tasks_total,
        "num_acknowledged_subtasks": one.acknowledged.len(),
        "checkpoint_type": "CHECKPOINT",
        "tasks": {},
    });
    if one.status == Status::Completed {
        entry["external_path"] = json!(one.path);
        entry["discarded"] = json!(one.discarded);
    }
    if one.status == Status::Failed {
        entry["failure_timestamp"] = json!(one.end_ms());
        entry["failure_message"] = json!(one.why_failed);
    }
    entry
}

/// `/jobs/:id/checkpoints/details/:cid`.
pub fn details(job: &JobView, one: &Checkpoint, now: i64) -> Value {
    let mut answer = entry(one, now);
    let tasks: Map<String, Value> = job
        .graph
        .vertices
        .iter()
        .map(|vertex| (vertex_id(vertex), of_vertex(one, vertex)))
        .collect();
    answer["tasks"] = Value::Object(tasks);
    if one.status == Status::InProgress {
        answer["waiting-for"] = json!(missing(job, one));
    }
    answer
}

fn of_vertex(one: &Checkpoint, vertex: &Vertex) -> Value {
    let found: Vec<&Acknowledgement> = acknowledgements(one, vertex).map(|(_, ack)| ack).collect();
    let last = found.iter().map(|ack| ack.at_ms).max();
    let status = match one.status {
        Status::Completed => "COMPLETED",
        Status::Failed => "FAILED",
        Status::InProgress => "IN_PROGRESS",
    };
    json!({
        "id": one.epoch,
        "status": status,
        "latest_ack_timestamp": last.unwrap_or(-1),
        "checkpointed_size": found.iter().map(|ack| ack.written_bytes).sum::<u64>(),
        "state_size": found.iter().map(|ack| ack.state_bytes).sum::<u64>(),
        "end_to_end_duration": last.map_or(-1, |at| (at - one.triggered_ms).max(0)),
        "alignment_buffered": 0,
        "processed_data": 0,
        "persisted_data": 0,
        "num_subtasks": vertex.parallelism,
        "num_acknowledged_subtasks": found.len(),
    })
}

fn acknowledgements<'a>(
    one: &'a Checkpoint,
    vertex: &Vertex,
) -> impl Iterator<Item = (u16, &'a Acknowledgement)> + use<'a> {
    let id = vertex.id;
    let all = one.acknowledged.iter().filter(move |(task, _)| task.vertex == id);
    all.map(|(task, ack)| (task.subtask, ack))
}

/// `/jobs/:id/checkpoints/details/:cid/subtasks/:vid`.
pub fn subtasks(one: &Checkpoint, vertex: &Vertex) -> Value {
    let found: Vec<(u16, &Acknowledgement)> = acknowledgements(one, vertex).collect();
    let duration = |ack: &Acknowledgement| u64::try_from(ack.at_ms - one.triggered_ms).unwrap_or(0);
    let over = |of: &dyn Fn(&Acknowledgement) -> u64| spread(&found.iter().map(|(_, ack)| of(ack)).collect::<Vec<_>>());
    let mut answer = of_vertex(one, vertex);
    answer["summary"] = json!({
        "checkpointed_size": over(&|ack| ack.written_bytes),
        "state_size": over(&|ack| ack.state_bytes),
        "end_to_end_duration": over(&duration),
        "checkpoint_duration": {"sync": over(&|ack| ack.sync_ms), "async": over(&|ack| ack.async_ms)},
        "alignment": {
            "buffered": over(&|_| 0),
            "processed": over(&|_| 0),
            "persisted": over(&|_| 0),
            "duration": over(&|ack| ack.alignment_ms),
        },
        "start_delay": over(&|ack| start_delay(ack, duration(ack))),
    });
    let mut list = vec![];
    for index in 0..vertex.parallelism {
        list.push(match found.iter().find(|(subtask, _)| *subtask == index) {
            None => json!({"className": "pending", "index": index, "status": "pending_or_failed"}),
            Some((_, ack)) => json!({
                "className": "completed",
                "index": index,
                "status": "completed",
                "ack_timestamp": ack.at_ms,
                "end_to_end_duration": duration(ack),
                "checkpointed_size": ack.written_bytes,
                "state_size": ack.state_bytes,
                "checkpoint": {"sync": ack.sync_ms, "async": ack.async_ms},
                "alignment": {"buffered": 0, "processed": 0, "persisted": 0, "duration": ack.alignment_ms},
                "start_delay": start_delay(ack, duration(ack)),
                "unaligned_checkpoint": false,
                "aborted": false,
            }),
        });
    }
    answer["subtasks"] = Value::Array(list);
    answer
}

/// How long the barrier took to reach the task.
fn start_delay(ack: &Acknowledgement, duration: u64) -> u64 {
    duration.saturating_sub(ack.alignment_ms + ack.sync_ms + ack.async_ms)
}

/// Flink's summary of numbers; percentiles of nothing are the text "NaN".
fn spread(values: &[u64]) -> Value {
    if values.is_empty() {
        return json!({"min": 0, "max": 0, "avg": 0, "p50": "NaN", "p90": "NaN", "p95": "NaN", "p99": "NaN", "p999": "NaN"});
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let quantile = |q: f64| sorted[(q * (sorted.len() - 1) as f64).round() as usize] as f64;
    let avg = sorted.iter().sum::<u64>() / sorted.len() as u64;
    json!({
        "min": sorted[0], "max": sorted[sorted.len() - 1], "avg": avg,
        "p50": quantile(0.5), "p90": quantile(0.9), "p95": quantile(0.95), "p99": quantile(0.99), "p999": quantile(0.999),
    })
}

/// `/jobs/:id/checkpoints/config`; an interval of 2^63 - 1 says that there are none.
pub fn config(job: &JobView) -> Value {
    let settings = job.settings.checkpointing.as_ref();
    let is_exact = settings.is_some_and(|one| one.exactly_once);
    json!({
        "mode": if is_exact { "exactly_once" } else { "at_least_once" },
        "interval": settings.map_or(i64::MAX as u64, |one| one.interval_ms),
        "timeout": settings.map_or(600_000, |one| one.timeout_ms),
        "min_pause": settings.map_or(0, |one| one.min_pause_ms),
        "max_concurrent": 1,
        "externalization": {
            "enabled": settings.is_some_and(|one| one.retain_on_cancel),
            "delete_on_cancellation": !settings.is_some_and(|one| one.retain_on_cancel),
        },
        "state_backend": job.settings.state_backend,
        "checkpoint_storage": settings.map_or("", |one| &one.directory),
        "unaligned_checkpoints": settings.is_some_and(|one| one.unaligned),
        "tolerable_failed_checkpoints": settings.map_or(0, |one| one.tolerable_failed),
        "aligned_checkpoint_timeout": settings.map_or(0, |one| one.aligned_timeout_ms),
        "checkpoints_after_tasks_finish": true,
        "state_changelog_enabled": false,
        "changelog_periodic_materialization_interval": 0,
        "changelog_storage": "",
        "num_retained": settings.map_or(0, |one| one.retained),
    })
}

/// Tasks that the epoch waits for, by name.
fn missing(job: &JobView, one: &Checkpoint) -> Vec<String> {
    let all = job.graph.vertices.iter().flat_map(|vertex| {
        let tasks = job::tasks_of(job, vertex);
        tasks.map(move |(subtask, _)| streaming::id::TaskId {
            vertex: vertex.id,
            subtask,
        })
    });
    let missing = all.filter(|task| !one.acknowledged.contains_key(task));
    missing.map(|task| job.task_name(task)).collect()
}
