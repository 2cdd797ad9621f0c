//! Metrics by Flink's names: as REST lists them, and as its Prometheus reporter writes them.

use serde_json::{Value, json};

use super::job::tasks_of;
use super::vertex_id;
use crate::job::machine::{State, TaskState};
use crate::job::view::{JobView, TaskView};
use streaming::graph::Vertex;

/// A number of a task.
type Metric = (&'static str, fn(&TaskView) -> f64);

const COUNTERS: [Metric; 5] = [
    ("numRecordsIn", |task| task.report.records_in as f64),
    ("numRecordsOut", |task| task.report.records_out as f64),
    ("numBytesIn", |task| task.report.bytes_in as f64),
    ("numBytesOut", |task| task.report.bytes_out as f64),
    ("accumulateBusyTimeMs", |task| task.report.busy_ms as f64),
];

const GAUGES: [Metric; 11] = [
    ("numRecordsInPerSecond", |task| task.rates.records_in),
    ("numRecordsOutPerSecond", |task| task.rates.records_out),
    ("numBytesInPerSecond", |task| task.rates.bytes_in),
    ("numBytesOutPerSecond", |task| task.rates.bytes_out),
    ("busyTimeMsPerSecond", |task| task.rates.busy_ms.min(1000.0)),
    ("idleTimeMsPerSecond", |task| task.rates.idle_ms.min(1000.0)),
    ("backPressuredTimeMsPerSecond", |task| {
        task.rates.backpressured_ms.min(1000.0)
    }),
    ("accumulateIdleTimeMs", |task| task.report.idle_ms as f64),
    ("accumulateBackPressuredTimeMs", |task| {
        task.report.backpressured_ms as f64
    }),
    ("stateBytes", |task| task.report.state_bytes as f64),
    ("currentInputWatermark", |task| {
        task.watermark_ms().map_or(i64::MIN as f64, |ms| ms as f64)
    }),
];

fn all() -> impl Iterator<Item = &'static Metric> {
    COUNTERS.iter().chain(&GAUGES)
}

/// The names asked for: those of `get`, or none for a list of all.
fn wanted(get: Option<&str>) -> Option<Vec<&str>> {
    get.map(|names| {
        names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect()
    })
}

/// A list of names, or the values of those in `get`; names that are not there are left out, as Flink does.
pub fn pairs(metrics: impl IntoIterator<Item = (impl Into<String>, String)>, get: Option<&str>) -> Value {
    let wanted = wanted(get);
    let mut list = vec![];
    for (name, value) in metrics {
        let name: String = name.into();
        match &wanted {
            None => list.push(json!({"id": name})),
            Some(wanted) if wanted.contains(&name.as_str()) => list.push(json!({"id": name, "value": value})),
            Some(_) => {}
        }
    }
    Value::Array(list)
}

/// `/jobs/:id/vertices/:vid/metrics`: names such as `0.numRecordsIn`.
pub fn of_vertex(job: &JobView, vertex: &Vertex, get: Option<&str>) -> Value {
    let metrics = tasks_of(job, vertex).flat_map(|(index, task)| {
        let own = all().map(move |(name, of)| (format!("{index}.{name}"), of(task).to_string()));
        let counters = &task.report.counters;
        own.chain(
            counters
                .iter()
                .map(move |(name, count)| (format!("{index}.{name}"), count.to_string())),
        )
    });
    pairs(metrics, get)
}

/// `/jobs/:id/vertices/:vid/subtasks/metrics`: over the subtasks.
pub fn over_subtasks(job: &JobView, vertex: &Vertex, get: Option<&str>) -> Value {
    let Some(wanted) = wanted(get) else {
        return all().map(|(name, _)| json!({"id": name})).collect();
    };
    let list = wanted.iter().filter_map(|name| {
        let (name, of) = all().find(|(known, _)| known == name)?;
        let values: Vec<f64> = tasks_of(job, vertex).map(|(_, task)| of(task)).collect();
        let (sum, count) = (values.iter().sum::<f64>(), values.len().max(1) as f64);
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let skew = if sum > 0.0 {
            (max - sum / count) / max * 100.0
        } else {
            0.0
        };
        (!values.is_empty())
            .then(|| json!({"id": name, "min": min, "max": max, "avg": sum / count, "sum": sum, "skew": skew}))
    });
    list.collect()
}

