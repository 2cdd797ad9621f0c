//! Distances: between the rows of a point cloud, from a matrix, or along a list of edges.

mod edges;
mod matrix;
pub(crate) mod metric;

pub use edges::SparseEdges;
pub use matrix::DistanceMatrix;
pub use metric::Metric;
pub(crate) use metric::with_distances;

use crate::Result;

/// The distances of `len()` vertices, for algorithms that visit all pairs.
pub(crate) trait Distances {
    fn len(&self) -> usize;

    /// The distance between vertices `i > j`: not negative, not NaN, infinite for "never joined".
    fn distance(&self, i: usize, j: usize) -> f64;

    /// What an infinite distance between `i` and `j` means: an error, or that the two are never joined.
    fn refuse_infinite(&self, i: usize, j: usize) -> Result<()>;
}
