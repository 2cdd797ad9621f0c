use super::*;
use streaming::VertexId;
use streaming::job::Restart as Strategy;

const SOURCE: TaskId = task(0, 0);
const SINK: TaskId = task(1, 0);
const WIDE: TaskId = task(1, 1);

fn backoff() -> Strategy {
    Strategy::ExponentialDelay {
        initial_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(60),
        multiplier: 1.5,
        reset_threshold: Duration::from_secs(60),
        jitter: 0.0,
        attempts: None,
    }
}

const fn task(vertex: u16, subtask: u16) -> TaskId {
    TaskId {
        vertex: VertexId(vertex),
        subtask,
    }
}

/// A job of one source task on `a` and two sink tasks on `a` and `b`, driven by hand.
struct Bench {
    machine: Machine,
    now: Instant,
    deployment: u64,
}

impl Bench {
    fn new(strategy: Strategy, checkpointing: bool) -> Self {
        let shape = Shape {
            tasks: [SOURCE, SINK, WIDE].into(),
            sources: [SOURCE].into(),
            checkpointing,
            restore_timeout: Duration::from_secs(60),
            cancel_timeout: Duration::from_secs(5),
        };
        Self {
            machine: Machine::new(shape, Restarts::new(strategy), Attempt(0)),
            now: Instant::now(),
            deployment: 0,
        }
    }

    fn event(&mut self, event: Event) -> Vec<Command> {
        self.machine.on_event(event, self.now, 0.5)
    }

    fn task(&mut self, task: TaskId, change: TaskChange) -> Vec<Command> {
        let deployment = self.deployment;
        self.event(Event::Task {
            deployment,
            task,
            change,
        })
    }

    fn place(&mut self) -> Vec<Command> {
        self.deployment += 1;
        let deployment = self.deployment;
        let slots = vec!["a".into(), "b".into()];
        self.event(Event::Placed { slots, deployment })
    }

    fn all(&mut self, change: TaskChange) -> Vec<Command> {
        [SOURCE, SINK, WIDE]
            .map(|task| self.task(task, change.clone()))
            .concat()
    }

    fn running(strategy: Strategy, checkpointing: bool) -> Self {
        let mut bench = Self::new(strategy, checkpointing);
        assert_eq!(bench.event(Event::Begin), [Command::Place]);
        bench.run();
        bench
    }

    /// From Scheduling to Running.
    fn run(&mut self) {
        let attempt = self.machine.attempt().next();
        assert_eq!(self.place(), [Command::RecordAttempt(attempt)]);
        assert_eq!(self.event(Event::AttemptRecorded(attempt)), [Command::Deploy]);
        assert_eq!(self.all(TaskChange::Ready), [Command::Start]);
        assert_eq!(self.all(TaskChange::Running), [Command::BeginCheckpoints]);
        assert_eq!(self.machine.state(), State::Running);
    }

    fn later(&mut self, ms: u64) -> Vec<Command> {
        self.now += Duration::from_millis(ms);
        self.event(Event::Tick)
    }
}

fn lost(id: &str) -> Event {
    Event::TaskManagerLost {
        id: id.into(),
        why: "the connection ended".into(),
    }
}

fn refused(retry: bool) -> TaskChange {
    TaskChange::Failed(Failure {
        retry,
        ..Failure::external("no")
    })
}

#[test]
fn a_job_runs_when_every_task_does() {
    Bench::running(backoff(), true);
}

#[test]
fn a_job_waits_for_slots_and_tries_again_when_they_change() {
    let mut bench = Bench::new(backoff(), true);
    bench.event(Event::Begin);
    assert_eq!(bench.event(Event::SlotsChanged), [Command::Place]);
    assert_eq!(bench.machine.state(), State::Scheduling);
}

#[test]
fn a_bounded_job_finishes_behind_a_last_checkpoint() {
    let mut bench = Bench::running(backoff(), true);
    assert_eq!(bench.task(SOURCE, TaskChange::Exhausted), [Command::LastCheckpoint]);
    let finish = [Command::EndCheckpoints, Command::Finish];
    assert_eq!(bench.event(Event::LastCheckpointCommitted), finish);
    let end = [
        Command::EndCheckpoints,
        Command::ReleaseSlots,
        Command::RecordEnd(State::Finished),
    ];
    assert_eq!(bench.all(TaskChange::Finished), end);
}

#[test]
fn a_bounded_job_without_checkpoints_finishes_at_once() {
    let mut bench = Bench::running(backoff(), false);
    let finish = [Command::EndCheckpoints, Command::Finish];
    assert_eq!(bench.task(SOURCE, TaskChange::Exhausted), finish);
}

#[test]
fn a_lost_taskmanager_restarts_the_job_when_the_other_tasks_have_stopped() {
    let mut bench = Bench::running(backoff(), true);
    let commands = bench.event(lost("b"));
    assert!(matches!(
        &commands[..],
        [
            Command::NoteFailure { restart: true, .. },
            Command::EndCheckpoints,
            Command::CancelTasks
        ]
    ));
    assert_eq!(bench.later(150), [], "two tasks still run");
    bench.task(SOURCE, TaskChange::Cancelled);
    assert_eq!(bench.task(SINK, TaskChange::Cancelled), [Command::Place]);
    bench.run();
    assert_eq!(bench.machine.attempt(), Attempt(2));
}

