//! Answers about one vertex of a job.

use serde_json::{Map, Value, json};
use streaming::graph::Vertex;

use super::job::tasks_of;
use super::{TASK_STATES, counts, duration, io_metrics, time_or_none, vertex_id};
use crate::job::view::{JobView, TaskView};

/// What Flink sums up per vertex.
const AGGREGATED: [&str; 7] = [
    "read-bytes",
    "write-bytes",
    "read-records",
    "write-records",
    "accumulated-backpressured-time",
    "accumulated-idle-time",
    "accumulated-busy-time",
];
const DURATIONS: [&str; 5] = ["CREATED", "SCHEDULED", "DEPLOYING", "INITIALIZING", "RUNNING"];

/// The vertex of that id.
pub fn find<'a>(job: &'a JobView, id: &str) -> Option<&'a Vertex> {
    job.graph.vertices.iter().find(|vertex| vertex_id(vertex) == id)
}

/// `/jobs/:id/vertices/:vid`.
pub fn details(job: &JobView, vertex: &Vertex, now: i64) -> Value {
    let subtasks: Vec<Value> = tasks_of(job, vertex)
        .map(|(index, task)| subtask(job, index, task, now))
        .collect();
    json!({
        "id": vertex_id(vertex),
        "name": vertex.name,
        "parallelism": vertex.parallelism,
        "maxParallelism": job.graph.key_groups,
        "now": now,
        "aggregated": aggregated(&subtasks),
        "subtasks": subtasks,
    })
}

/// One subtask, as the answers above and `/subtasks/:i` show it.
pub fn subtask(job: &JobView, index: u16, task: &TaskView, now: i64) -> Value {
    let start = task.deployed_ms;
    json!({
        "subtask": index,
        "status": job.task_state(task),
        "attempt": job.attempt.0.saturating_sub(1),
        "endpoint": task.endpoint,
        "start-time": time_or_none(start),
        "start_time": time_or_none(start),
        "end-time": time_or_none(task.ended_ms),
        "duration": duration(start, task.ended_ms, now),
        "metrics": io_metrics(std::iter::once(task)),
        "taskmanager-id": task.taskmanager,
        "status-duration": status_duration(task, now),
    })
}

fn status_duration(task: &TaskView, now: i64) -> Value {
    let spent = |from: i64, to: i64| match from {
        ..=0 => -1,
        from => (if to > 0 {
            to
        } else if task.ended_ms > 0 {
            task.ended_ms
        } else {
            now
        } - from)
            .max(0),
    };
    json!({
        "CREATED": 0,
        "SCHEDULED": 0,
        "DEPLOYING": spent(task.deployed_ms, task.ready_ms),
        "INITIALIZING": spent(task.ready_ms, task.running_ms),
        "RUNNING": spent(task.running_ms, task.ended_ms),
    })
}

fn aggregated(subtasks: &[Value]) -> Value {
    let over = |group: &str, names: &[&str]| {
        let of = |name: &str| spread(subtasks.iter().filter_map(|one| one[group][name].as_f64()).collect());
        names
            .iter()
            .map(|name| ((*name).to_owned(), of(name)))
            .collect::<Map<_, _>>()
    };
    json!({"metrics": over("metrics", &AGGREGATED), "status-duration": over("status-duration", &DURATIONS)})
}

fn spread(mut values: Vec<f64>) -> Value {
    values.sort_by(f64::total_cmp);
    let quantile = |q: f64| match values.len() {
        0 => 0.0,
        n => values[(q * (n - 1) as f64).round() as usize],
    };
    let sum: f64 = values.iter().sum();
    let avg = sum / values.len().max(1) as f64;
    let [min, p25, median, p75, p95, max] = [0.0, 0.25, 0.5, 0.75, 0.95, 1.0].map(|q| quantile(q) as i64);
    json!({"min": min, "p25": p25, "median": median, "p75": p75, "p95": p95, "max": max, "avg": avg as i64, "sum": sum as i64})
}

/// `/jobs/:id/vertices/:vid/watermarks`; nothing for sources and before the first.
pub fn watermarks(job: &JobView, vertex: &Vertex) -> Value {
    if vertex.is_source() {
        return json!([]);
    }
    let known = tasks_of(job, vertex).filter_map(|(index, task)| Some((index, task.watermark_ms()?)));
    let list =
        known.map(|(index, ms)| json!({"id": format!("{index}.currentInputWatermark"), "value": ms.to_string()}));
    Value::Array(list.collect())
}

