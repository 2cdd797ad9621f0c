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
        for split in &self.source.splits()[self.watermarks.splits()..] {
            let stored = self.restored.iter().find(|stored| stored.position.split == **split);
            self.watermarks
                .add_split(stored.map_or(Timestamp::MIN, |stored| stored.highest), now);
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
    pub fn snapshot(&mut self, epoch: Epoch) -> Result<Vec<Vec<u8>>> {
        let positions = self.source.snapshot(epoch)?;
        let splits = self.source.splits();
        positions
            .into_iter()
            .map(|position| {
                let index = splits.iter().position(|split| **split == *position.split);
                let known = index.filter(|&index| index < self.watermarks.splits());
                let highest = known.map_or(Timestamp::MIN, |index| self.watermarks.highest(index));
                let stored = StoredSplit { position, highest };
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
