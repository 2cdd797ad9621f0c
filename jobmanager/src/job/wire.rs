//! Between the words of a job and the wire.

use proto::{Placement, TaskChanged, task_changed};
use streaming::graph::PhysicalGraph;
use streaming::id::TaskId;

use super::machine::{Failure, TaskChange, TaskState};
use super::view::TaskView;
use crate::schedule::assign;
use crate::schedule::attached::{Seat, TaskManagers};

/// What a task says; nothing if it names no task or no state that is known.
pub fn task_change(message: &TaskChanged) -> Option<(TaskId, TaskChange)> {
    let task = proto::convert::task_id(message.vertex, message.subtask)?;
    let change = match task_changed::State::try_from(message.state).ok()? {
        task_changed::State::Ready => TaskChange::Ready,
        task_changed::State::Running => TaskChange::Running,
        task_changed::State::Exhausted => TaskChange::Exhausted,
        task_changed::State::Finished => TaskChange::Finished,
        task_changed::State::Canceled => TaskChange::Cancelled,
        task_changed::State::Failed => TaskChange::Failed(failure(message.failure.clone().unwrap_or_default())),
    };
    Some((task, change))
}

fn failure(message: proto::Failure) -> Failure {
    Failure {
        retry: message.retry,
        message: message.message,
        subject: message.subject,
        task: None,
        taskmanager: None,
    }
}

/// A task and where it runs.
#[derive(Debug, Clone)]
pub struct Place {
    pub task: TaskId,
    pub taskmanager: String,
    pub address: String,
}

/// All tasks of the graph: subtask `i` in seat `i`.
pub fn places(graph: &PhysicalGraph, seats: &[Seat], taskmanagers: &TaskManagers) -> Vec<Place> {
    let address = |seat: &Seat| taskmanagers.address(&seat.0).unwrap_or_default();
    let addresses: Vec<String> = seats.iter().map(address).collect();
    let place = |task: TaskId| {
        let slot = usize::from(task.subtask);
        Some(Place {
            task,
            taskmanager: seats.get(slot)?.0.clone(),
            address: addresses.get(slot)?.clone(),
        })
    };
    assign::tasks(graph).filter_map(place).collect()
}

impl Place {
    pub fn message(&self) -> Placement {
        Placement {
            vertex: self.task.vertex.0.into(),
            subtask: self.task.subtask.into(),
            taskmanager_id: self.taskmanager.clone(),
            address: self.address.clone(),
        }
    }

    /// The task as it is shown when it is deployed at `now_ms`.
    pub fn view(&self, now_ms: i64) -> TaskView {
        TaskView {
            state: Some(TaskState::Deploying),
            taskmanager: self.taskmanager.clone(),
            endpoint: self.address.clone(),
            deployed_ms: now_ms,
            ..TaskView::default()
        }
    }
}
