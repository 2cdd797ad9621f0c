//! Windows that are being computed: in the order of their arrival, and in state from the next barrier on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use streaming::batch::{Batch, Payload, decode, encode};
use streaming::key::KeyGroup;
use streaming::state::{KeyedState, RowKey, Table};
use streaming::{Error, Result, Timestamp};

use super::compute::Started;
use super::plan::Plan;

const PENDING: Table = 0;

/// One window in work.
pub struct Pending {
    /// A batch of this one window, shared with the computation.
    pub window: Arc<Batch>,
    pub plan: Plan,
    pub started: Arc<OnceLock<Started>>,
    pub timed_out: bool,
    /// What to emit when all windows before it have been emitted.
    pub done: Option<Done>,
    /// Its address in state, as soon as it stands there.
    stored: Option<Vec<u8>>,
}

/// The end of a window's computation.
pub enum Done {
    Diagram(Box<Batch>),
    DeadLetter(streaming::connector::DeadLetter),
}

impl Pending {
    pub fn new(window: Batch, plan: Plan) -> Self {
        Self {
            window: Arc::new(window),
            plan,
            started: Arc::default(),
            timed_out: false,
            done: None,
            stored: None,
        }
    }
}

/// All windows in work, by the number of their arrival.
#[derive(Default)]
pub struct Queue {
    windows: BTreeMap<u64, Pending>,
    times: BTreeSet<(Timestamp, u64)>,
    next: u64,
}

impl Queue {
    pub fn push(&mut self, pending: Pending) -> u64 {
        let number = self.next;
        self.next += 1;
        self.times.insert((pending.window.event_time[0], number));
        self.windows.insert(number, pending);
        number
    }

    pub fn get_mut(&mut self, number: u64) -> Option<&mut Pending> {
        self.windows.get_mut(&number)
    }

    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    pub fn len(&self) -> usize {
        self.windows.len()
    }

    pub fn size_bytes(&self) -> usize {
        self.windows.values().map(|pending| pending.window.size_bytes()).sum()
    }

    /// Stops all computations.
    pub fn cancel(&self) {
        for started in self.windows.values().filter_map(|pending| pending.started.get()) {
            started.cancel.cancel();
        }
    }

    /// The least event time in work.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.times.first().map(|(time, _)| *time)
    }

    /// Takes the first window if it is done, and removes it from state.
    pub fn pop_done(&mut self, key_groups: u16, state: &mut dyn KeyedState) -> Result<Option<(Pending, Done)>> {
        let Some(mut first) = self.windows.first_entry() else {
            return Ok(None);
        };
        let Some(done) = first.get_mut().done.take() else {
            return Ok(None);
        };
        let (number, pending) = first.remove_entry();
        self.times.remove(&(pending.window.event_time[0], number));
        if let Some(namespace) = &pending.stored {
            state.delete(address(&pending.window, namespace, key_groups))?;
        }
        Ok(Some((pending, done)))
    }

    /// Writes the windows that are not in state yet.
    pub fn persist(&mut self, key_groups: u16, state: &mut dyn KeyedState) -> Result<()> {
        for (number, pending) in &mut self.windows {
            if pending.stored.is_none() {
                let namespace = number.to_be_bytes().to_vec();
                state.put(
                    address(&pending.window, &namespace, key_groups),
                    &encode(&pending.window),
                )?;
                pending.stored = Some(namespace);
            }
        }
        Ok(())
    }

    /// Reads the windows in state, in the order of their arrival. They still have to be planned and computed.
    ///
    /// After a rescale, windows of several subtasks come together: those of equal number are sorted by key.
    pub fn restore(&mut self, state: &dyn KeyedState) -> Result<Vec<(Batch, Stored)>> {
        let mut found = Vec::new();
        state.scan(PENDING, &mut |row, value| {
            let window = decode(value)?;
            if window.rows() != 1 || !matches!(window.payload, Payload::Windows(_)) {
                let reason = format!(
                    "{} rows of {}, expected one window",
                    window.rows(),
                    window.payload.name()
                );
                return Err(Error::Damaged {
                    subject: "window in work",
                    reason,
                });
            }
            found.push((row.namespace.to_vec(), row.key.to_vec(), window));
            Ok(())
        })?;
        found.sort_by(|left, right| (&left.0, &left.1).cmp(&(&right.0, &right.1)));
        if let Some(last) = found.last().and_then(|(number, ..)| number.as_slice().try_into().ok()) {
            // New numbers stay above all that are in state.
            self.next = u64::from_be_bytes(last) + 1;
        }
        Ok(found
            .into_iter()
            .map(|(namespace, _, window)| (window, Stored(namespace)))
            .collect())
    }

    /// Like [`Queue::push`], for a window that stands in state.
    pub fn push_restored(&mut self, mut pending: Pending, stored: Stored) -> u64 {
        pending.stored = Some(stored.0);
        self.push(pending)
    }
}

/// Where a restored window stands in state.
pub struct Stored(Vec<u8>);

fn address<'a>(window: &'a Batch, namespace: &'a [u8], key_groups: u16) -> RowKey<'a> {
    let group = KeyGroup::of(window.keys.hashes[0], key_groups);
    RowKey {
        table: PENDING,
        group,
        key: window.keys.row(0),
        namespace,
    }
}
