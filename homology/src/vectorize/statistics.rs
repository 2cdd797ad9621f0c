//! Plain numbers about a diagram.

use super::finite_points;
use crate::limits::Meter;
use crate::{Limits, Pair, Result};

/// The persistent entropy: `-Σ p ln p`, where `p` is the share of a finite pair in their total persistence.
///
/// 0 without finite pairs, `ln n` if all `n` are equally long. Agrees with `gudhi.representations.Entropy`. Fails if a
/// pair is invalid, or at a limit.
pub fn entropy(pairs: &[Pair], limits: &Limits) -> Result<f64> {
    let points = finite_points(pairs, &mut Meter::new(limits))?;
    Ok(entropy_shares(&points).sum())
}

/// `-p ln p` of each point.
pub(super) fn entropy_shares(points: &[[f64; 2]]) -> impl Iterator<Item = f64> {
    let longest = points.iter().map(|[birth, death]| death - birth).fold(0.0, f64::max);
    // Relative to the longest, so that the total is finite.
    let length = move |[birth, death]: &[f64; 2]| (death - birth) / longest;
    let total: f64 = points.iter().map(length).sum();
    points.iter().map(move |point| {
        let share = length(point) / total;
        if share == 0.0 { 0.0 } else { -share * share.ln() }
    })
}

/// Counts, and moments of the persistence of the finite pairs. Means are 0 without finite pairs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Statistics {
    /// Finite pairs of positive length.
    pub finite: usize,
    pub essential: usize,
    pub total_persistence: f64,
    pub longest: f64,
    pub mean_persistence: f64,
    /// The standard deviation of the persistence, of the population.
    pub deviation: f64,
    /// The mean birth, weighted by persistence.
    pub weighted_birth: f64,
    /// The mean death, weighted by persistence.
    pub weighted_death: f64,
}

impl Statistics {
    /// Fails if a pair is invalid, or at a limit.
    pub fn of(pairs: &[Pair], limits: &Limits) -> Result<Self> {
        let points = finite_points(pairs, &mut Meter::new(limits))?;
        let essential = pairs.iter().filter(|pair| pair.is_essential()).count();
        if points.is_empty() {
            return Ok(Self {
                essential,
                ..Self::default()
            });
        }
        let length = |[birth, death]: &[f64; 2]| death - birth;
        let count = points.len() as f64;
        let mean = points.iter().map(|point| length(point) / count).sum::<f64>();
        let longest = points.iter().map(length).fold(0.0, f64::max);
        let weighted = |axis: usize| {
            let parts = points.iter().map(|point| point[axis] * (length(point) / mean / count));
            parts.sum::<f64>()
        };
        let variance: f64 = points
            .iter()
            .map(|point| ((length(point) - mean) / longest).powi(2) / count)
            .sum();
        Ok(Self {
            finite: points.len(),
            essential,
            total_persistence: mean * count,
            longest,
            mean_persistence: mean,
            deviation: longest * variance.sqrt(),
            weighted_birth: weighted(0),
            weighted_death: weighted(1),
        })
    }
}
