//! The source `filesystem`: every object is a split, every line a record, the offset of the next line the position.
//!
//! Objects are immutable and read to the size they had when they were listed; a writer makes one under a name that begins
//! with `.` or `_` and renames it. An object belongs to subtask `hash(name) mod p`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::path::Path;
use streaming::connector::filesystem::SourceOptions;
use streaming::connector::{ConnectorPlace, Polled, RawBatch, Source, SplitId, SplitState};
use streaming::{Epoch, Error, Result, Timestamp};
use tokio::runtime::Handle;

use super::lines::Lines;
use super::store::{Object, Reading, Store};
use crate::rows::{decode_position, encode_position};

const CHUNK_BYTES: u64 = 1 << 20;

/// Reads the lines of objects, one object after the other.
pub struct FilesystemSource {
    options: SourceOptions,
    place: ConnectorPlace,
    store: Store,
    names: Vec<SplitId>,
    splits: Vec<Split>,
    /// When new objects are looked for next.
    next_listing: Option<Instant>,
}

struct Split {
    object: Object,
    lines: Lines,
    paused: bool,
    /// The chunk behind the buffered lines.
    reading: Option<Reading>,
}

/// What a checkpoint holds of an object.
#[derive(Default)]
struct Progress {
    /// Offset of the next line.
    position: u64,
    size: u64,
}

impl Split {
    fn is_done(&self) -> bool {
        self.lines.position() >= self.object.size
    }

    fn has_all_bytes(&self) -> bool {
        self.lines.wanted() >= self.object.size
    }
}

impl FilesystemSource {
    pub fn new(options: SourceOptions, place: ConnectorPlace, runtime: &Handle) -> Result<Self> {
        Ok(Self {
            store: Store::new(&options.location, runtime)?,
            options,
            place,
            names: Vec::new(),
            splits: Vec::new(),
            next_listing: None,
        })
    }

    fn owns(&self, path: &str) -> bool {
        let parallelism = u64::from(self.place.parallelism.max(1));
        streaming::key::hash(path.as_bytes()) % parallelism == u64::from(self.place.subtask)
    }

    fn add(&mut self, object: Object, position: u64) {
        self.names.push(object.path.as_ref().into());
        self.splits.push(Split {
            object,
            lines: Lines::at(position),
            paused: false,
            reading: None,
        });
    }

    /// Adds the objects that are there and not known, and says how many there are of all subtasks. `restored` holds the
    /// positions of a checkpoint.
    fn add_listed(&mut self, restored: &[SplitState]) -> Result<usize> {
        let objects = self.store.list()?;
        let listed = objects.len();
        for object in objects {
            let name = object.path.as_ref();
            if !self.owns(name) || self.names.iter().any(|known| known.as_ref() == name) {
                continue;
            }
            let state = restored.iter().find(|state| state.split == name);
            let progress = state.map_or(Ok(Progress::default()), |state| self.progress(state))?;
            self.add(object, progress.position);
        }
        self.next_listing = self.options.monitor_interval.map(|interval| Instant::now() + interval);
        Ok(listed)
    }

    /// Objects of the checkpoint that are gone. One that was read to its end stays in the state, so that it is not read again
    /// should it come back; one that was not is a loss, and an error.
    fn add_missing(&mut self, restored: &[SplitState]) -> Result<()> {
        for state in restored {
            let known = self.names.iter().any(|name| name.as_ref() == state.split);
            if known || !self.owns(&state.split) {
                continue;
            }
            let Progress { position, size } = self.progress(state)?;
            if position < size {
                let reason =
                    format!("it was read to byte {position} of {size} at the checkpoint, and is no longer there");
                return Err(Error::external(format!("object {}", state.split), reason));
            }
            let path = Path::parse(&state.split)
                .map_err(|error| Error::user(format!("object {}", state.split), format_args!("restored: {error}")))?;
            let modified = Timestamp::default();
            self.add(Object { path, size, modified }, position);
        }
        Ok(())
    }

    fn progress(&self, state: &SplitState) -> Result<Progress> {
        let (position, size) = state.position.split_at(state.position.len() / 2);
        Ok(Progress {
            position: decode_position(&self.place.id, &state.split, position)?,
            size: decode_position(&self.place.id, &state.split, size)?,
        })
    }

