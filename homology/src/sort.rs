//! A stable radix sort that can be stopped half-way.

use crate::Result;
use crate::limits::Meter;

/// Items handled between two looks at the limits.
const BLOCK: usize = 1 << 14;

/// Sorts `items` by the `bits` lowest bits of their keys, ascending; equal keys keep their order.
///
/// `digit(item, shift, mask)` is `(key(item) >> shift) & mask`. Costs two passes per 11 bits, without those digits in
/// which all keys agree, and a second copy of the items.
pub(crate) fn radix_sort<T: Copy>(
    items: Vec<T>,
    bits: u32,
    digit: impl Fn(&T, u32, usize) -> usize,
    meter: &mut Meter,
) -> Result<Vec<T>> {
    let Some(&filler) = items.first() else { return Ok(items) };
    let width = if items.len() < BLOCK { 8 } else { 11 };
    let mask = (1 << width) - 1;
    let mut source = items;
    let mut target = meter.vec(source.len())?;
    target.resize(source.len(), filler);
    let mut offsets = vec![0; mask + 1];
    for shift in (0..bits).step_by(width) {
        offsets.fill(0);
        for block in source.chunks(BLOCK) {
            meter.work(0)?;
            block.iter().for_each(|item| offsets[digit(item, shift, mask)] += 1);
        }
        if offsets[digit(&filler, shift, mask)] == source.len() {
            continue;
        }
        exclusive_sums(&mut offsets);
        for block in source.chunks(BLOCK) {
            meter.work(0)?;
            for item in block {
                let offset = &mut offsets[digit(item, shift, mask)];
                target[*offset] = *item;
                *offset += 1;
            }
        }
        std::mem::swap(&mut source, &mut target);
    }
    meter.free(target);
    Ok(source)
}

fn exclusive_sums(counts: &mut [usize]) {
    let mut sum = 0;
    for count in counts {
        sum += std::mem::replace(count, sum);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Limits;

    fn sorted(items: Vec<(u64, u32)>) -> Vec<(u64, u32)> {
        let digit = |item: &(u64, u32), shift: u32, mask: usize| (item.0 >> shift) as usize & mask;
        radix_sort(items, 64, digit, &mut Meter::new(&Limits::default())).unwrap()
    }

    proptest! {
        #[test]
        fn items_come_out_as_from_the_stable_sort(keys in prop::collection::vec(0..1u64 << 40, 0..200)) {
            let items: Vec<_> = keys.into_iter().map(|key| key >> (key % 40)).zip(0..).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|item| item.0);
            prop_assert_eq!(sorted(items), expected);
        }
    }

    #[test]
    fn many_items_come_out_in_order() {
        let items: Vec<_> = (0..50_000_u64)
            .map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15), i as u32))
            .collect();
        assert!(sorted(items).is_sorted());
    }
}
