//! Metrics on the rows of a point cloud.

use super::{Distances, near};
use crate::limits::Meter;
use crate::{Error, PointCloud, Result};

/// How far apart two points are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Metric {
    /// Square root of the sum of squared differences.
    #[default]
    Euclidean,
    /// Sum of absolute differences.
    Manhattan,
    /// Largest absolute difference.
    Chebyshev,
    /// 1 − cos of the angle between the points seen from the origin, in 0..=2. Not defined for the zero vector, and
    /// not a metric: the triangle inequality fails.
    Cosine,
}

impl Metric {
    /// The distance between two rows, the same as [`with_distances`] gives; for cosine two rows of [`unit_rows`].
    #[inline]
    pub(crate) fn between(self, a: &[f64], b: &[f64]) -> f64 {
        match self {
            Metric::Euclidean => euclidean(a, b),
            Metric::Manhattan => manhattan(a, b),
            Metric::Chebyshev => chebyshev(a, b),
            Metric::Cosine => cosine(a, b),
        }
    }
}

/// The distances between the rows of a cloud under one function, which is inlined into the loops over pairs.
#[derive(Debug)]
pub(crate) struct CloudDistances<'a, F> {
    coordinates: &'a [f64],
    dimension: usize,
    points: usize,
    between: F,
}

impl<F: Fn(&[f64], &[f64]) -> f64> CloudDistances<'_, F> {
    fn row(&self, index: usize) -> &[f64] {
        &self.coordinates[index * self.dimension..(index + 1) * self.dimension]
    }
}

impl<F: Fn(&[f64], &[f64]) -> f64> Distances for CloudDistances<'_, F> {
    fn len(&self) -> usize {
        self.points
    }

    #[inline]
    fn distance(&self, i: usize, j: usize) -> f64 {
        (self.between)(self.row(i), self.row(j))
    }

    fn refuse_infinite(&self, i: usize, j: usize) -> Result<()> {
        Err(Error::DistanceOverflow { row: i, column: j })
    }

    fn for_each_near_pair(
        &self,
        threshold: f64,
        meter: &mut Meter,
        visit: impl FnMut(u32, u32, f64, &mut Meter) -> Result<()>,
    ) -> Result<bool> {
        let cloud = PointCloud::new(self.coordinates, self.dimension)?;
        let origin = vec![0.0; self.dimension];
        // Every metric here is a function of the differences alone.
        let norm = |differences: &[f64]| (self.between)(differences, &origin);
        near::for_each_near_pair(cloud, self, norm, threshold, meter, visit)
    }
}

/// Evaluates `$body` with `$distances` bound to the distances of `$cloud` under `$metric`. A macro, because those of
/// each metric are a type of their own.
macro_rules! with_distances {
    ($cloud:expr, $metric:expr, $meter:expr, |$distances:ident| $body:expr) => {{
        use $crate::distance::metric;
        let cloud: $crate::PointCloud<'_> = $cloud;
        match $metric {
            $crate::Metric::Euclidean => {
                let $distances = &metric::euclidean_distances(cloud);
                $body
            }
            $crate::Metric::Manhattan => {
                let $distances = &metric::manhattan_distances(cloud);
                $body
            }
            $crate::Metric::Chebyshev => {
                let $distances = &metric::chebyshev_distances(cloud);
                $body
            }
            $crate::Metric::Cosine => {
                let units = metric::unit_rows(cloud, $meter)?;
                let $distances = &metric::cosine_distances($crate::PointCloud::new(&units, cloud.dimension())?);
                $body
            }
        }
    }};
}
pub(crate) use with_distances;

