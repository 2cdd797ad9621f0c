//! From values to places on the page, and the round values beside an axis.

/// A linear map of `low..=high` to `from..=to`.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// `low < high`.
    pub fn new((low, high): (f64, f64), from: f64, to: f64) -> Self {
        Self { low, high, from, to }
    }

    pub fn place(&self, value: f64) -> f64 {
        // Halves: the difference of two finite values may overflow.
        let share = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// About five round values and how to write them.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let span = self.high - self.low;
        if !(span.is_finite() && span > f64::MIN_POSITIVE && self.low + span / 10.0 > self.low) {
            return vec![
                (self.low, format!("{:.3e}", self.low)),
                (self.high, format!("{:.3e}", self.high)),
            ];
        }
        let rough = span / 5.0;
        let power = 10.0_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0]
            .map(|factor| factor * power)
            .into_iter()
            .find(|step| *step >= rough * 0.8);
        let step = step.unwrap_or(10.0 * power);
        let first = (self.low / step).ceil();
        let values = (0..12)
            .map(|at| (first + f64::from(at)) * step)
            .take_while(|value| *value <= self.high + step * 1e-9);
        values.map(|value| (value, label(value, step))).collect()
    }
}

fn label(value: f64, step: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e6).contains(&value.abs()) || step < 1e-6 {
        let digits = ((value.abs() / step).log10().ceil()).clamp(0.0, 6.0) as usize;
        return format!("{value:.digits$e}");
    }
    // As many decimals as the step has.
    let decimals = (0..7).find(|decimals| {
        let shifted = step * 10.0_f64.powi(*decimals);
        (shifted - shifted.round()).abs() < 1e-6 * shifted
    });
    format!("{value:.*}", decimals.unwrap_or(6) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64) -> Vec<String> {
        Scale::new((low, high), 0.0, 1.0)
            .ticks()
            .into_iter()
            .map(|(_, label)| label)
            .collect()
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(labels(0.0, 1.0), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(0.0, 5.2), ["0", "1", "2", "3", "4", "5"]);
        assert_eq!(labels(-0.3, 0.94), ["-0.2", "0", "0.2", "0.4", "0.6", "0.8"]);
        for (low, high) in [
            (0.0, 1e-300),
            (1e15, 1e15 + 1.0),
            (0.0, 1e300),
            (-1e308, 1e308),
            (0.0, 1e-7),
            (3.0, 3.0000001),
        ] {
            let labels = labels(low, high);
            assert!((2..=8).contains(&labels.len()), "{low} to {high}: {labels:?}");
        }
    }

    #[test]
    fn places_stay_on_the_page() {
        let scale = Scale::new((-1e308, 1e308), 10.0, 20.0);
        assert_eq!(
            (scale.place(-1e308), scale.place(0.0), scale.place(1e308)),
            (10.0, 15.0, 20.0)
        );
        assert_eq!(scale.place(f64::INFINITY), 20.0);
    }
}
