//! A submitted job: read, checked, planned, and kept for those who lead after us.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use config::{CheckpointingMode, Config, RestartStrategy, options};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use streaming::graph::PhysicalGraph;
use streaming::job::{Job, Mode, Restart, redact};
use streaming::operator::Registry;

use super::machine::Shape;
use super::view::{CheckpointSettings, Settings};
use crate::coordinate::machine as coordinate;
use crate::schedule::assign;

/// How long tasks may take to restore and connect.
const RESTORE_TIMEOUT: Duration = Duration::from_secs(300);
/// How long a restart waits for tasks that do not stop.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// What is kept of a submission, as TOML.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Document {
    /// The job with everything resolved, JSON. May hold secrets.
    pub job: String,
    /// What the user wrote, secrets masked.
    pub text: String,
}

/// A job that can run.
#[derive(Debug)]
pub struct Spec {
    pub name: String,
    pub graph: Arc<PhysicalGraph>,
    pub restart: Restart,
    pub settings: Arc<Settings>,
    pub retain_on_cancel: bool,
}

impl Document {
    /// A submission; `config` says what the job does not.
    pub fn new(job: &str, text: &str, secrets: &[String], config: &Config) -> Result<Self, String> {
        let mut document = serde_json::from_str(job).map_err(|error| format!("the job is not JSON: {error}"))?;
        fill_in(&mut document, config);
        Ok(Self {
            job: document.to_string(),
            text: redact(text, secrets),
        })
    }

    /// Checks and plans the job. All mistakes are reported at once.
    pub fn read(&self, registry: &dyn Registry, config: &Config) -> Result<Spec, String> {
        let job = Job::from_json(&self.job, registry).map_err(|errors| {
            let all: Vec<String> = errors.diagnostics.iter().map(ToString::to_string).collect();
            all.join("\n")
        })?;
        let graph = job.plan();
        let checkpointing = job.checkpointing.as_ref().map(|one| CheckpointSettings {
            exactly_once: one.mode == Mode::ExactlyOnce,
            interval_ms: one.interval.as_millis() as u64,
            timeout_ms: one.timeout.as_millis() as u64,
            min_pause_ms: one.min_pause.as_millis() as u64,
            unaligned: one.unaligned,
            aligned_timeout_ms: one.aligned_timeout.as_millis() as u64,
            tolerable_failed: one.tolerable_failed,
            retained: one.num_retained,
            retain_on_cancel: one.retain_on_cancel,
            directory: config.get(options::CHECKPOINT_DIRECTORY),
        });
        let settings = Settings {
            restart_strategy: job.restart.name().to_owned(),
            checkpointing,
            text: self.text.clone(),
            failures_kept: config.get(options::EXCEPTION_HISTORY) as usize,
            checkpoints_kept: config.get(options::WEB_CHECKPOINT_HISTORY) as usize,
            state_backend: config.get(options::STATE_BACKEND).to_string(),
        };
        Ok(Spec {
            name: job.name.clone(),
            graph: Arc::new(graph),
            restart: job.restart.clone(),
            settings: Arc::new(settings),
            retain_on_cancel: job.checkpointing.as_ref().is_some_and(|one| one.retain_on_cancel),
        })
    }
}

impl Spec {
    pub fn shape(&self) -> Shape {
        let tasks: BTreeSet<_> = assign::tasks(&self.graph).collect();
        let is_source = |task: &&streaming::id::TaskId| self.graph.vertex(task.vertex).is_source();
        Shape {
            sources: tasks.iter().filter(is_source).copied().collect(),
            tasks,
            checkpointing: self.settings.checkpointing.is_some(),
            restore_timeout: RESTORE_TIMEOUT,
            cancel_timeout: CANCEL_TIMEOUT,
        }
    }

    pub fn checkpoints(&self) -> Option<coordinate::Options> {
        let settings = self.settings.checkpointing.as_ref()?;
        Some(coordinate::Options {
            interval: Duration::from_millis(settings.interval_ms.max(1)),
            min_pause: Duration::from_millis(settings.min_pause_ms),
            timeout: Duration::from_millis(settings.timeout_ms.max(1)),
            tolerable_failed: Some(settings.tolerable_failed),
        })
    }

    /// Checkpoints that stay restorable.
    pub fn retained(&self) -> usize {
        self.settings
            .checkpointing
            .as_ref()
            .map_or(1, |one| one.retained as usize)
            .max(1)
    }
}