pub(crate) fn euclidean_distances(cloud: PointCloud<'_>) -> CloudDistances<'_, impl Fn(&[f64], &[f64]) -> f64> {
    CloudDistances::of(cloud, euclidean)
}

pub(crate) fn manhattan_distances(cloud: PointCloud<'_>) -> CloudDistances<'_, impl Fn(&[f64], &[f64]) -> f64> {
    CloudDistances::of(cloud, manhattan)
}

pub(crate) fn chebyshev_distances(cloud: PointCloud<'_>) -> CloudDistances<'_, impl Fn(&[f64], &[f64]) -> f64> {
    CloudDistances::of(cloud, chebyshev)
}

/// Between the rows of [`unit_rows`].
pub(crate) fn cosine_distances(units: PointCloud<'_>) -> CloudDistances<'_, impl Fn(&[f64], &[f64]) -> f64> {
    CloudDistances::of(units, cosine)
}

/// The rows scaled to length 1. Fails with [`Error::ZeroVector`], or at the memory limit.
pub(crate) fn unit_rows(cloud: PointCloud<'_>, meter: &mut Meter) -> Result<Vec<f64>> {
    let mut units = meter.vec(cloud.coordinates().len())?;
    for (row, point) in cloud.rows().enumerate() {
        let largest = point.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        if largest == 0.0 {
            return Err(Error::ZeroVector { row });
        }
        // Scaled to the largest coordinate first, or the squares of very large and small numbers would be lost.
        let length = point.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt();
        units.extend(point.iter().map(|x| x / largest / length));
    }
    Ok(units)
}

impl<'a, F: Fn(&[f64], &[f64]) -> f64> CloudDistances<'a, F> {
    fn of(cloud: PointCloud<'a>, between: F) -> Self {
        Self {
            coordinates: cloud.coordinates(),
            dimension: cloud.dimension(),
            points: cloud.len(),
            between,
        }
    }
}

#[inline]
fn differences(a: &[f64], b: &[f64]) -> impl Iterator<Item = f64> {
    a.iter().zip(b).map(|(x, y)| (x - y).abs())
}

#[inline]
fn manhattan(a: &[f64], b: &[f64]) -> f64 {
    differences(a, b).sum()
}

#[inline]
fn chebyshev(a: &[f64], b: &[f64]) -> f64 {
    differences(a, b).fold(0.0, f64::max)
}

/// Of rows of length 1.
#[inline]
fn cosine(a: &[f64], b: &[f64]) -> f64 {
    // |u − v|² = 2 − 2 cos: exactly 0 for equal rows, exact for small angles, never negative.
    (differences(a, b).map(|x| x * x).sum::<f64>() / 2.0).min(2.0)
}

#[inline]
fn euclidean(a: &[f64], b: &[f64]) -> f64 {
    /// Below this the squares of small differences lose digits; terms lost above it are too small to matter.
    const SAFE: f64 = 1e-280;
    let squared: f64 = differences(a, b).map(|x| x * x).sum();
    if (SAFE..=f64::MAX).contains(&squared) {
        squared.sqrt()
    } else {
        euclidean_scaled(a, b)
    }
}

/// Euclidean distance where squares overflow or underflow.
#[cold]
fn euclidean_scaled(a: &[f64], b: &[f64]) -> f64 {
    let largest = differences(a, b).fold(0.0, f64::max);
    if largest == 0.0 || largest.is_infinite() {
        return largest;
    }
    largest * differences(a, b).map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(metric: Metric, a: &[f64], b: &[f64]) -> Result<f64> {
        let coordinates = [a, b].concat();
        let cloud = PointCloud::new(&coordinates, a.len())?;
        let mut meter = Meter::new(&crate::Limits::default());
        with_distances!(cloud, metric, &mut meter, |distances| Ok(distances.distance(1, 0)))
    }

    #[test]
    fn metrics_agree_with_their_definitions() {
        let (a, b) = ([1.0, 2.0], [4.0, -2.0]);
        assert_eq!(distance(Metric::Euclidean, &a, &b), Ok(5.0));
        assert_eq!(distance(Metric::Manhattan, &a, &b), Ok(7.0));
        assert_eq!(distance(Metric::Chebyshev, &a, &b), Ok(4.0));
        assert_eq!(distance(Metric::Cosine, &a, &b), Ok(1.0));
        assert!((distance(Metric::Cosine, &[1.0, 1.0], &[-2.0, -2.0]).unwrap() - 2.0).abs() < 1e-15);
        assert_eq!(distance(Metric::Cosine, &[0.1, 0.7], &[0.2, 1.4]), Ok(0.0));
    }

    #[test]
    fn squares_that_do_not_fit_are_scaled() {
        for scale in [1e-300, 1e-170, 1e170, 1e300] {
            let found = distance(Metric::Euclidean, &[3.0 * scale, 0.0], &[0.0, 4.0 * scale]).unwrap();
            assert!((found / (5.0 * scale) - 1.0).abs() < 1e-15, "{found} at {scale}");
        }
        assert_eq!(
            distance(Metric::Euclidean, &[f64::MAX], &[-f64::MAX]),
            Ok(f64::INFINITY)
        );
    }

    #[test]
    fn the_zero_vector_has_no_cosine_distance() {
        assert_eq!(
            distance(Metric::Cosine, &[1.0, 0.0], &[0.0, 0.0]),
            Err(Error::ZeroVector { row: 1 })
        );
    }
}
