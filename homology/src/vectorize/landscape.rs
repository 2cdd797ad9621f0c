//! Functions made of tents: one over each pair, as high as half its persistence, at the middle of its life.

use std::f64::consts::SQRT_2;

use super::{Grid, check_power, finite_points, weight};
use crate::limits::Meter;
use crate::{Error, Limits, Pair, Result};

/// The highest, second highest, … tent at each value of a grid (Bubenik, "Statistical topological data analysis using
/// persistence landscapes", 2015), times `√2`, which is the convention of `gudhi.representations.Landscape`.
///
/// * cost: `O(n resolution)`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Landscape {
    pub grid: Grid,
    /// How many layers, at least 1; those beyond the number of pairs are 0.
    pub layers: usize,
}

impl Landscape {
    /// `layers * resolution` values, one layer after the other, the highest first.
    ///
    /// Fails without layers, if a pair is invalid, or at a limit.
    pub fn values(&self, pairs: &[Pair], limits: &Limits) -> Result<Vec<f64>> {
        if self.layers == 0 {
            return Err(Error::NoLayers);
        }
        let mut meter = Meter::new(limits);
        let points = finite_points(pairs, &mut meter)?;
        let resolution = self.grid.resolution();
        let count = self.layers.saturating_mul(resolution);
        let mut values: Vec<f64> = meter.vec(count)?;
        values.resize(count, 0.0);
        let mut heights: Vec<f64> = meter.vec(points.len())?;
        for (column, at) in self.grid.values().enumerate() {
            heights.clear();
            for block in points.chunks(1 << 12) {
                meter.work(block.len())?;
                heights.extend(
                    block
                        .iter()
                        .map(|point| tent(*point, at))
                        .filter(|height| *height > 0.0),
                );
            }
            let kept = self.layers.min(heights.len());
            if kept < heights.len() {
                heights.select_nth_unstable_by(kept, |x, y| y.total_cmp(x));
            }
            let highest = &mut heights[..kept];
            highest.sort_unstable_by(|x, y| y.total_cmp(x));
            for (layer, height) in highest.iter().enumerate() {
                values[layer * resolution + column] = SQRT_2 * height;
            }
        }
        Ok(values)
    }
}

/// The weighted mean of the tents at each value of a grid (Chazal, Fasy, Lecci, Rinaldo and Wasserman, "Stochastic
/// convergence of persistence landscapes and silhouettes", 2014), times `√2`, which is the convention of
/// `gudhi.representations.Silhouette`.
///
/// * cost: `O(n resolution)`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Silhouette {
    pub grid: Grid,
    /// A pair weighs `persistence ^ power`. Not negative; 0 weighs all alike.
    pub power: f64,
}

impl Silhouette {
    /// One value per value of the grid; all are 0 without finite pairs.
    ///
    /// Fails if the power is negative or not finite, a pair is invalid, or at a limit.
    pub fn values(&self, pairs: &[Pair], limits: &Limits) -> Result<Vec<f64>> {
        check_power(self.power)?;
        let mut meter = Meter::new(limits);
        let points = finite_points(pairs, &mut meter)?;
        let longest = points.iter().map(|[birth, death]| death - birth).fold(0.0, f64::max);
        // Relative to the longest, so that no power leaves the range of floats.
        let mut weights: Vec<f64> = meter.vec(points.len())?;
        weights.extend(
            points
                .iter()
                .map(|[birth, death]| weight((death - birth) / longest, self.power)),
        );
        let total: f64 = weights.iter().sum();
        let mut values: Vec<f64> = meter.vec(self.grid.resolution())?;
        values.resize(self.grid.resolution(), 0.0);
        for (value, at) in values.iter_mut().zip(self.grid.values()) {
            for (block, weights) in points.chunks(1 << 12).zip(weights.chunks(1 << 12)) {
                meter.work(block.len())?;
                let tents = block.iter().zip(weights);
                *value += tents
                    .map(|(point, weight)| weight / total * tent(*point, at))
                    .sum::<f64>();
            }
            *value *= SQRT_2;
        }
        Ok(values)
    }
}

fn tent([birth, death]: [f64; 2], at: f64) -> f64 {
    (at - birth).min(death - at).max(0.0)
}
