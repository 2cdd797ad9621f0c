//! The control plane on one thread and a made-up clock: the machines of a job, its checkpoints and the slots, against
//! TaskManagers that die, tasks that fail and answers that get lost. A seed decides everything; a failing one is printed.
//!
//! After every step: committed epochs increase, and no two attempts run at once. At the end everything heals, and the job
//! has to run and to commit.

// The lint spares test functions only, and helpers of tests are test code too.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use jobmanager::coordinate::machine as coordinate;
use jobmanager::job::machine::{Command, Event, Failure, Machine, Shape, State, TaskChange};
use jobmanager::job::restart::Restarts;
use jobmanager::schedule::pool::Pool;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use streaming::id::TaskId;
use streaming::job::Restart;
use streaming::{Attempt, Epoch, JobId, VertexId};

const JOB: JobId = JobId(1);
const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const SLOTS: usize = 2;
const WIDTH: u16 = 3;
const MS: Duration = Duration::from_millis(1);

/// From a TaskManager to the job.
#[derive(Debug, Clone)]
enum Said {
    Task(u64, TaskId, TaskChange),
    Acknowledged(u64, TaskId, Epoch),
}

/// A TaskManager and the deployment it runs tasks of.
#[derive(Debug, Default)]
struct Host {
    running: BTreeMap<u64, BTreeSet<TaskId>>,
    /// In order; each with the time from which it may arrive.
    outbox: VecDeque<(Instant, Said)>,
}

struct World {
    random: StdRng,
    now: Instant,
    machine: Machine,
    coordinator: Option<coordinate::Coordinator<()>>,
    pool: Pool,
    hosts: BTreeMap<&'static str, Host>,
    /// The writer of the job log: answers in order, some time later.
    log: VecDeque<(Instant, Logged)>,
    last_epoch: Epoch,
    committed: Vec<Epoch>,
    /// How often in a hundred something goes wrong.
    trouble: u32,
}

#[derive(Debug)]
enum Logged {
    Attempt(Attempt),
    Commit(Epoch),
}

fn tasks() -> impl Iterator<Item = TaskId> {
    let widths = [(0, 2), (1, WIDTH)];
    widths.into_iter().flat_map(|(vertex, width)| {
        (0..width).map(move |subtask| TaskId {
            vertex: VertexId(vertex),
            subtask,
        })
    })
}

impl World {
    fn new(seed: u64) -> Self {
        let shape = Shape {
            tasks: tasks().collect(),
            sources: tasks().filter(|task| task.vertex.0 == 0).collect(),
            checkpointing: true,
            restore_timeout: 10_000 * MS,
            cancel_timeout: 5_000 * MS,
        };
        let restart = Restart::ExponentialDelay {
            initial_backoff: 100 * MS,
            max_backoff: 2_000 * MS,
            multiplier: 1.5,
            reset_threshold: 60_000 * MS,
            jitter: 0.1,
            attempts: None,
        };
        Self {
            random: StdRng::seed_from_u64(seed),
            now: Instant::now(),
            machine: Machine::new(shape, Restarts::new(restart), Attempt(0)),
            coordinator: None,
            pool: Pool::default(),
            hosts: BTreeMap::new(),
            log: VecDeque::new(),
            last_epoch: Epoch(0),
            committed: vec![],
            trouble: 10,
        }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    fn soon(&mut self) -> Instant {
        self.now + self.random.random_range(1..40) * MS
    }

    fn job(&mut self, event: Event) {
        let dice = self.random.random();
        for command in self.machine.on_event(event, self.now, dice) {
            self.perform(command);
        }
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Place => {
                if let Ok(slots) = self.pool.take(JOB, usize::from(WIDTH), self.machine.slots()) {
                    let deployment = self.random.random();
                    self.job(Event::Placed { slots, deployment });
                }
            }
            Command::RecordAttempt(attempt) => {
                let at = self.soon();
                self.log.push_back((at, Logged::Attempt(attempt)));
            }
            Command::Deploy => self.deploy(),
            Command::Start => self.say_all(TaskChange::Running),
            Command::BeginCheckpoints => {
                let options = coordinate::Options {
                    interval: 200 * MS,
                    min_pause: 20 * MS,
                    timeout: 300 * MS,
                    tolerable_failed: Some(5),
                };
                self.coordinator = Some(coordinate::Coordinator::new(
                    options,
                    tasks().collect(),
                    self.last_epoch,
                ));
                self.coordinate(coordinate::Event::Begin);
            }
            Command::EndCheckpoints => self.coordinator = None,
            Command::CancelTasks => {
                let deployment = self.machine.deployment();
                for host in self.names() {
                    for task in self.host(host).running.get(&deployment).cloned().unwrap_or_default() {
                        self.say(host, Said::Task(deployment, task, TaskChange::Cancelled));
                    }
                }
            }
            Command::ReleaseSlots => self.pool.release(JOB),
            Command::NoteFailure { restart, .. } => assert!(restart, "every failure here may be cured"),
            Command::NoteConcurrent(_) => {}
            Command::LastCheckpoint | Command::Finish | Command::RecordEnd(_) => unreachable!("{command:?}"),
        }
    }

