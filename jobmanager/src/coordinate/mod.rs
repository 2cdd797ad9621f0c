//! Checkpoints: when they start, who has to answer, when they are durable or given up.

pub mod machine;
