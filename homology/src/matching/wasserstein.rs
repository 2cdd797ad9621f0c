//! The Wasserstein distance between diagrams, exact or to a tolerance.

use super::assignment::{Assignment, Potential};
use super::ground::Cost;
use super::kd_tree::KdTree;
use super::line::{is_line, match_line};
use super::points::{Points, essential_gaps, longest_of};
use super::{Matching, WarmStart};
use crate::limits::Meter;
use crate::{Error, Limits, Pair, Result};

/// The `order`-th root of the least sum of `order`-th powers of moves between two diagrams.
///
/// A move is measured in the ground norm; a point may go to the nearest point of the diagonal.
///
/// * cost: in practice about `O(n^1.5)`, most of it for independent diagrams; `300` to `600` bytes per pair
/// * a unit of work is a node of a tree or a pair of points visited
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wasserstein {
    /// At least 1, finite. The default is 2.
    pub order: f64,
    /// The exponent of the ground norm: at least 1, infinite for the maximum norm. The default is 2.
    pub ground: f64,
    /// How much larger than the true distance the answer may be, as a part of it. 0, the default, is exact up to
    /// rounding.
    pub tolerance: f64,
}

impl Default for Wasserstein {
    fn default() -> Self {
        Self {
            order: 2.0,
            ground: 2.0,
            tolerance: 0.0,
        }
    }
}

impl Wasserstein {
    /// The distance between `a` and `b`, in the unit of their births; infinite if their numbers of essential pairs
    /// differ.
    ///
    /// Fails if a parameter is out of its range, a birth is not finite, a death is NaN or before its birth, or at a
    /// limit.
    pub fn distance(&self, a: &[Pair], b: &[Pair], limits: &Limits) -> Result<f64> {
        Ok(self.matching(a, b, limits)?.distance)
    }

    /// The distance with a matching that attains it.
    pub fn matching(&self, a: &[Pair], b: &[Pair], limits: &Limits) -> Result<Matching> {
        self.matching_from(&mut WarmStart::default(), a, b, limits)
    }

    /// As [`Self::matching`], starting from what `start` remembers of a similar problem. Leaves its own duals there.
    pub fn matching_from(&self, start: &mut WarmStart, a: &[Pair], b: &[Pair], limits: &Limits) -> Result<Matching> {
        if self.tolerance.is_nan() || self.tolerance < 0.0 {
            return Err(Error::InvalidTolerance { found: self.tolerance });
        }
        let mut meter = Meter::new(limits);
        let (a_points, b_points) = (Points::new(a, &mut meter)?, Points::new(b, &mut meter)?);
        let gaps = essential_gaps(&a_points, &b_points);
        let widest = gaps.iter().flatten().copied().fold(0.0, f64::max);
        let cost = Cost::new(self.order, self.ground, longest_of(a).max(longest_of(b)).max(widest))?;
        let Some(gaps) = gaps else {
            return Ok(Matching::infinite());
        };
        let essential: f64 = gaps.iter().map(|gap| cost.of(*gap, 0.0)).sum();
        let (a_tree, b_tree) = (&a_points.tree, &b_points.tree);
        let mut assignment = Assignment::new(a_tree, b_tree, cost, &mut meter)?;
        // Ties are many on a line: it has a way of its own, from which no start could save anything.
        let on_line = self.order == 1.0 && is_line(a_tree, b_tree);
        if on_line {
            match_line(&mut assignment.sides, &cost, &mut meter)?;
        } else {
            let potential = match start.potential(&cost) {
                Some(potential) => Some(potential),
                None => coarse_potential(a_tree, b_tree, cost, &mut meter)?,
            };
            let excess = (1.0 + self.tolerance).powf(self.order) - 1.0;
            assignment.solve(potential.as_ref(), excess, &mut meter)?;
        }
        let total = assignment.total();
        let [a_side, b_side] = assignment.sides;
        if !on_line {
            let (tree, dual) = (b_tree.clone(), b_side.dual);
            start.remember_potential(cost, Potential { tree, dual });
        }
        let distance = cost.distance(essential + total);
        Ok(Matching::new(
            distance,
            &a_points,
            &b_points,
            [&a_side.mate, &b_side.mate],
        ))
    }

    /// The distance to the diagonal of points with these persistences.
    pub(crate) fn of_persistences(&self, persistences: Vec<f64>) -> Result<f64> {
        let longest = persistences.iter().copied().fold(0.0, f64::max);
        let cost = Cost::new(self.order, self.ground, longest)?;
        let total: f64 = persistences.iter().map(|length| cost.to_diagonal([0.0, *length])).sum();
        Ok(cost.distance(total))
    }
}

/// Points that one point stands for in the coarser problem; a power of two.
const BLOCK: usize = 4;
/// Fewest points for which the coarser problem pays.
const COARSEST: usize = 64 * BLOCK;

/// Excess of the cost that does no harm to a guess.
const COARSE_TOLERANCE: f64 = 0.02;

/// Duals from a problem with a quarter of the points, itself started from a quarter of those, and so on: moves over long
/// ways, on which many points have to agree, are found where there are few points (Gerber and Maggioni, "Multiscale
/// strategies for computing optimal transport", 2017).
fn coarse_potential(a: &KdTree, b: &KdTree, cost: Cost, meter: &mut Meter) -> Result<Option<Potential>> {
    if a.len().min(b.len()) < COARSEST {
        return Ok(None);
    }
    let (a, tree) = (coarse(a, meter)?, coarse(b, meter)?);
    let start = coarse_potential(&a, &tree, cost, meter)?;
    let mut assignment = Assignment::new(&a, &tree, cost, meter)?;
    assignment.solve(start.as_ref(), COARSE_TOLERANCE, meter)?;
    let dual = assignment.into_dual(meter);
    Ok(Some(Potential { tree, dual }))
}

/// The centres of blocks of points that are neighbours in the tree.
fn coarse(tree: &KdTree, meter: &mut Meter) -> Result<KdTree> {
    let mut points = meter.vec(tree.len().div_ceil(BLOCK))?;
    points.extend(tree.points.chunks(BLOCK).map(|block| {
        let share = 1.0 / block.len() as f64;
        [0, 1].map(|axis| block.iter().map(|point| point[axis] * share).sum::<f64>())
    }));
    let ids = (0..points.len() as u32).collect();
    KdTree::new(points, ids, meter)
}