    fn names(&self) -> Vec<&'static str> {
        self.hosts.keys().copied().collect()
    }

    fn host(&mut self, name: &str) -> &mut Host {
        self.hosts.get_mut(name).unwrap()
    }

    /// Every TaskManager of the attempt starts its tasks. No other attempt may be running anywhere.
    fn deploy(&mut self) {
        let deployment = self.machine.deployment();
        for host in self.hosts.values() {
            assert!(
                host.running.values().all(BTreeSet::is_empty),
                "another attempt still runs: {host:?}"
            );
        }
        for task in tasks() {
            let place = self.machine.place_of(task).cloned().unwrap();
            if let Some(host) = NAMES
                .into_iter()
                .find(|name| *name == place)
                .filter(|name| self.hosts.contains_key(name))
            {
                self.host(host).running.entry(deployment).or_default().insert(task);
                self.say(host, Said::Task(deployment, task, TaskChange::Ready));
            }
        }
    }

    fn say_all(&mut self, change: TaskChange) {
        let deployment = self.machine.deployment();
        for host in self.names() {
            for task in self.host(host).running.get(&deployment).cloned().unwrap_or_default() {
                self.say(host, Said::Task(deployment, task, change.clone()));
            }
        }
    }

    /// Messages of one TaskManager keep their order.
    fn say(&mut self, host: &str, said: Said) {
        let mut at = self.soon();
        if matches!(said, Said::Task(_, _, TaskChange::Cancelled)) {
            // Some tasks take their time to stop, longer than the first restart waits.
            at += self.random.random_range(0..200) * MS;
        }
        let outbox = &mut self.host(host).outbox;
        let at = outbox.back().map_or(at, |(last, _)| at.max(*last));
        outbox.push_back((at, said));
    }

    fn coordinate(&mut self, event: coordinate::Event<()>) {
        let Some(coordinator) = &mut self.coordinator else {
            return;
        };
        let commands = coordinator.on_event(event, self.now);
        self.last_epoch = coordinator.last();
        for command in commands {
            match command {
                coordinate::Command::Trigger(epoch) => self.acknowledge_all(epoch),
                coordinate::Command::Store { epoch, states } => {
                    assert_eq!(states.len(), tasks().count());
                    let at = self.soon();
                    self.log.push_back((at, Logged::Commit(epoch)));
                }
                coordinate::Command::FailAttempt(why) => self.job(Event::AttemptFailed(Failure::external(why))),
                coordinate::Command::Announce(_) | coordinate::Command::Abandon { .. } => {}
                coordinate::Command::LastCommitted => unreachable!("no source ends"),
            }
        }
    }

    /// Every task acknowledges, but some answers never come.
    fn acknowledge_all(&mut self, epoch: Epoch) {
        let deployment = self.machine.deployment();
        for host in self.names() {
            for task in self.host(host).running.get(&deployment).cloned().unwrap_or_default() {
                if !self.chance(self.trouble / 2) {
                    self.say(host, Said::Acknowledged(deployment, task, epoch));
                }
            }
        }
    }

    fn start(&mut self, name: &'static str) {
        if self.hosts.insert(name, Host::default()).is_none() {
            self.pool.offer(name.into(), SLOTS);
            self.job(Event::SlotsChanged);
        }
    }

    fn kill(&mut self, name: &'static str) {
        if self.hosts.remove(name).is_some() {
            self.pool.withdraw(name);
            let why = "killed".to_owned();
            self.job(Event::TaskManagerLost { id: name.into(), why });
        }
    }

    fn fail_a_task(&mut self, name: &'static str) {
        let deployment = self.machine.deployment();
        let Some(host) = self.hosts.get_mut(name) else { return };
        if let Some(task) = host.running.get_mut(&deployment).and_then(BTreeSet::pop_first) {
            let failure = TaskChange::Failed(Failure::external("broken"));
            self.say(name, Said::Task(deployment, task, failure));
        }
    }

    /// A few milliseconds pass, and something may go wrong.
    fn step(&mut self) {
        self.now += self.random.random_range(1..30) * MS;
        let name = NAMES[self.random.random_range(0..NAMES.len())];
        if self.trouble > 0 {
            match self.random.random_range(0..1000) {
                0..4 => self.kill(name),
                4..20 => self.start(name),
                20..22 => self.fail_a_task(name),
                _ => {}
            }
        }
        self.deliver();
        self.job(Event::Tick);
        self.coordinate(coordinate::Event::Tick);
    }

    fn deliver(&mut self) {
        while self.log.front().is_some_and(|(at, _)| *at <= self.now) {
            match self.log.pop_front().unwrap().1 {
                Logged::Attempt(attempt) => self.job(Event::AttemptRecorded(attempt)),
                Logged::Commit(epoch) => {
                    assert!(
                        self.committed.last() < Some(&epoch),
                        "{epoch} after {:?}",
                        self.committed.last()
                    );
                    self.committed.push(epoch);
                    self.coordinate(coordinate::Event::Stored { epoch, outcome: Ok(()) });
                }
            }
        }
        for name in self.names() {
            while let Some(host) = self.hosts.get_mut(name)
                && host.outbox.front().is_some_and(|(at, _)| *at <= self.now)
            {
                match host.outbox.pop_front().unwrap().1 {
                    Said::Task(deployment, task, change) => {
                        if change == TaskChange::Cancelled {
                            // It runs until then.
                            host.running.entry(deployment).or_default().remove(&task);
                        }
                        self.job(Event::Task {
                            deployment,
                            task,
                            change,
                        });
                    }
                    Said::Acknowledged(deployment, task, epoch) if deployment == self.machine.deployment() => {
                        self.coordinate(coordinate::Event::Acknowledged { task, epoch, state: () });
                    }
                    Said::Acknowledged(..) => {}
                }
            }
        }
    }
}

fn run(seed: u64) {
    let mut world = World::new(seed);
    world.job(Event::Begin);
    for _ in 0..3_000 {
        world.step();
    }
    world.trouble = 0;
    for name in NAMES {
        world.start(name);
    }
    let healed = world.now;
    let before = world.committed.len();
    while world.machine.state() != State::Running || world.committed.len() == before {
        world.step();
        let waited = world.now - healed;
        assert!(
            waited < Duration::from_secs(60),
            "{:?} {waited:?} after healing",
            world.machine.state()
        );
    }
}

#[test]
fn every_healed_cluster_runs_its_job_and_commits() {
    for seed in 0..200 {
        let outcome = std::panic::catch_unwind(|| run(seed));
        if let Err(panic) = outcome {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
