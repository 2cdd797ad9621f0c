//! The life of a job: the only writer of its state. Pure: same state, same event, same commands.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use streaming::Attempt;
use streaming::id::TaskId;

use super::restart::{Decision, Restarts};
pub use super::state::{Failure, State, TaskState};
use crate::schedule::{Slots, TaskManagerId};

/// What a task says about itself.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskChange {
    Ready,
    Running,
    Exhausted,
    Finished,
    Cancelled,
    Failed(Failure),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Begin,
    /// Slots have come or gone, somewhere.
    SlotsChanged,
    /// Answer to [`Command::Place`]; `deployment` is random.
    Placed {
        slots: Slots,
        deployment: u64,
    },
    AttemptRecorded(Attempt),
    Task {
        deployment: u64,
        task: TaskId,
        change: TaskChange,
    },
    TaskManagerLost {
        id: TaskManagerId,
        why: String,
    },
    /// A checkpoint triggered after every source was exhausted is durable.
    LastCheckpointCommitted,
    /// A checkpoint of the attempt, the last one or not, is durable.
    CheckpointCommitted,
    /// The attempt cannot go on, for a reason outside its tasks.
    AttemptFailed(Failure),
    Cancel,
    Suspend,
    Tick,
}

/// What the driver does, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Take slots and answer [`Event::Placed`], or wait for others.
    Place,
    /// Append the attempt to the job log, then answer [`Event::AttemptRecorded`].
    RecordAttempt(Attempt),
    Deploy,
    Start,
    BeginCheckpoints,
    /// Every source is exhausted: one more checkpoint, then [`Event::LastCheckpointCommitted`].
    LastCheckpoint,
    Finish,
    EndCheckpoints,
    CancelTasks,
    ReleaseSlots,
    /// Append the end state to the job log.
    RecordEnd(State),
    NoteFailure {
        failure: Failure,
        restart: bool,
    },
    /// A further failure of an attempt that is already being stopped.
    NoteConcurrent(Failure),
}

/// What a machine must know of its job.
#[derive(Debug, Clone)]
pub struct Shape {
    pub tasks: BTreeSet<TaskId>,
    pub sources: BTreeSet<TaskId>,
    pub checkpointing: bool,
    /// How long tasks may take to restore and connect.
    pub restore_timeout: Duration,
    /// How long tasks may take to stop before the job goes on without their word. Their frames carry an old deployment, so
    /// nobody listens to them any more.
    pub cancel_timeout: Duration,
}

#[derive(Debug)]
pub struct Machine {
    shape: Shape,
    restarts: Restarts,
    state: State,
    attempt: Attempt,
    deployment: u64,
    slots: Slots,
    /// Tasks of the current attempt; empty while nothing is deployed.
    tasks: BTreeMap<TaskId, TaskState>,
    started: bool,
    /// All sources are exhausted, and what follows from it has been asked for.
    draining: bool,
    finishing: bool,
    restart_at: Option<Instant>,
    deadline: Option<Instant>,
}

impl Machine {
    /// A job whose last attempt so far was `attempt` (0: none).
    pub fn new(shape: Shape, restarts: Restarts, attempt: Attempt) -> Self {
        Self {
            shape,
            restarts,
            state: State::Created,
            attempt,
            deployment: 0,
            slots: Vec::new(),
            tasks: BTreeMap::new(),
            started: false,
            draining: false,
            finishing: false,
            restart_at: None,
            deadline: None,
        }
    }

    pub fn state(&self) -> State {
        self.state
    }

    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    pub fn deployment(&self) -> u64 {
        self.deployment
    }

    /// Where the slots of the job are, or were last.
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    pub fn tasks(&self) -> &BTreeMap<TaskId, TaskState> {
        &self.tasks
    }

    /// The TaskManager of a task.
    pub fn place_of(&self, task: TaskId) -> Option<&TaskManagerId> {
        self.slots.get(usize::from(task.subtask))
    }

    /// When [`Event::Tick`] is due at the latest.
    pub fn wake_at(&self) -> Option<Instant> {
        match self.state {
            State::Restarting if self.is_settled() => self.restart_at,
            State::Restarting => self.deadline.max(self.restart_at),
            State::Restoring | State::Cancelling | State::Failing => self.deadline,
            _ => None,
        }
    }

