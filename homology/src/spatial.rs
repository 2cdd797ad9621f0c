//! A balanced kd-tree over points, for searches whose bound may shrink on the way.

use std::ops::Range;

use crate::limits::Meter;
use crate::{PointCloud, Result};

/// Most points of a leaf.
const LEAF: usize = 12;

/// Points in the order of the tree: near points have near indices, and every node holds a range of them.
#[derive(Debug)]
pub(crate) struct KdTree {
    points: usize,
    dimension: usize,
    /// Coordinate `k` of point `p` is at `k * points + p`, so that loops over points are over adjacent numbers.
    columns: Vec<f64>,
    /// The row of the cloud that each point was.
    rows: Vec<u32>,
    /// Levels below the root. All leaves are on the last level.
    depth: u32,
    /// The least and the largest coordinates of the points of each node, level by level: `2 * dimension` numbers each.
    boxes: Vec<f64>,
}

/// A node to visit: where its box is, which points it holds, and how far they are at least.
#[derive(Debug, Clone, Copy)]
struct Visit {
    bound: f64,
    node: usize,
    start: usize,
    end: usize,
    level: u32,
}

impl KdTree {
    /// Cuts each node at the median of its widest coordinate. `O(n log² n)`; fails at a limit.
    ///
    /// The cloud has fewer than 2³² points.
    pub fn new(cloud: PointCloud<'_>, meter: &mut Meter) -> Result<Self> {
        let (points, dimension) = (cloud.len(), cloud.dimension());
        let mut depth = 0;
        while points.div_ceil(1 << depth) > LEAF {
            depth += 1;
        }
        let mut boxes = meter.vec(2 * dimension * ((2 << depth) - 1))?;
        boxes.resize(boxes.capacity(), 0.0);
        let mut rows: Vec<u32> = meter.vec(points)?;
        rows.extend(0..points as u32);
        let mut tree = Self {
            points,
            dimension,
            columns: Vec::new(),
            rows,
            depth,
            boxes,
        };
        let mut rows = std::mem::take(&mut tree.rows);
        if points > 0 {
            tree.cut(cloud, &mut rows, 0, 0, meter)?;
        }
        tree.columns = meter.vec(points * dimension)?;
        for k in 0..dimension {
            meter.work(points)?;
            tree.columns.extend(rows.iter().map(|row| cloud.row(*row as usize)[k]));
        }
        tree.rows = rows;
        Ok(tree)
    }

    /// Bounds `node` by its box and orders its rows, on this level and below.
    fn cut(
        &mut self,
        cloud: PointCloud<'_>,
        rows: &mut [u32],
        node: usize,
        level: u32,
        meter: &mut Meter,
    ) -> Result<()> {
        meter.work(rows.len())?;
        let (least, largest) =
            self.boxes[2 * self.dimension * node..][..2 * self.dimension].split_at_mut(self.dimension);
        least.fill(f64::INFINITY);
        largest.fill(f64::NEG_INFINITY);
        for row in rows.iter() {
            for (k, x) in cloud.row(*row as usize).iter().enumerate() {
                least[k] = least[k].min(*x);
                largest[k] = largest[k].max(*x);
            }
        }
        if level == self.depth {
            return Ok(());
        }
        let widest = (0..self.dimension).max_by(|a, b| (largest[*a] - least[*a]).total_cmp(&(largest[*b] - least[*b])));
        let axis = widest.unwrap_or(0);
        let middle = rows.len() / 2;
        let coordinate = |row: &u32| cloud.coordinates()[*row as usize * cloud.dimension() + axis];
        if middle < rows.len() {
            // The row as second key: the tree does not depend on how ties are broken inside the selection.
            rows.select_nth_unstable_by(middle, |a, b| coordinate(a).total_cmp(&coordinate(b)).then(a.cmp(b)));
        }
        let (low, high) = rows.split_at_mut(middle);
        self.cut(cloud, low, 2 * node + 1, level + 1, meter)?;
        self.cut(cloud, high, 2 * node + 2, level + 1, meter)
    }

    pub fn len(&self) -> usize {
        self.points
    }

    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The row of the cloud that `point` was.
    #[allow(dead_code, reason = "tests ask for it, and whoever names points to a caller")]
    pub fn row(&self, point: usize) -> usize {
        self.rows[point] as usize
    }

    /// The least and the largest coordinates of all points.
    pub fn bounds(&self) -> (&[f64], &[f64]) {
        self.boxes[..2 * self.dimension].split_at(self.dimension)
    }

    /// Coordinate `k` of all points.
    #[inline]
    pub fn column(&self, k: usize) -> &[f64] {
        &self.columns[k * self.points..(k + 1) * self.points]
    }

    #[inline]
    pub fn coordinate(&self, point: usize, k: usize) -> f64 {
        self.columns[k * self.points + point]
    }

