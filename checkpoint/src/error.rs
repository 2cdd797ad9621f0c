//! What can go wrong with durable objects, and whether trying again may help.

use std::time::Duration;

use streaming::{JobId, Kind, Retry, Term};

use crate::path::ObjectPath;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause of an [`Error::MaybeApplied`].
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    #[error(transparent)]
    Store(#[from] object_store::Error),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address of the store, or one of its options.
    #[error("cannot use {url} as an object store: {reason}")]
    Address { url: String, reason: String },
    #[error("{path} does not exist")]
    NotFound { path: ObjectPath },
    /// The object was certainly not written or deleted.
    #[error("{path} was not written: {source}")]
    NotApplied {
        path: ObjectPath,
        source: object_store::Error,
    },
    /// The object may have been written, or may yet be. Reading tells, and writing the same again is safe.
    #[error("outcome of writing {path} is unknown: {source}")]
    MaybeApplied { path: ObjectPath, source: Cause },
    #[error("cannot read {path}: {source}")]
    Unreadable { path: ObjectPath, source: Cause },
    /// Bytes that are not what their name says.
    #[error("{path} is damaged: {reason}")]
    Damaged { path: ObjectPath, reason: String },
    /// Another leader writes this job's log: stop at once.
    #[error("term {ours} no longer leads job {job}: term {by} has written to its log")]
    Deposed { job: JobId, ours: Term, by: Term },
    /// A log position was written and not yet seen: [`crate::JobLog::settle`] again.
    #[error("the log of job {job} has an unsettled record at {path}")]
    Unsettled {
        job: JobId,
        path: ObjectPath,
        #[source]
        source: Box<Error>,
    },
    #[error("job {job} has no log")]
    NoLog { job: JobId },
    #[error("job {job} exists already")]
    JobExists { job: JobId },
    #[error("leadership could not be taken: {reason}")]
    Leadership { reason: String },
    /// A broken invariant of ours.
    #[error("{subject}: {reason}; this is a defect, please report it")]
    Internal { subject: String, reason: String },
}

impl Error {
    pub(crate) fn damaged(path: &ObjectPath, reason: impl ToString) -> Self {
        Self::Damaged {
            path: path.clone(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn internal(subject: impl Into<String>, reason: impl ToString) -> Self {
        Self::Internal {
            subject: subject.into(),
            reason: reason.to_string(),
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Address { .. } | Self::NoLog { .. } | Self::JobExists { .. } => Kind::User,
            Self::Damaged { .. } | Self::Internal { .. } => Kind::Internal,
            _ => Kind::External,
        }
    }

    pub fn retry(&self) -> Retry {
        match self {
            Self::NotApplied { .. }
            | Self::MaybeApplied { .. }
            | Self::Unreadable { .. }
            | Self::Unsettled { .. }
            | Self::Leadership { .. } => Retry::Backoff,
            _ => Retry::Never,
        }
    }
}

impl From<Error> for streaming::Error {
    fn from(error: Error) -> Self {
        match error.kind() {
            Kind::User => Self::user("checkpoint store", error),
            Kind::External => Self::external("checkpoint store", error),
            Kind::Internal => Self::internal("checkpoint store", error),
        }
    }
}
