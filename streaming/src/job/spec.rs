//! A whole job: parsed once, then known to be right.

use super::check::{JobWide, link};
use super::diagnostic::{Diagnostic, JobErrors};
use super::nodes::{Draft, Vocabulary, read_parallelism, read_section};
use super::options::{Options, Problem, Problems};
use super::parameters::{Environment, Note, Overrides, Parameters, Reveal};
use super::settings::{Checkpointing, Restart, fill_in};
use super::value::{Key, Value, ValueKind};
use crate::connector::catalog::{SINKS, SOURCES};
use crate::graph::PhysicalGraph;
use crate::graph::logical::LogicalGraph;
use crate::graph::plan::plan;
use crate::key::DEFAULT_KEY_GROUPS;
use crate::operator::Registry;

/// A job that can run: every option read, every parameter resolved, every input there.
#[derive(Debug, Clone)]
pub struct Job {
    pub name: String,
    /// Of nodes that do not say otherwise.
    pub parallelism: u16,
    /// `max-parallelism`: fixed for the life of the state.
    pub key_groups: u16,
    /// `None`: no checkpoints.
    pub checkpointing: Option<Checkpointing>,
    pub restart: Restart,
    pub graph: LogicalGraph,
    /// What is allowed and probably not meant.
    pub warnings: Vec<Diagnostic>,
    /// Values that came from `${env:...}`: never to be shown.
    pub secrets: Vec<String>,
    document: Value,
    shown: Value,
}

/// A document whose parameters are resolved.
struct Resolved {
    document: Value,
    shown: Value,
    secrets: Vec<String>,
    notes: Vec<Note>,
}

impl Job {
    /// Reads and checks a job file: all of it, reporting every mistake at once.
    ///
    /// * `text`, `file_name` — the TOML file, and what messages call it
    /// * `overrides` — command line, `--config` and `flink-conf.yaml`
    /// * `environment` — what `${env:NAME}` reads
    pub fn parse(
        text: &str,
        file_name: &str,
        overrides: &Overrides,
        registry: &dyn Registry,
        environment: Environment<'_>,
    ) -> Result<Self, JobErrors> {
        Self::parse_with(text, file_name, overrides, &vocabulary(registry), environment)
    }

    pub(super) fn parse_with(
        text: &str,
        file_name: &str,
        overrides: &Overrides,
        vocabulary: &Vocabulary<'_>,
        environment: Environment<'_>,
    ) -> Result<Self, JobErrors> {
        let document = Value::parse_toml_whole(text).map_err(|errors| syntax_errors(file_name, text, errors))?;
        let problems = Problems::default();
        let warnings = Problems::default();
        let mut diagnostics = Vec::new();
        let mut resolved = resolve(document, overrides, environment, &problems, &warnings, &mut diagnostics);
        let broken = problems.take();
        let filled = fill_in(&mut resolved.document, &overrides.defaults);
        fill_in(&mut resolved.shown, &overrides.defaults);
        name_after_file(&mut resolved, file_name);
        let notes = std::mem::take(&mut resolved.notes);
        let locate = |problem: Problem| locate(problem, file_name, text, &notes, &filled);
        let job = read(resolved, vocabulary, &problems, &warnings);
        diagnostics.extend(merge(broken, problems.take()).into_iter().map(locate));
        if !diagnostics.is_empty() {
            for diagnostic in &mut diagnostics {
                diagnostic.message = redact(&diagnostic.message, &job.secrets);
            }
            return Err(JobErrors { diagnostics });
        }
        let warnings = warnings.take().into_iter().map(locate).collect();
        Ok(Self { warnings, ..job })
    }

    /// Reads a job as [`Job::to_json`] wrote it, and checks it again: it may come from elsewhere.
    pub fn from_json(json: &str, registry: &dyn Registry) -> Result<Self, JobErrors> {
        Self::from_json_with(json, &vocabulary(registry))
    }

