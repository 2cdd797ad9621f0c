//! Answers about one job as a whole.

use serde_json::{Map, Value, json};
use streaming::graph::{Shipping, Vertex};
use streaming::id::TaskId;

use super::{TASK_STATES, counts, duration, io_metrics, time_or_none, vertex_id};
use crate::job::machine::State;
use crate::job::view::{FailureView, JobView, TaskView};

/// The tasks of one vertex, in order.
pub fn tasks_of<'a>(job: &'a JobView, vertex: &Vertex) -> impl Iterator<Item = (u16, &'a TaskView)> + Clone + use<'a> {
    let id = vertex.id;
    let first = TaskId { vertex: id, subtask: 0 };
    let of_vertex = job.tasks.range(first..).take_while(move |(task, _)| task.vertex == id);
    of_vertex.map(|(task, view)| (task.subtask, view))
}

/// `/jobs/overview`, one entry.
pub fn row(job: &JobView, now: i64) -> Value {
    let mut tasks = Map::new();
    for (state, count) in task_counts(job, job.tasks.values()) {
        tasks.insert(state.to_lowercase(), count);
    }
    tasks.insert("total".into(), json!(job.tasks.len()));
    let end = job.ended_ms().unwrap_or(-1);
    json!({
        "jid": job.id,
        "name": job.name,
        "jobType": "STREAMING",
        "schedulerType": "Default",
        "start-time": job.submitted_ms,
        "end-time": end,
        "duration": duration(job.submitted_ms, end, now),
        "state": job.flink_state(),
        "last-modification": job.since_ms.values().max(),
        "tasks": tasks,
        "pending-operators": 0,
        "restarts": job.restarts,
        "waiting-for": job.waiting,
    })
}

fn task_counts<'a>(job: &JobView, tasks: impl Iterator<Item = &'a TaskView>) -> Map<String, Value> {
    counts(&TASK_STATES, tasks.map(|task| job.task_state(task)))
}

/// `/jobs/:id`.
pub fn details(job: &JobView, now: i64) -> Value {
    let end = job.ended_ms().unwrap_or(-1);
    let vertices: Vec<Value> = job
        .graph
        .vertices
        .iter()
        .map(|vertex| vertex_row(job, vertex, now))
        .collect();
    let statuses: Vec<&str> = vertices.iter().filter_map(|vertex| vertex["status"].as_str()).collect();
    json!({
        "jid": job.id,
        "application-id": job.id,
        "name": job.name,
        "isStoppable": false,
        "state": job.flink_state(),
        "job-type": "STREAMING",
        "schedulerType": "Default",
        "start-time": job.submitted_ms,
        "end-time": end,
        "duration": duration(job.submitted_ms, end, now),
        "maxParallelism": job.graph.key_groups,
        "now": now,
        "timestamps": timestamps(job),
        "vertices": vertices,
        "status-counts": counts(&TASK_STATES, statuses.iter().copied()),
        "plan": plan(job),
        "pending-operators": 0,
        "attempt": job.attempt,
        "restarts": job.restarts,
        "waiting-for": job.waiting,
    })
}

fn timestamps(job: &JobView) -> Value {
    let since = |state| job.since_ms.get(&state).copied().unwrap_or(0);
    json!({
        "INITIALIZING": since(State::Restoring),
        "CREATED": since(State::Created),
        "RUNNING": since(State::Running),
        "RESTARTING": since(State::Restarting),
        "FAILING": since(State::Failing),
        "FAILED": since(State::Failed),
        "CANCELLING": since(State::Cancelling),
        "CANCELED": since(State::Cancelled),
        "FINISHED": since(State::Finished),
        "SUSPENDED": since(State::Suspended),
        "RECONCILING": 0,
    })
}

fn vertex_row(job: &JobView, vertex: &Vertex, now: i64) -> Value {
    let tasks = tasks_of(job, vertex).map(|(_, task)| task);
    let start = tasks
        .clone()
        .map(|task| task.deployed_ms)
        .filter(|&ms| ms > 0)
        .min()
        .unwrap_or(0);
    let ended = tasks.clone().map(|task| task.ended_ms).min().unwrap_or(0);
    let end = if ended > 0 {
        tasks.clone().map(|task| task.ended_ms).max().unwrap_or(0)
    } else {
        0
    };
    json!({
        "id": vertex_id(vertex),
        "slotSharingGroupId": job.id,
        "name": vertex.name,
        "maxParallelism": job.graph.key_groups,
        "parallelism": vertex.parallelism,
        "status": vertex_state(job, vertex),
        "start-time": time_or_none(start),
        "end-time": time_or_none(end),
        "duration": duration(start, end, now),
        "tasks": task_counts(job, tasks.clone()),
        "metrics": io_metrics(tasks),
    })
}

