//! The least distance at which every long point finds a partner.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::ground::Cost;
use super::kd_tree::{KdTree, Remaining};
use super::points::FREE;
use crate::Result;
use crate::limits::Meter;

/// The points of one diagram and their partners; [`FREE`] rests on the diagonal.
#[derive(Debug)]
pub(super) struct Half<'a> {
    pub tree: &'a KdTree,
    /// The distance of each point to the diagonal.
    pub diagonal: Vec<f64>,
    pub mate: Vec<u32>,
}

impl<'a> Half<'a> {
    pub fn new(tree: &'a KdTree, cost: &Cost, meter: &mut Meter) -> Result<Self> {
        let mut half = Self {
            tree,
            diagonal: meter.vec(tree.len())?,
            mate: meter.vec(tree.len())?,
        };
        let diagonal = tree.points.iter().map(|point| cost.to_diagonal(*point));
        half.diagonal.extend(diagonal);
        half.mate.resize(tree.len(), FREE);
        Ok(half)
    }

    /// The points that may not rest on the diagonal, because it is farther than `distance`.
    pub fn uncovered(&self, distance: f64) -> impl Iterator<Item = u32> {
        let points = self.mate.iter().zip(&self.diagonal).enumerate();
        let uncovered = points.filter(move |(_, (mate, diagonal))| **mate == FREE && **diagonal > distance);
        uncovered.map(|(point, _)| point as u32)
    }
}

/// Finds partners for the long points of the near half, by alternating paths with pairs within `distance`.
///
/// What is covered on the far half stays covered. So covering first one half and then the other covers both, at the
/// larger of the two distances (Mendelsohn and Dulmage 1958); no perfect matching with copies of the diagonal is needed.
/// Neighbours are found in a tree from which visited points are taken away (Efrat, Itai and Katz, "Geometry helps in
/// bottleneck matching", 2001). The distance rises only as far as one unlucky point proves necessary: there is no search
/// over candidate distances.
pub(super) struct Cover<'a, 'b> {
    pub near: &'a mut Half<'b>,
    pub far: &'a mut Half<'b>,
    pub cost: &'a Cost,
    /// Far points not yet visited by the current phase.
    unvisited: Remaining,
    /// Far points without a partner.
    unmatched: Remaining,
    /// By far point: the near point from which it was visited.
    from: Vec<u32>,
    stack: Vec<u32>,
    /// A sequence without pattern.
    turn: u64,
}

impl<'a, 'b> Cover<'a, 'b> {
    pub fn new(near: &'a mut Half<'b>, far: &'a mut Half<'b>, cost: &'a Cost, meter: &mut Meter) -> Result<Self> {
        let mut unmatched = far.tree.remaining(meter)?;
        for (point, _) in far.mate.iter().enumerate().filter(|(_, mate)| **mate != FREE) {
            unmatched.remove(far.tree, point as u32);
        }
        let mut from = meter.vec(far.mate.len())?;
        from.resize(far.mate.len(), FREE);
        Ok(Self {
            unvisited: far.tree.remaining(meter)?,
            unmatched,
            from,
            stack: meter.vec(far.mate.len() + 1)?,
            turn: 0,
            near,
            far,
            cost,
        })
    }

    /// Covers all long near points; returns the least distance from `distance` on at which that is possible.
    pub fn run(mut self, distance: f64, meter: &mut Meter) -> Result<f64> {
        let mut distance = distance;
        loop {
            self.phase(distance, meter)?;
            let left = self.near.uncovered(distance).count();
            if left == 0 {
                break;
            }
            for _ in 0..left.div_ceil(4) {
                let Some(point) = self.unlucky(distance) else { break };
                distance = self.raise(point, distance, meter)?;
            }
        }
        meter.free(self.from);
        meter.free(self.stack);
        self.unvisited.free(meter);
        self.unmatched.free(meter);
        Ok(distance)
    }

    /// Looks once for a path from every uncovered point, visiting each far point once.
    fn phase(&mut self, distance: f64, meter: &mut Meter) -> Result<()> {
        self.unvisited.refill(self.far.tree);
        let sources: Vec<u32> = self.near.uncovered(distance).collect();
        for source in sources {
            self.descend(source, distance, meter)?;
        }
        Ok(())
    }

