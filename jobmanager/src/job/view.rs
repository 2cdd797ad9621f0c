//! What is known of a job, for those who ask: written by its driver and by heartbeats, read by REST, gRPC and metrics.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use proto::TaskReport;
use streaming::graph::PhysicalGraph;
use streaming::id::TaskId;
use streaming::{Attempt, Epoch, JobId};

use super::checkpoints::Checkpoints;
use super::machine::{Failure, State, TaskState};
use crate::schedule::TaskManagerId;

/// Diagrams kept per series (operator and key), and of all series.
const DIAGRAMS_PER_SERIES: usize = 8;
const DIAGRAMS: usize = 64;
/// Longest diagram document that is kept, bytes.
const DIAGRAM_BYTES: usize = 1 << 20;

/// A job as it is shown. Times are milliseconds since the epoch.
#[derive(Debug, Clone)]
pub struct JobView {
    pub id: JobId,
    pub name: String,
    pub graph: Arc<PhysicalGraph>,
    pub settings: Arc<Settings>,
    pub state: State,
    pub attempt: Attempt,
    pub restarts: u32,
    /// What the job waits for.
    pub waiting: Option<String>,
    pub submitted_ms: i64,
    /// When each state was entered last.
    pub since_ms: BTreeMap<State, i64>,
    pub tasks: BTreeMap<TaskId, TaskView>,
    pub checkpoints: Checkpoints,
    /// Newest first.
    pub failures: VecDeque<FailureView>,
    pub failures_truncated: bool,
    pub diagrams: VecDeque<Arc<serde_json::Value>>,
}

/// What the job says about how it wants to be run.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub restart_strategy: String,
    pub checkpointing: Option<CheckpointSettings>,
    /// The job's text as the user wrote it, secrets masked.
    pub text: String,
    pub failures_kept: usize,
    pub checkpoints_kept: usize,
    pub state_backend: String,
}

#[derive(Debug, Clone)]
pub struct CheckpointSettings {
    pub exactly_once: bool,
    pub interval_ms: u64,
    pub timeout_ms: u64,
    pub min_pause_ms: u64,
    pub unaligned: bool,
    pub aligned_timeout_ms: u64,
    pub tolerable_failed: u32,
    pub retained: u32,
    pub retain_on_cancel: bool,
    /// Where checkpoints go.
    pub directory: String,
}

#[derive(Debug, Clone)]
pub struct FailureView {
    pub failure: Failure,
    pub at_ms: i64,
    pub attempt: Attempt,
    pub task_name: Option<String>,
    pub endpoint: Option<String>,
    pub concurrent: Vec<FailureView>,
}

#[derive(Debug, Clone, Default)]
pub struct TaskView {
    pub state: Option<TaskState>,
    pub taskmanager: TaskManagerId,
    /// Address of the exchange of its TaskManager.
    pub endpoint: String,
    pub deployed_ms: i64,
    /// When it reported READY, RUNNING and its end; 0 for not yet.
    pub ready_ms: i64,
    pub running_ms: i64,
    pub ended_ms: i64,
    /// The latest counts, and when they came; 0 for none yet.
    pub report: TaskReport,
    pub reported_ms: i64,
    /// The counts that the next rates are taken from, and when they came.
    pub(super) rated: TaskReport,
    pub(super) rated_ms: i64,
    pub rates: Rates,
}

/// Per second, over the last second or so.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    pub records_in: f64,
    pub records_out: f64,
    pub bytes_in: f64,
    pub bytes_out: f64,
    pub busy_ms: f64,
    pub idle_ms: f64,
    pub backpressured_ms: f64,
}

impl TaskView {
    /// Takes in a report of `now_ms`; rates are taken over at least half a second.
    fn report(&mut self, report: TaskReport, now_ms: i64) {
        let seconds = (now_ms - self.rated_ms) as f64 / 1000.0;
        if self.rated_ms == 0 || seconds >= 0.5 {
            if self.rated_ms > 0 {
                self.rates = Rates::between(&self.rated, &report, seconds);
            }
            self.rated = report.clone();
            self.rated_ms = now_ms;
        }
        self.report = report;
        self.reported_ms = now_ms;
    }

