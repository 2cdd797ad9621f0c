//! Watermarks: how far event time has come, per split, per channel, and combined.

use std::time::Duration;

use crate::Timestamp;
use crate::job::Options;

/// How a source turns event times into watermarks (Flink's bounded out-of-orderness, FLIP-27 per split, FLIP-182 drift).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strategy {
    /// How much later than a newer record of its split a record may come.
    pub max_out_of_orderness: Duration,
    /// A split without records for so long holds nobody back.
    pub idle_timeout: Option<Duration>,
    /// A split may be so far ahead of the slowest one of its subtask before it is paused.
    pub max_drift: Option<Duration>,
}

impl Default for Strategy {
    fn default() -> Self {
        Self {
            max_out_of_orderness: Duration::ZERO,
            idle_timeout: Some(Duration::from_secs(30)),
            max_drift: None,
        }
    }
}

impl Strategy {
    /// Reads the `watermark` table of a source. Idleness is on by default: one silent partition must not stop all windows.
    pub fn read(options: &mut Options) -> Self {
        let default = Self::default();
        Self {
            max_out_of_orderness: options.duration("max-out-of-orderness").unwrap_or_default(),
            idle_timeout: options
                .duration("idle-timeout")
                .or(default.idle_timeout)
                .filter(|timeout| !timeout.is_zero()),
            max_drift: options.duration("max-drift"),
        }
    }
}

/// What one source subtask can say of event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Watermark(Timestamp),
    /// Every split is idle.
    Idle,
}

/// The watermarks of the splits of one source subtask.
#[derive(Debug, Clone)]
pub struct SplitWatermarks {
    strategy: Strategy,
    splits: Vec<Split>,
    emitted: Timestamp,
}

#[derive(Debug, Clone)]
struct Split {
    /// Highest event time seen; [`Timestamp::MIN`] before the first record.
    highest: Timestamp,
    /// Processing time of the last record, or of when the split was added.
    last_record: Timestamp,
    paused: bool,
}

impl SplitWatermarks {
    pub fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            splits: Vec::new(),
            emitted: Timestamp::MIN,
        }
    }

    /// Adds the next split. `highest` and `idle` are what [`SplitWatermarks::highest`] and [`SplitWatermarks::idle`] said of
    /// it at the checkpoint: a split that was idle then need not be waited for again.
    pub fn add_split(&mut self, highest: Timestamp, idle: bool, now: Timestamp) {
        self.splits.push(Split {
            highest,
            last_record: if idle { Timestamp::MIN } else { now },
            paused: false,
        });
    }

    /// Whether a split holds nobody back for want of records.
    pub fn idle(&self, split: usize, now: Timestamp) -> bool {
        self.is_idle(&self.splits[split], now)
    }

    pub fn splits(&self) -> usize {
        self.splits.len()
    }

    /// The highest event time of a split so far: to be kept in checkpoints, so that no watermark falls back.
    pub fn highest(&self, split: usize) -> Timestamp {
        self.splits[split].highest
    }

    /// Records with event times up to `highest` were read from `split`.
    pub fn observe(&mut self, split: usize, highest: Timestamp, now: Timestamp) {
        let split = &mut self.splits[split];
        split.highest = split.highest.max(highest);
        split.last_record = now;
    }

    /// The watermark now: the minimum over splits that are not idle. Never falls. A subtask without splits is idle.
    pub fn progress(&mut self, now: Timestamp) -> Progress {
        let active = self.splits.iter().filter(|split| !self.is_idle(split, now));
        match active.map(|split| self.split_watermark(split)).min() {
            Some(watermark) => {
                self.emitted = self.emitted.max(watermark);
                Progress::Watermark(self.emitted)
            }
            None => Progress::Idle,
        }
    }

    /// Splits to pause (`true`) or resume because of drift, as changes since the last call.
    pub fn drift_changes(&mut self, now: Timestamp) -> Vec<(usize, bool)> {
        let Some(max_drift) = self.strategy.max_drift else {
            return Vec::new();
        };
        let active = self
            .splits
            .iter()
            .filter(|split| !self.is_idle(split, now) && split.highest > Timestamp::MIN);
        let Some(slowest) = active.map(|split| split.highest).min() else {
            return Vec::new();
        };
        let bound = slowest.saturating_add(max_drift);
        let mut changes = Vec::new();
        for (index, split) in self.splits.iter_mut().enumerate() {
            let paused = split.highest > bound;
            if paused != split.paused {
                split.paused = paused;
                changes.push((index, paused));
            }
        }
        changes
    }

    /// One microsecond less than the highest time minus the bound: a record at exactly that time may still come.
    fn split_watermark(&self, split: &Split) -> Timestamp {
        let bound = split.highest.saturating_sub(self.strategy.max_out_of_orderness);
        Timestamp(bound.0.saturating_sub(1))
    }

    /// A split that we paused ourselves is not idle.
    fn is_idle(&self, split: &Split, now: Timestamp) -> bool {
        let Some(timeout) = self.strategy.idle_timeout else {
            return false;
        };
        !split.paused && split.last_record.saturating_add(timeout) <= now
    }
}

