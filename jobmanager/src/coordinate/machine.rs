//! The checkpoint coordinator of one attempt. Pure: same state, same event, same commands.
//!
//! One epoch is in flight at a time. An epoch that fails is given up; the job runs on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use streaming::Epoch;
use streaming::id::TaskId;

/// `execution.checkpointing.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// From trigger to trigger.
    pub interval: Duration,
    /// From the end of one epoch to the next trigger, at least.
    pub min_pause: Duration,
    /// From trigger to the last acknowledgement.
    pub timeout: Duration,
    /// Failed epochs in a row that the job survives; `None`: any number.
    pub tolerable_failed: Option<u32>,
}

/// `A` is what a task acknowledges with.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<A> {
    /// Every task runs.
    Begin,
    /// Somebody asks for a checkpoint now.
    Demand,
    /// Every source is exhausted: a checkpoint from here on is the last.
    DemandLast,
    Acknowledged {
        task: TaskId,
        epoch: Epoch,
        state: A,
    },
    Declined {
        task: TaskId,
        epoch: Epoch,
        why: String,
    },
    /// Answer to [`Command::Store`]: durable, or why not.
    Stored {
        epoch: Epoch,
        outcome: Result<(), String>,
    },
    Tick,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Command<A> {
    /// Sources inject the barrier.
    Trigger(Epoch),
    /// All tasks have answered: write the manifest, append the commit, answer [`Event::Stored`].
    Store {
        epoch: Epoch,
        states: BTreeMap<TaskId, A>,
    },
    /// The epoch is durable: tell the tasks.
    Announce(Epoch),
    Abandon {
        epoch: Epoch,
        why: String,
    },
    /// Durable, and nothing comes after it.
    LastCommitted,
    /// More epochs in a row failed than the job may survive.
    FailAttempt(String),
}

#[derive(Debug)]
struct Pending<A> {
    epoch: Epoch,
    triggered_at: Instant,
    states: BTreeMap<TaskId, A>,
    is_last: bool,
    is_storing: bool,
}

#[derive(Debug)]
pub struct Coordinator<A> {
    options: Options,
    tasks: BTreeSet<TaskId>,
    /// The highest epoch ever triggered by this job, aborted ones too: numbers are not used twice.
    last: Epoch,
    pending: Option<Pending<A>>,
    next_at: Option<Instant>,
    not_before: Option<Instant>,
    last_demanded: bool,
    failed_in_a_row: u32,
    ended: bool,
}

impl<A> Coordinator<A> {
    /// For one attempt. `last` is the highest epoch the job has triggered.
    pub fn new(options: Options, tasks: BTreeSet<TaskId>, last: Epoch) -> Self {
        Self {
            options,
            tasks,
            last,
            pending: None,
            next_at: None,
            not_before: None,
            last_demanded: false,
            failed_in_a_row: 0,
            ended: false,
        }
    }

    /// The highest epoch triggered so far.
    pub fn last(&self) -> Epoch {
        self.last
    }

    /// The epoch in flight.
    pub fn pending(&self) -> Option<Epoch> {
        self.pending.as_ref().map(|pending| pending.epoch)
    }

    /// When [`Event::Tick`] is due.
    pub fn wake_at(&self) -> Option<Instant> {
        match &self.pending {
            Some(pending) if pending.is_storing => None,
            Some(pending) => Some(pending.triggered_at + self.options.timeout),
            None => self.next_at.max(self.not_before.filter(|_| self.next_at.is_some())),
        }
    }

    pub fn on_event(&mut self, event: Event<A>, now: Instant) -> Vec<Command<A>> {
        match event {
            _ if self.ended => vec![],
            Event::Begin => {
                self.next_at = Some(now + self.options.interval);
                vec![]
            }
            Event::Demand => {
                self.next_at = Some(now);
                self.not_before = None;
                self.trigger_if_due(now)
            }
            Event::DemandLast => {
                self.last_demanded = true;
                self.next_at = Some(now);
                self.not_before = None;
                self.trigger_if_due(now)
            }
            Event::Acknowledged { task, epoch, state } if self.is_collecting(epoch) => self.acknowledge(task, state),
            Event::Declined { task, epoch, why } if self.is_collecting(epoch) => {
                self.abandon(format!("task {task} declined: {why}"), now)
            }
            Event::Stored { epoch, outcome } if self.pending() == Some(epoch) => match outcome {
                Ok(()) => self.committed(epoch, now),
                Err(why) => self.abandon(why, now),
            },
            // Of an epoch that has already ended.
            Event::Acknowledged { .. } | Event::Declined { .. } | Event::Stored { .. } => vec![],
            Event::Tick => self.tick(now),
        }
    }

