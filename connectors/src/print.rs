//! A sink that writes documents to the standard output of its TaskManager.

use std::io::{self, Write as _};

use streaming::batch::Batch;
use streaming::connector::{ConnectorPlace, Sink, print::SinkOptions};
use streaming::{Epoch, Error, Result};

use crate::rows::documents;

#[derive(Debug)]
pub struct Print {
    options: SinkOptions,
    place: ConnectorPlace,
}

impl Print {
    pub fn new(options: SinkOptions, place: ConnectorPlace) -> Self {
        Self { options, place }
    }

    /// One write per batch, so that the lines of subtasks do not mix.
    fn lines(&self, batch: &Batch) -> Result<Vec<u8>> {
        let documents = documents(batch, &self.place.id)?;
        let mut lines = Vec::with_capacity(documents.bytes.values().len() + batch.rows());
        for document in documents.bytes.iter() {
            lines.extend_from_slice(self.options.prefix.as_bytes());
            lines.extend_from_slice(document);
            lines.push(b'\n');
        }
        Ok(lines)
    }
}

impl Sink for Print {
    fn open(&mut self, _restored: &[Vec<u8>]) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, batch: &Batch) -> Result<()> {
        let lines = self.lines(batch)?;
        io::stdout()
            .lock()
            .write_all(&lines)
            .map_err(|error| Error::external("standard output", error))
    }

    fn seal(&mut self, _epoch: Epoch) -> Result<Vec<u8>> {
        io::stdout()
            .flush()
            .map_err(|error| Error::external("standard output", error))?;
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<()> {
        self.seal(Epoch::default()).map(drop)
    }
}
