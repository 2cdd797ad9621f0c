//! Pairs of near points without a look at all pairs.

use std::ops::Range;

use super::Distances;
use crate::limits::Meter;
use crate::{PointCloud, Result};

/// Points of a range that are not divided further.
const LEAF: usize = 16;

/// An order of the rows in which near points are near in most places: ranges are halved again and again across their
/// widest coordinate. Costs `O(n log² n)` time.
pub(crate) fn spatial_order(cloud: PointCloud<'_>, meter: &mut Meter) -> Result<Vec<u32>> {
    let mut order: Vec<u32> = meter.vec(cloud.len())?;
    order.extend(0..cloud.len() as u32);
    let mut open = Vec::new();
    open.push(0..cloud.len());
    while let Some(range) = open.pop() {
        let Some((low, high)) = halves(&range) else { continue };
        meter.work(0)?;
        let rows = &mut order[range.clone()];
        let axis = widest(cloud, rows);
        let coordinate = |row: &u32| cloud.row(*row as usize)[axis];
        rows.select_nth_unstable_by(low.len(), |a, b| coordinate(a).total_cmp(&coordinate(b)));
        open.extend([low, high]);
    }
    Ok(order)
}

/// The two parts of a range of points, unless it is a leaf.
fn halves(range: &Range<usize>) -> Option<(Range<usize>, Range<usize>)> {
    let middle = range.start + range.len() / 2;
    (range.len() > LEAF).then_some((range.start..middle, middle..range.end))
}

fn widest(cloud: PointCloud<'_>, rows: &[u32]) -> usize {
    let spread = |axis: usize| {
        let values = rows.iter().map(|row| cloud.row(*row as usize)[axis]);
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), x| (x.min(low), x.max(high)));
        high - low
    };
    let axes = 0..cloud.dimension();
    axes.max_by(|a, b| spread(*a).total_cmp(&spread(*b))).unwrap_or(0)
}

/// Bounding boxes of the ranges of a cloud, halved down to leaves. Right for every order of the rows, fast for that of
/// [`spatial_order`].
#[derive(Debug)]
struct Boxes<'a, B> {
    /// The distance that a vector of differences, coordinate by coordinate, stands for; grows with each of them.
    norm: B,
    dimension: usize,
    /// Of node `k`, whose halves are `2k + 1` and `2k + 2`: the least and the greatest coordinates.
    corners: Vec<f64>,
    /// The differences between two boxes.
    gaps: Vec<f64>,
    cloud: PointCloud<'a>,
    threshold: f64,
}

/// Calls `visit(i, j, distance, meter)` for all pairs `i > j` of rows that are not farther apart than `threshold`, in no
/// order. Returns false, and visits nothing, if a distance may overflow.
///
/// `norm` is the distance that a vector of differences stands for.
pub(super) fn for_each_near_pair(
    cloud: PointCloud<'_>,
    distances: &impl Distances,
    norm: impl Fn(&[f64]) -> f64,
    threshold: f64,
    meter: &mut Meter,
    mut visit: impl FnMut(u32, u32, f64, &mut Meter) -> Result<()>,
) -> Result<bool> {
    let dimension = cloud.dimension();
    let nodes = 4 * cloud.len().div_ceil(LEAF).next_power_of_two();
    let mut boxes = Boxes {
        norm,
        dimension,
        corners: meter.vec(nodes * 2 * dimension)?,
        gaps: vec![0.0; dimension],
        cloud,
        // Bounds may round differently from distances.
        threshold: threshold * (1.0 + 1e-9),
    };
    boxes.corners.resize(nodes * 2 * dimension, 0.0);
    let root = (0, 0..cloud.len());
    boxes.enclose(&root);
    let finite = boxes.diameter().is_finite();
    let mut open = vec![(root.clone(), root)];
    while let Some((a, b)) = open.pop().filter(|_| finite) {
        if a.0 == b.0 {
            match halves(&a.1) {
                Some(_) => {
                    let (low, high) = children(&a);
                    open.extend([(low.clone(), low.clone()), (high.clone(), high.clone()), (low, high)]);
                }
                None => visit_pairs(distances, &a.1, &b.1, threshold, meter, &mut visit)?,
            }
        } else if boxes.apart(a.0, b.0) {
            meter.work(1)?;
        } else if halves(&a.1).is_some() && a.1.len() >= b.1.len() {
            let (low, high) = children(&a);
            open.extend([(low, b.clone()), (high, b)]);
        } else if halves(&b.1).is_some() {
            let (low, high) = children(&b);
            open.extend([(a.clone(), low), (a, high)]);
        } else {
            visit_pairs(distances, &a.1, &b.1, threshold, meter, &mut visit)?;
        }
    }
    meter.free(boxes.corners);
    Ok(finite)
}

/// A node of the tree and its points.
type Node = (usize, Range<usize>);

fn children((index, range): &Node) -> (Node, Node) {
    let middle = range.start + range.len() / 2;
    ((2 * index + 1, range.start..middle), (2 * index + 2, middle..range.end))
}

