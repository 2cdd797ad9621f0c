//! The prime fields in which homology is computed.

use crate::{Error, Result};

/// Arithmetic modulo a prime. Elements are the representatives `0..p`.
pub(crate) trait Field: Copy {
    /// Bits that hold a coefficient inside a key; 0 where every coefficient is 1.
    fn bits(self) -> u32;
    fn add(self, a: u32, b: u32) -> u32;
    fn multiply(self, a: u32, b: u32) -> u32;
    fn negate(self, a: u32) -> u32;
    /// The inverse of `a`, which is not 0.
    fn inverse(self, a: u32) -> u32;
}

/// Z/2: no signs and no coefficients, so that the compiler leaves them out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Two;

impl Field for Two {
    #[inline]
    fn bits(self) -> u32 {
        0
    }

    #[inline]
    fn add(self, a: u32, b: u32) -> u32 {
        a ^ b
    }

    #[inline]
    fn multiply(self, a: u32, b: u32) -> u32 {
        a & b
    }

    #[inline]
    fn negate(self, a: u32) -> u32 {
        a
    }

    #[inline]
    fn inverse(self, a: u32) -> u32 {
        a
    }
}

/// Z/p for a prime below 2¹⁶, so that products fit in 32 bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prime {
    modulus: u32,
}

impl Prime {
    /// Fails with [`Error::NotPrime`].
    pub fn new(modulus: u16) -> Result<Self> {
        let p = u32::from(modulus);
        let composite = (2..).take_while(|d| d * d <= p).any(|d| p.is_multiple_of(d));
        if p < 2 || composite {
            Err(Error::NotPrime { found: modulus })
        } else {
            Ok(Self { modulus: p })
        }
    }
}

impl Field for Prime {
    #[inline]
    fn bits(self) -> u32 {
        u32::BITS - (self.modulus - 1).leading_zeros()
    }

    #[inline]
    fn add(self, a: u32, b: u32) -> u32 {
        (a + b) % self.modulus
    }

    #[inline]
    fn multiply(self, a: u32, b: u32) -> u32 {
        a * b % self.modulus
    }

    #[inline]
    fn negate(self, a: u32) -> u32 {
        if a == 0 { 0 } else { self.modulus - a }
    }

    fn inverse(self, a: u32) -> u32 {
        // Fermat: a^(p - 2) is the inverse of a.
        let (mut power, mut exponent, mut inverse) = (a, self.modulus - 2, 1);
        while exponent > 0 {
            if exponent & 1 == 1 {
                inverse = self.multiply(inverse, power);
            }
            power = self.multiply(power, power);
            exponent >>= 1;
        }
        inverse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_times_its_inverse_is_one() {
        for p in [2, 3, 5, 7, 11, 251] {
            let field = Prime::new(p).unwrap();
            for a in 1..u32::from(p) {
                assert_eq!(field.multiply(a, field.inverse(a)), 1, "{a} modulo {p}");
                assert_eq!(field.add(a, field.negate(a)), 0);
            }
        }
        let largest = Prime::new(65521).unwrap();
        assert_eq!(largest.multiply(65520, largest.inverse(65520)), 1);
    }

    #[test]
    fn composite_moduli_are_refused() {
        for composite in [0, 1, 4, 9, 15, 65535] {
            assert!(matches!(Prime::new(composite), Err(Error::NotPrime { found }) if found == composite));
        }
    }
}
