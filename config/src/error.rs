//! What can be wrong with a configuration.

use std::fmt;
use std::path::PathBuf;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{origin} is not a configuration: {reason}")]
    Yaml { origin: String, reason: String },
    /// Every wrong value at once.
    #[error("{}", listed(.0))]
    Invalid(Vec<Problem>),
    #[error("-D{found}: expected key=value")]
    Override { found: String },
}

/// A value that its option does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `flink-conf.yaml:12`, or `-D`.
    pub place: String,
    pub key: String,
    /// As written; masked where it may be a secret.
    pub found: String,
    /// What would have been right: `a duration such as "10 s"`.
    pub allowed: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            key,
            found,
            allowed,
        } = self;
        write!(f, "{place}: {key} is {found:?}; expected {allowed}")
    }
}

fn listed(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}

/// Something odd that does not stop the start, such as an unknown option: Flink ignores those too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// `flink-conf.yaml:12`, or `-D`.
    pub place: String,
    pub key: String,
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.place, self.key, self.message)
    }
}
