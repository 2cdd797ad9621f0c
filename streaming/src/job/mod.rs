//! The job file: what a user writes, read once and checked whole.

mod options;
mod value;

pub use options::{Options, Problem, Problems, parse_duration};
pub use value::{Key, Span, Value, ValueKind, nearest};
