//! What went wrong, as one sentence: where, what, and what to do about it.

use std::fmt;
use std::process::ExitCode;

pub type Result<T> = std::result::Result<T, Failure>;

#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// A file or an option.
    subject: String,
    what: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The input or an option is wrong: exit code 2, as for options that clap refuses.
    BadInput,
    /// The input is right, but a limit was reached or the answer could not be written: exit code 1.
    NotDone,
}

impl Failure {
    pub fn input(subject: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::new(Kind::BadInput, subject, what)
    }

    pub fn not_done(subject: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::new(Kind::NotDone, subject, what)
    }

    fn new(kind: Kind, subject: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self {
            subject: subject.to_string(),
            what: what.to_string(),
            kind,
        }
    }

    /// A refusal of the library, about the file `input` or the option that it is about.
    pub fn computation(input: &str, error: homology::Error) -> Self {
        use homology::Error;
        let (kind, subject, advice) = match &error {
            Error::MemoryLimit { .. } => (Kind::NotDone, input, "or raise --memory-limit"),
            Error::WorkLimit { .. } | Error::Cancelled => (Kind::NotDone, input, ""),
            Error::InvalidThreshold { .. } => (Kind::BadInput, "--threshold", ""),
            Error::InvalidRelaxation { .. } => (Kind::BadInput, "--max-alpha-square", ""),
            Error::LandmarkDimension { .. } => (
                Kind::BadInput,
                "--landmarks",
                "; take landmarks from the space of the witnesses",
            ),
            Error::WeightCount { .. } => (Kind::BadInput, "--weights", "; give one per point"),
            Error::InvalidWeight { .. } => (Kind::BadInput, "--weights", " (rows count from 0)"),
            Error::InvalidOrder { .. } => (Kind::BadInput, "--order", ""),
            Error::InvalidGroundNorm { .. } => (Kind::BadInput, "--ground", ""),
            Error::InvalidTolerance { .. } => (Kind::BadInput, "--tolerance", ""),
            Error::NotPrime { .. } => (Kind::BadInput, "--field", "; take 2, 3, 5, ..."),
            Error::NotFinite { .. } | Error::InvalidDistance { .. } => (
                Kind::BadInput,
                input,
                "; correct or leave out that row (rows and columns count from 0)",
            ),
            Error::Asymmetric { .. } => (
                Kind::BadInput,
                input,
                "; make the matrix symmetric or give its lower triangle (rows and columns count from 0)",
            ),
            Error::NonZeroDiagonal { .. } => (
                Kind::BadInput,
                input,
                "; set the diagonal to 0, or say --kind points if these are points (rows count from 0)",
            ),
            Error::UnknownVertex { .. } => (
                Kind::BadInput,
                input,
                "; raise --vertices (edges and vertices count from 0)",
            ),
            Error::Loop { .. } => (Kind::BadInput, input, "; leave out that row (rows count from 0)"),
            Error::ConflictingEdge { .. } => (Kind::BadInput, input, "; keep one of them"),
            Error::ZeroVector { .. } => (
                Kind::BadInput,
                input,
                "; leave out that row or take another --metric (rows count from 0)",
            ),
            _ => (Kind::BadInput, input, ""),
        };
        let joint = if advice.is_empty() || advice.starts_with(';') {
            ""
        } else {
            ", "
        };
        Self::new(kind, subject, format!("{error}{joint}{advice}"))
    }

    pub fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::BadInput => ExitCode::from(2),
            Kind::NotDone => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.what)
    }
}