    fn is_collecting(&self, epoch: Epoch) -> bool {
        self.pending
            .as_ref()
            .is_some_and(|pending| pending.epoch == epoch && !pending.is_storing)
    }

    fn acknowledge(&mut self, task: TaskId, state: A) -> Vec<Command<A>> {
        let Some(pending) = self.pending.as_mut().filter(|_| self.tasks.contains(&task)) else {
            return vec![];
        };
        pending.states.insert(task, state);
        if pending.states.len() < self.tasks.len() {
            return vec![];
        }
        pending.is_storing = true;
        vec![Command::Store {
            epoch: pending.epoch,
            states: std::mem::take(&mut pending.states),
        }]
    }

    fn committed(&mut self, epoch: Epoch, now: Instant) -> Vec<Command<A>> {
        let is_last = self.pending.take().is_some_and(|pending| pending.is_last);
        self.failed_in_a_row = 0;
        if is_last {
            self.ended = true;
            return vec![Command::Announce(epoch), Command::LastCommitted];
        }
        self.not_before = Some(now + self.options.min_pause);
        let mut commands = vec![Command::Announce(epoch)];
        commands.extend(self.tick(now));
        commands
    }

    fn abandon(&mut self, why: String, now: Instant) -> Vec<Command<A>> {
        let Some(pending) = self.pending.take() else {
            return vec![];
        };
        self.failed_in_a_row = self.failed_in_a_row.saturating_add(1);
        self.not_before = Some(now + self.options.min_pause);
        if self.last_demanded {
            // The job waits for this one, so not a whole interval.
            self.next_at = Some(now + self.options.interval.min(Duration::from_secs(1)));
        }
        let epoch = pending.epoch;
        let mut commands = vec![Command::Abandon {
            epoch,
            why: why.clone(),
        }];
        if self
            .options
            .tolerable_failed
            .is_some_and(|tolerable| self.failed_in_a_row > tolerable)
        {
            self.ended = true;
            commands.push(Command::FailAttempt(format!(
                "{} checkpoints in a row failed, which is more than execution.checkpointing.tolerable-failed-checkpoints; the last: {why}",
                self.failed_in_a_row
            )));
        }
        commands
    }

    fn tick(&mut self, now: Instant) -> Vec<Command<A>> {
        let Some(pending) = &self.pending else {
            return self.trigger_if_due(now);
        };
        if pending.is_storing || now < pending.triggered_at + self.options.timeout {
            return vec![];
        }
        let missing: Vec<_> = self
            .tasks
            .iter()
            .filter(|task| !pending.states.contains_key(task))
            .collect();
        let why = format!(
            "{} of {} tasks did not acknowledge within {} s, the first of them {}",
            missing.len(),
            self.tasks.len(),
            self.options.timeout.as_secs_f64(),
            missing.first().map_or_else(String::new, |task| task.to_string()),
        );
        self.abandon(why, now)
    }

    fn trigger_if_due(&mut self, now: Instant) -> Vec<Command<A>> {
        let is_due = self.next_at.is_some_and(|at| now >= at) && self.not_before.is_none_or(|at| now >= at);
        if self.pending.is_some() || !is_due {
            return vec![];
        }
        self.last = self.last.next();
        self.next_at = Some(now + self.options.interval);
        self.pending = Some(Pending {
            epoch: self.last,
            triggered_at: now,
            states: BTreeMap::new(),
            is_last: self.last_demanded,
            is_storing: false,
        });
        vec![Command::Trigger(self.last)]
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
