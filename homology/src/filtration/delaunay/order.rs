//! The order in which points are inserted: in rounds of growing size, along a Hilbert curve in each.

use crate::Result;
use crate::limits::Meter;
use crate::sort::radix_sort;

/// Bits of a Hilbert key for each axis.
const BITS: u32 = 20;
/// Points handled between two looks at the limits.
const BLOCK: usize = 1 << 12;

/// The rows of the distinct points in the order of a biased randomised insertion (Amenta, Choi and Rote, *Incremental
/// constructions con BRIO*, 2003): each round takes about seven times as many points as all before it, and walks along
/// the Hilbert curve, so that a point is near to the one inserted before.
///
/// The order depends on the set of points only, not on the order of the rows. Among equal points the one with the
/// largest weight is kept.
pub(super) fn insertion_order<const D: usize>(
    points: &[[f64; D]],
    weights: &[f64],
    meter: &mut Meter,
) -> Result<Vec<u32>> {
    let mut keyed = meter.vec(points.len())?;
    let (low, factor) = bounding_box(points);
    for (block, start) in points.chunks(BLOCK).zip((0_u32..).step_by(BLOCK)) {
        meter.work(block.len())?;
        for (point, row) in block.iter().zip(start..) {
            let axes: [u32; D] = std::array::from_fn(|axis| ((point[axis] - low[axis]) * factor[axis]) as u32);
            keyed.push((hilbert_key(axes), row));
        }
    }
    let digit = |item: &(u64, u32), shift: u32, mask: usize| (item.0 >> shift) as usize & mask;
    let mut keyed = radix_sort(keyed, BITS * D as u32, digit, meter)?;
    sort_equal_keys(&mut keyed, points, weights);
    keyed.dedup_by(|later, first| points[later.1 as usize] == points[first.1 as usize]);
    let mut order = meter.vec(keyed.len())?;
    let rounds = (0..keyed.len() as u32).map(round).max().unwrap_or(0);
    for wanted in (0..=rounds).rev() {
        meter.work(keyed.len())?;
        let of_round = keyed.iter().zip(0..).filter(|(_, at)| round(*at) == wanted);
        order.extend(of_round.map(|((_, row), _)| *row));
    }
    meter.free(keyed);
    Ok(order)
}

/// The lowest corner, and what maps each axis to `0..2^BITS`.
fn bounding_box<const D: usize>(points: &[[f64; D]]) -> ([f64; D], [f64; D]) {
    let (mut low, mut high) = ([f64::INFINITY; D], [f64::NEG_INFINITY; D]);
    for point in points {
        for axis in 0..D {
            low[axis] = low[axis].min(point[axis]);
            high[axis] = high[axis].max(point[axis]);
        }
    }
    // One scale for all axes keeps the cells of the curve square. A float that is too large becomes the last cell.
    let extent = (0..D).fold(0.0, |most: f64, axis| most.max(high[axis] - low[axis]));
    let cells = f64::from((1_u32 << BITS) - 1);
    (low, [if extent > 0.0 { cells / extent } else { 0.0 }; D])
}

/// Equal points must come one after the other, and the rest of the order must not depend on the rows.
fn sort_equal_keys<const D: usize>(keyed: &mut [(u64, u32)], points: &[[f64; D]], weights: &[f64]) {
    let weight = |row: u32| weights.get(row as usize).copied().unwrap_or(0.0);
    for run in keyed.chunk_by_mut(|a, b| a.0 == b.0) {
        if run.len() > 1 {
            run.sort_unstable_by(|(_, a), (_, b)| {
                let by_point = (0..D)
                    .map(|axis| points[*a as usize][axis].total_cmp(&points[*b as usize][axis]))
                    .find(|order| order.is_ne());
                by_point.unwrap_or_else(|| weight(*b).total_cmp(&weight(*a)).then(a.cmp(b)))
            });
        }
    }
}

/// The round of the point at place `at` on the curve: 0, the last one, for seven of eight.
fn round(at: u32) -> u32 {
    // The finaliser of MurmurHash3: every bit of the place decides.
    let mut hash = at;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85EB_CA6B);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xC2B2_AE35);
    (hash ^ (hash >> 16)).trailing_zeros() / 3
}

/// The place of a cell on the Hilbert curve (Skilling, *Programming the Hilbert curve*, 2004).
fn hilbert_key<const D: usize>(mut axes: [u32; D]) -> u64 {
    let top = 1_u32 << (BITS - 1);
    let mut bit = top;
    while bit > 1 {
        let lower = bit - 1;
        for axis in 0..D {
            if axes[axis] & bit != 0 {
                axes[0] ^= lower;
            } else {
                let swapped = (axes[0] ^ axes[axis]) & lower;
                axes[0] ^= swapped;
                axes[axis] ^= swapped;
            }
        }
        bit >>= 1;
    }
    for axis in 1..D {
        axes[axis] ^= axes[axis - 1];
    }
    let mut flipped = 0;
    let mut bit = top;
    while bit > 1 {
        if axes[D - 1] & bit != 0 {
            flipped ^= bit - 1;
        }
        bit >>= 1;
    }
    interleaved(axes.map(|axis| axis ^ flipped))
}

/// The bits of all axes in turn, highest first.
fn interleaved<const D: usize>(axes: [u32; D]) -> u64 {
    let mut key = 0;
    for bit in (0..BITS).rev() {
        for axis in axes {
            key = key << 1 | u64::from(axis >> bit & 1);
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn neighbors_on_the_curve_are_neighbors_in_space() {
        let side = 1_u32 << 3;
        let shift = BITS - 3;
        let mut cells: Vec<[u32; 3]> = (0..side * side * side)
            .map(|at| [at / side / side, at / side % side, at % side])
            .collect();
        cells.sort_by_key(|cell| hilbert_key(cell.map(|axis| axis << shift)));
        for pair in cells.windows(2) {
            let steps: u32 = (0..3).map(|axis| pair[0][axis].abs_diff(pair[1][axis])).sum();
            assert_eq!(steps, 1, "{pair:?}");
        }
    }

    #[test]
    fn the_order_of_points_does_not_depend_on_their_rows() {
        let points: Vec<[f64; 2]> = (0..500_u32)
            .map(|i| [f64::from(i * i % 97), f64::from(i % 13)])
            .collect();
        let reversed: Vec<_> = points.iter().rev().copied().collect();
        let ordered = |points: &[[f64; 2]]| -> Vec<[f64; 2]> {
            let order = insertion_order(points, &[], &mut Meter::new(&Limits::default())).unwrap();
            order.iter().map(|row| points[*row as usize]).collect()
        };
        let found = ordered(&points);
        assert_eq!(found, ordered(&reversed));
        let mut distinct = points;
        distinct.sort_by(|a, b| a.partial_cmp(b).unwrap());
        distinct.dedup();
        assert_eq!(found.len(), distinct.len());
    }

    #[test]
    fn among_equal_points_the_heaviest_is_kept() {
        let order = insertion_order(
            &[[1.0], [1.0], [1.0]],
            &[0.5, 2.0, 1.0],
            &mut Meter::new(&Limits::default()),
        );
        assert_eq!(order, Ok(vec![1]));
    }
}
