//! A whole physical graph on one thread: a seed picks who runs next, when a checkpoint begins, when its buffers are stored,
//! and when everything crashes. Two sources, an exchange by key, three windows. Whatever the seed, every window must come
//! out with the count that a naive model gives, and with no other.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use crossbeam_channel::{Receiver, unbounded};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use streaming::batch::{Batch, Keys, Payload, Points};
use streaming::connector::Sink;
use streaming::element::Element;
use streaming::graph::{Route, Shipping, Target};
use streaming::id::TaskId;
use streaming::job::Options;
use streaming::key::KeyGroupRange;
use streaming::operator::{Cancel, Finished, MAIN, Place, Registry as _};
use streaming::watermark::Combiner;
use streaming::{Epoch, Result, Timestamp, VertexId};
use taskmanager::exchange::{Credit, Input, Outlet, OutputEdge};
use taskmanager::memory::budget::MemoryBudget;
use taskmanager::memory::compute::ComputePool;
use taskmanager::metrics::TaskMetrics;
use taskmanager::slot::chain::{Body, Chain, ChainNode};
use taskmanager::slot::gate::{Gate, Step};
use taskmanager::slot::services::TaskServices;
use taskmanager::state::{Changes, MemoryTable, StateBuffer, StateTable as _};

const SOURCES: u16 = 2;
const WINDOWS: u16 = 3;
const KEY_GROUPS: u16 = 16;
const WINDOW_US: i64 = 100;
const OUT_OF_ORDER_US: i64 = 30;
/// The window operator's node in its chain, and its sink's.
const NODES: usize = 2;

/// Key and window start.
type Window = (u8, i64);
/// Every count that was ever emitted for a window.
type Emitted = Arc<Mutex<BTreeMap<Window, Vec<u64>>>>;

/// The rows of one source: key and event time.
type Rows = Vec<(u8, i64)>;

struct Collect(Emitted);

impl Sink for Collect {
    fn open(&mut self, _restored: &[Vec<u8>]) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, batch: &Batch) -> Result<()> {
        let Payload::Windows(windows) = &batch.payload else {
            panic!("windows, not {}", batch.payload.name())
        };
        let mut emitted = self.0.lock().unwrap();
        for row in 0..batch.rows() {
            let window = (batch.keys.row(row)[0], windows.start[row].0);
            emitted.entry(window).or_default().push(windows.count[row]);
        }
        Ok(())
    }

    fn seal(&mut self, _epoch: Epoch) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What a checkpoint holds: positions and highest times of the sources, rows and watermarks of the windows.
#[derive(Clone, Default)]
struct Checkpoint {
    epoch: Epoch,
    sources: HashMap<u16, (usize, i64)>,
    windows: HashMap<u16, ([Changes; NODES], Timestamp)>,
}

struct SourceTask {
    chain: Chain,
    rows: Rows,
    position: usize,
    highest: i64,
    /// A checkpoint that it has been told of and has not cut yet.
    told: Option<Epoch>,
    ended: bool,
}

struct WindowTask {
    chain: Chain,
    gate: Gate,
    inputs: Receiver<Input>,
    tables: [Arc<MemoryTable>; NODES],
    /// All rows of the tables as of the last cut.
    stored: [Changes; NODES],
    unflushed: VecDeque<(Epoch, [Arc<Changes>; NODES])>,
    ended: bool,
}

/// One attempt: all tasks, between two crashes.
struct Attempt {
    sources: Vec<SourceTask>,
    windows: Vec<WindowTask>,
    pending: Option<Checkpoint>,
}

fn services(subtask: u16, vertex: u16) -> TaskServices {
    TaskServices {
        clock: Arc::new(|| Timestamp(0)),
        compute: ComputePool::start(0, MemoryBudget::new(0)).unwrap(),
        cancel: Cancel::default(),
        mailbox: unbounded().0,
        metrics: Arc::new(TaskMetrics::default()),
        showcase: Default::default(),
        deployment: 1,
        task: TaskId {
            vertex: VertexId(vertex),
            subtask,
        },
        timers: Default::default(),
    }
}

fn node(body: Body, subtask: u16, parallelism: u16, table: Arc<MemoryTable>, watermark: Timestamp) -> ChainNode {
    let place = Place {
        job_name: "simulation".into(),
        operator: "windows".into(),
        subtask,
        parallelism,
        key_groups: KEY_GROUPS,
        owned: KeyGroupRange::of_subtask(KEY_GROUPS, parallelism, subtask),
        compute_limit_bytes: 0,
    };
    ChainNode::new(body, place, StateBuffer::new(table, true), Combiner::new(1, watermark))
}

