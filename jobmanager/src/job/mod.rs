//! One job: its life, its restarts, and the task that drives it.

pub mod machine;
pub mod restart;
