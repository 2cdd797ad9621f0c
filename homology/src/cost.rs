//! What a Rips computation will take, before it starts.
//!
//! No useful bound can be proven: the reduction of a matrix may fill it. These are bounds that hold for every cloud we
//! have measured, the worst being evenly spread circles and spheres, whose one long-lived class is paired by a column
//! as large as the complex. [`crate::Limits`] hold whatever happens.

use crate::distance::{Distances, with_distances};
use crate::filtration::rips::{enclosing_radius, reduced};
use crate::limits::Meter;
use crate::{DistanceMatrix, Limits, PointCloud, Result, SparseEdges, VietorisRips};

/// What a computation takes, in the units of [`crate::Usage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Bytes of working memory that suffice for every cloud of this size that we have measured, on one thread; a
    /// collapse on several takes 40 more for each point and thread.
    pub memory_bytes: usize,
    /// Bytes that suffice for most: clouds without a class that outlives all others by far.
    pub typical_memory_bytes: usize,
    /// Distances computed and cofacets visited; 10 to 60 nanoseconds each, the more the larger the columns become.
    pub work: u64,
}

/// The cost for any cloud of `points` rows of dimension `dim`, up to homology of `max_dimension`.
///
/// Without the points a `threshold` tells nothing, unless it is 0: every pair may be an edge. With them,
/// [`VietorisRips::estimate`] says more.
pub fn estimate(points: usize, dim: usize, max_dimension: usize, threshold: Option<f64>) -> Cost {
    if max_dimension <= 1 {
        return reduced::estimate(points, dim);
    }
    let degree = if threshold == Some(0.0) {
        0
    } else {
        points.saturating_sub(1)
    };
    let cliques = |vertices| points as f64 * choose(degree, vertices - 1) / vertices as f64;
    of_cliques(points, dim, max_dimension, cliques)
}

/// The cost of the alpha complex for points of `dimension` 1 to 3.
///
/// In the plane the bound is proven. In space a cloud may have `n² / 2` tetrahedra, which the largest number of bytes
/// covers; the typical number is for points that fill a volume or lie on surfaces, with 7 tetrahedra each. The work is
/// that of typical clouds: cells visited and facets handled, 20 to 60 nanoseconds each.
pub fn alpha(points: usize, dimension: usize) -> Cost {
    const FIXED_BYTES: f64 = 40_000.0;
    /// Work is counted by the thousand.
    const FIXED_WORK: f64 = 100_000.0;
    let n = points as f64;
    let (bytes, worst_bytes, work) = match dimension {
        0 | 1 => (200.0 * n, 200.0 * n, 150.0 * n),
        2 => (350.0 * n, 350.0 * n, 60.0 * n),
        _ => (2000.0 * n, 150.0 * n * n, 300.0 * n),
    };
    Cost {
        memory_bytes: (FIXED_BYTES + worst_bytes.max(bytes)) as usize,
        typical_memory_bytes: (FIXED_BYTES + bytes) as usize,
        work: (FIXED_WORK + work) as u64,
    }
}

impl VietorisRips {
    /// The cost for this cloud under this threshold. Takes the time of two passes over all distances and the memory of
    /// a few numbers per point; fails like the computation itself. Up to dimension 1 the number of points is enough.
    pub fn estimate(&self, cloud: PointCloud<'_>, limits: &Limits) -> Result<Cost> {
        if self.mode.reduces(self.max_dimension) {
            return self
                .valid_threshold()
                .map(|_| reduced::estimate(cloud.len(), cloud.dimension()));
        }
        let mut meter = Meter::new(limits);
        let degrees = with_distances!(cloud, self.metric, &mut meter, |distances| {
            let radius = enclosing_radius(distances, &mut meter)?;
            degrees(
                distances,
                self.valid_threshold()?.unwrap_or(radius).min(radius),
                &mut meter,
            )
        })?;
        Ok(of_degrees(&degrees, cloud.dimension(), self.max_dimension))
    }

    /// Like [`Self::estimate`], for a distance matrix.
    pub fn estimate_matrix(&self, matrix: &DistanceMatrix, limits: &Limits) -> Result<Cost> {
        let mut meter = Meter::new(limits);
        let radius = enclosing_radius(matrix, &mut meter)?;
        let threshold = self.valid_threshold()?.unwrap_or(radius).min(radius);
        Ok(of_degrees(
            &degrees(matrix, threshold, &mut meter)?,
            0,
            self.max_dimension,
        ))
    }

    /// Like [`Self::estimate`], for the clique complex of a weighted graph. Takes one pass over the edges.
    pub fn estimate_edges(&self, edges: &SparseEdges, limits: &Limits) -> Result<Cost> {
        let mut meter = Meter::new(limits);
        let threshold = self.valid_threshold()?.unwrap_or(f64::MAX);
        let mut degrees: Vec<u32> = meter.vec(edges.vertices())?;
        degrees.resize(edges.vertices(), 0);
        for &(i, j, value) in edges.edges() {
            meter.work(1)?;
            if value <= threshold {
                degrees[i as usize] += 1;
                degrees[j as usize] += 1;
            }
        }
        Ok(of_degrees(&degrees, 0, self.max_dimension))
    }
}

