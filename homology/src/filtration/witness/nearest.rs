//! Which landmarks a witness sees, and how far away.

use crate::limits::Meter;
use crate::{Error, PointCloud, Result};

/// Landmarks whose distances are computed side by side.
const LANES: usize = 8;

/// Landmarks, arranged so that one instruction handles the same coordinate of several.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LandmarkBlocks {
    count: usize,
    dimension: usize,
    /// Blocks of [`LANES`] landmarks; within each, coordinate after coordinate. The last block is filled up with
    /// landmarks at infinity.
    lanes: Vec<[f64; LANES]>,
}

impl LandmarkBlocks {
    pub fn new(landmarks: PointCloud<'_>, meter: &mut Meter) -> Result<Self> {
        let dimension = landmarks.dimension();
        let mut lanes = meter.vec(landmarks.len().div_ceil(LANES) * dimension)?;
        for block in landmarks.coordinates().chunks(LANES * dimension) {
            let lane = |axis: usize, lane: usize| block.get(lane * dimension + axis).copied().unwrap_or(f64::INFINITY);
            lanes.extend((0..dimension).map(|axis| std::array::from_fn(|at| lane(axis, at))));
        }
        Ok(Self {
            count: landmarks.len(),
            dimension,
            lanes,
        })
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The number of coordinates of a landmark.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    pub fn bytes(&self) -> usize {
        self.lanes.capacity() * size_of::<[f64; LANES]>()
    }
}

/// A landmark and its squared distance to the witness.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    pub landmark: u32,
    pub squared: f64,
}

impl Seen {
    /// A total order: by distance, then by landmark.
    #[inline]
    pub fn is_before(&self, other: &Self) -> bool {
        (self.squared, self.landmark) < (other.squared, other.landmark)
    }
}

/// The landmarks that matter to one witness. Reused from witness to witness.
#[derive(Debug)]
pub(super) struct Nearest {
    /// Landmarks to be ranked: the nearest so many.
    ranked: usize,
    relaxation: f64,
    squared: Vec<[f64; LANES]>,
    least_of_block: Vec<f64>,
    /// The least of the block minima; the last of them bounds the distance of the last ranked landmark.
    least: Vec<f64>,
    near: Vec<Seen>,
    ranks: Vec<Seen>,
}

impl Nearest {
    /// Finds the `ranked` nearest landmarks, at most as many as there are, and all others whose squared distance
    /// exceeds the last of these by no more than `relaxation`.
    pub fn new(ranked: usize, relaxation: f64, landmarks: &LandmarkBlocks, meter: &mut Meter) -> Result<Self> {
        let blocks = landmarks.count.div_ceil(LANES);
        Ok(Self {
            ranked,
            relaxation,
            squared: meter.vec(blocks)?,
            least_of_block: meter.vec(blocks)?,
            least: meter.vec(ranked)?,
            near: meter.vec(landmarks.count)?,
            ranks: meter.vec(ranked)?,
        })
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.squared);
        meter.free(self.least_of_block);
        meter.free(self.least);
        meter.free(self.near);
        meter.free(self.ranks);
    }

    /// The landmarks near enough, by ascending landmark.
    pub fn near(&self) -> &[Seen] {
        &self.near
    }

    /// The nearest landmarks in order.
    pub fn ranks(&self) -> &[Seen] {
        &self.ranks
    }

    /// Looks from `witness`, which is row `row` of the witnesses.
    ///
    /// Fails with [`Error::SquareOverflow`] if a distance matters whose square no float can hold.
    pub fn look(&mut self, landmarks: &LandmarkBlocks, witness: &[f64], row: usize) -> Result<()> {
        squared_distances(landmarks, witness, &mut self.squared, &mut self.least_of_block);
        let bound = self.bound();
        self.collect(landmarks.count, bound);
        if let Some(far) = self.near.iter().find(|seen| seen.squared == f64::INFINITY) {
            return Err(Error::SquareOverflow {
                witness: row,
                landmark: far.landmark as usize,
            });
        }
        self.rank();
        Ok(())
    }

    /// A squared distance beyond which no landmark matters.
    fn bound(&mut self) -> f64 {
        /// More than the sums below can lose by rounding.
        const ROUNDING: f64 = 1.0 + 1e-15;
        self.least.clear();
        self.least.resize(self.ranked, f64::INFINITY);
        for value in &self.least_of_block {
            if self.least.last().is_some_and(|last| value < last) {
                sift(&mut self.least, *value, |a, b| a < b);
            }
        }
        (self.least.last().copied().unwrap_or(0.0) + self.relaxation) * ROUNDING
    }

    fn collect(&mut self, count: usize, bound: f64) {
        self.near.clear();
        for (block, (squared, least)) in self.squared.iter().zip(&self.least_of_block).enumerate() {
            if *least > bound {
                continue;
            }
            for (lane, squared) in squared.iter().enumerate() {
                let landmark = block * LANES + lane;
                if *squared <= bound && landmark < count {
                    self.near.push(Seen {
                        landmark: landmark as u32,
                        squared: *squared,
                    });
                }
            }
        }
    }

    /// Takes the nearest out of those that are near.
    fn rank(&mut self) {
        const FARTHEST: Seen = Seen {
            landmark: u32::MAX,
            squared: f64::INFINITY,
        };
        self.ranks.clear();
        self.ranks.resize(self.ranked, FARTHEST);
        for seen in &self.near {
            if self.ranks.last().is_some_and(|last| seen.is_before(last)) {
                sift(&mut self.ranks, *seen, Seen::is_before);
            }
        }
    }
}

