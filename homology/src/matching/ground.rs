//! What it costs to move a point of a diagram to another, or to the diagonal.

use crate::{Error, Result};

/// Birth and death.
pub(super) type Point = [f64; 2];

/// The `order`-th power of the ground norm, of differences scaled to about 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    /// A power of two, so that scaling is exact.
    scale: f64,
    norm: f64,
    order: f64,
    kind: Kind,
}

/// The cases that need no power function.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Maximum,
    MaximumSquared,
    Manhattan,
    Euclidean,
    EuclideanSquared,
    General,
}

impl Cost {
    /// The cost for points whose persistence, and essential pairs whose births, differ by at most `largest`.
    ///
    /// * `norm` — the exponent of the ground norm, infinite for the maximum norm
    /// * `order` — the exponent of the cost
    ///
    /// Fails if an exponent is not at least 1 or `order` is infinite.
    pub fn new(order: f64, norm: f64, largest: f64) -> Result<Self> {
        if !(order >= 1.0 && order.is_finite()) {
            return Err(Error::InvalidOrder { found: order });
        }
        if norm.is_nan() || norm < 1.0 {
            return Err(Error::InvalidGroundNorm { found: norm });
        }
        let kind = if norm == f64::INFINITY && order == 1.0 {
            Kind::Maximum
        } else if norm == f64::INFINITY && order == 2.0 {
            Kind::MaximumSquared
        } else if norm == 1.0 && order == 1.0 {
            Kind::Manhattan
        } else if norm == 2.0 && order == 1.0 {
            Kind::Euclidean
        } else if norm == 2.0 && order == 2.0 {
            Kind::EuclideanSquared
        } else {
            Kind::General
        };
        Ok(Self {
            scale: scale_of(largest),
            norm,
            order,
            kind,
        })
    }

    /// The cost of bridging the differences `x` and `y`, neither of them negative.
    #[inline(always)]
    pub fn of(&self, x: f64, y: f64) -> f64 {
        let (x, y) = (x * self.scale, y * self.scale);
        match self.kind {
            Kind::Maximum => x.max(y),
            Kind::MaximumSquared => {
                let longer = x.max(y);
                longer * longer
            }
            Kind::Manhattan => x + y,
            Kind::Euclidean => (x * x + y * y).sqrt(),
            Kind::EuclideanSquared => x * x + y * y,
            Kind::General => self.general(x, y),
        }
    }

    #[inline(never)]
    fn general(&self, x: f64, y: f64) -> f64 {
        let (longer, shorter) = (x.max(y), x.min(y));
        if longer == 0.0 || longer == f64::INFINITY || self.norm == f64::INFINITY {
            return longer.powf(self.order);
        }
        let length = longer * (1.0 + (shorter / longer).powf(self.norm)).powf(1.0 / self.norm);
        length.powf(self.order)
    }

    #[inline(always)]
    pub fn between(&self, a: Point, b: Point) -> f64 {
        self.of((a[0] - b[0]).abs(), (a[1] - b[1]).abs())
    }

    /// The cost of moving `point` to the nearest point of the diagonal.
    pub fn to_diagonal(self, point: Point) -> f64 {
        let half = (point[1] - point[0]) / 2.0;
        if self.norm == 1.0 {
            // Any way to the diagonal is as long as the pair; halving would lose the last bit of tiny pairs.
            return self.of(point[1] - point[0], 0.0);
        }
        self.of(half, half)
    }

    /// The distance whose parts cost `total`.
    pub fn distance(&self, total: f64) -> f64 {
        let root = if self.order == 1.0 {
            total
        } else {
            total.powf(1.0 / self.order)
        };
        root / self.scale
    }

    /// What costs of `other` are multiplied with to become costs of `self`; `None` if the exponents differ.
    pub fn relative_to(&self, other: &Self) -> Option<f64> {
        let same = self.norm == other.norm && self.order == other.order;
        same.then(|| (self.scale / other.scale).powf(self.order))
    }
}

/// The power of two that brings `largest` to about 1.
fn scale_of(largest: f64) -> f64 {
    if largest == 0.0 {
        return 1.0;
    }
    let exponent = largest.log2().floor().clamp(-1000.0, 1000.0);
    2.0_f64.powi(-exponent as i32)
}
