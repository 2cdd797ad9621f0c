//! Drives one job: events in, commands out. One tokio task per job; nothing here waits for anything but the next event.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use proto::job_manager_message::Message as ToTaskManager;
use streaming::graph::PhysicalGraph;
use streaming::id::TaskId;
use streaming::{Epoch, Term};
use tokio::sync::{mpsc, oneshot, watch};

use super::checkpoints::Acknowledgement;
use super::handle::{JobHandle, Message};
use super::journal::{self, Acknowledged, Committed, Journal, Written};
use super::machine::{Command, Event, Failure, Machine, State, TaskChange};
use super::wire;
use crate::clock::now_ms;
use crate::coordinate::machine as coordinate;
use crate::schedule::attached::{Seat, TaskManagers};

/// What a driver needs to begin.
#[derive(Debug)]
pub struct Start {
    pub machine: Machine,
    pub graph: Arc<PhysicalGraph>,
    pub term: Term,
    /// `None`: the job takes no checkpoints.
    pub checkpoints: Option<coordinate::Options>,
    /// Checkpoints that stay restorable.
    pub retained: usize,
    /// What to restore from.
    pub committed: Option<Committed>,
    pub taskmanagers: TaskManagers,
    pub journal: Journal,
    pub written: mpsc::Receiver<Written>,
}

/// Somebody who asked for a checkpoint, and the epoch that will answer.
type Asking = (Option<Epoch>, oneshot::Sender<Result<Epoch, String>>);

struct Driver {
    machine: Machine,
    graph: Arc<PhysicalGraph>,
    graph_json: String,
    term: Term,
    options: Option<coordinate::Options>,
    retained: usize,
    coordinator: Option<coordinate::Coordinator<Acknowledged>>,
    last_epoch: Epoch,
    committed: Option<Committed>,
    seats: Vec<Seat>,
    asking: Vec<Asking>,
    handle: JobHandle,
    taskmanagers: TaskManagers,
    journal: Journal,
    is_over: bool,
}

/// Drives the job to its end, or until this JobManager stops leading.
pub async fn run(start: Start, handle: JobHandle, mut messages: mpsc::Receiver<Message>) {
    let mut changes = start.taskmanagers.changes();
    let mut written = start.written;
    let mut driver = Driver {
        graph_json: serde_json::to_string(&*start.graph).expect("a graph of texts and numbers always serialises"),
        machine: start.machine,
        graph: start.graph,
        term: start.term,
        options: start.checkpoints,
        retained: start.retained,
        coordinator: None,
        last_epoch: start.committed.as_ref().map_or(Epoch(0), |committed| committed.epoch),
        committed: start.committed,
        seats: vec![],
        asking: vec![],
        handle,
        taskmanagers: start.taskmanagers,
        journal: start.journal,
        is_over: false,
    };
    driver.step(Event::Begin);
    while !driver.is_over {
        driver.next(&mut messages, &mut written, &mut changes).await;
    }
    driver.answer_asking(|_| Some(Err("the job has ended".into())));
}

