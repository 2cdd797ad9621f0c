//! Which TaskManager runs which task.

pub mod assign;
pub mod attached;
pub mod pool;

/// What a TaskManager calls itself; drawn by its process at start.
pub type TaskManagerId = String;

/// Per slot of a job, the TaskManager that gives it: slot `i` hosts subtask `i` of every vertex.
pub type Slots = Vec<TaskManagerId>;
