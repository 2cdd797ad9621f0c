//! Everything the broker remembers beside records: topics, committed offsets, transactions. A fold of events, pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

/// Topic and partition.
pub type TopicPartition = (String, i32);

/// What happened; the journal is a list of these.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    TopicCreated {
        name: String,
        id: u64,
        partitions: i32,
        config: BTreeMap<String, String>,
    },
    TopicDeleted {
        name: String,
    },
    PartitionsAdded {
        name: String,
        partitions: i32,
    },
    OffsetsCommitted {
        group: String,
        offsets: Vec<Offset>,
    },
    GroupDeleted {
        group: String,
    },
    /// Offsets inside a producer's open transaction.
    OffsetsPending {
        producer_id: i64,
        group: String,
        offsets: Vec<Offset>,
    },
    /// Ids below `next` may have been handed out.
    ProducerIdsReserved {
        next: i64,
    },
    /// The new state of a transactional id; a state without a transaction decides over pending offsets.
    Transaction {
        id: String,
        transaction: Transaction,
    },
    TransactionalIdForgotten {
        id: String,
    },
}

/// A committed position of a group in one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offset {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub leader_epoch: i32,
    pub metadata: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Never used twice, so that a topic created again does not meet the files of its predecessor.
    pub id: u64,
    pub partitions: i32,
    pub config: BTreeMap<String, String>,
}

/// Life of one transactional id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    Empty,
    Ongoing,
    /// Decided, markers being written.
    Committing,
    Aborting,
    Committed,
    Aborted,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    pub producer_id: i64,
    pub epoch: i16,
    pub timeout_ms: i64,
    pub state: State,
    pub partitions: BTreeSet<TopicPartition>,
    pub groups: BTreeSet<String>,
    /// When the open transaction began; epoch milliseconds.
    pub started_ms: i64,
    pub updated_ms: i64,
}

/// The present, as the events made it.
#[derive(Default)]
pub struct Ledger {
    pub topics: BTreeMap<String, Topic>,
    pub transactions: BTreeMap<String, Transaction>,
    pub next_producer_id: i64,
    pub next_topic_id: u64,
    offsets: BTreeMap<String, BTreeMap<TopicPartition, Offset>>,
    pending: HashMap<i64, BTreeMap<String, BTreeMap<TopicPartition, Offset>>>,
}

impl Ledger {
    /// Takes one event in.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::TopicCreated {
                name,
                id,
                partitions,
                config,
            } => {
                self.next_topic_id = self.next_topic_id.max(id + 1);
                self.topics.insert(name, Topic { id, partitions, config });
            }
            Event::TopicDeleted { name } => self.delete_topic(&name),
            Event::PartitionsAdded { name, partitions } => {
                if let Some(topic) = self.topics.get_mut(&name) {
                    topic.partitions = partitions;
                }
            }
            Event::OffsetsCommitted { group, offsets } => put(self.offsets.entry(group).or_default(), offsets),
            Event::GroupDeleted { group } => {
                self.offsets.remove(&group);
            }
            Event::OffsetsPending {
                producer_id,
                group,
                offsets,
            } => {
                put(
                    self.pending.entry(producer_id).or_default().entry(group).or_default(),
                    offsets,
                );
            }
            Event::ProducerIdsReserved { next } => self.next_producer_id = self.next_producer_id.max(next),
            Event::Transaction { id, transaction } => self.apply_transaction(id, transaction),
            Event::TransactionalIdForgotten { id } => {
                self.transactions.remove(&id);
            }
        }
    }

    fn apply_transaction(&mut self, id: String, transaction: Transaction) {
        match transaction.state {
            State::Committed => {
                for (group, offsets) in self.pending.remove(&transaction.producer_id).unwrap_or_default() {
                    self.offsets.entry(group).or_default().extend(offsets);
                }
            }
            State::Aborted => {
                self.pending.remove(&transaction.producer_id);
            }
            State::Empty | State::Ongoing | State::Committing | State::Aborting => {}
        }
        self.next_producer_id = self.next_producer_id.max(transaction.producer_id + 1);
        self.transactions.insert(id, transaction);
    }

    fn delete_topic(&mut self, name: &str) {
        self.topics.remove(name);
        let pending = self.pending.values_mut().flat_map(|groups| groups.values_mut());
        for offsets in self.offsets.values_mut().chain(pending) {
            offsets.retain(|(topic, _), _| topic != name);
        }
        self.offsets.retain(|_, offsets| !offsets.is_empty());
    }

    /// The group's committed position.
    pub fn offset(&self, group: &str, partition: &TopicPartition) -> Option<&Offset> {
        self.offsets.get(group)?.get(partition)
    }

    /// All positions of a group.
    pub fn offsets(&self, group: &str) -> impl Iterator<Item = &Offset> {
        self.offsets.get(group).into_iter().flat_map(BTreeMap::values)
    }

    /// Groups that have committed something.
    pub fn groups(&self) -> impl Iterator<Item = &String> {
        self.offsets.keys()
    }

    /// Whether an open transaction may still change the group's position.
    pub fn is_unstable(&self, group: &str, partition: &TopicPartition) -> bool {
        self.pending
            .values()
            .any(|groups| groups.get(group).is_some_and(|offsets| offsets.contains_key(partition)))
    }

    /// Events that make an equal ledger: what a compacted journal holds.
    pub fn snapshot(&self) -> Vec<Event> {
        let mut events = vec![Event::ProducerIdsReserved {
            next: self.next_producer_id,
        }];
        for (name, topic) in &self.topics {
            let (id, partitions, config) = (topic.id, topic.partitions, topic.config.clone());
            events.push(Event::TopicCreated {
                name: name.clone(),
                id,
                partitions,
                config,
            });
        }
        for (group, offsets) in &self.offsets {
            events.push(Event::OffsetsCommitted {
                group: group.clone(),
                offsets: offsets.values().cloned().collect(),
            });
        }
        // Transactions first: a finished one would otherwise decide over the pending offsets of its successor.
        for (id, transaction) in &self.transactions {
            events.push(Event::Transaction {
                id: id.clone(),
                transaction: transaction.clone(),
            });
        }
        for (&producer_id, groups) in &self.pending {
            for (group, offsets) in groups {
                let offsets = offsets.values().cloned().collect();
                events.push(Event::OffsetsPending {
                    producer_id,
                    group: group.clone(),
                    offsets,
                });
            }
        }
        events
    }
}

