//! A hash table that accounts for its memory.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use crate::limits::Meter;
use crate::{Error, Result};

#[derive(Debug)]
pub(super) struct Table<V> {
    values: HashMap<u64, V, FxBuildHasher>,
    bytes: usize,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self {
            values: HashMap::default(),
            bytes: 0,
        }
    }
}

impl<V: Copy> Table<V> {
    pub fn len(&self) -> usize {
        self.values.len()
    }

    #[inline]
    pub fn get(&self, key: u64) -> Option<V> {
        self.values.get(&key).copied()
    }

    #[inline]
    pub fn insert(&mut self, key: u64, value: V, meter: &mut Meter) -> Result<()> {
        if self.values.len() == self.values.capacity() {
            self.grow(meter)?;
        }
        self.values.insert(key, value);
        Ok(())
    }

    /// Doubles the capacity; old and new table live side by side while the entries move.
    #[cold]
    fn grow(&mut self, meter: &mut Meter) -> Result<()> {
        let capacity = (2 * self.values.capacity()).max(14);
        // The standard table has a power of two of buckets, at most seven of eight full, and one control byte each.
        let buckets = (capacity.saturating_mul(8) / 7).next_power_of_two();
        let bytes = buckets.saturating_mul(size_of::<(u64, V)>() + 1);
        meter.charge(bytes)?;
        let refused = |_| Error::MemoryLimit {
            needed: bytes,
            limit: self.bytes,
        };
        self.values.try_reserve(capacity - self.values.len()).map_err(refused)?;
        meter.release(std::mem::replace(&mut self.bytes, bytes));
        Ok(())
    }

    /// Drops all entries and their memory.
    pub fn clear(&mut self, meter: &mut Meter) {
        self.values = HashMap::default();
        meter.release(std::mem::take(&mut self.bytes));
    }
}
