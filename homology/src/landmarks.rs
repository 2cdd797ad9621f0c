//! Few points that stand for many.

use std::cmp::Ordering;

use crate::distance::{Distances, with_distances};
use crate::limits::Meter;
use crate::{Error, Limits, Metric, PointCloud, Result};

/// A subset of a point cloud that comes near to every point.
#[derive(Debug, Clone, PartialEq)]
pub struct Landmarks {
    /// The rows of the landmarks, in the order in which they were chosen.
    pub indices: Vec<usize>,
    /// The largest distance of a point to its nearest landmark.
    pub covering_radius: f64,
}

impl Landmarks {
    /// How far, in bottleneck distance, the Rips diagram of the landmarks can be from that of the cloud: twice the
    /// covering radius. Holds for metrics that obey the triangle inequality, which the cosine distance does not.
    pub fn rips_error_bound(&self) -> f64 {
        2.0 * self.covering_radius
    }

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
/// first is row `start`. Among points equally far the lexicographically smallest is taken, and the first of its
/// repetitions, so that only `start` depends on the order of the points.
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
        cloud, distances, count, start, &mut meter
    ))
}

/// Chooses `count` of the distinct points at random, each set of that size as likely as any other. The same `seed`
/// chooses the same points, whatever their order; a larger `count` keeps the points of a smaller one.
///
/// Fewer are returned if there are fewer distinct points. Costs `count` times the number of points, for the covering
/// radius. Fails if a distance overflows, or at a limit.
pub fn random(cloud: PointCloud<'_>, metric: Metric, count: usize, seed: u64, limits: &Limits) -> Result<Landmarks> {
    let mut meter = Meter::new(limits);
    let indices = sample(cloud, count, seed, &mut meter)?;
    let covering_radius = with_distances!(cloud, metric, &mut meter, |distances| covering_radius(
        distances, &indices, &mut meter
    ))?;
    Ok(Landmarks {
        indices,
        covering_radius,
    })
}

/// [`max_min`] under the Euclidean metric from the lexicographically smallest point.
pub(crate) fn max_min_from_lowest(cloud: PointCloud<'_>, count: usize, meter: &mut Meter) -> Result<Vec<usize>> {
    let lowest = (0..cloud.len()).min_by(|a, b| compare(cloud, *a, *b));
    match lowest {
        Some(start) if count > 0 => {
            let distances = &crate::distance::metric::euclidean_distances(cloud);
            choose(cloud, distances, count, start, meter).map(|landmarks| landmarks.indices)
        }
        _ => Ok(Vec::new()),
    }
}

/// The rows that [`random`] chooses: those of the least hashes, a sample by the bottom of a random order.
pub(crate) fn sample(cloud: PointCloud<'_>, count: usize, seed: u64, meter: &mut Meter) -> Result<Vec<usize>> {
    let mut hashed: Vec<(u64, usize)> = meter.vec(cloud.len())?;
    for (row, point) in cloud.rows().enumerate() {
        meter.work(1)?;
        hashed.push((hash(point, seed), row));
    }
    let order =
        |a: &(u64, usize), b: &(u64, usize)| a.0.cmp(&b.0).then_with(|| compare(cloud, a.1, b.1)).then(a.1.cmp(&b.1));
    hashed.sort_unstable_by(order);
    hashed.dedup_by(|later, first| later.0 == first.0 && compare(cloud, later.1, first.1).is_eq());
    let mut rows = meter.vec(count.min(hashed.len()))?;
    rows.extend(hashed.iter().take(count).map(|entry| entry.1));
    meter.free(hashed);
    Ok(rows)
}

/// A hash of the coordinates, equal for equal points (SplitMix64, coordinate by coordinate).
fn hash(point: &[f64], seed: u64) -> u64 {
    point.iter().fold(mix(seed), |hash, x| {
        // Adding 0 turns -0 into 0.
        mix(hash ^ (x + 0.0).to_bits())
    })
}

fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The lexicographic order of two rows.
fn compare(cloud: PointCloud<'_>, a: usize, b: usize) -> Ordering {
    let (a, b) = (cloud.row(a), cloud.row(b));
    a.partial_cmp(b).expect("coordinates of a point cloud are finite")
}

