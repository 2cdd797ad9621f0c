//! The order in which simplices of one dimension enter: by value, then by number.

use crate::Result;
use crate::limits::Meter;
use crate::sort::radix_sort;

/// Whether simplex `a` enters before simplex `b`.
#[inline(always)]
pub(super) fn enters_before(values: &[f64], a: u32, b: u32) -> bool {
    (values[a as usize], a) < (values[b as usize], b)
}

/// When a simplex enters: with the first of its cofacets if a vertex is inside its own smallest sphere, with that sphere
/// otherwise, and never after the first cofacet.
///
/// A right angle makes the two values equal; they are taken for equal up to rounding, lest every rectangle leave a pair
/// that is one bit long.
#[inline(always)]
pub(super) fn value_below(first_cofacet: f64, attached: bool, own: impl FnOnce() -> f64) -> f64 {
    const ROUNDING: f64 = 16.0 * f64::EPSILON;
    if attached {
        return first_cofacet;
    }
    let own = own();
    if own < first_cofacet - ROUNDING * first_cofacet.abs() {
        own
    } else {
        first_cofacet
    }
}

/// The chosen simplices in the order in which they enter.
pub(super) fn sorted(values: &[f64], chosen: impl Fn(u32) -> bool, meter: &mut Meter) -> Result<Vec<(u64, u32)>> {
    /// Simplices handled between two looks at the limits.
    const BLOCK: usize = 1 << 14;
    let mut keyed: Vec<(u64, u32)> = Vec::new();
    for (block, start) in values.chunks(BLOCK).zip((0_u32..).step_by(BLOCK)) {
        meter.work(block.len())?;
        meter.reserve(&mut keyed, block.len())?;
        for (value, simplex) in block.iter().zip(start..) {
            if chosen(simplex) {
                keyed.push((ordered_bits(*value), simplex));
            }
        }
    }
    let digit = |item: &(u64, u32), shift: u32, mask: usize| (item.0 >> shift) as usize & mask;
    radix_sort(keyed, u64::BITS, digit, meter)
}

/// Bits that compare as integers like the float.
fn ordered_bits(value: f64) -> u64 {
    // −0 and 0 are the same value.
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn simplices_are_sorted_by_value_then_number() {
        let values = [1.0, -2.0, 0.0, f64::INFINITY, -0.0, -1e-300, 1.0];
        let found = sorted(&values, |simplex| simplex != 6, &mut Meter::new(&Limits::default())).unwrap();
        let found: Vec<u32> = found.into_iter().map(|(_, simplex)| simplex).collect();
        assert_eq!(found, [1, 5, 2, 4, 0, 3]);
        assert!(found.windows(2).all(|pair| enters_before(&values, pair[0], pair[1])));
    }
}
