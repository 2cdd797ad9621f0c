//! Between the schema and the vocabulary.

use streaming::id::TaskId;
use streaming::{Error, Kind, Retry, VertexId};

use crate::{Failure, failure};

impl Failure {
    /// The failure of `subject` (a task, an operator) by `error`.
    pub fn new(subject: impl Into<String>, error: &Error) -> Self {
        let kind = match error.kind() {
            Kind::User => failure::Kind::User,
            Kind::External => failure::Kind::External,
            Kind::Internal => failure::Kind::Internal,
        };
        let retry = error.retry() == Retry::Backoff;
        Self {
            kind: kind.into(),
            retry,
            message: error.to_string(),
            subject: subject.into(),
        }
    }

    /// A failure that running again may cure.
    pub fn external(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind: failure::Kind::External.into(),
            retry: true,
            message: message.into(),
            subject: subject.into(),
        }
    }
}

/// The task that two numbers of a message name. Numbers out of range name none.
pub fn task_id(vertex: u32, subtask: u32) -> Option<TaskId> {
    Some(TaskId {
        vertex: VertexId(u16::try_from(vertex).ok()?),
        subtask: u16::try_from(subtask).ok()?,
    })
}

/// The gRPC status of an error: the only place where kinds become codes.
pub fn status(error: &Error) -> tonic::Status {
    match error.kind() {
        Kind::User => tonic::Status::invalid_argument(error.to_string()),
        Kind::External => tonic::Status::unavailable(error.to_string()),
        Kind::Internal => tonic::Status::internal(error.to_string()),
    }
}
