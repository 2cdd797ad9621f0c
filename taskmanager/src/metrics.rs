//! What a task tells of itself: counters that the task thread writes and the heartbeat reads.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proto::{Shown, TaskReport};
use streaming::Timestamp;
use streaming::id::TaskId;

/// Documents shown by operators that the next heartbeat takes along; older ones give way.
const SHOWN_LIMIT: usize = 64;

/// Counters of one task, since it started.
#[derive(Debug)]
pub struct TaskMetrics {
    pub records_in: AtomicU64,
    pub records_out: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    pub busy_us: AtomicU64,
    pub idle_us: AtomicU64,
    pub backpressured_us: AtomicU64,
    pub watermark_us: AtomicI64,
    pub state_bytes: AtomicU64,
    /// -1: not known.
    pub pending_records: AtomicI64,
    /// `operator.metric`.
    counters: Mutex<HashMap<String, u64>>,
}

impl Default for TaskMetrics {
    fn default() -> Self {
        Self {
            records_in: AtomicU64::new(0),
            records_out: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            busy_us: AtomicU64::new(0),
            idle_us: AtomicU64::new(0),
            backpressured_us: AtomicU64::new(0),
            watermark_us: AtomicI64::new(Timestamp::MIN.0),
            state_bytes: AtomicU64::new(0),
            pending_records: AtomicI64::new(-1),
            counters: Mutex::default(),
        }
    }
}

/// Adds to a counter that only one thread writes and others read now and then.
pub fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

/// Adds a duration to a counter of microseconds.
pub fn add_time(counter: &AtomicU64, time: Duration) {
    add(counter, time.as_micros() as u64);
}

impl TaskMetrics {
    pub fn count(&self, operator: &str, metric: &str, amount: u64) {
        *self.counters().entry(format!("{operator}.{metric}")).or_default() += amount;
    }

    pub fn gauge(&self, operator: &str, metric: &str, value: u64) {
        self.counters().insert(format!("{operator}.{metric}"), value);
    }

    fn counters(&self) -> std::sync::MutexGuard<'_, HashMap<String, u64>> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn report(&self, deployment: u64, task: TaskId) -> TaskReport {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TaskReport {
            deployment,
            vertex: task.vertex.0.into(),
            subtask: task.subtask.into(),
            records_in: read(&self.records_in),
            records_out: read(&self.records_out),
            bytes_in: read(&self.bytes_in),
            bytes_out: read(&self.bytes_out),
            busy_ms: read(&self.busy_us) / 1000,
            idle_ms: read(&self.idle_us) / 1000,
            backpressured_ms: read(&self.backpressured_us) / 1000,
            watermark_us: self.watermark_us.load(Ordering::Relaxed),
            state_bytes: read(&self.state_bytes),
            pending_records: self.pending_records.load(Ordering::Relaxed),
            counters: self.counters().clone(),
        }
    }
}

/// What operators want to show to people, until the next heartbeat.
#[derive(Debug, Clone, Default)]
pub struct Showcase(Arc<Mutex<VecDeque<Shown>>>);

impl Showcase {
    /// Adds a document unless that much has been shown since the last heartbeat; people cannot look faster.
    pub fn show(&self, deployment: u64, task: TaskId, topic: &str, document: &mut dyn FnMut() -> String) {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.len() < SHOWN_LIMIT {
            let vertex = task.vertex.0.into();
            shown.push_back(Shown {
                deployment,
                vertex,
                topic: topic.to_owned(),
                document: document(),
            });
        }
    }

    pub fn take(&self) -> Vec<Shown> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
            .collect()
    }
}