    /// `dice` is uniform in `[0, 1)`.
    pub fn on_event(&mut self, event: Event, now: Instant, dice: f64) -> Vec<Command> {
        match event {
            _ if self.state.is_end() => vec![],
            Event::Begin if self.state == State::Created => self.schedule(),
            Event::SlotsChanged if self.state == State::Scheduling => vec![Command::Place],
            Event::Placed { slots, deployment } if self.state == State::Scheduling => {
                self.placed(slots, deployment, now)
            }
            Event::AttemptRecorded(attempt) if self.awaits_record(attempt) => self.deploy(),
            Event::Task {
                deployment,
                task,
                change,
            } if deployment == self.deployment && self.tasks.contains_key(&task) => {
                self.task_changed(task, change, now, dice)
            }
            Event::TaskManagerLost { id, why } => self.lost(&id, why, now, dice),
            Event::CheckpointCommitted => {
                self.restarts.on_progress();
                vec![]
            }
            Event::LastCheckpointCommitted if self.state == State::Running && self.draining => self.finish(),
            Event::AttemptFailed(failure) if self.is_active() => self.fail(failure, now, dice),
            Event::Cancel => self.cancel(now),
            Event::Suspend => {
                self.state = State::Suspended;
                vec![Command::EndCheckpoints, Command::ReleaseSlots]
            }
            Event::Tick => self.tick(now, dice),
            // Late or early: what it speaks of has already ended or has not begun.
            _ => vec![],
        }
    }

    fn is_active(&self) -> bool {
        matches!(self.state, State::Restoring | State::Running)
    }

    fn awaits_record(&self, attempt: Attempt) -> bool {
        self.state == State::Restoring && self.tasks.is_empty() && attempt == self.attempt
    }

    fn is_settled(&self) -> bool {
        self.tasks.values().all(|state| state.is_end())
    }

    fn schedule(&mut self) -> Vec<Command> {
        self.state = State::Scheduling;
        self.tasks.clear();
        self.deadline = None;
        self.restart_at = None;
        vec![Command::Place]
    }

    fn placed(&mut self, slots: Slots, deployment: u64, now: Instant) -> Vec<Command> {
        self.state = State::Restoring;
        self.attempt = self.attempt.next();
        self.deployment = deployment;
        self.slots = slots;
        self.tasks.clear();
        (self.started, self.draining, self.finishing) = (false, false, false);
        self.deadline = Some(now + self.shape.restore_timeout);
        vec![Command::RecordAttempt(self.attempt)]
    }

    fn deploy(&mut self) -> Vec<Command> {
        self.tasks = self
            .shape
            .tasks
            .iter()
            .map(|&task| (task, TaskState::Deploying))
            .collect();
        vec![Command::Deploy]
    }

    fn task_changed(&mut self, task: TaskId, change: TaskChange, now: Instant, dice: f64) -> Vec<Command> {
        let (state, failure) = match change {
            TaskChange::Ready => (TaskState::Ready, None),
            TaskChange::Running => (TaskState::Running, None),
            TaskChange::Exhausted => (TaskState::Exhausted, None),
            TaskChange::Finished => (TaskState::Finished, None),
            TaskChange::Cancelled => (TaskState::Cancelled, None),
            TaskChange::Failed(failure) => (TaskState::Failed, Some(failure)),
        };
        let place = self.place_of(task).cloned();
        let old = self.tasks.insert(task, state).unwrap_or(TaskState::Deploying);
        if old.is_end() || state < old {
            // Said twice, or overtaken.
            self.tasks.insert(task, old);
            return vec![];
        }
        let failure = failure.map(|failure| Failure {
            task: Some(task),
            taskmanager: place,
            ..failure
        });
        match (self.state, failure) {
            (State::Restoring | State::Running, Some(failure)) => self.fail(failure, now, dice),
            (State::Restoring | State::Running, None) if state == TaskState::Cancelled => {
                let message = format!("task {task} stopped without having been told to");
                self.fail(Failure::external(message), now, dice)
            }
            (State::Restoring | State::Running, None) => self.advance(),
            (_, Some(failure)) => self.fail_again(failure, now, dice),
            (_, None) => self.tick(now, dice),
        }
    }

    /// Goes on when the slowest task has.
    fn advance(&mut self) -> Vec<Command> {
        let slowest = self.tasks.values().min().copied().unwrap_or(TaskState::Deploying);
        let mut commands = vec![];
        if !self.started && slowest >= TaskState::Ready {
            self.started = true;
            commands.push(Command::Start);
        }
        if self.state == State::Restoring && slowest >= TaskState::Running {
            self.state = State::Running;
            self.deadline = None;
            commands.push(Command::BeginCheckpoints);
        }
        if self.state == State::Running && !self.draining && self.sources_are_exhausted() {
            self.draining = true;
            if self.shape.checkpointing {
                commands.push(Command::LastCheckpoint);
            } else {
                commands.extend(self.finish());
            }
        }
        if self.state == State::Running && slowest >= TaskState::Finished {
            self.state = State::Finished;
            commands.extend([
                Command::EndCheckpoints,
                Command::ReleaseSlots,
                Command::RecordEnd(State::Finished),
            ]);
        }
        commands
    }

    fn sources_are_exhausted(&self) -> bool {
        let is_exhausted = |task| self.tasks.get(task).is_some_and(|&state| state >= TaskState::Exhausted);
        self.shape.sources.iter().all(is_exhausted)
    }

