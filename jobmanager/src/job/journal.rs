//! Writes what must not be forgotten of a job, in order: attempts, commits and the end. One worker per job owns its log, so
//! a new attempt is recorded only after a commit of the one before has been settled.

use std::collections::BTreeMap;
use std::time::Duration;

use checkpoint::log::{EndState, Event};
use checkpoint::manifest::{OperatorState, SubtaskState, VERSION};
use checkpoint::{Cluster, Error, JobLog, Manifest, Object, ObjectPath, Store, TaskState, retain};
use streaming::graph::PhysicalGraph;
use streaming::id::TaskId;
use streaming::{Attempt, Epoch, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::machine::State;
use crate::clock::now_ms;

/// Writes that may wait. A driver asks for one at a time, and for another attempt only after a minute.
const QUEUE: usize = 64;
/// Between two tries of what must succeed.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Records of the log that are kept, and how many more there may be before they are dropped.
const RECORDS_KEPT: usize = 16;
const RECORDS_DROPPED_AT: u32 = 32;
/// How long dropping them may hold up the next write.
const PRUNE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a task acknowledges a checkpoint with.
#[derive(Debug, Clone, PartialEq)]
pub struct Acknowledged(TaskState);

impl Acknowledged {
    /// Reads the JSON of a [`TaskState`]; an empty text is the state of a task that has none.
    pub fn parse(json: &str) -> Result<Self, String> {
        if json.is_empty() {
            return Ok(Self(TaskState::default()));
        }
        let parsed = serde_json::from_str(json);
        parsed
            .map(Self)
            .map_err(|error| format!("its acknowledgement is damaged: {error}"))
    }

    pub fn state_bytes(&self) -> u64 {
        self.0.operators.values().map(SubtaskState::bytes).sum()
    }

    /// Bytes that belong to `epoch` itself: objects whose path names it.
    pub fn written_bytes(&self, epoch: Epoch) -> u64 {
        let folder = format!("/{:020}/", epoch.0);
        let segments = self
            .0
            .operators
            .values()
            .flat_map(|state| state.keyed.segments().into_iter().chain(&state.objects));
        let own = segments.filter(|segment| segment.path.as_str().contains(&folder));
        own.map(|segment| segment.bytes).sum()
    }
}

/// A checkpoint to restore from.
#[derive(Debug, Clone)]
pub struct Committed {
    pub epoch: Epoch,
    pub path: String,
    /// The manifest as JSON.
    pub manifest: String,
}

impl Committed {
    /// Reads the manifest of a commit.
    pub async fn read(store: &Store, path: &ObjectPath) -> Result<Self, Error> {
        let manifest = Manifest::read(store, path).await?;
        Ok(Self::new(&manifest, path))
    }

    fn new(manifest: &Manifest, path: &ObjectPath) -> Self {
        Self {
            epoch: manifest.epoch,
            path: path.to_string(),
            manifest: serde_json::to_string(manifest).expect("a manifest has been written as JSON before"),
        }
    }
}

/// What became of a write.
#[derive(Debug)]
pub enum Written {
    Attempt(Attempt),
    Commit {
        epoch: Epoch,
        outcome: Result<Committed, String>,
    },
    End(State),
    /// Something that must succeed has not yet; it is tried again.
    Waiting(String),
    /// Another JobManager writes this log. Nothing more will be written.
    Deposed(String),
}

#[derive(Debug)]
enum Write {
    Attempt(Attempt),
    Commit(Box<Manifest>),
    /// And why, in a few words; may be empty.
    End(State, String),
}

/// The driver's side.
#[derive(Debug)]
pub struct Journal {
    writes: mpsc::Sender<Write>,
}

impl Journal {
    /// Starts the worker. It ends when the journal is dropped.
    ///
    /// * `keep_all` — keep checkpoints when the job has been cancelled or has finished
    pub fn open(log: JobLog, store: Store, cluster: Cluster, keep_all: bool) -> (Self, mpsc::Receiver<Written>) {
        let (writes, queue) = mpsc::channel(QUEUE);
        let (answers, written) = mpsc::channel(QUEUE);
        let worker = Worker {
            log,
            store,
            cluster,
            keep_all,
            answers,
            collection: None,
            written: 0,
        };
        tokio::spawn(worker.run(queue));
        (Self { writes }, written)
    }

    pub fn attempt(&self, attempt: Attempt) {
        self.write(Write::Attempt(attempt));
    }

    /// Writes the manifest of an epoch that all tasks have acknowledged, and commits it.
    pub fn commit(&self, manifest: Manifest) {
        self.write(Write::Commit(Box::new(manifest)));
    }

    pub fn end(&self, state: State, reason: String) {
        self.write(Write::End(state, reason));
    }

    fn write(&self, write: Write) {
        if let Err(error) = self.writes.try_send(write) {
            // An unanswered attempt or commit runs into its time-out and is tried again.
            tracing::error!(%error, "the job log does not keep up");
        }
    }
}

/// The manifest of an epoch.
///
/// * `states` — of every task of the attempt
/// * `triggered_ms` — when the epoch was triggered
pub fn manifest(
    log: (streaming::JobId, Epoch, Attempt),
    parent: Option<Epoch>,
    graph: &PhysicalGraph,
    mut states: BTreeMap<TaskId, Acknowledged>,
    triggered_ms: i64,
) -> Manifest {
    let (job, epoch, attempt) = log;
    let mut operators = BTreeMap::new();
    for vertex in &graph.vertices {
        for node in &vertex.nodes {
            let task = |subtask| TaskId {
                vertex: vertex.id,
                subtask,
            };
            let found: Vec<_> = (0..vertex.parallelism)
                .map(|subtask| {
                    states
                        .get_mut(&task(subtask))
                        .and_then(|state| state.0.operators.remove(&node.id))
                })
                .collect();
            if found.iter().any(Option::is_some) {
                let subtasks = found.into_iter().map(Option::unwrap_or_default).collect();
                operators.insert(node.id.clone(), OperatorState { subtasks });
            }
        }
    }
    Manifest {
        version: VERSION,
        job,
        epoch,
        attempt,
        parent,
        key_groups: graph.key_groups,
        unaligned: false,
        triggered: Timestamp::from_millis(triggered_ms),
        duration_ms: u64::try_from(now_ms() - triggered_ms).unwrap_or(0),
        operators,
    }
}

struct Worker {
    log: JobLog,
    store: Store,
    cluster: Cluster,
    keep_all: bool,
    answers: mpsc::Sender<Written>,
    collection: Option<JoinHandle<()>>,
    /// Records since the worker started.
    written: u32,
}

impl Worker {
    async fn run(mut self, mut queue: mpsc::Receiver<Write>) {
        while let Some(write) = queue.recv().await {
            let answer = match write {
                Write::Attempt(attempt) => self.attempt(attempt).await,
                Write::Commit(manifest) => self.commit(&manifest).await,
                Write::End(state, reason) => self.end(state, reason).await,
            };
            let is_deposed = matches!(answer, Written::Deposed(_));
            if self.answers.send(answer).await.is_err() || is_deposed {
                break;
            }
            self.prune_now_and_then().await;
        }
        if let Some(collection) = self.collection.take() {
            // It deletes what nobody needs; the next leader does the rest.
            collection.abort();
        }
    }

    /// Drops old records; each carries the whole state, so that the last one is enough.
    async fn prune_now_and_then(&mut self) {
        self.written += 1;
        if !self.written.is_multiple_of(RECORDS_DROPPED_AT) {
            return;
        }
        match tokio::time::timeout(PRUNE_TIMEOUT, self.log.prune(RECORDS_KEPT)).await {
            Ok(Ok(dropped)) => tracing::debug!(job = %self.log.job(), dropped, "old log records dropped"),
            Ok(Err(error)) => tracing::warn!(job = %self.log.job(), %error, "old log records not dropped"),
            Err(_) => tracing::warn!(job = %self.log.job(), "dropping old log records takes too long, put off"),
        }
    }

    async fn attempt(&mut self, attempt: Attempt) -> Written {
        let from = self.log.state().latest().map(|commit| commit.epoch);
        match self.append_until_written(Event::AttemptStarted { attempt, from }).await {
            Ok(()) => Written::Attempt(attempt),
            Err(error) => Written::Deposed(error.to_string()),
        }
    }

    async fn commit(&mut self, manifest: &Manifest) -> Written {
        let epoch = manifest.epoch;
        let path = match manifest.write(&self.store, &self.cluster).await {
            Ok(path) => path,
            // Nothing names it: as if it did not exist, whether it does or not.
            Err(error) => {
                let outcome = Err(error.to_string());
                return Written::Commit { epoch, outcome };
            }
        };
        let event = Event::Committed {
            epoch,
            attempt: manifest.attempt,
            manifest: path.clone(),
        };
        match self.append(event).await {
            Ok(()) => {
                self.collect();
                let outcome = Ok(Committed::new(manifest, &path));
                Written::Commit { epoch, outcome }
            }
            Err(error @ Error::Deposed { .. }) => Written::Deposed(error.to_string()),
            Err(error) => Written::Commit {
                epoch,
                outcome: Err(error.to_string()),
            },
        }
    }

    async fn end(&mut self, state: State, reason: String) -> Written {
        let end = match state {
            State::Finished => EndState::Finished,
            State::Cancelled => EndState::Cancelled,
            _ => EndState::Failed,
        };
        if let Err(error) = self.append_until_written(Event::Ended { end, reason }).await {
            return Written::Deposed(error.to_string());
        }
        if !self.keep_all && end != EndState::Failed {
            self.delete_all().await;
        }
        Written::End(state)
    }

    /// Appends what the job cannot go on without. Fails only when deposed.
    async fn append_until_written(&mut self, event: Event) -> Result<(), Error> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.append(event.clone()).await {
                Ok(()) => return Ok(()),
                Err(error @ Error::Deposed { .. }) => return Err(error),
                Err(error) => {
                    tracing::warn!(job = %self.log.job(), %error, "job log not written, trying again");
                    // Whether it is shown does not matter to the log.
                    let _ = self.answers.try_send(Written::Waiting(format!("the job log: {error}")));
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Appends a record. One whose outcome is unknown is followed up until it is known: it may be there.
    async fn append(&mut self, event: Event) -> Result<(), Error> {
        let mut pause = FIRST_PAUSE;
        let mut outcome = self.log.append(event, Timestamp::from_millis(now_ms())).await;
        while let Err(error @ Error::Unsettled { .. }) = &outcome {
            tracing::warn!(job = %self.log.job(), %error, "outcome of a commit is unknown, asking again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            outcome = self.log.settle().await;
        }
        outcome.map(|_| ())
    }

    /// Starts to delete what no kept checkpoint needs, unless that is still going on.
    fn collect(&mut self) {
        if self.collection.as_ref().is_some_and(|running| !running.is_finished()) {
            return;
        }
        let (store, cluster) = (self.store.clone(), self.cluster.clone());
        let (job, state) = (self.log.job(), self.log.state().clone());
        self.collection = Some(tokio::spawn(async move {
            if let Err(error) = retain::collect(&store, &cluster, job, &state).await {
                tracing::warn!(%job, %error, "old checkpoints not collected");
            }
        }));
    }

    async fn delete_all(&mut self) {
        if let Some(running) = self.collection.take() {
            running.abort();
        }
        let (job, state) = (self.log.job(), self.log.state());
        if let Err(error) = retain::delete_checkpoints(&self.store, &self.cluster, job, state).await {
            tracing::warn!(%job, %error, "checkpoints of an ended job not deleted");
        }
    }
}

/// Where the job's file is.
pub fn spec_path(cluster: &Cluster, job: streaming::JobId) -> ObjectPath {
    cluster.path(&Object::Spec { job, version: 1 })
}
