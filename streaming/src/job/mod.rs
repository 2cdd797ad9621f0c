//! The job file: what a user writes, read once and checked whole.

mod check;
mod diagnostic;
mod nodes;
mod options;
mod parameters;
mod settings;
mod spec;
#[cfg(test)]
mod tests;
mod value;

pub use diagnostic::{Diagnostic, JobErrors, Place};
pub use nodes::{BAD_RECORDS, DEFAULT_SINK_FORMAT, ON_BAD_RECORD};
pub use options::{Options, Problem, Problems, parse_duration};
pub use parameters::{Assignment, ConfigFile, Environment, Overrides};
pub use settings::{Checkpointing, Mode, Restart, with_defaults};
pub use spec::{Job, redact};
pub use value::{Key, Span, Value, ValueKind, nearest};
