//! The platform from outside: real processes, a real client, records counted by an independent reader.
//!
//!     cargo build --workspace --bins && cargo test -p tests --test end_to_end
//!
//! `KAFKA_BOOTSTRAP` and `BETTIFLOW_TEST_S3` name real services. `BETTIFLOW_KILLS` (3) and `BETTIFLOW_SEED` (drawn anew and
//! printed) rule the test that kills TaskManagers.

// What fails here fails a test.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod bounded;
mod golden;
mod job_files;
mod kafka;
mod kills;
mod page;
mod rest;
