//! The vocabulary of the stream processor: what every other room speaks, and nothing that does I/O.
//!
//! * data: [`batch`], [`key`], [`time`], [`element`]
//! * decisions: [`watermark`], [`barrier`], [`window`], [`graph`]
//! * seams: [`operator`], [`connector`], [`state`]
//! * the job file: [`job`]

pub mod barrier;
pub mod batch;
pub mod connector;
pub mod element;
pub mod error;
pub mod graph;
pub mod id;
pub mod job;
pub mod key;
pub mod operator;
pub mod state;
pub mod testing;
pub mod time;
pub mod watermark;

pub use error::{Error, Kind, Result, Retry};
pub use id::{Attempt, Epoch, JobId, OperatorId, SubtaskIndex, Term, VertexId};
pub use time::Timestamp;
