//! How large a diagram is, as one number.

use super::{Landscape, Silhouette, finite_points};
use crate::limits::Meter;
use crate::matching::Wasserstein;
use crate::{Error, Limits, Pair, Result};

/// The distance of the finite pairs of a diagram to the empty diagram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amplitude {
    /// The bottleneck distance: half the longest persistence.
    Bottleneck,
    /// The Wasserstein distance with this order and ground norm; the tolerance is not used.
    Wasserstein(Wasserstein),
    /// The `order`-norm of the landscape on its grid, as a sum over all layers and values times the step of the grid.
    Landscape { landscape: Landscape, order: f64 },
    /// The `order`-norm of the silhouette on its grid, as a sum over its values times the step of the grid.
    Silhouette { silhouette: Silhouette, order: f64 },
}

impl Amplitude {
    /// Not negative; 0 without finite pairs.
    ///
    /// Fails if a parameter is out of its range, a pair is invalid, or at a limit.
    pub fn value(&self, pairs: &[Pair], limits: &Limits) -> Result<f64> {
        match self {
            Self::Bottleneck => {
                let points = finite_points(pairs, &mut Meter::new(limits))?;
                Ok(points
                    .iter()
                    .map(|[birth, death]| (death - birth) / 2.0)
                    .fold(0.0, f64::max))
            }
            Self::Wasserstein(wasserstein) => {
                let points = finite_points(pairs, &mut Meter::new(limits))?;
                let finite = points.into_iter().map(|[birth, death]| death - birth);
                wasserstein.of_persistences(finite.collect())
            }
            Self::Landscape { landscape, order } => {
                let values = landscape.values(pairs, limits)?;
                norm(&values, landscape.grid.step(), *order)
            }
            Self::Silhouette { silhouette, order } => {
                let values = silhouette.values(pairs, limits)?;
                norm(&values, silhouette.grid.step(), *order)
            }
        }
    }
}

/// `(Σ |value|^order · step)^(1/order)`, the largest value if the order is infinite.
fn norm(values: &[f64], step: f64, order: f64) -> Result<f64> {
    if order.is_nan() || order < 1.0 {
        return Err(Error::InvalidOrder { found: order });
    }
    let largest = values.iter().copied().fold(0.0, f64::max);
    if order == f64::INFINITY || largest == 0.0 {
        return Ok(largest);
    }
    // Relative to the largest, so that no power leaves the range of floats.
    let sum: f64 = values.iter().map(|value| (value / largest).powf(order)).sum();
    Ok(largest * (sum * step).powf(1.0 / order))
}
