//! Simplices packed into integers, so that comparing two of them is one integer comparison.
//!
//! A key is, from its highest bits down: the rank of the longest edge, the vertices in descending order as bit fields
//! of equal width, the coefficient. The numeric order of keys is therefore the order of the filtration: by value, then
//! by vertices. That order is total, and for a simplex τ of value r it has two properties on which the shortcuts rest:
//!
//! * among the cofacets of a simplex that have equal rank, adding the smallest vertex gives the first one;
//! * among the facets of a simplex that have equal rank, removing the smallest vertex gives the last one.

use std::fmt::Debug;
use std::hash::Hash;
use std::ops::{BitAnd, BitOr, BitXor, Deref, Shl, Shr, Sub};

use crate::field::Field;
use crate::{Error, Result};

/// Most vertices of a simplex whose key fits in 128 bits: `n` vertices take `n * log2(n)` bits.
pub(crate) const MAX_VERTICES: usize = 32;

/// An unsigned integer that holds a key.
pub(crate) trait Key:
    Copy
    + Ord
    + Hash
    + Debug
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
    + Sub<Output = Self>
{
    const ONE: Self;
    fn from_u32(value: u32) -> Self;
    /// The lowest 32 bits.
    fn low(self) -> u32;
    /// The number of bits without leading zeros.
    fn significant_bits(self) -> u32;
}

impl Key for u64 {
    const ONE: Self = 1;

    #[inline]
    fn significant_bits(self) -> u32 {
        Self::BITS - self.leading_zeros()
    }

    #[inline]
    fn from_u32(value: u32) -> Self {
        Self::from(value)
    }

    #[inline]
    fn low(self) -> u32 {
        self as u32
    }
}

impl Key for u128 {
    const ONE: Self = 1;

    #[inline]
    fn significant_bits(self) -> u32 {
        Self::BITS - self.leading_zeros()
    }

    #[inline]
    fn from_u32(value: u32) -> Self {
        Self::from(value)
    }

    #[inline]
    fn low(self) -> u32 {
        self as u32
    }
}

/// The vertices of one simplex, ascending.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vertices {
    items: [u32; MAX_VERTICES],
    len: usize,
}

impl Vertices {
    pub fn new(vertices: &[u32]) -> Self {
        let mut items = [0; MAX_VERTICES];
        items[..vertices.len()].copy_from_slice(vertices);
        Self {
            items,
            len: vertices.len(),
        }
    }

    /// Adds `vertex`, before which `position` vertices are smaller.
    #[inline]
    pub fn with(mut self, position: usize, vertex: u32) -> Self {
        self.items.copy_within(position..self.len, position + 1);
        self.items[position] = vertex;
        self.len += 1;
        self
    }

    #[inline]
    pub fn without(mut self, position: usize) -> Self {
        self.items.copy_within(position + 1..self.len, position);
        self.len -= 1;
        self
    }
}

impl Deref for Vertices {
    type Target = [u32];

    #[inline]
    fn deref(&self) -> &[u32] {
        &self.items[..self.len]
    }
}

/// Where the parts of a key lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout<F> {
    pub field: F,
    vertex_bits: u32,
    rank_shift: u32,
    rank_bits: u32,
}

impl<F: Field> Layout<F> {
    /// A layout for simplices of up to `simplex_vertices` of `vertices` vertices and for ranks below `ranks`.
    ///
    /// Fails with [`Error::SimplexOverflow`] if a key needs more than 127 bits.
    pub fn new(field: F, vertices: usize, simplex_vertices: usize, ranks: usize) -> Result<Self> {
        let bits_below = |count: usize| usize::BITS - count.saturating_sub(1).leading_zeros();
        let (vertex_bits, rank_bits) = (bits_below(vertices).max(1), bits_below(ranks));
        let simplex_bits = simplex_vertices.saturating_mul(vertex_bits as usize);
        let bits = simplex_bits.saturating_add((field.bits() + rank_bits) as usize);
        // One bit stays free, so that no shift reaches the full width.
        if bits >= u128::BITS as usize || simplex_vertices > MAX_VERTICES {
            return Err(Error::SimplexOverflow {
                dimension: simplex_vertices.saturating_sub(1),
                vertices,
                bits,
            });
        }
        let rank_shift = field.bits() + simplex_bits as u32;
        Ok(Self {
            field,
            vertex_bits,
            rank_shift,
            rank_bits,
        })
    }