    /// Up to `max_rows` lines that are in memory.
    fn take_lines(&mut self, index: usize, max_rows: usize) -> Option<RawBatch> {
        let split = &mut self.splits[index];
        let is_last = split.has_all_bytes();
        let mut raw = RawBatch {
            split: index,
            name: Arc::clone(&self.names[index]),
            ..RawBatch::default()
        };
        while raw.positions.len() < max_rows.max(1)
            && let Some(line) = split.lines.next(is_last)
        {
            raw.timestamp.push(split.object.modified);
            raw.keys.push(b"");
            raw.values.push(line.bytes);
            raw.positions.push(line.offset as i64);
        }
        (!raw.positions.is_empty()).then_some(raw)
    }

    /// Waits for the chunk that is on its way, or sets one on its way; `false` when it is not there within `deadline`.
    fn read_on(&mut self, index: usize, deadline: Duration) -> Result<bool> {
        let (limit, source) = (self.options.max_line_bytes, &self.place.id);
        let split = &mut self.splits[index];
        let path = split.object.path.clone();
        if split.lines.unfinished_bytes() as u64 > limit {
            let place = format_args!("the line at {} of {path}", split.lines.position());
            return Err(Error::user(
                format!("source {source}"),
                format_args!("{place} is longer than {limit} bytes; raise max-line"),
            ));
        }
        let wanted = split.lines.wanted();
        let range = wanted..split.object.size.min(wanted + CHUNK_BYTES);
        let mut reading = split.reading.take().unwrap_or_else(|| self.store.read(&path, range));
        match self.store.wait_for(&mut reading, &path, deadline)? {
            Some(bytes) if bytes.is_empty() => Err(Error::external(
                format!("source {source}"),
                format_args!("{path} ends at {wanted}, before the size it was listed with"),
            )),
            Some(bytes) => {
                split.lines.push(&bytes);
                Ok(true)
            }
            None => {
                split.reading = Some(reading);
                Ok(false)
            }
        }
    }

    /// Nothing can be read: ends, looks for new objects, or waits.
    fn rest(&mut self, deadline: Duration) -> Result<Polled> {
        let are_done = self.splits.iter().all(Split::is_done);
        let Some(next_listing) = self.next_listing else {
            if are_done {
                return Ok(Polled::End);
            }
            std::thread::sleep(deadline);
            return Ok(Polled::Nothing);
        };
        let wait = next_listing.saturating_duration_since(Instant::now());
        if wait > deadline {
            std::thread::sleep(deadline);
            return Ok(Polled::Nothing);
        }
        std::thread::sleep(wait);
        self.add_listed(&[])?;
        Ok(Polled::Nothing)
    }
}

impl Source for FilesystemSource {
    fn open(&mut self, restored: &[SplitState]) -> Result<()> {
        let listed = self.add_listed(restored)?;
        if listed == 0 && restored.is_empty() && self.options.monitor_interval.is_none() {
            let url = &self.options.location.url;
            return Err(Error::user(
                format!("source {}", self.place.id),
                format_args!(
                    "there is nothing to read at {url}; correct path, or set monitor-interval to wait for objects"
                ),
            ));
        }
        self.add_missing(restored)
    }

    fn poll(&mut self, deadline: Duration, max_rows: usize) -> Result<Polled> {
        let until = Instant::now() + deadline;
        loop {
            if self.next_listing.is_some_and(|next| next <= Instant::now()) {
                self.add_listed(&[])?;
            }
            let left = until.saturating_duration_since(Instant::now());
            let Some(index) = self.splits.iter().position(|split| !split.paused && !split.is_done()) else {
                return self.rest(left);
            };
            if let Some(raw) = self.take_lines(index, max_rows) {
                return Ok(Polled::Raw(raw));
            }
            // Only empty lines may have been left.
            if !self.splits[index].has_all_bytes() && !self.read_on(index, left)? {
                return Ok(Polled::Nothing);
            }
        }
    }

    fn splits(&self) -> &[SplitId] {
        &self.names
    }

    fn snapshot(&mut self, _epoch: Epoch) -> Result<Vec<SplitState>> {
        let states = self.names.iter().zip(&self.splits).map(|(name, split)| SplitState {
            split: name.as_ref().to_owned(),
            position: [split.lines.position(), split.object.size]
                .map(encode_position)
                .concat(),
        });
        Ok(states.collect())
    }

    fn pause(&mut self, split: usize, paused: bool) -> Result<()> {
        self.splits[split].paused = paused;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
