//! A partition's log: segments on disk, producers and transactions in memory.

pub mod batch;
mod partition;
mod producers;
mod segment;

pub use partition::{Appended, Limits, Partition, Slice};