/// `/jobs/:id/vertices/:vid/backpressure`.
pub fn backpressure(job: &JobView, vertex: &Vertex) -> Value {
    let mut worst = 0.0f64;
    let mut sampled = 0;
    let subtasks: Vec<Value> = tasks_of(job, vertex)
        .map(|(index, task)| {
            let ratio = |ms: f64| (ms / 10.0).round().clamp(0.0, 100.0) / 100.0;
            let blocked = ratio(task.rates.backpressured_ms);
            worst = worst.max(blocked);
            sampled = sampled.max(task.reported_ms);
            json!({
                "subtask": index,
                "backpressureLevel": level(blocked),
                "backpressure-level": level(blocked),
                "ratio": blocked,
                "idleRatio": ratio(task.rates.idle_ms),
                "busyRatio": ratio(task.rates.busy_ms),
            })
        })
        .collect();
    json!({
        "status": if sampled > 0 { "ok" } else { "deprecated" },
        "backpressureLevel": level(worst),
        "backpressure-level": level(worst),
        "end-timestamp": sampled,
        "subtasks": subtasks,
    })
}

fn level(ratio: f64) -> &'static str {
    match ratio {
        ..=0.1 => "ok",
        ..=0.5 => "low",
        _ => "high",
    }
}

/// `/jobs/:id/vertices/:vid/subtasktimes`.
pub fn times(job: &JobView, vertex: &Vertex, now: i64) -> Value {
    let subtasks: Vec<Value> = tasks_of(job, vertex)
        .map(|(index, task)| {
            let state = job.task_state(task);
            let at = |name: &str| if state == name { task.ended_ms } else { 0 };
            json!({
                "subtask": index,
                "endpoint": task.endpoint,
                "duration": duration(task.deployed_ms, task.ended_ms, now),
                "timestamps": {
                    "CREATED": task.deployed_ms, "SCHEDULED": task.deployed_ms, "DEPLOYING": task.deployed_ms,
                    "INITIALIZING": task.ready_ms, "RUNNING": task.running_ms,
                    "FINISHED": at("FINISHED"), "CANCELED": at("CANCELED"), "FAILED": at("FAILED"),
                    "CANCELING": 0, "RECONCILING": 0,
                },
            })
        })
        .collect();
    json!({"id": vertex_id(vertex), "name": vertex.name, "now": now, "subtasks": subtasks})
}

/// `/jobs/:id/vertices/:vid/taskmanagers`.
pub fn taskmanagers(job: &JobView, vertex: &Vertex, now: i64) -> Value {
    let mut hosts: Vec<(&str, Vec<(u16, &TaskView)>)> = vec![];
    for (index, task) in tasks_of(job, vertex) {
        match hosts.iter_mut().find(|(id, _)| *id == task.taskmanager) {
            Some((_, tasks)) => tasks.push((index, task)),
            None => hosts.push((&task.taskmanager, vec![(index, task)])),
        }
    }
    let list: Vec<Value> = hosts.iter().map(|(id, tasks)| on_host(job, id, tasks, now)).collect();
    json!({"id": vertex_id(vertex), "name": vertex.name, "now": now, "taskmanagers": list})
}

fn on_host(job: &JobView, id: &str, tasks: &[(u16, &TaskView)], now: i64) -> Value {
    let rows: Vec<Value> = tasks
        .iter()
        .map(|(index, task)| subtask(job, *index, task, now))
        .collect();
    let states: Vec<&str> = tasks.iter().map(|(_, task)| job.task_state(task)).collect();
    let start = tasks.iter().map(|(_, task)| task.deployed_ms).min().unwrap_or(0);
    let all_ended = tasks.iter().all(|(_, task)| task.ended_ms > 0);
    let end = if all_ended {
        tasks.iter().map(|(_, task)| task.ended_ms).max().unwrap_or(0)
    } else {
        0
    };
    json!({
        "endpoint": tasks.first().map(|(_, task)| &task.endpoint),
        "taskmanager-id": id,
        "status": states.first(),
        "start-time": time_or_none(start),
        "end-time": time_or_none(end),
        "duration": duration(start, end, now),
        "metrics": io_metrics(tasks.iter().map(|(_, task)| *task)),
        "status-counts": counts(&TASK_STATES, states.iter().copied()),
        "aggregated": aggregated(&rows),
    })
}
