//! The coboundary matrix of one dimension.

use super::Skeleton;
use super::order::Order;
use crate::Result;
use crate::field::Field;
use crate::limits::Meter;

/// A simplex by its rank, with a coefficient that is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub rank: u32,
    pub coefficient: u32,
}

/// For each simplex of a dimension, by rank, its cofacets with their signs, by ascending rank.
#[derive(Debug)]
pub(super) struct Coboundary {
    /// Those of rank `r` are at `starts[r]..starts[r + 1]`.
    starts: Vec<usize>,
    entries: Vec<Entry>,
}

impl Coboundary {
    /// * `simplices`, `order` — the dimension above
    /// * `facets` — the order of the dimension itself
    pub fn new<F: Field>(
        simplices: &Skeleton,
        order: &Order,
        facets: &Order,
        field: F,
        meter: &mut Meter,
    ) -> Result<Self> {
        let mut starts: Vec<usize> = meter.vec(facets.len() + 2)?;
        starts.resize(facets.len() + 2, 0);
        // Counted two places up, so that filling in moves each start to where it belongs.
        for facet in &simplices.facets {
            starts[facets.rank(*facet) as usize + 2] += 1;
        }
        for rank in 2..starts.len() {
            starts[rank] += starts[rank - 1];
        }
        let mut entries = meter.vec(simplices.facets.len())?;
        entries.resize(
            simplices.facets.len(),
            Entry {
                rank: 0,
                coefficient: 0,
            },
        );
        let signs = [1, field.negate(1)];
        for (rank, place) in (0..).zip(order.places()) {
            meter.work(1)?;
            for (left_out, facet) in simplices.facets(*place as usize).iter().enumerate() {
                let next = &mut starts[facets.rank(*facet) as usize + 1];
                entries[*next] = Entry {
                    rank,
                    coefficient: signs[left_out % 2],
                };
                *next += 1;
            }
        }
        Ok(Self { starts, entries })
    }

    #[inline]
    pub fn column(&self, rank: u32) -> &[Entry] {
        &self.entries[self.starts[rank as usize]..self.starts[rank as usize + 1]]
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.starts);
        meter.free(self.entries);
    }
}
