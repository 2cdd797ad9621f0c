//! The job reader through its own door, with a vocabulary small enough to know by heart.

mod errors;
mod overrides;
mod plans;

use super::nodes::Vocabulary;
use super::{Job, Options, Overrides};
use crate::connector::catalog::{SinkDescriptor, SinkEntry, SourceDescriptor, SourceEntry};
use crate::connector::{Decoder, Encoder};
use crate::operator::{DecoderFactory, Descriptor, EncoderFactory, Keyed, Operator, OperatorFactory, Registry, Rows};
use crate::{Error, Result};

/// An operator that is only ever described.
struct Described {
    name: &'static str,
    descriptor: Descriptor,
    options: fn(&mut Options),
}

impl OperatorFactory for Described {
    fn name(&self) -> &'static str {
        self.name
    }

    fn describe(&self, options: &mut Options) -> Descriptor {
        (self.options)(options);
        self.descriptor
    }

    fn build(&self, _: &mut Options) -> Result<Box<dyn Operator>> {
        Err(Error::internal(self.name, "never built"))
    }
}

const fn descriptor(inputs: Rows, outputs: Rows, side_outputs: &'static [&'static str], keyed: Keyed) -> Descriptor {
    Descriptor {
        inputs,
        outputs,
        side_outputs,
        keyed,
    }
}

static WINDOW: Described = Described {
    name: "window",
    descriptor: descriptor(Rows::Points, Rows::Windows, &["late"], Keyed::Yes),
    options: |options| {
        options.duration("allowed-lateness");
        if let Some(mut window) = options.table("window") {
            window.one_of("kind", &["tumbling", "sliding", "session"]);
            window.duration("size");
            window.duration("slide");
            window.finish();
        }
    },
};
static PERSISTENCE: Described = Described {
    name: "persistence",
    descriptor: descriptor(Rows::Windows, Rows::Diagrams, &["failed"], Keyed::No),
    options: |options| {
        options.integer("max-dimension", 0..=5);
    },
};
static DRIFT: Described = Described {
    name: "drift",
    descriptor: descriptor(Rows::Diagrams, Rows::Documents, &[], Keyed::Yes),
    options: |_| {},
};
static UNION: Described = Described {
    name: "union",
    descriptor: descriptor(Rows::Any, Rows::Any, &[], Keyed::No),
    options: |_| {},
};

static OPERATORS: &[&dyn OperatorFactory] = &[&WINDOW, &PERSISTENCE, &DRIFT, &UNION];

struct PointJson;

impl DecoderFactory for PointJson {
    fn name(&self) -> &'static str {
        "point-json"
    }

    fn describe(&self, _: &mut Options) {}

    fn build(&self, _: &mut Options) -> Result<Box<dyn Decoder>> {
        Err(Error::internal(self.name(), "never built"))
    }
}

struct ResultJson;

impl EncoderFactory for ResultJson {
    fn name(&self) -> &'static str {
        "result-json"
    }

    fn accepts(&self) -> &'static [Rows] {
        &[Rows::Diagrams, Rows::Documents]
    }

    fn describe(&self, _: &mut Options) {}

    fn build(&self, _: &mut Options, _: &str) -> Result<Box<dyn Encoder>> {
        Err(Error::internal(self.name(), "never built"))
    }
}

struct TestRegistry;

impl Registry for TestRegistry {
    fn operators(&self) -> &'static [&'static dyn OperatorFactory] {
        OPERATORS
    }

    fn decoders(&self) -> &'static [&'static dyn DecoderFactory] {
        &[&PointJson]
    }

    fn encoders(&self) -> &'static [&'static dyn EncoderFactory] {
        &[&ResultJson]
    }
}

const SOURCES: &[SourceEntry] = &[
    SourceEntry {
        name: "kafka",
        describe: |options| {
            options.required_string("bootstrap-servers");
            options.strings("topics");
            options.string("password");
            SourceDescriptor {
                needs_format: true,
                bounded: false,
            }
        },
    },
    SourceEntry {
        name: "generator",
        describe: |_| SourceDescriptor {
            needs_format: false,
            bounded: true,
        },
    },
];

const SINKS: &[SinkEntry] = &[
    SinkEntry {
        name: "kafka",
        describe: |options| {
            options.required_string("topic");
            SinkDescriptor { needs_format: true }
        },
    },
    SinkEntry {
        name: "discard",
        describe: |_| SinkDescriptor { needs_format: false },
    },
];

const VOCABULARY: Vocabulary<'static> = Vocabulary {
    registry: &TestRegistry,
    sources: SOURCES,
    sinks: SINKS,
};

fn parse(text: &str, overrides: &Overrides) -> Result<Job, super::JobErrors> {
    let environment = |name: &str| (name == "PASSWORD").then(|| "hunter2".to_owned());
    Job::parse_with(text, "job.toml", overrides, &VOCABULARY, &environment)
}

/// The job of a text that must be right.
fn job(text: &str) -> Job {
    parse(text, &Overrides::default()).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Every error of a text, a line each.
fn errors(text: &str) -> Vec<String> {
    errors_with(text, &Overrides::default())
}

fn errors_with(text: &str, overrides: &Overrides) -> Vec<String> {
    let errors = parse(text, overrides).expect_err("the job is wrong");
    errors.to_string().lines().map(str::to_owned).collect()
}

/// A right job that tests change a little.
const WHOLE: &str = r#"
parallelism = "${parallelism}"

[parameters]
parallelism = 4
window_size = "60s"
max_dimension = 2
topic = "in"

[checkpointing]
interval = "30s"

[source.points]
connector = "kafka"
bootstrap-servers = "localhost:9092"
topics = ["${topic}", "${topic}-replay"]
format = "point-json"

[operator.windows]
type = "window"
input = "points"
key-by = "key"
window = { kind = "sliding", size = "${window_size}", slide = "10s" }

[operator.persistence]
type = "persistence"
input = "windows"
max-dimension = "${max_dimension}"

[operator.drift]
type = "drift"
input = "persistence"

[sink.results]
connector = "kafka"
topic = "out"
input = ["persistence", "drift"]

[sink.errors]
connector = "kafka"
topic = "errors"
input = ["points.bad", "windows.late", "persistence.failed"]
"#;
