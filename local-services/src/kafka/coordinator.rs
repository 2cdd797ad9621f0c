//! The transaction coordinator: carries out what `transaction` decides.
//!
//! Everything happens under the store's lock: a decision is written to the journal, then the markers to the partitions,
//! then the end to the journal, which is the moment offsets become visible. A restart finishes what it finds half done.

use std::collections::BTreeSet;

use kafka_protocol::ResponseError;

use super::broker::{Broker, now_ms, storage_error};
use super::error::Result;
use super::journal::Store;
use super::ledger::{Event, Offset, State, TopicPartition, Transaction};
use super::transaction::{self, Init, Producer};

impl Broker {
    /// A producer id and epoch for an idempotent producer without transactions.
    pub fn new_producer_id(&self) -> std::result::Result<(i64, i16), ResponseError> {
        let mut store = self.store();
        let id = store.ledger().next_producer_id;
        store
            .record(Event::ProducerIdsReserved { next: id + 1 })
            .map_err(storage_error)?;
        Ok((id, 0))
    }

    /// A producer id and epoch for a transactional producer; its predecessor is fenced, an open transaction aborted.
    pub fn init_transactional(
        &self,
        id: &str,
        known: Option<(i64, i16)>,
        timeout_ms: i64,
    ) -> std::result::Result<(i64, i16), ResponseError> {
        let mut store = self.store();
        let mut known = known;
        loop {
            match transaction::init(store.ledger(), id, known, timeout_ms, now_ms())? {
                Init::AbortFirst(aborting) => {
                    // The epoch has just been raised; the producer that asks is still the one that was known.
                    known = None;
                    self.carry_out(&mut store, id, &aborting).map_err(storage_error)?;
                }
                Init::Ready(transaction) => {
                    let given = (transaction.producer_id, transaction.epoch);
                    store
                        .record(Event::Transaction {
                            id: id.to_string(),
                            transaction,
                        })
                        .map_err(storage_error)?;
                    return Ok(given);
                }
            }
        }
    }

    /// Adds partitions, which must exist, to the producer's transaction.
    pub fn add_to_transaction(
        &self,
        producer: Producer<'_>,
        partitions: BTreeSet<TopicPartition>,
    ) -> std::result::Result<(), ResponseError> {
        let mut store = self.store();
        let transaction = transaction::add(store.ledger(), producer, partitions, [], now_ms())?;
        self.save(&mut store, producer.transactional_id, &transaction)?;
        self.begin_in_partitions(&transaction);
        Ok(())
    }

    /// Announces that the producer's transaction will commit offsets of `group`.
    pub fn add_group_to_transaction(
        &self,
        producer: Producer<'_>,
        group: &str,
    ) -> std::result::Result<(), ResponseError> {
        let mut store = self.store();
        let transaction = transaction::add(store.ledger(), producer, [], [group.to_string()], now_ms())?;
        self.save(&mut store, producer.transactional_id, &transaction)
    }

    /// Stores offsets that become visible with the producer's transaction.
    pub fn commit_offsets_in_transaction(
        &self,
        producer: Producer<'_>,
        group: &str,
        offsets: Vec<Offset>,
    ) -> std::result::Result<(), ResponseError> {
        let mut store = self.store();
        transaction::may_commit_offsets(store.ledger(), producer, group)?;
        let pending = Event::OffsetsPending {
            producer_id: producer.id,
            group: group.to_string(),
            offsets,
        };
        store.record(pending).map_err(storage_error)
    }

    /// Commits or aborts the producer's transaction.
    pub fn end_transaction(&self, producer: Producer<'_>, commit: bool) -> std::result::Result<(), ResponseError> {
        let mut store = self.store();
        match transaction::end(store.ledger(), producer, commit)? {
            Some(decided) => self
                .carry_out(&mut store, producer.transactional_id, &decided)
                .map_err(storage_error),
            None => Ok(()),
        }
    }

    /// Aborts the transactions that were open for too long.
    pub fn expire_transactions(&self, now_ms: i64) -> Result<()> {
        let mut store = self.store();
        for (id, aborting) in transaction::expired(store.ledger(), now_ms) {
            tracing::info!(
                transactional_id = id,
                producer_id = aborting.producer_id,
                "transaction timed out, aborted"
            );
            self.carry_out(&mut store, &id, &aborting)?;
        }
        // Only a fault of the disk leaves these behind.
        for (id, decided) in transaction::half_done(store.ledger()) {
            self.complete(&mut store, &id, &decided)?;
        }
        Ok(())
    }

    fn carry_out(&self, store: &mut Store, id: &str, decided: &Transaction) -> Result<()> {
        store.record(Event::Transaction {
            id: id.to_string(),
            transaction: decided.clone(),
        })?;
        self.complete(store, id, decided)
    }

    /// Writes the markers of a decided transaction and ends it.
    pub(super) fn complete(&self, store: &mut Store, id: &str, decided: &Transaction) -> Result<()> {
        let now_ms = now_ms();
        let ended = transaction::completed(decided, now_ms);
        let committed = ended.state == State::Committed;
        for (topic, partition) in &decided.partitions {
            // A partition may have gone with its topic.
            if let Some(partition) = self.partition(topic, *partition) {
                partition.end_transaction(decided.producer_id, decided.epoch, committed, now_ms)?;
            }
        }
        store.record(Event::Transaction {
            id: id.to_string(),
            transaction: ended,
        })
    }

    /// Opens the transaction's partitions for its producer.
    pub(super) fn begin_in_partitions(&self, transaction: &Transaction) {
        for (topic, partition) in &transaction.partitions {
            if let Some(partition) = self.partition(topic, *partition) {
                partition.begin_transaction(transaction.producer_id, transaction.epoch);
            }
        }
    }

    fn save(&self, store: &mut Store, id: &str, transaction: &Transaction) -> std::result::Result<(), ResponseError> {
        if store.ledger().transactions.get(id) == Some(transaction) {
            return Ok(());
        }
        store
            .record(Event::Transaction {
                id: id.to_string(),
                transaction: transaction.clone(),
            })
            .map_err(storage_error)
    }
}
