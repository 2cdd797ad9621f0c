//! What a witness complex costs.

use super::{LandmarkChoice, WitnessComplex};
use crate::Cost;

/// Bytes of a simplex: in the map of values, then as a column of the reduction.
const BYTES_PER_SIMPLEX: f64 = 192.0;
/// Simplices that one witness vouches for, unless the relaxation is large.
const SIMPLICES_PER_WITNESS: f64 = 16.0;

impl WitnessComplex {
    /// The cost for any cloud of `witnesses` rows with landmarks chosen from it.
    ///
    /// Every simplex of the landmarks may get a value, which bounds the memory; how many do, depends on the relaxation,
    /// and typical is what a small one gives. Work is counted in distances and simplices.
    pub fn estimate(&self, witnesses: usize) -> Cost {
        let (LandmarkChoice::MaxMin { count } | LandmarkChoice::Random { count, .. }) = self.landmarks;
        let landmarks = count.min(witnesses) as f64;
        let mut of_size = 1.0;
        let mut simplices = 0.0;
        for vertices in 0..=self.limit_dimension {
            of_size *= (landmarks - vertices as f64).max(0.0) / (vertices + 1) as f64;
            simplices += of_size;
        }
        let witnesses = witnesses as f64;
        let typical = (landmarks * landmarks + SIMPLICES_PER_WITNESS * witnesses).min(simplices);
        // The distances of one witness, and of all to their nearest landmark while landmarks are chosen.
        let choosing = 64.0 * landmarks + 24.0 * witnesses;
        Cost {
            memory_bytes: (simplices * BYTES_PER_SIMPLEX + choosing) as usize,
            typical_memory_bytes: (typical * BYTES_PER_SIMPLEX + choosing) as usize,
            work: (2.0 * landmarks * witnesses + typical) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, PointCloud};

    #[test]
    fn the_estimate_covers_what_is_used() {
        let point = |index: u64| (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / f64::from(1 << 24);
        let rows: Vec<f64> = (0..4000).map(point).collect();
        let cloud = PointCloud::new(&rows, 2).unwrap();
        for (relaxation, dimension) in [(0.0, 2), (0.01, 2), (f64::INFINITY, 2), (0.01, 3)] {
            for count in [1, 20, 60] {
                let complex = WitnessComplex {
                    landmarks: LandmarkChoice::MaxMin { count },
                    ..WitnessComplex::new(relaxation, dimension)
                };
                let cost = complex.estimate(cloud.len());
                let (_, usage) = complex.of_cloud(cloud, &Limits::default()).unwrap();
                assert!(
                    usage.memory_bytes <= cost.memory_bytes + (1 << 16),
                    "{relaxation} {dimension} {count}: {usage:?} {cost:?}"
                );
                assert!(cost.typical_memory_bytes <= cost.memory_bytes);
            }
        }
    }
}
