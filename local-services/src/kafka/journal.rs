//! The ledger on disk: one file of events, each framed by length and checksum, rewritten when it has grown.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::error::{Error, Result};
use super::ledger::{Event, Ledger};

/// Below this size the file is never rewritten.
const MIN_COMPACTION_BYTES: u64 = 4 << 20;
const FRAME_BYTES: usize = 8;

/// A ledger whose every change is written before it counts.
pub struct Store {
    ledger: Ledger,
    path: PathBuf,
    file: File,
    bytes: u64,
    /// Size after the last rewriting.
    compacted_bytes: u64,
}

impl Store {
    /// Reads the journal at `path`; a torn last event, left by a killed process, is cut off.
    pub fn open(path: &Path) -> Result<Store> {
        let contents = match fs::read(path) {
            Err(source) if source.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.map_err(Error::file("read", path))?,
        };
        let mut ledger = Ledger::default();
        let mut rest = contents.as_slice();
        while let Some((event, next)) = parse_frame(rest) {
            ledger.apply(event);
            rest = next;
        }
        let bytes = (contents.len() - rest.len()) as u64;
        if !rest.is_empty() {
            tracing::warn!(path = %path.display(), cut = rest.len(), "torn tail of the journal cut off");
        }
        let file = open(path)?;
        file.set_len(bytes).map_err(Error::file("truncate", path))?;
        let mut store = Store {
            ledger,
            path: path.to_path_buf(),
            file,
            bytes,
            compacted_bytes: 0,
        };
        store.compact()?;
        Ok(store)
    }

    /// The present.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Writes one event, then takes it in.
    pub fn record(&mut self, event: Event) -> Result<()> {
        let frame = frame(&event);
        self.file
            .write_all_at(&frame, self.bytes)
            .map_err(Error::file("append to", &self.path))?;
        self.bytes += frame.len() as u64;
        self.ledger.apply(event);
        if self.bytes > MIN_COMPACTION_BYTES.max(2 * self.compacted_bytes) {
            self.compact()?;
        }
        Ok(())
    }

    /// Replaces the file by a snapshot of the ledger, in one step.
    fn compact(&mut self) -> Result<()> {
        let next = self.path.with_extension("next");
        let contents: Vec<u8> = self.ledger.snapshot().iter().flat_map(frame).collect();
        let mut file = File::create(&next).map_err(Error::file("create", &next))?;
        file.write_all(&contents)
            .and_then(|()| file.sync_all())
            .map_err(Error::file("write", &next))?;
        fs::rename(&next, &self.path).map_err(Error::file("replace", &self.path))?;
        self.file = open(&self.path)?;
        self.bytes = contents.len() as u64;
        self.compacted_bytes = self.bytes;
        Ok(())
    }
}

fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(Error::file("open", path))
}

fn frame(event: &Event) -> Vec<u8> {
    let body = serde_json::to_vec(event).expect("events hold only maps with string keys, so they have a JSON form");
    let mut frame = Vec::with_capacity(FRAME_BYTES + body.len());
    frame.extend((body.len() as u32).to_le_bytes());
    frame.extend(crc32c::crc32c(&body).to_le_bytes());
    frame.extend(body);
    frame
}

fn parse_frame(bytes: &[u8]) -> Option<(Event, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (checksum, rest) = rest.split_first_chunk()?;
    let (body, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*checksum) {
        return None;
    }
    Some((serde_json::from_slice(body).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_truncation_loses_only_the_event_it_cuts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let mut store = Store::open(&path).unwrap();
        let before = store.bytes as usize;
        store.record(Event::ProducerIdsReserved { next: 7 }).unwrap();
        let whole = fs::read(&path).unwrap();
        for length in before..=whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let next = Store::open(&path).unwrap().ledger().next_producer_id;
            assert_eq!(next, if length == whole.len() { 7 } else { 0 }, "cut at {length}");
        }
    }
}