    fn finish(&mut self) -> Vec<Command> {
        if std::mem::replace(&mut self.finishing, true) {
            return vec![];
        }
        vec![Command::EndCheckpoints, Command::Finish]
    }

    fn lost(&mut self, id: &str, why: String, now: Instant, dice: f64) -> Vec<Command> {
        if !self.slots.iter().any(|slot| slot == id) {
            return vec![];
        }
        let mut lost = vec![];
        for (&task, state) in &mut self.tasks {
            if self.slots.get(usize::from(task.subtask)).is_some_and(|slot| slot == id) && !state.is_end() {
                *state = TaskState::Lost;
                lost.push(task);
            }
        }
        // Also when its tasks had all ended: what they sent last may not have left it, and others would wait for that for ever.
        if self.is_active() {
            let failure = Failure {
                task: lost.first().copied(),
                taskmanager: Some(id.to_owned()),
                subject: id.to_owned(),
                ..Failure::external(format!("TaskManager {id} is lost: {why}"))
            };
            return self.fail(failure, now, dice);
        }
        let mut commands = vec![];
        if let Some(&task) = lost.first() {
            // Often the cause of the failure that is being dealt with: others noticed it first.
            commands.push(Command::NoteConcurrent(Failure {
                task: Some(task),
                taskmanager: Some(id.to_owned()),
                ..Failure::external(format!("TaskManager {id} is lost: {why}"))
            }));
        }
        commands.extend(self.tick(now, dice));
        commands
    }

    fn fail(&mut self, failure: Failure, now: Instant, dice: f64) -> Vec<Command> {
        let decision = match failure.retry {
            true => self.restarts.on_failure(now, dice),
            false => Decision::GiveUp("running it again cannot help".into()),
        };
        let (restart, failure) = match decision {
            Decision::RestartAfter(delay) => {
                self.state = State::Restarting;
                self.restart_at = Some(now + delay);
                (true, failure)
            }
            Decision::GiveUp(_) if !failure.retry => {
                self.state = State::Failing;
                (false, failure)
            }
            Decision::GiveUp(why) => {
                self.state = State::Failing;
                let message = format!("{}; not restarted: {why}", failure.message);
                (false, Failure { message, ..failure })
            }
        };
        self.deadline = Some(now + self.shape.cancel_timeout);
        let mut commands = vec![
            Command::NoteFailure { failure, restart },
            Command::EndCheckpoints,
            Command::CancelTasks,
        ];
        commands.extend(self.tick(now, dice));
        commands
    }

    /// A failure of an attempt that is being stopped. One that no restart cures decides, even if it comes second.
    fn fail_again(&mut self, failure: Failure, now: Instant, dice: f64) -> Vec<Command> {
        let mut commands = match (self.state, failure.retry) {
            (State::Restarting, false) => {
                self.state = State::Failing;
                vec![Command::NoteFailure {
                    failure,
                    restart: false,
                }]
            }
            _ => vec![Command::NoteConcurrent(failure)],
        };
        commands.extend(self.tick(now, dice));
        commands
    }

    fn cancel(&mut self, now: Instant) -> Vec<Command> {
        if matches!(self.state, State::Cancelling | State::Failing) {
            return vec![];
        }
        let was_active = self.is_active();
        self.state = State::Cancelling;
        self.deadline = Some(now + self.shape.cancel_timeout);
        let mut commands = vec![];
        if was_active {
            commands.extend([Command::EndCheckpoints, Command::CancelTasks]);
        }
        commands.extend(self.tick(now, 0.0));
        commands
    }

    fn tick(&mut self, now: Instant, dice: f64) -> Vec<Command> {
        let is_overdue = self.deadline.is_some_and(|deadline| now >= deadline);
        let may_go_on = self.is_settled() || is_overdue;
        match self.state {
            State::Restarting if may_go_on && self.restart_at.is_none_or(|at| now >= at) => self.schedule(),
            State::Cancelling if may_go_on => self.end(State::Cancelled),
            State::Failing if may_go_on => self.end(State::Failed),
            State::Restoring if is_overdue => {
                let waiting: Vec<_> = self
                    .tasks
                    .iter()
                    .filter(|(_, state)| **state < TaskState::Running)
                    .collect();
                let message = format!(
                    "{} of {} tasks were not running {} s after they had been deployed, the first of them {}",
                    waiting.len(),
                    self.shape.tasks.len(),
                    self.shape.restore_timeout.as_secs(),
                    waiting.first().map_or("none".to_owned(), |(task, _)| task.to_string()),
                );
                self.fail(Failure::external(message), now, dice)
            }
            _ => vec![],
        }
    }

    fn end(&mut self, state: State) -> Vec<Command> {
        self.state = state;
        vec![Command::ReleaseSlots, Command::RecordEnd(state)]
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
