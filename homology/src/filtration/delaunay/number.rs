//! Numbers of growing precision, so that one formula serves as a fast guess, a good one and the exact answer.

use super::expansion::Expansion;

/// A ring in which polynomials of coordinates are evaluated.
pub(crate) trait Number: Clone {
    /// `a − b`.
    fn difference(a: f64, b: f64) -> Self;
    fn plus(&self, other: &Self) -> Self;
    fn minus(&self, other: &Self) -> Self;
    fn times(&self, other: &Self) -> Self;
    /// The nearest 64-bit float or one beside it.
    fn value(&self) -> f64;
}

impl Number for f64 {
    #[inline(always)]
    fn difference(a: f64, b: f64) -> Self {
        a - b
    }

    #[inline(always)]
    fn plus(&self, other: &Self) -> Self {
        self + other
    }

    #[inline(always)]
    fn minus(&self, other: &Self) -> Self {
        self - other
    }

    #[inline(always)]
    fn times(&self, other: &Self) -> Self {
        self * other
    }

    #[inline(always)]
    fn value(&self) -> f64 {
        *self
    }
}

/// The unevaluated sum of two floats, the second at most half a unit in the last place of the first.
///
/// Differences of floats are exact, sums and products have a relative error below 2⁻¹⁰³ (Joldes, Muller and Popescu,
/// *Tight and rigorous error bounds for basic building blocks of double-word arithmetic*, 2017).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Double {
    high: f64,
    low: f64,
}

impl Number for Double {
    #[inline]
    fn difference(a: f64, b: f64) -> Self {
        let (high, low) = two_sum(a, -b);
        Self { high, low }
    }

    #[inline]
    fn plus(&self, other: &Self) -> Self {
        let (high, error) = two_sum(self.high, other.high);
        let (low, low_error) = two_sum(self.low, other.low);
        let (high, error) = fast_two_sum(high, error + low);
        let (high, low) = fast_two_sum(high, error + low_error);
        Self { high, low }
    }

    #[inline]
    fn minus(&self, other: &Self) -> Self {
        self.plus(&Self {
            high: -other.high,
            low: -other.low,
        })
    }

    #[inline]
    fn times(&self, other: &Self) -> Self {
        let (high, error) = two_product(self.high, other.high);
        let (high, low) = fast_two_sum(high, error + (self.high * other.low + self.low * other.high));
        Self { high, low }
    }

    #[inline]
    fn value(&self) -> f64 {
        self.high
    }
}

impl Number for Expansion {
    fn difference(a: f64, b: f64) -> Self {
        let (high, low) = two_sum(a, -b);
        Self::of_two(high, low)
    }

    fn plus(&self, other: &Self) -> Self {
        self.sum(other)
    }

    fn minus(&self, other: &Self) -> Self {
        self.sum(&other.negated())
    }

    fn times(&self, other: &Self) -> Self {
        self.product(other)
    }

    fn value(&self) -> f64 {
        self.approximate()
    }
}

/// The rounded sum and its error (Knuth).
#[inline]
pub(super) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_virtual = sum - a;
    let a_virtual = sum - b_virtual;
    (sum, (a - a_virtual) + (b - b_virtual))
}

/// The same where `|a| ≥ |b|` or `a` is 0 (Dekker).
#[inline]
pub(super) fn fast_two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    (sum, b - (sum - a))
}

/// The rounded product and its error (Dekker, Veltkamp). Not with a fused multiplication, which is a function call on
/// machines that may lack it.
#[inline]
pub(super) fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
    let error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low);
    (product, error)
}

/// Two halves of 26 bits each.
#[inline]
fn split(a: f64) -> (f64, f64) {
    const SPLITTER: f64 = 134_217_729.0; // 2²⁷ + 1
    let scaled = SPLITTER * a;
    let high = scaled - (scaled - a);
    (high, a - high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `(a − b)(c − d) − (e − f)`, for any precision.
    fn formula<T: Number>(x: &[f64; 6]) -> T {
        let product = T::difference(x[0], x[1]).times(&T::difference(x[2], x[3]));
        product.minus(&T::difference(x[4], x[5]))
    }

    proptest! {
        #[test]
        fn integers_are_exact_in_every_precision(x in prop::array::uniform6(-1000_i64..1000)) {
            let exact = ((x[0] - x[1]) * (x[2] - x[3]) - (x[4] - x[5])) as f64;
            let x = x.map(|value| value as f64);
            prop_assert_eq!(formula::<f64>(&x), exact);
            prop_assert_eq!(formula::<Double>(&x).value(), exact);
            prop_assert_eq!(formula::<Expansion>(&x).value(), exact);
        }

        #[test]
        fn two_floats_come_near_to_the_exact_value(x in prop::array::uniform6(-1.0_f64..1.0)) {
            let exact: Expansion = formula(&x);
            let double: Double = formula(&x);
            let error = exact.minus(&Expansion::of_two(double.high, double.low)).value();
            prop_assert!(error.abs() <= 8.0 * 2.0_f64.powi(-103), "{error:e}");
        }
    }

    #[test]
    fn what_a_float_loses_an_expansion_keeps() {
        // (1 + 2⁻⁵²)² − (1 + 2⁻⁵¹) = 2⁻¹⁰⁴.
        let near_one = 1.0 + f64::EPSILON;
        let x = [near_one, 0.0, near_one, 0.0, 1.0 + 2.0 * f64::EPSILON, 0.0];
        assert_eq!(formula::<f64>(&x), 0.0);
        assert_eq!(formula::<Expansion>(&x).value(), 2.0_f64.powi(-104));
    }
}
