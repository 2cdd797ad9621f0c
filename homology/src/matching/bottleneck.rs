//! The bottleneck distance between diagrams.

use super::bisection::Bisection;
use super::cover::{Cover, Half};
use super::ground::Cost;
use super::points::{DIAGONAL, FREE, Points, essential_gaps};
use super::{Matching, WarmStart};
use crate::limits::Meter;
use crate::{Limits, Pair, Result};

/// The least δ such that the points of two diagrams can be moved to each other or to the diagonal, none by more than δ
/// in the maximum norm; exact.
///
/// * cost: in practice about `O(n log n)` tree queries or lists visited; `24` to `700` bytes per pair, most where many
///   neighbours compete
/// * a unit of work is a tree query, or a list of neighbours visited
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bottleneck;

impl Bottleneck {
    /// The distance between `a` and `b`, in the unit of their births; infinite if their numbers of essential pairs
    /// differ.
    ///
    /// Fails if a birth is not finite, a death is NaN or before its birth, or at a limit.
    pub fn distance(&self, a: &[Pair], b: &[Pair], limits: &Limits) -> Result<f64> {
        Ok(self.matching(a, b, limits)?.distance)
    }

    /// The distance with a matching that attains it.
    pub fn matching(&self, a: &[Pair], b: &[Pair], limits: &Limits) -> Result<Matching> {
        self.matching_from(&mut WarmStart::default(), a, b, limits)
    }

    /// As [`Self::matching`], starting from what `start` remembers of a similar problem. Leaves its own matching there.
    pub fn matching_from(&self, start: &mut WarmStart, a: &[Pair], b: &[Pair], limits: &Limits) -> Result<Matching> {
        let mut meter = Meter::new(limits);
        let (a_points, b_points) = (Points::new(a, &mut meter)?, Points::new(b, &mut meter)?);
        let Some(gaps) = essential_gaps(&a_points, &b_points) else {
            return Ok(Matching::infinite());
        };
        let widest = gaps.into_iter().fold(0.0, f64::max);
        // Nothing is added or squared, so nothing is scaled: the distance is one of the differences, to the last bit.
        let cost = Cost::new(1.0, f64::INFINITY, 1.0)?;
        let mut halves = [
            Half::new(&a_points.tree, &cost, &mut meter)?,
            Half::new(&b_points.tree, &cost, &mut meter)?,
        ];
        let least = lower_bound(&halves, &cost, &mut meter)?.max(cost.of(widest, 0.0));
        seed(&mut halves, start, least, &cost, &mut meter)?;
        let distance = cover_both(&mut halves, least, &cost, &mut meter)?;
        let mates = halves.map(|half| half.mate.into_iter().map(on_diagonal).collect::<Vec<u32>>());
        start.remember_moves(&a_points.tree, &b_points.tree, &mates[0]);
        let mates = [&mates[0][..], &mates[1][..]];
        Ok(Matching::new(cost.distance(distance), &a_points, &b_points, mates))
    }
}

fn on_diagonal(mate: u32) -> u32 {
    if mate == FREE { DIAGONAL } else { mate }
}

/// The farthest that some point has to the nearest place it could go to.
fn lower_bound(halves: &[Half<'_>; 2], cost: &Cost, meter: &mut Meter) -> Result<f64> {
    let mut least = 0.0_f64;
    for (near, far) in [(&halves[0], &halves[1]), (&halves[1], &halves[0])] {
        let all = far.tree.remaining(meter)?;
        for (point, diagonal) in near.tree.points.iter().zip(&near.diagonal) {
            meter.work(1)?;
            // Who has some place within the bound so far cannot raise it.
            if *diagonal <= least || all.nearest(far.tree, *point, cost, least, true).is_some() {
                continue;
            }
            let nearest = all.nearest(far.tree, *point, cost, *diagonal, false);
            least = least.max(nearest.map_or(*diagonal, |(_, length)| length));
        }
        all.free(meter);
    }
    Ok(least)
}

/// Matches the pairs of an earlier matching that are still there and near enough.
fn seed(halves: &mut [Half<'_>; 2], start: &WarmStart, least: f64, cost: &Cost, meter: &mut Meter) -> Result<()> {
    let (trees, moves) = ([halves[0].tree, halves[1].tree], start.moves());
    if moves.is_empty() {
        return Ok(());
    }
    let present = [trees[0].remaining(meter)?, trees[1].remaining(meter)?];
    for (from, to) in moves {
        meter.work(2)?;
        let find = |side: usize, place: &[f64; 2]| {
            let found = present[side].nearest(trees[side], *place, cost, least, false);
            found.map(|(point, _)| point)
        };
        let (Some(a), Some(b)) = (find(0, from), find(1, to)) else {
            continue;
        };
        let near_enough = cost.between(trees[0].points[a as usize], trees[1].points[b as usize]) <= least;
        let [first, second] = &mut *halves;
        let (a_mate, b_mate) = (&mut first.mate[a as usize], &mut second.mate[b as usize]);
        if near_enough && *a_mate == FREE && *b_mate == FREE {
            (*a_mate, *b_mate) = (b, a);
        }
    }
    present.into_iter().for_each(|tree| tree.free(meter));
    Ok(())
}

fn cover_both(halves: &mut [Half<'_>; 2], least: f64, cost: &Cost, meter: &mut Meter) -> Result<f64> {
    let [first, second] = halves;
    let distance = cover(first, second, least, cost, meter)?;
    cover(second, first, distance, cost, meter)
}

/// Covers the long points of `near`: with lists while those are short, and with a tree what is left then.
fn cover<'a>(near: &mut Half<'a>, far: &mut Half<'a>, least: f64, cost: &Cost, meter: &mut Meter) -> Result<f64> {
    let distance = Bisection::new(near, far, cost, meter)?.run(least, meter)?;
    Cover::new(near, far, cost, meter)?.run(distance, meter)
}
