//! One job: its life, its restarts, and the task that drives it.

pub mod checkpoints;
pub mod driver;
pub mod handle;
pub mod journal;
pub mod machine;
pub mod restart;
pub mod spec;
pub mod state;
pub mod view;
mod wire;
