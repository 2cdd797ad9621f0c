//! The cheapest assignment between two diagrams, where every point may also go to the diagonal.
//!
//! The linear program behind it: cover every point exactly once, by a pair or by the diagonal.
//!
//! ```text
//! minimise  Σ cost(a, b) x(a, b) + Σ diagonal(a) x(a) + Σ diagonal(b) x(b)
//! maximise  Σ u(a) + Σ u(b)    with    u(a) + u(b) ≤ cost(a, b),  u(a) ≤ diagonal(a),  u(b) ≤ diagonal(b)
//! ```
//!
//! Both sides are alike, so shortest augmenting paths may start on either (Hungarian method; Jonker and Volgenant, "A
//! shortest augmenting path algorithm for dense and sparse linear assignment problems", 1987). Duals stay feasible and
//! matched pairs tight, so that the end is an optimum whatever the duals were at the start: good ones only save time.

use super::ground::Cost;
use super::kd_tree::{Found, KdTree};
use super::neighbours::{Neighbours, query};
use super::points::{DIAGONAL, FREE};
use super::search::{End, Search};
use crate::Result;
use crate::limits::Meter;

/// The excess of a cost that counts as none.
const EXACT: f64 = 1e-12;

/// The points of one diagram, with their part of the matching and of the duals.
#[derive(Debug)]
pub(super) struct Side<'a> {
    pub tree: &'a KdTree,
    /// What each point costs when it goes to the diagonal.
    pub diagonal: Vec<f64>,
    /// At most `diagonal`.
    pub dual: Vec<f64>,
    /// A point of the other side, [`DIAGONAL`] or [`FREE`].
    pub mate: Vec<u32>,
}

impl<'a> Side<'a> {
    fn new(tree: &'a KdTree, cost: &Cost, meter: &mut Meter) -> Result<Self> {
        let mut side = Self {
            tree,
            diagonal: meter.vec(tree.len())?,
            dual: meter.vec(tree.len())?,
            mate: meter.vec(tree.len())?,
        };
        let diagonal = tree.points.iter().map(|point| cost.to_diagonal(*point));
        side.diagonal.extend(diagonal);
        side.dual.resize(tree.len(), 0.0);
        side.mate.resize(tree.len(), FREE);
        Ok(side)
    }

    fn free(self, meter: &mut Meter) -> Vec<f64> {
        meter.free(self.diagonal);
        meter.free(self.mate);
        self.dual
    }

    /// Sends the free points to the diagonal for which that is tight.
    fn rest(&mut self) {
        for point in 0..self.mate.len() {
            if self.mate[point] == FREE && self.dual[point] >= self.diagonal[point] {
                self.mate[point] = DIAGONAL;
            }
        }
    }
}

/// Points and their duals, from which those of other points nearby can be guessed.
#[derive(Debug, Clone)]
pub(super) struct Potential {
    pub tree: KdTree,
    pub dual: Vec<f64>,
}

/// The two diagrams with a matching and its duals.
#[derive(Debug)]
pub(super) struct Assignment<'a> {
    pub sides: [Side<'a>; 2],
    cost: Cost,
    /// By how much a matched pair may fail to be tight.
    slack: f64,
}

impl<'a> Assignment<'a> {
    pub fn new(a: &'a KdTree, b: &'a KdTree, cost: Cost, meter: &mut Meter) -> Result<Self> {
        let sides = [Side::new(a, &cost, meter)?, Side::new(b, &cost, meter)?];
        Ok(Self {
            sides,
            cost,
            slack: 0.0,
        })
    }

    /// Frees all but the duals of the second side.
    pub fn into_dual(self, meter: &mut Meter) -> Vec<f64> {
        let [a, b] = self.sides;
        let dual = a.free(meter);
        meter.free(dual);
        b.free(meter)
    }

    /// Matches every point, at a total cost of at most `1 + tolerance` times the least, up to rounding.
    pub fn solve(&mut self, start: Option<&Potential>, tolerance: f64, meter: &mut Meter) -> Result<()> {
        if let Some(start) = start {
            self.sides[0].dual = transform(&self.sides[0], &start.tree, &start.dual, &self.cost, meter)?;
        }
        let [a, b] = &mut self.sides;
        b.dual = transform(b, a.tree, &a.dual, &self.cost, meter)?;
        self.match_all(0, tolerance, meter)?;
        if self.sides[1].mate.contains(&FREE) {
            self.match_all(1, 0.0, meter)?;
        }
        Ok(())
    }

