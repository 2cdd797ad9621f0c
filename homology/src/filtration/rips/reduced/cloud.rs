//! The points of a cloud in a kd-tree, with the ordinals between them.

use std::marker::PhantomData;
use std::ops::Range;

use super::edge::{Edge, is_before_at_vertex};
use super::kernel::Kernel;
use crate::limits::Meter;
use crate::spatial::KdTree;

/// Points under a metric. Vertices are the points in the order of the tree.
#[derive(Debug)]
pub(super) struct Cloud<K> {
    tree: KdTree,
    kernel: PhantomData<K>,
}

/// A vertex and the ordinal of the edge that leads to it.
pub(super) type Neighbor = (f64, u32);

impl<K: Kernel> Cloud<K> {
    pub fn new(tree: KdTree) -> Self {
        Self {
            tree,
            kernel: PhantomData,
        }
    }

    pub fn len(&self) -> usize {
        self.tree.len()
    }

    pub fn dimension(&self) -> usize {
        self.tree.dimension()
    }

    pub fn copy_point(&self, vertex: u32, into: &mut Vec<f64>) {
        self.tree.copy_point(vertex as usize, into);
    }

    pub fn coordinate(&self, vertex: u32, k: usize) -> f64 {
        self.tree.coordinate(vertex as usize, k)
    }

    #[inline]
    pub fn ordinal(&self, a: u32, b: u32) -> f64 {
        let difference = |k| (self.coordinate(a, k) - self.coordinate(b, k)).abs();
        K::finish((0..self.dimension()).fold(0.0, |sum, k| K::join(sum, difference(k))))
    }

    pub fn edge(&self, a: u32, b: u32) -> Edge {
        Edge::new(a, b, self.ordinal(a, b))
    }

    /// Appends all vertices within `limit` of `vertex`, in the order of the tree, without itself.
    pub fn neighbors(&self, vertex: u32, limit: f64, point: &[f64], into: &mut Vec<Neighbor>) {
        let mut ordinals = [0.0; BLOCK];
        self.tree.search(
            limit,
            |least, largest| to_box::<K>(point, least, largest),
            |range, _| {
                for_blocks(range, |block| {
                    let ordinals = &mut ordinals[..block.len()];
                    self.ordinals(point, block.clone(), ordinals);
                    for (other, ordinal) in block.zip(&*ordinals) {
                        if *ordinal <= limit && other != vertex as usize {
                            into.push((*ordinal, other as u32));
                        }
                    }
                });
            },
        );
    }

    /// The ordinals from `point` to a range of vertices.
    #[inline]
    fn ordinals(&self, point: &[f64], range: Range<usize>, ordinals: &mut [f64]) {
        ordinals_to::<K>(point, |k| &self.tree.column(k)[range.clone()], ordinals);
    }

    /// No ordinal is larger.
    pub fn largest_ordinal(&self) -> f64 {
        let (least, largest) = self.tree.bounds();
        to_box::<K>(least, largest, largest)
    }

    /// Whether the lune of an edge is empty.
    pub fn is_root(&self, edge: &Edge, scratch: &mut [Vec<f64>; 2]) -> bool {
        self.search_lune(edge, true, scratch).is_none()
    }

    /// The vertex of the lune of an edge whose farther end is nearest; `None` if the lune is empty.
    pub fn apex(&self, edge: &Edge, scratch: &mut [Vec<f64>; 2]) -> Option<u32> {
        self.search_lune(edge, false, scratch)
    }

