//! Few points that stand for many.

use crate::distance::{Distances, with_distances};
use crate::limits::Meter;
use crate::{Error, Limits, Metric, PointCloud, Result};

/// A subset of a point cloud that comes near to every point.
#[derive(Debug, Clone, PartialEq)]
pub struct Landmarks {
    /// The rows of the landmarks, in the order in which they were chosen.
    pub indices: Vec<usize>,
    /// The largest distance of a point to its nearest landmark.
    ///
    /// For a metric that obeys the triangle inequality, the Rips diagram of the landmarks is within twice this distance
    /// (bottleneck) of the diagram of the cloud.
    pub covering_radius: f64,
}

impl Landmarks {
    /// The coordinates of the landmarks, row-major.
    pub fn coordinates(&self, cloud: PointCloud<'_>) -> Vec<f64> {
        self.indices
            .iter()
            .flat_map(|index| cloud.row(*index))
            .copied()
            .collect()
    }
}

/// Chooses `count` landmarks, each as far as possible from those before it (de Silva and Carlsson's max-min); the
/// first is row `start`. Among points equally far the first is taken.
///
/// Fewer are returned if they already cover every point at distance 0. Costs `count` times the number of points.
/// Fails with [`Error::UnknownStart`], if a distance overflows, or at a limit.
pub fn max_min(
    cloud: PointCloud<'_>,
    metric: Metric,
    count: usize,
    start: usize,
    limits: &Limits,
) -> Result<Landmarks> {
    if cloud.is_empty() || count == 0 {
        return Ok(Landmarks {
            indices: Vec::new(),
            covering_radius: if cloud.is_empty() { 0.0 } else { f64::INFINITY },
        });
    }
    if start >= cloud.len() {
        return Err(Error::UnknownStart {
            start,
            points: cloud.len(),
        });
    }
    let mut meter = Meter::new(limits);
    with_distances!(cloud, metric, &mut meter, |distances| choose(
        distances, count, start, &mut meter
    ))
}

fn choose(distances: &impl Distances, count: usize, start: usize, meter: &mut Meter) -> Result<Landmarks> {
    let mut indices = Vec::new();
    let mut to_landmarks: Vec<f64> = meter.vec(distances.len())?;
    to_landmarks.resize(distances.len(), f64::INFINITY);
    let (mut next, mut covering_radius) = (start, f64::INFINITY);
    while indices.len() < count && covering_radius > 0.0 {
        meter.push(&mut indices, next)?;
        let landmark = next;
        covering_radius = 0.0;
        for (start_of_block, block) in (0..).step_by(BLOCK).zip(to_landmarks.chunks_mut(BLOCK)) {
            meter.work(block.len())?;
            for (point, nearest) in (start_of_block..).zip(block) {
                let distance = distance_between(distances, landmark, point)?;
                *nearest = nearest.min(distance);
                if *nearest > covering_radius {
                    (next, covering_radius) = (point, *nearest);
                }
            }
        }
    }
    Ok(Landmarks {
        indices,
        covering_radius,
    })
}

/// Distances computed between two looks at the limits.
const BLOCK: usize = 1 << 12;

fn distance_between(distances: &impl Distances, a: usize, b: usize) -> Result<f64> {
    if a == b {
        return Ok(0.0);
    }
    let (i, j) = (a.max(b), a.min(b));
    let distance = distances.distance(i, j);
    if distance == f64::INFINITY {
        distances.refuse_infinite(i, j)?;
    }
    Ok(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_line(points: &[f64], count: usize) -> Landmarks {
        let cloud = PointCloud::new(points, 1).unwrap();
        max_min(cloud, Metric::Euclidean, count, 0, &Limits::default()).unwrap()
    }

    #[test]
    fn each_landmark_is_the_farthest_from_those_before() {
        let landmarks = of_line(&[0.0, 1.0, 10.0, 4.0, 6.0], 3);
        assert_eq!(
            landmarks,
            Landmarks {
                indices: vec![0, 2, 3],
                covering_radius: 2.0
            }
        );
    }

    #[test]
    fn repeated_points_need_one_landmark() {
        assert_eq!(
            of_line(&[5.0; 4], 3),
            Landmarks {
                indices: vec![0],
                covering_radius: 0.0
            }
        );
        assert_eq!(
            of_line(&[1.0, 2.0], 9),
            Landmarks {
                indices: vec![0, 1],
                covering_radius: 0.0
            }
        );
        assert_eq!(
            of_line(&[], 2),
            Landmarks {
                indices: vec![],
                covering_radius: 0.0
            }
        );
    }

    #[test]
    fn a_start_outside_the_cloud_is_refused() {
        let cloud = PointCloud::new(&[0.0, 1.0], 1).unwrap();
        let found = max_min(cloud, Metric::Euclidean, 1, 2, &Limits::default());
        assert_eq!(found, Err(Error::UnknownStart { start: 2, points: 2 }));
    }
}