    /// Matches the free points of one side by shortest augmenting paths.
    fn match_all(&mut self, side: usize, tolerance: f64, meter: &mut Meter) -> Result<()> {
        let [first, second] = &mut self.sides;
        let (near, far) = if side == 0 { (first, second) } else { (second, first) };
        let mut neighbours = Neighbours::new(near, far, meter)?;
        if side == 0 {
            for point in 0..near.mate.len() as u32 {
                near.dual[point as usize] = neighbours.first(point, near, far, &self.cost, meter)?;
            }
            near.rest();
            far.rest();
            // Every pair may take its part of what the tolerance allows above the lower bound so far, which only rises.
            let lower: f64 = near.dual.iter().sum::<f64>() + far.dual.iter().sum::<f64>();
            let parts = (near.mate.len() + far.mate.len()) as f64;
            self.slack = neighbours.blur.max(tolerance.max(EXACT) * lower / parts);
            match_tight(near, far, &neighbours, self.slack);
        }
        let mut search = Search::new(far, self.slack, meter)?;
        for point in 0..near.mate.len() as u32 {
            if near.mate[point as usize] == FREE {
                search.augment(near, far, point, &mut neighbours, &self.cost, meter)?;
            }
        }
        search.free(meter);
        neighbours.free(meter);
        Ok(())
    }

    /// What the matching costs, in the order of the points.
    pub fn total(&self) -> f64 {
        let [a, b] = &self.sides;
        let cost = |point: usize| match a.mate[point] {
            DIAGONAL => a.diagonal[point],
            mate => self.cost.between(a.tree.points[point], b.tree.points[mate as usize]),
        };
        let left_out = b.mate.iter().zip(&b.diagonal).filter(|(mate, _)| **mate == DIAGONAL);
        (0..a.mate.len()).map(cost).sum::<f64>() + left_out.map(|(_, diagonal)| diagonal).sum::<f64>()
    }
}

/// The largest duals of `side` that `weights`, the duals of the points of `tree`, allow.
fn transform(side: &Side<'_>, tree: &KdTree, weights: &[f64], cost: &Cost, meter: &mut Meter) -> Result<Vec<f64>> {
    let (mut heaviest, mut found) = (Vec::new(), Vec::new());
    tree.heaviest(weights, &mut heaviest);
    let mut duals = meter.vec(side.tree.len())?;
    for (point, diagonal) in side.diagonal.iter().enumerate() {
        let query = query(side, point as u32, cost, weights, &heaviest);
        meter.work(tree.nearest(&query, 1, *diagonal, &mut found))?;
        duals.push(found.first().map_or(*diagonal, |nearest: &Found| nearest.reduced));
    }
    Ok(duals)
}

/// Matches free points with free points along tight pairs.
fn match_tight(near: &mut Side<'_>, far: &mut Side<'_>, neighbours: &Neighbours, slack: f64) {
    for point in 0..near.mate.len() {
        if near.mate[point] != FREE {
            continue;
        }
        let dual = near.dual[point] + slack;
        let arcs = neighbours.arcs(point as u32).iter();
        let mut tight = arcs.take_while(|arc| arc.cost - far.dual[arc.to as usize] <= dual);
        if let Some(arc) = tight.find(|arc| far.mate[arc.to as usize] == FREE) {
            near.mate[point] = arc.to;
            far.mate[arc.to as usize] = point as u32;
        }
    }
}

/// Swaps the pairs of a path with those it leads along; `from` tells the way back.
pub(super) fn swap(near: &mut Side<'_>, far: &mut Side<'_>, source: u32, end: End, from: &[u32]) {
    let (mut point, mut next) = match end {
        End::Far(target) => (from[target as usize], target),
        End::Near(point) => (point, DIAGONAL),
    };
    loop {
        let released = std::mem::replace(&mut near.mate[point as usize], next);
        if next != DIAGONAL {
            far.mate[next as usize] = point;
        }
        if point == source {
            return;
        }
        next = released;
        point = from[released as usize];
    }
}
