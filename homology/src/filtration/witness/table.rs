//! The largest word given for each simplex of one dimension.
//!
//! A word is any integer but 0, which stands for a simplex that has none: memory that the system hands out is zero
//! already, so that a large table costs only what is touched.

use crate::Result;
use crate::limits::Meter;

/// Simplices by number, with words that only ever become larger.
pub(super) trait Raise {
    /// Raises the word of simplex `number` to `word`, unless it is as large already.
    fn raise(&mut self, number: u64, word: u64, meter: &mut Meter) -> Result<()>;
}

/// A place for each simplex.
#[derive(Debug, Clone)]
pub(super) struct Dense {
    words: Vec<u64>,
}

impl Raise for Dense {
    #[inline]
    fn raise(&mut self, number: u64, word: u64, _: &mut Meter) -> Result<()> {
        let place = &mut self.words[number as usize];
        *place = word.max(*place);
        Ok(())
    }
}

/// A hash table with open addressing for those simplices that have a word.
#[derive(Debug, Clone, Default)]
pub(super) struct Sparse {
    /// The number of the simplex and its word, which is 0 for an empty slot. A power of two of them, or none.
    slots: Vec<(u64, u64)>,
    occupied: usize,
}

impl Sparse {
    /// The slot of `number`, or the one where it belongs. There is an empty slot.
    #[inline]
    fn slot(&self, number: u64) -> usize {
        // Fibonacci hashing: the highest bits of the product depend on all bits of the number.
        const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
        let mask = self.slots.len() - 1;
        let mut slot = (number.wrapping_mul(GOLDEN) >> 32) as usize & mask;
        while self.slots[slot].1 != 0 && self.slots[slot].0 != number {
            slot = (slot + 1) & mask;
        }
        slot
    }

    #[cold]
    fn grow(&mut self, meter: &mut Meter) -> Result<()> {
        let size = (2 * self.slots.len()).max(64);
        let mut larger = meter.vec(size)?;
        larger.resize(size, (0, 0));
        let smaller = std::mem::replace(&mut self.slots, larger);
        for entry in smaller.iter().filter(|slot| slot.1 != 0) {
            let slot = self.slot(entry.0);
            self.slots[slot] = *entry;
        }
        meter.free(smaller);
        Ok(())
    }
}

impl Raise for Sparse {
    #[inline]
    fn raise(&mut self, number: u64, word: u64, meter: &mut Meter) -> Result<()> {
        if self.occupied * 8 >= self.slots.len() * 5 {
            self.grow(meter)?;
        }
        let slot = self.slot(number);
        let entry = &mut self.slots[slot];
        self.occupied += usize::from(entry.1 == 0);
        *entry = (number, word.max(entry.1));
        Ok(())
    }
}

#[derive(Debug, Clone)]
pub(super) enum Table {
    Dense(Dense),
    Sparse(Sparse),
}

impl Table {
    /// Up to so many simplices have a place each: 16 MB, which cost nothing until they are touched.
    const MOST_DENSE: u64 = 1 << 21;

    /// A table for `count` simplices.
    pub fn new(count: u64, meter: &mut Meter) -> Result<Self> {
        if count > Self::MOST_DENSE {
            return Ok(Self::Sparse(Sparse::default()));
        }
        meter.charge(count as usize * size_of::<u64>())?;
        Ok(Self::Dense(Dense {
            words: vec![0; count as usize],
        }))
    }

    /// Raises one word; in a loop, [`Raise`] of the kind of table is faster.
    pub fn insert(&mut self, number: u64, word: u64, meter: &mut Meter) -> Result<()> {
        match self {
            Self::Dense(table) => table.raise(number, word, meter),
            Self::Sparse(table) => table.raise(number, word, meter),
        }
    }

    /// The word of a simplex; 0 if it has none.
    pub fn get(&self, number: u64) -> u64 {
        match self {
            Self::Dense(table) => table.words[number as usize],
            Self::Sparse(table) if table.slots.is_empty() => 0,
            Self::Sparse(table) => table.slots[table.slot(number)].1,
        }
    }

    /// Every simplex that has a word, with it, by ascending number.
    pub fn entries(&self, meter: &mut Meter) -> Result<Vec<(u64, u64)>> {
        let mut entries = Vec::new();
        match self {
            Self::Dense(table) => {
                for (number, word) in (0..).zip(&table.words).filter(|entry| *entry.1 != 0) {
                    meter.push(&mut entries, (number, *word))?;
                }
            }
            Self::Sparse(table) => {
                meter.reserve_exact(&mut entries, table.occupied)?;
                entries.extend(table.slots.iter().filter(|slot| slot.1 != 0));
                entries.sort_unstable();
            }
        }
        Ok(entries)
    }

    /// Raises every word to that of `other`, a table for the same simplices.
    pub fn merge(&mut self, other: &Self, meter: &mut Meter) -> Result<()> {
        match (self, other) {
            (Self::Dense(table), Self::Dense(other)) => {
                for (word, other) in table.words.iter_mut().zip(&other.words) {
                    // Pages that neither has touched stay untouched.
                    if *other > *word {
                        *word = *other;
                    }
                }
                Ok(())
            }
            (Self::Sparse(table), Self::Sparse(other)) => {
                let seen = other.slots.iter().filter(|slot| slot.1 != 0);
                seen.copied()
                    .try_for_each(|(number, word)| table.raise(number, word, meter))
            }
            _ => unreachable!("the number of simplices decides between dense and sparse"),
        }
    }

    pub fn free(self, meter: &mut Meter) {
        match self {
            Self::Dense(table) => meter.free(table.words),
            Self::Sparse(table) => meter.free(table.slots),
        }
    }

    pub fn bytes(&self) -> usize {
        match self {
            Self::Dense(table) => table.words.capacity() * size_of::<u64>(),
            Self::Sparse(table) => table.slots.capacity() * size_of::<(u64, u64)>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::Limits;

    proptest! {
        #[test]
        fn both_kinds_keep_the_largest_word_of_each_number(
            updates in prop::collection::vec((0..300_u64, 1..1000_u64), 0..2000),
            cut in 0..2000_usize,
        ) {
            let mut meter = Meter::new(&Limits::default());
            let mut expected = BTreeMap::new();
            for (number, word) in &updates {
                let largest = expected.entry(*number).or_insert(0);
                *largest = (*largest).max(*word);
            }
            for kind in [Table::new(300, &mut meter).unwrap(), Table::Sparse(Sparse::default())] {
                let (mut first, mut second) = (kind.clone(), kind);
                for (at, (number, word)) in updates.iter().enumerate() {
                    match if at < cut { &mut first } else { &mut second } {
                        Table::Dense(table) => table.raise(*number, *word, &mut meter).unwrap(),
                        Table::Sparse(table) => table.raise(*number, *word, &mut meter).unwrap(),
                    }
                }
                first.merge(&second, &mut meter).unwrap();
                let found: BTreeMap<u64, u64> = first.entries(&mut meter).unwrap().into_iter().collect();
                prop_assert_eq!(&found, &expected);
                for number in 0..300 {
                    prop_assert_eq!(first.get(number), expected.get(&number).copied().unwrap_or(0));
                }
            }
        }
    }

    #[test]
    fn many_simplices_are_hashed() {
        let mut meter = Meter::new(&Limits::default());
        assert!(matches!(
            Table::new(Table::MOST_DENSE, &mut meter).unwrap(),
            Table::Dense(_)
        ));
        assert!(matches!(Table::new(1 << 60, &mut meter).unwrap(), Table::Sparse(_)));
    }
}
