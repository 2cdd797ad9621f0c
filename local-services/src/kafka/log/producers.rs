//! What a partition knows of its producers: sequences, open transactions, aborted ranges. Pure.

use std::collections::{BTreeMap, HashMap, VecDeque};

use kafka_protocol::ResponseError;

use super::batch::Header;

/// Kafka keeps as many batches to recognise a retry.
const REMEMBERED_BATCHES: usize = 5;
/// Beyond this many producers the ones longest silent are forgotten.
const MAX_PRODUCERS: usize = 10_000;

/// What to do with a batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Append,
    /// It is stored already, from this offset on.
    Duplicate {
        base_offset: i64,
    },
}

/// A transaction that was aborted: its producer's data in these offsets does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aborted {
    pub producer_id: i64,
    pub first_offset: i64,
    /// Offset of the control batch.
    pub marker_offset: i64,
}

/// All producers of one partition.
#[derive(Default)]
pub struct Producers {
    by_id: HashMap<i64, Producer>,
    /// First offset of each open transaction, and whose it is.
    open: BTreeMap<i64, i64>,
    aborted: Vec<Aborted>,
    clock: u64,
}

struct Producer {
    epoch: i16,
    recent: VecDeque<Written>,
    /// The coordinator added this partition to the producer's transaction, which has not ended.
    in_transaction: bool,
    first_open: Option<i64>,
    /// Order of last use.
    touched: u64,
}

#[derive(Clone, Copy)]
struct Written {
    first_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
}

impl Producers {
    /// Decides on a batch before it is written.
    pub fn check(&self, header: &Header) -> Result<Verdict, ResponseError> {
        if !header.is_idempotent() {
            return Ok(Verdict::Append);
        }
        let known = self.by_id.get(&header.producer_id);
        if known.is_some_and(|producer| header.producer_epoch < producer.epoch) {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        if let Some(base_offset) = known.and_then(|producer| producer.duplicate_of(header)) {
            return Ok(Verdict::Duplicate { base_offset });
        }
        let in_transaction = known.is_some_and(|p| p.in_transaction && p.epoch == header.producer_epoch);
        // The same rule both ways: transactional data outside a transaction would never become visible or never be undone.
        if header.is_transactional() != in_transaction {
            return Err(ResponseError::InvalidTxnState);
        }
        match known {
            // A producer that is unknown here (expired, or its records deleted) may go on where it was.
            None => Ok(Verdict::Append),
            Some(producer) if producer.expects(header) => Ok(Verdict::Append),
            Some(_) => Err(ResponseError::OutOfOrderSequenceNumber),
        }
    }

    /// Notes a data batch that was written.
    pub fn written(&mut self, header: &Header) {
        if !header.is_idempotent() {
            return;
        }
        let producer = self.entry(header.producer_id, header.producer_epoch);
        producer.recent.push_back(Written {
            first_sequence: header.base_sequence,
            last_sequence: last_sequence(header),
            base_offset: header.base_offset,
        });
        if producer.recent.len() > REMEMBERED_BATCHES {
            producer.recent.pop_front();
        }
        if header.is_transactional() && producer.first_open.is_none() {
            producer.first_open = Some(header.base_offset);
            self.open.insert(header.base_offset, header.producer_id);
        }
    }

    /// The coordinator added this partition to the transaction of a producer.
    pub fn begin(&mut self, producer_id: i64, epoch: i16) {
        self.entry(producer_id, epoch).in_transaction = true;
    }

    /// Notes a control batch that was written at `marker_offset`.
    pub fn end(&mut self, producer_id: i64, epoch: i16, committed: bool, marker_offset: i64) {
        let producer = self.entry(producer_id, epoch);
        producer.in_transaction = false;
        let Some(first_offset) = producer.first_open.take() else {
            return;
        };
        self.open.remove(&first_offset);
        if !committed {
            self.aborted.push(Aborted {
                producer_id,
                first_offset,
                marker_offset,
            });
        }
    }

    /// Producers (id and epoch) with data in a transaction that no coordinator knows to be open.
    pub fn orphans(&self) -> Vec<(i64, i16)> {
        let orphans = self
            .by_id
            .iter()
            .filter(|(_, p)| p.first_open.is_some() && !p.in_transaction);
        orphans.map(|(&id, producer)| (id, producer.epoch)).collect()
    }

    /// First offset that belongs to a transaction still open.
    pub fn first_open(&self) -> Option<i64> {
        self.open.first_key_value().map(|(&offset, _)| offset)
    }

    /// Aborted transactions with data or marker in `from..to`, by first offset.
    pub fn aborted_in(&self, from: i64, to: i64) -> Vec<Aborted> {
        let mut found: Vec<Aborted> = self
            .aborted
            .iter()
            .filter(|a| a.marker_offset >= from && a.first_offset < to)
            .copied()
            .collect();
        found.sort_by_key(|aborted| aborted.first_offset);
        found
    }

    /// Records below `log_start` are gone, and what was aborted there with them.
    pub fn forget_below(&mut self, log_start: i64) {
        self.aborted.retain(|aborted| aborted.marker_offset >= log_start);
    }

    /// The producer's entry, at `epoch` or later; a new epoch starts its sequences again.
    fn entry(&mut self, producer_id: i64, epoch: i16) -> &mut Producer {
        self.clock += 1;
        if self.by_id.len() >= MAX_PRODUCERS && !self.by_id.contains_key(&producer_id) {
            self.forget_the_silent();
        }
        let producer = self.by_id.entry(producer_id).or_insert_with(|| Producer {
            epoch,
            recent: VecDeque::new(),
            in_transaction: false,
            first_open: None,
            touched: 0,
        });
        producer.touched = self.clock;
        if epoch > producer.epoch {
            producer.epoch = epoch;
            producer.recent.clear();
        }
        producer
    }

    /// Drops the older half of the producers without a transaction.
    fn forget_the_silent(&mut self) {
        let mut touched: Vec<u64> = self.by_id.values().map(|producer| producer.touched).collect();
        touched.sort_unstable();
        let median = touched[touched.len() / 2];
        self.by_id
            .retain(|_, p| p.touched >= median || p.in_transaction || p.first_open.is_some());
    }
}

impl Producer {
    fn duplicate_of(&self, header: &Header) -> Option<i64> {
        if header.producer_epoch != self.epoch {
            return None;
        }
        let same = |w: &&Written| w.first_sequence == header.base_sequence && w.last_sequence == last_sequence(header);
        self.recent.iter().find(same).map(|written| written.base_offset)
    }

