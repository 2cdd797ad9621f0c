//! The tables `[source.x]`, `[operator.x]` and `[sink.x]`, each read by itself.

use super::options::{Options, Problem, Problems, join};
use super::value::{Key, Span, Value, ValueKind};
use crate::connector::catalog::{SinkEntry, SourceEntry};
use crate::graph::Role;
use crate::operator::{Keyed, Registry, Rows};
use crate::watermark;

/// The format of a sink that names none.
pub const DEFAULT_SINK_FORMAT: &str = "result-json";

/// The side output of a source that takes the records it cannot read.
pub const BAD_RECORDS: &str = "bad";

/// What a source does with a record that it cannot read; the first is the default.
pub const ON_BAD_RECORD: &[&str] = &["dead-letter", "skip", "fail"];

/// Everything that a job may name.
pub(super) struct Vocabulary<'a> {
    pub registry: &'a dyn Registry,
    pub sources: &'a [SourceEntry],
    pub sinks: &'a [SinkEntry],
}

/// A node whose own options are read and whose inputs are still names.
#[derive(Debug)]
pub(super) struct Draft {
    pub key: Key,
    /// `operator.windows`.
    pub path: String,
    pub role: Role,
    pub kind: String,
    /// False where the type is not known: then nothing can be said of rows, outputs and keys.
    pub understood: bool,
    /// The whole table, resolved.
    pub table: Value,
    pub parallelism: Option<u16>,
    pub inputs: Vec<Reference>,
    pub key_by: bool,
    pub keyed: Keyed,
    pub chain: bool,
    pub takes: Vec<Rows>,
    pub gives: Rows,
    pub side_outputs: Vec<String>,
    /// `on-bad-record` where it is written down.
    pub on_bad_record: Option<&'static str>,
}

/// `windows`, or `windows.late`, and where it is written.
#[derive(Debug)]
pub(super) struct Reference {
    pub text: String,
    pub span: Span,
}

impl Reference {
    /// The id, and the side output if one is meant.
    pub fn parts(&self) -> (&str, Option<&str>) {
        match self.text.split_once('.') {
            Some((id, output)) => (id, Some(output)),
            None => (&self.text, None),
        }
    }
}

/// Reads all tables of one section.
pub(super) fn read_section(
    section: &'static str,
    value: Value,
    vocabulary: &Vocabulary<'_>,
    problems: &Problems,
) -> Vec<Draft> {
    let found = value.describe();
    let ValueKind::Table(entries) = value.kind else {
        problems.push(Problem {
            span: value.span,
            path: section.to_owned(),
            message: format!("expected tables such as [{section}.name], found {found}"),
        });
        return Vec::new();
    };
    entries
        .into_iter()
        .map(|(key, table)| read_node(section, key, table, vocabulary, problems))
        .collect()
}

fn read_node(section: &'static str, key: Key, table: Value, vocabulary: &Vocabulary<'_>, problems: &Problems) -> Draft {
    let path = join(section, &key.name);
    check_id(&key, &path, problems);
    let mut options = Options::new(&path, table.clone(), problems.clone());
    let role = match section {
        "source" => Role::Source,
        "sink" => Role::Sink,
        _ => Role::Operator,
    };
    let mut draft = Draft {
        key,
        path,
        role,
        kind: String::new(),
        understood: false,
        table,
        parallelism: read_parallelism(&mut options),
        inputs: Vec::new(),
        key_by: false,
        keyed: Keyed::No,
        // A source begins a chain anyhow.
        chain: role == Role::Source || options.boolean("chain").unwrap_or(true),
        takes: vec![Rows::Any],
        gives: Rows::Any,
        side_outputs: Vec::new(),
        on_bad_record: None,
    };
    match role {
        Role::Source => draft.read_source(options, vocabulary),
        Role::Operator => draft.read_operator(options, vocabulary),
        Role::Sink => draft.read_sink(options, vocabulary),
    }
    draft
}

impl Draft {
    fn read_source(&mut self, mut options: Options, vocabulary: &Vocabulary<'_>) {
        self.gives = Rows::Points;
        self.kind = options.required_string("connector");
        if let Some(mut watermark) = options.table("watermark") {
            watermark::Strategy::read(&mut watermark);
            watermark.finish();
        }
        let known = vocabulary.sources.iter().map(|entry| entry.name);
        let Some(entry) = vocabulary.sources.iter().find(|entry| entry.name == self.kind) else {
            return unknown_word(&options, "connector", &self.kind, known);
        };
        let needs_format = (entry.describe)(&mut options).needs_format;
        // Rows that are not read from records cannot be bad.
        if needs_format {
            self.side_outputs = vec![BAD_RECORDS.to_owned()];
            self.on_bad_record = options.one_of("on-bad-record", ON_BAD_RECORD);
            self.fill_in("on-bad-record", ON_BAD_RECORD[0]);
        }
        let format_known = !needs_format || self.read_decoder(&mut options, vocabulary.registry);
        self.understood = true;
        if format_known {
            options.finish();
        }
    }

    /// Whether the format is known, so that all options are.
    fn read_decoder(&mut self, options: &mut Options, registry: &dyn Registry) -> bool {
        let known = registry.decoders().iter().map(|factory| factory.name());
        if !options.has("format") {
            let known: Vec<_> = known.collect();
            options.problem(
                "format",
                format_args!("format is missing; it is one of {}", known.join(", ")),
            );
            return false;
        }
        let format = options.required_string("format");
        match registry.decoder(&format) {
            Some(factory) => factory.describe(options),
            None => {
                unknown_word(options, "format", &format, known);
                return false;
            }
        }
        true
    }