impl Driver {
    async fn next(
        &mut self,
        messages: &mut mpsc::Receiver<Message>,
        written: &mut mpsc::Receiver<Written>,
        changes: &mut watch::Receiver<u64>,
    ) {
        let coordinator_wakes = self.coordinator.as_ref().and_then(|one| one.wake_at());
        let wake = [self.machine.wake_at(), coordinator_wakes].into_iter().flatten().min();
        let sleep = async move {
            match wake {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            message = messages.recv() => match message {
                Some(message) => self.on_message(message),
                None => self.is_over = true,
            },
            answer = written.recv() => match answer {
                Some(answer) => self.on_written(answer),
                None => self.is_over = true,
            },
            changed = changes.changed() => match changed {
                Ok(()) => self.on_slots_changed(),
                Err(_) => self.is_over = true,
            },
            () = sleep => {
                self.step(Event::Tick);
                self.coordinate(coordinate::Event::Tick);
            }
        }
    }

    fn on_message(&mut self, message: Message) {
        match message {
            Message::Task(changed) => {
                if let Some((task, change)) = wire::task_change(&changed) {
                    self.note_change(changed.deployment, task, &change);
                    let deployment = changed.deployment;
                    self.step(Event::Task {
                        deployment,
                        task,
                        change,
                    });
                }
            }
            Message::Acknowledged(message) if message.deployment == self.machine.deployment() => {
                self.on_acknowledged(&message);
            }
            Message::Declined(message) if message.deployment == self.machine.deployment() => {
                if let Some(task) = proto::convert::task_id(message.vertex, message.subtask) {
                    let why = message.failure.map_or_else(String::new, |failure| failure.message);
                    let epoch = Epoch(message.epoch);
                    self.coordinate(coordinate::Event::Declined { task, epoch, why });
                }
            }
            // Of an attempt that is over.
            Message::Acknowledged(_) | Message::Declined(_) => {}
            Message::Cancel => self.step(Event::Cancel),
            Message::Suspend => self.step(Event::Suspend),
            Message::Checkpoint(answer) => self.on_checkpoint_asked(answer),
        }
    }

    fn on_acknowledged(&mut self, message: &proto::CheckpointAcknowledged) {
        let Some(task) = proto::convert::task_id(message.vertex, message.subtask) else {
            return;
        };
        let epoch = Epoch(message.epoch);
        let state = match Acknowledged::parse(&message.state) {
            Ok(state) => state,
            Err(why) => return self.coordinate(coordinate::Event::Declined { task, epoch, why }),
        };
        let acknowledgement = Acknowledgement {
            at_ms: now_ms(),
            state_bytes: state.state_bytes(),
            written_bytes: state.written_bytes(epoch),
            alignment_ms: message.alignment_us / 1000,
            sync_ms: message.sync_us / 1000,
            async_ms: message.async_us / 1000,
        };
        self.handle.view().checkpoints.acknowledge(epoch, task, acknowledgement);
        self.coordinate(coordinate::Event::Acknowledged { task, epoch, state });
    }

    fn on_checkpoint_asked(&mut self, answer: oneshot::Sender<Result<Epoch, String>>) {
        let refusal = match (&self.coordinator, &self.options) {
            (Some(_), _) => {
                self.asking.push((None, answer));
                return self.coordinate(coordinate::Event::Demand);
            }
            (None, None) => "the job takes no checkpoints: its execution.checkpointing.interval is not set",
            (None, Some(_)) => "the job is not running",
        };
        // Whoever asked may have gone.
        let _ = answer.send(Err(refusal.into()));
    }

    fn answer_asking(&mut self, answer: impl Fn(Option<Epoch>) -> Option<Result<Epoch, String>>) {
        for (epoch, asking) in std::mem::take(&mut self.asking) {
            match answer(epoch) {
                Some(result) => drop(asking.send(result)),
                None => self.asking.push((epoch, asking)),
            }
        }
    }

    fn on_written(&mut self, answer: Written) {
        match answer {
            Written::Attempt(attempt) => self.step(Event::AttemptRecorded(attempt)),
            Written::Commit { epoch, outcome } => {
                let outcome = outcome.map(|committed| {
                    let mut view = self.handle.view();
                    view.checkpoints
                        .complete(epoch, committed.path.clone(), self.retained, now_ms());
                    drop(view);
                    self.committed = Some(committed);
                });
                self.coordinate(coordinate::Event::Stored { epoch, outcome });
            }
            Written::End(state) => {
                tracing::info!(job = %self.handle.id, ?state, "job ended");
                self.handle.view().enter(state, now_ms());
                self.is_over = true;
            }
            Written::Waiting(why) => self.handle.view().waiting = Some(why),
            Written::Deposed(why) => {
                tracing::error!(job = %self.handle.id, why, "another JobManager leads this job");
                self.step(Event::Suspend);
                self.is_over = true;
            }
        }
    }

    fn on_slots_changed(&mut self) {
        let mut seats = self.seats.clone();
        seats.sort();
        seats.dedup();
        for seat in seats {
            if let Some(why) = self.taskmanagers.loss_of(&seat) {
                self.seats.retain(|other| *other != seat);
                self.step(Event::TaskManagerLost { id: seat.0, why });
            }
        }
        self.step(Event::SlotsChanged);
    }

    /// One event of the job's life, and all that follows from it at once.
    fn step(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let commands = self.machine.on_event(event, Instant::now(), rand::random());
            for command in commands {
                events.extend(self.perform(command));
            }
        }
        self.show();
    }

