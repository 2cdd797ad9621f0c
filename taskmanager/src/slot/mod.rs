//! A task: one thread that runs a chain of operators and lives from its mailbox.

pub mod chain;
pub mod gate;
pub mod mailbox;
pub mod services;
pub mod source;
pub mod task;
