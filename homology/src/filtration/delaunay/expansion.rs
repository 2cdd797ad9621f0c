//! Exact sums of floats.

use super::number::{fast_two_sum, two_product, two_sum};

/// A number as an exact sum of floats that do not overlap, in increasing order of magnitude, without zeros (Shewchuk,
/// *Adaptive precision floating-point arithmetic and fast robust geometric predicates*, 1997).
///
/// Exact as long as nothing overflows or underflows: the caller scales its input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expansion {
    parts: Vec<f64>,
}

impl Expansion {
    /// `high + low`, where `low` is the error of a rounded operation with the result `high`.
    pub fn of_two(high: f64, low: f64) -> Self {
        let mut parts = Vec::with_capacity(2);
        push_nonzero(&mut parts, low);
        push_nonzero(&mut parts, high);
        Self { parts }
    }

    /// The sign as −1, 0 or 1: that of the largest part.
    pub fn sign(&self) -> i8 {
        match self.parts.last() {
            None => 0,
            Some(part) if *part > 0.0 => 1,
            Some(_) => -1,
        }
    }

    pub fn approximate(&self) -> f64 {
        self.parts.iter().sum()
    }

    pub fn negated(&self) -> Self {
        Self {
            parts: self.parts.iter().map(|part| -part).collect(),
        }
    }

    /// Shewchuk's fast expansion sum: merges the parts by magnitude and carries the rounded sum along.
    pub fn sum(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.parts.iter().peekable(), other.parts.iter().peekable());
        let mut merged = std::iter::from_fn(|| match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if a.abs() < b.abs() => left.next(),
            (_, Some(_)) => right.next(),
            _ => left.next(),
        });
        let mut parts = Vec::with_capacity(self.parts.len() + other.parts.len());
        let Some(mut carry) = merged.next().copied() else {
            return Self { parts };
        };
        for part in merged {
            let (sum, error) = two_sum(carry, *part);
            push_nonzero(&mut parts, error);
            carry = sum;
        }
        push_nonzero(&mut parts, carry);
        Self { parts }
    }

    pub fn product(&self, other: &Self) -> Self {
        let (short, long) = if self.parts.len() < other.parts.len() {
            (self, other)
        } else {
            (other, self)
        };
        let mut product = Self { parts: Vec::new() };
        for factor in &short.parts {
            product = product.sum(&long.scaled(*factor));
        }
        product
    }

    /// Shewchuk's scale expansion.
    fn scaled(&self, factor: f64) -> Self {
        let mut parts = Vec::with_capacity(2 * self.parts.len());
        let mut carry = 0.0;
        for part in &self.parts {
            let (product, product_error) = two_product(*part, factor);
            let (sum, error) = two_sum(carry, product_error);
            push_nonzero(&mut parts, error);
            let (sum, error) = fast_two_sum(product, sum);
            push_nonzero(&mut parts, error);
            carry = sum;
        }
        push_nonzero(&mut parts, carry);
        Self { parts }
    }
}

fn push_nonzero(parts: &mut Vec<f64>, part: f64) {
    if part != 0.0 {
        parts.push(part);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[i32]) -> Expansion {
        let one = |value: &i32| Expansion::of_two(f64::from(*value) * 2.0_f64.powi(value % 90), 0.0);
        values
            .iter()
            .map(one)
            .fold(Expansion { parts: Vec::new() }, |sum, part| sum.sum(&part))
    }

    proptest! {
        #[test]
        fn sums_and_products_obey_the_laws_of_a_ring(
            a in prop::collection::vec(any::<i32>(), 0..6),
            b in prop::collection::vec(any::<i32>(), 0..6),
            c in prop::collection::vec(any::<i32>(), 0..6),
        ) {
            let (a, b, c) = (of(&a), of(&b), of(&c));
            let zero = |x: Expansion, y: Expansion| x.sum(&y.negated()).sign() == 0;
            prop_assert!(zero(a.sum(&b), b.sum(&a)));
            prop_assert!(zero(a.product(&b), b.product(&a)));
            prop_assert!(zero(a.sum(&b).sum(&c), a.sum(&b.sum(&c))));
            prop_assert!(zero(a.sum(&b).product(&c), a.product(&c).sum(&b.product(&c))));
        }
    }

    #[test]
    fn the_sign_of_a_tiny_rest_is_found() {
        let huge = Expansion::of_two(1e200, 0.0);
        let tiny = Expansion::of_two(-1e-200, 0.0);
        assert_eq!(huge.sum(&tiny).sum(&huge.negated()).sign(), -1);
        assert_eq!(huge.sum(&huge.negated()).sign(), 0);
    }
}
