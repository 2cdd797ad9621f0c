//! Persistence images.

use super::{Grid, check_power, finite_points, weight};
use crate::limits::Meter;
use crate::{Error, Limits, Pair, Result};

/// The sum of Gaussians around the pairs, in the plane of birth and persistence, at the crossings of two grids (Adams et
/// al., "Persistence images", 2017). Agrees with `gudhi.representations.PersistenceImage`.
///
/// * cost: `O(n (births + persistences))` exponentials, `O(n births persistences)` products
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PersistenceImage {
    /// The columns.
    pub births: Grid,
    /// The rows.
    pub persistences: Grid,
    /// The standard deviation of the Gaussians, in the unit of births; positive. Each has integral 1.
    pub bandwidth: f64,
    /// A pair weighs `persistence ^ power`. Not negative; 0 weighs all alike.
    pub power: f64,
}

impl PersistenceImage {
    /// The image, row by row, the lowest persistence first: `persistences * births` values.
    ///
    /// Fails if the bandwidth is not positive and finite, the power negative or not finite, a pair invalid, or at a
    /// limit.
    pub fn values(&self, pairs: &[Pair], limits: &Limits) -> Result<Vec<f64>> {
        if !(self.bandwidth > 0.0 && self.bandwidth.is_finite()) {
            return Err(Error::InvalidBandwidth { found: self.bandwidth });
        }
        check_power(self.power)?;
        let mut meter = Meter::new(limits);
        let points = finite_points(pairs, &mut meter)?;
        let (columns, rows) = (self.births.resolution(), self.persistences.resolution());
        let count = columns.saturating_mul(rows);
        let mut image: Vec<f64> = meter.vec(count)?;
        image.resize(count, 0.0);
        let mut along: Vec<f64> = meter.vec(columns)?;
        for [birth, death] in points {
            let persistence = death - birth;
            along.clear();
            along.extend(self.births.values().map(|value| self.gaussian(value - birth)));
            let weight = weight(persistence, self.power);
            for (row, value) in image.chunks_exact_mut(columns).zip(self.persistences.values()) {
                meter.work(columns)?;
                // A Gaussian of the plane is the product of one along each axis.
                let across = weight * self.gaussian(value - persistence);
                row.iter_mut()
                    .zip(&along)
                    .for_each(|(pixel, along)| *pixel += across * along);
            }
        }
        Ok(image)
    }

    /// The normal density.
    fn gaussian(&self, distance: f64) -> f64 {
        let scaled = distance / self.bandwidth;
        (-scaled * scaled / 2.0).exp() / (self.bandwidth * (2.0 * std::f64::consts::PI).sqrt())
    }
}
