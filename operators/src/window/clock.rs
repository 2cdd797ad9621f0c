//! How far time has come for a window operator, and what a restored one knows about it.
//!
//! A window that has fired must not fire again after a restore, and a row that was late must stay late. So the clock is
//! state. It is kept per key group: after a rescale, the groups of one subtask may come from clocks that differed.

use streaming::key::KeyGroup;
use streaming::operator::{OperatorContext, Place};
use streaming::state::{RowKey, Table};
use streaming::{Result, Timestamp};

use super::chunk::Reader;

/// The watermark, or for windows of processing time the last instant that is over; in microseconds.
#[derive(Debug)]
pub struct Clock {
    now: i64,
    /// How far each group had come at the restored checkpoint, as long as some group is ahead of `now`.
    restored: Option<Vec<i64>>,
    groups: u16,
    /// The last instant written to state.
    written: i64,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            now: i64::MIN,
            restored: None,
            groups: 1,
            written: i64::MIN,
        }
    }
}

impl Clock {
    pub fn open(table: Table, cx: &OperatorContext<'_>) -> Result<Self> {
        let groups = cx.place.key_groups;
        let mut floors = vec![i64::MIN; usize::from(groups)];
        cx.state.scan(table, &mut |row, value| {
            floors[usize::from(row.group.0)] = Reader(value).i64()?;
            Ok(())
        })?;
        let owned = owned_groups(cx.place);
        let now = owned
            .clone()
            .map(|group| floors[usize::from(group)])
            .min()
            .unwrap_or(i64::MIN);
        let is_even = owned.into_iter().all(|group| floors[usize::from(group)] == now);
        Ok(Self {
            now,
            restored: (!is_even).then_some(floors),
            groups,
            written: if is_even { now } else { i64::MIN },
        })
    }

    /// How far time has come for a key.
    #[inline]
    pub fn of(&self, hash: u64) -> i64 {
        match &self.restored {
            None => self.now,
            Some(floors) => self.now.max(floors[usize::from(KeyGroup::of(hash, self.groups).0)]),
        }
    }

    /// The least of all keys.
    pub fn now(&self) -> i64 {
        self.now
    }

    pub fn advance(&mut self, to: i64) {
        self.now = self.now.max(to);
        if self
            .restored
            .as_ref()
            .is_some_and(|floors| floors.iter().all(|floor| *floor <= self.now))
        {
            self.restored = None;
        }
    }

    /// Writes the clock of every owned group. The end of all time is not written: it came with the end of the input, and a
    /// job that is started again from here gets new input.
    pub fn persist(&mut self, table: Table, cx: &mut OperatorContext<'_>) -> Result<()> {
        if self.now == self.written || self.now == Timestamp::MAX.0 || self.now == Timestamp::MIN.0 {
            return Ok(());
        }
        for group in owned_groups(cx.place) {
            let floor = self
                .restored
                .as_ref()
                .map_or(i64::MIN, |floors| floors[usize::from(group)]);
            let row = RowKey {
                table,
                group: KeyGroup(group),
                key: b"",
                namespace: b"",
            };
            cx.state.put(row, &self.now.max(floor).to_le_bytes())?;
        }
        self.written = self.now;
        Ok(())
    }
}

fn owned_groups(place: &Place) -> std::ops::Range<u16> {
    place.owned.start()..place.owned.end()
}
