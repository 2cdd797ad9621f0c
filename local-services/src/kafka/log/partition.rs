//! One partition: an append-only sequence of batches in segment files, one writer at a time.
//!
//! File calls are made under the partition's lock, on the caller's thread: they end in the page cache. What a killed
//! process wrote is therefore kept; what a machine without power had not yet written back is not.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kafka_protocol::ResponseError;
use tokio::sync::Notify;

use super::batch::{self, Header};
use super::producers::{Aborted, Producers, Verdict};
use super::segment::Segment;
use crate::kafka::error::{Error, Result};

/// How large segments and partitions grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub segment_bytes: u64,
    /// Oldest segments go while the rest still holds this much.
    pub retention_bytes: u64,
    /// Segments go whose latest record is older.
    pub retention_ms: i64,
    /// Largest batch a client may send.
    pub max_message_bytes: usize,
}

/// Where a batch was stored.
#[derive(Debug, PartialEq, Eq)]
pub struct Appended {
    pub base_offset: i64,
    pub log_start: i64,
}

/// What a reader gets.
pub struct Slice {
    pub records: Vec<u8>,
    pub log_start: i64,
    /// The offset after the last record.
    pub high_watermark: i64,
    pub last_stable: i64,
    pub aborted: Vec<Aborted>,
}

/// A log that can be shared.
pub struct Partition {
    log: Mutex<Log>,
    /// Woken whenever something becomes readable.
    pub changed: Notify,
}

struct Log {
    dir: PathBuf,
    limits: Limits,
    /// Never empty; the last one is written to, through `active`.
    segments: Vec<Segment>,
    active: File,
    producers: Producers,
}

impl Partition {
    /// Opens the log in `dir`, created if it is not there; scans what an earlier process left.
    pub fn open(dir: &Path, limits: Limits) -> Result<Partition> {
        Ok(Partition {
            log: Mutex::new(Log::open(dir, limits)?),
            changed: Notify::new(),
        })
    }

    /// Stores one batch of a client; a retry is answered with the offset it already has.
    pub fn append(&self, batch: &[u8], transactional: bool) -> std::result::Result<Appended, ResponseError> {
        let appended = self.lock().append(batch, transactional)?;
        self.changed.notify_waiters();
        Ok(appended)
    }

    /// From now on the producer may write transactional data here.
    pub fn begin_transaction(&self, producer_id: i64, epoch: i16) {
        self.lock().producers.begin(producer_id, epoch);
    }

    /// Ends the producer's transaction here with a control batch.
    pub fn end_transaction(&self, producer_id: i64, epoch: i16, committed: bool, now_ms: i64) -> Result<()> {
        self.lock().append_marker(producer_id, epoch, committed, now_ms)?;
        self.changed.notify_waiters();
        Ok(())
    }

    /// Aborts what a recovered log holds open without a transaction that is ongoing; call it after `begin_transaction`.
    ///
    /// Only a loss of power can take the coordinator's memory and leave the data; readers must not wait for it forever.
    pub fn abort_orphans(&self, now_ms: i64) -> Result<()> {
        let mut log = self.lock();
        for (producer_id, epoch) in log.producers.orphans() {
            log.append_marker(producer_id, epoch, false, now_ms)?;
        }
        Ok(())
    }

    /// Batches from `offset` on; with `committed`, only those before the first open transaction.
    pub fn read(&self, offset: i64, max_bytes: usize, committed: bool) -> std::result::Result<Slice, ResponseError> {
        self.lock().read(offset, max_bytes, committed)
    }

    /// Log start, last stable offset and high watermark.
    pub fn offsets(&self) -> (i64, i64, i64) {
        let log = self.lock();
        (log.start(), log.last_stable(), log.end())
    }

    /// Offset and timestamp of the first record at or after `timestamp`.
    pub fn first_at_or_after(&self, timestamp: i64) -> Result<Option<(i64, i64)>> {
        self.lock().first_at_or_after(timestamp)
    }

    /// Deletes segments beyond the limits.
    pub fn retain(&self, now_ms: i64) -> Result<()> {
        self.lock().retain(now_ms)
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        // A panic under the lock leaves the log as its last complete append made it.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn open(dir: &Path, limits: Limits) -> Result<Log> {
        fs::create_dir_all(dir).map_err(Error::file("create", dir))?;
        let mut files = segment_files(dir)?;
        files.sort_unstable();
        let mut producers = Producers::default();
        let mut segments: Vec<Segment> = Vec::with_capacity(files.len());
        let count = files.len();
        for (at, (base_offset, path)) in files.into_iter().enumerate() {
            let last = at + 1 == count;
            let segment = Segment::recover(&path, base_offset, last, |header, batch| {
                replay(&mut producers, header, batch)
            })?;
            segments.push(segment);
        }
        if segments.is_empty() {
            segments.push(Segment::create(dir, 0)?);
        }
        producers.forget_below(segments[0].base_offset);
        let active = segments[segments.len() - 1].open_for_append()?;
        Ok(Log {
            dir: dir.to_path_buf(),
            limits,
            segments,
            active,
            producers,
        })
    }

