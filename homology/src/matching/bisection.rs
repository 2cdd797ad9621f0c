//! The least distance at which every long point finds a partner, where points have few within that distance.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::cover::Half;
use super::ground::Cost;
use super::lists::Lists;
use super::points::FREE;
use crate::Result;
use crate::limits::Meter;

/// By how much the lists reach beyond what is known to be necessary.
const REACH: f64 = 1.5;
/// By how much the distance grows while no upper bound is known.
const GALLOP: f64 = 1.1;

/// Covers long near points as [`Cover`](super::cover::Cover) does, with the pairs listed beforehand.
///
/// Bisects, but between distances of the problem: an attempt that fails proves a larger one necessary, and one that
/// succeeds does not need all that it was allowed. The two meet in the answer. Paths are searched in breadth, so that
/// they stay near and leave far points to other paths (Hopcroft and Karp 1973).
pub(super) struct Bisection<'a, 'b> {
    near: &'a mut Half<'b>,
    far: &'a mut Half<'b>,
    cost: &'a Cost,
    /// By far point: the near point from which it was visited.
    from: Vec<u32>,
    /// By far point: the round in which it was last visited.
    visited: Vec<u32>,
    round: u32,
    queue: Vec<u32>,
    /// A matching with pairs within the proven distance.
    base: [Vec<u32>; 2],
    /// The matching of the least sufficient distance so far.
    best: [Vec<u32>; 2],
}

type Heap = BinaryHeap<Reverse<(u64, u32, u32)>>;

impl<'a, 'b> Bisection<'a, 'b> {
    pub fn new(near: &'a mut Half<'b>, far: &'a mut Half<'b>, cost: &'a Cost, meter: &mut Meter) -> Result<Self> {
        let (nears, fars) = (near.mate.len(), far.mate.len());
        let mut bisection = Self {
            near,
            far,
            cost,
            from: meter.vec(fars)?,
            visited: meter.vec(fars)?,
            round: 0,
            queue: meter.vec(fars + 1)?,
            base: [meter.vec(nears)?, meter.vec(fars)?],
            best: [meter.vec(nears)?, meter.vec(fars)?],
        };
        bisection.from.resize(fars, FREE);
        bisection.visited.resize(fars, 0);
        Ok(bisection)
    }

    /// Returns the least distance from `distance` on that covers the near points, having covered them; or, if lists up
    /// to there would be too long, a lesser one, with a part of the points covered within it.
    pub fn run(mut self, distance: f64, meter: &mut Meter) -> Result<f64> {
        let mut low = distance;
        while low > 0.0 && self.near.uncovered(low).next().is_some() {
            let radius = low * REACH;
            let Some(lists) = Lists::new(self.near, self.far, low, radius, meter)? else {
                break;
            };
            low = self.bisect(&lists, low, radius, meter)?;
            lists.free(meter);
        }
        let scratch = [self.from, self.visited, self.queue].into_iter();
        let states = self.base.into_iter().chain(self.best);
        scratch.chain(states).for_each(|items| meter.free(items));
        Ok(low)
    }

    /// The least distance between `low` and `radius` that covers the near points; `radius` if there is none.
    fn bisect(&mut self, lists: &Lists, low: f64, radius: f64, meter: &mut Meter) -> Result<f64> {
        let (mut low, mut high) = (low, f64::INFINITY);
        let mut guess = low;
        save(&mut self.base, self.near, self.far);
        loop {
            if let Some(unlucky) = self.attempt(lists, guess, meter)? {
                low = self.raise(lists, unlucky, guess, radius, meter)?;
                save(&mut self.base, self.near, self.far);
                if low >= radius {
                    return Ok(radius);
                }
            } else {
                high = self.attained().max(low);
                save(&mut self.best, self.near, self.far);
                restore(&self.base, self.near, self.far);
            }
            if high <= low {
                restore(&self.best, self.near, self.far);
                return Ok(high);
            }
            let middle = low + (high - low) / 2.0;
            guess = match high {
                f64::INFINITY => (low * GALLOP).min(radius),
                // No float is between the two.
                high if middle >= high => low,
                _ => middle,
            };
        }
    }

