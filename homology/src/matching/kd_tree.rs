//! A tree of boxes over the points of one diagram, which answers what every matching asks.

use super::ground::{Cost, Point};
use crate::Result;
use crate::limits::Meter;

/// Most points of a leaf.
const LEAF: usize = 8;

/// A balanced k-d tree. The points are renumbered: point `i` of the tree is point `ids[i]` of the diagram, so that
/// neighbours in the plane are neighbours in memory.
#[derive(Debug, Clone)]
pub(super) struct KdTree {
    pub points: Vec<Point>,
    pub ids: Vec<u32>,
    nodes: Vec<Node>,
}

/// A subtree over `points[start..end]`, all within the box. The left child follows its parent in memory.
#[derive(Debug, Clone, Copy)]
struct Node {
    low: Point,
    high: Point,
    start: u32,
    end: u32,
    /// The right child; 0 for a leaf.
    right: u32,
    parent: u32,
}

impl KdTree {
    /// * `points` — finite coordinates
    /// * `ids` — their numbers in the diagram
    /// * cost: `O(n log n)`
    pub fn new(points: Vec<Point>, ids: Vec<u32>, meter: &mut Meter) -> Result<Self> {
        let mut order: Vec<(Point, u32)> = meter.vec(points.len())?;
        order.extend(points.into_iter().zip(ids));
        let nodes = meter.vec(2 * order.len().next_power_of_two().div_ceil(LEAF) + 1)?;
        let mut tree = Self {
            points: meter.vec(order.len())?,
            ids: meter.vec(order.len())?,
            nodes,
        };
        if !order.is_empty() {
            meter.work(order.len())?;
            tree.split(&mut order, 0, 0);
        }
        tree.points.extend(order.iter().map(|(point, _)| *point));
        tree.ids.extend(order.iter().map(|(_, id)| *id));
        meter.free(order);
        Ok(tree)
    }

    /// Builds the subtree over `order`, whose first point gets number `start`; returns its node.
    fn split(&mut self, order: &mut [(Point, u32)], start: usize, parent: u32) -> u32 {
        let (mut low, mut high) = (order[0].0, order[0].0);
        for (point, _) in order.iter() {
            for axis in 0..2 {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
        let node = self.nodes.len() as u32;
        self.nodes.push(Node {
            low,
            high,
            start: start as u32,
            end: (start + order.len()) as u32,
            right: 0,
            parent,
        });
        if order.len() > LEAF {
            let axis = usize::from(high[1] - low[1] > high[0] - low[0]);
            // Blocks of points whose size and start are the same power of two are then whole subtrees.
            let middle = order.len().next_power_of_two() / 2;
            // Ties are broken by the other axis and the id, so that the tree does not depend on the sort.
            order.select_nth_unstable_by(middle, |(a, i), (b, j)| {
                let by_axis = a[axis].total_cmp(&b[axis]);
                by_axis.then(a[1 - axis].total_cmp(&b[1 - axis])).then(i.cmp(j))
            });
            let (left, right) = order.split_at_mut(middle);
            self.split(left, start, node);
            self.nodes[node as usize].right = self.split(right, start + middle, node);
        } else {
            order.sort_unstable_by(|(a, i), (b, j)| {
                let by_birth = a[0].total_cmp(&b[0]);
                by_birth.then(a[1].total_cmp(&b[1])).then(i.cmp(j))
            });
        }
        node
    }

    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// The cost of reaching the box of `node`: a lower bound for every point in it.
    fn reach(&self, node: u32, from: Point, cost: &Cost) -> f64 {
        let Node { low, high, .. } = &self.nodes[node as usize];
        let beside = |axis: usize| (low[axis] - from[axis]).max(from[axis] - high[axis]).max(0.0);
        cost.of(beside(0), beside(1))
    }

    /// The largest weight in every subtree, for [`Self::nearest`].
    pub fn heaviest(&self, weights: &[f64], heaviest: &mut Vec<f64>) {
        heaviest.clear();
        heaviest.resize(self.nodes.len(), f64::NEG_INFINITY);
        for (at, node) in self.nodes.iter().enumerate().rev() {
            heaviest[at] = if node.right == 0 {
                let leaf = &weights[node.start as usize..node.end as usize];
                leaf.iter().copied().fold(f64::NEG_INFINITY, f64::max)
            } else {
                heaviest[at + 1].max(heaviest[node.right as usize])
            };
        }
    }

    /// The `count` points with the least `cost - weight` below `bound`, ascending, into `found`; whoever is better by
    /// no more than `blur` may be missed.
    ///
    /// * `salt` — chooses among equals: queries with other salts find other copies of a repeated point
    /// * returns the nodes visited
    pub fn nearest(&self, query: &Query<'_>, count: usize, bound: f64, found: &mut Vec<Found>) -> usize {
        found.clear();
        let (mut bound, mut visited) = (bound, 0);
        if self.nodes.is_empty() {
            return 0;
        }
        let mut stack = [(0.0, 0_u32); 64];
        stack[0] = (self.least(0, query), 0);
        let mut depth = 1;
        while depth > 0 {
            depth -= 1;
            let (least, at) = stack[depth];
            if least >= bound - query.blur {
                continue;
            }
            visited += 1;
            let node = &self.nodes[at as usize];
            if node.right == 0 {
                self.nearest_in_leaf(node, query, count, &mut bound, found);
                continue;
            }
            let left = (self.least(at + 1, query), at + 1);
            let right = (self.least(node.right, query), node.right);
            let heads = (query.salt >> (at & 31)) & 1 == 1;
            let (near, far) = if left.0 < right.0 - query.blur || (left.0 < right.0 + query.blur && heads) {
                (left, right)
            } else {
                (right, left)
            };
            // A balanced tree over at most 2^32 points is at most 33 high, and each level leaves one node behind.
            stack[depth] = far;
            stack[depth + 1] = near;
            depth += 2;
        }
        visited
    }

    fn least(&self, node: u32, query: &Query<'_>) -> f64 {
        self.reach(node, query.from, query.cost) - query.heaviest[node as usize]
    }

    fn nearest_in_leaf(&self, node: &Node, query: &Query<'_>, count: usize, bound: &mut f64, found: &mut Vec<Found>) {
        for at in node.start..node.end {
            let cost = query.cost.between(query.from, self.points[at as usize]);
            let reduced = cost - query.weights[at as usize];
            if reduced >= *bound - query.blur {
                continue;
            }
            if found.len() == count {
                found.pop();
            }
            let place = found.partition_point(|other| other.reduced <= reduced);
            found.insert(place, Found { at, cost, reduced });
            if found.len() == count {
                *bound = found[count - 1].reduced;
            }
        }
    }

    /// A copy of the tree's shape from which points can be taken away.
    pub fn remaining(&self, meter: &mut Meter) -> Result<Remaining> {
        let mut leaf = meter.vec(self.points.len())?;
        leaf.resize(self.points.len(), 0);
        for (at, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.right == 0) {
            leaf[node.start as usize..node.end as usize].fill(at as u32);
        }
        let mut remaining = Remaining {
            present: meter.vec(self.points.len())?,
            left: meter.vec(self.nodes.len())?,
            leaf,
        };
        remaining.refill(self);
        Ok(remaining)
    }
}

/// What [`KdTree::nearest`] is asked.
pub(super) struct Query<'a> {
    pub from: Point,
    pub salt: u32,
    /// A difference that is only rounding.
    pub blur: f64,
    pub cost: &'a Cost,
    /// By point of the tree.
    pub weights: &'a [f64],
    /// From [`KdTree::heaviest`].
    pub heaviest: &'a [f64],
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// The point of the tree.
    pub at: u32,
    pub cost: f64,
    /// The cost without the weight of the point.
    pub reduced: f64,
}

/// The points of a tree that have not been taken away.
#[derive(Debug)]
pub(super) struct Remaining {
    present: Vec<bool>,
    /// The number of points left under each node.
    left: Vec<u32>,
    leaf: Vec<u32>,
}

impl Remaining {
    /// Brings all points back.
    pub fn refill(&mut self, tree: &KdTree) {
        self.present.clear();
        self.present.resize(tree.points.len(), true);
        self.left.clear();
        self.left.extend(tree.nodes.iter().map(|node| node.end - node.start));
    }

