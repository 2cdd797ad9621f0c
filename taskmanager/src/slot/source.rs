//! The head of a source task: connector, format, watermarks.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use streaming::batch::{Batch, Column as _};
use streaming::connector::{DeadLetter, Decoded, Decoder, Polled, Source, SplitState};
use streaming::element::Element;
use streaming::job::Options;
use streaming::watermark::{Progress, SplitWatermarks, Strategy};
use streaming::{Epoch, Error, Result, Timestamp};

/// Rows asked of a connector at once.
const MAX_ROWS: usize = 4096;

/// What happens to a record that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBadRecord {
    DeadLetter,
    Skip,
    Fail,
}

impl OnBadRecord {
    /// Reads the option `on-bad-record`.
    pub fn read(options: &mut Options) -> Self {
        match options.one_of("on-bad-record", &["dead-letter", "skip", "fail"]) {
            Some("skip") => Self::Skip,
            Some("fail") => Self::Fail,
            _ => Self::DeadLetter,
        }
    }
}

/// What a poll of the head brought.
pub struct Read {
    pub batches: Vec<Batch>,
    /// Letters for the side output `bad`.
    pub bad: Vec<DeadLetter>,
    /// Records that were skipped because they could not be read.
    pub skipped: u64,
    pub records: u64,
    pub bytes: u64,
}

/// A source with everything that turns its records into rows and watermarks.
pub struct SourceHead {
    source: Box<dyn Source>,
    decoder: Option<Box<dyn Decoder>>,
    on_bad: OnBadRecord,
    watermarks: SplitWatermarks,
    restored: Vec<StoredSplit>,
    exhausted: bool,
    said: Option<Progress>,
}

/// One split in a checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredSplit {
    #[serde(flatten)]
    position: SplitState,
    /// Highest event time seen.
    highest: Timestamp,
    /// Whether it had had no records for so long that nobody waited for it.
    #[serde(default)]
    idle: bool,
}

impl SourceHead {
    pub fn new(
        source: Box<dyn Source>,
        decoder: Option<Box<dyn Decoder>>,
        strategy: Strategy,
        on_bad: OnBadRecord,
    ) -> Self {
        let watermarks = SplitWatermarks::new(strategy);
        Self {
            source,
            decoder,
            on_bad,
            watermarks,
            restored: Vec::new(),
            exhausted: false,
            said: None,
        }
    }

    /// Starts reading; `stored` are the entries of all subtasks at the restored checkpoint.
    pub fn open(&mut self, stored: &[Vec<u8>], now: Timestamp) -> Result<()> {
        let parse = |entry: &Vec<u8>| serde_json::from_slice(entry);
        self.restored = stored
            .iter()
            .map(parse)
            .collect::<Result<_, _>>()
            .map_err(|error| Error::Damaged {
                subject: "state of a source",
                reason: error.to_string(),
            })?;
        let positions: Vec<_> = self.restored.iter().map(|stored| stored.position.clone()).collect();
        self.source.open(&positions)?;
        self.notice_splits(now);
        Ok(())
    }

    /// Gives every split that the source has found a watermark of its own.
    fn notice_splits(&mut self, now: Timestamp) {
        let first = self.watermarks.splits();
        for (index, split) in (first..).zip(&self.source.splits()[first..]) {
            let stored = self.restored.iter().find(|stored| stored.position.split == **split);
            let (highest, idle) = stored.map_or((Timestamp::MIN, false), |stored| (stored.highest, stored.idle));
            // Nobody waits again for a split that was idle, has never had a row and still has none. Any other may be about to
            // go on where it was cut off, and its rows would be late.
            let idle = idle && highest == Timestamp::MIN && self.source.had_nothing_to_read(index);
            self.watermarks.add_split(highest, idle, now);
        }
    }

    /// Reads some records, waiting at most `deadline` for the first.
    pub fn poll(&mut self, deadline: Duration, now: impl Fn() -> Timestamp) -> Result<Read> {
        let mut read = Read {
            batches: Vec::new(),
            bad: Vec::new(),
            skipped: 0,
            records: 0,
            bytes: 0,
        };
        if self.exhausted {
            return Ok(read);
        }
        let polled = self.source.poll(deadline, MAX_ROWS)?;
        let now = now();
        self.notice_splits(now);
        match polled {
            Polled::Raw(raw) => {
                let Some(decoder) = &mut self.decoder else {
                    return Err(Error::internal("source", "raw records without a format to read them"));
                };
                read.records = raw.values.rows() as u64;
                read.bytes = raw.values.size_bytes() as u64;
                let mut decoded = Decoded::default();
                decoder.decode(&raw, now, &mut decoded)?;
                // A record that cannot be read shows all the same that its split is not idle.
                let highest = decoded
                    .batches
                    .iter()
                    .flat_map(|batch| &batch.event_time)
                    .max()
                    .copied();
                self.watermarks
                    .observe(raw.split, highest.unwrap_or(Timestamp::MIN), now);
                read.batches = decoded.batches;
                self.judge(decoded.bad, &mut read)?;
            }
            Polled::Rows { split, batch } => {
                read.records = batch.rows() as u64;
                read.bytes = batch.size_bytes() as u64;
                let highest = batch.event_time.iter().max().copied().unwrap_or(Timestamp::MIN);
                self.watermarks.observe(split, highest, now);
                read.batches.push(batch);
            }
            Polled::Nothing => {}
            Polled::End => self.exhausted = true,
        }
        Ok(read)
    }