/// Combines the watermarks of several channels: their minimum, without the idle ones and the ended ones.
#[derive(Debug, Clone)]
pub struct Combiner {
    channels: Vec<Channel>,
    combined: Timestamp,
    /// Whether `combined` is only known from the checkpoint: whoever is behind has to be told of it once more.
    is_restored: bool,
}

#[derive(Debug, Clone, Copy)]
struct Channel {
    watermark: Timestamp,
    idle: bool,
}

/// A change of the combined progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Watermark(Timestamp),
    /// All channels have become idle.
    Idle,
}

impl Combiner {
    /// `restored` is the combined watermark at the checkpoint; nothing below it is ever said again. It is itself, once the
    /// channels have come as far: a channel that had said everything by then must not hold back others for ever.
    pub fn new(channels: usize, restored: Timestamp) -> Self {
        Self {
            channels: vec![
                Channel {
                    watermark: Timestamp::MIN,
                    idle: false
                };
                channels
            ],
            combined: restored,
            is_restored: restored > Timestamp::MIN,
        }
    }

    pub fn combined(&self) -> Timestamp {
        self.combined
    }

    pub fn on_watermark(&mut self, channel: usize, watermark: Timestamp) -> Option<Change> {
        let channel = &mut self.channels[channel];
        channel.watermark = channel.watermark.max(watermark);
        channel.idle = false;
        self.risen()
    }

    pub fn on_idle(&mut self, channel: usize) -> Option<Change> {
        self.channels[channel].idle = true;
        if self.channels.iter().all(|channel| channel.idle) {
            return Some(Change::Idle);
        }
        self.risen()
    }

    /// A batch on an idle channel: it takes part again, with the watermark it had.
    pub fn on_batch(&mut self, channel: usize) {
        self.channels[channel].idle = false;
    }

    /// An ended channel has said everything.
    pub fn on_end(&mut self, channel: usize) -> Option<Change> {
        self.on_watermark(channel, Timestamp::MAX)
    }