    /// Does what a command says; its answer, where it has one at once.
    fn perform(&mut self, command: Command) -> Option<Event> {
        match command {
            Command::Place => return self.place(),
            Command::RecordAttempt(attempt) => self.journal.attempt(attempt),
            Command::Deploy => self.deploy(),
            Command::Start => {
                let deployment = self.machine.deployment();
                self.broadcast(&ToTaskManager::Start(proto::Start { deployment }));
            }
            Command::BeginCheckpoints => {
                let tasks = self.machine.tasks().keys().copied().collect();
                let new = |options| coordinate::Coordinator::new(options, tasks, self.last_epoch);
                self.coordinator = self.options.clone().map(new);
                self.coordinate(coordinate::Event::Begin);
            }
            Command::LastCheckpoint => self.coordinate(coordinate::Event::DemandLast),
            Command::Finish => {
                let deployment = self.machine.deployment();
                self.broadcast(&ToTaskManager::Finish(proto::Finish { deployment }));
            }
            Command::EndCheckpoints => self.end_checkpoints(),
            Command::CancelTasks => {
                let deployment = self.machine.deployment();
                self.broadcast(&ToTaskManager::Cancel(proto::Cancel { deployment }));
            }
            Command::ReleaseSlots => {
                self.taskmanagers.release(self.handle.id, self.machine.deployment());
                self.seats.clear();
            }
            Command::RecordEnd(state) => {
                let view = self.handle.view();
                let failure = view.failures.front().filter(|_| state == State::Failed);
                let reason = failure.map_or_else(String::new, |one| one.failure.message.clone());
                drop(view);
                self.journal.end(state, reason);
            }
            Command::NoteFailure { failure, restart } => self.note_failure(failure, restart),
            Command::NoteConcurrent(failure) => self.handle.view().fail_concurrently(failure, now_ms()),
        }
        if self.machine.state() == State::Suspended {
            self.handle.view().enter(State::Suspended, now_ms());
            self.is_over = true;
        }
        None
    }

    fn place(&mut self) -> Option<Event> {
        let needed = usize::from(self.graph.slots());
        match self.taskmanagers.take(self.handle.id, needed, self.machine.slots()) {
            Ok(seats) => {
                self.taskmanagers.unroute(self.machine.deployment());
                let deployment = rand::random::<u64>().max(1);
                self.taskmanagers.route(deployment, self.handle.clone());
                let slots = seats.iter().map(|(id, _)| id.clone()).collect();
                self.seats = seats;
                self.handle.view().waiting = None;
                Some(Event::Placed { slots, deployment })
            }
            Err(shortage) => {
                self.handle.view().waiting = Some(shortage.to_string());
                None
            }
        }
    }

    fn deploy(&mut self) {
        let (attempt, now) = (self.machine.attempt(), now_ms());
        tracing::info!(job = %self.handle.id, %attempt, from = ?self.committed.as_ref().map(|one| one.epoch.0), "deploying");
        let places = wire::places(&self.graph, &self.seats, &self.taskmanagers);
        {
            let mut view = self.handle.view();
            view.waiting = None;
            view.tasks = places.iter().map(|place| (place.task, place.view(now))).collect();
            if let Some(committed) = &self.committed {
                view.checkpoints
                    .restore(committed.epoch, Some(committed.path.clone()), now);
            }
        }
        let message = ToTaskManager::Deploy(proto::Deploy {
            term: self.term.0,
            job_id: self.handle.id.to_string(),
            job_name: self.handle.name.to_string(),
            attempt: attempt.0,
            deployment: self.machine.deployment(),
            graph: self.graph_json.clone(),
            placements: places.iter().map(wire::Place::message).collect(),
            manifest: self
                .committed
                .as_ref()
                .map_or_else(String::new, |one| one.manifest.clone()),
            checkpointing: self.options.is_some(),
        });
        self.broadcast(&message);
    }

    /// To every TaskManager of the attempt, once.
    fn broadcast(&self, message: &ToTaskManager) {
        let mut seats: Vec<&Seat> = self.seats.iter().collect();
        seats.sort();
        seats.dedup();
        for seat in seats {
            self.taskmanagers.send(seat, message.clone());
        }
    }

