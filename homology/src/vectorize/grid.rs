//! Where functions of a diagram are sampled.

use crate::{Error, Result};

/// Evenly spaced values, both ends included, as `numpy.linspace(start, end, resolution)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    start: f64,
    end: f64,
    resolution: usize,
}

impl Grid {
    /// Fails if an end is not finite, `end` is before `start`, their distance exceeds the largest float, or there are
    /// no values.
    pub fn new(start: f64, end: f64, resolution: usize) -> Result<Self> {
        if start <= end && (end - start).is_finite() && resolution > 0 {
            return Ok(Self { start, end, resolution });
        }
        Err(Error::InvalidGrid { start, end, resolution })
    }

    /// The number of values, at least 1.
    pub fn resolution(&self) -> usize {
        self.resolution
    }

    /// The distance between neighbouring values; 0 if there is one.
    pub fn step(&self) -> f64 {
        if self.resolution == 1 {
            return 0.0;
        }
        (self.end - self.start) / (self.resolution - 1) as f64
    }

    /// The value at `index`.
    pub fn value(&self, index: usize) -> f64 {
        if index > 0 && index + 1 == self.resolution {
            // Not rounded.
            return self.end;
        }
        self.start + index as f64 * self.step()
    }

    /// All values, ascending.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        (0..self.resolution).map(|index| self.value(index))
    }

    /// The first index whose value is at least `bound`; the resolution if there is none.
    pub(super) fn first_from(&self, bound: f64) -> usize {
        let (mut low, mut high) = (0, self.resolution);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.value(middle) < bound {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}