    /// Covers near points within `distance`; returns one that cannot be, if there is one.
    fn attempt(&mut self, lists: &Lists, distance: f64, meter: &mut Meter) -> Result<Option<u32>> {
        loop {
            let sources: Vec<u32> = self.near.uncovered(distance).collect();
            let Some(first) = sources.first() else {
                return Ok(None);
            };
            self.round += 1;
            for source in &sources {
                // The others may have failed only because of what was visited before them.
                if !self.widen(lists, *source, distance, meter)? && source == first {
                    return Ok(Some(*source));
                }
            }
        }
    }

    /// Searches a path from `source` in breadth, over far points not visited in this round; swaps it and tells whether
    /// there is one.
    fn widen(&mut self, lists: &Lists, source: u32, distance: f64, meter: &mut Meter) -> Result<bool> {
        self.queue.clear();
        self.queue.push(source);
        let mut head = 0;
        while let Some(&point) = self.queue.get(head) {
            head += 1;
            meter.work(1)?;
            let place = self.near.tree.points[point as usize];
            for &target in lists.targets(point) {
                let at = target as usize;
                if self.visited[at] == self.round || self.cost.between(place, self.far.tree.points[at]) > distance {
                    continue;
                }
                self.visited[at] = self.round;
                self.from[at] = point;
                let mate = self.far.mate[at];
                if mate == FREE {
                    self.shift(target, source);
                    return Ok(true);
                }
                if self.near.diagonal[mate as usize] <= distance {
                    self.release(mate, source);
                    return Ok(true);
                }
                self.queue.push(mate);
            }
        }
        Ok(false)
    }

    /// Covers `source`, which `distance` does not allow, at the least possible distance, and returns that: the shortest
    /// path in the sense of the longest pair, grown like a minimum spanning tree. `radius` if more is needed.
    fn raise(&mut self, lists: &Lists, source: u32, distance: f64, radius: f64, meter: &mut Meter) -> Result<f64> {
        self.round += 1;
        let mut distance = distance;
        let mut heap = Heap::new();
        let mut leave = (self.near.diagonal[source as usize], source);
        self.offer(lists, source, leave.0, &mut heap);
        while let Some(Reverse((bits, point, target))) = heap.pop() {
            meter.work(1)?;
            let length = f64::from_bits(bits);
            if leave.0 <= length.max(distance) {
                break;
            }
            if self.visited[target as usize] == self.round {
                continue;
            }
            distance = distance.max(length);
            self.visited[target as usize] = self.round;
            self.from[target as usize] = point;
            let mate = self.far.mate[target as usize];
            if mate == FREE {
                self.shift(target, source);
                return Ok(distance);
            }
            let diagonal = self.near.diagonal[mate as usize];
            if diagonal < leave.0 {
                leave = (diagonal, mate);
            }
            self.offer(lists, mate, leave.0, &mut heap);
        }
        if leave.0 > radius {
            return Ok(radius);
        }
        self.release(leave.1, source);
        Ok(distance.max(leave.0))
    }

    /// Puts the unvisited far points that are nearer to `point` than `bound` into the heap.
    fn offer(&self, lists: &Lists, point: u32, bound: f64, heap: &mut Heap) {
        let place = self.near.tree.points[point as usize];
        for &target in lists.targets(point) {
            let length = self.cost.between(place, self.far.tree.points[target as usize]);
            if length < bound && self.visited[target as usize] != self.round {
                heap.push(Reverse((length.to_bits(), point, target)));
            }
        }
    }

    /// The farthest that a near point is moved.
    fn attained(&self) -> f64 {
        let points = self.near.mate.iter().enumerate();
        let moved = points.map(|(point, mate)| match *mate {
            FREE => self.near.diagonal[point],
            mate => self
                .cost
                .between(self.near.tree.points[point], self.far.tree.points[mate as usize]),
        });
        moved.fold(0.0, f64::max)
    }

