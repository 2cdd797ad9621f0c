//! Shortest augmenting paths.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::assignment::{Side, swap};
use super::ground::Cost;
use super::neighbours::Neighbours;
use super::points::FREE;
use crate::Result;
use crate::limits::Meter;

/// Dijkstra's algorithm on the reduced costs, with what it needs kept between searches.
#[derive(Debug)]
pub(super) struct Search {
    /// By far point: its distance; infinite if it was not met.
    distance: Vec<f64>,
    /// By far point: the near point it was met from.
    from: Vec<u32>,
    /// The far points met.
    met: Vec<u32>,
    /// The near points reached, with their distances.
    reached: Vec<(u32, f64)>,
    /// Distances, which are not negative and so ordered like their bits, and what happens there.
    heap: BinaryHeap<Reverse<(u64, u32)>>,
    /// By how much a path may be longer than the shortest: what one path may add to the gap between the bounds.
    slack: f64,
}

/// Marks the event "the list of this near point ends"; others are far points. It comes last among equals.
const LIST_ENDS: u32 = 1 << 31;

/// The end of a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// The near point goes to the diagonal.
    Near(u32),
    /// The far point had no partner on the near side.
    Far(u32),
}

/// Everything a search looks at.
struct Graph<'a, 'b> {
    near: &'a Side<'b>,
    far: &'a Side<'b>,
    neighbours: &'a mut Neighbours,
    cost: &'a Cost,
}

impl Search {
    pub fn new(far: &Side<'_>, slack: f64, meter: &mut Meter) -> Result<Self> {
        let count = far.mate.len();
        let mut search = Self {
            distance: meter.vec(count)?,
            from: meter.vec(count)?,
            met: meter.vec(count)?,
            reached: meter.vec(count + 1)?,
            heap: BinaryHeap::new(),
            slack,
        };
        search.distance.resize(count, f64::INFINITY);
        search.from.resize(count, 0);
        Ok(search)
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.distance);
        meter.free(self.from);
        meter.free(self.met);
        meter.free(self.reached);
    }

    /// Gives `source` a partner or the diagonal, along the cheapest alternating path.
    pub fn augment(
        &mut self,
        near: &mut Side<'_>,
        far: &mut Side<'_>,
        source: u32,
        neighbours: &mut Neighbours,
        cost: &Cost,
        meter: &mut Meter,
    ) -> Result<()> {
        let mut graph = Graph {
            near,
            far,
            neighbours,
            cost,
        };
        let (end, length) = self.run(&mut graph, source, meter)?;
        self.update(near, far, length);
        swap(near, far, source, end, &self.from);
        self.clear();
        Ok(())
    }

    /// The end of a path that is shortest up to the slack, and a distance that no path is shorter than.
    fn run(&mut self, graph: &mut Graph<'_, '_>, source: u32, meter: &mut Meter) -> Result<(End, f64)> {
        let mut best = (End::Near(source), graph.leave(source));
        self.reach(graph, source, 0.0, &mut best);
        while let Some(Reverse((bits, event))) = self.heap.pop() {
            let distance = f64::from_bits(bits);
            if best.1 <= distance + self.slack {
                best.1 = best.1.min(distance);
                break;
            }
            if event >= LIST_ENDS {
                let point = event - LIST_ENDS;
                graph
                    .neighbours
                    .extend(point, graph.near, graph.far, graph.cost, meter)?;
                let start = self.start_of(graph, point);
                self.scan(graph, point, start, distance, &mut best);
                continue;
            }
            if distance > self.distance[event as usize] {
                continue;
            }
            let mate = graph.far.mate[event as usize];
            let leave = distance + graph.leave(mate);
            if leave < best.1 {
                best = (End::Near(mate), leave);
            }
            self.reach(graph, mate, distance, &mut best);
        }
        meter.work(self.met.len() + 1)?;
        Ok(best)
    }

    /// The distance at which a near point was reached: that of its partner; 0 for the source, which has none.
    fn start_of(&self, graph: &Graph<'_, '_>, point: u32) -> f64 {
        match graph.near.mate[point as usize] {
            FREE => 0.0,
            mate => self.distance[mate as usize],
        }
    }

    fn reach(&mut self, graph: &Graph<'_, '_>, point: u32, distance: f64, best: &mut (End, f64)) {
        self.reached.push((point, distance));
        self.scan(graph, point, distance, distance, best);
    }

    /// Offers the far neighbours of `point` the way over it, if that is shorter than `bound`.
    ///
    /// * `start` — the distance of `point`
    /// * `now` — the distance the search has come to
    #[inline]
    fn scan(&mut self, graph: &Graph<'_, '_>, point: u32, start: f64, now: f64, best: &mut (End, f64)) {
        let base = start - graph.near.dual[point as usize];
        for arc in graph.neighbours.arcs(point) {
            // Rounding must not make a way shorter than what leads to it.
            let way = (base + (arc.cost - graph.far.dual[arc.to as usize])).max(now);
            let old = &mut self.distance[arc.to as usize];
            if way < *old && way < best.1 {
                if *old == f64::INFINITY {
                    self.met.push(arc.to);
                }
                *old = way;
                self.from[arc.to as usize] = point;
                if graph.far.mate[arc.to as usize] >= FREE {
                    // Ends are not expanded, so they need no place in the heap.
                    *best = (End::Far(arc.to), way);
                    if way <= now + self.slack {
                        best.1 = now;
                        return;
                    }
                    continue;
                }
                self.heap.push(Reverse((way.to_bits(), arc.to)));
            }
        }
        let end = (base + graph.neighbours.beyond(point)).max(now);
        if end < best.1 {
            self.heap.push(Reverse((end.to_bits(), LIST_ENDS + point)));
        }
    }

    /// Moves the duals so that the path found is tight and all pairs stay feasible.
    fn update(&self, near: &mut Side<'_>, far: &mut Side<'_>, length: f64) {
        for (point, distance) in &self.reached {
            near.dual[*point as usize] += (length - distance).max(0.0);
        }
        for target in &self.met {
            far.dual[*target as usize] -= (length - self.distance[*target as usize]).max(0.0);
        }
    }

    fn clear(&mut self) {
        for target in self.met.drain(..) {
            self.distance[target as usize] = f64::INFINITY;
        }
        self.reached.clear();
        self.heap.clear();
    }
}

impl Graph<'_, '_> {
    /// What it costs beyond the dual to send a near point to the diagonal.
    fn leave(&self, point: u32) -> f64 {
        (self.near.diagonal[point as usize] - self.near.dual[point as usize]).max(0.0)
    }
}
