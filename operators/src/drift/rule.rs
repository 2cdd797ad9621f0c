//! When a distance is a drift. Pure.

/// The rule of a drift operator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    None,
    /// Above a fixed distance.
    Above(f64),
    /// So many standard deviations above the mean of the distances before it, once there are `warm_up` of them.
    Deviations {
        deviations: f64,
        warm_up: u64,
    },
}

/// Mean and variance of the distances of one key so far (Welford, *Note on a method for calculating corrected sums of
/// squares and products*, 1962). Infinite distances are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

/// Bytes of encoded moments.
pub const MOMENTS_BYTES: usize = 24;

impl Moments {
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.count += 1;
        let from_mean = value - self.mean;
        self.mean += from_mean / self.count as f64;
        self.squares += from_mean * (value - self.mean);
    }

    /// The standard deviation of the values as a sample.
    fn deviation(&self) -> f64 {
        (self.squares / (self.count.max(2) - 1) as f64).sqrt()
    }

    pub fn encode(&self) -> [u8; MOMENTS_BYTES] {
        let mut bytes = [0; MOMENTS_BYTES];
        bytes[..8].copy_from_slice(&self.count.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.mean.to_le_bytes());
        bytes[16..].copy_from_slice(&self.squares.to_le_bytes());
        bytes
    }

    pub fn decode(bytes: [u8; MOMENTS_BYTES]) -> Self {
        let word = |at: usize| -> [u8; 8] { std::array::from_fn(|byte| bytes[at + byte]) };
        Self {
            count: u64::from_le_bytes(word(0)),
            mean: f64::from_le_bytes(word(8)),
            squares: f64::from_le_bytes(word(16)),
        }
    }
}

impl Rule {
    /// The distance above which the next one is a drift, given those before it.
    pub fn threshold(&self, before: &Moments) -> Option<f64> {
        match *self {
            Self::None => None,
            Self::Above(threshold) => Some(threshold),
            Self::Deviations { deviations, warm_up } => {
                (before.count >= warm_up).then(|| before.mean + deviations * before.deviation())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn moments_are_those_of_the_definition(values in prop::collection::vec(-1e3f64..1e3, 2..40)) {
            let mut moments = Moments::default();
            values.iter().for_each(|value| moments.add(*value));
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let deviation = (squares / (values.len() - 1) as f64).sqrt();
            prop_assert!((moments.mean - mean).abs() < 1e-9);
            prop_assert!((moments.deviation() - deviation).abs() < 1e-9);
            prop_assert_eq!(Moments::decode(moments.encode()), moments);
        }
    }

    #[test]
    fn deviations_judge_after_the_warm_up_and_never_count_infinity() {
        let rule = Rule::Deviations {
            deviations: 2.0,
            warm_up: 3,
        };
        let mut moments = Moments::default();
        for value in [1.0, f64::INFINITY, 3.0] {
            moments.add(value);
        }
        assert_eq!(rule.threshold(&moments), None);
        moments.add(2.0);
        assert_eq!(rule.threshold(&moments), Some(2.0 + 2.0 * 1.0));
    }
}
