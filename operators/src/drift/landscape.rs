//! The distance between the landscapes of two diagrams.

use homology::vectorize::{Grid, Landscape};
use homology::{Limits, Pair, Result};

/// Values along the range of both diagrams.
const RESOLUTION: usize = 1000;
/// Layers that are compared; those further down are low.
const LAYERS: usize = 5;

/// The `order`-norm of the difference of both landscapes, sampled from the first birth to the last death of both. Classes
/// that never die are left out.
pub fn distance(order: f64, a: &[Pair], b: &[Pair], limits: &Limits) -> Result<f64> {
    let finite = a.iter().chain(b).filter(|pair| !pair.is_essential());
    let range = finite
        .map(|pair| (pair.birth, pair.death))
        .reduce(|(low, high), (birth, death)| (low.min(birth), high.max(death)));
    let Some((low, high)) = range else {
        return Ok(0.0);
    };
    let landscape = Landscape {
        grid: Grid::new(low, high, RESOLUTION)?,
        layers: LAYERS,
    };
    let (of_a, of_b) = (landscape.values(a, limits)?, landscape.values(b, limits)?);
    let differences = of_a.iter().zip(&of_b).map(|(a, b)| (a - b).abs());
    let largest = differences.clone().fold(0.0, f64::max);
    if largest == 0.0 {
        return Ok(0.0);
    }
    // Relative to the largest, so that no power leaves the range of floats.
    let sum: f64 = differences.map(|difference| (difference / largest).powf(order)).sum();
    Ok(largest * (sum * landscape.grid.step()).powf(1.0 / order))
}
