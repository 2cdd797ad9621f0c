//! The neighbourhood graph whose cliques are the simplices.

use std::ops::ControlFlow;

/// The rank of an edge that never enters.
pub(crate) const NEVER: u32 = u32::MAX;

/// A vertex and the rank of the edge, or of the longest of several edges, that leads to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Neighbor {
    pub vertex: u32,
    pub rank: u32,
}

/// A graph with ranked edges. Simplices are given by their ascending vertices.
pub(crate) trait Graph {
    fn vertices(&self) -> usize;

    /// The rank of the edge between two different vertices, or [`NEVER`].
    fn rank(&self, i: u32, j: u32) -> u32;

    /// Visits the cofacets of `simplex`, whose own rank is `rank`, by ascending added vertex.
    ///
    /// `visit(position, vertex, rank)` gets the number of smaller vertices in the simplex, the added vertex and the
    /// rank of the cofacet.
    fn cofacets(&self, simplex: &[u32], rank: u32, visit: impl FnMut(usize, u32, u32) -> ControlFlow<()>);

    /// Appends the neighbours of `vertex` that are smaller, ascending.
    fn smaller_neighbors(&self, vertex: u32, into: &mut Vec<Neighbor>);

    /// Appends those of `candidates`, which are ascending, that are joined to `vertex`, with the larger of both ranks.
    fn joined(&self, vertex: u32, candidates: &[Neighbor], into: &mut Vec<Neighbor>);

    /// The first cofacet of `simplex` that has the same `rank`, if its added vertex is below `end`, as position and
    /// vertex.
    fn first_cofacet_of_rank(&self, simplex: &[u32], rank: u32, end: u32) -> Option<(usize, u32)> {
        let mut found = None;
        self.cofacets(simplex, rank, |position, vertex, cofacet_rank| {
            if vertex >= end {
                return ControlFlow::Break(());
            }
            if cofacet_rank == rank {
                found = Some((position, vertex));
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found
    }
}