/// Puts `item` in its place among `sorted`, whose last falls out.
#[inline]
fn sift<T: Copy>(sorted: &mut [T], mut item: T, is_before: impl Fn(&T, &T) -> bool) {
    for place in sorted {
        if is_before(&item, place) {
            std::mem::swap(place, &mut item);
        }
    }
}

/// The squared Euclidean distances from `witness` to all landmarks, and the least of each block. The squares of one
/// distance are summed in the order of the coordinates, wherever the landmark stands.
fn squared_distances(
    landmarks: &LandmarkBlocks,
    witness: &[f64],
    squared: &mut Vec<[f64; LANES]>,
    least: &mut Vec<f64>,
) {
    squared.clear();
    least.clear();
    for block in landmarks.lanes.chunks_exact(landmarks.dimension) {
        let mut sums = [0.0; LANES];
        for (coordinates, x) in block.iter().zip(witness) {
            for lane in 0..LANES {
                let difference = x - coordinates[lane];
                sums[lane] += difference * difference;
            }
        }
        // By halves, as the instructions for two or four lanes at once go. No sum is NaN.
        let min = |a: f64, b: f64| if a < b { a } else { b };
        let of_four: [f64; 4] = std::array::from_fn(|lane| min(sums[lane], sums[lane + 4]));
        least.push(min(min(of_four[0], of_four[2]), min(of_four[1], of_four[3])));
        squared.push(sums);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Limits;

    proptest! {
        #[test]
        fn everything_near_enough_is_seen_and_the_nearest_are_ranked(
            landmarks in prop::collection::vec(0..40_i32, 1..60),
            witness in 0..40_i32,
            ranked in 1..6_usize,
            relaxation in 0..30_i32,
        ) {
            let ranked = ranked.min(landmarks.len());
            let coordinates: Vec<f64> = landmarks.iter().map(|x| f64::from(*x)).collect();
            let mut meter = Meter::new(&Limits::default());
            let blocks = LandmarkBlocks::new(PointCloud::new(&coordinates, 1).unwrap(), &mut meter).unwrap();
            let mut nearest = Nearest::new(ranked, f64::from(relaxation), &blocks, &mut meter).unwrap();
            nearest.look(&blocks, &[f64::from(witness)], 0).unwrap();
            let mut all: Vec<(i32, u32)> = landmarks.iter().map(|x| (x - witness).pow(2)).zip(0..).collect();
            all.sort_unstable();
            let pair = |seen: &Seen| (seen.squared as i32, seen.landmark);
            prop_assert_eq!(nearest.ranks().iter().map(pair).collect::<Vec<_>>(), &all[..ranked]);
            let near: Vec<_> = nearest.near().iter().map(pair).collect();
            prop_assert!(near.is_sorted_by_key(|seen| seen.1));
            let limit = all[ranked - 1].0 + relaxation;
            prop_assert!(all.iter().filter(|seen| seen.0 <= limit).all(|seen| near.contains(seen)));
        }
    }
}
