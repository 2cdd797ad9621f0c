//! How the points of a key lie in state: in chunks that are written once, so that a checkpoint writes what is new.
//!
//! A new chunk takes in the chunks before it that hold less than twice as much. So sizes at least halve from each chunk to
//! the next, there are at most `1 + log2(rows)` of them, and a row is rewritten only when its chunk grows by half or more.

use streaming::key::KeyGroup;
use streaming::state::{KeyedState, RowKey, Table};
use streaming::{Error, Result};

/// The rows of each chunk in state, oldest first.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Chunks(Vec<u64>);

/// What a barrier has to do so that `rows` rows are in state.
#[derive(Debug, PartialEq)]
pub struct Plan {
    /// The first row of the chunk to write; it holds all rows from there on.
    pub write_from: u64,
    /// First rows of the chunks that it takes in, and that are not overwritten by it.
    pub delete: Vec<u64>,
}

impl Chunks {
    /// Rows in state.
    pub fn rows(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Notes a chunk found in state.
    pub fn restored(&mut self, rows: u64) {
        self.0.push(rows);
    }

    /// The first row of every chunk.
    pub fn starts(&self) -> impl Iterator<Item = u64> {
        self.0.iter().scan(0, |start, rows| {
            let this = *start;
            *start += rows;
            Some(this)
        })
    }

    /// Takes rows up to `rows` in; `None` if they are in state already.
    pub fn extend_to(&mut self, rows: u64) -> Option<Plan> {
        let mut start = self.rows();
        let mut taken = rows.checked_sub(start).filter(|new| *new > 0)?;
        let mut starts = Vec::new();
        while let Some(&last) = self.0.last() {
            if last >= taken.saturating_mul(2) {
                break;
            }
            self.0.pop();
            starts.push(start);
            start -= last;
            taken += last;
        }
        self.0.push(taken);
        // The first of `starts` is where the new rows begin: no chunk stands there yet.
        let delete = starts.into_iter().skip(1).collect();
        Some(Plan {
            write_from: start,
            delete,
        })
    }

    pub fn size_bytes(&self) -> usize {
        self.0.capacity() * 8
    }
}

/// The place of the chunks of one key in one pane, session or count window.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub table: Table,
    pub group: KeyGroup,
    pub key: &'a [u8],
    /// What tells the chunks of this key's panes or sessions apart.
    pub scope: &'a [u8],
}

impl Place<'_> {
    /// Calls `step` with the address of the chunk that begins at `first_row`.
    pub fn with_row<T>(&self, first_row: u64, step: impl FnOnce(RowKey<'_>) -> Result<T>) -> Result<T> {
        let mut namespace = [0; 32];
        let length = self.scope.len() + 8;
        namespace[..self.scope.len()].copy_from_slice(self.scope);
        namespace[self.scope.len()..length].copy_from_slice(&first_row.to_be_bytes());
        step(RowKey {
            table: self.table,
            group: self.group,
            key: self.key,
            namespace: &namespace[..length],
        })
    }

    pub fn put(&self, state: &mut dyn KeyedState, first_row: u64, value: &[u8]) -> Result<()> {
        self.with_row(first_row, |row| state.put(row, value))
    }

    pub fn delete(&self, state: &mut dyn KeyedState, first_rows: impl IntoIterator<Item = u64>) -> Result<()> {
        for first_row in first_rows {
            self.with_row(first_row, |row| state.delete(row))?;
        }
        Ok(())
    }
}

/// A signed number whose bytes sort as it does.
pub fn sortable(number: i64) -> [u8; 8] {
    ((number as u64) ^ (1 << 63)).to_be_bytes()
}

/// Reads what [`sortable`] wrote.
pub fn from_sortable(bytes: [u8; 8]) -> i64 {
    (u64::from_be_bytes(bytes) ^ (1 << 63)) as i64
}

/// Reads little-endian numbers off the front of a value.
pub struct Reader<'a>(pub &'a [u8]);

impl Reader<'_> {
    pub fn u64(&mut self) -> Result<u64> {
        let (number, rest) = self
            .0
            .split_first_chunk()
            .ok_or_else(|| damaged("a number is cut off"))?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*number))
    }

    pub fn i64(&mut self) -> Result<i64> {
        Ok(self.u64()? as i64)
    }

    /// The rest: the coordinates of `rows` points of `dim` each, or of none where points are only counted.
    pub fn coords(self, rows: u64, dim: u16, keeps_points: bool) -> Result<Vec<f64>> {
        let (numbers, rest) = self.0.as_chunks();
        if !rest.is_empty() {
            return Err(damaged("a coordinate is cut off"));
        }
        let kept = if keeps_points { rows } else { 0 };
        let expected = kept.saturating_mul(u64::from(dim));
        if numbers.len() as u64 != expected {
            let found = numbers.len();
            return Err(damaged(&format!(
                "a chunk of {rows} points holds {found} coordinates, expected {expected}; was aggregate changed since?"
            )));
        }
        Ok(numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
    }
}

pub fn damaged(reason: &str) -> Error {
    Error::Damaged {
        subject: "window state",
        reason: reason.to_owned(),
    }
}

pub fn put_floats(value: &mut Vec<u8>, numbers: &[f64]) {
    value.reserve(numbers.len() * 8);
    for number in numbers {
        value.extend_from_slice(&number.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn chunks_in_state_always_cover_all_rows_and_stay_few(steps in proptest::collection::vec(0u64..50, 1..60)) {
            let mut chunks = Chunks::default();
            let mut state = BTreeMap::new();
            let mut rows = 0;
            for new in steps {
                rows += new;
                if let Some(plan) = chunks.extend_to(rows) {
                    for start in plan.delete {
                        prop_assert!(state.remove(&start).is_some(), "deleted chunk {} was there", start);
                    }
                    state.insert(plan.write_from, rows - plan.write_from);
                }
                prop_assert_eq!(state.values().sum::<u64>(), rows);
                prop_assert_eq!(state.keys().copied().collect::<Vec<_>>(), chunks.starts().collect::<Vec<_>>());
                prop_assert!(state.len() <= 1 + rows.max(1).ilog2() as usize);
            }
        }

        #[test]
        fn sortable_numbers_sort(a: i64, b: i64) {
            prop_assert_eq!(a.cmp(&b), sortable(a).cmp(&sortable(b)));
            prop_assert_eq!(from_sortable(sortable(a)), a);
        }
    }
}
