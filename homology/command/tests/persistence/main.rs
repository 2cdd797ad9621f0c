//! The real binary on files.

mod bad_input;
mod golden;
mod plot;
mod support;
