//! A one-node Kafka-protocol broker and a one-node S3 API, for quick start, development and tests.
//!
//! Neither replicates, encrypts or checks who asks. Nothing in the product depends on this crate; the battery in
//! `tests/kafka_conformance.rs` also runs against Apache Kafka and keeps the small broker honest.

pub mod kafka;
pub mod s3;
