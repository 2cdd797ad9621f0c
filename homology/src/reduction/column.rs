//! A column under reduction: a sum of simplices from which the least is taken again and again.

use crate::Result;
use crate::field::Field;
use crate::limits::Meter;
use crate::simplex::{Key, Layout};

/// A bucket with room for more keys gives its memory back when it has been spread.
const LARGE: usize = 1 << 14;

/// A radix heap of keys with coefficients.
///
/// What is taken never decreases, because a column that is added has the simplex just taken as its least. So it is
/// enough to know how far each key is above the last: bucket `b` holds the simplices that differ from it in bit `b - 1`
/// first, bucket 0 the last simplex itself. Keys only ever move to lower buckets, in sequence, which is much kinder to
/// the cache than a binary heap. Equal simplices cancel when they reach bucket 0, or when room is needed.
#[derive(Debug)]
pub(super) struct WorkingColumn<K> {
    last: K,
    buckets: Vec<Vec<K>>,
    /// Bit `b - 1` is set if bucket `b` is not empty.
    occupied: u128,
}

impl<K: Key> WorkingColumn<K> {
    pub fn new<F: Field>(layout: &Layout<F>) -> Self {
        Self {
            last: K::from_u32(0),
            buckets: vec![Vec::new(); layout.bits() as usize + 1],
            occupied: 0,
        }
    }

    /// Empties the column; nothing below `least` will be added.
    pub fn restart(&mut self, least: K) {
        self.last = least;
        self.buckets[0].clear();
        while self.occupied != 0 {
            let bucket = self.first_occupied();
            self.buckets[bucket].clear();
            self.occupied &= self.occupied - 1;
        }
    }

    fn first_occupied(&self) -> usize {
        self.occupied.trailing_zeros() as usize + 1
    }

    #[inline]
    pub fn add<F: Field>(&mut self, key: K, layout: &Layout<F>, meter: &mut Meter) -> Result<()> {
        let bucket = (layout.simplex(key) ^ self.last).significant_bits() as usize;
        if bucket > 0 {
            self.occupied |= 1 << (bucket - 1);
        }
        let keys = &mut self.buckets[bucket];
        if keys.len() == keys.capacity() {
            make_room(keys, layout, meter)?;
        }
        keys.push(key);
        Ok(())
    }

    /// Takes the least simplex whose coefficient is not 0.
    #[inline]
    pub fn pop<F: Field>(&mut self, layout: &Layout<F>, meter: &mut Meter) -> Result<Option<K>> {
        loop {
            let equal = &mut self.buckets[0];
            let coefficient = equal
                .iter()
                .fold(0, |sum, key| layout.field.add(sum, layout.coefficient(*key)));
            equal.clear();
            if coefficient != 0 {
                return Ok(Some(layout.with_coefficient(self.last, coefficient)));
            }
            if self.occupied == 0 {
                return Ok(None);
            }
            self.advance(layout, meter)?;
        }
    }

    /// Makes the least simplex the last one and spreads its bucket over those below.
    fn advance<F: Field>(&mut self, layout: &Layout<F>, meter: &mut Meter) -> Result<()> {
        let bucket = self.first_occupied();
        self.occupied &= self.occupied - 1;
        let mut keys = std::mem::take(&mut self.buckets[bucket]);
        let least = keys.iter().min().copied().unwrap_or(self.last);
        self.last = layout.simplex(least);
        for block in keys.chunks(LARGE) {
            meter.work(0)?;
            for key in block {
                self.add(*key, layout, meter)?;
            }
        }
        keys.clear();
        if keys.capacity() < LARGE {
            self.buckets[bucket] = keys;
        } else {
            meter.free(keys);
        }
        Ok(())
    }

    /// Appends the whole sum to `target` and leaves nothing.
    pub fn drain_into<F: Field>(&mut self, target: &mut Vec<K>, layout: &Layout<F>, meter: &mut Meter) -> Result<()> {
        while let Some(key) = self.pop(layout, meter)? {
            meter.push(target, key)?;
        }
        Ok(())
    }

    pub fn free(self, meter: &mut Meter) {
        self.buckets.into_iter().for_each(|keys| meter.free(keys));
    }
}

