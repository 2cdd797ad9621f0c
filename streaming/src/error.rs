//! What can go wrong in a dataflow, and what to do about it.

use std::fmt;

/// The result of every step of a dataflow.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who has to act on an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The job file, its options or its data: trying again cannot help.
    User,
    /// Something outside: a broker, a store, a peer, a disk.
    External,
    /// A broken invariant of ours.
    Internal,
}

/// Whether running the same thing again may succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    Never,
    Backoff,
}

/// A failed step of a dataflow. The restart strategy reads [`Error::kind`] and [`Error::retry`] and nothing else.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Bytes that do not decode as what they claim to be.
    #[error("damaged {subject}: {reason}")]
    Damaged { subject: &'static str, reason: String },
    /// A mistake in the job or its options.
    #[error("{subject}: {reason}")]
    User { subject: String, reason: String },
    /// A failure of something outside the process.
    #[error("{subject}: {reason}")]
    External { subject: String, reason: String },
    /// A broken invariant of ours.
    #[error("{subject}: {reason}; this is a defect, please report it")]
    Internal { subject: String, reason: String },
    /// The task was told to stop while it waited.
    #[error("the task was cancelled")]
    Cancelled,
}

impl Error {
    pub fn user(subject: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self::User {
            subject: subject.into(),
            reason: reason.to_string(),
        }
    }

    pub fn external(subject: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self::External {
            subject: subject.into(),
            reason: reason.to_string(),
        }
    }

    pub fn internal(subject: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self::Internal {
            subject: subject.into(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn damaged(subject: &'static str, reason: impl fmt::Display) -> Self {
        Self::Damaged {
            subject,
            reason: reason.to_string(),
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::User { .. } => Kind::User,
            Self::External { .. } | Self::Cancelled => Kind::External,
            Self::Damaged { .. } | Self::Internal { .. } => Kind::Internal,
        }
    }

    pub fn retry(&self) -> Retry {
        match self.kind() {
            Kind::User => Retry::Never,
            Kind::External | Kind::Internal => Retry::Backoff,
        }
    }
}