    fn read_operator(&mut self, mut options: Options, vocabulary: &Vocabulary<'_>) {
        self.kind = options.required_string("type");
        self.inputs = read_inputs(&mut options);
        self.key_by = options.one_of("key-by", &["key"]).is_some();
        let Some(factory) = vocabulary.registry.operator(&self.kind) else {
            let known = vocabulary.registry.operators().iter().map(|factory| factory.name());
            return unknown_word(&options, "type", &self.kind, known);
        };
        let descriptor = factory.describe(&mut options);
        self.understood = true;
        self.keyed = descriptor.keyed;
        self.takes = vec![descriptor.inputs];
        self.gives = descriptor.outputs;
        self.side_outputs = descriptor.side_outputs.iter().map(|name| (*name).to_owned()).collect();
        options.finish();
    }

    fn read_sink(&mut self, mut options: Options, vocabulary: &Vocabulary<'_>) {
        self.kind = options.required_string("connector");
        self.inputs = read_inputs(&mut options);
        let known = vocabulary.sinks.iter().map(|entry| entry.name);
        let Some(entry) = vocabulary.sinks.iter().find(|entry| entry.name == self.kind) else {
            return unknown_word(&options, "connector", &self.kind, known);
        };
        let needs_format = (entry.describe)(&mut options).needs_format;
        let format_known = !needs_format || self.read_encoder(&mut options, vocabulary.registry);
        self.understood = format_known;
        if format_known {
            options.finish();
        }
    }

    /// Whether the format is known, so that all options are.
    fn read_encoder(&mut self, options: &mut Options, registry: &dyn Registry) -> bool {
        let format = options
            .string("format")
            .unwrap_or_else(|| DEFAULT_SINK_FORMAT.to_owned());
        self.fill_in("format", &format);
        let Some(factory) = registry.encoder(&format) else {
            let known = registry.encoders().iter().map(|factory| factory.name());
            unknown_word(options, "format", &format, known);
            return false;
        };
        factory.describe(options);
        self.takes = factory.accepts().to_vec();
        true
    }

    /// Writes a default down in the table, so that whoever runs the node need not know it.
    fn fill_in(&mut self, name: &str, value: &str) {
        if let ValueKind::Table(entries) = &mut self.table.kind
            && !entries.iter().any(|(key, _)| key.name == name)
        {
            let name = name.to_owned();
            let value = Value::new(ValueKind::String(value.to_owned()));
            entries.push((Key { name, span: None }, value));
        }
    }
}

/// The parallelism of a node or job, a number of subtasks.
pub(super) fn read_parallelism(options: &mut Options) -> Option<u16> {
    let most = i64::from(i16::MAX);
    options.integer("parallelism", 1..=most).map(|number| number as u16)
}

/// Ids name state, side outputs (`id.output`) and objects in the store.
fn check_id(key: &Key, path: &str, problems: &Problems) {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if key.name.is_empty() || key.name.len() > 100 || !key.name.chars().all(is_allowed) {
        problems.push(Problem {
            span: key.span.clone(),
            path: path.to_owned(),
            message: format!(
                "{:?} is not an id; an id has 1 to 100 letters, digits, - and _",
                key.name
            ),
        });
    }
}

fn read_inputs(options: &mut Options) -> Vec<Reference> {
    let Some(value) = options.take("input") else {
        options.problem(
            "input",
            "input is missing; name a source or operator, or a side output as id.output",
        );
        return Vec::new();
    };
    let found = value.describe();
    let values = match value.kind {
        ValueKind::String(_) => vec![value],
        ValueKind::List(values) => values,
        _ => {
            options.problem(
                "input",
                format_args!("expected a name or a list of names, found {found}"),
            );
            return Vec::new();
        }
    };
    if values.is_empty() {
        options.problem("input", "the list is empty; name a source or operator");
    }
    if values.len() > MAX_INPUTS {
        options.problem(
            "input",
            format_args!(
                "{} inputs are more than the {MAX_INPUTS} that there may be",
                values.len()
            ),
        );
        return Vec::new();
    }
    let mut inputs: Vec<Reference> = Vec::new();
    for value in values {
        let message = match &value.kind {
            ValueKind::String(text) if inputs.iter().any(|input| input.text == *text) => {
                format!("{text} is named twice")
            }
            ValueKind::String(text) => {
                let text = text.clone();
                let span = value.span;
                inputs.push(Reference { text, span });
                continue;
            }
            _ => format!("expected a name, found {}", value.describe()),
        };
        options.problems().push(Problem {
            span: value.span,
            path: join(options.path(), "input"),
            message,
        });
    }
    inputs
}

/// Ports are bytes, and nobody needs so many.
const MAX_INPUTS: usize = 64;

/// Reports a type, connector or format that nobody has; a missing one has been reported as missing.
fn unknown_word(options: &Options, name: &str, found: &str, known: impl Iterator<Item = &'static str>) {
    if found.is_empty() {
        return;
    }
    let known: Vec<_> = known.collect();
    if !known.is_empty() {
        options.none_of(name, found, &known);
    } else {
        options.problem(name, format_args!("{found:?} is not known, and nothing else is"));
    }
}