    /// The watermark in milliseconds since the epoch; none before the first.
    pub fn watermark_ms(&self) -> Option<i64> {
        (self.reported_ms > 0 && self.report.watermark_us > i64::MIN)
            .then_some(self.report.watermark_us.div_euclid(1000))
    }
}

impl Rates {
    fn between(old: &TaskReport, new: &TaskReport, seconds: f64) -> Self {
        let rate = |old: u64, new: u64| new.saturating_sub(old) as f64 / seconds;
        Self {
            records_in: rate(old.records_in, new.records_in),
            records_out: rate(old.records_out, new.records_out),
            bytes_in: rate(old.bytes_in, new.bytes_in),
            bytes_out: rate(old.bytes_out, new.bytes_out),
            busy_ms: rate(old.busy_ms, new.busy_ms),
            idle_ms: rate(old.idle_ms, new.idle_ms),
            backpressured_ms: rate(old.backpressured_ms, new.backpressured_ms),
        }
    }
}

impl JobView {
    pub fn new(id: JobId, name: String, graph: Arc<PhysicalGraph>, settings: Arc<Settings>, submitted_ms: i64) -> Self {
        let checkpoints = Checkpoints::new(settings.checkpoints_kept);
        Self {
            id,
            name,
            graph,
            settings,
            state: State::Created,
            attempt: Attempt(0),
            restarts: 0,
            waiting: None,
            submitted_ms,
            since_ms: BTreeMap::from([(State::Created, submitted_ms)]),
            tasks: BTreeMap::new(),
            checkpoints,
            failures: VecDeque::new(),
            failures_truncated: false,
            diagrams: VecDeque::new(),
        }
    }

