//! A one-node broker on the Kafka protocol, with transactions.
//!
//! Record batches stay opaque; what the broker adds is their offsets. It advertises old, simple versions of each request,
//! and keeps what it says after a kill of its process, though not after a loss of power.

mod api;
mod broker;
mod config;
mod coordinator;
pub mod error;
mod group;
mod handlers;
mod journal;
mod ledger;
mod log;
mod server;
mod transaction;

pub use broker::Options;
pub use error::{Error, Result};
pub use server::{Server, serve};
