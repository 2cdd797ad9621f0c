//! Plans jobs, places them in the slots of TaskManagers, drives their checkpoints, and answers REST and the web page.

mod clock;
pub mod coordinate;
pub mod dispatch;
pub mod job;
pub mod leader;
pub mod schedule;
pub mod service;
pub mod web;
