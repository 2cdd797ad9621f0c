//! What Bettiflow relies on in a Kafka broker, each test a sentence.
//!
//! By default the small broker of this crate is asked, in this process. With `KAFKA_BOOTSTRAP=host:port` the same tests
//! ask that broker, for example Apache Kafka started by `scripts/run-kafka.sh`: it is the judge.

// Clippy's leave for tests does not reach the functions that tests share.
#![allow(clippy::unwrap_used)]

mod groups;
mod records;
mod restart;
mod setup;
mod topics;
mod transactions;
