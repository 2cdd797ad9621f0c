//! What the reduced filtration takes, before it starts.

use super::MOST_BITS;
use crate::Cost;

/// The cost for any cloud of `points` rows of dimension `dim`, degree 1 included.
///
/// Memory is a few hundred bytes for each point, and a matrix of bits with a shell of sorted edges where edges may become
/// so long that most points are neighbours.
pub(crate) fn estimate(points: usize, dim: usize) -> Cost {
    const FIXED_BYTES: f64 = 16384.0;
    /// The tree with its boxes, and another copy without repeated rows or of unit length.
    const COORDINATE_BYTES: f64 = 40.0;
    /// Components, roots, classes, pairs.
    const POINT_BYTES: f64 = 400.0;
    /// An edge of a shell as its list doubles.
    const EDGE_BYTES: f64 = 48.0;
    /// An edge with a vector, in a table that doubles.
    const VECTOR_BYTES: f64 = 100.0;
    let (n, d) = (points as f64, dim as f64);
    let pairs = n * (n - 1.0).max(0.0) / 2.0;
    let linear = FIXED_BYTES + n * (POINT_BYTES + COORDINATE_BYTES * d);
    let (bits, looks) = if points <= MOST_BITS {
        let shells = (pairs / super::bitsets::SHELL_EDGES as f64).clamp(1.0, super::bitsets::MOST_SHELLS as f64);
        (n * n / 8.0 + EDGE_BYTES * 1.5 * pairs / shells.floor(), 8.0)
    } else {
        (0.0, 1.0)
    };
    // Most clouds ask for the vectors of few edges, and end long before all lunes have been looked at.
    let vectors = VECTOR_BYTES * pairs.min(512.0 * n);
    Cost {
        memory_bytes: (4.0 * linear + 2.0 * bits + vectors) as usize,
        typical_memory_bytes: (linear + bits) as usize,
        work: (looks * (64.0 * n + 40.0 * n * n + n * n * n / 100.0)) as u64,
    }
}