    fn risen(&mut self) -> Option<Change> {
        let active = self.channels.iter().filter(|channel| !channel.idle);
        let watermark = active.map(|channel| channel.watermark).min()?;
        let is_news = watermark > self.combined || (self.is_restored && watermark == self.combined);
        is_news.then(|| {
            self.combined = watermark;
            self.is_restored = false;
            Change::Watermark(watermark)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop, prop_assert_eq, proptest};

    const SECOND: i64 = 1_000_000;

    fn seconds(seconds: i64) -> Timestamp {
        Timestamp(seconds * SECOND)
    }

    fn watermarks(strategy: Strategy, splits: usize) -> SplitWatermarks {
        let mut watermarks = SplitWatermarks::new(strategy);
        (0..splits).for_each(|_| watermarks.add_split(Timestamp::MIN, false, seconds(0)));
        watermarks
    }

    #[test]
    fn the_slowest_split_decides_until_it_is_idle() {
        let strategy = Strategy {
            idle_timeout: Some(Duration::from_secs(10)),
            ..Strategy::default()
        };
        let mut watermarks = watermarks(strategy, 2);
        watermarks.observe(0, seconds(100), seconds(1));
        watermarks.observe(1, seconds(50), seconds(1));
        assert_eq!(
            watermarks.progress(seconds(1)),
            Progress::Watermark(Timestamp(50 * SECOND - 1))
        );
        watermarks.observe(0, seconds(120), seconds(8));
        assert_eq!(
            watermarks.progress(seconds(12)),
            Progress::Watermark(Timestamp(120 * SECOND - 1))
        );
        assert_eq!(watermarks.progress(seconds(60)), Progress::Idle);
        watermarks.observe(1, seconds(60), seconds(61));
        let progress = watermarks.progress(seconds(61));
        assert_eq!(
            progress,
            Progress::Watermark(Timestamp(120 * SECOND - 1)),
            "a watermark never falls"
        );
    }

    #[test]
    fn a_split_that_was_idle_at_the_checkpoint_is_not_waited_for_after_a_restore() {
        let mut watermarks = watermarks(Strategy::default(), 1);
        watermarks.add_split(Timestamp::MIN, true, seconds(0));
        watermarks.observe(0, seconds(50), seconds(1));
        assert_eq!(
            watermarks.progress(seconds(1)),
            Progress::Watermark(Timestamp(50 * SECOND - 1))
        );
        assert!(watermarks.idle(1, seconds(1)) && !watermarks.idle(0, seconds(1)));
    }

    #[test]
    fn a_split_too_far_ahead_is_paused_and_resumed() {
        let strategy = Strategy {
            max_drift: Some(Duration::from_secs(60)),
            ..Strategy::default()
        };
        let mut watermarks = watermarks(strategy, 2);
        watermarks.observe(0, seconds(100), seconds(1));
        watermarks.observe(1, seconds(10), seconds(1));
        assert_eq!(watermarks.drift_changes(seconds(1)), [(0, true)]);
        assert_eq!(watermarks.drift_changes(seconds(1)), []);
        watermarks.observe(1, seconds(90), seconds(2));
        assert_eq!(watermarks.drift_changes(seconds(2)), [(0, false)]);
    }

    #[test]
    fn idle_channels_step_aside_and_come_back() {
        let mut combiner = Combiner::new(2, Timestamp::MIN);
        assert_eq!(combiner.on_watermark(0, seconds(5)), None);
        assert_eq!(combiner.on_idle(1), Some(Change::Watermark(seconds(5))));
        combiner.on_batch(1);
        assert_eq!(combiner.on_watermark(0, seconds(9)), None);
        assert_eq!(
            combiner.on_watermark(1, seconds(7)),
            Some(Change::Watermark(seconds(7)))
        );
        assert_eq!(combiner.on_end(1), Some(Change::Watermark(seconds(9))));
    }

    #[test]
    fn a_restored_watermark_is_said_once_more_when_the_channels_have_come_as_far() {
        let mut combiner = Combiner::new(2, Timestamp::MAX);
        assert_eq!(combiner.on_watermark(0, seconds(5)), None);
        assert_eq!(combiner.on_watermark(0, Timestamp::MAX), None);
        assert_eq!(
            combiner.on_watermark(1, Timestamp::MAX),
            Some(Change::Watermark(Timestamp::MAX))
        );
        assert_eq!(combiner.on_watermark(1, Timestamp::MAX), None);
    }

    proptest! {
        #[test]
        fn the_combined_watermark_is_the_minimum_and_never_falls(steps in prop::collection::vec((0usize..3, -5i64..50), 0..60)) {
            let mut combiner = Combiner::new(3, Timestamp::MIN);
            let mut highest = [i64::MIN; 3];
            for (channel, watermark) in steps {
                highest[channel] = highest[channel].max(watermark);
                let before = combiner.combined();
                let change = combiner.on_watermark(channel, Timestamp(watermark));
                let minimum = Timestamp(highest.into_iter().min().unwrap());
                prop_assert_eq!(combiner.combined(), minimum.max(before));
                prop_assert_eq!(change.is_some(), combiner.combined() > before);
            }
        }
    }
}