    /// The first vertex in the lune that comes along if `any` will do, else the one whose farther end is nearest.
    fn search_lune(&self, edge: &Edge, any: bool, scratch: &mut [Vec<f64>; 2]) -> Option<u32> {
        let [a, b] = scratch;
        self.copy_point(edge.i, a);
        self.copy_point(edge.j, b);
        let (mut to_a, mut to_b) = ([0.0; BLOCK], [0.0; BLOCK]);
        let mut best: Option<Neighbor> = None;
        self.tree.search(
            edge.ordinal,
            |least, largest| to_box::<K>(a, least, largest).max(to_box::<K>(b, least, largest)),
            |range, limit| {
                for_blocks(range, |block| {
                    let (to_a, to_b) = (&mut to_a[..block.len()], &mut to_b[..block.len()]);
                    self.ordinals(a, block.clone(), to_a);
                    self.ordinals(b, block.clone(), to_b);
                    for ((c, ac), bc) in block.zip(&*to_a).zip(&*to_b) {
                        let c = c as u32;
                        let farther = ac.max(*bc);
                        let is_better = best.is_none_or(|best| (farther, c) < best);
                        if is_better
                            && c != edge.i
                            && c != edge.j
                            && is_before_at_vertex((*ac, c), (edge.ordinal, edge.j))
                            && is_before_at_vertex((*bc, c), (edge.ordinal, edge.i))
                        {
                            best = Some((farther, c));
                            *limit = if any { f64::NEG_INFINITY } else { limit.min(farther) };
                        }
                    }
                });
            },
        );
        best.map(|(_, apex)| apex)
    }

    /// The ordinal of the `count`-th nearest other vertex, or of the last one.
    pub fn nearest(&self, vertex: u32, count: usize) -> f64 {
        let mut point = Vec::new();
        self.copy_point(vertex, &mut point);
        let mut ordinals = [0.0; BLOCK];
        let mut nearest: Vec<f64> = Vec::with_capacity(count + 1);
        self.tree.search(
            f64::MAX,
            |least, largest| to_box::<K>(&point, least, largest),
            |range, limit| {
                for_blocks(range, |block| {
                    let ordinals = &mut ordinals[..block.len()];
                    self.ordinals(&point, block.clone(), ordinals);
                    for (other, ordinal) in block.zip(&*ordinals) {
                        if other == vertex as usize || (nearest.len() == count && *ordinal >= nearest[count - 1]) {
                            continue;
                        }
                        let at = nearest.partition_point(|kept| kept <= ordinal);
                        nearest.insert(at, *ordinal);
                        nearest.truncate(count);
                        if nearest.len() == count {
                            *limit = limit.min(nearest[count - 1]);
                        }
                    }
                });
            },
        );
        nearest.last().copied().unwrap_or(0.0)
    }

    /// Like [`Self::nearest`], of so many more that it is not 0 if that can be.
    pub fn nearest_positive(&self, vertex: u32, count: usize) -> f64 {
        let counts = std::iter::successors(Some(count), |count| Some(4 * count));
        let mut lengths = counts.map(|count| (self.nearest(vertex, count), count));
        let found = lengths.find(|(length, count)| *length > 0.0 || *count >= self.len());
        found.map_or(0.0, |(length, _)| length)
    }

    /// Whether there is a vertex after `vertex` with an ordinal above `low` and at most `high`.
    pub fn has_between(&self, vertex: u32, low: f64, high: f64) -> bool {
        let mut point = Vec::new();
        self.copy_point(vertex, &mut point);
        let mut found = false;
        let mut ordinals = [0.0; BLOCK];
        self.tree.search(
            high,
            |least, largest| {
                if to_far_corner::<K>(&point, least, largest) <= low {
                    f64::INFINITY
                } else {
                    to_box::<K>(&point, least, largest)
                }
            },
            |range, limit| {
                for_blocks(
                    range.start.max(vertex as usize + 1).min(range.end)..range.end,
                    |block| {
                        let ordinals = &mut ordinals[..block.len()];
                        self.ordinals(&point, block, ordinals);
                        found |= ordinals.iter().any(|ordinal| *ordinal > low && *ordinal <= high);
                    },
                );
                if found {
                    *limit = f64::NEG_INFINITY;
                }
            },
        );
        found
    }

    /// The ordinals from a vertex to all smaller ones.
    pub fn ordinals_below(&self, vertex: u32, ordinals: &mut [f64]) {
        let mut point = Vec::new();
        self.copy_point(vertex, &mut point);
        self.ordinals(&point, 0..vertex as usize, ordinals);
    }

