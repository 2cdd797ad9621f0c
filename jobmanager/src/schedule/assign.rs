//! Places the slots of a job on TaskManagers. Pure and stable: the same arguments give the same answer.

use std::collections::BTreeMap;

use streaming::graph::PhysicalGraph;
use streaming::id::TaskId;

use super::{Slots, TaskManagerId};

/// There are not enough slots.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the job needs {needed} slots and {free} are free on {taskmanagers} TaskManagers; start more TaskManagers or lower the parallelism"
)]
pub struct Shortage {
    pub needed: usize,
    pub free: usize,
    pub taskmanagers: usize,
}

/// A TaskManager for each slot of the job.
///
/// * `needed` — slots of the job: the parallelism of its widest vertex
/// * `free` — free slots per TaskManager
/// * `previous` — where the slots were; a slot stays where it was if it can, because its state may still lie there
///
/// Other slots go where the job has the fewest slots yet, then where most slots are free, then by id.
pub fn assign(
    needed: usize,
    free: &BTreeMap<TaskManagerId, usize>,
    previous: &[TaskManagerId],
) -> Result<Slots, Shortage> {
    let total: usize = free.values().sum();
    if total < needed {
        return Err(Shortage {
            needed,
            free: total,
            taskmanagers: free.len(),
        });
    }
    let mut seats: BTreeMap<&TaskManagerId, Seats> =
        free.iter().map(|(id, &free)| (id, Seats { free, taken: 0 })).collect();
    let mut slots: Vec<Option<&TaskManagerId>> = vec![None; needed];
    for (slot, before) in slots.iter_mut().zip(previous) {
        if let Some((&id, seats)) = seats.iter_mut().find(|(id, _)| **id == before)
            && seats.free > 0
        {
            seats.take();
            *slot = Some(id);
        }
    }
    for slot in slots.iter_mut().filter(|slot| slot.is_none()) {
        let (&id, seats) = seats
            .iter_mut()
            .filter(|(_, seats)| seats.free > 0)
            .min_by_key(|(id, seats)| (seats.taken, std::cmp::Reverse(seats.free), **id))
            .expect("the total was checked above");
        seats.take();
        *slot = Some(id);
    }
    Ok(slots.into_iter().flatten().cloned().collect())
}

#[derive(Debug, Clone, Copy)]
struct Seats {
    free: usize,
    taken: usize,
}

impl Seats {
    fn take(&mut self) {
        self.free -= 1;
        self.taken += 1;
    }
}

/// All tasks of the graph, vertex by vertex.
pub fn tasks(graph: &PhysicalGraph) -> impl Iterator<Item = TaskId> {
    graph.vertices.iter().flat_map(|vertex| {
        let id = vertex.id;
        (0..vertex.parallelism).map(move |subtask| TaskId { vertex: id, subtask })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn free(text: &str) -> BTreeMap<TaskManagerId, usize> {
        text.split_whitespace()
            .map(|item| {
                let (id, count) = item.split_once('=').unwrap();
                (id.to_owned(), count.parse().unwrap())
            })
            .collect()
    }

    fn check(needed: usize, slots: &str, previous: &str, expected: &str) {
        let previous: Vec<_> = previous.split_whitespace().map(str::to_owned).collect();
        assert_eq!(assign(needed, &free(slots), &previous).unwrap().join(" "), expected);
    }

    #[test]
    fn slots_are_spread_over_taskmanagers() {
        check(2, "a=4 b=4", "", "a b");
        check(3, "a=1 b=4", "", "b a b");
    }

    #[test]
    fn slots_stay_where_they_were() {
        check(2, "a=4 b=4", "b b", "b b");
    }

    #[test]
    fn only_the_slots_of_a_lost_taskmanager_move() {
        check(3, "a=2 c=2", "a b a", "a c a");
    }

    #[test]
    fn a_shortage_says_what_is_missing() {
        let error = assign(3, &free("a=1 b=1"), &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the job needs 3 slots and 2 are free on 2 TaskManagers; start more TaskManagers or lower the parallelism"
        );
    }

    proptest! {
        #[test]
        fn no_taskmanager_is_overfilled_and_what_can_stay_stays(
            counts in prop::collection::vec(0usize..5, 1..6),
            needed in 0usize..12,
            before in prop::collection::vec(0usize..8, 0..12),
        ) {
            let free: BTreeMap<_, _> = counts.iter().enumerate().map(|(i, &n)| (format!("tm-{i}"), n)).collect();
            let previous: Vec<_> = before.iter().map(|i| format!("tm-{i}")).collect();
            match assign(needed, &free, &previous) {
                Err(shortage) => prop_assert!(shortage.free < needed),
                Ok(slots) => {
                    prop_assert_eq!(slots.len(), needed);
                    for (id, &count) in &free {
                        prop_assert!(slots.iter().filter(|slot| *slot == id).count() <= count);
                    }
                    prop_assert_eq!(&slots, &assign(needed, &free, &slots).unwrap(), "stable");
                    for (slot, before) in slots.iter().zip(&previous) {
                        let could_stay = free.get(before).is_some_and(|&count| {
                            count >= previous.iter().take(needed).filter(|id| *id == before).count()
                        });
                        prop_assert!(!could_stay || slot == before);
                    }
                }
            }
        }
    }
}