fn window_operator() -> Body {
    let size = WINDOW_US;
    let json = format!(r#"{{"window": {{"kind": "tumbling", "size": "{size}us"}}, "aggregate": "count"}}"#);
    let mut options = Options::from_json("windows", &json).unwrap();
    let operator = operators::REGISTRY
        .operator("window")
        .unwrap()
        .build(&mut options)
        .unwrap();
    assert!(options.problems().is_empty(), "{:?}", options.problems().take());
    Body::Operator(operator)
}

impl Attempt {
    fn restore(rows: &[Rows], from: &Checkpoint, emitted: &Emitted) -> Self {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..WINDOWS).map(|_| unbounded()).unzip();
        let sources = (0..SOURCES).map(|source| {
            let outlets = senders.iter().map(|inbox| Outlet::Local {
                inbox: inbox.clone(),
                channel: usize::from(source),
                credit: Credit::new(1 << 40),
            });
            let edge = OutputEdge::new(Shipping::Hash, outlets.collect(), KEY_GROUPS, 64, Cancel::default());
            let head = node(Body::Source, source, SOURCES, Arc::default(), Timestamp::MIN);
            let route = Route {
                from: 0,
                output: MAIN,
                to: Target::Edge(0),
            };
            let chain = Chain::new(vec![head], &[route], vec![(0, edge)], services(source, 0));
            let (position, highest) = from.sources.get(&source).copied().unwrap_or((0, i64::MIN));
            SourceTask {
                chain,
                rows: rows[usize::from(source)].clone(),
                position,
                highest,
                told: None,
                ended: false,
            }
        });
        let windows = (0..WINDOWS).zip(receivers).map(|(subtask, inputs)| {
            let (stored, watermark) = from
                .windows
                .get(&subtask)
                .cloned()
                .unwrap_or_else(|| (Default::default(), Timestamp::MIN));
            let tables: [Arc<MemoryTable>; NODES] = Default::default();
            tables
                .iter()
                .zip(&stored)
                .for_each(|(table, rows)| table.apply(rows).unwrap());
            let sink = Body::Sink {
                encoder: None,
                sink: Box::new(Collect(Arc::clone(emitted))),
            };
            let nodes = [window_operator(), sink].into_iter().zip(&tables);
            let nodes = nodes.map(|(body, table)| node(body, subtask, WINDOWS, Arc::clone(table), watermark));
            let route = Route {
                from: 0,
                output: MAIN,
                to: Target::Node(1, 0),
            };
            let mut chain = Chain::new(nodes.collect(), &[route], Vec::new(), services(subtask, 1));
            chain.open().unwrap();
            let gate = Gate::new(vec![0; usize::from(SOURCES)], from.epoch, watermark);
            WindowTask {
                chain,
                gate,
                inputs,
                tables,
                stored,
                unflushed: VecDeque::new(),
                ended: false,
            }
        });
        Self {
            sources: sources.collect(),
            windows: windows.collect(),
            pending: None,
        }
    }

    fn step_source(&mut self, index: usize, random: &mut StdRng) {
        let source = &mut self.sources[index];
        if source.ended {
            return;
        }
        if let Some(epoch) = source.told
            && random.random_bool(0.2)
        {
            source.told = None;
            source.chain.cut(epoch).unwrap();
            let pending = self.pending.as_mut().expect("a cut belongs to a checkpoint in flight");
            pending.sources.insert(index as u16, (source.position, source.highest));
        }
        if source.position == source.rows.len() {
            source
                .chain
                .feed_output(MAIN, Element::Watermark(Timestamp::MAX))
                .unwrap();
            // As in production, a source ends only while no checkpoint is in flight.
            if self.pending.is_none() {
                assert_eq!(source.chain.end().unwrap(), Finished::Yes);
                source.ended = true;
            }
            return;
        }
        let end = (source.position + random.random_range(1..8)).min(source.rows.len());
        let rows = &source.rows[source.position..end];
        let mut keys = Keys::default();
        rows.iter().for_each(|(key, _)| keys.push(&[*key]));
        let event_time = rows.iter().map(|(_, time)| Timestamp(*time)).collect();
        let payload = Payload::Points(Points {
            dim: 1,
            coords: vec![0.0; rows.len()],
        });
        source.highest = rows.iter().map(|(_, time)| *time).max().unwrap().max(source.highest);
        source.position = end;
        source
            .chain
            .feed_output(
                MAIN,
                Element::Batch(Batch {
                    event_time,
                    keys,
                    payload,
                }),
            )
            .unwrap();
        if random.random_bool(0.5) {
            let watermark = Timestamp(source.highest - OUT_OF_ORDER_US - 1);
            source.chain.feed_output(MAIN, Element::Watermark(watermark)).unwrap();
        }
    }

    fn trigger(&mut self, epoch: Epoch) {
        if self.sources.iter().any(|source| source.ended) {
            return;
        }
        self.sources.iter_mut().for_each(|source| source.told = Some(epoch));
        self.pending = Some(Checkpoint {
            epoch,
            ..Checkpoint::default()
        });
    }

    fn step_window(&mut self, index: usize) {
        let task = &mut self.windows[index];
        let Some(input) = task.gate.next_ready().or_else(|| task.inputs.try_recv().ok()) else {
            return;
        };
        match task.gate.step(input).unwrap().0 {
            Step::Rows { port, batch, .. } => task.chain.feed(port, Element::Batch(batch)).unwrap(),
            Step::Progress(element) => task.chain.feed(0, element).unwrap(),
            Step::Nothing => {}
            Step::Cut(epoch) => {
                let cuts = task.chain.cut(epoch).unwrap();
                let watermark = cuts[0].watermark;
                let changes: [Arc<Changes>; NODES] = std::array::from_fn(|node| Arc::clone(&cuts[node].changes));
                for (stored, changes) in task.stored.iter_mut().zip(&changes) {
                    stored.extend(changes.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
                let pending = self.pending.as_mut().expect("a cut belongs to a checkpoint in flight");
                assert_eq!(pending.epoch, epoch);
                pending.windows.insert(index as u16, (task.stored.clone(), watermark));
                task.unflushed.push_back((epoch, changes));
            }
        }
        if task.gate.is_ended() && !task.gate.has_ready() && !task.ended {
            assert_eq!(task.chain.end().unwrap(), Finished::Yes);
            task.ended = true;
        }
    }

    /// What the flusher does, some time after the cut.
    fn flush(&mut self, index: usize) {
        let task = &mut self.windows[index];
        if let Some((epoch, changes)) = task.unflushed.pop_front() {
            task.tables
                .iter()
                .zip(&changes)
                .for_each(|(table, changes)| table.apply(changes).unwrap());
            task.chain.applied(epoch);
        }
    }

    /// The checkpoint in flight, if every task has taken part.
    fn take_complete(&mut self) -> Option<Checkpoint> {
        let complete = self.pending.as_ref()?.windows.len() == usize::from(WINDOWS);
        if complete { self.pending.take() } else { None }
    }

    fn is_done(&self) -> bool {
        self.windows.iter().all(|task| task.ended)
    }
}

fn random_rows(random: &mut StdRng) -> Rows {
    let mut now = 0;
    (0..random.random_range(50..300))
        .map(|_| {
            now += random.random_range(0..6);
            (
                random.random_range(0..12),
                now - random.random_range(0..OUT_OF_ORDER_US),
            )
        })
        .collect()
}

/// Runs one seed to its end. Returns how often it crashed and how many checkpoints it completed.
fn run(seed: u64) -> (u32, u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let rows: Vec<Rows> = (0..SOURCES).map(|_| random_rows(&mut random)).collect();
    let mut expected: BTreeMap<Window, u64> = BTreeMap::new();
    for (key, time) in rows.iter().flatten() {
        *expected
            .entry((*key, time.div_euclid(WINDOW_US) * WINDOW_US))
            .or_default() += 1;
    }
    let emitted: Emitted = Arc::default();
    let mut committed = Checkpoint::default();
    let mut attempt = Attempt::restore(&rows, &committed, &emitted);
    let (mut crashes, mut commits, mut epoch) = (0, 0, Epoch(0));
    while !attempt.is_done() {
        match random.random_range(0..100) {
            0..30 => attempt.step_source(random.random_range(0..usize::from(SOURCES)), &mut random),
            30..85 => attempt.step_window(random.random_range(0..usize::from(WINDOWS))),
            85..94 => attempt.flush(random.random_range(0..usize::from(WINDOWS))),
            94..99 if attempt.pending.is_none() => {
                epoch = epoch.next();
                attempt.trigger(epoch);
            }
            99 if crashes < 5 && random.random_bool(0.3) => {
                crashes += 1;
                attempt = Attempt::restore(&rows, &committed, &emitted);
            }
            _ => {}
        }
        if let Some(checkpoint) = attempt.take_complete() {
            committed = checkpoint;
            commits += 1;
        }
    }
    let emitted = emitted.lock().unwrap();
    let missing: Vec<_> = expected.keys().filter(|window| !emitted.contains_key(window)).collect();
    assert!(
        missing.is_empty(),
        "seed {seed}: windows that never came out: {missing:?}"
    );
    for (window, counts) in emitted.iter() {
        let expected = expected.get(window).copied().unwrap_or(0);
        assert!(
            counts.iter().all(|&count| count == expected),
            "seed {seed}: window {window:?} has {expected} rows, came out as {counts:?}"
        );
    }
    (crashes, commits)
}

#[test]
fn whatever_crashes_every_window_comes_out_with_its_count() {
    let (mut crashes, mut commits) = (0, 0);
    for seed in 0..300 {
        let (crashed, committed) = run(seed);
        crashes += crashed;
        commits += committed;
    }
    assert!(
        crashes > 100 && commits > 300,
        "the seeds must crash and commit to prove anything: {crashes}, {commits}"
    );
}
