//! Neighbourhoods as a full matrix of ranks.

use std::ops::ControlFlow;

use super::edges::RankedEdges;
use super::{Graph, NEVER};
use crate::Result;
use crate::limits::Meter;

#[derive(Debug)]
pub(crate) struct DenseGraph {
    vertices: usize,
    /// Row-major and symmetric. The diagonal is [`NEVER`], so that no simplex is extended by its own vertex.
    ranks: Vec<u32>,
}

impl DenseGraph {
    pub fn new(edges: &RankedEdges, meter: &mut Meter) -> Result<Self> {
        let vertices = edges.vertices;
        let mut ranks = meter.vec(vertices.saturating_mul(vertices))?;
        for row in 1..=vertices {
            meter.work(0)?;
            ranks.resize(row * vertices, NEVER);
        }
        for block in edges.edges.chunks(1 << 14) {
            meter.work(0)?;
            for edge in block {
                let (i, j) = (edge.i as usize, edge.j as usize);
                ranks[i * vertices + j] = edge.rank;
                ranks[j * vertices + i] = edge.rank;
            }
        }
        Ok(Self { vertices, ranks })
    }

    #[inline]
    fn row(&self, vertex: u32) -> &[u32] {
        let start = vertex as usize * self.vertices;
        &self.ranks[start..start + self.vertices]
    }

    /// The rows of a simplex, if it has `N` vertices.
    #[inline]
    fn rows<const N: usize>(&self, simplex: &[u32]) -> [&[u32]; N] {
        std::array::from_fn(|k| self.row(simplex[k]))
    }
}

impl Graph for DenseGraph {
    fn vertices(&self) -> usize {
        self.vertices
    }

    #[inline]
    fn rank(&self, i: u32, j: u32) -> u32 {
        self.ranks[i as usize * self.vertices + j as usize]
    }

    #[inline]
    fn cofacets(&self, simplex: &[u32], rank: u32, visit: impl FnMut(usize, u32, u32) -> ControlFlow<()>) {
        // The common sizes are unrolled.
        match simplex.len() {
            2 => scan(simplex, self.vertices, rank, &self.rows::<2>(simplex), visit),
            3 => scan(simplex, self.vertices, rank, &self.rows::<3>(simplex), visit),
            4 => scan(simplex, self.vertices, rank, &self.rows::<4>(simplex), visit),
            _ => scan_any(self, simplex, rank, visit),
        }
    }

    #[inline]
    fn has_cofacet_of_rank(&self, simplex: &[u32], rank: u32, end: u32) -> bool {
        let end = self.vertices.min(end as usize);
        match simplex.len() {
            2 => any_within(&self.rows::<2>(simplex), rank, end),
            3 => any_within(&self.rows::<3>(simplex), rank, end),
            4 => any_within(&self.rows::<4>(simplex), rank, end),
            _ => (0..end as u32).any(|vertex| simplex.iter().all(|other| self.rank(*other, vertex) <= rank)),
        }
    }

    fn lune(&self, i: u32, j: u32, rank: u32, into: &mut Vec<u32>) {
        let rows = (0..).zip(self.row(i).iter().zip(self.row(j)));
        into.extend(
            rows.filter(|(_, (a, b))| **a <= rank && **b <= rank)
                .map(|(vertex, _)| vertex),
        );
    }

    #[inline]
    fn is_joined_to_any(&self, vertex: u32, others: &[u32], rank: u32) -> bool {
        let row = self.row(vertex);
        others.iter().any(|other| row[*other as usize] <= rank)
    }

    fn for_each_joined(&self, vertex: u32, others: &[u32], rank: u32, mut visit: impl FnMut(usize)) {
        let row = self.row(vertex);
        for (index, other) in others.iter().enumerate() {
            if row[*other as usize] <= rank {
                visit(index);
            }
        }
    }
}

/// Visits every vertex at which no row is [`NEVER`].
#[inline]
fn scan<const N: usize>(
    simplex: &[u32],
    vertices: usize,
    rank: u32,
    rows: &[&[u32]; N],
    mut visit: impl FnMut(usize, u32, u32) -> ControlFlow<()>,
) {
    let mut start = 0;
    let ends = simplex.iter().map(|vertex| *vertex as usize).chain([vertices]);
    for (position, end) in ends.enumerate() {
        let gap: [&[u32]; N] = rows.map(|row| &row[start..end]);
        for offset in 0..end - start {
            let longest = gap.iter().fold(rank, |longest, row| longest.max(row[offset]));
            if longest != NEVER && visit(position, (start + offset) as u32, longest).is_break() {
                return;
            }
        }
        start = end + 1;
    }
}

/// Whether all rows are at most `rank` at one vertex below `end`.
#[inline]
fn any_within<const N: usize>(rows: &[&[u32]; N], rank: u32, end: usize) -> bool {
    /// Vertices compared between two looks at whether one was found.
    const BLOCK: usize = 32;
    let rows = rows.map(|row| &row[..end]);
    let mut start = 0;
    while start < end {
        let stop = end.min(start + BLOCK);
        let block = rows.map(|row| &row[start..stop]);
        let mut found = false;
        for at in 0..stop - start {
            let longest = block.iter().fold(0, |longest, row| row[at].max(longest));
            found |= longest <= rank;
        }
        if found {
            return true;
        }
        start = stop;
    }
    false
}

/// [`scan`] for simplices of any size.
fn scan_any(graph: &DenseGraph, simplex: &[u32], rank: u32, mut visit: impl FnMut(usize, u32, u32) -> ControlFlow<()>) {
    let mut position = 0;
    for vertex in 0..graph.vertices as u32 {
        if simplex.get(position) == Some(&vertex) {
            position += 1;
            continue;
        }
        let longest = simplex
            .iter()
            .fold(rank, |longest, other| longest.max(graph.rank(*other, vertex)));
        if longest != NEVER && visit(position, vertex, longest).is_break() {
            return;
        }
    }
}
