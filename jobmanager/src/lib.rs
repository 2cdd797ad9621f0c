//! Plans jobs, places them in the slots of TaskManagers, drives their checkpoints, and answers REST and the web page.

pub mod coordinate;
pub mod job;
pub mod schedule;
