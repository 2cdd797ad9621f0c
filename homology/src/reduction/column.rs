//! A column under reduction: a sum of simplices from which the least is taken again and again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::Result;
use crate::field::Field;
use crate::limits::Meter;
use crate::simplex::{Key, Layout};

/// A heap of keys with coefficients. Equal simplices cancel only when they come to the top, or when room is needed.
#[derive(Debug)]
pub(super) struct WorkingColumn<K> {
    heap: BinaryHeap<Reverse<K>>,
}

impl<K: Ord> Default for WorkingColumn<K> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
        }
    }
}

impl<K: Key> WorkingColumn<K> {
    pub fn clear(&mut self) {
        self.heap.clear();
    }

    pub fn add<F: Field>(&mut self, keys: &[K], layout: &Layout<F>, meter: &mut Meter) -> Result<()> {
        if self.heap.capacity() - self.heap.len() < keys.len() {
            self.make_room(keys.len(), layout, meter)?;
        }
        self.heap.extend(keys.iter().copied().map(Reverse));
        Ok(())
    }

    /// Takes the least simplex whose coefficient is not 0.
    #[inline]
    pub fn pop<F: Field>(&mut self, layout: &Layout<F>) -> Option<K> {
        while let Some(Reverse(key)) = self.heap.pop() {
            let simplex = layout.simplex(key);
            let mut coefficient = layout.coefficient(key);
            while let Some(Reverse(next)) = self.heap.peek() {
                if layout.simplex(*next) != simplex {
                    break;
                }
                coefficient = layout.field.add(coefficient, layout.coefficient(*next));
                self.heap.pop();
            }
            if coefficient != 0 {
                return Some(layout.with_coefficient(simplex, coefficient));
            }
        }
        None
    }

    /// Appends the whole sum to `target` and leaves nothing.
    pub fn drain_into<F: Field>(&mut self, target: &mut Vec<K>, layout: &Layout<F>, meter: &mut Meter) -> Result<()> {
        while let Some(key) = self.pop(layout) {
            meter.push(target, key)?;
        }
        Ok(())
    }

    /// Cancels what cancels, and grows only if that did not free half of the heap.
    #[cold]
    fn make_room<F: Field>(&mut self, additional: usize, layout: &Layout<F>, meter: &mut Meter) -> Result<()> {
        let mut keys = std::mem::take(&mut self.heap).into_vec();
        keys.sort_unstable_by_key(|key| key.0);
        combine_equal(&mut keys, layout);
        if keys.len() + additional > keys.capacity() / 2 {
            let doubled = keys.capacity();
            meter.reserve(&mut keys, additional.max(doubled))?;
        }
        self.heap = BinaryHeap::from(keys);
        Ok(())
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.heap.into_vec());
    }
}

/// Replaces each run of equal simplices by its sum, in place; sums that are 0 vanish.
fn combine_equal<K: Key, F: Field>(keys: &mut Vec<Reverse<K>>, layout: &Layout<F>) {
    let (mut kept, mut next) = (0, 0);
    while next < keys.len() {
        let simplex = layout.simplex(keys[next].0);
        let mut coefficient = 0;
        while next < keys.len() && layout.simplex(keys[next].0) == simplex {
            coefficient = layout.field.add(coefficient, layout.coefficient(keys[next].0));
            next += 1;
        }
        if coefficient != 0 {
            keys[kept] = Reverse(layout.with_coefficient(simplex, coefficient));
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

    #[test]
    fn equal_simplices_cancel_over_two_and_add_up_over_three() {
        let mut meter = Meter::new(&Limits::default());
        let layout = Layout::new(Two, 8, 2, 8).unwrap();
        let mut column = WorkingColumn::default();
        column.add(&[7_u64, 3, 7, 5, 3, 3], &layout, &mut meter).unwrap();
        assert_eq!(
            [column.pop(&layout), column.pop(&layout), column.pop(&layout)],
            [Some(3), Some(5), None]
        );

        let layout = Layout::new(Prime::new(3).unwrap(), 8, 2, 8).unwrap();
        let key = |vertex, coefficient| layout.key::<u64>(&[0, vertex], 1, coefficient);
        let mut column = WorkingColumn::default();
        column
            .add(&[key(4, 1), key(2, 2), key(4, 1), key(2, 1)], &layout, &mut meter)
            .unwrap();
        assert_eq!([column.pop(&layout), column.pop(&layout)], [Some(key(4, 2)), None]);
    }

    #[test]
    fn room_is_made_by_cancelling_before_growing() {
        let mut meter = Meter::new(&Limits::default());
        let layout = Layout::new(Two, 8, 2, 8).unwrap();
        let mut column = WorkingColumn::default();
        for _ in 0..10_000 {
            column.add(&[1_u64, 2, 3, 1, 2, 3], &layout, &mut meter).unwrap();
        }
        assert_eq!(column.pop(&layout), None);
        assert!(meter.usage().memory_bytes < 10_000, "{:?}", meter.usage());
    }
}
