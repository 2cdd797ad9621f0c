//! Apparent pairs: a simplex and the cofacet that it forms a pair with, recognised without any reduction.
//!
//! (σ, τ) is apparent if σ is the last facet of τ and τ the first cofacet of σ in the order of the filtration. Every
//! apparent pair is a persistence pair. Here those with one longest edge are used, which are most of them; they are
//! recomputed when needed and never stored. Every edge has a rank of its own, so that a rank says which edge is the
//! longest: the facets and cofacets of equal rank are those that keep it.

use super::{Graph, RankedEdges};
use crate::field::Field;
use crate::limits::Meter;
use crate::simplex::{CofacetFrame, Key, Layout, Vertices};
use crate::{Error, Result};

/// A clique complex with the layout of its keys.
#[derive(Debug)]
pub(crate) struct Complex<G, F> {
    /// Its ranks are the indices of the edges.
    pub graph: G,
    pub layout: Layout<F>,
    /// The ends of the edge of each rank, ascending.
    pub ends: Vec<[u32; 2]>,
}

impl<G: Graph, F: Field> Complex<G, F> {
    /// `edges` have ranks of their own: [`RankedEdges::with_unique_ranks`].
    pub fn new(graph: G, layout: Layout<F>, edges: &RankedEdges, meter: &mut Meter) -> Result<Self> {
        let mut ends = meter.vec(edges.edges.len())?;
        ends.extend(edges.edges.iter().map(|edge| [edge.j, edge.i]));
        Ok(Self { graph, layout, ends })
    }

    /// The position of the smallest vertex that is not an end of the longest edge: its number of vertices, if there is
    /// none. Removing that vertex gives the last facet of equal rank.
    #[inline]
    fn least_free(&self, simplex: &[u32], rank: u32) -> usize {
        let [low, high] = self.ends[rank as usize];
        if simplex[0] != low {
            0
        } else if simplex[1] != high {
            1
        } else {
            2
        }
    }

    /// Whether `simplex`, of rank `rank`, forms an apparent pair with one of its cofacets: whether one of equal rank
    /// adds a vertex that is smaller than all but the ends of the longest edge.
    #[inline]
    pub fn has_apparent_cofacet(&self, simplex: &[u32], rank: u32) -> bool {
        let free = simplex.get(self.least_free(simplex, rank));
        let end = free.copied().unwrap_or(u32::MAX);
        self.graph.has_cofacet_of_rank(simplex, rank, end)
    }

    /// The facet with which `simplex` forms an apparent pair, as the position of the vertex that it lacks. `simplex`
    /// has three vertices or more.
    #[inline]
    pub fn apparent_facet(&self, simplex: &Vertices, rank: u32) -> Option<usize> {
        let position = self.least_free(simplex, rank);
        let facet = simplex.without(position);
        // `simplex` is a cofacet of equal rank; it is the first unless a smaller vertex gives another.
        let is_first = !self.graph.has_cofacet_of_rank(&facet, rank, simplex[position]);
        is_first.then_some(position)
    }

    #[inline]
    pub fn frame<K: Key>(&self, key: K, vertices: &[u32]) -> CofacetFrame<K, F> {
        self.layout.cofacet_frame(key, vertices.len())
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.ends);
    }
}

impl RankedEdges {
    /// Gives each edge the rank of its own place, so that ties are broken by vertices.
    pub fn with_unique_ranks(self, meter: &mut Meter) -> Result<Self> {
        let RankedEdges {
            vertices,
            mut edges,
            values,
        } = self;
        if edges.len() >= super::NEVER as usize {
            return Err(Error::TooManyColumns { found: edges.len() });
        }
        let mut lengths = meter.vec(edges.len())?;
        for (index, edge) in edges.iter_mut().enumerate() {
            lengths.push(values[edge.rank as usize]);
            edge.rank = index as u32;
        }
        meter.free(values);
        Ok(Self {
            vertices,
            edges,
            values: lengths,
        })
    }
}
