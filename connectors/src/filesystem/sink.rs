//! The sink `filesystem`: documents as lines of immutable objects. At least once: what a checkpoint covers is stored before
//! the sink says so, and a replay writes other objects beside those of the attempt that failed.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use object_store::path::Path;
use streaming::batch::Batch;
use streaming::connector::filesystem::SinkOptions;
use streaming::connector::{ConnectorPlace, Sink};
use streaming::{Epoch, Result};
use tokio::runtime::Handle;

use super::store::Store;
use crate::rows::documents;

/// Gathers lines in memory and writes them as `part-{subtask}-{nonce}-{number}.jsonl`.
pub struct FilesystemSink {
    options: SinkOptions,
    place: ConnectorPlace,
    store: Store,
    lines: Vec<u8>,
    /// Tells the objects of this attempt from those of others.
    nonce: u64,
    /// Objects written.
    number: u64,
}

impl FilesystemSink {
    pub fn new(options: SinkOptions, place: ConnectorPlace, runtime: &Handle) -> Result<Self> {
        Ok(Self {
            store: Store::new(&options.location, runtime)?,
            options,
            place,
            lines: Vec::new(),
            // Keyed anew by the operating system's randomness in each process, and counted on within one.
            nonce: RandomState::new().build_hasher().finish(),
            number: 0,
        })
    }

    /// Stores the lines gathered so far. They stay gathered if that fails.
    fn roll(&mut self) -> Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        self.store
            .create(&self.next_path(), bytes::Bytes::copy_from_slice(&self.lines))?;
        self.number += 1;
        self.lines.clear();
        Ok(())
    }

    fn next_path(&self) -> Path {
        let name = format!(
            "part-{:05}-{:016x}-{:06}.jsonl",
            self.place.subtask, self.nonce, self.number
        );
        self.store.root.clone().join(name)
    }
}

/// Appends a document as one line. JSON has no line ends but between its words, where a space is as good.
fn push_line(lines: &mut Vec<u8>, document: &[u8]) {
    let start = lines.len();
    lines.extend_from_slice(document);
    for byte in &mut lines[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    lines.push(b'\n');
}

impl Sink for FilesystemSink {
    fn open(&mut self, _restored: &[Vec<u8>]) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, batch: &Batch) -> Result<()> {
        for document in documents(batch, &self.place.id)?.bytes.iter() {
            push_line(&mut self.lines, document);
            if self.lines.len() as u64 >= self.options.roll_bytes {
                self.roll()?;
            }
        }
        Ok(())
    }

    fn seal(&mut self, _epoch: Epoch) -> Result<Vec<u8>> {
        self.roll()?;
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<()> {
        self.roll()
    }
}
