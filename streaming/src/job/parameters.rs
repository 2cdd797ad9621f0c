//! Parameters of a job: their values from four places, and their substitution.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::diagnostic::Diagnostic;
use super::options::{Problem, Problems, parse_duration};
use super::value::{Key, Span, Value, ValueKind, nearest};

/// What overrides the text of a job file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// From the command line, in its order; the last one of a name counts.
    pub command_line: Vec<Assignment>,
    /// The job's parallelism from the command line, whether the job has a parameter for it or not.
    pub parallelism: Option<u16>,
    /// From `--config`: JSON or TOML with flat names.
    pub config: Option<ConfigFile>,
    /// Options of `flink-conf.yaml`: what holds where the job says nothing.
    pub defaults: BTreeMap<String, String>,
}

/// `--set name=value`, or a flag that stands for one.
#[derive(Debug, Clone)]
pub struct Assignment {
    pub name: String,
    pub value: String,
    /// `--window-size`, for messages.
    pub flag: String,
}

/// A file of parameter values.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    pub name: String,
    pub text: String,
}

/// The environment that `${env:NAME}` reads.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A declared parameter and the value it has in the end.
struct Parameter {
    key: Key,
    default: Value,
    /// Where the value comes from if not from the default: `--set`, `settings.json`.
    origin: Option<String>,
    value: Value,
    /// The value with references to the environment left as they were written.
    shown: Value,
    used: Cell<bool>,
}

/// All parameters of a job, ready to be substituted.
pub(super) struct Parameters<'a> {
    parameters: Vec<Parameter>,
    environment: Environment<'a>,
    problems: Problems,
    secrets: RefCell<Vec<String>>,
}

/// A place that holds a substituted value: what to add to a problem reported there.
pub(super) struct Note {
    pub span: Span,
    pub text: String,
}

/// Whether a text is being made to be run or to be shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reveal {
    Secrets,
    Nothing,
}

impl<'a> Parameters<'a> {
    /// Parameters declared in the table `declared`, as `overrides` leave them. Problems with the file go to `problems`,
    /// those with the overrides to `diagnostics`.
    pub fn new(
        declared: Option<Value>,
        overrides: &Overrides,
        environment: Environment<'a>,
        problems: &Problems,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut all = Self {
            parameters: Vec::new(),
            environment,
            problems: problems.clone(),
            secrets: RefCell::default(),
        };
        all.declare(declared);
        if let Some(file) = &overrides.config {
            all.apply_config(file, diagnostics);
        }
        all.apply_command_line(overrides, diagnostics);
        all.read_environment();
        all
    }

    fn declare(&mut self, declared: Option<Value>) {
        let Some(declared) = declared else { return };
        let found = declared.describe();
        let ValueKind::Table(entries) = declared.kind else {
            self.problem(
                declared.span,
                "parameters",
                format!("expected a table of names and defaults, found {found}"),
            );
            return;
        };
        for (key, default) in entries {
            let path = format!("parameters.{}", key.name);
            if !is_name(&key.name) {
                let message = "a parameter's name is made of letters, digits, - and _, and begins with a letter or _";
                self.problem(key.span.clone(), &path, message.to_owned());
            }
            if matches!(default.kind, ValueKind::Table(_)) {
                let message = "a default is a text, a number, true, false or a list of these; found a table";
                self.problem(default.span.clone(), &path, message.to_owned());
            }
            self.parameters.push(Parameter {
                key,
                origin: None,
                value: default.clone(),
                shown: default.clone(),
                default,
                used: Cell::new(false),
            });
        }
    }

    fn apply_config(&mut self, file: &ConfigFile, diagnostics: &mut Vec<Diagnostic>) {
        let entries = match parse_config(file) {
            Ok(entries) => entries,
            Err(diagnostic) => return diagnostics.push(diagnostic),
        };
        for (key, value) in entries {
            let span = value.span.clone();
            if let Err(message) = self.assign(&key.name, value, &file.name) {
                let problem = Problem {
                    span: span.or_else(|| find_json_name(&file.text, &key.name)),
                    path: key.name,
                    message,
                };
                diagnostics.push(Diagnostic::of_file(&file.name, &file.text, problem));
            }
        }
    }

