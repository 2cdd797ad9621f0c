//! The history of a job: numbered records of which each is created by exactly one writer. The only commit point.
//!
//! Every record carries the job's whole [`JobState`] behind it, so that a reader needs the last one only and older ones
//! may be dropped.

mod decide;
mod writer;

pub use decide::{Action, Found, decide};
pub use writer::{JobLog, Latest, list_jobs, read_latest};

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use streaming::{Attempt, Epoch, Term, Timestamp};

use crate::path::ObjectPath;

/// The version of records that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// One entry of a job's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub version: u32,
    /// The writer's term.
    pub term: Term,
    /// Tells this record from any other, also of the same writer.
    pub nonce: Nonce,
    /// By the writer's clock; for people.
    pub at: Timestamp,
    pub event: Event,
    /// The job behind `event`.
    pub state: JobState,
}

/// The number that marks a record, as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nonce(pub u64);

impl From<Nonce> for String {
    fn from(nonce: Nonce) -> Self {
        format!("{:016x}", nonce.0)
    }
}

impl TryFrom<String> for Nonce {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The job exists; its file is `spec/{spec}`.
    Submitted { name: String, spec: u32 },
    /// A new version of the job file, such as another parallelism, counts from the next attempt on.
    Changed { spec: u32 },
    /// Tasks are about to be deployed, from checkpoint `from` or from nothing.
    AttemptStarted { attempt: Attempt, from: Option<Epoch> },
    /// The attempt has failed; another may follow.
    AttemptFailed { attempt: Attempt, reason: String },
    /// Checkpoint `epoch` exists.
    Committed {
        epoch: Epoch,
        attempt: Attempt,
        manifest: ObjectPath,
    },
    /// The record's term leads the job from here on.
    TookOver,
    /// There will be no further attempt.
    Ended { end: EndState, reason: String },
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndState {
    Finished,
    Cancelled,
    Failed,
    /// Stopped with a savepoint.
    Suspended,
}

/// What a log says about its job.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JobState {
    pub name: String,
    /// The version of the job file.
    pub spec: u32,
    /// The latest attempt; 0 before the first.
    pub attempt: Attempt,
    /// The checkpoint that the latest attempt started from.
    pub restored: Option<Epoch>,
    /// The kept checkpoints, oldest first.
    pub commits: VecDeque<Commit>,
    pub ended: Option<Ended>,
    pub submitted: Timestamp,
}

/// A checkpoint that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    pub epoch: Epoch,
    pub attempt: Attempt,
    pub manifest: ObjectPath,
    pub at: Timestamp,
}

/// The end of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub end: EndState,
    pub reason: String,
    pub at: Timestamp,
}

impl JobState {
    /// The checkpoint to restore.
    pub fn latest(&self) -> Option<&Commit> {
        self.commits.back()
    }

    /// The state behind `event`, with the last `retained` commits. An event that cannot follow is refused: our defect.
    pub fn after(&self, event: &Event, at: Timestamp, retained: usize) -> Result<Self, String> {
        if let Some(ended) = &self.ended
            && !matches!(event, Event::TookOver)
        {
            return Err(format!("{event:?} after the job has ended as {:?}", ended.end));
        }
        let mut next = self.clone();
        match event {
            Event::Submitted { name, spec } => {
                if *self != Self::default() {
                    return Err("submitted twice".into());
                }
                next.name.clone_from(name);
                next.spec = *spec;
                next.submitted = at;
            }
            Event::Changed { spec } if *spec > self.spec => next.spec = *spec,
            Event::Changed { spec } => return Err(format!("version {spec} of the job file after {}", self.spec)),
            Event::AttemptStarted { attempt, from } => {
                if *attempt <= self.attempt {
                    return Err(format!("attempt {attempt} after attempt {}", self.attempt));
                }
                next.attempt = *attempt;
                next.restored = *from;
            }
            Event::AttemptFailed { attempt, .. } if *attempt == self.attempt => {}
            Event::AttemptFailed { attempt, .. } => {
                return Err(format!("attempt {attempt} failed during attempt {}", self.attempt));
            }
            Event::Committed {
                epoch,
                attempt,
                manifest,
            } => {
                let last = self.latest().map_or(Epoch(0), |commit| commit.epoch);
                if *epoch <= last || *attempt != self.attempt {
                    return Err(format!(
                        "epoch {epoch} of attempt {attempt} after epoch {last}, during attempt {}",
                        self.attempt
                    ));
                }
                next.commits.push_back(Commit {
                    epoch: *epoch,
                    attempt: *attempt,
                    manifest: manifest.clone(),
                    at,
                });
                while next.commits.len() > retained.max(1) {
                    next.commits.pop_front();
                }
            }
            Event::TookOver => {}
            Event::Ended { end, reason } => {
                let (end, reason) = (*end, reason.clone());
                next.ended = Some(Ended { end, reason, at });
            }
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests;
