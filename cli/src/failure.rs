//! Why there is no answer, and the exit code that says so.

use std::process::ExitCode;

use streaming::job::JobErrors;

pub type Result<T> = std::result::Result<T, Failure>;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The job file, its parameters or the configuration are wrong.
    #[error("{0}")]
    Invalid(JobErrors),
    /// The cluster refused, or the job failed.
    #[error("{0}")]
    Refused(String),
    /// Words of the command line that do not go together.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Unreachable(String),
}

impl Failure {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Invalid(_) | Self::Refused(_) => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
            Self::Unreachable(_) => ExitCode::from(3),
        }
    }
}
