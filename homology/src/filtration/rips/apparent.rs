//! Apparent pairs: a simplex and the cofacet that it forms a pair with, recognised without any reduction.
//!
//! (σ, τ) is apparent if σ is the last facet of τ and τ the first cofacet of σ in the order of the filtration. Every
//! apparent pair is a persistence pair. Here those of length 0 are used, which are most of them; they are recomputed
//! when needed and never stored. Both orders rest on the total order of [`crate::simplex`], ties included.

use super::Graph;
use crate::field::Field;
use crate::simplex::{CofacetFrame, Key, Layout, Vertices};

/// A clique complex with the layout of its keys.
#[derive(Debug)]
pub(crate) struct Complex<G, F> {
    pub graph: G,
    pub layout: Layout<F>,
}

impl<G: Graph, F: Field> Complex<G, F> {
    pub fn new(graph: G, layout: Layout<F>) -> Self {
        Self { graph, layout }
    }

    /// The positions of the facet that is last among those of equal rank: the vertex to remove. `simplex` has three
    /// vertices or more, so that there is one.
    #[inline]
    fn last_facet_of_rank(&self, simplex: &[u32], rank: u32) -> usize {
        let longest_avoids_first = || {
            let rest = &simplex[1..];
            let mut pairs = rest
                .iter()
                .enumerate()
                .flat_map(|(at, i)| rest[..at].iter().map(move |j| (*i, *j)));
            pairs.any(|(i, j)| self.graph.rank(i, j) == rank)
        };
        if longest_avoids_first() {
            0
        } else if simplex[2..]
            .iter()
            .any(|vertex| self.graph.rank(*vertex, simplex[0]) == rank)
        {
            1
        } else {
            // The only longest edge joins the two smallest vertices.
            2
        }
    }

    /// Whether `simplex`, of rank `rank`, forms an apparent pair of length 0 with one of its cofacets.
    #[inline]
    pub fn has_apparent_cofacet(&self, simplex: &Vertices, rank: u32) -> bool {
        match self.graph.first_cofacet_of_rank(simplex, rank, u32::MAX) {
            // Removing the smallest vertex leaves `simplex`, which has the rank: it is the last such facet.
            Some((0, _)) => true,
            Some((position, vertex)) => self.last_facet_of_rank(&simplex.with(position, vertex), rank) == position,
            None => false,
        }
    }

    /// The facet with which `simplex` forms an apparent pair of length 0, as the position of the vertex that it lacks.
    /// `simplex` has three vertices or more.
    #[inline]
    pub fn apparent_facet(&self, simplex: &Vertices, rank: u32) -> Option<usize> {
        let position = self.last_facet_of_rank(simplex, rank);
        let facet = simplex.without(position);
        // `simplex` is a cofacet of equal rank; it is the first unless a smaller vertex gives another.
        let earlier = self.graph.first_cofacet_of_rank(&facet, rank, simplex[position]);
        if earlier.is_none() { Some(position) } else { None }
    }

    #[inline]
    pub fn frame<K: Key>(&self, key: K, vertices: &[u32]) -> CofacetFrame<K, F> {
        self.layout.cofacet_frame(key, vertices.len())
    }
}
