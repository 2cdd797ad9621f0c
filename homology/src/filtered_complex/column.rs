//! A column under reduction, with room for every row.

use super::coboundary::Entry;
use crate::Result;
use crate::field::Field;
use crate::limits::Meter;

/// A sparse vector over the field: a tree of bits says which rows are not 0, so that finding the first and changing one
/// each take a step per level of 64 (the bit tree of Bauer, Kerber, Reininghaus and Wagner's PHAT).
#[derive(Debug)]
pub(crate) struct BitTree<F> {
    field: F,
    /// Bits of the rows, then of the words below that are not 0, up to a single word.
    levels: Vec<Vec<u64>>,
    /// By row, unless the field is so small that the bit tells.
    coefficients: Vec<u32>,
}

impl<F: Field> BitTree<F> {
    pub fn new(field: F, rows: usize, meter: &mut Meter) -> Result<Self> {
        let mut levels = Vec::new();
        let mut bits = rows.max(1);
        loop {
            let words = bits.div_ceil(64);
            let mut level = meter.vec(words)?;
            level.resize(words, 0);
            levels.push(level);
            if words == 1 {
                break;
            }
            bits = words;
        }
        let rows = if field.bits() == 0 { 0 } else { rows };
        let mut coefficients = meter.vec(rows)?;
        coefficients.resize(rows, 0);
        Ok(Self {
            field,
            levels,
            coefficients,
        })
    }

    #[inline]
    pub fn add(&mut self, rank: u32, coefficient: u32) {
        let row = rank as usize;
        if self.field.bits() > 0 {
            let old = self.coefficients[row];
            let new = self.field.add(old, coefficient);
            self.coefficients[row] = new;
            if (old == 0) == (new == 0) {
                return;
            }
        }
        self.toggle(row);
    }

    #[inline]
    fn toggle(&mut self, row: usize) {
        let mut bit = row;
        for level in &mut self.levels {
            let word = &mut level[bit / 64];
            let was_empty = *word == 0;
            *word ^= 1 << (bit % 64);
            // The level above changes only if the word became empty or ceased to be.
            if !was_empty && *word != 0 {
                return;
            }
            bit /= 64;
        }
    }

    /// The first row that is not 0.
    #[inline]
    pub fn first(&self) -> Option<Entry> {
        let mut bit = 0;
        for level in self.levels.iter().rev() {
            let word = level[bit];
            if word == 0 {
                return None;
            }
            bit = 64 * bit + word.trailing_zeros() as usize;
        }
        let coefficient = if self.field.bits() == 0 {
            1
        } else {
            self.coefficients[bit]
        };
        Some(Entry {
            rank: bit as u32,
            coefficient,
        })
    }

    /// Takes the first row that is not 0 and leaves 0.
    pub fn take_first(&mut self) -> Option<Entry> {
        let entry = self.first()?;
        self.add(entry.rank, self.field.negate(entry.coefficient));
        Some(entry)
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

    fn drained<F: Field>(field: F, entries: &[(u32, u32)]) -> Vec<(u32, u32)> {
        let mut column = BitTree::new(field, 5000, &mut Meter::new(&Limits::default())).unwrap();
        entries
            .iter()
            .for_each(|(rank, coefficient)| column.add(*rank, *coefficient));
        std::iter::from_fn(|| column.take_first())
            .map(|entry| (entry.rank, entry.coefficient))
            .collect()
    }

    proptest! {
        #[test]
        fn rows_add_up_and_come_out_in_order(entries in prop::collection::vec((0..5000_u32, 1..5_u32), 0..300)) {
            // Few rows, far apart, so that some meet and the levels differ.
            let entries: Vec<_> = entries.into_iter().map(|(rank, coefficient)| (rank / 97 * 97, coefficient)).collect();
            let mut sums = BTreeMap::new();
            entries.iter().for_each(|(rank, coefficient)| *sums.entry(*rank).or_insert(0) += coefficient);
            let modulo = |p: u32| -> Vec<(u32, u32)> {
                sums.iter().map(|(rank, sum)| (*rank, sum % p)).filter(|entry| entry.1 != 0).collect()
            };
            prop_assert_eq!(drained(Prime::new(5).unwrap(), &entries), modulo(5));
            let ones: Vec<_> = entries.iter().flat_map(|(rank, count)| vec![(*rank, 1); *count as usize]).collect();
            prop_assert_eq!(drained(Two, &ones), modulo(2));
        }
    }
}