    fn expects(&self, header: &Header) -> bool {
        match self.recent.back() {
            Some(last) if header.producer_epoch == self.epoch => header.base_sequence == after(last.last_sequence),
            _ => header.base_sequence == 0,
        }
    }
}

/// Sequences wrap from `i32::MAX` to 0.
fn after(sequence: i32) -> i32 {
    sequence.checked_add(1).unwrap_or(0)
}

fn last_sequence(header: &Header) -> i32 {
    let last = i64::from(header.base_sequence) + i64::from(header.last_offset_delta);
    (last % (i64::from(i32::MAX) + 1)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(epoch: i16, sequence: i32, records: i32, base_offset: i64, transactional: bool) -> Header {
        Header {
            base_offset,
            bytes: 100,
            attributes: if transactional { 0x10 } else { 0 },
            last_offset_delta: records - 1,
            base_timestamp: 0,
            max_timestamp: 0,
            producer_id: 1,
            producer_epoch: epoch,
            base_sequence: sequence,
            records,
        }
    }

    #[test]
    fn a_retry_is_answered_with_its_old_offset_and_a_gap_is_refused() {
        let mut producers = Producers::default();
        producers.written(&header(0, 0, 3, 10, false));
        producers.written(&header(0, 3, 2, 13, false));
        assert_eq!(
            producers.check(&header(0, 0, 3, 0, false)),
            Ok(Verdict::Duplicate { base_offset: 10 })
        );
        assert_eq!(producers.check(&header(0, 5, 1, 0, false)), Ok(Verdict::Append));
        assert_eq!(
            producers.check(&header(0, 6, 1, 0, false)),
            Err(ResponseError::OutOfOrderSequenceNumber)
        );
        assert_eq!(
            producers.check(&header(1, 0, 1, 0, false)),
            Ok(Verdict::Append),
            "a new epoch starts at 0"
        );
        assert_eq!(
            producers.check(&header(1, 5, 1, 0, false)),
            Err(ResponseError::OutOfOrderSequenceNumber)
        );
    }

    #[test]
    fn sequences_wrap_to_zero() {
        let mut producers = Producers::default();
        producers.written(&header(0, i32::MAX - 1, 3, 0, false));
        assert_eq!(producers.check(&header(0, 1, 1, 0, false)), Ok(Verdict::Append));
    }

    #[test]
    fn transactional_data_is_taken_only_between_begin_and_end() {
        let mut producers = Producers::default();
        assert_eq!(
            producers.check(&header(0, 0, 1, 0, true)),
            Err(ResponseError::InvalidTxnState)
        );
        producers.begin(1, 0);
        assert_eq!(producers.check(&header(0, 0, 1, 0, true)), Ok(Verdict::Append));
        producers.written(&header(0, 0, 1, 0, true));
        assert_eq!(producers.first_open(), Some(0));
        producers.end(1, 1, false, 1);
        assert_eq!(producers.first_open(), None);
        assert_eq!(
            producers.check(&header(0, 1, 1, 0, true)),
            Err(ResponseError::InvalidProducerEpoch)
        );
        assert_eq!(
            producers.aborted_in(0, 9),
            [Aborted {
                producer_id: 1,
                first_offset: 0,
                marker_offset: 1
            }]
        );
        assert_eq!(producers.aborted_in(2, 9), []);
    }
}
