//! Step functions: at every value of a grid, a sum over the pairs alive there.

use super::statistics::entropy_shares;
use super::{Grid, finite_points};
use crate::limits::Meter;
use crate::{Limits, Pair, Result};

/// The number of classes alive at each value of a grid; a pair is alive from its birth on, until before its death.
///
/// Essential pairs are counted from their birth on. Agrees with `gudhi.representations.BettiCurve`.
///
/// * cost: `O(n log resolution + resolution)`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BettiCurve {
    pub grid: Grid,
}

impl BettiCurve {
    /// One count per value of the grid. Fails if a pair is invalid or at a limit.
    pub fn values(&self, pairs: &[Pair], limits: &Limits) -> Result<Vec<f64>> {
        let mut meter = Meter::new(limits);
        let mut steps = Steps::new(self.grid, &mut meter)?;
        for (at, pair) in pairs.iter().enumerate() {
            meter.work(1)?;
            pair.check(at)?;
            steps.add(pair.birth, pair.death, 1.0);
        }
        Ok(steps.into_values())
    }
}

/// The entropy of the pairs alive at each value of a grid: the sum of `-p ln p`, where `p` is the share of a pair in the
/// total persistence of all (Atienza, Gonzalez-Diaz and Soriano-Trigueros, "On the stability of persistent entropy and
/// new summary functions for TDA", 2020).
///
/// A pair is alive from its birth on, until before its death. Without finite pairs all values are 0. Agrees with
/// `gudhi.representations.Entropy(mode="vector")`.
///
/// * cost: `O(n log resolution + resolution)`
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EntropyCurve {
    pub grid: Grid,
    /// Whether the values are divided by their sum, unless that is 0.
    pub normalized: bool,
}

impl EntropyCurve {
    /// One value per value of the grid. Fails if a pair is invalid or at a limit.
    pub fn values(&self, pairs: &[Pair], limits: &Limits) -> Result<Vec<f64>> {
        let mut meter = Meter::new(limits);
        let points = finite_points(pairs, &mut meter)?;
        let mut values = meter.vec(self.grid.resolution())?;
        values.resize(self.grid.resolution(), 0.0);
        for ([birth, death], share) in points.iter().zip(entropy_shares(&points)) {
            let alive = self.grid.first_from(*birth)..self.grid.first_from(*death);
            meter.work(alive.len() + 1)?;
            // Added one by one: sums of differences would leave rounding where nothing is alive.
            values[alive].iter_mut().for_each(|value| *value += share);
        }
        let sum: f64 = values.iter().sum();
        if self.normalized && sum > 0.0 {
            values.iter_mut().for_each(|value| *value /= sum);
        }
        Ok(values)
    }
}

/// A step function, as its differences.
struct Steps {
    grid: Grid,
    differences: Vec<f64>,
}

impl Steps {
    fn new(grid: Grid, meter: &mut Meter) -> Result<Self> {
        let mut differences = meter.vec(grid.resolution() + 1)?;
        differences.resize(grid.resolution() + 1, 0.0);
        Ok(Self { grid, differences })
    }

    fn add(&mut self, birth: f64, death: f64, height: f64) {
        self.differences[self.grid.first_from(birth)] += height;
        self.differences[self.grid.first_from(death)] -= height;
    }

    fn into_values(mut self) -> Vec<f64> {
        let mut sum = 0.0;
        for difference in &mut self.differences {
            sum += *difference;
            *difference = sum;
        }
        self.differences.truncate(self.grid.resolution());
        self.differences
    }
}