    fn start(&self) -> i64 {
        self.segments[0].base_offset
    }

    fn end(&self) -> i64 {
        self.segments[self.segments.len() - 1].end_offset
    }

    fn last_stable(&self) -> i64 {
        self.producers.first_open().unwrap_or_else(|| self.end())
    }

    fn append(&mut self, batch: &[u8], transactional: bool) -> std::result::Result<Appended, ResponseError> {
        let header = batch::validate(batch, self.limits.max_message_bytes)?;
        if header.is_transactional() != transactional {
            return Err(ResponseError::InvalidRecord);
        }
        if let Verdict::Duplicate { base_offset } = self.producers.check(&header)? {
            return Ok(Appended {
                base_offset,
                log_start: self.start(),
            });
        }
        let header = self.write(batch.to_vec(), header).map_err(storage_error)?;
        self.producers.written(&header);
        Ok(Appended {
            base_offset: header.base_offset,
            log_start: self.start(),
        })
    }

    fn append_marker(&mut self, producer_id: i64, epoch: i16, committed: bool, now_ms: i64) -> Result<()> {
        let batch = batch::control_batch(producer_id, epoch, committed, now_ms);
        let header = Header::parse(&batch).expect("a control batch was just built with a whole header");
        let header = self.write(batch, header)?;
        self.producers.end(producer_id, epoch, committed, header.base_offset);
        Ok(())
    }

    /// Gives the batch its offset and writes it to the active segment, a new one if that is full.
    fn write(&mut self, mut batch: Vec<u8>, mut header: Header) -> Result<Header> {
        header.base_offset = self.end();
        batch::assign_offset(&mut batch, header.base_offset);
        let active = self.active_segment();
        if active.bytes > 0 && active.bytes + batch.len() as u64 > self.limits.segment_bytes {
            self.roll()?;
        }
        let last = self.segments.len() - 1;
        self.segments[last].append(&self.active, &header, &batch)?;
        Ok(header)
    }

    fn active_segment(&self) -> &Segment {
        &self.segments[self.segments.len() - 1]
    }

    fn roll(&mut self) -> Result<()> {
        let segment = Segment::create(&self.dir, self.end())?;
        self.active = segment.open_for_append()?;
        self.segments.push(segment);
        Ok(())
    }

    fn read(&self, offset: i64, max_bytes: usize, committed: bool) -> std::result::Result<Slice, ResponseError> {
        if offset < self.start() || offset > self.end() {
            return Err(ResponseError::OffsetOutOfRange);
        }
        let upper = if committed { self.last_stable() } else { self.end() };
        let mut records = Vec::new();
        let mut read_to = upper;
        if offset < upper {
            let at = self.segments.partition_point(|segment| segment.base_offset <= offset) - 1;
            let segment = &self.segments[at];
            records = segment.read(offset, upper, max_bytes).map_err(storage_error)?;
            read_to = upper.min(segment.end_offset);
        }
        let aborted = if committed {
            self.producers.aborted_in(offset, read_to)
        } else {
            Vec::new()
        };
        Ok(Slice {
            records,
            log_start: self.start(),
            high_watermark: self.end(),
            last_stable: self.last_stable(),
            aborted,
        })
    }

    fn first_at_or_after(&self, timestamp: i64) -> Result<Option<(i64, i64)>> {
        for segment in self
            .segments
            .iter()
            .filter(|segment| segment.max_timestamp >= timestamp)
        {
            if let Some(found) = segment.first_at_or_after(timestamp)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn retain(&mut self, now_ms: i64) -> Result<()> {
        let expired_before = now_ms.saturating_sub(self.limits.retention_ms);
        let active = self.active_segment();
        if active.bytes > 0 && active.max_timestamp < expired_before {
            self.roll()?;
        }
        let mut total: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        let mut gone = 0;
        for segment in &self.segments[..self.segments.len() - 1] {
            let superfluous = total - segment.bytes >= self.limits.retention_bytes;
            let needed = segment.end_offset > self.last_stable();
            if needed || !(superfluous || segment.max_timestamp < expired_before) {
                break;
            }
            total -= segment.bytes;
            gone += 1;
        }
        for segment in self.segments.drain(..gone) {
            segment.delete()?;
        }
        self.producers.forget_below(self.start());
        Ok(())
    }
}

fn replay(producers: &mut Producers, header: &Header, batch: &[u8]) {
    match batch::control_commits(batch) {
        Some(committed) => producers.end(header.producer_id, header.producer_epoch, committed, header.base_offset),
        None => producers.written(header),
    }
}

fn storage_error(error: Error) -> ResponseError {
    tracing::error!(error = &error as &dyn std::error::Error, "a partition's file failed");
    ResponseError::KafkaStorageError
}

fn segment_files(dir: &Path) -> Result<Vec<(i64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::file("list", dir))? {
        let path = entry.map_err(Error::file("list", dir))?.path();
        let base = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".log")?.parse().ok());
        if let Some(base_offset) = base {
            files.push((base_offset, path));
        }
    }
    Ok(files)
}

#[cfg(test)]
#[path = "partition_tests.rs"]
mod tests;
