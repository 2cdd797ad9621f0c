//! A sink that counts rows and drops them.

use streaming::batch::Batch;
use streaming::connector::Sink;
use streaming::{Epoch, Result};
use tracing::info;

#[derive(Debug, Default)]
pub struct Discard {
    rows: u64,
}

impl Sink for Discard {
    fn open(&mut self, _restored: &[Vec<u8>]) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, batch: &Batch) -> Result<()> {
        self.rows += batch.rows() as u64;
        Ok(())
    }

    fn seal(&mut self, _epoch: Epoch) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<()> {
        info!(rows = self.rows, "discarded");
        Ok(())
    }
}
