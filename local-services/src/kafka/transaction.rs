//! The transaction coordinator's decisions. Pure: they read the ledger and say what it becomes.

use std::collections::BTreeSet;

use kafka_protocol::ResponseError;

use super::ledger::{Ledger, State, TopicPartition, Transaction};

/// The longest transaction a producer may ask for, Kafka's default.
pub const MAX_TIMEOUT_MS: i64 = 15 * 60 * 1000;
/// Transactional ids idle for longer are forgotten, Kafka's default.
const FORGET_AFTER_MS: i64 = 7 * 24 * 3600 * 1000;

/// How a request names its producer.
#[derive(Clone, Copy, Debug)]
pub struct Producer<'a> {
    pub transactional_id: &'a str,
    pub id: i64,
    pub epoch: i16,
}

/// What initialising a producer leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Init {
    /// A predecessor's transaction is open: abort it (its epoch is raised already), then ask again.
    AbortFirst(Transaction),
    /// The new state, whose producer id and epoch go to the producer.
    Ready(Transaction),
}

/// Gives a transactional id to a new producer and fences the old one by a higher epoch.
///
/// `known` is the id and epoch of a producer that initialises again after an error (KIP-360), else `None`.
pub fn init(
    ledger: &Ledger,
    transactional_id: &str,
    known: Option<(i64, i16)>,
    timeout_ms: i64,
    now_ms: i64,
) -> Result<Init, ResponseError> {
    if timeout_ms <= 0 || timeout_ms > MAX_TIMEOUT_MS {
        return Err(ResponseError::InvalidTransactionTimeout);
    }
    let Some(current) = ledger.transactions.get(transactional_id) else {
        return Ok(Init::Ready(fresh(ledger.next_producer_id, timeout_ms, now_ms)));
    };
    if let Some((id, epoch)) = known
        && (id != current.producer_id || epoch > current.epoch || epoch < current.epoch - 1)
    {
        return Err(ResponseError::ProducerFenced);
    }
    if current.state == State::Ongoing {
        return Ok(Init::AbortFirst(fenced(current)));
    }
    if current.epoch >= i16::MAX - 2 {
        return Ok(Init::Ready(fresh(ledger.next_producer_id, timeout_ms, now_ms)));
    }
    let mut next = fresh(current.producer_id, timeout_ms, now_ms);
    next.epoch = current.epoch + 1;
    Ok(Init::Ready(next))
}

/// Adds partitions and groups to the producer's transaction, which begins with the first of them.
pub fn add(
    ledger: &Ledger,
    producer: Producer<'_>,
    partitions: impl IntoIterator<Item = TopicPartition>,
    groups: impl IntoIterator<Item = String>,
    now_ms: i64,
) -> Result<Transaction, ResponseError> {
    let mut transaction = current(ledger, producer)?.clone();
    match transaction.state {
        State::Ongoing => {}
        State::Empty | State::Committed | State::Aborted => {
            transaction.state = State::Ongoing;
            transaction.started_ms = now_ms;
            transaction.partitions.clear();
            transaction.groups.clear();
        }
        State::Committing | State::Aborting => return Err(ResponseError::ConcurrentTransactions),
    }
    transaction.updated_ms = now_ms;
    transaction.partitions.extend(partitions);
    transaction.groups.extend(groups);
    Ok(transaction)
}

/// Whether the producer may put offsets of `group` into its transaction now.
pub fn may_commit_offsets(ledger: &Ledger, producer: Producer<'_>, group: &str) -> Result<(), ResponseError> {
    let transaction = current(ledger, producer)?;
    if transaction.state != State::Ongoing || !transaction.groups.contains(group) {
        return Err(ResponseError::InvalidTxnState);
    }
    Ok(())
}

/// The decided transaction; `None` if a retry finds it ended that way already.
pub fn end(ledger: &Ledger, producer: Producer<'_>, commit: bool) -> Result<Option<Transaction>, ResponseError> {
    let transaction = current(ledger, producer)?;
    match (transaction.state, commit) {
        (State::Ongoing, _) => Ok(Some(decided(transaction, commit))),
        (State::Committed, true) | (State::Aborted, false) => Ok(None),
        (State::Committing | State::Aborting, _) => Err(ResponseError::ConcurrentTransactions),
        (State::Empty | State::Committed | State::Aborted, _) => Err(ResponseError::InvalidTxnState),
    }
}

/// Open transactions past their time-out, to be aborted; their producers are fenced.
pub fn expired(ledger: &Ledger, now_ms: i64) -> Vec<(String, Transaction)> {
    let overdue = |t: &&Transaction| t.state == State::Ongoing && now_ms - t.started_ms > t.timeout_ms;
    let ids = ledger.transactions.iter().filter(|(_, t)| overdue(t));
    ids.map(|(id, transaction)| (id.clone(), fenced(transaction))).collect()
}

/// Transactions that were decided and not completed.
pub fn half_done(ledger: &Ledger) -> Vec<(String, Transaction)> {
    let decided = ledger
        .transactions
        .iter()
        .filter(|(_, t)| matches!(t.state, State::Committing | State::Aborting));
    decided
        .map(|(id, transaction)| (id.clone(), transaction.clone()))
        .collect()
}