    fn judge(&mut self, bad: Vec<DeadLetter>, read: &mut Read) -> Result<()> {
        match (self.on_bad, bad.first()) {
            (OnBadRecord::Fail, Some(letter)) => {
                let place = letter.origin.as_ref().map_or_else(String::new, |origin| {
                    format!(" at {}/{} offset {}", origin.topic, origin.partition, origin.offset)
                });
                Err(Error::user(format!("bad record{place}"), &letter.reason))
            }
            (OnBadRecord::Skip, _) => {
                read.skipped = bad.len() as u64;
                Ok(())
            }
            (OnBadRecord::DeadLetter | OnBadRecord::Fail, _) => {
                read.bad = bad;
                Ok(())
            }
        }
    }

    /// What there is to say of event time and has not been said; pauses and resumes splits that drift apart.
    pub fn progress(&mut self, now: Timestamp) -> Result<Option<Element>> {
        for (split, paused) in self.watermarks.drift_changes(now) {
            self.source.pause(split, paused)?;
        }
        let progress = if self.exhausted {
            Progress::Watermark(Timestamp::MAX)
        } else {
            self.watermarks.progress(now)
        };
        if self.said == Some(progress) || progress == Progress::Watermark(Timestamp::MIN) {
            return Ok(None);
        }
        self.said = Some(progress);
        Ok(Some(match progress {
            Progress::Watermark(watermark) => Element::Watermark(watermark),
            Progress::Idle => Element::Idle,
        }))
    }

    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// An entry per split, for the checkpoint.
    pub fn snapshot(&mut self, epoch: Epoch, now: Timestamp) -> Result<Vec<Vec<u8>>> {
        let positions = self.source.snapshot(epoch)?;
        let splits = self.source.splits();
        positions
            .into_iter()
            .map(|position| {
                let index = splits.iter().position(|split| **split == *position.split);
                let known = index.filter(|&index| index < self.watermarks.splits());
                let highest = known.map_or(Timestamp::MIN, |index| self.watermarks.highest(index));
                let idle = known.is_some_and(|index| self.watermarks.idle(index, now));
                let stored = StoredSplit {
                    position,
                    highest,
                    idle,
                };
                serde_json::to_vec(&stored).map_err(|error| Error::internal("state of a source", error))
            })
            .collect()
    }

    pub fn committed(&mut self, epoch: Epoch) {
        self.source.on_committed(epoch);
    }

    pub fn pending_records(&self) -> Option<u64> {
        self.source.pending_records()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use streaming::connector::SplitId;

    /// Two splits without a record; whether they have some by now is said in advance.
    struct Silent {
        names: Vec<SplitId>,
        had_nothing: [bool; 2],
    }

    impl Source for Silent {
        fn open(&mut self, _restored: &[SplitState]) -> Result<()> {
            self.names = vec!["points/0".into(), "points/1".into()];
            Ok(())
        }

        fn poll(&mut self, _deadline: Duration, _max_rows: usize) -> Result<Polled> {
            Ok(Polled::Nothing)
        }

        fn splits(&self) -> &[SplitId] {
            &self.names
        }

        fn snapshot(&mut self, _epoch: Epoch) -> Result<Vec<SplitState>> {
            let state = |name: &SplitId| SplitState {
                split: name.to_string(),
                position: Vec::new(),
            };
            Ok(self.names.iter().map(state).collect())
        }

        fn pause(&mut self, _split: usize, _paused: bool) -> Result<()> {
            Ok(())
        }

        fn had_nothing_to_read(&self, split: usize) -> bool {
            self.had_nothing[split]
        }
    }

    fn head(had_nothing: [bool; 2]) -> SourceHead {
        let source = Silent {
            names: Vec::new(),
            had_nothing,
        };
        let strategy = Strategy {
            idle_timeout: Some(Duration::from_secs(30)),
            ..Strategy::default()
        };
        SourceHead::new(Box::new(source), None, strategy, OnBadRecord::Fail)
    }

    #[test]
    fn an_empty_split_that_was_idle_is_not_waited_for_after_a_restore() {
        let second = |number: i64| Timestamp(number * 1_000_000);
        let mut before = head([true; 2]);
        before.open(&[], second(0)).unwrap();
        assert_eq!(before.progress(second(1)).unwrap(), None);
        assert_eq!(before.progress(second(31)).unwrap(), Some(Element::Idle));
        let stored = before.snapshot(Epoch(1), second(31)).unwrap();

        let mut after = head([true; 2]);
        after.open(&stored, second(40)).unwrap();
        assert_eq!(after.progress(second(40)).unwrap(), Some(Element::Idle));

        let mut filled = head([true, false]);
        filled.open(&stored, second(40)).unwrap();
        assert_eq!(filled.progress(second(41)).unwrap(), None, "rows have come meanwhile");
    }
}
