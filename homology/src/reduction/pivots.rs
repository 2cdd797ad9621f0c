//! Which column has which pivot.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use crate::limits::Meter;
use crate::simplex::Key;
use crate::{Error, Result};

/// From a pivot without coefficient to the index of its column and the coefficient that it has there.
#[derive(Debug)]
pub(super) struct Pivots<K> {
    owners: HashMap<K, (u32, u32), FxBuildHasher>,
    bytes: usize,
}

impl<K> Default for Pivots<K> {
    fn default() -> Self {
        Self {
            owners: HashMap::with_hasher(FxBuildHasher),
            bytes: 0,
        }
    }
}

impl<K: Key> Pivots<K> {
    #[inline]
    pub fn get(&self, simplex: K) -> Option<(u32, u32)> {
        self.owners.get(&simplex).copied()
    }

    pub fn insert(&mut self, simplex: K, column: u32, coefficient: u32, meter: &mut Meter) -> Result<()> {
        if self.owners.len() == self.owners.capacity() {
            self.grow(meter)?;
        }
        self.owners.insert(simplex, (column, coefficient));
        Ok(())
    }

    /// Doubles the capacity; old and new table live side by side while the entries move.
    fn grow(&mut self, meter: &mut Meter) -> Result<()> {
        let capacity = (2 * self.owners.capacity()).max(56);
        // The standard table has a power of two of buckets, at most seven of eight full, and one control byte each.
        let buckets = (capacity.saturating_mul(8) / 7).next_power_of_two();
        let bytes = buckets.saturating_mul(size_of::<(K, (u32, u32))>() + 1);
        meter.charge(bytes)?;
        let refused = |_| Error::MemoryLimit {
            needed: bytes,
            limit: self.bytes,
        };
        self.owners.try_reserve(capacity - self.owners.len()).map_err(refused)?;
        meter.release(std::mem::replace(&mut self.bytes, bytes));
        Ok(())
    }

    pub fn free(self, meter: &mut Meter) {
        meter.release(self.bytes);
    }
}
