//! Distances: between the rows of a point cloud, from a matrix, or along a list of edges.

mod edges;
mod matrix;
pub(crate) mod metric;
mod near;

pub use edges::SparseEdges;
pub use matrix::DistanceMatrix;
pub use metric::Metric;
pub(crate) use metric::with_distances;
pub(crate) use near::spatial_order;

use crate::Result;
use crate::limits::Meter;

/// The distances of `len()` vertices, for algorithms that visit all pairs.
pub(crate) trait Distances {
    fn len(&self) -> usize;

    /// The distance between vertices `i > j`: not negative, not NaN, infinite for "never joined".
    fn distance(&self, i: usize, j: usize) -> f64;

    /// What an infinite distance between `i` and `j` means: an error, or that the two are never joined.
    fn refuse_infinite(&self, i: usize, j: usize) -> Result<()>;

    /// Calls `visit(i, j, distance, meter)` for all pairs `i > j` that are not farther apart than `threshold`, in no
    /// order, without a look at most others. Returns false, and visits nothing, if there is no faster way than a look
    /// at all pairs.
    fn for_each_near_pair(
        &self,
        _threshold: f64,
        _meter: &mut Meter,
        _visit: impl FnMut(u32, u32, f64, &mut Meter) -> Result<()>,
    ) -> Result<bool> {
        Ok(false)
    }
}