fn put(into: &mut BTreeMap<TopicPartition, Offset>, offsets: Vec<Offset>) {
    for offset in offsets {
        into.insert((offset.topic.clone(), offset.partition), offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(offset: i64) -> Offset {
        Offset {
            topic: "t".into(),
            partition: 0,
            offset,
            leader_epoch: -1,
            metadata: None,
        }
    }

    fn transaction(state: State) -> Event {
        let transaction = Transaction {
            producer_id: 1,
            epoch: 0,
            timeout_ms: 1,
            state,
            partitions: BTreeSet::new(),
            groups: BTreeSet::new(),
            started_ms: 0,
            updated_ms: 0,
        };
        Event::Transaction {
            id: "x".into(),
            transaction,
        }
    }

    fn pending(value: i64) -> Event {
        Event::OffsetsPending {
            producer_id: 1,
            group: "g".into(),
            offsets: vec![offset(value)],
        }
    }

    #[test]
    fn pending_offsets_count_after_the_commit_and_vanish_after_an_abort() {
        let partition = ("t".to_string(), 0);
        let mut ledger = Ledger::default();
        ledger.apply(pending(5));
        assert!(ledger.is_unstable("g", &partition) && ledger.offset("g", &partition).is_none());
        ledger.apply(transaction(State::Committed));
        assert_eq!(ledger.offset("g", &partition), Some(&offset(5)));
        ledger.apply(pending(6));
        ledger.apply(transaction(State::Aborted));
        assert_eq!(ledger.offset("g", &partition), Some(&offset(5)));
        assert!(!ledger.is_unstable("g", &partition));
    }

    #[test]
    fn a_snapshot_rebuilds_the_ledger() {
        let mut ledger = Ledger::default();
        ledger.apply(Event::TopicCreated {
            name: "t".into(),
            id: 4,
            partitions: 2,
            config: BTreeMap::new(),
        });
        ledger.apply(pending(5));
        ledger.apply(transaction(State::Committed));
        ledger.apply(pending(6));
        let mut again = Ledger::default();
        ledger.snapshot().into_iter().for_each(|event| again.apply(event));
        assert_eq!(format!("{:?}", again.snapshot()), format!("{:?}", ledger.snapshot()));
        assert_eq!(again.next_topic_id, 5);
        assert!(again.is_unstable("g", &("t".to_string(), 0)));
    }
}
