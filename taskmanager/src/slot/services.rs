//! What a task offers its operators: time, timers, the compute pool, metrics.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use streaming::Timestamp;
use streaming::id::TaskId;
use streaming::operator::{Cancel, Completion, Services, Timer, Work};

use super::mailbox::{Event, Mailbox};
use crate::memory::compute::{ComputePool, Done};
use crate::metrics::{Showcase, TaskMetrics};

/// Reads the processing time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What all operators of a task share.
pub struct TaskServices {
    pub clock: Clock,
    pub compute: ComputePool,
    pub cancel: Cancel,
    pub mailbox: Mailbox,
    pub metrics: Arc<TaskMetrics>,
    pub showcase: Showcase,
    pub deployment: u64,
    pub task: TaskId,
    /// Timers with their node, the next one on top.
    pub timers: BinaryHeap<Reverse<(Timer, usize)>>,
}

/// Offloaded work of one operator: results are handed over in the order of submission.
#[derive(Default)]
pub struct Offloaded {
    submitted: u64,
    delivered: u64,
    early: BTreeMap<u64, Completion>,
}

impl Offloaded {
    /// Work submitted and not yet delivered.
    pub fn outstanding(&self) -> u64 {
        self.submitted - self.delivered
    }

    pub fn arrived(&mut self, sequence: u64, token: u64, done: Done) {
        self.early.insert(sequence, Completion { token, outcome: done });
    }

    /// The next result, if it is its turn.
    pub fn take_next(&mut self) -> Option<Completion> {
        let completion = self.early.remove(&self.delivered)?;
        self.delivered += 1;
        Some(completion)
    }
}

/// The services as one operator sees them.
pub struct NodeServices<'a> {
    pub task: &'a mut TaskServices,
    pub offloaded: &'a mut Offloaded,
    pub node: usize,
    pub operator: &'a str,
}

impl Services for NodeServices<'_> {
    fn now(&self) -> Timestamp {
        (self.task.clock)()
    }

    fn wake_at(&mut self, timer: Timer) {
        self.task.timers.push(Reverse((timer, self.node)));
    }

    fn offload(&mut self, work: Work) {
        let sequence = self.offloaded.submitted;
        self.offloaded.submitted += 1;
        let mailbox = self.task.mailbox.clone();
        let node = self.node;
        // A task that is gone needs no result.
        let report = Box::new(move |token, done| {
            let _ = mailbox.send(Event::Completed {
                node,
                sequence,
                token,
                done,
            });
        });
        self.task.compute.submit(work, self.task.cancel.clone(), report);
    }

    fn count(&mut self, metric: &'static str, amount: u64) {
        self.task.metrics.count(self.operator, metric, amount);
    }

    fn gauge(&mut self, metric: &'static str, value: u64) {
        self.task.metrics.gauge(self.operator, metric, value);
    }

    fn show(&mut self, topic: &'static str, document: &mut dyn FnMut() -> String) {
        self.task
            .showcase
            .show(self.task.deployment, self.task.task, topic, document);
    }
}
