//! Every connector there is, as far as its options go: enough to check a job without linking a client library.

use super::{filesystem, generator, kafka, print};
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

pub const SOURCES: &[SourceEntry] = &[
    SourceEntry {
        name: "kafka",
        describe: |options| SourceDescriptor {
            needs_format: true,
            bounded: kafka::SourceOptions::read(options).bounded,
        },
    },
    SourceEntry {
        name: "filesystem",
        describe: |options| SourceDescriptor {
            needs_format: true,
            bounded: filesystem::SourceOptions::read(options).monitor_interval.is_none(),
        },
    },
    SourceEntry {
        name: "generator",
        describe: |options| SourceDescriptor {
            needs_format: false,
            bounded: generator::SourceOptions::read(options).rows.is_some(),
        },
    },
];

pub const SINKS: &[SinkEntry] = &[
    SinkEntry {
        name: "kafka",
        describe: |options| {
            kafka::SinkOptions::read(options);
            SinkDescriptor { needs_format: true }
        },
    },
    SinkEntry {
        name: "filesystem",
        describe: |options| {
            filesystem::SinkOptions::read(options);
            SinkDescriptor { needs_format: true }
        },
    },
    SinkEntry {
        name: "print",
        describe: |options| {
            print::SinkOptions::read(options);
            SinkDescriptor { needs_format: true }
        },
    },
    SinkEntry {
        name: "discard",
        describe: |_| SinkDescriptor { needs_format: false },
    },
];