    fn apply_command_line(&mut self, overrides: &Overrides, diagnostics: &mut Vec<Diagnostic>) {
        if let Some(parallelism) = overrides.parallelism
            && self.find("parallelism").is_some()
        {
            let value = Value::new(ValueKind::Integer(parallelism.into()));
            if let Err(message) = self.assign("parallelism", value, "--parallelism") {
                diagnostics.push(Diagnostic::elsewhere("command line", "--parallelism", message));
            }
        }
        for assignment in &overrides.command_line {
            let value = Value::new(ValueKind::String(assignment.value.clone()));
            if let Err(message) = self.assign(&assignment.name, value, &assignment.flag) {
                diagnostics.push(Diagnostic::elsewhere(
                    "command line",
                    format!("{} {}", assignment.flag, assignment.name),
                    message,
                ));
            }
        }
    }

    fn assign(&mut self, name: &str, value: Value, origin: &str) -> Result<(), String> {
        let Some(index) = self.find(name) else {
            return Err(self.unknown(name));
        };
        let parameter = &mut self.parameters[index];
        parameter.value = convert(&parameter.default, value)?;
        parameter.shown = parameter.value.clone();
        parameter.origin = Some(origin.to_owned());
        Ok(())
    }

    /// Values may name the environment, but no other parameter: there is no order to get wrong.
    fn read_environment(&mut self) {
        for index in 0..self.parameters.len() {
            let value = self.parameters[index].value.clone();
            let path = format!("parameters.{}", self.parameters[index].key.name);
            let mut resolved = value.clone();
            self.expand_in(&mut resolved, &path, Reveal::Secrets, &|name| {
                Err(format!("${{{name}}} stands in a parameter; only ${{env:NAME}} may"))
            });
            self.parameters[index].value = resolved;
            self.parameters[index].shown = value;
        }
    }

    /// Replaces every reference in `value`, which stands at `path`. Problems are reported with [`Reveal::Secrets`] only.
    pub fn substitute(&self, value: &mut Value, path: &str, reveal: Reveal, notes: &mut Vec<Note>) {
        match &mut value.kind {
            ValueKind::Table(entries) => {
                for (key, value) in entries {
                    self.substitute(value, &super::options::join(path, &key.name), reveal, notes);
                }
            }
            ValueKind::List(values) => {
                for value in values {
                    self.substitute(value, path, reveal, notes);
                }
            }
            ValueKind::String(text) if text.contains("${") => {
                if let Some(text) = self.note(text) {
                    let span = value.span.clone();
                    notes.push(Note { span, text });
                }
                self.expand_in(value, path, reveal, &|name| self.lookup(name, reveal));
            }
            _ => {}
        }
    }

    /// Expands the references of a text, or of the texts of a list.
    fn expand_in(
        &self,
        value: &mut Value,
        path: &str,
        reveal: Reveal,
        lookup: &dyn Fn(&str) -> Result<ValueKind, String>,
    ) {
        let text = match &mut value.kind {
            ValueKind::List(values) => {
                for value in values {
                    self.expand_in(value, path, reveal, lookup);
                }
                return;
            }
            ValueKind::String(text) if text.contains("${") => text.clone(),
            _ => return,
        };
        let expanded = expand(&text, &|name| match name.strip_prefix("env:") {
            Some(variable) => self.read_variable(variable, reveal),
            None => lookup(name),
        });
        match expanded {
            Ok(kind) => value.kind = at_place(kind, &value.span),
            Err(message) if reveal == Reveal::Secrets => self.problem(value.span.clone(), path, message),
            Err(_) => {}
        }
    }

