//! Features of persistence diagrams: numbers and vectors of fixed length, for statistics and learning.
//!
//! A diagram is a slice of pairs, of which only births and deaths count: choose a dimension with
//! [`Diagram::of_dimension`](crate::Diagram::of_dimension). Except in the Betti curve and the counts, essential pairs
//! are left out; to let them count, give them a finite death first. Pairs of length 0 add nothing.
//!
//! Where `gudhi.representations` has the feature, values agree with it, given the same grid.
//!
//! ```
//! use homology::vectorize::{BettiCurve, Grid};
//! use homology::{Limits, Pair};
//!
//! let pair = |birth, death| Pair { dimension: 1, birth, death };
//! let curve = BettiCurve { grid: Grid::new(0.0, 4.0, 5)? };
//! let pairs = [pair(0.0, 2.0), pair(1.0, 3.5)];
//! assert_eq!(curve.values(&pairs, &Limits::default())?, [1.0, 2.0, 1.0, 1.0, 0.0]);
//! # Ok::<(), homology::Error>(())
//! ```

mod amplitude;
mod curves;
mod grid;
mod image;
mod landscape;
mod statistics;

pub use amplitude::Amplitude;
pub use curves::{BettiCurve, EntropyCurve};
pub use grid::Grid;
pub use image::PersistenceImage;
pub use landscape::{Landscape, Silhouette};
pub use statistics::{Statistics, entropy};

use crate::limits::Meter;
use crate::{Error, Pair, Result};

/// Birth and death of the finite pairs of positive length.
fn finite_points(pairs: &[Pair], meter: &mut Meter) -> Result<Vec<[f64; 2]>> {
    let mut points = meter.vec(pairs.len())?;
    meter.work(pairs.len())?;
    for (at, pair) in pairs.iter().enumerate() {
        pair.check(at)?;
        if !pair.is_essential() && pair.birth < pair.death {
            points.push([pair.birth, pair.death]);
        }
    }
    Ok(points)
}

/// `persistence ^ power`, the weight of a pair; all weigh 1 with power 0.
fn weight(persistence: f64, power: f64) -> f64 {
    if power == 0.0 { 1.0 } else { persistence.powf(power) }
}

fn check_power(power: f64) -> Result<()> {
    if power.is_finite() && power >= 0.0 {
        return Ok(());
    }
    Err(Error::InvalidPower { found: power })
}
