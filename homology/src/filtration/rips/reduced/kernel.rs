//! Metrics as kernels over columns of coordinates.
//!
//! A kernel gives an *ordinal* of two points: a number that orders pairs like their distance but is cheaper, such as
//! the squared distance. Ordinals are computed in the same sequence of operations everywhere, by [`crate::distance`]
//! too, so that they agree to the last bit and ties are ties on every path.

/// A metric that joins one term per coordinate.
///
/// `join` must be monotone in both arguments, in floating point too: then the ordinal of the gaps between a point and
/// a box bounds the ordinal of every point of the box from below, with no allowance for rounding.
pub(super) trait Kernel: Copy + Send + Sync {
    /// Joins the absolute difference of one more coordinate.
    fn join(sum: f64, difference: f64) -> f64;

    /// The ordinal, from all terms.
    #[inline]
    fn finish(sum: f64) -> f64 {
        sum
    }

    /// The distance that an ordinal stands for. Monotone.
    fn length(ordinal: f64) -> f64 {
        ordinal
    }

    /// The ordinal of a distance `factor` times as long.
    fn scaled(ordinal: f64, factor: f64) -> f64 {
        ordinal * factor
    }

    /// The squared Euclidean distance that stands for an ordinal, if ordinals are multiples of it.
    fn squared(_ordinal: f64) -> Option<f64> {
        None
    }

    /// Whether every point of the lune of an edge `ab` is surely nearer to `c` than `a` is to `b`, from the ordinals
    /// of `ab`, `ac` and `bc`.
    #[inline]
    fn sees_whole_lune(_ab: f64, _ac: f64, _bc: f64) -> bool {
        false
    }

    /// Whether every point of a box is surely nearer to one point than to another, to the last bit.
    ///
    /// `to_other`, `least` and `largest` are the other point and the box, seen from the one that is to be farther.
    fn all_nearer(to_other: &[f64], least: &[f64], largest: &[f64]) -> bool;
}

/// Squares below this have lost digits.
const SAFE: f64 = 1e-280;

/// The squared Euclidean distance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Squared;

/// The cosine distance of unit vectors: half of their squared distance.
#[derive(Debug, Clone, Copy)]
pub(super) struct HalfSquared;

#[derive(Debug, Clone, Copy)]
pub(super) struct Manhattan;

#[derive(Debug, Clone, Copy)]
pub(super) struct Chebyshev;

impl Kernel for Squared {
    fn scaled(ordinal: f64, factor: f64) -> f64 {
        ordinal * factor * factor
    }

    #[inline]
    fn join(sum: f64, difference: f64) -> f64 {
        sum + difference * difference
    }

    fn length(ordinal: f64) -> f64 {
        ordinal.sqrt()
    }

    #[inline]
    fn squared(ordinal: f64) -> Option<f64> {
        Some(ordinal)
    }

    #[inline]
    fn sees_whole_lune(ab: f64, ac: f64, bc: f64) -> bool {
        // With m the middle of ab, a point p of the lune has |pm|² = (|pa|² + |pb|²) / 2 − |ab|² / 4 < 3/4 |ab|². If
        // c is within (1 − √3/2) |ab| of m, then |pc| < |ab|. And |cm|² is (|ac|² + |bc|²) / 2 − |ab|² / 4.
        /// 1 + 4 (1 − √3/2)², less an allowance for rounding.
        const NEAR_THE_MIDDLE: f64 = 1.07179;
        ab > SAFE && 2.0 * (ac + bc) < NEAR_THE_MIDDLE * ab
    }

    fn all_nearer(to_other: &[f64], least: &[f64], largest: &[f64]) -> bool {
        /// Far more than what the ordinals of both points lose, relative to the larger one.
        const ROUNDING: f64 = 1e-14;
        // |x − δ|² − |x|² = Σ δ (δ − 2 x) is linear in x: the worst corner is known by the sign of each δ.
        let (mut difference, mut size) = (0.0, 0.0);
        for ((delta, least), largest) in to_other.iter().zip(least).zip(largest) {
            let worst = if *delta > 0.0 { least } else { largest };
            difference += delta * (delta - 2.0 * worst);
            size += (delta.abs() + least.abs().max(largest.abs())).powi(2);
        }
        size > SAFE && difference < -ROUNDING * to_other.len() as f64 * size
    }
}

impl Kernel for HalfSquared {
    fn scaled(ordinal: f64, factor: f64) -> f64 {
        ordinal * factor * factor
    }

    #[inline]
    fn join(sum: f64, difference: f64) -> f64 {
        Squared::join(sum, difference)
    }

    #[inline]
    fn finish(sum: f64) -> f64 {
        (sum / 2.0).min(2.0)
    }

    #[inline]
    fn squared(ordinal: f64) -> Option<f64> {
        Some(2.0 * ordinal)
    }

    #[inline]
    fn sees_whole_lune(ab: f64, ac: f64, bc: f64) -> bool {
        Squared::sees_whole_lune(ab, ac, bc)
    }

    fn all_nearer(to_other: &[f64], least: &[f64], largest: &[f64]) -> bool {
        Squared::all_nearer(to_other, least, largest)
    }
}

impl Kernel for Manhattan {
    #[inline]
    fn join(sum: f64, difference: f64) -> f64 {
        sum + difference
    }

    fn all_nearer(to_other: &[f64], least: &[f64], largest: &[f64]) -> bool {
        const ROUNDING: f64 = 1e-14;
        // |x − δ| − |x| falls (for δ > 0) or rises with x: the worst corner is as for squares.
        let (mut difference, mut size) = (0.0, 0.0);
        for ((delta, least), largest) in to_other.iter().zip(least).zip(largest) {
            let worst = if *delta > 0.0 { least } else { largest };
            difference += (worst - delta).abs() - worst.abs();
            size += delta.abs() + least.abs().max(largest.abs());
        }
        difference < -ROUNDING * to_other.len() as f64 * size
    }
}

impl Kernel for Chebyshev {
    #[inline]
    fn join(sum: f64, difference: f64) -> f64 {
        sum.max(difference)
    }

    fn all_nearer(to_other: &[f64], least: &[f64], largest: &[f64]) -> bool {
        /// Differences lose no more than this, relative to what they are of.
        const ROUNDING: f64 = 1e-14;
        let mut nearest = 0.0_f64;
        let mut size = 0.0_f64;
        for ((delta, least), largest) in to_other.iter().zip(least).zip(largest) {
            nearest = nearest.max(least.max(-largest));
            size = size.max(delta.abs() + least.abs().max(largest.abs()));
        }
        let margin = ROUNDING * size;
        // Along every coordinate the other point must be nearer than the farthest coordinate of this one.
        let coordinates = to_other.iter().zip(least).zip(largest);
        nearest > 0.0
            && coordinates.into_iter().all(|((delta, least), largest)| {
                let farthest = (least - delta).abs().max((largest - delta).abs());
                let worst = if *delta > 0.0 { least } else { largest };
                farthest < nearest - margin || (*delta != 0.0 && (worst - delta).abs() < worst.abs() - margin)
            })
    }
}
