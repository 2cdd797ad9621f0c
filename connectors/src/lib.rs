//! Connectors: where records come from and go to. Their options are read by `streaming::connector`.
//!
//! * Kafka: [`kafka`]
//! * lines in a directory or an S3 bucket: [`filesystem`]
//! * made-up points: [`generator`]; sinks that keep nothing: [`discard`], [`print`]
//!
//! [`registry`] builds all of them by the name in the job file.

pub mod discard;
pub mod filesystem;
pub mod generator;
pub mod kafka;
pub mod print;
pub mod registry;
mod rows;