/// Puts what the cluster's configuration says wherever the job says nothing about checkpoints and restarts.
fn fill_in(document: &mut Value, config: &Config) {
    let Some(document) = document.as_object_mut() else {
        return;
    };
    let duration = |duration: Duration| json!(format!("{} ms", duration.as_millis()));
    let interval = config.get(options::CHECKPOINT_INTERVAL);
    let says_interval = document
        .get("checkpointing")
        .is_some_and(|table| table.get("interval").is_some());
    let takes_checkpoints = says_interval || !interval.is_zero();
    if takes_checkpoints {
        let mode = match config.get(options::CHECKPOINT_MODE) {
            CheckpointingMode::ExactlyOnce => "exactly-once",
            CheckpointingMode::AtLeastOnce => "at-least-once",
        };
        let values = [
            ("interval", duration(interval)),
            ("timeout", duration(config.get(options::CHECKPOINT_TIMEOUT))),
            ("min-pause", duration(config.get(options::CHECKPOINT_MIN_PAUSE))),
            ("mode", json!(mode)),
            ("unaligned", json!(config.get(options::CHECKPOINT_UNALIGNED))),
            (
                "aligned-checkpoint-timeout",
                duration(config.get(options::ALIGNED_TIMEOUT)),
            ),
            (
                "tolerable-failed-checkpoints",
                json!(config.get(options::TOLERABLE_FAILED_CHECKPOINTS)),
            ),
            ("num-retained", json!(config.get(options::NUM_RETAINED))),
        ];
        add_missing(document, "checkpointing", values);
    }
    let says_strategy = document
        .get("restart")
        .is_some_and(|table| table.get("strategy").is_some());
    if !says_strategy && (takes_checkpoints || config.is_set(options::RESTART_STRATEGY)) {
        let strategy = config.get(options::RESTART_STRATEGY).to_string();
        add_missing(document, "restart", [("strategy", json!(strategy))]);
    }
    let strategy = document.get("restart").and_then(|table| table.get("strategy"));
    let strategy = strategy
        .and_then(Value::as_str)
        .and_then(<RestartStrategy as config::Value>::parse);
    match strategy {
        Some(RestartStrategy::FixedDelay) => {
            let values = [
                ("delay", duration(config.get(options::FIXED_DELAY))),
                ("attempts", json!(config.get(options::FIXED_DELAY_ATTEMPTS))),
            ];
            add_missing(document, "restart", values);
        }
        Some(RestartStrategy::FailureRate) => {
            let values = [
                ("delay", duration(config.get(options::FAILURE_RATE_DELAY))),
                (
                    "failure-rate-interval",
                    duration(config.get(options::FAILURE_RATE_INTERVAL)),
                ),
                (
                    "max-failures-per-interval",
                    json!(config.get(options::FAILURE_RATE_FAILURES)),
                ),
            ];
            add_missing(document, "restart", values);
        }
        Some(RestartStrategy::ExponentialDelay) => {
            let values = [
                ("initial-backoff", duration(config.get(options::INITIAL_BACKOFF))),
                ("max-backoff", duration(config.get(options::MAX_BACKOFF))),
                ("backoff-multiplier", json!(config.get(options::BACKOFF_MULTIPLIER))),
                (
                    "reset-backoff-threshold",
                    duration(config.get(options::RESET_BACKOFF_THRESHOLD)),
                ),
                ("jitter-factor", json!(config.get(options::JITTER_FACTOR))),
            ];
            add_missing(document, "restart", values);
            if let Some(attempts) = config.get(options::BACKOFF_ATTEMPTS) {
                add_missing(
                    document,
                    "restart",
                    [("attempts-before-reset-backoff", json!(attempts))],
                );
            }
        }
        Some(RestartStrategy::None) | None => {}
    }
}

fn add_missing(
    document: &mut Map<String, Value>,
    section: &str,
    values: impl IntoIterator<Item = (&'static str, Value)>,
) {
    let table = document.entry(section).or_insert_with(|| json!({}));
    let Some(table) = table.as_object_mut() else { return };
    for (name, value) in values {
        table.entry(name).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(job: Value, conf: &str) -> Value {
        let config = Config::from_yaml_str(conf, "flink-conf.yaml").unwrap();
        let mut job = job;
        fill_in(&mut job, &config);
        job
    }

    #[test]
    fn the_cluster_says_what_the_job_does_not() {
        let job = json!({"checkpointing": {"interval": "5s"}});
        let filled = filled(
            job,
            "execution.checkpointing.interval: 9 s\nrestart-strategy: fixed-delay\n",
        );
        assert_eq!(filled["checkpointing"]["interval"], "5s");
        assert_eq!(filled["checkpointing"]["tolerable-failed-checkpoints"], 10);
        assert_eq!(
            filled["restart"],
            json!({"strategy": "fixed-delay", "delay": "1000 ms", "attempts": 1})
        );
    }

    #[test]
    fn the_first_restart_comes_soon() {
        assert_eq!(filled(json!({}), "")["restart"]["initial-backoff"], "100 ms");
    }

    #[test]
    fn an_interval_of_zero_means_no_checkpoints() {
        let filled = filled(json!({}), "execution.checkpointing.interval: 0\n");
        assert_eq!((filled.get("checkpointing"), filled.get("restart")), (None, None));
    }
}