    /// To every TaskManager that runs source tasks.
    fn trigger(&self, epoch: Epoch) {
        let sources = self.graph.vertices.iter().filter(|vertex| vertex.is_source());
        let widest = sources.map(|vertex| usize::from(vertex.parallelism)).max().unwrap_or(0);
        let mut seats: Vec<&Seat> = self.seats.iter().take(widest).collect();
        seats.sort();
        seats.dedup();
        let (deployment, epoch) = (self.machine.deployment(), epoch.0);
        for seat in seats {
            let trigger = proto::TriggerCheckpoint { deployment, epoch };
            self.taskmanagers.send(seat, ToTaskManager::TriggerCheckpoint(trigger));
        }
    }

    fn coordinate(&mut self, event: coordinate::Event<Acknowledged>) {
        let Some(coordinator) = &mut self.coordinator else {
            return;
        };
        let commands = coordinator.on_event(event, Instant::now());
        self.last_epoch = coordinator.last();
        for command in commands {
            self.perform_checkpoint(command);
        }
    }

    fn perform_checkpoint(&mut self, command: coordinate::Command<Acknowledged>) {
        match command {
            coordinate::Command::Trigger(epoch) => {
                let tasks = self.machine.tasks().len();
                self.handle.view().checkpoints.trigger(epoch, tasks, now_ms());
                for (wanted, _) in &mut self.asking {
                    wanted.get_or_insert(epoch);
                }
                self.trigger(epoch);
            }
            coordinate::Command::Store { epoch, states } => {
                let triggered = self
                    .handle
                    .view()
                    .checkpoints
                    .find(epoch)
                    .map_or_else(now_ms, |one| one.triggered_ms);
                let parent = self.committed.as_ref().map(|committed| committed.epoch);
                let name = (self.handle.id, epoch, self.machine.attempt());
                self.journal
                    .commit(journal::manifest(name, parent, &self.graph, states, triggered));
            }
            coordinate::Command::Announce(epoch) => {
                self.step(Event::CheckpointCommitted);
                let deployment = self.machine.deployment();
                let epoch_number = epoch.0;
                self.broadcast(&ToTaskManager::Committed(proto::Committed {
                    deployment,
                    epoch: epoch_number,
                }));
                self.answer_asking(|wanted| wanted.is_some_and(|wanted| wanted <= epoch).then_some(Ok(epoch)));
            }
            coordinate::Command::Abandon { epoch, why } => {
                tracing::warn!(job = %self.handle.id, %epoch, why, "checkpoint given up");
                self.handle.view().checkpoints.fail(epoch, why.clone(), now_ms());
                self.answer_asking(|wanted| (wanted == Some(epoch)).then(|| Err(why.clone())));
            }
            coordinate::Command::LastCommitted => self.step(Event::LastCheckpointCommitted),
            coordinate::Command::FailAttempt(why) => self.step(Event::AttemptFailed(Failure::external(why))),
        }
    }

    fn end_checkpoints(&mut self) {
        self.coordinator = None;
        let why = "the attempt ended before the checkpoint did";
        self.handle.view().checkpoints.fail_in_flight(why, now_ms());
        self.answer_asking(|_| Some(Err(why.into())));
    }

    fn note_failure(&self, failure: Failure, restart: bool) {
        tracing::warn!(job = %self.handle.id, restart, subject = failure.subject, reason = failure.message, "attempt failed");
        let mut view = self.handle.view();
        view.restarts += u32::from(restart);
        view.fail(failure, now_ms());
    }

    /// When a task got how far.
    fn note_change(&self, deployment: u64, task: TaskId, change: &TaskChange) {
        if deployment != self.machine.deployment() {
            return;
        }
        let now = now_ms();
        let mut view = self.handle.view();
        let Some(task) = view.tasks.get_mut(&task) else { return };
        match change {
            TaskChange::Ready => task.ready_ms = now,
            TaskChange::Running => task.running_ms = now,
            TaskChange::Exhausted => {}
            TaskChange::Finished | TaskChange::Cancelled | TaskChange::Failed(_) => task.ended_ms = now,
        }
    }

    /// Lets the view follow the machine. An end is shown when it is durable.
    fn show(&self) {
        let mut view = self.handle.view();
        let state = self.machine.state();
        if !state.is_end() {
            view.enter(state, now_ms());
        }
        view.attempt = self.machine.attempt();
        for (task, &state) in self.machine.tasks() {
            if let Some(shown) = view.tasks.get_mut(task) {
                shown.state = Some(state);
                if state.is_end() && shown.ended_ms == 0 {
                    shown.ended_ms = now_ms();
                }
            }
        }
    }
}
