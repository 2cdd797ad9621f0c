//! Rows that are being computed in the compute pool: in the order of their arrival, and in state from the next barrier on.
//!
//! What an operator offloads comes back in any order; here it waits until all rows before it have been emitted, so that the
//! output is the same in every run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use streaming::batch::{Batch, decode, encode};
use streaming::connector::DeadLetter;
use streaming::key::KeyGroup;
use streaming::operator::{Cancel, Finished};
use streaming::state::{KeyedState, RowKey, Table};
use streaming::{Error, Result, Timestamp};

/// The table of rows in work. Operators number their own from 1 on.
pub const PENDING: Table = 0;

/// What a computation tells the operator as soon as it begins, so that the operator can end it.
#[derive(Debug)]
pub struct Started {
    pub at: Instant,
    pub cancel: Cancel,
}

/// One row in work, with what the operator wants to remember of it.
pub struct Pending<M> {
    /// A batch of this one row, shared with the computation.
    pub row: Arc<Batch>,
    pub memo: M,
    pub started: Arc<OnceLock<Started>>,
    /// What to emit when all rows before it have been emitted.
    pub done: Option<Done>,
    /// Its address in state, as soon as it stands there.
    stored: Option<Vec<u8>>,
}

/// The end of a row's computation.
pub enum Done {
    Row(Box<Batch>),
    DeadLetter(DeadLetter),
}

impl<M> Pending<M> {
    pub fn new(row: Batch, memo: M) -> Self {
        Self {
            row: Arc::new(row),
            memo,
            started: Arc::default(),
            done: None,
            stored: None,
        }
    }
}

/// All rows in work, by the number of their arrival.
pub struct Queue<M> {
    rows: BTreeMap<u64, Pending<M>>,
    times: BTreeSet<(Timestamp, u64)>,
    next: u64,
}

impl<M> Default for Queue<M> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            times: BTreeSet::new(),
            next: 0,
        }
    }
}

impl<M> Queue<M> {
    pub fn push(&mut self, pending: Pending<M>) -> u64 {
        let number = self.next;
        self.next += 1;
        self.times.insert((pending.row.event_time[0], number));
        self.rows.insert(number, pending);
        number
    }

    pub fn get_mut(&mut self, number: u64) -> Option<&mut Pending<M>> {
        self.rows.get_mut(&number)
    }