    /// An uncovered point, here and there: neighbours raise the distance in small steps, but of points far apart each
    /// spares about half of those that are left.
    fn unlucky(&mut self, distance: f64) -> Option<u32> {
        let count = self.near.uncovered(distance).count();
        self.turn = self
            .turn
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let chosen = (self.turn >> 33) as usize % count.max(1);
        self.near.uncovered(distance).nth(chosen)
    }

    /// Depth-first search for a path from `source`; swaps it if there is one.
    fn descend(&mut self, source: u32, distance: f64, meter: &mut Meter) -> Result<()> {
        self.stack.clear();
        self.stack.push(source);
        while let Some(&point) = self.stack.last() {
            meter.work(1)?;
            if point != source && self.near.diagonal[point as usize] <= distance {
                self.release(point, source);
                return Ok(());
            }
            let place = self.near.tree.points[point as usize];
            let tree = self.far.tree;
            if let Some((target, _)) = self.unmatched.nearest(tree, place, self.cost, distance, true) {
                self.from[target as usize] = point;
                self.swap(target, source);
                return Ok(());
            }
            match self.unvisited.nearest(tree, place, self.cost, distance, true) {
                Some((target, _)) => {
                    self.unvisited.remove(tree, target);
                    self.from[target as usize] = point;
                    self.stack.push(self.far.mate[target as usize]);
                }
                None => {
                    self.stack.pop();
                }
            }
        }
        Ok(())
    }

    /// Covers `source` at the least possible distance, which it returns: the shortest path in the sense of the longest
    /// pair, grown like a minimum spanning tree.
    fn raise(&mut self, source: u32, distance: f64, meter: &mut Meter) -> Result<f64> {
        self.unvisited.refill(self.far.tree);
        let mut distance = distance;
        let mut heap = BinaryHeap::new();
        let mut leave = (self.near.diagonal[source as usize], source);
        self.offer(source, leave.0, &mut heap);
        while let Some(Reverse((bits, point, target))) = heap.pop() {
            meter.work(1)?;
            let length = f64::from_bits(bits);
            if leave.0 <= length.max(distance) {
                break;
            }
            if !self.unvisited.has(target) {
                self.offer(point, leave.0, &mut heap);
                continue;
            }
            distance = distance.max(length);
            self.unvisited.remove(self.far.tree, target);
            self.from[target as usize] = point;
            let mate = self.far.mate[target as usize];
            if mate == FREE {
                self.swap(target, source);
                return Ok(distance);
            }
            let diagonal = self.near.diagonal[mate as usize];
            if diagonal < leave.0 {
                leave = (diagonal, mate);
            }
            self.offer(point, leave.0, &mut heap);
            self.offer(mate, leave.0, &mut heap);
        }
        self.release(leave.1, source);
        Ok(distance.max(leave.0))
    }

    /// Puts the nearest unvisited far point of `point` into the heap, if it is nearer than `bound`.
    fn offer(&self, point: u32, bound: f64, heap: &mut BinaryHeap<Reverse<(u64, u32, u32)>>) {
        let place = self.near.tree.points[point as usize];
        if let Some((target, length)) = self.unvisited.nearest(self.far.tree, place, self.cost, bound, false) {
            heap.push(Reverse((length.to_bits(), point, target)));
        }
    }

    /// Lets `point` rest on the diagonal; its partner goes to the point before it on the path, and so on to `source`.
    fn release(&mut self, point: u32, source: u32) {
        if point != source {
            let target = std::mem::replace(&mut self.near.mate[point as usize], FREE);
            self.shift(target, source);
        }
    }

    /// Ends the path at an unmatched far point.
    fn swap(&mut self, target: u32, source: u32) {
        self.unmatched.remove(self.far.tree, target);
        self.shift(target, source);
    }

    /// Gives `target` to the point it was visited from, whose partner goes on to the one before.
    fn shift(&mut self, target: u32, source: u32) {
        let mut target = target;
        loop {
            let point = self.from[target as usize];
            self.far.mate[target as usize] = point;
            let released = std::mem::replace(&mut self.near.mate[point as usize], target);
            if point == source {
                return;
            }
            target = released;
        }
    }
}
