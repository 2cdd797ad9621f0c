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

    /// Whether some vertex below `end` is joined to all of `simplex` by edges of at most `rank`.
    fn has_cofacet_of_rank(&self, simplex: &[u32], rank: u32, end: u32) -> bool;

    /// Appends the vertices that are joined to both ends of an edge by edges of at most `rank`, ascending.
    fn lune(&self, i: u32, j: u32, rank: u32, into: &mut Vec<u32>);

    /// Whether one of `others`, which are ascending and do not contain `vertex`, is joined to it by an edge of at most
    /// `rank`.
    fn is_joined_to_any(&self, vertex: u32, others: &[u32], rank: u32) -> bool;

    /// Calls `visit(index)` for those of `others`, which are ascending, that are joined to `vertex` by an edge of at
    /// most `rank`.
    fn for_each_joined(&self, vertex: u32, others: &[u32], rank: u32, visit: impl FnMut(usize));
}