    pub fn has(&self, at: u32) -> bool {
        self.present[at as usize]
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.present);
        meter.free(self.left);
        meter.free(self.leaf);
    }

    pub fn remove(&mut self, tree: &KdTree, at: u32) {
        debug_assert!(self.present[at as usize], "point {at} was taken twice");
        self.present[at as usize] = false;
        let mut node = self.leaf[at as usize];
        loop {
            self.left[node as usize] -= 1;
            if node == 0 {
                return;
            }
            node = tree.nodes[node as usize].parent;
        }
    }

    /// The nearest point left with a cost of at most `bound`.
    ///
    /// With `any`, the first one met instead of the nearest, which is cheaper.
    pub fn nearest(&self, tree: &KdTree, from: Point, cost: &Cost, bound: f64, any: bool) -> Option<(u32, f64)> {
        let mut best = None;
        let mut bound = bound;
        let mut stack = [(0.0, 0_u32); 64];
        let mut depth = usize::from(!tree.nodes.is_empty());
        while depth > 0 {
            depth -= 1;
            let (reach, at) = stack[depth];
            let node = &tree.nodes[at as usize];
            // Equals of the best are no improvement.
            if self.left[at as usize] == 0 || reach > bound || (best.is_some() && reach == bound) {
                continue;
            }
            if node.right == 0 {
                for point in (node.start..node.end).filter(|point| self.present[*point as usize]) {
                    let found = cost.between(from, tree.points[point as usize]);
                    if found < bound || (found == bound && best.is_none()) {
                        (best, bound) = (Some((point, found)), found);
                    }
                }
                if any && best.is_some() {
                    return best;
                }
                continue;
            }
            let left = (tree.reach(at + 1, from, cost), at + 1);
            let right = (tree.reach(node.right, from, cost), node.right);
            let (near, far) = if left.0 <= right.0 {
                (left, right)
            } else {
                (right, left)
            };
            stack[depth] = far;
            stack[depth + 1] = near;
            depth += 2;
        }
        best
    }
}
