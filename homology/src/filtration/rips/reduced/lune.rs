//! The lunes of the edges at one vertex of a cloud.
//!
//! The lune of an edge `ab` holds the vertices `c` for which both `ac` and `bc` enter before `ab`. All edges at `a` up
//! to a length are looked at together: the vertices of their lunes are among the neighbours of `a`, which are fetched
//! once, sorted, and lie in columns.

use super::cloud::{Cloud, Neighbor, ordinals_to};
use super::edge::{Edge, is_before_at_vertex};
use super::kernel::Kernel;
use crate::Result;
use crate::limits::Meter;

/// What the lune of an edge says about the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lune {
    /// The edge belongs to the relative neighbourhood graph.
    Empty,
    /// The edge enters together with a disc: nothing changes.
    Connected,
    /// The edge may kill classes.
    Split,
}

/// The neighbours of one vertex, and buffers.
#[derive(Debug)]
pub(super) struct Neighborhood<'a, K> {
    cloud: &'a Cloud<K>,
    vertex: u32,
    /// The nearest first, ties by vertex: in the order of their edges.
    neighbors: Vec<Neighbor>,
    /// Coordinate `k` of neighbour `n` is at `k * neighbors.len() + n`.
    columns: Vec<f64>,
    /// Ordinals from the other end of the edge to the neighbours before it.
    to_other: Vec<f64>,
    /// The lune: positions among the neighbours.
    lune: Vec<u32>,
    /// One vertex of each component of the last lune, when it was split.
    pub apexes: Vec<u32>,
    /// Positions not yet reached, and those still to be left, when components are told apart.
    pending: Vec<u32>,
    frontier: Vec<u32>,
    /// The vertex and the other end of the edge.
    point: Vec<f64>,
    other: Vec<f64>,
    /// Bytes charged to the meter.
    charged: usize,
}

impl<'a, K: Kernel> Neighborhood<'a, K> {
    pub fn new(cloud: &'a Cloud<K>) -> Self {
        Self {
            cloud,
            vertex: 0,
            neighbors: Vec::new(),
            columns: Vec::new(),
            to_other: Vec::new(),
            lune: Vec::new(),
            apexes: Vec::new(),
            pending: Vec::new(),
            frontier: Vec::new(),
            point: Vec::new(),
            other: Vec::new(),
            charged: 0,
        }
    }

    /// Fetches all neighbours of `vertex` within `limit`.
    pub fn fetch(&mut self, vertex: u32, limit: f64, meter: &mut Meter) -> Result<()> {
        self.vertex = vertex;
        self.neighbors.clear();
        self.cloud.copy_point(vertex, &mut self.point);
        self.cloud.neighbors(vertex, limit, &self.point, &mut self.neighbors);
        self.neighbors
            .sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let count = self.neighbors.len();
        self.columns.clear();
        for k in 0..self.cloud.dimension() {
            let column = self.neighbors.iter().map(|(_, other)| self.cloud.coordinate(*other, k));
            self.columns.extend(column);
        }
        self.to_other.resize(count, 0.0);
        meter.work(count)?;
        self.charge(meter)
    }

    /// Accounts for buffers that have grown.
    fn charge(&mut self, meter: &mut Meter) -> Result<()> {
        let bytes = 16 * self.neighbors.capacity()
            + 8 * (self.columns.capacity() + self.to_other.capacity())
            + 12 * self.neighbors.len();
        if bytes > self.charged {
            meter.charge(bytes - self.charged)?;
            self.charged = bytes;
        }
        Ok(())
    }

    pub fn free(self, meter: &mut Meter) {
        meter.release(self.charged);
    }

    pub fn neighbors(&self) -> &[Neighbor] {
        &self.neighbors
    }

    /// The nearest neighbours, at most `count`, as seen from the vertex.
    pub fn screen(&self, count: usize, into: &mut Vec<f64>) {
        into.clear();
        let all = self.neighbors.len();
        for at in 0..all.min(count) {
            into.extend((0..self.point.len()).map(|k| self.columns[k * all + at] - self.point[k]));
        }
    }

    fn coordinate(&self, at: u32, k: usize) -> f64 {
        self.columns[k * self.neighbors.len() + at as usize]
    }

    /// The edge to the neighbour at `at`.
    pub fn edge(&self, at: usize) -> Edge {
        let (ordinal, other) = self.neighbors[at];
        Edge::new(self.vertex, other, ordinal)
    }

    /// Whether the lune of the edge to the neighbour at `at` is empty.
    pub fn is_root(&self, at: usize) -> bool {
        let (ab, b) = self.neighbors[at];
        let edge = Edge::new(self.vertex, b, ab);
        // The nearest are the likeliest.
        !(0..at as u32).any(|c| self.are_joined(at as u32, c, &edge))
    }

