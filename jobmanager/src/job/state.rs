//! The words for how far a job and its tasks are.

use streaming::id::TaskId;

use crate::schedule::TaskManagerId;

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    Created,
    /// Waits for slots.
    Scheduling,
    /// Tasks restore their state and connect.
    Restoring,
    Running,
    /// Tasks of a failed attempt stop, and the delay of the restart strategy passes.
    Restarting,
    /// Tasks stop because somebody asked for it.
    Cancelling,
    /// Tasks stop because of a failure that no restart cures.
    Failing,
    Finished,
    Cancelled,
    Failed,
    /// The JobManager goes; another one takes the job up.
    Suspended,
}

impl State {
    pub fn is_end(self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled | Self::Failed | Self::Suspended)
    }
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskState {
    Deploying,
    Ready,
    Running,
    Exhausted,
    Finished,
    Cancelled,
    Failed,
    /// Its TaskManager is gone.
    Lost,
}

impl TaskState {
    pub fn is_end(self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled | Self::Failed | Self::Lost)
    }
}

/// Why an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub retry: bool,
    pub message: String,
    /// Operator, task or host it is about; may be empty.
    pub subject: String,
    pub task: Option<TaskId>,
    pub taskmanager: Option<TaskManagerId>,
}

impl Failure {
    pub fn external(message: impl Into<String>) -> Self {
        Self {
            retry: true,
            message: message.into(),
            subject: String::new(),
            task: None,
            taskmanager: None,
        }
    }
}
