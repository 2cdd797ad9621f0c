//! The lengths of all edges of a window, and their total order.
//!
//! A length is kept as a 32-bit float, which is half the memory and twice the speed. Rounding never turns the order of
//! two lengths around; where it makes them equal, the distances are computed again, in full. Edges of equal length are
//! ordered by their slots. A point keeps its slot as long as it lives, so the order of two edges never changes.

use super::bits::{self, WORD};
use super::lanes::{BLOCK, Lanes, Mask, compare, compare_both};
use crate::limits::Meter;
use crate::{Metric, Result};

/// An edge between two slots, `high > low`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Edge {
    pub high: u32,
    pub low: u32,
}

impl Edge {
    #[inline]
    pub fn new(a: u32, b: u32) -> Self {
        Self {
            high: a.max(b),
            low: a.min(b),
        }
    }

    /// Its place in a lower triangle.
    #[inline]
    pub fn index(self) -> usize {
        let high = self.high as usize;
        (high * high - high) / 2 + self.low as usize
    }
}

/// An edge and its rounded length: a bound for other edges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    pub edge: Edge,
    pub length: f32,
}

/// What became of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    Measured,
    /// It is the same as that of this slot, and took none.
    Repeated(u32),
    /// It is farther from another point than 32 bits hold.
    TooFar,
}

#[derive(Debug)]
pub(super) struct Lengths {
    metric: Metric,
    dimension: usize,
    /// The points as they are compared, slot by slot.
    points: Vec<f64>,
    /// Symmetric, `stride` values for each slot. Infinite on the diagonal and where a slot is free, so that no
    /// comparison finds them short.
    rounded: Vec<f32>,
    stride: usize,
}

impl Lengths {
    /// Without points; every point has `dimension` coordinates.
    pub fn new(metric: Metric, dimension: usize) -> Self {
        Self {
            metric,
            dimension,
            points: Vec::new(),
            rounded: Vec::new(),
            stride: 0,
        }
    }

    pub fn slots(&self) -> usize {
        self.points.len() / self.dimension
    }

    /// Words of a set of slots.
    pub fn words(&self) -> usize {
        self.stride.div_ceil(WORD)
    }

    pub fn memory_bytes(&self) -> usize {
        size_of::<f64>() * self.points.capacity() + size_of::<f32>() * self.rounded.capacity()
    }

    /// Makes room for `slots` slots, of which the new ones are free.
    pub fn grow(&mut self, slots: usize, meter: &mut Meter) -> Result<()> {
        let more = slots * self.dimension - self.points.len();
        meter.reserve_exact(&mut self.points, more)?;
        let stride = slots.next_multiple_of(BLOCK);
        let mut rounded = meter.vec(slots * stride)?;
        for row in self.rounded.chunks_exact(self.stride.max(1)) {
            rounded.extend_from_slice(row);
            rounded.resize(rounded.len() + stride - self.stride, f32::INFINITY);
        }
        rounded.resize(slots * stride, f32::INFINITY);
        meter.free(std::mem::replace(&mut self.rounded, rounded));
        self.stride = stride;
        self.points.resize(slots * self.dimension, 0.0);
        Ok(())
    }

    /// Puts a point into a free slot and measures it against the slots of `live`.
    pub fn put(&mut self, slot: u32, point: &[f64], live: &[u64]) -> Put {
        self.points[slot as usize * self.dimension..][..self.dimension].copy_from_slice(point);
        for other in bits::elements(live) {
            let length = self.exact(Edge::new(slot, other)) as f32;
            if length == f32::INFINITY {
                return Put::TooFar;
            }
            if length == 0.0 && self.point(other) == point {
                self.take(slot);
                return Put::Repeated(other);
            }
            self.rounded[slot as usize * self.stride + other as usize] = length;
            self.rounded[other as usize * self.stride + slot as usize] = length;
        }
        Put::Measured
    }

    /// Frees a slot.
    pub fn take(&mut self, slot: u32) {
        let (slot, stride) = (slot as usize, self.stride);
        self.rounded[slot * stride..(slot + 1) * stride].fill(f32::INFINITY);
        self.rounded[slot..]
            .iter_mut()
            .step_by(stride)
            .for_each(|length| *length = f32::INFINITY);
    }

