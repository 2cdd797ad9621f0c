//! Every connector there is, as far as its options go: enough to check a job without linking a client library.

use crate::job::Options;

/// What the planner needs to know of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceDescriptor {
    /// Whether its records need a `format` to become rows; otherwise it gives points.
    pub needs_format: bool,
    /// Whether it ends by itself.
    pub bounded: bool,
}

/// What the planner needs to know of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkDescriptor {
    /// Whether rows need a `format` to become documents; otherwise it takes whatever comes.
    pub needs_format: bool,
}

/// How the options of a source are checked.
pub struct SourceEntry {
    /// The `connector` in the job file.
    pub name: &'static str,
    pub describe: fn(&mut Options) -> SourceDescriptor,
}

/// How the options of a sink are checked.
pub struct SinkEntry {
    /// The `connector` in the job file.
    pub name: &'static str,
    pub describe: fn(&mut Options) -> SinkDescriptor,
}

pub const SOURCES: &[SourceEntry] = &[];
pub const SINKS: &[SinkEntry] = &[];