    /// Flink's word for the state. A job that waits for its first slots is CREATED, for later ones RESTARTING.
    pub fn flink_state(&self) -> &'static str {
        match self.state {
            State::Created => "CREATED",
            State::Scheduling if self.attempt.0 == 0 => "CREATED",
            State::Scheduling | State::Restarting => "RESTARTING",
            State::Restoring => "INITIALIZING",
            State::Running => "RUNNING",
            State::Cancelling => "CANCELLING",
            State::Failing => "FAILING",
            State::Finished => "FINISHED",
            State::Cancelled => "CANCELED",
            State::Failed => "FAILED",
            State::Suspended => "SUSPENDED",
        }
    }

    /// When the job ended for good.
    pub fn ended_ms(&self) -> Option<i64> {
        let is_end = self.state.is_end() && self.state != State::Suspended;
        is_end.then(|| self.since_ms.get(&self.state).copied()).flatten()
    }

    pub fn enter(&mut self, state: State, now_ms: i64) {
        if self.state != state {
            self.state = state;
            self.since_ms.insert(state, now_ms);
        }
    }

    /// A task's counts, from a heartbeat.
    pub fn report(&mut self, task: TaskId, report: TaskReport, now_ms: i64) {
        if let Some(view) = self.tasks.get_mut(&task) {
            view.report(report, now_ms);
        }
    }

    /// Keeps a diagram that an operator of `vertex` wants to show, and drops the oldest that are too many. Whether it was
    /// taken: a document that is no JSON object, or a very long one, is not.
    pub fn show_diagram(&mut self, vertex: &str, document: &str) -> bool {
        if document.len() > DIAGRAM_BYTES {
            return false;
        }
        let Ok(serde_json::Value::Object(mut diagram)) = serde_json::from_str(document) else {
            return false;
        };
        diagram.insert("vertex".into(), vertex.into());
        let series = |one: &serde_json::Value| (one["vertex"].clone(), one["operator"].clone(), one["key"].clone());
        let diagram = serde_json::Value::Object(diagram);
        let same = series(&diagram);
        self.diagrams.push_front(Arc::new(diagram));
        let mut of_series = 0;
        self.diagrams.retain(|one| {
            of_series += usize::from(series(one) == same);
            series(one) != same || of_series <= DIAGRAMS_PER_SERIES
        });
        self.diagrams.truncate(DIAGRAMS);
        true
    }

    /// A failure that ended an attempt.
    pub fn fail(&mut self, failure: Failure, now_ms: i64) {
        let view = self.failure_view(failure, now_ms);
        self.failures.push_front(view);
        if self.failures.len() > self.settings.failures_kept {
            self.failures.truncate(self.settings.failures_kept);
            self.failures_truncated = true;
        }
    }

    /// A failure that came after the one that ended the attempt.
    pub fn fail_concurrently(&mut self, failure: Failure, now_ms: i64) {
        const KEPT: usize = 16;
        let view = self.failure_view(failure, now_ms);
        if let Some(first) = self.failures.front_mut()
            && first.concurrent.len() < KEPT
        {
            first.concurrent.push(view);
        }
    }

    fn failure_view(&self, failure: Failure, at_ms: i64) -> FailureView {
        let task = failure.task.and_then(|task| self.tasks.get(&task));
        FailureView {
            at_ms,
            attempt: self.attempt,
            task_name: failure.task.map(|task| self.task_name(task)),
            endpoint: task
                .map(|task| task.endpoint.clone())
                .filter(|endpoint| !endpoint.is_empty()),
            concurrent: vec![],
            failure,
        }
    }

    /// `windows -> persistence (3/4)`.
    pub fn task_name(&self, task: TaskId) -> String {
        let vertex = self.graph.vertex(task.vertex);
        format!("{} ({}/{})", vertex.name, task.subtask + 1, vertex.parallelism)
    }

    /// Flink's word for a task's state.
    pub fn task_state(&self, task: &TaskView) -> &'static str {
        let is_stopping = matches!(self.state, State::Restarting | State::Cancelling | State::Failing);
        match task.state {
            None if self.state == State::Cancelled => "CANCELED",
            None => "SCHEDULED",
            Some(TaskState::Finished) => "FINISHED",
            Some(TaskState::Cancelled) => "CANCELED",
            Some(TaskState::Failed | TaskState::Lost) => "FAILED",
            Some(_) if self.state == State::Cancelled => "CANCELED",
            Some(_) if is_stopping => "CANCELING",
            Some(TaskState::Deploying) => "DEPLOYING",
            Some(TaskState::Ready) => "INITIALIZING",
            Some(TaskState::Running | TaskState::Exhausted) => "RUNNING",
        }
    }

    pub fn last_checkpoint(&self) -> Option<(Epoch, i64)> {
        self.checkpoints.latest_completed().map(|one| (one.epoch, one.end_ms()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> JobView {
        let graph = PhysicalGraph {
            vertices: vec![],
            edges: vec![],
            key_groups: 128,
        };
        let settings = Settings {
            failures_kept: 2,
            checkpoints_kept: 3,
            ..Settings::default()
        };
        JobView::new(JobId(1), "job".into(), Arc::new(graph), Arc::new(settings), 0)
    }

    #[test]
    fn the_newest_diagrams_of_each_series_are_kept() {
        let mut view = view();
        for start in 0..20 {
            for key in ["a", "b"] {
                let document =
                    format!(r#"{{"operator": "persistence", "key": "{key}", "start": {start}, "pairs": []}}"#);
                assert!(view.show_diagram("ab12", &document));
            }
        }
        assert_eq!(view.diagrams.len(), 2 * DIAGRAMS_PER_SERIES);
        assert_eq!(
            (&view.diagrams[0]["start"], &view.diagrams[0]["key"]),
            (&19.into(), &"b".into())
        );
        assert_eq!(view.diagrams[0]["vertex"], "ab12");
        assert!(!view.show_diagram("ab12", "no json"));
    }

    #[test]
    fn rates_are_taken_over_half_a_second_at_least() {
        let mut task = TaskView::default();
        let report = |records_in| TaskReport {
            records_in,
            ..TaskReport::default()
        };
        task.report(report(100), 1_000);
        task.report(report(150), 1_200);
        assert_eq!(task.report.records_in, 150, "counts are always the latest");
        task.report(report(300), 2_000);
        assert_eq!(task.rates.records_in, 200.0);
        task.report(report(10), 3_000);
        assert_eq!(task.rates.records_in, 0.0, "a count that went back is no negative rate");
    }

    #[test]
    fn the_oldest_failures_are_forgotten() {
        let mut view = view();
        for message in ["a", "b", "c"] {
            view.fail(Failure::external(message), 0);
        }
        view.fail_concurrently(Failure::external("d"), 0);
        assert_eq!(view.failures[0].failure.message, "c");
        assert_eq!(view.failures[0].concurrent.len(), 1);
        assert_eq!((view.failures.len(), view.failures_truncated), (2, true));
    }
}
