//! Stores the frozen buffers of a task, one checkpoint after the other, beside the task.

use std::sync::Arc;
use std::time::{Duration, Instant};

use checkpoint::list::write_list;
use checkpoint::manifest::KeyedChain;
use checkpoint::path::StateObject;
use checkpoint::restore::write_segments;
use checkpoint::{Cluster, Nonces, SegmentKind, SegmentRef, Store, SubtaskState, TaskState};
use proto::{CheckpointAcknowledged, CheckpointDeclined, Failure, TaskManagerMessage, task_manager_message};
use streaming::id::TaskId;
use streaming::key::KeyGroupRange;
use streaming::{Attempt, Epoch, Error, JobId, OperatorId, Result, Timestamp};
use tokio::sync::mpsc;
use tracing::warn;

use super::table::{Changes, StateTable};
use crate::deploy::Reports;
use crate::slot::chain::NodeCut;
use crate::slot::mailbox::{Event, Mailbox};

/// What a task hands over at a cut.
pub struct Flush {
    pub epoch: Epoch,
    pub nodes: Vec<NodeCut>,
    /// Entries of the source's splits, where the task is a source.
    pub splits: Option<Vec<Vec<u8>>>,
    /// From the first barrier to the last.
    pub alignment: Duration,
    /// What the cut took of the task's thread.
    pub sync: Duration,
}

/// The task's end of its flusher. One checkpoint is in flight at a time, so the queue stays short.
#[derive(Debug)]
pub struct Flusher(mpsc::UnboundedSender<Flush>);

/// Where the state of one operator lies: what a restore would have to read.
pub struct Lineage {
    operator: OperatorId,
    owned: KeyGroupRange,
    stored: KeyedChain,
    table: Arc<dyn StateTable>,
    /// Changes of checkpoints that could not be stored: they go into the next delta.
    unsaved: Vec<Arc<Changes>>,
}

impl Lineage {
    pub fn new(operator: OperatorId, owned: KeyGroupRange, restored: KeyedChain, table: Arc<dyn StateTable>) -> Self {
        Self {
            operator,
            owned,
            stored: restored,
            table,
            unsaved: Vec::new(),
        }
    }
}

/// Where a flusher writes, and whom it tells.
pub struct Destination {
    pub store: Store,
    pub cluster: Cluster,
    pub job: JobId,
    pub attempt: Attempt,
    pub deployment: u64,
    pub task: TaskId,
    /// Delta segments before state is written whole.
    pub max_deltas: usize,
    pub mailbox: Mailbox,
    pub reports: Reports,
}

impl Flusher {
    /// Starts the flusher of a task; it ends when the task has.
    pub fn start(runtime: &tokio::runtime::Handle, destination: Destination, lineages: Vec<Lineage>) -> Self {
        let (sender, queue) = mpsc::unbounded_channel();
        runtime.spawn(run(destination, lineages, queue));
        Self(sender)
    }

    pub fn submit(&self, flush: Flush) -> Result<()> {
        self.0
            .send(flush)
            .map_err(|_| Error::internal("flusher", "it has ended before its task"))
    }
}

async fn run(destination: Destination, mut lineages: Vec<Lineage>, mut queue: mpsc::UnboundedReceiver<Flush>) {
    let mut nonces = Nonces::random();
    while let Some(flush) = queue.recv().await {
        let begin = Instant::now();
        let (epoch, alignment, sync) = (flush.epoch, flush.alignment, flush.sync);
        let stored = store(&destination, &mut lineages, flush, &mut nonces).await;
        let (vertex, subtask) = (destination.task.vertex.0.into(), destination.task.subtask.into());
        let message = match stored {
            Ok(state) => task_manager_message::Message::CheckpointAcknowledged(CheckpointAcknowledged {
                deployment: destination.deployment,
                vertex,
                subtask,
                epoch: epoch.0,
                state,
                alignment_us: alignment.as_micros() as u64,
                sync_us: sync.as_micros() as u64,
                async_us: begin.elapsed().as_micros() as u64,
            }),
            Err(error) => {
                warn!(job = %destination.job, task = %destination.task, %epoch, %error, "state could not be stored");
                let failure = Some(Failure::new(destination.task.to_string(), &error));
                let deployment = destination.deployment;
                let declined = CheckpointDeclined {
                    deployment,
                    vertex,
                    subtask,
                    epoch: epoch.0,
                    failure,
                };
                task_manager_message::Message::CheckpointDeclined(declined)
            }
        };
        // Without a stream there is no JobManager to tell; it has noticed by itself.
        let _ = destination
            .reports
            .send(TaskManagerMessage { message: Some(message) })
            .await;
    }
}

