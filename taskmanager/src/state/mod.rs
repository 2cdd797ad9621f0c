//! The working state of a task: what operators read and write between checkpoints.

pub mod buffer;
pub mod flusher;
pub mod restore;
mod table;

pub use buffer::StateBuffer;
pub use table::{Backend, Changes, MemoryTable, SledTable, StateTable};