/// The state of a vertex is that of the task that is worst, or furthest behind.
pub fn vertex_state(job: &JobView, vertex: &Vertex) -> &'static str {
    const WORST_FIRST: [&str; 9] = [
        "FAILED",
        "CANCELING",
        "CANCELED",
        "CREATED",
        "SCHEDULED",
        "DEPLOYING",
        "INITIALIZING",
        "RUNNING",
        "FINISHED",
    ];
    let states: Vec<&str> = tasks_of(job, vertex).map(|(_, task)| job.task_state(task)).collect();
    WORST_FIRST
        .into_iter()
        .find(|state| states.contains(state))
        .unwrap_or("CREATED")
}

/// `plan` of `/jobs/:id` and `/jobs/:id/plan`.
pub fn plan(job: &JobView) -> Value {
    // Flink lists sinks first.
    let nodes: Vec<Value> = job
        .graph
        .vertices
        .iter()
        .rev()
        .map(|vertex| node(job, vertex))
        .collect();
    json!({"jid": job.id, "name": job.name, "type": "STREAMING", "nodes": nodes})
}

fn node(job: &JobView, vertex: &Vertex) -> Value {
    let mut node = json!({
        "id": vertex_id(vertex),
        "operator": "",
        "parallelism": vertex.parallelism,
        "operator_strategy": "",
        "description": escape(&vertex.name).replace(" -&gt; ", "<br/>+- "),
        "optimizer_properties": {},
    });
    let inputs: Vec<Value> = job
        .graph
        .inputs_of(vertex.id)
        .enumerate()
        .map(|(num, (_, edge))| {
            let ship = match edge.shipping {
                Shipping::Forward => "FORWARD",
                Shipping::Hash => "HASH",
                Shipping::Rebalance => "REBALANCE",
                Shipping::Broadcast => "BROADCAST",
            };
            let from = vertex_id(job.graph.vertex(edge.from));
            json!({"id": from, "num": num, "exchange": "pipelined_bounded", "ship_strategy": ship})
        })
        .collect();
    if !inputs.is_empty() {
        node["inputs"] = json!(inputs);
    }
    node
}

/// Flink's page shows descriptions as HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// `/jobs/:id/config`.
pub fn config(job: &JobView) -> Value {
    json!({
        "jid": job.id,
        "name": job.name,
        "execution-config": {
            "restart-strategy": job.settings.restart_strategy,
            "job-parallelism": job.graph.slots(),
            "object-reuse-mode": false,
            "user-config": {"job": job.settings.text},
        },
    })
}

/// `/jobs/:id/exceptions`: at most `most` failures.
pub fn exceptions(job: &JobView, most: usize) -> Value {
    let entries: Vec<Value> = job.failures.iter().take(most).map(exception).collect();
    let truncated = job.failures_truncated || entries.len() < job.failures.len();
    let mut answer = json!({"exceptionHistory": {"entries": entries, "truncated": truncated}});
    if let Some(waiting) = &job.waiting {
        answer["waiting-for"] = json!(waiting);
    }
    answer
}

fn exception(view: &FailureView) -> Value {
    let failure = &view.failure;
    // The first line, up to its first colon, names the failure in the list.
    let line = failure.message.lines().next().unwrap_or_default();
    let name = line.split(": ").next().unwrap_or(line);
    let task = view.task_name.as_ref();
    json!({
        "exceptionName": name,
        "stacktrace": match failure.subject.is_empty() {
            true => failure.message.clone(),
            false => format!("{}\n  at {}", failure.message, failure.subject),
        },
        "timestamp": view.at_ms,
        "failureLabels": {},
        "taskName": task.map(|name| format!("{name} - execution #{}", view.attempt)),
        "endpoint": view.endpoint,
        "taskManagerId": failure.taskmanager,
        "concurrentExceptions": view.concurrent.iter().map(exception).collect::<Vec<_>>(),
    })
}

/// `/jobs/:id/diagrams`, newest first.
pub fn diagrams(job: &JobView) -> Value {
    let diagrams: Vec<&Value> = job.diagrams.iter().map(|one| &**one).collect();
    json!({"diagrams": diagrams})
}
