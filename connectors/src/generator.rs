//! A source of made-up points. Row `i` of a split is a pure function of the seed, the split and `i`, so a restored source
//! goes on exactly where the snapshot was taken, at any parallelism.

mod shape;

use std::time::{Duration, Instant, SystemTime};

use streaming::batch::{Batch, Keys, Payload, Points};
use streaming::connector::generator::{EventTime, SourceOptions};
use streaming::connector::{ConnectorPlace, Polled, Source, SplitId, SplitState};
use streaming::{Epoch, Result, Timestamp, key};

use crate::rows::{decode_position, encode_position};
use shape::Sampler;

/// Rows of a batch at most, whatever the caller allows.
const MAX_BATCH_ROWS: usize = 4096;
/// A source that fell behind its rate catches up at most this much at once.
const MAX_BURST: Duration = Duration::from_millis(100);

/// The source `generator`.
pub struct Generator {
    options: SourceOptions,
    place: ConnectorPlace,
    names: Vec<SplitId>,
    splits: Vec<Split>,
    keys: KeyTable,
    pace: Option<Pace>,
    /// Whose turn it is.
    turn: usize,
}

/// One sequence of rows.
struct Split {
    /// `k` of `0..options.splits`.
    number: u64,
    /// Rows given so far.
    next: u64,
    paused: bool,
    sampler: Sampler,
}

impl Generator {
    pub fn new(options: SourceOptions, place: ConnectorPlace) -> Self {
        Self {
            keys: KeyTable::new(options.keys),
            options,
            place,
            names: Vec::new(),
            splits: Vec::new(),
            pace: None,
            turn: 0,
        }
    }

    /// Rows of a split in all: the rows `k`, `k + splits`, `k + 2 splits`, … of the whole sequence.
    fn rows_of(&self, split: &Split) -> u64 {
        let splits = u64::from(self.options.splits);
        match self.options.rows {
            Some(rows) => rows / splits + u64::from(split.number < rows % splits),
            None => u64::MAX,
        }
    }

    /// The next split, in turn, that is not paused and has rows left.
    fn next_split(&mut self) -> Option<usize> {
        let count = self.splits.len();
        let found = (0..count)
            .map(|step| (self.turn + step) % count)
            .find(|&index| !self.splits[index].paused && self.splits[index].next < self.rows_of(&self.splits[index]))?;
        self.turn = found + 1;
        Some(found)
    }

    fn has_ended(&self) -> bool {
        self.splits.iter().all(|split| split.next >= self.rows_of(split))
    }

    fn generate(&mut self, index: usize, rows: usize) -> Batch {
        let first = self.splits[index].next;
        let stride = u64::from(self.options.splits);
        let global = first.saturating_mul(stride).saturating_add(self.splits[index].number);
        let event_time = match self.options.event_time {
            EventTime::Steps { start, step } => steps(start, step, global, stride, rows),
            EventTime::Now => vec![now(); rows],
        };
        let split = &mut self.splits[index];
        let dim = self.options.dimension;
        let mut coords = vec![0.0; rows * usize::from(dim)];
        split.sampler.fill(first, usize::from(dim), &mut coords);
        let keys = self.keys.rows(|row| split.sampler.key_bits(first + row as u64), rows);
        split.next += rows as u64;
        Batch {
            event_time,
            keys,
            payload: Payload::Points(Points { dim, coords }),
        }
    }
}

impl Source for Generator {
    fn open(&mut self, restored: &[SplitState]) -> Result<()> {
        let (subtask, parallelism) = (self.place.subtask, self.place.parallelism.max(1));
        for number in (0..self.options.splits).filter(|number| number % parallelism == subtask) {
            let name = number.to_string();
            let state = restored.iter().find(|state| state.split == name);
            let next = state.map_or(Ok(0), |state| decode_position(&self.place.id, &name, &state.position))?;
            let number = u64::from(number);
            self.splits.push(Split {
                number,
                next,
                paused: false,
                sampler: Sampler::new(self.options.shape, self.options.noise, self.options.seed, number),
            });
            self.names.push(name.into());
        }
        let share = self.splits.len() as f64 / f64::from(self.options.splits);
        self.pace = self.options.rate.map(|rate| Pace::new(rate * share, Instant::now()));
        Ok(())
    }

