//! The real binary on files.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod distance;
mod golden;
mod plot;
mod support;
