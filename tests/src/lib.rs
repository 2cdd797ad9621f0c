//! A whole cluster as child processes, and what end-to-end tests need to feed, watch and hurt it.
//!
//! The binaries are those that `cargo build --workspace --bins` left beside the test, or those of `BETTIFLOW_BIN_DIR`.
//! Kafka is the broker at `KAFKA_BOOTSTRAP` where that is set, and S3 the service at `BETTIFLOW_TEST_S3`; else
//! `local-services` stands in for them.

pub mod cluster;
pub mod expected;
pub mod process;
pub mod rest;
pub mod results;
pub mod services;
pub mod stream;
pub mod submit;
pub mod topics;
pub mod wait;