    pub(super) fn from_json_with(json: &str, vocabulary: &Vocabulary<'_>) -> Result<Self, JobErrors> {
        let document = Value::parse_json(json).map_err(|reason| JobErrors {
            diagnostics: vec![Diagnostic::elsewhere("job", "", format!("not a job in JSON: {reason}"))],
        })?;
        let resolved = Resolved {
            shown: document.clone(),
            document,
            secrets: Vec::new(),
            notes: Vec::new(),
        };
        let problems = Problems::default();
        let job = read(resolved, vocabulary, &problems, &Problems::default());
        let locate = |problem| locate(problem, "job", "", &[], &[]);
        let diagnostics: Vec<_> = problems.take().into_iter().map(locate).collect();
        if diagnostics.is_empty() {
            Ok(job)
        } else {
            Err(JobErrors { diagnostics })
        }
    }

    /// The job with everything resolved, in the order of its file. Holds secrets.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.document).expect("texts, finite numbers and flags always serialise")
    }

    /// The job with everything resolved but `${env:...}`: what may be shown.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(&self.shown).unwrap_or_else(|_| self.shown.to_json().to_string())
    }

    /// What runs. The same job always gives the same plan.
    pub fn plan(&self) -> PhysicalGraph {
        plan(&self.graph, self.key_groups)
    }
}

/// Replaces every secret in a text that is to be shown.
pub fn redact(text: &str, secrets: &[String]) -> String {
    let mut secrets: Vec<_> = secrets.iter().filter(|secret| !secret.is_empty()).collect();
    // A secret may be part of another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
        .into_iter()
        .fold(text.to_owned(), |text, secret| text.replace(secret, "******"))
}

fn vocabulary(registry: &dyn Registry) -> Vocabulary<'_> {
    Vocabulary {
        registry,
        sources: SOURCES,
        sinks: SINKS,
    }
}

fn syntax_errors(file_name: &str, text: &str, errors: Vec<(String, super::Span)>) -> JobErrors {
    let mut diagnostics: Vec<_> = errors
        .into_iter()
        .map(|(message, span)| {
            let path = String::new();
            Diagnostic::of_file(file_name, text, Problem { span, path, message })
        })
        .collect();
    diagnostics.dedup();
    JobErrors { diagnostics }
}

/// Takes the parameters out of the document and puts their values where they are named.
fn resolve(
    mut document: Value,
    overrides: &Overrides,
    environment: Environment<'_>,
    problems: &Problems,
    warnings: &Problems,
    diagnostics: &mut Vec<Diagnostic>,
) -> Resolved {
    let declared = remove(&mut document, "parameters");
    let parameters = Parameters::new(declared, overrides, environment, problems, diagnostics);
    let mut notes = Vec::new();
    let mut shown = document.clone();
    parameters.substitute(&mut shown, "", Reveal::Nothing, &mut notes);
    notes.clear();
    parameters.substitute(&mut document, "", Reveal::Secrets, &mut notes);
    for key in parameters.unused() {
        warnings.push(Problem {
            span: key.span.clone(),
            path: format!("parameters.{}", key.name),
            message: format!("nothing names ${{{}}}", key.name),
        });
    }
    if let Some(parallelism) = overrides.parallelism {
        for document in [&mut document, &mut shown] {
            set(document, "parallelism", ValueKind::Integer(parallelism.into()));
        }
    }
    Resolved {
        document,
        shown,
        secrets: parameters.into_secrets(),
        notes,
    }
}

/// The problems of substitution and of reading, without what was read where nothing could be substituted.
fn merge(broken: Vec<Problem>, mut read: Vec<Problem>) -> Vec<Problem> {
    read.retain(|problem| problem.span.is_none() || !broken.iter().any(|other| other.span == problem.span));
    let all = Problems::default();
    broken.into_iter().chain(read).for_each(|problem| all.push(problem));
    all.take()
}

/// A job without a name has that of its file.
fn name_after_file(resolved: &mut Resolved, file_name: &str) {
    let base = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    let stem = base.strip_suffix(".toml").unwrap_or(base);
    for document in [&mut resolved.document, &mut resolved.shown] {
        let ValueKind::Table(entries) = &document.kind else {
            continue;
        };
        if !entries.iter().any(|(key, _)| key.name == "name") {
            set(document, "name", ValueKind::String(stem.to_owned()));
        }
    }
}

fn remove(document: &mut Value, name: &str) -> Option<Value> {
    let ValueKind::Table(entries) = &mut document.kind else {
        return None;
    };
    let index = entries.iter().position(|(key, _)| key.name == name)?;
    Some(entries.remove(index).1)
}

