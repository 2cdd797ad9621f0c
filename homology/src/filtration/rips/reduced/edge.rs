//! The strict total order of edges on which everything rests.

use std::cmp::Ordering;

/// An edge with its place in the order: by ordinal, ties by the larger vertex, then by the smaller one.
///
/// For edges that share a vertex this means: by ordinal, ties by the other vertex.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Edge {
    pub ordinal: f64,
    /// The larger vertex.
    pub i: u32,
    pub j: u32,
}

impl Edge {
    #[inline]
    pub fn new(a: u32, b: u32, ordinal: f64) -> Self {
        Self {
            ordinal,
            i: a.max(b),
            j: a.min(b),
        }
    }

    /// Whether this edge enters before `other`.
    #[inline]
    pub fn is_before(&self, other: &Self) -> bool {
        self.compare(other) == Ordering::Less
    }

    /// Ordinals are not NaN.
    #[inline]
    pub fn compare(&self, other: &Self) -> Ordering {
        let by_ordinal = self.ordinal.total_cmp(&other.ordinal);
        by_ordinal.then_with(|| (self.i, self.j).cmp(&(other.i, other.j)))
    }

    /// The two vertices in one word, as the key of tables.
    #[inline]
    pub fn key(&self) -> u64 {
        key(self.i, self.j)
    }
}

/// The key of the edge between two vertices in any order.
#[inline]
pub(super) fn key(a: u32, b: u32) -> u64 {
    u64::from(a.max(b)) << 32 | u64::from(a.min(b))
}

/// Whether `ac` enters before `ab`, two edges with a common vertex.
#[inline]
pub(super) fn is_before_at_vertex((ac, c): (f64, u32), (ab, b): (f64, u32)) -> bool {
    ac < ab || (ac == ab && c < b)
}