    /// The length in full.
    pub fn exact(&self, edge: Edge) -> f64 {
        // Adding 0 turns -0 into 0.
        self.metric.between(self.point(edge.high), self.point(edge.low)) + 0.0
    }

    fn point(&self, slot: u32) -> &[f64] {
        &self.points[slot as usize * self.dimension..][..self.dimension]
    }

    #[inline]
    pub fn rounded(&self, edge: Edge) -> f32 {
        self.rounded[edge.high as usize * self.stride + edge.low as usize]
    }

    #[inline]
    pub fn bound(&self, edge: Edge) -> Bound {
        Bound {
            edge,
            length: self.rounded(edge),
        }
    }

    #[inline]
    pub fn row(&self, slot: u32) -> &[f32] {
        &self.rounded[slot as usize * self.stride..][..self.stride]
    }

    /// One word of slots of a row.
    #[inline]
    pub fn part(&self, slot: u32, word: usize) -> &[f32] {
        let row = self.row(slot);
        &row[word * WORD..self.stride.min(word * WORD + WORD)]
    }

    /// Whether `edge` enters before the bound.
    #[inline]
    pub fn precedes(&self, edge: Edge, bound: Bound) -> bool {
        let length = self.rounded(edge);
        length < bound.length || length == bound.length && self.precedes_exactly(edge, bound.edge)
    }

    #[cold]
    fn precedes_exactly(&self, edge: Edge, bound: Edge) -> bool {
        let by_length = self.exact(edge).total_cmp(&self.exact(bound));
        by_length.then(edge.cmp(&bound)).is_lt()
    }

    /// Whether both edges from `slot` to the ends of the bound precede it.
    #[inline]
    pub fn in_lune(&self, slot: u32, bound: Bound) -> bool {
        let Edge { high, low } = bound.edge;
        slot != high
            && slot != low
            && self.precedes(Edge::new(slot, high), bound)
            && self.precedes(Edge::new(slot, low), bound)
    }

    /// The slots of one word that are in the lune of the bound.
    #[inline]
    pub fn lune(&self, bound: Bound, word: usize) -> u64 {
        let (high, low) = (self.part(bound.edge.high, word), self.part(bound.edge.low, word));
        let (length, mut tied) = (Lanes::all(bound.length), Mask::none());
        let inside = compare_both(high, low, |a, b| {
            let longer = a.max(b);
            tied = tied.or(longer.equal(length));
            longer.below(length)
        });
        if tied.bits() == 0 {
            return inside;
        }
        let ties = compare_both(high, low, |a, b| a.max(b).equal(length));
        inside | self.resolve(ties, word, |slot| self.in_lune(slot, bound))
    }

    /// Those slots of `set`, which is one word, whose edge to `center` precedes the bound.
    #[inline]
    pub fn joined(&self, center: u32, bound: Bound, word: usize, set: u64) -> u64 {
        let (row, length) = (self.part(center, word), Lanes::all(bound.length));
        let joined = set & compare(row, |lanes| lanes.below(length));
        if joined == set {
            return joined;
        }
        let ties = set & compare(row, |lanes| lanes.equal(length));
        if ties == 0 {
            return joined;
        }
        joined
            | self.resolve(ties, word, |slot| {
                self.precedes_exactly(Edge::new(center, slot), bound.edge)
            })
    }

    #[inline]
    fn resolve(&self, ties: u64, word: usize, holds: impl Fn(u32) -> bool) -> u64 {
        bits::ones(ties)
            .filter(|bit| holds((word * WORD) as u32 + bit))
            .fold(0, |bits, bit| bits | 1 << bit)
    }

    /// A bound on the lengths of the edges that matter, if `live` is not empty: some point is joined to all others by
    /// edges that are not longer, so that the complex is a cone from there on.
    pub fn enclosing(&self, live: &[u64]) -> f32 {
        bits::elements(live)
            .map(|slot| farthest(self.row(slot)))
            .fold(f32::INFINITY, f32::min)
    }
}

/// The largest value that is not infinite, or 0.
fn farthest(row: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; BLOCK];
    for block in row.as_chunks::<BLOCK>().0 {
        for (lane, value) in lanes.iter_mut().zip(block) {
            let finite = if *value < f32::INFINITY { *value } else { 0.0 };
            *lane = if finite > *lane { finite } else { *lane };
        }
    }
    lanes.into_iter().fold(0.0, f32::max)
}