/// Sets an entry; a new one becomes the first, before the tables of the document.
fn set(document: &mut Value, name: &str, kind: ValueKind) {
    let ValueKind::Table(entries) = &mut document.kind else {
        return;
    };
    match entries.iter_mut().find(|(key, _)| key.name == name) {
        Some((_, value)) => value.kind = kind,
        None => {
            let name = name.to_owned();
            entries.insert(0, (Key { name, span: None }, Value::new(kind)));
        }
    }
}

/// A problem at its place: in `flink-conf.yaml` if its value came from there; with the parameters that its value came
/// from, if it did.
fn locate(problem: Problem, file_name: &str, text: &str, notes: &[Note], filled: &[(String, String)]) -> Diagnostic {
    if let Some((_, option)) = filled.iter().find(|(path, _)| *path == problem.path) {
        return Diagnostic::elsewhere("flink-conf.yaml", option, problem.message);
    }
    let note = notes
        .iter()
        .find(|note| note.span.is_some() && note.span == problem.span)
        .filter(|_| !problem.message.contains("${"));
    let message = match note {
        Some(note) => format!("{} ({})", problem.message, note.text),
        None => problem.message,
    };
    Diagnostic::of_file(file_name, text, Problem { message, ..problem })
}

/// Reads a resolved document. Where `problems` gets something, the job is of no use.
fn read(resolved: Resolved, vocabulary: &Vocabulary<'_>, problems: &Problems, warnings: &Problems) -> Job {
    let mut options = Options::new("", resolved.document.clone(), problems.clone());
    let name = read_name(&mut options);
    let parallelism = read_parallelism(&mut options).unwrap_or(1);
    let key_groups = options
        .integer("max-parallelism", 1..=i64::from(i16::MAX) + 1)
        .map_or(DEFAULT_KEY_GROUPS, |groups| groups as u16);
    let chaining = options.boolean("operator-chaining").unwrap_or(true);
    let checkpointing = options.table("checkpointing").and_then(|mut table| {
        let checkpointing = Checkpointing::read(&mut table);
        table.finish();
        checkpointing
    });
    let restart = read_restart(&mut options, checkpointing.is_some(), problems);
    let drafts = read_drafts(&mut options, vocabulary, problems);
    options.finish();
    let wide = JobWide {
        parallelism,
        key_groups,
        chaining,
    };
    let graph = link(drafts, &wide, problems, warnings);
    Job {
        name,
        parallelism,
        key_groups,
        checkpointing,
        restart,
        graph,
        warnings: Vec::new(),
        secrets: resolved.secrets,
        document: resolved.document,
        shown: resolved.shown,
    }
}

fn read_name(options: &mut Options) -> String {
    let name = options.required_string("name");
    let is_bad = |letter: char| letter.is_control() || letter == '/';
    if options.has("name") && (name.trim().is_empty() || name.len() > 200 || name.contains(is_bad)) {
        options.problem(
            "name",
            format_args!("{name:?} is not a name; a name has 1 to 200 characters and neither / nor line breaks"),
        );
    }
    name
}

fn read_restart(options: &mut Options, checkpointing: bool, problems: &Problems) -> Restart {
    let mut table = options
        .table("restart")
        .unwrap_or_else(|| Options::new("restart", Value::new(ValueKind::Table(Vec::new())), problems.clone()));
    let restart = Restart::read(&mut table, checkpointing);
    table.finish();
    restart
}

/// Far more than anybody draws, far fewer than what ids can count.
const MAX_NODES: usize = 1000;

fn read_drafts(options: &mut Options, vocabulary: &Vocabulary<'_>, problems: &Problems) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for section in ["source", "operator", "sink"] {
        if let Some(value) = options.take(section) {
            drafts.extend(read_section(section, value, vocabulary, problems));
        }
    }
    if drafts.len() > MAX_NODES {
        problems.push(Problem {
            span: None,
            path: String::new(),
            message: format!(
                "{} sources, operators and sinks are more than the {MAX_NODES} that there may be",
                drafts.len()
            ),
        });
        drafts.clear();
    }
    drafts
}
