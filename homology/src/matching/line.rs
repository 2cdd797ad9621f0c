//! The cheapest assignment of order 1 between diagrams whose points are all born at the same time.

use super::assignment::Side;
use super::ground::Cost;
use super::kd_tree::KdTree;
use super::points::DIAGONAL;
use crate::Result;
use crate::limits::Meter;

/// Whether all points of both trees have one birth: as in dimension 0 of a Rips or alpha filtration.
pub(super) fn is_line(a: &KdTree, b: &KdTree) -> bool {
    let mut births = a.points.iter().chain(&b.points).map(|point| point[0]);
    let first = births.next();
    births.all(|birth| Some(birth) == first)
}

/// A point on its way down the line.
#[derive(Debug, Clone, Copy)]
struct Event {
    persistence: f64,
    side: u8,
    point: u32,
    /// The point is matched if the surplus after it lies beyond this: at least for side 0, at most for side 1.
    limit: i64,
}

/// Matches every point, at the least total cost.
///
/// Among the points that stay, the cheapest way is to match them in the order of persistence, which costs the integral
/// over the line of `|surplus|`, by how many more of the first side than of the second are above a place. Going down
/// from the longest, let `value(k)` be the least cost so far with surplus `k`. Every step keeps it convex:
///
/// * a point of the first side goes to the diagonal at cost `d` or raises `k` by one: the slope `-d` joins the others
/// * one of the second side lowers `k` or costs `d`: the slope `d` joins them
/// * the way to the next point adds `|k|` times its length to the value, so that the slopes to the right of 0 rise and
///   those to the left fall, all at the same pace ("slope trick")
///
/// So two sorted lists of slopes say it all; where a slope joins them says for which surplus its point is matched.
///
/// * cost: `O(n log n)`, and `O(n)` bytes moved per point at worst; `40` bytes per point
/// * a unit of work is a point
pub(super) fn match_line(sides: &mut [Side<'_>; 2], cost: &Cost, meter: &mut Meter) -> Result<()> {
    let mut events = meter.vec(sides[0].mate.len() + sides[1].mate.len())?;
    for (number, side) in sides.iter().enumerate() {
        events.extend(side.tree.points.iter().enumerate().map(|(point, place)| Event {
            persistence: cost.of(place[1] - place[0], 0.0),
            side: number as u8,
            point: point as u32,
            limit: 0,
        }));
    }
    events.sort_unstable_by(|x, y| {
        let longer_first = y.persistence.total_cmp(&x.persistence);
        longer_first.then((x.side, x.point).cmp(&(y.side, y.point)))
    });
    let mut slopes = Slopes {
        left: meter.vec(events.len())?,
        right: meter.vec(events.len())?,
    };
    for event in &mut events {
        meter.work(1)?;
        let diagonal = sides[event.side as usize].diagonal[event.point as usize];
        event.limit = if event.side == 0 {
            slopes.join_right(-diagonal, event.persistence) + 1
        } else {
            slopes.join_left(diagonal, event.persistence)
        };
    }
    meter.free(slopes.left);
    meter.free(slopes.right);
    let mut matched = [meter.vec(sides[0].mate.len())?, meter.vec(sides[1].mate.len())?];
    walk_back(&events, &mut matched);
    meter.free(events);
    for side in sides.iter_mut() {
        side.mate.fill(DIAGONAL);
    }
    for (a, b) in matched[0].iter().zip(&matched[1]) {
        sides[0].mate[*a as usize] = *b;
        sides[1].mate[*b as usize] = *a;
    }
    matched.into_iter().for_each(|points| meter.free(points));
    Ok(())
}

/// Collects the points that are matched on the cheapest way to the surplus 0 at the bottom, shortest first.
fn walk_back(events: &[Event], matched: &mut [Vec<u32>; 2]) {
    let mut surplus = 0_i64;
    for event in events.iter().rev() {
        if event.side == 0 && surplus >= event.limit {
            surplus -= 1;
            matched[0].push(event.point);
        } else if event.side == 1 && surplus <= event.limit {
            surplus += 1;
            matched[1].push(event.point);
        }
    }
}

/// The slopes of a convex function on the integers, on both sides of 0. At height `at` of the line, those on the left
/// are `left + at` and those on the right are `right - at`, so that they move without being touched.
struct Slopes {
    /// Ascending, the step to 0 last.
    left: Vec<f64>,
    /// Descending, the step from 0 last.
    right: Vec<f64>,
}

impl Slopes {
    /// Adds a slope and a place to the right; returns from where the new step leads.
    fn join_right(&mut self, slope: f64, at: f64) -> i64 {
        match self.left.last() {
            Some(last) if *last > slope - at => {
                let above = self.add_left(slope - at);
                // Now there is one step too many on the left.
                let moved = self.left.pop().unwrap_or(slope - at);
                self.right.push(moved + at + at);
                -above
            }
            _ => self.add_right(slope + at),
        }
    }

    /// Adds a slope and a place to the left; returns from where the new step leads.
    fn join_left(&mut self, slope: f64, at: f64) -> i64 {
        match self.right.last() {
            Some(last) if *last < slope + at => {
                let below = self.add_right(slope + at);
                let moved = self.right.pop().unwrap_or(slope + at);
                self.left.push(moved - at - at);
                below - 1
            }
            _ => -self.add_left(slope - at) - 1,
        }
    }

    /// Puts a slope in its place; returns how many on the left are above it.
    fn add_left(&mut self, slope: f64) -> i64 {
        let place = self.left.partition_point(|other| *other <= slope);
        self.left.insert(place, slope);
        (self.left.len() - 1 - place) as i64
    }

    /// Puts a slope in its place; returns how many on the right are below it.
    fn add_right(&mut self, slope: f64) -> i64 {
        let place = self.right.partition_point(|other| *other >= slope);
        self.right.insert(place, slope);
        (self.right.len() - 1 - place) as i64
    }
}
