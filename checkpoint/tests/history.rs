//! Random histories of a job over a store: writes, checkpoints, aborted ones, restarts at other parallelisms, collections.
//! Every kept checkpoint restores to the rows of its cut, at any parallelism, and nothing it needs is ever deleted.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use checkpoint::log::{Event, JobLog};
use checkpoint::manifest::{KeyedChain, Manifest, OperatorState, SubtaskState, VERSION};
use checkpoint::path::StateObject;
use checkpoint::restore::{read_chain, write_segments};
use checkpoint::retain::collect;
use checkpoint::{Cluster, Nonces, SegmentKind, Store, StoreOptions};
use proptest::prelude::*;
use streaming::key::{KeyGroup, KeyGroupRange};
use streaming::state::RowKey;
use streaming::{Attempt, Epoch, JobId, Term, Timestamp};

const JOB: JobId = JobId(1);
const GROUPS: u16 = 12;
const RETAINED: usize = 2;
const OPERATOR: &str = "window";

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Debug, Clone)]
enum Step {
    Put(u16, u8),
    Delete(u16),
    /// Which subtasks write a base; whether the checkpoint is committed.
    Checkpoint {
        bases: u8,
        committed: bool,
    },
    Restart {
        parallelism: u16,
    },
    Collect,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0u16..60, any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
        2 => (0u16..60).prop_map(Step::Delete),
        4 => (any::<u8>(), prop::bool::weighted(0.75)).prop_map(|(bases, committed)| Step::Checkpoint { bases: bases & 0x11, committed }),
        2 => (1u16..7).prop_map(|parallelism| Step::Restart { parallelism }),
        2 => Just(Step::Collect),
    ];
    proptest::collection::vec(step, 1..80)
}

fn key(number: u16) -> Vec<u8> {
    let row = RowKey {
        table: (number % 2) as u8,
        group: KeyGroup(number % GROUPS),
        key: &number.to_be_bytes(),
        namespace: b"",
    };
    row.encode()
}

/// A job as its managers see it, and what it should be.
struct Job {
    store: Store,
    cluster: Cluster,
    log: JobLog,
    rows: Rows,
    dirty: BTreeSet<Vec<u8>>,
    chains: Vec<KeyedChain>,
    attempt: Attempt,
    epoch: Epoch,
    parent: Option<Epoch>,
    nonce: u64,
    /// The rows at each committed cut.
    cuts: BTreeMap<Epoch, Rows>,
}

