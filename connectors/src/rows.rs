//! Access to rows that several connectors share.

use streaming::batch::{Batch, Documents, Payload};
use streaming::{Error, Result};

/// The documents of a batch; an error that names `sink` where its rows are something else.
pub(crate) fn documents<'a>(batch: &'a Batch, sink: &str) -> Result<&'a Documents> {
    match &batch.payload {
        Payload::Documents(documents) => Ok(documents),
        other => Err(Error::user(
            format!("sink {sink}"),
            format_args!("it writes documents, and {} came; give it a format", other.name()),
        )),
    }
}

/// A position as it is kept in a checkpoint.
pub(crate) fn encode_position(position: u64) -> Vec<u8> {
    position.to_le_bytes().to_vec()
}

pub(crate) fn decode_position(source: &str, split: &str, position: &[u8]) -> Result<u64> {
    let bytes: [u8; 8] = position.try_into().map_err(|_| {
        Error::user(
            format!("source {source}"),
            format_args!(
                "the restored position of {split} has {} bytes instead of 8; it was written by another connector",
                position.len()
            ),
        )
    })?;
    Ok(u64::from_le_bytes(bytes))
}