/// `/jobs/:id/metrics`: name and value.
pub fn of_job(job: &JobView, now: i64) -> Vec<(&'static str, String)> {
    let since = |state: State| {
        if job.state == state {
            job.since_ms.get(&state).map_or(0, |at| now - at)
        } else {
            0
        }
    };
    let last = job.checkpoints.latest_completed();
    let running = job
        .tasks
        .values()
        .filter(|task| task.state == Some(TaskState::Running))
        .count();
    vec![
        ("uptime", since(State::Running).to_string()),
        ("runningTime", since(State::Running).to_string()),
        ("restartingTime", since(State::Restarting).to_string()),
        ("downtime", since(State::Restarting).to_string()),
        ("numRestarts", job.restarts.to_string()),
        ("fullRestarts", job.restarts.to_string()),
        (
            "totalNumberOfCheckpoints",
            (job.checkpoints.completed + job.checkpoints.failed).to_string(),
        ),
        ("numberOfCompletedCheckpoints", job.checkpoints.completed.to_string()),
        ("numberOfFailedCheckpoints", job.checkpoints.failed.to_string()),
        (
            "numberOfInProgressCheckpoints",
            job.checkpoints.in_progress().to_string(),
        ),
        (
            "lastCheckpointDuration",
            last.map_or(-1, |one| one.duration_ms(now) as i64).to_string(),
        ),
        (
            "lastCheckpointSize",
            last.map_or(-1, |one| one.written_bytes() as i64).to_string(),
        ),
        (
            "lastCheckpointFullSize",
            last.map_or(-1, |one| one.state_bytes() as i64).to_string(),
        ),
        (
            "lastCompletedCheckpointId",
            last.map_or(0, |one| one.epoch.0).to_string(),
        ),
        ("runningTasks", running.to_string()),
    ]
}

/// Prometheus text, one metric after the other.
#[derive(Debug, Default)]
pub struct Exposition {
    families: std::collections::BTreeMap<String, (&'static str, Vec<String>)>,
}

impl Exposition {
    /// Adds a sample. `labels` without braces: `job_id="…",job_name="…"`.
    pub fn add(&mut self, name: &str, kind: &'static str, labels: &str, value: impl std::fmt::Display) {
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{labels}}}")
        };
        let family = self.families.entry(name.to_owned()).or_insert_with(|| (kind, vec![]));
        family.1.push(format!("{name}{labels} {value}"));
    }

    /// What is known of a job and its tasks. Jobs that have ended report no tasks.
    pub fn add_job(&mut self, job: &JobView, now: i64) {
        let labels = format!("job_id=\"{}\",job_name=\"{}\"", job.id, label(&job.name));
        for (name, value) in of_job(job, now) {
            self.add(&format!("flink_jobmanager_job_{name}"), "gauge", &labels, value);
        }
        if job.state.is_end() {
            return;
        }
        for vertex in &job.graph.vertices {
            let (task_name, task_id) = (label(&vertex.name), vertex_id(vertex));
            for (index, task) in tasks_of(job, vertex) {
                let host = task.endpoint.rsplit_once(':').map_or("", |(host, _)| host);
                let (tm, host) = (label(&task.taskmanager), label(host));
                let labels = format!(
                    "{labels},task_id=\"{task_id}\",task_name=\"{task_name}\",subtask_index=\"{index}\",tm_id=\"{tm}\",host=\"{host}\""
                );
                self.add_task(task, &labels);
            }
        }
    }

    fn add_task(&mut self, task: &TaskView, labels: &str) {
        let with_kind = COUNTERS.iter().map(|metric| (metric, "counter"));
        for ((name, of), kind) in with_kind.chain(GAUGES.iter().map(|metric| (metric, "gauge"))) {
            if *name == "currentInputWatermark" && task.watermark_ms().is_none() {
                continue;
            }
            self.add(&format!("flink_taskmanager_job_task_{name}"), kind, labels, of(task));
        }
        if task.report.pending_records >= 0 && task.reported_ms > 0 {
            self.add(
                "flink_taskmanager_job_task_operator_pendingRecords",
                "gauge",
                labels,
                task.report.pending_records,
            );
        }
        for (name, count) in &task.report.counters {
            let (operator, metric) = name.rsplit_once('.').unwrap_or(("", name));
            let labels = format!("{labels},operator_name=\"{}\"", label(operator));
            let metric: String = metric
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                .collect();
            self.add(
                &format!("flink_taskmanager_job_task_operator_{metric}"),
                "gauge",
                &labels,
                count,
            );
        }
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, (kind, samples)) in &self.families {
            text.push_str(&format!("# TYPE {name} {kind}\n"));
            for sample in samples {
                text.push_str(sample);
                text.push('\n');
            }
        }
        text
    }
}

/// A label's value, escaped.
pub fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