    fn read_variable(&self, variable: &str, reveal: Reveal) -> Result<ValueKind, String> {
        if reveal == Reveal::Nothing {
            return Ok(ValueKind::String(format!("${{env:{variable}}}")));
        }
        let Some(secret) = (self.environment)(variable) else {
            return Err(format!("the environment variable {variable} is not set"));
        };
        let mut secrets = self.secrets.borrow_mut();
        if !secret.is_empty() && !secrets.contains(&secret) {
            secrets.push(secret.clone());
        }
        Ok(ValueKind::String(secret))
    }

    fn lookup(&self, name: &str, reveal: Reveal) -> Result<ValueKind, String> {
        let Some(index) = self.find(name) else {
            return Err(self.unknown(name));
        };
        let parameter = &self.parameters[index];
        parameter.used.set(true);
        Ok(match reveal {
            Reveal::Secrets => parameter.value.kind.clone(),
            Reveal::Nothing => parameter.shown.kind.clone(),
        })
    }

    /// What the parameters that a text names are, and who says so.
    fn note(&self, text: &str) -> Option<String> {
        let named = self.parameters.iter().filter_map(|parameter| {
            let reference = format!("${{{}}}", parameter.key.name);
            if !text.contains(&reference) {
                return None;
            }
            let origin = parameter.origin.as_deref().unwrap_or("its default");
            let value = serde_json::to_string(&parameter.shown).unwrap_or_default();
            Some(format!("{reference} is {value} from {origin}"))
        });
        let named: Vec<_> = named.collect();
        (!named.is_empty()).then(|| named.join(", "))
    }

    /// Parameters that no text names.
    pub fn unused(&self) -> impl Iterator<Item = &Key> {
        self.parameters
            .iter()
            .filter(|parameter| !parameter.used.get())
            .map(|parameter| &parameter.key)
    }

    pub fn into_secrets(self) -> Vec<String> {
        self.secrets.into_inner()
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.parameters.iter().position(|parameter| parameter.key.name == name)
    }

    fn unknown(&self, name: &str) -> String {
        let names = || self.parameters.iter().map(|parameter| parameter.key.name.as_str());
        let hint = match nearest(name, names()) {
            Some(near) => format!("did you mean {near:?}?"),
            None if self.parameters.is_empty() => "it declares none under [parameters]".to_owned(),
            None => format!("it declares {}", names().collect::<Vec<_>>().join(", ")),
        };
        format!("the job declares no parameter {name:?}; {hint}")
    }

    fn problem(&self, span: Span, path: &str, message: String) {
        let path = path.to_owned();
        self.problems.push(Problem { span, path, message });
    }
}

/// Replaces the references of one text. A text that is nothing but one reference takes that value's type; `$${` stands
/// for `${`.
fn expand(text: &str, lookup: &dyn Fn(&str) -> Result<ValueKind, String>) -> Result<ValueKind, String> {
    let whole = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    if let Some(name) = whole.filter(|name| !name.contains(['{', '}'])) {
        return lookup(name);
    }
    let mut result = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        if let Some(before) = rest[..start].strip_suffix('$') {
            result += before;
            result += "${";
            rest = &rest[start + 2..];
            continue;
        }
        result += &rest[..start];
        let Some(length) = rest[start..].find('}') else {
            return Err(format!("{text:?} opens ${{ and does not close it with }}"));
        };
        result += &as_text(&lookup(&rest[start + 2..start + length])?)?;
        rest = &rest[start + length + 1..];
    }
    Ok(ValueKind::String(result + rest))
}

fn as_text(value: &ValueKind) -> Result<String, String> {
    match value {
        ValueKind::String(text) => Ok(text.clone()),
        ValueKind::Integer(number) => Ok(number.to_string()),
        ValueKind::Float(number) => Ok(number.to_string()),
        ValueKind::Boolean(flag) => Ok(flag.to_string()),
        ValueKind::List(_) | ValueKind::Table(_) => Err("a list cannot stand inside a text".to_owned()),
    }
}