/// Cancels what cancels, and grows only if that did not free half of the bucket.
#[cold]
fn make_room<K: Key, F: Field>(keys: &mut Vec<K>, layout: &Layout<F>, meter: &mut Meter) -> Result<()> {
    /// Fewer are not worth sorting.
    const FEW: usize = 64;
    if keys.len() >= FEW {
        keys.sort_unstable();
        combine_equal(keys, layout);
    }
    let spare = keys.capacity() - keys.len();
    if spare == 0 || spare < keys.capacity() / 2 {
        meter.reserve(keys, spare.max(8) + 1)
    } else {
        Ok(())
    }
}

/// Replaces each run of equal simplices by its sum, in place; sums that are 0 vanish.
fn combine_equal<K: Key, F: Field>(keys: &mut Vec<K>, layout: &Layout<F>) {
    let (mut kept, mut next) = (0, 0);
    while next < keys.len() {
        let simplex = layout.simplex(keys[next]);
        let mut coefficient = 0;
        while next < keys.len() && layout.simplex(keys[next]) == simplex {
            coefficient = layout.field.add(coefficient, layout.coefficient(keys[next]));
            next += 1;
        }
        if coefficient != 0 {
            keys[kept] = layout.with_coefficient(simplex, coefficient);
            kept += 1;
        }
    }
    keys.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::field::{Prime, Two};

    fn add_all<F: Field>(column: &mut WorkingColumn<u64>, keys: &[u64], layout: &Layout<F>, meter: &mut Meter) {
        keys.iter().for_each(|key| column.add(*key, layout, meter).unwrap());
    }

    #[test]
    fn equal_simplices_cancel_over_two_and_add_up_over_three() {
        let mut meter = Meter::new(&Limits::default());
        let layout = Layout::new(Two, 8, 2, 8).unwrap();
        let mut column = WorkingColumn::new(&layout);
        let mut taken = Vec::new();
        add_all(&mut column, &[7, 3, 7, 5, 3, 3], &layout, &mut meter);
        column.drain_into(&mut taken, &layout, &mut meter).unwrap();
        assert_eq!(taken, [3, 5]);

        let layout = Layout::new(Prime::new(3).unwrap(), 8, 2, 8).unwrap();
        let key = |vertex, coefficient| layout.key::<u64>(&[0, vertex], 1, coefficient);
        let mut column = WorkingColumn::new(&layout);
        add_all(
            &mut column,
            &[key(4, 1), key(2, 2), key(4, 1), key(2, 1)],
            &layout,
            &mut meter,
        );
        assert_eq!(column.pop(&layout, &mut meter).unwrap(), Some(key(4, 2)));
        // The simplex just taken may come back with any coefficient.
        add_all(&mut column, &[key(4, 1), key(5, 1)], &layout, &mut meter);
        assert_eq!(column.pop(&layout, &mut meter).unwrap(), Some(key(4, 1)));
        assert_eq!(column.pop(&layout, &mut meter).unwrap(), Some(key(5, 1)));
        assert_eq!(column.pop(&layout, &mut meter).unwrap(), None);
    }

    #[test]
    fn a_restarted_column_is_empty() {
        let mut meter = Meter::new(&Limits::default());
        let layout = Layout::new(Two, 8, 2, 8).unwrap();
        let mut column = WorkingColumn::new(&layout);
        add_all(&mut column, &[0, 7, 100, 300], &layout, &mut meter);
        column.restart(4);
        assert_eq!(column.pop(&layout, &mut meter).unwrap(), None);
    }

    #[test]
    fn room_is_made_by_cancelling_before_growing() {
        let mut meter = Meter::new(&Limits::default());
        let layout = Layout::new(Two, 8, 2, 8).unwrap();
        let mut column = WorkingColumn::new(&layout);
        for _ in 0..10_000 {
            add_all(&mut column, &[1, 2, 3, 1, 2, 3], &layout, &mut meter);
        }
        assert_eq!(column.pop(&layout, &mut meter).unwrap(), None);
        assert!(meter.usage().memory_bytes < 10_000, "{:?}", meter.usage());
    }
}