    /// Looks at the lune of the edge to the neighbour at `at`. Leaves its apexes if it is split.
    pub fn lune(&mut self, at: usize, meter: &mut Meter) -> Result<Lune> {
        let (ab, b) = self.neighbors[at];
        self.other.clear();
        let count = self.neighbors.len();
        self.other
            .extend((0..self.cloud.dimension()).map(|k| self.columns[k * count + at]));
        if self.has_certificate(at, ab) {
            meter.work(1)?;
            return Ok(Lune::Connected);
        }
        meter.work(at)?;
        self.measure(0, at);
        self.lune.clear();
        // Nearest to both ends at once.
        let mut central = (f64::INFINITY, 0);
        let a = self.vertex;
        for (position, (bc, (ac, c))) in (0..).zip(self.to_other[..at].iter().zip(&self.neighbors)) {
            if is_before_at_vertex((*bc, *c), (ab, a)) {
                self.lune.push(position);
                let farther = ac.max(*bc);
                if farther < central.0 {
                    central = (farther, position);
                }
            }
        }
        if self.lune.is_empty() {
            return Ok(Lune::Empty);
        }
        let edge = Edge::new(a, b, ab);
        let is_star = (self.lune.iter()).all(|p| *p == central.1 || self.are_joined(central.1, *p, &edge));
        if is_star {
            return Ok(Lune::Connected);
        }
        meter.work(self.lune.len())?;
        self.split(central.1, &edge, meter)
    }

    /// Ordinals from the other end to the neighbours at `start..end`.
    fn measure(&mut self, start: usize, end: usize) {
        let count = self.neighbors.len();
        ordinals_to::<K>(
            &self.other,
            |k| &self.columns[k * count + start..k * count + end],
            &mut self.to_other[start..end],
        );
    }

    /// Whether some neighbour near the middle of the edge is joined to all that can be in its lune.
    fn has_certificate(&mut self, at: usize, ab: f64) -> bool {
        /// Squares of how far such a neighbour usually is, as parts of the edge: near a half.
        const RING: (f64, f64) = (0.18, 0.34);
        let before = &self.neighbors[..at];
        if K::squared(ab).is_none() {
            return false;
        }
        let start = before.partition_point(|(ac, _)| *ac < RING.0 * ab);
        let end = start + before[start..].partition_point(|(ac, _)| *ac < RING.1 * ab);
        self.measure(start, end);
        let mut pairs = self.neighbors[start..end].iter().zip(&self.to_other[start..end]);
        pairs.any(|((ac, _), bc)| K::sees_whole_lune(ab, *ac, *bc))
    }

    /// Whether the edge between two neighbours enters before `edge`.
    #[inline]
    fn are_joined(&self, p: u32, q: u32, edge: &Edge) -> bool {
        let difference = |k| (self.coordinate(p, k) - self.coordinate(q, k)).abs();
        let ordinal = K::finish((0..self.cloud.dimension()).fold(0.0, |sum, k| K::join(sum, difference(k))));
        // Ties are rare: the vertices are looked up only then.
        ordinal < edge.ordinal
            || (ordinal == edge.ordinal
                && Edge::new(self.neighbors[p as usize].1, self.neighbors[q as usize].1, ordinal).is_before(edge))
    }

    /// Finds the components of the lune, the one of `first` first.
    fn split(&mut self, first: u32, edge: &Edge, meter: &mut Meter) -> Result<Lune> {
        self.apexes.clear();
        self.pending.clear();
        self.pending.extend(&self.lune);
        let mut next = Some(first);
        while let Some(start) = next {
            self.apexes.push(self.neighbors[start as usize].1);
            let mut pending = std::mem::take(&mut self.pending);
            let mut frontier = std::mem::take(&mut self.frontier);
            pending.retain(|p| *p != start);
            frontier.push(start);
            while let Some(from) = frontier.pop() {
                meter.work(pending.len())?;
                pending.retain(|p| {
                    let is_reached = self.are_joined(from, *p, edge);
                    if is_reached {
                        frontier.push(*p);
                    }
                    !is_reached
                });
            }
            (self.pending, self.frontier) = (pending, frontier);
            next = self.most_central();
        }
        Ok(if self.apexes.len() == 1 {
            Lune::Connected
        } else {
            Lune::Split
        })
    }

    /// The pending position that is nearest to both ends at once.
    fn most_central(&self) -> Option<u32> {
        let farther = |p: &u32| self.neighbors[*p as usize].0.max(self.to_other[*p as usize]);
        self.pending
            .iter()
            .copied()
            .min_by(|p, q| farther(p).total_cmp(&farther(q)).then(p.cmp(q)))
    }
}