#[test]
fn a_taskmanager_lost_behind_its_last_task_restarts_the_job_as_what_it_sent_last_may_not_have_arrived() {
    let mut bench = Bench::running(backoff(), true);
    bench.task(SOURCE, TaskChange::Exhausted);
    bench.event(Event::LastCheckpointCommitted);
    bench.task(SOURCE, TaskChange::Finished);
    assert_eq!(bench.task(SINK, TaskChange::Finished), []);
    bench.event(lost("a"));
    assert_eq!(bench.machine.state(), State::Restarting);
    bench.task(WIDE, TaskChange::Cancelled);
    assert_eq!(bench.later(100), [Command::Place]);
}

#[test]
fn a_taskmanager_lost_behind_the_last_task_of_all_changes_nothing() {
    let mut bench = Bench::running(backoff(), false);
    bench.task(SOURCE, TaskChange::Exhausted);
    bench.all(TaskChange::Finished);
    assert_eq!(bench.event(lost("a")), []);
    assert_eq!(bench.machine.state(), State::Finished);
}

#[test]
fn a_job_whose_taskmanagers_are_all_lost_waits_only_for_the_delay() {
    let mut bench = Bench::running(backoff(), true);
    bench.event(lost("a"));
    bench.event(lost("b"));
    assert_eq!(bench.later(99), []);
    assert_eq!(bench.later(1), [Command::Place]);
}

#[test]
fn tasks_that_do_not_stop_hold_a_restart_back_for_a_bounded_time() {
    let mut bench = Bench::running(backoff(), true);
    bench.event(lost("b"));
    assert_eq!(bench.later(4_999), []);
    assert_eq!(bench.later(1), [Command::Place]);
}

#[test]
fn a_failure_that_no_restart_cures_fails_the_job() {
    let mut bench = Bench::running(backoff(), true);
    bench.task(SOURCE, refused(false));
    assert_eq!(bench.machine.state(), State::Failing);
    bench.task(SINK, TaskChange::Cancelled);
    let end = [Command::ReleaseSlots, Command::RecordEnd(State::Failed)];
    assert_eq!(bench.task(WIDE, TaskChange::Cancelled), end);
}

#[test]
fn a_failure_that_no_restart_cures_decides_even_if_it_comes_second() {
    let mut bench = Bench::running(backoff(), true);
    bench.task(SOURCE, refused(true));
    bench.task(SINK, refused(false));
    assert_eq!(bench.machine.state(), State::Failing);
}

#[test]
fn a_strategy_that_is_used_up_fails_the_job_and_says_so() {
    let mut bench = Bench::running(Strategy::None, true);
    let commands = bench.task(SOURCE, refused(true));
    let Command::NoteFailure {
        failure,
        restart: false,
    } = &commands[0]
    else {
        panic!("{commands:?}");
    };
    assert_eq!(failure.message, "no; not restarted: the restart strategy is none");
}

#[test]
fn a_cancelled_job_ends_when_its_tasks_have() {
    let mut bench = Bench::running(backoff(), true);
    let cancel = [Command::EndCheckpoints, Command::CancelTasks];
    assert_eq!(bench.event(Event::Cancel), cancel);
    let end = [Command::ReleaseSlots, Command::RecordEnd(State::Cancelled)];
    assert_eq!(bench.all(TaskChange::Cancelled), end);
}

#[test]
fn a_job_that_waits_for_slots_can_be_cancelled() {
    let mut bench = Bench::new(backoff(), true);
    bench.event(Event::Begin);
    let end = [Command::ReleaseSlots, Command::RecordEnd(State::Cancelled)];
    assert_eq!(bench.event(Event::Cancel), end);
}

#[test]
fn words_of_an_older_deployment_are_not_heard() {
    let mut bench = Bench::running(backoff(), true);
    bench.deployment -= 1;
    assert_eq!(bench.task(SOURCE, refused(false)), []);
    assert_eq!(bench.machine.state(), State::Running);
}

#[test]
fn an_attempt_that_does_not_get_ready_in_time_fails() {
    let mut bench = Bench::new(backoff(), true);
    bench.event(Event::Begin);
    bench.place();
    bench.event(Event::AttemptRecorded(Attempt(1)));
    bench.task(SOURCE, TaskChange::Ready);
    bench.later(60_000);
    assert_eq!(bench.machine.state(), State::Restarting);
}

#[test]
fn a_taskmanager_lost_before_the_attempt_is_recorded_restarts_the_job() {
    let mut bench = Bench::new(backoff(), true);
    bench.event(Event::Begin);
    bench.place();
    bench.event(lost("a"));
    assert_eq!(bench.event(Event::AttemptRecorded(Attempt(1))), []);
    assert_eq!(bench.later(200), [Command::Place]);
}
