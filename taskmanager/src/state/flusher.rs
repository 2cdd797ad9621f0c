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
    /// Changes that the table does not hold: of this checkpoint, and of those before it that failed on the way there.
    unapplied: Vec<Arc<Changes>>,
    /// Changes in the table that are not stored: of this checkpoint and of failed ones. They go into the next delta.
    unsaved: Vec<Arc<Changes>>,
}

impl Lineage {
    pub fn new(operator: OperatorId, owned: KeyGroupRange, restored: KeyedChain, table: Arc<dyn StateTable>) -> Self {
        Self {
            operator,
            owned,
            stored: restored,
            table,
            unapplied: Vec::new(),
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
    // Before anything can fail: what is not stored with this checkpoint has to be stored with the next.
    for (lineage, node) in lineages.iter_mut().zip(&flush.nodes) {
        lineage.unapplied.push(Arc::clone(&node.changes));
    }
    apply(lineages).await?;
    // A task that has ended reads its state no more.
    let _ = destination.mailbox.send(Event::Flushed(epoch));
    let mut state = TaskState::default();
    let mut splits = flush.splits;
    for (lineage, node) in lineages.iter_mut().zip(flush.nodes) {
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

/// Brings the tables up to date. Off the async threads: a table may be on disk, and a buffer may be large.
async fn apply(lineages: &mut [Lineage]) -> Result<()> {
    let pairs: Vec<_> = lineages.iter().flat_map(Lineage::unapplied).collect();
    let work = move || pairs.iter().try_for_each(|(table, changes)| table.apply(changes));
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("flusher", error))??;
    for lineage in lineages {
        lineage.unsaved.append(&mut lineage.unapplied);
    }
    Ok(())
}

impl Lineage {
    fn unapplied(&self) -> impl Iterator<Item = (Arc<dyn StateTable>, Arc<Changes>)> {
        let pair = |changes: &Arc<Changes>| (Arc::clone(&self.table), Arc::clone(changes));
        self.unapplied.iter().map(pair)
    }

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

#[cfg(test)]
mod tests {
    use checkpoint::StoreOptions;
    use checkpoint::restore::read_chain;
    use streaming::key::KeyGroup;
    use streaming::state::RowKey;
    use streaming::{JobId, VertexId};

    use super::*;
    use crate::state::MemoryTable;

    fn row(number: u8) -> Vec<u8> {
        let key = RowKey {
            table: 0,
            group: KeyGroup(0),
            key: &[number],
            namespace: b"",
        };
        key.encode()
    }

    /// A cut at which each of the operators has written the row of that epoch.
    fn cut(epoch: u64, operators: &[&str]) -> Flush {
        let node = |operator: &&str| NodeCut {
            operator: (*operator).to_owned(),
            changes: Arc::new(Changes::from([(row(epoch as u8), Some(vec![1]))])),
            sealed: None,
            watermark: Timestamp::MIN,
        };
        Flush {
            epoch: Epoch(epoch),
            nodes: operators.iter().map(node).collect(),
            splits: None,
            alignment: Duration::ZERO,
            sync: Duration::ZERO,
        }
    }

    #[tokio::test]
    async fn what_a_failed_checkpoint_did_not_store_is_stored_by_the_next_for_every_operator() {
        let operators = ["first", "second"];
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().to_str().unwrap(), &StoreOptions::default()).unwrap();
        let (reports, mut reported) = mpsc::channel(8);
        let (mailbox, _events) = crossbeam_channel::unbounded();
        let owned = KeyGroupRange::of_subtask(8, 1, 0);
        let lineage = |operator: &&str| {
            let table = Arc::new(MemoryTable::default());
            Lineage::new((*operator).to_owned(), owned, KeyedChain::default(), table)
        };
        let destination = Destination {
            store: store.clone(),
            cluster: Cluster::new("c"),
            job: JobId(1),
            attempt: Attempt(1),
            deployment: 1,
            task: TaskId {
                vertex: VertexId(0),
                subtask: 0,
            },
            max_deltas: 10,
            mailbox,
            reports,
        };
        let lineages = operators.iter().map(lineage).collect();
        let flusher = Flusher::start(&tokio::runtime::Handle::current(), destination, lineages);
        // A file in the place of the cluster's folder: nothing can be written.
        let obstacle = directory.path().join("c");
        std::fs::write(&obstacle, b"").unwrap();
        flusher.submit(cut(1, &operators)).unwrap();
        let declined = reported.recv().await.unwrap().message.unwrap();
        assert!(matches!(declined, task_manager_message::Message::CheckpointDeclined(_)));
        std::fs::remove_file(&obstacle).unwrap();
        flusher.submit(cut(2, &operators)).unwrap();
        let acknowledged = match reported.recv().await.unwrap().message.unwrap() {
            task_manager_message::Message::CheckpointAcknowledged(acknowledged) => acknowledged,
            other => panic!("{other:?}"),
        };
        let state: TaskState = serde_json::from_str(&acknowledged.state).unwrap();
        for operator in operators {
            let rows = read_chain(&store, &state.operators[operator].keyed).await.unwrap();
            assert_eq!(rows.into_keys().collect::<Vec<_>>(), [row(1), row(2)], "{operator}");
        }
    }
}