    /// Whether the operator has nothing in work any more.
    pub fn finished(&self) -> Finished {
        match self.rows.is_empty() {
            true => Finished::Yes,
            false => Finished::NotYet,
        }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn size_bytes(&self) -> usize {
        self.rows.values().map(|pending| pending.row.size_bytes()).sum()
    }

    /// The least event time in work.
    fn oldest(&self) -> Option<Timestamp> {
        self.times.first().map(|(time, _)| *time)
    }

    /// Takes the first row if it is done, and removes it from state.
    pub fn pop_done(&mut self, key_groups: u16, state: &mut dyn KeyedState) -> Result<Option<(Pending<M>, Done)>> {
        let Some(mut first) = self.rows.first_entry() else {
            return Ok(None);
        };
        let Some(done) = first.get_mut().done.take() else {
            return Ok(None);
        };
        let (number, pending) = first.remove_entry();
        self.times.remove(&(pending.row.event_time[0], number));
        if let Some(namespace) = &pending.stored {
            state.delete(address(&pending.row, namespace, key_groups))?;
        }
        Ok(Some((pending, done)))
    }

    /// Writes the rows that are not in state yet.
    pub fn persist(&mut self, key_groups: u16, state: &mut dyn KeyedState) -> Result<()> {
        for (number, pending) in &mut self.rows {
            if pending.stored.is_none() {
                let namespace = number.to_be_bytes().to_vec();
                state.put(address(&pending.row, &namespace, key_groups), &encode(&pending.row))?;
                pending.stored = Some(namespace);
            }
        }
        Ok(())
    }

    /// Reads the rows in state, in the order of their arrival. They still have to be planned and computed. `takes` is the
    /// kind of payload ([`streaming::batch::Payload::name`]) that they must be.
    ///
    /// After a rescale, rows of several subtasks come together: those of equal number are sorted by key.
    pub fn restore(&mut self, takes: &'static str, state: &dyn KeyedState) -> Result<Vec<(Batch, Stored)>> {
        let mut found = Vec::new();
        state.scan(PENDING, &mut |row, value| {
            let batch = decode(value)?;
            if batch.rows() != 1 || batch.payload.name() != takes {
                return Err(Error::Damaged {
                    subject: "row in work",
                    reason: format!(
                        "{} rows of {}, expected one of {takes}",
                        batch.rows(),
                        batch.payload.name()
                    ),
                });
            }
            found.push((row.namespace.to_vec(), row.key.to_vec(), batch));
            Ok(())
        })?;
        found.sort_by(|left, right| (&left.0, &left.1).cmp(&(&right.0, &right.1)));
        if let Some(last) = found.last().and_then(|(number, ..)| number.as_slice().try_into().ok()) {
            // New numbers stay above all that are in state.
            self.next = u64::from_be_bytes(last) + 1;
        }
        Ok(found
            .into_iter()
            .map(|(namespace, _, row)| (row, Stored(namespace)))
            .collect())
    }

    /// Like [`Queue::push`], for a row that stands in state.
    pub fn push_restored(&mut self, mut pending: Pending<M>, stored: Stored) -> u64 {
        pending.stored = Some(stored.0);
        self.push(pending)
    }
}

impl<M> Drop for Queue<M> {
    /// Stops all computations: nobody waits for them any more.
    fn drop(&mut self) {
        for started in self.rows.values().filter_map(|pending| pending.started.get()) {
            started.cancel.cancel();
        }
    }
}

/// A watermark that is held back to the oldest row in work.
#[derive(Debug)]
pub struct HeldWatermark {
    /// The last that came, and the last that was passed on.
    came: Timestamp,
    passed: Timestamp,
}

impl Default for HeldWatermark {
    fn default() -> Self {
        Self {
            came: Timestamp::MIN,
            passed: Timestamp::MIN,
        }
    }
}

impl HeldWatermark {
    pub fn rise(&mut self, watermark: Timestamp) {
        self.came = self.came.max(watermark);
    }

    /// The watermark to pass on now, if it has risen: up to just before the oldest row in work.
    pub fn pass<M>(&mut self, queue: &Queue<M>) -> Option<Timestamp> {
        let allowed = queue
            .oldest()
            .map_or(Timestamp::MAX, |oldest| Timestamp(oldest.0.saturating_sub(1)));
        let watermark = self.came.min(allowed);
        let has_risen = watermark > self.passed;
        self.passed = self.passed.max(watermark);
        has_risen.then_some(watermark)
    }
}

/// Where a restored row stands in state.
pub struct Stored(Vec<u8>);

fn address<'a>(row: &'a Batch, namespace: &'a [u8], key_groups: u16) -> RowKey<'a> {
    let group = KeyGroup::of(row.keys.hashes[0], key_groups);
    RowKey {
        table: PENDING,
        group,
        key: row.keys.row(0),
        namespace,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use streaming::batch::{Documents, Keys, List, Payload};

    #[test]
    fn computations_are_stopped_when_nobody_waits_for_them() {
        let row = Batch {
            event_time: vec![Timestamp(0)],
            keys: Keys::absent(1),
            payload: Payload::Documents(Documents {
                bytes: List::from_iter([b"row".as_slice()]),
            }),
        };
        let pending = Pending::new(row, ());
        let cancel = Cancel::default();
        let started = Started {
            at: Instant::now(),
            cancel: cancel.clone(),
        };
        assert!(pending.started.set(started).is_ok());
        let mut queue = Queue::default();
        queue.push(pending);
        assert_eq!((queue.finished(), cancel.is_cancelled()), (Finished::NotYet, false));
        drop(queue);
        assert!(cancel.is_cancelled());
    }
}
