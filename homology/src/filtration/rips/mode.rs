//! Ways to compute the same diagram.

use super::edges::RankedEdges;

/// How a Vietoris–Rips diagram is computed. All modes give the same diagram; they differ in time and memory only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Whichever promises to be fastest; the reduced filtration up to dimension 1.
    #[default]
    Auto,
    /// The graph as it is, as a matrix: 4 bytes for every pair of vertices.
    Dense,
    /// The graph as it is, as lists of neighbours.
    Sparse,
    /// Edge collapse first, then matrix or lists as fits what is left.
    Collapsed,
}

impl Mode {
    /// Whether to take the reduced filtration for homology up to `max_dimension`.
    pub(crate) fn reduces(self, max_dimension: usize) -> bool {
        self == Self::Auto && max_dimension <= 1
    }

    /// Whether to collapse before homology up to `max_dimension`.
    pub(super) fn collapses(self, max_dimension: usize) -> bool {
        match self {
            // A collapse costs a few looks at the neighbourhood of every edge, and a look at every triangle alone costs
            // as much: in all that was measured it gained far more than it cost or lost little, even where it removed
            // almost nothing, because edges that enter later make shorter columns. Giving up half-way never gained.
            // Degree 1 has the reduced filtration, and degree 0 needs no triangles at all.
            Self::Auto => max_dimension >= 2,
            Self::Collapsed => true,
            Self::Dense | Self::Sparse => false,
        }
    }

    /// Whether a matrix of ranks serves better than lists of neighbours.
    pub(super) fn prefers_matrix(self, edges: &RankedEdges) -> bool {
        match self {
            Self::Dense => true,
            Self::Sparse => false,
            Self::Auto | Self::Collapsed => edges.prefer_matrix(),
        }
    }
}
