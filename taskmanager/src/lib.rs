//! A TaskManager: runs tasks in slots, exchanges rows with others, keeps state, computes.

pub mod deploy;
pub mod environment;
pub mod exchange;
pub mod leader;
pub mod memory;
pub mod metrics;
pub mod process;
pub mod slot;
pub mod state;
pub mod store;