    /// The width of the widest key.
    pub fn bits(&self) -> u32 {
        self.rank_shift + self.rank_bits
    }

    /// The key of a simplex given by ascending `vertices`.
    pub fn key<K: Key>(&self, vertices: &[u32], rank: u32, coefficient: u32) -> K {
        let fields = vertices.iter().rev();
        let simplex = fields.fold(K::from_u32(0), |packed, vertex| {
            packed << self.vertex_bits | K::from_u32(*vertex)
        });
        self.with_coefficient(simplex << self.field.bits(), coefficient) | self.shifted_rank(rank)
    }

    /// A bound below every key of `rank`.
    #[inline]
    pub fn least_of_rank<K: Key>(&self, rank: u32) -> K {
        self.shifted_rank(rank)
    }

    #[inline]
    fn shifted_rank<K: Key>(&self, rank: u32) -> K {
        // Without ranks the shift may be the whole width.
        if self.rank_bits == 0 {
            K::from_u32(0)
        } else {
            K::from_u32(rank) << self.rank_shift
        }
    }

    #[inline]
    pub fn rank<K: Key>(&self, key: K) -> u32 {
        if self.rank_bits == 0 {
            0
        } else {
            (key >> self.rank_shift).low()
        }
    }

    #[inline]
    pub fn coefficient<K: Key>(&self, key: K) -> u32 {
        if self.field.bits() == 0 {
            1
        } else {
            key.low() & ((1 << self.field.bits()) - 1)
        }
    }

    /// The key without its coefficient: the same for all multiples of one simplex.
    #[inline]
    pub fn simplex<K: Key>(&self, key: K) -> K {
        if self.field.bits() == 0 {
            key
        } else {
            key >> self.field.bits() << self.field.bits()
        }
    }

    /// Writes a coefficient into a key that has none.
    #[inline]
    pub fn with_coefficient<K: Key>(&self, simplex: K, coefficient: u32) -> K {
        if self.field.bits() == 0 {
            simplex
        } else {
            simplex | K::from_u32(coefficient)
        }
    }

    /// The vertices of the simplex, of which there are `count`.
    #[inline]
    pub fn vertices<K: Key>(&self, key: K, count: usize) -> Vertices {
        let mask = ((1_u64 << self.vertex_bits) - 1) as u32;
        let mut packed = key >> self.field.bits();
        let mut vertices = Vertices {
            items: [0; MAX_VERTICES],
            len: count,
        };
        for vertex in &mut vertices.items[..count] {
            *vertex = packed.low() & mask;
            packed = packed >> self.vertex_bits;
        }
        vertices
    }

    /// What all cofacets of a simplex have in common, by the position of the added vertex.
    #[inline]
    pub fn cofacet_frame<K: Key>(&self, simplex: K, count: usize) -> CofacetFrame<K, F> {
        let field_bits = self.field.bits();
        let packed = if self.rank_bits == 0 {
            simplex >> field_bits
        } else {
            (simplex & ((K::ONE << self.rank_shift) - K::ONE)) >> field_bits
        };
        let mut gaps = [K::from_u32(0); MAX_VERTICES];
        for (position, gap) in gaps[..=count].iter_mut().enumerate() {
            let below = position as u32 * self.vertex_bits;
            let low = packed & ((K::ONE << below) - K::ONE);
            let high = packed >> below;
            // The highest gap has nothing above it; shifting 0 there could reach the full width.
            let opened = if position == count {
                low
            } else {
                high << (below + self.vertex_bits) | low
            };
            *gap = opened << field_bits;
        }
        let coefficient = self.coefficient(simplex);
        CofacetFrame {
            layout: *self,
            gaps,
            signs: [coefficient, self.field.negate(coefficient)],
        }
    }
}