    /// Appends the vertices with ordinals in the range `(above, up to)` that may be joined to `vertex` by an edge with
    /// an empty lune: those that none of the nearer vertices on the `screen` hides. Returns how often it looked.
    ///
    /// * `screen` — vertices not farther than the range, seen from `vertex`: `dimension` numbers each
    pub fn unhidden(&self, vertex: u32, range: (f64, f64), screen: &[f64], into: &mut Vec<u32>) -> usize {
        let mut view = View::<K>::new(self, vertex, screen);
        let mut candidates = Vec::new();
        let point = view.point.clone();
        self.tree.search(
            f64::MAX,
            |least, largest| {
                let nearest = to_box::<K>(&point, least, largest);
                if nearest > range.1 || view.is_hidden(least, largest) {
                    f64::INFINITY
                } else {
                    nearest
                }
            },
            |range, _| candidates.extend(range),
        );
        let mut other = Vec::new();
        for candidate in candidates {
            let ordinal = self.ordinal(vertex, candidate as u32);
            if ordinal > range.0 && ordinal <= range.1 {
                self.copy_point(candidate as u32, &mut other);
                if !view.is_hidden(&other, &other) {
                    into.push(candidate as u32);
                }
            }
        }
        view.looks
    }

    pub fn free(self, meter: &mut Meter) {
        self.tree.free(meter);
    }
}

/// What can be seen from a vertex past its neighbours.
#[derive(Debug)]
struct View<'a, K> {
    point: Vec<f64>,
    screen: &'a [f64],
    /// The neighbour that hid the last box: it will often hide the next.
    last: usize,
    looks: usize,
    /// The box, seen from the vertex.
    least: Vec<f64>,
    largest: Vec<f64>,
    kernel: PhantomData<K>,
}

impl<'a, K: Kernel> View<'a, K> {
    fn new(cloud: &Cloud<K>, vertex: u32, screen: &'a [f64]) -> Self {
        let mut point = Vec::new();
        cloud.copy_point(vertex, &mut point);
        let zeros = vec![0.0; point.len()];
        Self {
            point,
            screen,
            last: 0,
            looks: 0,
            least: zeros.clone(),
            largest: zeros,
            kernel: PhantomData,
        }
    }

    /// Whether some vertex of the screen is nearer than `vertex` to all points of a box.
    fn is_hidden(&mut self, least: &[f64], largest: &[f64]) -> bool {
        let dimension = self.point.len();
        for k in 0..dimension {
            self.least[k] = least[k] - self.point[k];
            self.largest[k] = largest[k] - self.point[k];
        }
        let count = self.screen.len() / dimension;
        for step in 0..count {
            let at = (self.last + step) % count;
            self.looks += 1;
            if K::all_nearer(&self.screen[at * dimension..][..dimension], &self.least, &self.largest) {
                self.last = at;
                return true;
            }
        }
        false
    }
}

/// Points whose ordinals are computed at a time.
const BLOCK: usize = 16;

fn for_blocks(range: Range<usize>, mut visit: impl FnMut(Range<usize>)) {
    for start in range.clone().step_by(BLOCK) {
        visit(start..range.end.min(start + BLOCK));
    }
}

/// The ordinals from `point` to points given by columns, each as long as `ordinals`.
#[inline]
pub(super) fn ordinals_to<'a, K: Kernel>(point: &[f64], column: impl Fn(usize) -> &'a [f64], ordinals: &mut [f64]) {
    ordinals.fill(0.0);
    for (k, x) in point.iter().enumerate() {
        for (sum, other) in ordinals.iter_mut().zip(column(k)) {
            *sum = K::join(*sum, (other - x).abs());
        }
    }
    for sum in ordinals {
        *sum = K::finish(*sum);
    }
}

/// A bound from above of the ordinals from a point to all points of a box.
#[inline]
fn to_far_corner<K: Kernel>(point: &[f64], least: &[f64], largest: &[f64]) -> f64 {
    let coordinates = point.iter().zip(least).zip(largest);
    K::finish(coordinates.fold(0.0, |sum, ((x, least), largest)| {
        K::join(sum, (x - least).abs().max((largest - x).abs()))
    }))
}

/// A bound from below of the ordinals from a point to all points of a box.
#[inline]
fn to_box<K: Kernel>(point: &[f64], least: &[f64], largest: &[f64]) -> f64 {
    let gaps = point.iter().zip(least).zip(largest);
    K::finish(gaps.fold(0.0, |sum, ((x, least), largest)| {
        K::join(sum, (least - x).max(x - largest).max(0.0))
    }))
}