impl Job {
    async fn new() -> Self {
        let store = Store::open("memory:", &StoreOptions::default()).unwrap();
        let cluster = Cluster::new("test");
        let submitted = Event::Submitted {
            name: "job".into(),
            spec: 1,
        };
        let nonces = Nonces::seeded(1);
        let log = JobLog::create(
            &store,
            &cluster,
            JOB,
            Term(1),
            nonces,
            RETAINED,
            submitted,
            Timestamp(0),
        )
        .await;
        let mut job = Self {
            store,
            cluster,
            log: log.unwrap(),
            rows: Rows::new(),
            dirty: BTreeSet::new(),
            chains: Vec::new(),
            attempt: Attempt(0),
            epoch: Epoch(0),
            parent: None,
            nonce: 0,
            cuts: BTreeMap::new(),
        };
        job.restart(2).await;
        job
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Put(number, value) => {
                self.rows.insert(key(number), vec![value; 3]);
                self.dirty.insert(key(number));
            }
            Step::Delete(number) => {
                self.rows.remove(&key(number));
                self.dirty.insert(key(number));
            }
            Step::Checkpoint { bases, committed } => self.checkpoint(bases, committed).await,
            Step::Restart { parallelism } => self.restart(parallelism).await,
            Step::Collect => {
                collect(&self.store, &self.cluster, JOB, self.log.state())
                    .await
                    .unwrap();
                self.log.prune(2).await.unwrap();
            }
        }
    }

    async fn checkpoint(&mut self, bases: u8, committed: bool) {
        self.epoch = self.epoch.next();
        let parallelism = self.chains.len() as u16;
        for subtask in 0..parallelism {
            let base = bases & (1 << subtask) != 0;
            self.write(subtask, KeyGroupRange::of_subtask(GROUPS, parallelism, subtask), base)
                .await;
        }
        self.dirty.clear();
        if !committed {
            return;
        }
        let subtask = |chain: &KeyedChain| SubtaskState {
            keyed: chain.clone(),
            ..SubtaskState::default()
        };
        let subtasks = self.chains.iter().map(subtask).collect();
        let manifest = Manifest {
            version: VERSION,
            job: JOB,
            epoch: self.epoch,
            attempt: self.attempt,
            parent: self.parent,
            key_groups: GROUPS,
            unaligned: false,
            triggered: Timestamp(0),
            duration_ms: 0,
            operators: BTreeMap::from([(OPERATOR.to_owned(), OperatorState { subtasks })]),
        };
        let (epoch, attempt) = (self.epoch, self.attempt);
        let manifest = manifest.write(&self.store, &self.cluster).await.unwrap();
        let event = Event::Committed {
            epoch,
            attempt,
            manifest,
        };
        self.log.append(event, Timestamp(0)).await.unwrap();
        self.parent = Some(epoch);
        self.cuts.insert(epoch, self.rows.clone());
    }

    async fn write(&mut self, subtask: u16, groups: KeyGroupRange, base: bool) {
        let kind = if base { SegmentKind::Base } else { SegmentKind::Delta };
        let mine = |key: &&Vec<u8>| groups.contains(RowKey::group_of(key).unwrap());
        let changed: Vec<_> = match base {
            true => self.rows.keys().filter(mine).cloned().collect(),
            false => self.dirty.iter().filter(mine).cloned().collect(),
        };
        let rows: Vec<_> = changed
            .into_iter()
            .map(|key| (key.clone(), self.rows.get(&key).cloned()))
            .collect();
        self.nonce += 1;
        let name = StateObject {
            job: JOB,
            attempt: self.attempt,
            epoch: self.epoch,
            operator: OPERATOR.into(),
            subtask,
            kind,
            nonce: self.nonce,
        };
        let name = &mut || name.clone();
        let written = write_segments(&self.store, &self.cluster, groups, name, rows)
            .await
            .unwrap();
        let chain = &mut self.chains[usize::from(subtask)];
        match base {
            true => chain.replace_by_base(groups, written),
            false => chain.push_deltas(groups, &written),
        }
    }

    /// Forgets all that is not in the store, and starts from the last commit.
    async fn restart(&mut self, parallelism: u16) {
        self.attempt = self.attempt.next();
        let latest = self.log.state().latest().cloned();
        let from = latest.as_ref().map(|commit| commit.epoch);
        let attempt = self.attempt;
        self.log
            .append(Event::AttemptStarted { attempt, from }, Timestamp(0))
            .await
            .unwrap();
        self.parent = from;
        self.dirty.clear();
        self.rows.clear();
        self.chains = vec![KeyedChain::default(); usize::from(parallelism)];
        let Some(commit) = latest else { return };
        let manifest = Manifest::read(&self.store, &commit.manifest).await.unwrap();
        for subtask in 0..parallelism {
            let restore = manifest.restore_of(OPERATOR, parallelism, subtask).unwrap();
            self.rows.extend(read_chain(&self.store, &restore.keyed).await.unwrap());
            self.chains[usize::from(subtask)] = restore.keyed;
        }
        assert_eq!(self.rows, self.cuts[&commit.epoch]);
    }

    async fn check_kept(&self) {
        for commit in &self.log.state().commits {
            let manifest = Manifest::read(&self.store, &commit.manifest).await.unwrap();
            for path in manifest.objects() {
                self.store.read(path).await.unwrap();
            }
            for parallelism in [1, 2, 3, 5, GROUPS, GROUPS + 3] {
                let mut rows = Rows::new();
                for subtask in 0..parallelism {
                    let restore = manifest.restore_of(OPERATOR, parallelism, subtask).unwrap();
                    for (key, value) in read_chain(&self.store, &restore.keyed).await.unwrap() {
                        let owner = RowKey::group_of(&key).unwrap().owner(GROUPS, parallelism);
                        assert_eq!(owner, subtask, "rows go to the owner of their group");
                        rows.insert(key, value);
                    }
                }
                assert_eq!(
                    rows, self.cuts[&commit.epoch],
                    "epoch {} at {parallelism}",
                    commit.epoch
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_kept_checkpoint_restores_its_cut_at_any_parallelism(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut job = Job::new().await;
            for step in steps {
                job.step(step).await;
                job.check_kept().await;
            }
        });
    }
}

#[tokio::test]
async fn collection_leaves_only_what_the_kept_checkpoints_need() {
    let mut job = Job::new().await;
    for round in 0..10 {
        job.step(Step::Put(round, 1)).await;
        job.step(Step::Checkpoint {
            bases: 3,
            committed: true,
        })
        .await;
    }
    job.step(Step::Restart { parallelism: 3 }).await;
    job.step(Step::Checkpoint {
        bases: 7,
        committed: true,
    })
    .await;
    job.step(Step::Checkpoint {
        bases: 7,
        committed: true,
    })
    .await;
    job.step(Step::Collect).await;
    job.check_kept().await;
    let left = job.store.list(&job.cluster.state(JOB)).await.unwrap().len();
    assert_eq!(left, 2 * 3, "two checkpoints of three bases");
    assert_eq!(
        job.store.list(&job.cluster.manifests(JOB)).await.unwrap().len(),
        RETAINED
    );
    assert_eq!(job.store.list(&job.cluster.log(JOB)).await.unwrap().len(), 2);
}
