//! Neighbourhoods as a full matrix of ranks.

use std::ops::ControlFlow;

use super::edges::RankedEdges;
use super::{Graph, NEVER, Neighbor};
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

    fn smaller_neighbors(&self, vertex: u32, into: &mut Vec<Neighbor>) {
        let row = &self.row(vertex)[..vertex as usize];
        let neighbors = (0..).zip(row).map(|(vertex, rank)| Neighbor { vertex, rank: *rank });
        into.extend(neighbors.filter(|neighbor| neighbor.rank != NEVER));
    }

    fn joined(&self, vertex: u32, candidates: &[Neighbor], into: &mut Vec<Neighbor>) {
        let row = self.row(vertex);
        for candidate in candidates {
            let rank = row[candidate.vertex as usize];
            if rank != NEVER {
                into.push(Neighbor {
                    vertex: candidate.vertex,
                    rank: rank.max(candidate.rank),
                });
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