    fn poll(&mut self, deadline: Duration, max_rows: usize) -> Result<Polled> {
        if self.has_ended() {
            return Ok(Polled::End);
        }
        let Some(index) = self.next_split() else {
            std::thread::sleep(deadline);
            return Ok(Polled::Nothing);
        };
        let left = self.rows_of(&self.splits[index]) - self.splits[index].next;
        let mut rows = max_rows.clamp(1, MAX_BATCH_ROWS);
        rows = rows.min(usize::try_from(left).unwrap_or(rows));
        if let Some(pace) = &mut self.pace {
            let Some(allowed) = pace.wait(deadline, rows) else {
                return Ok(Polled::Nothing);
            };
            rows = allowed;
        }
        let batch = self.generate(index, rows);
        Ok(Polled::Rows { split: index, batch })
    }

    fn splits(&self) -> &[SplitId] {
        &self.names
    }

    fn snapshot(&mut self, _epoch: Epoch) -> Result<Vec<SplitState>> {
        let states = self.splits.iter().map(|split| SplitState {
            split: split.number.to_string(),
            position: encode_position(split.next),
        });
        Ok(states.collect())
    }

    fn pause(&mut self, split: usize, paused: bool) -> Result<()> {
        self.splits[split].paused = paused;
        Ok(())
    }

    fn pending_records(&self) -> Option<u64> {
        self.options.rows?;
        Some(self.splits.iter().map(|split| self.rows_of(split) - split.next).sum())
    }
}

/// Event times of rows `first`, `first + stride`, … of the whole sequence, in steps of nanoseconds.
fn steps(start: Timestamp, step: Duration, first: u64, stride: u64, rows: usize) -> Vec<Timestamp> {
    let step = step.as_nanos();
    let from_start = u128::from(first).saturating_mul(step);
    let base = i128::from(start.0) + i128::try_from(from_start / 1000).unwrap_or(i128::MAX / 2);
    // Within a batch 64 bits are enough unless the step is absurd; then the times saturate.
    let base = i64::try_from(base).unwrap_or(i64::MAX);
    let rest = (from_start % 1000) as u64;
    let stride = u64::try_from(step.saturating_mul(u128::from(stride))).unwrap_or(u64::MAX);
    (0..rows as u64)
        .map(|row| rest.saturating_add(row.saturating_mul(stride)) / 1000)
        .map(|micros| Timestamp(base.saturating_add_unsigned(micros)))
        .collect()
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp(streaming::time::micros(since.unwrap_or_default()))
}

/// All keys there are, written and hashed once.
struct KeyTable {
    keys: Keys,
    count: u64,
}

impl KeyTable {
    fn new(count: u32) -> Self {
        let mut keys = Keys::default();
        for number in 0..count {
            keys.push(format!("key-{number}").as_bytes());
        }
        let count = u64::from(count);
        Self { keys, count }
    }

    /// A key per row, chosen by 32 random bits of the row.
    fn rows(&self, bits: impl Fn(usize) -> u32, rows: usize) -> Keys {
        if self.count == 0 {
            return Keys::absent(rows);
        }
        let mut chosen = Keys {
            hashes: Vec::with_capacity(rows),
            ..Keys::default()
        };
        for row in 0..rows {
            let number = ((u64::from(bits(row)) * self.count) >> 32) as usize;
            chosen.hashes.push(self.keys.hashes[number]);
            chosen.bytes.push(self.keys.row(number));
        }
        debug_assert_eq!(
            chosen.hashes.first().copied(),
            (rows > 0).then(|| key::hash(chosen.row(0)))
        );
        chosen
    }
}

/// Rows that are due at a rate.
struct Pace {
    rows_per_second: f64,
    /// When the next row is due.
    due: Instant,
}

impl Pace {
    fn new(rows_per_second: f64, start: Instant) -> Self {
        Self {
            rows_per_second,
            due: start,
        }
    }

    /// Waits until at least one row is due and takes up to `rows` of those that are; `None` if none is within `deadline`.
    fn wait(&mut self, deadline: Duration, rows: usize) -> Option<usize> {
        let now = Instant::now();
        let wait = self.due.saturating_duration_since(now);
        if wait > deadline {
            std::thread::sleep(deadline);
            return None;
        }
        std::thread::sleep(wait);
        Some(self.take(Instant::now(), rows))
    }

    fn take(&mut self, now: Instant, rows: usize) -> usize {
        let earliest = now.checked_sub(MAX_BURST).unwrap_or(now);
        self.due = self.due.max(earliest);
        let late = now.saturating_duration_since(self.due).as_secs_f64();
        let rows = ((late * self.rows_per_second) as usize + 1).min(rows);
        self.due += Duration::from_secs_f64(rows as f64 / self.rows_per_second);
        rows
    }
}

#[cfg(test)]
mod tests;
