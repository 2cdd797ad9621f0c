//! Disjoint sets that remember which member was born first.

use crate::Result;
use crate::limits::Meter;

/// Disjoint sets; the root of each is its elder. Path halving alone keeps the paths short.
pub(super) struct Elders {
    parents: Vec<u32>,
}

impl Elders {
    pub fn new(count: usize, meter: &mut Meter) -> Result<Self> {
        let mut parents = meter.vec(count)?;
        parents.extend(0..count as u32);
        Ok(Self { parents })
    }

    pub fn find(&mut self, mut item: u32) -> u32 {
        while self.parents[item as usize] != item {
            let grandparent = self.parents[self.parents[item as usize] as usize];
            self.parents[item as usize] = grandparent;
            item = grandparent;
        }
        item
    }

    /// Puts the set of the root `younger` below the member `elder` of another.
    pub fn join(&mut self, younger: u32, elder: u32) {
        self.parents[younger as usize] = elder;
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.parents);
    }
}
