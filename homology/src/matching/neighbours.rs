//! The pairs worth looking at: for each point the cheapest partners, as many as were asked for so far.

use super::assignment::Side;
use super::ground::Cost;
use super::kd_tree::{Found, Query};
use crate::Result;
use crate::limits::Meter;

/// Length of a list when it is first asked for.
const FIRST: usize = 8;
/// Relative differences that rounding alone can make. Ties that it has broken are treated as ties still: there are many,
/// since along the straight parts of a dual all partners are equally good.
const ROUNDING: f64 = 4e-15;
/// Queries after which the bounds in the tree are brought up to date.
const STALE: usize = 512;

/// Lists of far points by near point, each of the least `cost - dual`.
///
/// A list stays complete up to `beyond` while far duals only fall, as they do while paths start on the near side: then
/// the points that are not in it have become more expensive. So the searches see every pair of the full graph that
/// matters, though few pairs are ever listed.
#[derive(Debug)]
pub(super) struct Neighbours {
    lists: Vec<List>,
    arcs: Vec<Arc>,
    /// Upper bounds of the far duals by subtree.
    heaviest: Vec<f64>,
    queries: usize,
    /// A difference of costs that is only rounding.
    pub blur: f64,
    found: Vec<Found>,
}

#[derive(Debug, Clone, Copy)]
struct List {
    start: usize,
    len: u32,
    /// Far points that are not in the list have at least this `cost - dual`.
    beyond: f64,
}

/// A pair, seen from its near point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arc {
    pub to: u32,
    pub cost: f64,
}

impl Neighbours {
    pub fn new(near: &Side<'_>, far: &Side<'_>, meter: &mut Meter) -> Result<Self> {
        let mut lists = meter.vec(near.mate.len())?;
        let unknown = List {
            start: 0,
            len: 0,
            beyond: f64::NEG_INFINITY,
        };
        lists.resize(near.mate.len(), unknown);
        let mut heaviest = Vec::new();
        far.tree.heaviest(&far.dual, &mut heaviest);
        Ok(Self {
            lists,
            arcs: meter.vec(near.mate.len() * FIRST)?,
            heaviest,
            queries: 0,
            blur: ROUNDING * far.dual.iter().fold(0.0, |largest: f64, dual| largest.max(dual.abs())),
            found: Vec::new(),
        })
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.lists);
        meter.free(self.arcs);
    }

    /// The listed pairs of `point`.
    #[inline]
    pub fn arcs(&self, point: u32) -> &[Arc] {
        let list = &self.lists[point as usize];
        &self.arcs[list.start..list.start + list.len as usize]
    }

    /// The `cost - dual` up to which the list of `point` is complete.
    #[inline]
    pub fn beyond(&self, point: u32) -> f64 {
        self.lists[point as usize].beyond
    }

    /// Makes the first list of `point`; returns the largest dual it allows.
    pub fn first(
        &mut self,
        point: u32,
        near: &Side<'_>,
        far: &Side<'_>,
        cost: &Cost,
        meter: &mut Meter,
    ) -> Result<f64> {
        self.extend(point, near, far, cost, meter)?;
        let diagonal = near.diagonal[point as usize];
        Ok(self.found.first().map_or(diagonal, |nearest| nearest.reduced))
    }

    /// Replaces the list of `point` by one of twice the length.
    pub fn extend(
        &mut self,
        point: u32,
        near: &Side<'_>,
        far: &Side<'_>,
        cost: &Cost,
        meter: &mut Meter,
    ) -> Result<()> {
        self.queries += 1;
        if self.queries.is_multiple_of(STALE) {
            far.tree.heaviest(&far.dual, &mut self.heaviest);
        }
        let count = (self.lists[point as usize].len as usize * 2).max(FIRST);
        // Whoever costs more than the diagonal is never a partner.
        let bound = near.diagonal[point as usize];
        let mut query = query(near, point, cost, &far.dual, &self.heaviest);
        query.blur = self.blur;
        meter.work(far.tree.nearest(&query, count, bound, &mut self.found))?;
        let beyond = if self.found.len() < count {
            f64::INFINITY
        } else {
            self.found[count - 1].reduced - self.blur
        };
        self.lists[point as usize] = List {
            start: self.arcs.len(),
            len: self.found.len() as u32,
            beyond,
        };
        meter.reserve(&mut self.arcs, self.found.len())?;
        let arcs = self.found.iter().map(|found| Arc {
            to: found.at,
            cost: found.cost,
        });
        self.arcs.extend(arcs);
        Ok(())
    }
}

/// Asks for the neighbours of a point. Equals are chosen differently by different points, so that the copies of a
/// repeated point do not all ask for the same copy.
pub(super) fn query<'a>(
    side: &Side<'_>,
    point: u32,
    cost: &'a Cost,
    weights: &'a [f64],
    heaviest: &'a [f64],
) -> Query<'a> {
    Query {
        from: side.tree.points[point as usize],
        salt: point.wrapping_mul(0x9e37_79b9).rotate_left(13),
        blur: 0.0,
        cost,
        weights,
        heaviest,
    }
}