/// Applies the buffers to their tables and stores them. Returns the acknowledged state as JSON.
async fn store(
    destination: &Destination,
    lineages: &mut [Lineage],
    flush: Flush,
    nonces: &mut Nonces,
) -> Result<String> {
    let epoch = flush.epoch;
    let pairs: Vec<_> = lineages
        .iter()
        .map(|lineage| Arc::clone(&lineage.table))
        .zip(flush.nodes.iter().map(|node| Arc::clone(&node.changes)))
        .collect();
    apply(pairs).await?;
    // A task that has ended reads its state no more.
    let _ = destination.mailbox.send(Event::Flushed(epoch));
    let mut state = TaskState::default();
    let mut splits = flush.splits;
    for (lineage, node) in lineages.iter_mut().zip(flush.nodes) {
        lineage.unsaved.push(node.changes);
        lineage.store(destination, epoch, nonces).await?;
        let items = splits.take().or_else(|| node.sealed.map(|sealed| vec![sealed]));
        let list = match items {
            Some(items) => {
                let name = destination.object(&lineage.operator, epoch, SegmentKind::List, nonces.draw());
                Some(
                    write_list(&destination.store, &destination.cluster, name, &items)
                        .await
                        .map_err(failed)?,
                )
            }
            None => None,
        };
        let keyed = lineage.stored.clone();
        let watermark: Timestamp = node.watermark;
        let operator = lineage.operator.clone();
        state.operators.insert(
            operator,
            SubtaskState {
                keyed,
                list,
                watermark,
                ..SubtaskState::default()
            },
        );
    }
    serde_json::to_string(&state).map_err(|error| Error::internal("acknowledged state", error))
}

/// Off the async threads: a table may be on disk, and a buffer may be large.
async fn apply(pairs: Vec<(Arc<dyn StateTable>, Arc<Changes>)>) -> Result<()> {
    let work = move || pairs.iter().try_for_each(|(table, changes)| table.apply(changes));
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("flusher", error))?
}

impl Lineage {
    /// Brings the stored segments up to what the table holds.
    async fn store(&mut self, destination: &Destination, epoch: Epoch, nonces: &mut Nonces) -> Result<()> {
        let unchanged = self.unsaved.iter().all(|changes| changes.is_empty());
        if !unchanged && self.stored.deltas() >= destination.max_deltas {
            let base = self.write(destination, epoch, nonces, SegmentKind::Base).await?;
            self.stored.replace_by_base(self.owned, base);
        } else if !unchanged {
            let delta = self.write(destination, epoch, nonces, SegmentKind::Delta).await?;
            self.stored.push_deltas(self.owned, &delta);
        }
        self.unsaved.clear();
        Ok(())
    }

    async fn write(
        &self,
        destination: &Destination,
        epoch: Epoch,
        nonces: &mut Nonces,
        kind: SegmentKind,
    ) -> Result<Vec<SegmentRef>> {
        let rows = self.rows(kind).await?;
        let mut name = || destination.object(&self.operator, epoch, kind, nonces.draw());
        write_segments(&destination.store, &destination.cluster, self.owned, &mut name, rows)
            .await
            .map_err(failed)
    }

    /// All rows of the table, which is exactly at this checkpoint, or what has changed since the last segment.
    async fn rows(&self, kind: SegmentKind) -> Result<Changes> {
        let (table, unsaved) = (Arc::clone(&self.table), self.unsaved.clone());
        let work = move || {
            let mut rows = Changes::new();
            if kind == SegmentKind::Base {
                table.scan(&[], &mut |key, value| {
                    rows.insert(key.to_vec(), Some(value.to_vec()));
                    Ok(())
                })?;
            } else {
                for changes in unsaved {
                    rows.extend(changes.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
            }
            Ok(rows)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::internal("flusher", error))?
    }
}

impl Destination {
    fn object(&self, operator: &str, epoch: Epoch, kind: SegmentKind, nonce: u64) -> StateObject {
        let subtask = self.task.subtask;
        StateObject {
            job: self.job,
            attempt: self.attempt,
            epoch,
            operator: operator.to_owned(),
            subtask,
            kind,
            nonce,
        }
    }
}

fn failed(error: checkpoint::Error) -> Error {
    Error::external("checkpoint", error)
}