/// The packed vertices of a simplex with a gap of one vertex at every position.
#[derive(Debug)]
pub(crate) struct CofacetFrame<K, F> {
    layout: Layout<F>,
    gaps: [K; MAX_VERTICES],
    signs: [u32; 2],
}

impl<K: Key, F: Field> CofacetFrame<K, F> {
    /// The cofacet with `vertex` added after `position` smaller ones; its coefficient is that of the coboundary.
    #[inline]
    pub fn cofacet(&self, position: usize, vertex: u32, rank: u32) -> K {
        let shift = position as u32 * self.layout.vertex_bits + self.layout.field.bits();
        let simplex = self.gaps[position] | K::from_u32(vertex) << shift | self.layout.shifted_rank(rank);
        self.layout.with_coefficient(simplex, self.signs[position & 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{Prime, Two};

    #[test]
    fn keys_hold_what_was_put_in() {
        let layout = Layout::new(Prime::new(5).unwrap(), 100, 4, 1000).unwrap();
        let key: u64 = layout.key(&[3, 50, 99], 777, 4);
        assert_eq!((layout.rank(key), layout.coefficient(key)), (777, 4));
        assert_eq!(&*layout.vertices(key, 3), &[3, 50, 99]);
        assert_eq!(layout.simplex(key), layout.key::<u64>(&[3, 50, 99], 777, 0));
    }

    #[test]
    fn keys_are_ordered_by_rank_then_by_vertices_from_the_largest() {
        let layout = Layout::new(Two, 100, 3, 1000).unwrap();
        let keys: Vec<u64> = [(&[9, 10], 4), (&[0, 1], 5), (&[5, 6], 5), (&[0, 7], 5)]
            .iter()
            .map(|(vertices, rank)| layout.key(*vertices, *rank, 1))
            .collect();
        assert!(keys.is_sorted());
    }

    #[test]
    fn a_cofacet_is_the_key_of_its_vertices_with_alternating_sign() {
        let layout = Layout::new(Prime::new(3).unwrap(), 10, 3, 8).unwrap();
        let frame = layout.cofacet_frame(layout.key::<u64>(&[2, 5], 4, 1), 2);
        assert_eq!(frame.cofacet(0, 0, 6), layout.key::<u64>(&[0, 2, 5], 6, 1));
        assert_eq!(frame.cofacet(1, 3, 4), layout.key::<u64>(&[2, 3, 5], 4, 2));
        assert_eq!(frame.cofacet(2, 9, 7), layout.key::<u64>(&[2, 5, 9], 7, 1));
    }

    #[test]
    fn keys_may_fill_every_bit() {
        let layout = Layout::new(Two, 1 << 16, 4, 1).unwrap();
        assert_eq!(layout.bits(), 64);
        let largest = (1 << 16) - 1;
        let frame = layout.cofacet_frame(layout.key::<u64>(&[largest - 2, largest - 1, largest], 0, 1), 3);
        let cofacet = frame.cofacet(0, 7, 0);
        assert_eq!(&*layout.vertices(cofacet, 4), &[7, largest - 2, largest - 1, largest]);
        assert_eq!(layout.rank(cofacet), 0);
    }

    #[test]
    fn simplices_beyond_128_bits_are_refused() {
        let refused = Layout::new(Two, 1000, 13, 2).unwrap_err();
        assert_eq!(
            refused,
            Error::SimplexOverflow {
                dimension: 12,
                vertices: 1000,
                bits: 131
            }
        );
        assert!(Layout::new(Two, 2, usize::MAX, 2).is_err());
    }
}
