//! The slots of all TaskManagers, and which job holds which.

use std::collections::BTreeMap;

use streaming::JobId;

use super::assign::{self, Shortage};
use super::{Slots, TaskManagerId};

/// Counts slots; knows nothing of connections.
#[derive(Debug, Default)]
pub struct Pool {
    offered: BTreeMap<TaskManagerId, usize>,
    held: BTreeMap<JobId, Slots>,
}

impl Pool {
    /// A TaskManager offers its slots.
    pub fn offer(&mut self, taskmanager: TaskManagerId, slots: usize) {
        self.offered.insert(taskmanager, slots);
    }

    /// A TaskManager is gone. What jobs hold of it stays theirs until they release it, so that a job notices first.
    pub fn withdraw(&mut self, taskmanager: &str) {
        self.offered.remove(taskmanager);
    }

    /// Slots nobody holds, per TaskManager.
    pub fn free(&self) -> BTreeMap<TaskManagerId, usize> {
        self.offered
            .iter()
            .map(|(id, &offered)| (id.clone(), offered.saturating_sub(self.held_of(id))))
            .collect()
    }

    pub fn total(&self) -> usize {
        self.offered.values().sum()
    }

    /// Jobs that hold slots of a TaskManager, and how many.
    pub fn holders(&self, taskmanager: &str) -> Vec<(JobId, usize)> {
        let count = |slots: &Slots| slots.iter().filter(|id| *id == taskmanager).count();
        let holders = self.held.iter().map(|(&job, slots)| (job, count(slots)));
        holders.filter(|&(_, count)| count > 0).collect()
    }

    /// Gives the job `needed` slots, in place of those it holds.
    pub fn take(&mut self, job: JobId, needed: usize, previous: &[TaskManagerId]) -> Result<Slots, Shortage> {
        self.held.remove(&job);
        let slots = assign::assign(needed, &self.free(), previous)?;
        self.held.insert(job, slots.clone());
        Ok(slots)
    }

    pub fn release(&mut self, job: JobId) {
        self.held.remove(&job);
    }

    fn held_of(&self, taskmanager: &str) -> usize {
        self.held.values().flatten().filter(|id| *id == taskmanager).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_held_until_they_are_released() {
        let mut pool = Pool::default();
        pool.offer("a".into(), 2);
        assert_eq!(pool.take(JobId(1), 2, &[]).unwrap(), ["a", "a"]);
        assert_eq!(pool.take(JobId(2), 1, &[]).unwrap_err().free, 0);
        pool.release(JobId(1));
        assert_eq!(pool.take(JobId(2), 1, &[]).unwrap(), ["a"]);
        assert_eq!(pool.holders("a"), [(JobId(2), 1)]);
    }

    #[test]
    fn a_lost_taskmanager_offers_nothing() {
        let mut pool = Pool::default();
        pool.offer("a".into(), 2);
        pool.offer("b".into(), 1);
        pool.take(JobId(1), 2, &[]).unwrap();
        pool.withdraw("a");
        assert_eq!((pool.total(), pool.free()["b"]), (1, 0));
        assert_eq!(pool.take(JobId(1), 1, &["a".into()]).unwrap(), ["b"]);
    }
}
