//! A column under reduction: a chain of edges, of which the last is asked for again and again.

use crate::Result;
use crate::field::Field;
use crate::limits::Meter;

/// A sparse vector over a field, as a bit for each entry that is not 0, in a tree of 64 children per node (the "bit
/// tree" of Bauer, Kerber, Reininghaus and Wagner, *PHAT*, 2017): changing an entry and finding the last take a few
/// steps, however long the column is.
pub(super) struct Column<F> {
    field: F,
    /// The bits, then a bit for each word of the level before that is not 0, and so on up to one word.
    levels: Vec<Vec<u64>>,
    /// The coefficients; empty over Z/2, where the bits say all.
    coefficients: Vec<u16>,
}

impl<F: Field> Column<F> {
    /// The zero vector of the given length.
    pub fn new(field: F, length: usize, meter: &mut Meter) -> Result<Self> {
        let mut levels = Vec::new();
        let mut words = length;
        loop {
            words = words.div_ceil(64).max(1);
            let mut level = meter.vec(words)?;
            level.resize(words, 0);
            levels.push(level);
            if words == 1 {
                break;
            }
        }
        let mut coefficients = Vec::new();
        if field.bits() > 0 {
            coefficients = meter.vec(length)?;
            coefficients.resize(length, 0);
        }
        Ok(Self {
            field,
            levels,
            coefficients,
        })
    }

    /// Adds `coefficient`, which is not 0, to the entry at `rank`.
    #[inline]
    pub fn add(&mut self, rank: u32, coefficient: u32) {
        if self.field.bits() == 0 {
            self.flip(rank);
            return;
        }
        let entry = &mut self.coefficients[rank as usize];
        let sum = self.field.add(u32::from(*entry), coefficient);
        let flips = (*entry == 0) != (sum == 0);
        // Residues are below 2¹⁶.
        *entry = sum as u16;
        if flips {
            self.flip(rank);
        }
    }

    /// The last entry that is not 0, and its coefficient.
    #[inline]
    pub fn last(&self) -> Option<(u32, u32)> {
        let mut index = 0_usize;
        for level in self.levels.iter().rev() {
            let word = level[index];
            if word == 0 {
                return None;
            }
            index = index * 64 + 63 - word.leading_zeros() as usize;
        }
        let coefficient = self.coefficients.get(index).map_or(1, |entry| u32::from(*entry));
        Some((index as u32, coefficient))
    }

    /// Sets the last entry, which is not 0, to 0.
    #[inline]
    pub fn clear(&mut self, rank: u32) {
        if let Some(entry) = self.coefficients.get_mut(rank as usize) {
            *entry = 0;
        }
        self.flip(rank);
    }

    #[inline]
    fn flip(&mut self, rank: u32) {
        let mut index = rank as usize;
        for level in &mut self.levels {
            let word = &mut level[index / 64];
            let before = *word;
            *word ^= 1 << (index % 64);
            // The node above changes only if this one becomes or ceases to be empty.
            if before != 0 && *word != 0 {
                return;
            }
            index /= 64;
        }
    }

    pub fn free(self, meter: &mut Meter) {
        self.levels.into_iter().for_each(|level| meter.free(level));
        meter.free(self.coefficients);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::Limits;
    use crate::field::{Prime, Two};

    fn check<F: Field>(field: F, modulus: u32, additions: &[(u32, u32)]) {
        let mut column = Column::new(field, 5000, &mut Meter::new(&Limits::default())).unwrap();
        let mut expected = BTreeMap::new();
        for (rank, coefficient) in additions {
            let coefficient = coefficient % (modulus - 1) + 1;
            column.add(*rank, coefficient);
            let entry = expected.entry(*rank).or_insert(0);
            *entry = (*entry + coefficient) % modulus;
            expected.retain(|_, coefficient| *coefficient != 0);
            let last = expected
                .last_key_value()
                .map(|(rank, coefficient)| (*rank, *coefficient));
            assert_eq!(column.last(), last);
        }
        while let Some(last) = expected.pop_last() {
            assert_eq!(column.last(), Some(last));
            column.clear(last.0);
        }
        assert_eq!(column.last(), None);
    }

    proptest! {
        #[test]
        fn a_column_is_a_map_without_zeros(additions in prop::collection::vec((0..5000_u32, 0..10_u32), 0..60)) {
            let narrow: Vec<_> = additions.iter().map(|(rank, by)| (rank % 7 * 700, *by)).collect();
            for additions in [&additions, &narrow] {
                check(Two, 2, additions);
                check(Prime::new(7).unwrap(), 7, additions);
            }
        }
    }
}