    /// Writes the coordinates of `point`.
    #[inline]
    pub fn copy_point(&self, point: usize, into: &mut Vec<f64>) {
        into.clear();
        into.extend((0..self.dimension).map(|k| self.coordinate(point, k)));
    }

    /// Visits every leaf whose bound is not above `limit`, the nearer child of each node first.
    ///
    /// * `bound(least, largest)` — a lower bound of what is sought over a box, `INFINITY` to leave it out
    /// * `leaf(range, limit)` — looks at the points of one leaf and may lower the limit
    #[inline]
    pub fn search(
        &self,
        mut limit: f64,
        mut bound: impl FnMut(&[f64], &[f64]) -> f64,
        mut leaf: impl FnMut(Range<usize>, &mut f64),
    ) {
        /// Deeper than any tree over 32-bit indices.
        const STACK: usize = 40;
        let mut of_node = |node: usize| {
            let (least, largest) =
                self.boxes[2 * self.dimension * node..][..2 * self.dimension].split_at(self.dimension);
            bound(least, largest)
        };
        let root = Visit {
            bound: if self.points == 0 { f64::INFINITY } else { of_node(0) },
            node: 0,
            start: 0,
            end: self.points,
            level: 0,
        };
        let mut stack = [root; STACK];
        let mut height = 1;
        while height > 0 {
            height -= 1;
            let visit = stack[height];
            if visit.bound > limit || visit.bound == f64::INFINITY {
                continue;
            }
            if visit.level == self.depth {
                leaf(visit.start..visit.end, &mut limit);
                continue;
            }
            let middle = visit.start + (visit.end - visit.start) / 2;
            let child = |node, start, end, bound| Visit {
                bound,
                node,
                start,
                end,
                level: visit.level + 1,
            };
            let low = child(2 * visit.node + 1, visit.start, middle, of_node(2 * visit.node + 1));
            let high = child(2 * visit.node + 2, middle, visit.end, of_node(2 * visit.node + 2));
            let (near, far) = if high.bound < low.bound {
                (high, low)
            } else {
                (low, high)
            };
            if far.bound <= limit {
                stack[height] = far;
                height += 1;
            }
            if near.bound <= limit {
                stack[height] = near;
                height += 1;
            }
        }
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.columns);
        meter.free(self.rows);
        meter.free(self.boxes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Limits;

    /// Squared distance of a point to the nearest point of a box.
    fn gap(at: &[f64], least: &[f64], largest: &[f64]) -> f64 {
        let coordinate = |k: usize| (least[k] - at[k]).max(at[k] - largest[k]).max(0.0);
        (0..at.len()).map(|k| coordinate(k).powi(2)).sum()
    }

    proptest! {
        #[test]
        fn a_search_finds_the_points_within_its_limit(
            points in prop::collection::vec(-9..9_i32, 0..300),
            dimension in 1..4_usize,
            limit in 0..40_i32,
        ) {
            let cut = points.len() / dimension * dimension;
            let coordinates: Vec<f64> = points[..cut].iter().map(|x| f64::from(*x)).collect();
            let cloud = PointCloud::new(&coordinates, dimension).unwrap();
            let tree = KdTree::new(cloud, &mut Meter::new(&Limits::default())).unwrap();
            let at = vec![0.5; dimension];
            let limit = f64::from(limit);
            let mut found = Vec::new();
            let mut point = Vec::new();
            tree.search(limit, |least, largest| gap(&at, least, largest), |range, _| {
                for p in range {
                    tree.copy_point(p, &mut point);
                    if gap(&at, &point, &point) <= limit {
                        found.push(tree.row(p));
                    }
                }
            });
            found.sort_unstable();
            let expected: Vec<usize> = (0..cloud.len())
                .filter(|row| gap(&at, cloud.row(*row), cloud.row(*row)) <= limit)
                .collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_limit_that_shrinks_leads_to_the_nearest_point(
            points in prop::collection::vec((-99..99_i32, -99..99_i32), 1..300),
        ) {
            let coordinates: Vec<f64> = points.iter().flat_map(|(x, y)| [f64::from(*x), f64::from(*y)]).collect();
            let cloud = PointCloud::new(&coordinates, 2).unwrap();
            let tree = KdTree::new(cloud, &mut Meter::new(&Limits::default())).unwrap();
            let at = [3.25, -7.5];
            let mut nearest = f64::INFINITY;
            tree.search(f64::INFINITY, |least, largest| gap(&at, least, largest), |range, limit| {
                for p in range {
                    let point = cloud.row(tree.row(p));
                    nearest = nearest.min(gap(&at, point, point));
                }
                *limit = nearest;
            });
            let expected = cloud.rows().map(|point| gap(&at, point, point)).fold(f64::INFINITY, f64::min);
            prop_assert_eq!(nearest, expected);
        }
    }
}