    /// Lets `point` rest on the diagonal; its partner goes to the point before it on the path, and so on to `source`.
    fn release(&mut self, point: u32, source: u32) {
        if point != source {
            let target = std::mem::replace(&mut self.near.mate[point as usize], FREE);
            self.shift(target, source);
        }
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

fn save(state: &mut [Vec<u32>; 2], near: &Half<'_>, far: &Half<'_>) {
    for (saved, half) in state.iter_mut().zip([near, far]) {
        saved.clear();
        saved.extend_from_slice(&half.mate);
    }
}

fn restore(state: &[Vec<u32>; 2], near: &mut Half<'_>, far: &mut Half<'_>) {
    near.mate.copy_from_slice(&state[0]);
    far.mate.copy_from_slice(&state[1]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Limits;
    use crate::matching::cover::Cover;
    use crate::matching::kd_tree::KdTree;

    /// Points of two sizes of lattice and in between, all about as far from the diagonal as from each other.
    fn points() -> impl Strategy<Value = Vec<[f64; 2]>> {
        let lattice = (0..12_u8, 0..12_u8).prop_map(|(x, y)| [f64::from(x), f64::from(y) + 14.0]);
        let anywhere = (0.0..12.0, 14.0..26.0).prop_map(|(x, y)| [x, y]);
        proptest::collection::vec(prop_oneof![lattice, anywhere], 150..250)
    }

    fn tree(points: Vec<[f64; 2]>, meter: &mut Meter) -> Result<KdTree> {
        let ids = (0..points.len() as u32).collect();
        KdTree::new(points, ids, meter)
    }

    proptest! {
        #[test]
        fn lists_and_trees_lead_to_the_same_distance(a in points(), b in points(), low in 0.05..1.0) {
            let mut meter = Meter::new(&Limits::default());
            let (a, b) = (tree(a, &mut meter)?, tree(b, &mut meter)?);
            let cost = Cost::new(1.0, f64::INFINITY, 1.0)?;
            let halves = |meter: &mut Meter| -> Result<_> { Ok((Half::new(&a, &cost, meter)?, Half::new(&b, &cost, meter)?)) };
            let (mut near, mut far) = halves(&mut meter)?;
            let expected = Cover::new(&mut near, &mut far, &cost, &mut meter)?.run(low, &mut meter)?;
            let (mut near, mut far) = halves(&mut meter)?;
            let found = Bisection::new(&mut near, &mut far, &cost, &mut meter)?.run(low, &mut meter)?;
            prop_assert!(low <= found && found <= expected, "{} {}", found, expected);
            // Where the lists would have been too long, a tree goes on from what they left.
            let found = Cover::new(&mut near, &mut far, &cost, &mut meter)?.run(found, &mut meter)?;
            prop_assert_eq!(found, expected);
            prop_assert_eq!(near.uncovered(found).count(), 0);
            let moves = near.mate.iter().enumerate().filter(|(_, mate)| **mate != FREE);
            for (point, mate) in moves {
                prop_assert!(cost.between(a.points[point], b.points[*mate as usize]) <= found);
                prop_assert_eq!(far.mate[*mate as usize], point as u32);
            }
        }
    }

    #[test]
    fn too_many_neighbours_are_left_to_the_tree() -> Result<()> {
        let mut meter = Meter::new(&Limits::default());
        let (a, b) = (
            tree(vec![[0.0, 10.0]; 500], &mut meter)?,
            tree(vec![[1.0, 10.0]; 499], &mut meter)?,
        );
        let cost = Cost::new(1.0, f64::INFINITY, 1.0)?;
        let (mut near, mut far) = (Half::new(&a, &cost, &mut meter)?, Half::new(&b, &cost, &mut meter)?);
        let low = Bisection::new(&mut near, &mut far, &cost, &mut meter)?.run(1.0, &mut meter)?;
        assert_eq!(low, 1.0);
        assert_eq!(
            Cover::new(&mut near, &mut far, &cost, &mut meter)?.run(low, &mut meter)?,
            5.0
        );
        Ok(())
    }
}