fn choose(
    cloud: PointCloud<'_>,
    distances: &impl Distances,
    count: usize,
    start: usize,
    meter: &mut Meter,
) -> Result<Landmarks> {
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
                let is_next = *nearest > covering_radius
                    || *nearest == covering_radius && covering_radius > 0.0 && compare(cloud, point, next).is_lt();
                if is_next {
                    (next, covering_radius) = (point, *nearest);
                }
            }
        }
    }
    meter.free(to_landmarks);
    Ok(Landmarks {
        indices,
        covering_radius,
    })
}

fn covering_radius(distances: &impl Distances, landmarks: &[usize], meter: &mut Meter) -> Result<f64> {
    let mut covering_radius = 0.0_f64;
    for point in 0..distances.len() {
        meter.work(landmarks.len())?;
        let mut nearest = f64::INFINITY;
        for landmark in landmarks {
            nearest = nearest.min(distance_between(distances, *landmark, point)?);
        }
        covering_radius = covering_radius.max(nearest);
    }
    Ok(covering_radius)
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

    fn line(points: &[f64]) -> PointCloud<'_> {
        PointCloud::new(points, 1).unwrap()
    }

    fn sampled(points: &[f64], count: usize, seed: u64) -> Vec<f64> {
        let chosen = random(line(points), Metric::Euclidean, count, seed, &Limits::default()).unwrap();
        chosen.coordinates(line(points))
    }

    #[test]
    fn a_seed_chooses_the_same_points_in_any_order() {
        let points: Vec<f64> = (0..50).map(f64::from).collect();
        let backwards: Vec<f64> = points.iter().rev().copied().collect();
        let chosen = sampled(&points, 8, 7);
        assert_eq!(chosen, sampled(&backwards, 8, 7));
        assert_eq!(chosen[..5], sampled(&points, 5, 7));
        assert_ne!(chosen, sampled(&points, 8, 8));
    }

    #[test]
    fn every_point_is_chosen_about_equally_often() {
        let points: Vec<f64> = (0..10).map(f64::from).collect();
        let mut times = [0; 10];
        for seed in 0..2000 {
            sampled(&points, 3, seed)
                .iter()
                .for_each(|point| times[*point as usize] += 1);
        }
        // 600 each, with a standard deviation of 20.
        assert!(times.iter().all(|times| (500..700).contains(times)), "{times:?}");
    }

    #[test]
    fn random_landmarks_are_distinct_points_and_their_radius_covers_all() {
        assert_eq!(sampled(&[0.0, -0.0, 3.0, 0.0, 3.0], 5, 1).len(), 2);
        assert!(sampled(&[], 5, 1).is_empty());
        let points = [0.0, 1.0, 10.0, 4.0];
        for seed in 0..20 {
            let chosen = random(line(&points), Metric::Euclidean, 2, seed, &Limits::default()).unwrap();
            let nearest = |point: &f64| {
                let to = chosen.indices.iter().map(|row| (points[*row] - point).abs());
                to.fold(f64::INFINITY, f64::min)
            };
            let radius = points.iter().map(nearest).fold(0.0, f64::max);
            assert_eq!(chosen.covering_radius, radius);
            assert_eq!(chosen.rips_error_bound(), 2.0 * radius);
        }
    }

    #[test]
    fn among_equally_far_points_the_order_of_the_rows_does_not_matter() {
        let chosen = |points: &[f64]| {
            let rows = max_min_from_lowest(line(points), 3, &mut Meter::new(&Limits::default())).unwrap();
            rows.iter().map(|row| points[*row]).collect::<Vec<_>>()
        };
        let expected = [0.0, 8.0, 4.0];
        assert_eq!(chosen(&[0.0, 2.0, 4.0, 6.0, 8.0]), expected);
        assert_eq!(chosen(&[6.0, 8.0, 4.0, 0.0, 2.0]), expected);
        // 1 and 3 are equally far from 0, 2 and 4.
        assert_eq!(chosen(&[3.0, 1.0, 2.0, 0.0]), [0.0, 3.0, 1.0]);
        assert_eq!(chosen(&[0.0, 1.0, 2.0, 3.0]), [0.0, 3.0, 1.0]);
    }
}
