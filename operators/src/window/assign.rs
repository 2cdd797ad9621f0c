//! Which windows a moment belongs to. Pure arithmetic on microseconds, saturating at the ends of time.

/// Windows of one length at equal distances: `[offset + k * slide, offset + k * slide + size)`.
///
/// Time is cut in panes of `gcd(size, slide)`, so that every window is a whole number of panes and a point is stored once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aligned {
    size: i64,
    slide: i64,
    offset: i64,
}

impl Aligned {
    /// `0 < slide <= size`; all in microseconds.
    pub fn new(size: i64, slide: i64, offset: i64) -> Self {
        assert!(0 < slide && slide <= size, "slide {slide} of windows of {size} µs");
        Self { size, slide, offset }
    }

    pub fn size(self) -> i64 {
        self.size
    }

    pub fn pane_width(self) -> i64 {
        gcd(self.size, self.slide)
    }

    /// The start of the pane that holds `time`.
    pub fn pane_of(self, time: i64) -> i64 {
        floor_to(time, self.pane_width(), self.offset)
    }

    /// The end of the first window that holds the pane starting at `pane`.
    pub fn first_end(self, pane: i64) -> i64 {
        // The window before it ends at or before the pane's start.
        floor_to(pane.saturating_sub(self.size), self.slide, self.offset).saturating_add(self.slide + self.size)
    }

    /// The end of the last window that holds the pane starting at `pane`.
    pub fn last_end(self, pane: i64) -> i64 {
        floor_to(pane, self.slide, self.offset).saturating_add(self.size)
    }

    /// The end of the first window that holds `pane` and ends after `after`.
    pub fn next_end(self, pane: i64, after: i64) -> Option<i64> {
        let first = self.first_end(pane);
        if after < first {
            return Some(first);
        }
        let next =
            floor_to(after.saturating_sub(self.size), self.slide, self.offset).saturating_add(self.slide + self.size);
        (next <= self.last_end(pane)).then_some(next)
    }
}

/// The largest `offset + k * step` at or before `time`.
fn floor_to(time: i64, step: i64, offset: i64) -> i64 {
    let since = time.saturating_sub(offset);
    time.saturating_sub(since.rem_euclid(step))
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn panes_and_windows_agree_with_the_definition(
            size in 1i64..40, part in 1i64..40, offset in -30i64..30, time in -100i64..100, after in -150i64..150,
        ) {
            let slide = part.min(size);
            let windows = Aligned::new(size, slide, offset);
            let pane = windows.pane_of(time);
            prop_assert!(pane <= time && time < pane + windows.pane_width());

            let holding = |moment: i64| -> Vec<i64> {
                (-300..300).map(|k| offset + k * slide + size).filter(|end| end - size <= moment && moment < *end).collect()
            };
            let ends = holding(time);
            prop_assert_eq!(&ends, &holding(pane), "all of a pane lies in the same windows");
            prop_assert_eq!(ends.first(), Some(&windows.first_end(pane)));
            prop_assert_eq!(ends.last(), Some(&windows.last_end(pane)));
            let next = ends.iter().copied().find(|end| *end > after);
            prop_assert_eq!(windows.next_end(pane, after), next);
        }
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let windows = Aligned::new(60, 10, 3);
        for time in [i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX] {
            let pane = windows.pane_of(time);
            windows.first_end(pane);
            windows.last_end(pane);
            windows.next_end(pane, i64::MAX);
        }
    }
}
