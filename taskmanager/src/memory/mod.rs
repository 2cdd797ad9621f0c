//! What bounds the process: the memory budget and the pool that computes within it.

pub mod budget;
pub mod compute;
