//! Four floats at a time.
//!
//! Comparisons that fill a set bit by bit are not turned into vector instructions by the compiler, so they are spelled
//! out where every processor of a kind has them.

#[cfg(target_arch = "x86_64")]
mod vector {
    // SAFETY, of every block here: these instructions are part of SSE, which every x86-64 processor has. They touch no
    // memory.
    use std::arch::x86_64::{
        __m128, _mm_and_ps, _mm_cmpeq_ps, _mm_cmple_ps, _mm_cmplt_ps, _mm_max_ps, _mm_movemask_ps, _mm_or_ps,
        _mm_set1_ps, _mm_setr_ps,
    };

    #[derive(Debug, Clone, Copy)]
    pub struct Lanes(__m128);

    /// One truth value for each lane.
    #[derive(Debug, Clone, Copy)]
    pub struct Mask(__m128);

    impl Lanes {
        #[inline(always)]
        pub fn load(values: &[f32; 4]) -> Self {
            Self(unsafe { _mm_setr_ps(values[0], values[1], values[2], values[3]) })
        }

        #[inline(always)]
        pub fn all(value: f32) -> Self {
            Self(unsafe { _mm_set1_ps(value) })
        }

        #[inline(always)]
        pub fn max(self, other: Self) -> Self {
            Self(unsafe { _mm_max_ps(self.0, other.0) })
        }

        #[inline(always)]
        pub fn below(self, other: Self) -> Mask {
            Mask(unsafe { _mm_cmplt_ps(self.0, other.0) })
        }

        #[inline(always)]
        pub fn not_above(self, other: Self) -> Mask {
            Mask(unsafe { _mm_cmple_ps(self.0, other.0) })
        }

        #[inline(always)]
        pub fn equal(self, other: Self) -> Mask {
            Mask(unsafe { _mm_cmpeq_ps(self.0, other.0) })
        }
    }

    impl Mask {
        #[inline(always)]
        pub fn none() -> Self {
            Self(unsafe { _mm_set1_ps(0.0) })
        }

        #[inline(always)]
        pub fn and(self, other: Self) -> Self {
            Self(unsafe { _mm_and_ps(self.0, other.0) })
        }

        #[inline(always)]
        pub fn or(self, other: Self) -> Self {
            Self(unsafe { _mm_or_ps(self.0, other.0) })
        }

        /// One bit for each lane.
        #[inline(always)]
        pub fn bits(self) -> u64 {
            unsafe { _mm_movemask_ps(self.0) as u64 }
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod vector {
    use std::array::from_fn;

    #[derive(Debug, Clone, Copy)]
    pub struct Lanes([f32; 4]);

    /// One truth value for each lane.
    #[derive(Debug, Clone, Copy)]
    pub struct Mask([bool; 4]);

    impl Lanes {
        #[inline(always)]
        pub fn load(values: &[f32; 4]) -> Self {
            Self(*values)
        }

        #[inline(always)]
        pub fn all(value: f32) -> Self {
            Self([value; 4])
        }

        #[inline(always)]
        pub fn max(self, other: Self) -> Self {
            Self(from_fn(|lane| self.0[lane].max(other.0[lane])))
        }

        #[inline(always)]
        pub fn below(self, other: Self) -> Mask {
            Mask(from_fn(|lane| self.0[lane] < other.0[lane]))
        }

        #[inline(always)]
        pub fn not_above(self, other: Self) -> Mask {
            Mask(from_fn(|lane| self.0[lane] <= other.0[lane]))
        }

        #[inline(always)]
        pub fn equal(self, other: Self) -> Mask {
            Mask(from_fn(|lane| self.0[lane] == other.0[lane]))
        }
    }

    impl Mask {
        #[inline(always)]
        pub fn none() -> Self {
            Self([false; 4])
        }

        #[inline(always)]
        pub fn and(self, other: Self) -> Self {
            Self(from_fn(|lane| self.0[lane] & other.0[lane]))
        }

        #[inline(always)]
        pub fn or(self, other: Self) -> Self {
            Self(from_fn(|lane| self.0[lane] | other.0[lane]))
        }

        /// One bit for each lane.
        #[inline(always)]
        pub fn bits(self) -> u64 {
            (0..)
                .zip(self.0)
                .fold(0, |bits, (lane, holds)| bits | u64::from(holds) << lane)
        }
    }
}

pub(super) use vector::{Lanes, Mask};

/// Values compared at once; rows are padded to a multiple of this.
pub(super) const BLOCK: usize = 16;

/// Bit `i` is set if `test` holds for `values[i]`; at most 64 values, in whole blocks.
#[inline(always)]
pub(super) fn compare(values: &[f32], test: impl Fn(Lanes) -> Mask) -> u64 {
    let mut bits = 0;
    for (at, block) in values.as_chunks::<BLOCK>().0.iter().enumerate() {
        bits |= join(quarters(block).map(&test)) << (BLOCK * at);
    }
    bits
}

/// Bit `i` is set if `test` holds for `a[i]` and `b[i]`.
#[inline(always)]
pub(super) fn compare_both(a: &[f32], b: &[f32], mut test: impl FnMut(Lanes, Lanes) -> Mask) -> u64 {
    let mut bits = 0;
    for (at, (a, b)) in a
        .as_chunks::<BLOCK>()
        .0
        .iter()
        .zip(b.as_chunks::<BLOCK>().0)
        .enumerate()
    {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (quarters(a), quarters(b));
        bits |= join([test(a0, b0), test(a1, b1), test(a2, b2), test(a3, b3)]) << (BLOCK * at);
    }
    bits
}

#[inline(always)]
fn quarters(block: &[f32; BLOCK]) -> [Lanes; 4] {
    let (quarters, _) = block.as_chunks::<4>();
    [0, 1, 2, 3].map(|at| Lanes::load(&quarters[at]))
}

#[inline(always)]
fn join([a, b, c, d]: [Mask; 4]) -> u64 {
    a.bits() | b.bits() << 4 | c.bits() << 8 | d.bits() << 12
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_set_where_the_test_holds() {
        let values: Vec<f32> = (0..64).map(|at| ((at * 37) % 64) as f32).collect();
        let reversed: Vec<f32> = values.iter().rev().copied().collect();
        let expected = |holds: &dyn Fn(usize) -> bool| (0..64).fold(0, |bits, at| bits | u64::from(holds(at)) << at);
        let bound = Lanes::all(20.0);
        assert_eq!(
            compare(&values, |lanes| lanes.below(bound)),
            expected(&|at| values[at] < 20.0)
        );
        assert_eq!(
            compare(&values, |lanes| lanes.equal(bound)),
            expected(&|at| values[at] == 20.0)
        );
        assert_eq!(
            compare(&values, |lanes| lanes.below(bound).or(lanes.equal(bound))),
            compare(&values, |lanes| lanes.not_above(bound)),
        );
        assert_eq!(
            compare_both(&values, &reversed, |a, b| a.max(b).not_above(bound).and(a.below(b))),
            expected(&|at| values[at].max(reversed[at]) <= 20.0 && values[at] < reversed[at]),
        );
        assert_eq!(compare(&values[..16], |_| Mask::none()), 0);
        let mut infinite = [f32::MAX; 16];
        infinite[1] = f32::INFINITY;
        assert_eq!(
            compare(&infinite, |lanes| lanes.below(Lanes::all(f32::INFINITY))),
            0xFFFD
        );
    }
}
