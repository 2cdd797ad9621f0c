//! Keys, their hash, and the key groups in which state is kept and moved.

use serde::{Deserialize, Serialize};

use crate::SubtaskIndex;

/// The default number of key groups of a job (Flink's default lower bound of `max-parallelism`).
pub const DEFAULT_KEY_GROUPS: u16 = 128;

/// The stable 64-bit hash (XXH3) that decides a key's group. Changing it would orphan all state.
pub fn hash(key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(key)
}

/// A share of the key space; the unit in which state is partitioned, stored and moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyGroup(pub u16);

impl KeyGroup {
    /// `hash mod groups`. `groups` is at least 1.
    pub fn of(hash: u64, groups: u16) -> Self {
        Self((hash % u64::from(groups)) as u16)
    }

    /// Which of `parallelism` subtasks owns this group: contiguous ranges, as even as they can be.
    pub fn owner(self, groups: u16, parallelism: u16) -> SubtaskIndex {
        (u32::from(self.0) * u32::from(parallelism) / u32::from(groups)) as u16
    }
}

/// The groups `start..end` that one subtask owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyGroupRange {
    start: u16,
    end: u16,
}

impl KeyGroupRange {
    /// The groups owned by `subtask` of `parallelism`; empty if there are fewer groups than subtasks and this one has none.
    pub fn of_subtask(groups: u16, parallelism: u16, subtask: SubtaskIndex) -> Self {
        let first = |subtask: u32| (subtask * u32::from(groups)).div_ceil(u32::from(parallelism)) as u16;
        Self {
            start: first(u32::from(subtask)),
            end: first(u32::from(subtask) + 1),
        }
    }

    pub fn contains(self, group: KeyGroup) -> bool {
        (self.start..self.end).contains(&group.0)
    }

    /// The groups that are in both; empty if there are none.
    pub fn intersect(self, other: Self) -> Self {
        let start = self.start.max(other.start);
        let end = self.end.min(other.end).max(start);
        Self { start, end }
    }

    /// The groups `start..end` of these; `None` if there are none.
    pub fn between(self, start: u16, end: u16) -> Option<Self> {
        let part = self.intersect(Self { start, end });
        (!part.is_empty()).then_some(part)
    }

    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }

    pub fn start(self) -> u16 {
        self.start
    }

    pub fn end(self) -> u16 {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_partition_the_groups_and_agree_with_the_owner(groups in 1u16..1000, parallelism in 1u16..300) {
            for group in 0..groups {
                let group = KeyGroup(group);
                let owners: Vec<_> = (0..parallelism)
                    .filter(|&subtask| KeyGroupRange::of_subtask(groups, parallelism, subtask).contains(group))
                    .collect();
                prop_assert_eq!(owners, vec![group.owner(groups, parallelism)]);
            }
        }
    }

    #[test]
    fn the_hash_of_a_key_never_changes() {
        assert_eq!(hash(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(
            KeyGroup::of(hash(b"sensor-7"), 128),
            KeyGroup::of(hash(b"sensor-7"), 128)
        );
    }
}
