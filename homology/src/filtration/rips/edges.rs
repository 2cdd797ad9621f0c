//! The edges of a Rips filtration in the order in which they enter.

use super::vertex_count;
use crate::distance::Distances;
use crate::limits::Meter;
use crate::sort::radix_sort;
use crate::{Result, SparseEdges};

/// An edge between `i > j`, with the rank of its length among all lengths that occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RankedEdge {
    pub i: u32,
    pub j: u32,
    pub rank: u32,
}

/// Edges in the order of the filtration. Ranks stand for lengths everywhere: equal lengths have equal ranks, and
/// integers are faster to compare.
#[derive(Debug)]
pub(crate) struct RankedEdges {
    pub vertices: usize,
    /// Sorted by rank, then `i`, then `j`.
    pub edges: Vec<RankedEdge>,
    /// The length that each rank stands for, ascending.
    pub values: Vec<f64>,
}

/// An edge before ranking. Floats that are not negative are ordered like their bits.
#[derive(Debug, Clone, Copy)]
struct MeasuredEdge {
    bits: u64,
    i: u32,
    j: u32,
}

impl MeasuredEdge {
    fn new(i: u32, j: u32, value: f64) -> Self {
        // Adding 0 turns -0 into 0.
        Self {
            bits: (value + 0.0).to_bits(),
            i,
            j,
        }
    }
}

impl RankedEdges {
    /// All edges not longer than `threshold`, which is finite.
    pub fn of_distances(distances: &impl Distances, threshold: f64, meter: &mut Meter) -> Result<Self> {
        let vertices = vertex_count(distances.len())?;
        let pairs = distances.len() * distances.len().saturating_sub(1) / 2;
        let mut measured: Vec<MeasuredEdge> = Vec::new();
        for i in 0..vertices {
            meter.work(i as usize)?;
            if measured.capacity() - measured.len() < i as usize {
                // Doubled, but not beyond what all pairs take.
                let doubled = measured.len().max(i as usize).min(pairs - measured.len());
                meter.reserve_exact(&mut measured, doubled)?;
            }
            for j in 0..i {
                let value = distances.distance(i as usize, j as usize);
                if value <= threshold {
                    measured.push(MeasuredEdge::new(i, j, value));
                }
            }
        }
        Self::rank(distances.len(), measured, meter)
    }

    /// All edges not longer than `threshold`, if there is a way to find them without a look at all pairs.
    pub fn of_near_pairs(distances: &impl Distances, threshold: f64, meter: &mut Meter) -> Result<Option<Self>> {
        vertex_count(distances.len())?;
        let mut measured: Vec<MeasuredEdge> = Vec::new();
        let found = distances.for_each_near_pair(threshold, meter, |i, j, value, meter| {
            meter.push(&mut measured, MeasuredEdge::new(i, j, value))
        })?;
        if !found {
            return Ok(None);
        }
        let digit = |edge: &MeasuredEdge, shift: u32, mask: usize| {
            ((u64::from(edge.i) << u32::BITS | u64::from(edge.j)) >> shift) as usize & mask
        };
        let sorted = radix_sort(measured, u64::BITS, digit, meter)?;
        Self::rank(distances.len(), sorted, meter).map(Some)
    }

    /// All listed edges not longer than `threshold`, which is finite.
    pub fn of_sparse(edges: &SparseEdges, threshold: f64, meter: &mut Meter) -> Result<Self> {
        let mut measured = Vec::new();
        for &(i, j, value) in edges.edges().iter().filter(|edge| edge.2 <= threshold) {
            meter.push(&mut measured, MeasuredEdge::new(i, j, value))?;
        }
        Self::rank(edges.vertices(), measured, meter)
    }

    /// `measured` is sorted by `(i, j)`, which the stable sort by length keeps among ties.
    fn rank(vertices: usize, measured: Vec<MeasuredEdge>, meter: &mut Meter) -> Result<Self> {
        let digit = |edge: &MeasuredEdge, shift: u32, mask: usize| (edge.bits >> shift) as usize & mask;
        let sorted = radix_sort(measured, u64::BITS, digit, meter)?;
        let lengths = sorted.chunk_by(|a, b| a.bits == b.bits).count();
        let mut values = meter.vec(lengths)?;
        let mut edges = meter.vec(sorted.len())?;
        for (rank, tied) in sorted.chunk_by(|a, b| a.bits == b.bits).enumerate() {
            meter.work(0)?;
            values.push(f64::from_bits(tied[0].bits));
            edges.extend(tied.iter().map(|edge| RankedEdge {
                i: edge.i,
                j: edge.j,
                rank: rank as u32,
            }));
        }
        meter.free(sorted);
        Ok(Self {
            vertices,
            edges,
            values,
        })
    }

    /// Whether a full matrix of ranks serves better than lists of neighbours.
    pub fn prefer_matrix(&self) -> bool {
        // A look at a matrix row costs about a quarter of a look at a list, entry by entry.
        let pairs = self.vertices.saturating_mul(self.vertices) / 2;
        self.vertices <= 64 || pairs <= self.edges.len().saturating_mul(4)
    }

    pub fn largest_degree(&self) -> usize {
        self.degrees().into_iter().max().unwrap_or(0) as usize
    }

    /// The number of edges at each vertex.
    pub fn degrees(&self) -> Vec<u32> {
        let mut degrees = vec![0; self.vertices];
        for edge in &self.edges {
            degrees[edge.i as usize] += 1;
            degrees[edge.j as usize] += 1;
        }
        degrees
    }
}

/// Whether few pairs are not farther apart than `threshold`, judged by some of them.
pub(crate) fn few_are_near(distances: &impl Distances, threshold: f64) -> bool {
    /// Fewer points are compared faster than they are put in order.
    const FEW_POINTS: usize = 256;
    const SAMPLES: usize = 1024;
    let points = distances.len();
    // A linear congruential generator is random enough, and the same on every machine.
    let mut state = 0_u64;
    let mut row = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(state) * points as u128) >> u64::BITS) as usize
    };
    let mut is_near = || {
        let (a, b) = (row(), row());
        a == b || distances.distance(a.max(b), a.min(b)) <= threshold
    };
    points > FEW_POINTS && (0..SAMPLES).filter(|_| is_near()).count() < SAMPLES / 8
}

/// The smallest radius at which some vertex is joined to all others.
///
/// Also checks all distances for overflow. At most `f64::MAX`: infinite distances are never reached.
pub(crate) fn enclosing_radius(distances: &impl Distances, meter: &mut Meter) -> Result<f64> {
    let points = distances.len();
    let mut farthest: Vec<f64> = meter.vec(points)?;
    farthest.resize(points, 0.0);
    for i in 0..points {
        meter.work(i)?;
        let mut row_farthest = 0.0_f64;
        for (j, other) in farthest[..i].iter_mut().enumerate() {
            let value = distances.distance(i, j);
            if value == f64::INFINITY {
                distances.refuse_infinite(i, j)?;
            }
            row_farthest = row_farthest.max(value);
            *other = other.max(value);
        }
        farthest[i] = row_farthest;
    }
    let radius = farthest.iter().copied().fold(f64::MAX, f64::min);
    meter.free(farthest);
    Ok(radius)
}