/// The value with all of its places set to the one where it was put.
fn at_place(kind: ValueKind, span: &Span) -> ValueKind {
    match kind {
        ValueKind::List(values) => ValueKind::List(
            values
                .into_iter()
                .map(|value| Value {
                    kind: at_place(value.kind, span),
                    span: span.clone(),
                })
                .collect(),
        ),
        other => other,
    }
}

/// A given value as the type of the default. A duration may also be a whole number, and the other way round: a number
/// of points, or milliseconds.
fn convert(default: &Value, given: Value) -> Result<Value, String> {
    let found = given.describe();
    let wrong = |expected: &str| {
        Err(format!(
            "expected {expected}, as its default is {}; found {found}",
            default.describe()
        ))
    };
    let kind = match (&default.kind, given.kind) {
        (ValueKind::Integer(_), ValueKind::Integer(number)) => ValueKind::Integer(number),
        (ValueKind::Integer(_), ValueKind::String(text)) => match text.trim().parse() {
            Ok(number) => ValueKind::Integer(number),
            Err(_) if parse_duration(&text).is_some() => ValueKind::String(text),
            Err(_) => return wrong("a whole number"),
        },
        (ValueKind::Integer(_), _) => return wrong("a whole number"),
        (ValueKind::Float(_), ValueKind::Integer(number)) => ValueKind::Float(number as f64),
        (ValueKind::Float(_), ValueKind::Float(number)) => ValueKind::Float(number),
        (ValueKind::Float(_), ValueKind::String(text)) => match text.trim().parse() {
            Ok(number) => ValueKind::Float(number),
            Err(_) => return wrong("a number"),
        },
        (ValueKind::Float(_), _) => return wrong("a number"),
        (ValueKind::Boolean(_), ValueKind::Boolean(flag)) => ValueKind::Boolean(flag),
        (ValueKind::Boolean(_), ValueKind::String(text)) => match text.trim().parse() {
            Ok(flag) => ValueKind::Boolean(flag),
            Err(_) => return wrong("true or false"),
        },
        (ValueKind::Boolean(_), _) => return wrong("true or false"),
        (ValueKind::List(_), ValueKind::List(values)) => ValueKind::List(values),
        (ValueKind::List(_), ValueKind::String(text)) => ValueKind::List(
            text.split(',')
                .map(|part| Value::new(ValueKind::String(part.trim().to_owned())))
                .collect(),
        ),
        (ValueKind::List(_), _) => return wrong("a list"),
        (ValueKind::String(default), given) if parse_duration(default).is_some() => match given {
            ValueKind::Integer(number) => ValueKind::Integer(number),
            ValueKind::String(text) => text.trim().parse().map_or(ValueKind::String(text), ValueKind::Integer),
            _ => return wrong("a duration"),
        },
        (ValueKind::String(_), given) => match as_text(&given) {
            Ok(text) => ValueKind::String(text),
            Err(_) => return wrong("a text"),
        },
        (ValueKind::Table(_), given) => given,
    };
    Ok(Value::new(kind))
}

fn parse_config(file: &ConfigFile) -> Result<Vec<(Key, Value)>, Diagnostic> {
    let value = if file.text.trim_start().starts_with('{') {
        Value::parse_json(&file.text).map_err(|reason| Diagnostic::elsewhere(&file.name, "", reason))?
    } else {
        Value::parse_toml(&file.text).map_err(|(message, span)| {
            let path = String::new();
            Diagnostic::of_file(&file.name, &file.text, Problem { span, path, message })
        })?
    };
    match value.kind {
        ValueKind::Table(entries) => Ok(entries),
        _ => Err(Diagnostic::elsewhere(&file.name, "", "expected names and values")),
    }
}

/// Where a flat JSON object names an entry, for messages only.
fn find_json_name(text: &str, name: &str) -> Span {
    let quoted = format!("\"{name}\"");
    let found = text.match_indices(&quoted).find(|(start, _)| {
        let rest = &text[start + quoted.len()..];
        rest.trim_start().starts_with(':')
    });
    found.map(|(start, _)| start..start + quoted.len())
}

fn is_name(name: &str) -> bool {
    let begins = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    begins
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter))
}
