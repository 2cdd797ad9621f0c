//! The gRPC services of the JobManager.

pub mod client;
pub mod taskmanager;
