//! The checkpoints of a job as they are shown: the newest ones, and numbers over all.

use std::collections::{BTreeMap, VecDeque};

use streaming::Epoch;
use streaming::id::TaskId;

/// Durations and sizes over which the summary is taken.
const SUMMARY: usize = 1_000;

/// Times are milliseconds since the epoch.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    kept: usize,
    pub completed: u64,
    pub failed: u64,
    pub restored: u64,
    /// Newest first.
    pub history: VecDeque<Checkpoint>,
    latest_completed: Option<Checkpoint>,
    latest_failed: Option<Checkpoint>,
    pub latest_restored: Option<Restored>,
    /// Of completed ones: duration in milliseconds and size in bytes.
    pub measured: VecDeque<(u64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    InProgress,
    Completed,
    Failed,
}

#[derive(Debug, Clone)]
pub struct Checkpoint {
    pub epoch: Epoch,
    pub status: Status,
    pub triggered_ms: i64,
    /// When it became durable or was given up.
    pub ended_ms: Option<i64>,
    pub tasks_total: usize,
    pub acknowledged: BTreeMap<TaskId, Acknowledgement>,
    pub path: Option<String>,
    pub why_failed: Option<String>,
    pub discarded: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Acknowledgement {
    pub at_ms: i64,
    /// All that has to be read to restore.
    pub state_bytes: u64,
    /// What this checkpoint has written.
    pub written_bytes: u64,
    pub alignment_ms: u64,
    pub sync_ms: u64,
    pub async_ms: u64,
}

#[derive(Debug, Clone)]
pub struct Restored {
    pub epoch: Epoch,
    pub at_ms: i64,
    pub path: Option<String>,
}

impl Checkpoint {
    pub fn state_bytes(&self) -> u64 {
        self.acknowledged.values().map(|one| one.state_bytes).sum()
    }

    pub fn written_bytes(&self) -> u64 {
        self.acknowledged.values().map(|one| one.written_bytes).sum()
    }

    pub fn last_acknowledged_ms(&self) -> Option<i64> {
        self.acknowledged.values().map(|one| one.at_ms).max()
    }

    pub fn end_ms(&self) -> i64 {
        self.ended_ms.unwrap_or(self.triggered_ms)
    }

    /// From the trigger to the end, or to `now_ms`.
    pub fn duration_ms(&self, now_ms: i64) -> u64 {
        u64::try_from(self.ended_ms.unwrap_or(now_ms) - self.triggered_ms).unwrap_or(0)
    }
}

impl Checkpoints {
    pub fn new(kept: usize) -> Self {
        Self {
            kept: kept.max(1),
            completed: 0,
            failed: 0,
            restored: 0,
            history: VecDeque::new(),
            latest_completed: None,
            latest_failed: None,
            latest_restored: None,
            measured: VecDeque::new(),
        }
    }

    pub fn latest_completed(&self) -> Option<&Checkpoint> {
        self.latest_completed.as_ref()
    }

    pub fn latest_failed(&self) -> Option<&Checkpoint> {
        self.latest_failed.as_ref()
    }

    pub fn in_progress(&self) -> usize {
        self.history
            .iter()
            .filter(|one| one.status == Status::InProgress)
            .count()
    }

    pub fn find(&self, epoch: Epoch) -> Option<&Checkpoint> {
        let latest = self.latest_completed.iter().chain(&self.latest_failed);
        self.history.iter().chain(latest).find(|one| one.epoch == epoch)
    }

    pub fn trigger(&mut self, epoch: Epoch, tasks_total: usize, now_ms: i64) {
        self.history.push_front(Checkpoint {
            epoch,
            status: Status::InProgress,
            triggered_ms: now_ms,
            ended_ms: None,
            tasks_total,
            acknowledged: BTreeMap::new(),
            path: None,
            why_failed: None,
            discarded: false,
        });
        self.history.truncate(self.kept);
    }

    pub fn acknowledge(&mut self, epoch: Epoch, task: TaskId, acknowledgement: Acknowledgement) {
        if let Some(one) = self.in_flight(epoch) {
            one.acknowledged.insert(task, acknowledgement);
        }
    }

    /// The epoch is durable; of those before, the newest `retained - 1` still are.
    pub fn complete(&mut self, epoch: Epoch, path: String, retained: usize, now_ms: i64) {
        self.completed += 1;
        let Some(one) = self.in_flight(epoch) else { return };
        one.status = Status::Completed;
        one.ended_ms = Some(now_ms);
        one.path = Some(path);
        let (measure, one) = ((one.duration_ms(now_ms), one.state_bytes()), one.clone());
        self.measured.push_front(measure);
        self.measured.truncate(SUMMARY);
        self.latest_completed = Some(one);
        let completed = self.history.iter_mut().filter(|one| one.status == Status::Completed);
        for old in completed.skip(retained.max(1)) {
            old.discarded = true;
        }
    }

    pub fn fail(&mut self, epoch: Epoch, why: String, now_ms: i64) {
        self.failed += 1;
        let Some(one) = self.in_flight(epoch) else { return };
        one.status = Status::Failed;
        one.ended_ms = Some(now_ms);
        one.why_failed = Some(why);
        self.latest_failed = Some(one.clone());
    }

    /// The attempt is over, and with it what was in flight.
    pub fn fail_in_flight(&mut self, why: &str, now_ms: i64) {
        let in_flight = self.history.iter().filter(|one| one.status == Status::InProgress);
        for epoch in in_flight.map(|one| one.epoch).collect::<Vec<_>>() {
            self.fail(epoch, why.to_owned(), now_ms);
        }
    }

    pub fn restore(&mut self, epoch: Epoch, path: Option<String>, now_ms: i64) {
        self.restored += 1;
        let at_ms = now_ms;
        self.latest_restored = Some(Restored { epoch, at_ms, path });
    }

    fn in_flight(&mut self, epoch: Epoch) -> Option<&mut Checkpoint> {
        let mut history = self.history.iter_mut();
        history.find(|one| one.epoch == epoch && one.status == Status::InProgress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_are_listed_but_all_are_counted() {
        let mut checkpoints = Checkpoints::new(2);
        for epoch in 1..=5 {
            checkpoints.trigger(Epoch(epoch), 1, 10 * epoch as i64);
            if epoch == 5 {
                checkpoints.fail(Epoch(epoch), "late".into(), 99);
            } else {
                checkpoints.complete(Epoch(epoch), "path".into(), 1, 10 * epoch as i64 + 4);
            }
        }
        assert_eq!((checkpoints.completed, checkpoints.failed), (4, 1));
        let listed: Vec<_> = checkpoints.history.iter().map(|one| one.epoch.0).collect();
        assert_eq!(listed, [5, 4]);
        assert_eq!(checkpoints.latest_completed().unwrap().duration_ms(0), 4);
    }
}