/// All near pairs of one row of `a` and one of `b`, which come later or are the same rows.
fn visit_pairs(
    distances: &impl Distances,
    a: &Range<usize>,
    b: &Range<usize>,
    threshold: f64,
    meter: &mut Meter,
    visit: &mut impl FnMut(u32, u32, f64, &mut Meter) -> Result<()>,
) -> Result<()> {
    for i in b.clone() {
        let end = a.end.min(i);
        meter.work(end - a.start)?;
        for j in a.start..end {
            let distance = distances.distance(i, j);
            if distance <= threshold {
                visit(i as u32, j as u32, distance, meter)?;
            }
        }
    }
    Ok(())
}

impl<B: Fn(&[f64]) -> f64> Boxes<'_, B> {
    /// Computes the boxes of a node and of all below.
    fn enclose(&mut self, node: &Node) {
        let d = self.dimension;
        let at = node.0 * 2 * d;
        if halves(&node.1).is_some() {
            let (low, high) = children(node);
            self.enclose(&low);
            self.enclose(&high);
            for axis in 0..d {
                let (a, b) = (low.0 * 2 * d + axis, high.0 * 2 * d + axis);
                self.corners[at + axis] = self.corners[a].min(self.corners[b]);
                self.corners[at + d + axis] = self.corners[a + d].max(self.corners[b + d]);
            }
            return;
        }
        let (least, greatest) = self.corners[at..at + 2 * d].split_at_mut(d);
        least.fill(f64::MAX);
        greatest.fill(f64::MIN);
        for row in node.1.clone() {
            for (axis, x) in self.cloud.row(row).iter().enumerate() {
                least[axis] = least[axis].min(*x);
                greatest[axis] = greatest[axis].max(*x);
            }
        }
    }

    /// A bound of all distances.
    fn diameter(&mut self) -> f64 {
        let (least, greatest) = self.corners[..2 * self.dimension].split_at(self.dimension);
        for ((gap, low), high) in self.gaps.iter_mut().zip(least).zip(greatest) {
            *gap = high - low;
        }
        (self.norm)(&self.gaps)
    }

    /// Whether no point of one box is near a point of the other.
    fn apart(&mut self, a: usize, b: usize) -> bool {
        let d = self.dimension;
        let (a, b) = (&self.corners[a * 2 * d..][..2 * d], &self.corners[b * 2 * d..][..2 * d]);
        for (axis, gap) in self.gaps.iter_mut().enumerate() {
            *gap = (b[axis] - a[d + axis]).max(a[axis] - b[d + axis]).max(0.0);
        }
        (self.norm)(&self.gaps) > self.threshold
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::distance::with_distances;
    use crate::{Limits, Metric};

    /// All pairs within `threshold`, by the tree and by a look at each.
    fn near_pairs(cloud: PointCloud<'_>, metric: Metric, threshold: f64) -> Result<[Vec<(u32, u32)>; 2]> {
        let mut meter = Meter::new(&Limits::default());
        with_distances!(cloud, metric, &mut meter, |distances| {
            let mut found = Vec::new();
            let is_finite = distances.for_each_near_pair(threshold, &mut meter, |i, j, distance, _| {
                assert_eq!(distance, distances.distance(i as usize, j as usize));
                found.push((i, j));
                Ok(())
            })?;
            assert!(is_finite);
            found.sort_unstable();
            let all = (0..cloud.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
            let near = all.filter(|(i, j)| distances.distance(*i, *j) <= threshold);
            Ok([found, near.map(|(i, j)| (i as u32, j as u32)).collect()])
        })
    }

    proptest! {
        #[test]
        fn the_pairs_within_a_threshold_are_found_in_every_metric_and_order(
            coordinates in prop::collection::vec((1..9_i32).prop_map(f64::from), 2 * 70),
            threshold in (0..6_i32).prop_map(f64::from),
            metric in prop::sample::select(vec![
                Metric::Euclidean, Metric::Manhattan, Metric::Chebyshev, Metric::Cosine,
            ]),
        ) {
            let cloud = PointCloud::new(&coordinates, 2).unwrap();
            let threshold = if metric == Metric::Cosine { threshold / 50.0 } else { threshold };
            let [found, expected] = near_pairs(cloud, metric, threshold).unwrap();
            prop_assert_eq!(found, expected);
            let order = spatial_order(cloud, &mut Meter::new(&Limits::default())).unwrap();
            let rows: Vec<f64> = order.iter().flat_map(|row| cloud.row(*row as usize)).copied().collect();
            let [found, expected] = near_pairs(PointCloud::new(&rows, 2).unwrap(), metric, threshold).unwrap();
            prop_assert_eq!(found, expected);
            let mut sorted = order;
            sorted.sort_unstable();
            prop_assert!(sorted.into_iter().eq(0..70));
        }
    }

    #[test]
    fn distances_that_may_overflow_are_left_to_a_look_at_all_pairs() {
        let cloud = PointCloud::new(&[f64::MAX, 0.0, -f64::MAX], 1).unwrap();
        let found = crate::distance::metric::euclidean_distances(cloud).for_each_near_pair(
            1.0,
            &mut Meter::new(&Limits::default()),
            |_, _, _, _| Ok(()),
        );
        assert_eq!(found, Ok(false));
    }
}
