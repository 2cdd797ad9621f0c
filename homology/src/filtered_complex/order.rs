//! The order in which the simplices of one dimension enter.

use super::Skeleton;
use crate::Result;
use crate::limits::Meter;

/// By value, then by place.
#[derive(Debug, Default)]
pub(super) struct Order {
    places: Vec<u32>,
    ranks: Vec<u32>,
}

impl Order {
    pub fn of(skeleton: &Skeleton, meter: &mut Meter) -> Result<Self> {
        let (mut places, mut ranks) = (meter.vec(skeleton.len())?, meter.vec(skeleton.len())?);
        places.extend(0..skeleton.len() as u32);
        let value = |place: u32| skeleton.values[place as usize];
        places.sort_unstable_by(|a: &u32, b: &u32| value(*a).total_cmp(&value(*b)).then(a.cmp(b)));
        ranks.resize(places.len(), 0);
        for (rank, place) in (0..).zip(&places) {
            ranks[*place as usize] = rank;
        }
        Ok(Self { places, ranks })
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The places, first to enter first.
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    pub fn rank(&self, place: u32) -> u32 {
        self.ranks[place as usize]
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.places);
        meter.free(self.ranks);
    }
}