/// Transactional ids that were not used for a week.
pub fn forgettable(ledger: &Ledger, now_ms: i64) -> Vec<String> {
    let open = |t: &Transaction| matches!(t.state, State::Ongoing | State::Committing | State::Aborting);
    let ids = ledger
        .transactions
        .iter()
        .filter(|(_, t)| !open(t) && now_ms - t.updated_ms > FORGET_AFTER_MS);
    ids.map(|(id, _)| id.clone()).collect()
}

/// What a decided transaction becomes when all its markers are written.
pub fn completed(transaction: &Transaction, now_ms: i64) -> Transaction {
    let state = if transaction.state == State::Committing {
        State::Committed
    } else {
        State::Aborted
    };
    Transaction {
        state,
        partitions: BTreeSet::new(),
        groups: BTreeSet::new(),
        updated_ms: now_ms,
        ..transaction.clone()
    }
}

fn decided(transaction: &Transaction, commit: bool) -> Transaction {
    Transaction {
        state: if commit { State::Committing } else { State::Aborting },
        ..transaction.clone()
    }
}

/// An abort by the coordinator: the raised epoch keeps the old producer's late batches out.
fn fenced(transaction: &Transaction) -> Transaction {
    Transaction {
        epoch: transaction.epoch + 1,
        ..decided(transaction, false)
    }
}

fn fresh(producer_id: i64, timeout_ms: i64, now_ms: i64) -> Transaction {
    Transaction {
        producer_id,
        epoch: 0,
        timeout_ms,
        state: State::Empty,
        partitions: BTreeSet::new(),
        groups: BTreeSet::new(),
        started_ms: now_ms,
        updated_ms: now_ms,
    }
}

fn current<'a>(ledger: &'a Ledger, producer: Producer<'_>) -> Result<&'a Transaction, ResponseError> {
    let transaction = ledger.transactions.get(producer.transactional_id);
    match transaction {
        Some(transaction) if transaction.producer_id != producer.id => Err(ResponseError::InvalidProducerIdMapping),
        Some(transaction) if transaction.epoch != producer.epoch => Err(ResponseError::ProducerFenced),
        Some(transaction) => Ok(transaction),
        None => Err(ResponseError::InvalidProducerIdMapping),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::ledger::Event;

    fn producer(epoch: i16) -> Producer<'static> {
        Producer {
            transactional_id: "x",
            id: 0,
            epoch,
        }
    }

    fn put(ledger: &mut Ledger, transaction: Transaction) {
        ledger.apply(Event::Transaction {
            id: "x".into(),
            transaction,
        });
    }

    fn ready(ledger: &Ledger, now_ms: i64) -> Transaction {
        match init(ledger, "x", None, 1_000, now_ms).unwrap() {
            Init::Ready(transaction) => transaction,
            Init::AbortFirst(_) => panic!("a transaction is open"),
        }
    }

    fn with_open_transaction() -> Ledger {
        let mut ledger = Ledger::default();
        let transaction = ready(&ledger, 0);
        put(&mut ledger, transaction);
        let transaction = add(&ledger, producer(0), [("t".to_string(), 0)], [], 10).unwrap();
        put(&mut ledger, transaction);
        ledger
    }

    #[test]
    fn a_second_producer_aborts_the_open_transaction_and_fences_the_first() {
        let mut ledger = with_open_transaction();
        let Init::AbortFirst(aborting) = init(&ledger, "x", None, 1_000, 20).unwrap() else {
            panic!("not aborted")
        };
        assert_eq!((aborting.state, aborting.epoch), (State::Aborting, 1));
        put(&mut ledger, completed(&aborting, 20));
        let next = ready(&ledger, 20);
        assert_eq!((next.producer_id, next.epoch), (0, 2));
        put(&mut ledger, next);
        assert_eq!(end(&ledger, producer(0), true), Err(ResponseError::ProducerFenced));
        assert_eq!(
            add(&ledger, producer(0), [], [], 30),
            Err(ResponseError::ProducerFenced)
        );
    }

    #[test]
    fn a_repeated_end_is_agreed_to_and_the_opposite_is_not() {
        let mut ledger = with_open_transaction();
        let committing = end(&ledger, producer(0), true).unwrap().unwrap();
        put(&mut ledger, completed(&committing, 20));
        assert_eq!(end(&ledger, producer(0), true), Ok(None));
        assert_eq!(end(&ledger, producer(0), false), Err(ResponseError::InvalidTxnState));
    }

    #[test]
    fn only_an_overdue_transaction_expires() {
        let ledger = with_open_transaction();
        assert_eq!(expired(&ledger, 1_010), []);
        assert_eq!(expired(&ledger, 1_011).len(), 1);
    }

    #[test]
    fn a_stale_epoch_may_not_initialise_again() {
        let mut ledger = with_open_transaction();
        let aborting = expired(&ledger, 9_999).remove(0).1;
        put(&mut ledger, completed(&aborting, 0));
        assert!(
            init(&ledger, "x", Some((0, 0)), 1_000, 0).is_ok(),
            "the producer whose transaction expired goes on"
        );
        let next = ready(&ledger, 0);
        put(&mut ledger, next);
        assert_eq!(
            init(&ledger, "x", Some((0, 0)), 1_000, 0),
            Err(ResponseError::ProducerFenced)
        );
    }
}