/// From the number of edges at each vertex.
fn of_degrees(degrees: &[u32], dim: usize, max_dimension: usize) -> Cost {
    // Each clique is counted at each of its vertices.
    let cliques = |vertices: usize| {
        let at_each = degrees.iter().map(|degree| choose(*degree as usize, vertices - 1));
        at_each.sum::<f64>() / vertices as f64
    };
    of_cliques(degrees.len(), dim, max_dimension, cliques)
}

/// The number of other vertices within `threshold` of each vertex.
fn degrees(distances: &impl Distances, threshold: f64, meter: &mut Meter) -> Result<Vec<u32>> {
    let mut degrees: Vec<u32> = meter.vec(distances.len())?;
    for i in 0..distances.len() {
        meter.work(i)?;
        let mut degree = 0;
        for (j, other) in degrees.iter_mut().enumerate() {
            if distances.distance(i, j) <= threshold {
                degree += 1;
                *other += 1;
            }
        }
        degrees.push(degree);
    }
    Ok(degrees)
}

/// `cliques(k)` bounds the number of cliques of `k` vertices.
fn of_cliques(points: usize, dim: usize, max_dimension: usize, cliques: impl Fn(usize) -> f64) -> Cost {
    /// An edge is held as measured, as sorted and as ranked, and the first list may have doubled.
    const EDGE_BYTES: f64 = 52.0;
    /// Measured at 16 · 8^(1 − dimension) and less for nine of ten clouds.
    const TYPICAL_COLUMN_BYTES: f64 = 16.0;
    const FIXED_BYTES: f64 = 4096.0;
    // Larger cliques cannot be, and their number would be lost in rounding.
    let max_dimension = max_dimension.min(points);
    let edges = cliques(2);
    let pairs = points as f64 * points.saturating_sub(1) as f64 / 2.0;
    // Few points have a matrix even if they have no edges; a collapse takes one where one pair of eight is joined.
    let collapse = if max_dimension < 2 {
        0.0
    } else {
        (2.0 * pairs).min(16.0 * edges)
    };
    let matrix = 4.0 * (points.min(64) as f64).powi(2).max(collapse);
    let base = FIXED_BYTES + matrix + points as f64 * (8.0 * dim as f64 + 64.0) + EDGE_BYTES * edges;
    let key_bits = (max_dimension as f64 + 2.0) * (points as f64).log2().ceil() + (edges + 1.0).log2().ceil();
    let key_scale = if key_bits <= 64.0 { 1.0 } else { 2.0 };
    let columns = cliques(max_dimension + 1);
    let typical_columns = if max_dimension == 0 {
        0.0
    } else {
        columns / 8.0_f64.powi(max_dimension as i32 - 1)
    };
    let cofacets = |dimension: usize| cliques(dimension + 2);
    let worst_columns: f64 = if max_dimension == 0 {
        0.0
    } else {
        8.0 * cofacets(max_dimension)
    };
    // Every simplex is visited as a column and as a candidate, and most of its cofacets once.
    let column_work: f64 = (1..=max_dimension).map(|k| cofacets(k) + 2.0 * cliques(k + 1)).sum();
    Cost {
        memory_bytes: (base + key_scale * worst_columns.max(TYPICAL_COLUMN_BYTES * typical_columns)) as usize,
        typical_memory_bytes: (base + key_scale * TYPICAL_COLUMN_BYTES * typical_columns) as usize,
        work: (2.0 * pairs + edges + column_work) as u64,
    }
}

/// `n` over `k`, as a float that may be infinite.
fn choose(n: usize, k: usize) -> f64 {
    if k > n {
        0.0
    } else {
        (0..k).map(|at| (n - at) as f64 / (at + 1) as f64).product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binomials_are_exact_where_they_are_small() {
        assert_eq!(
            [choose(5, 0), choose(5, 2), choose(5, 5), choose(2, 3)],
            [1.0, 10.0, 1.0, 0.0]
        );
    }

    #[test]
    fn sizes_beyond_any_machine_saturate() {
        let cost = estimate(usize::MAX, 3, 10, None);
        assert_eq!((cost.memory_bytes, cost.work), (usize::MAX, u64::MAX));
        assert!(estimate(0, 3, 2, None).work == 0 && estimate(1, 3, usize::MAX, None).memory_bytes < 10_000);
    }

    #[test]
    fn more_points_and_dimensions_cost_more() {
        let cost = |points, dimension| estimate(points, 3, dimension, None);
        assert!(cost(200, 1).memory_bytes < cost(400, 1).memory_bytes);
        assert!(cost(200, 2).memory_bytes < cost(400, 2).memory_bytes);
        assert!(cost(400, 1).memory_bytes < cost(400, 2).memory_bytes);
        assert!(cost(400, 1).work < cost(400, 2).work);
    }
}
