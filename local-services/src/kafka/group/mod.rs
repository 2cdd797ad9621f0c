//! Consumer groups in the classic protocol: membership lives in memory, offsets in the ledger.

mod machine;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use kafka_protocol::ResponseError;

pub use machine::{Group, Join, Joined, State, Sync};

/// Every group with members, by name.
#[derive(Default)]
pub struct Groups {
    by_id: Mutex<HashMap<String, Group>>,
}

impl Groups {
    /// Runs `act` on the group, which is made if it is not there and dropped if it is left empty.
    pub fn with<T>(&self, id: &str, act: impl FnOnce(&mut Group) -> T) -> T {
        let mut groups = self.lock();
        let group = groups.entry(id.to_string()).or_default();
        let result = act(group);
        if group.is_gone() {
            groups.remove(id);
        }
        result
    }

    /// Whether this member may commit offsets now; `generation` below 0 means a commit without membership.
    pub fn may_commit(&self, id: &str, member: &str, generation: i32, now: Instant) -> Result<(), ResponseError> {
        self.with(id, |group| group.may_commit(member, generation, now))
    }

    /// Lets time pass: silent members go, overdue rebalances end.
    pub fn expire(&self, now: Instant) {
        self.lock().retain(|_, group| {
            group.expire(now);
            !group.is_gone()
        });
    }

    /// Names of all groups that have members.
    pub fn names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Group>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
