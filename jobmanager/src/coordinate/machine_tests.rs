use super::*;
use proptest::prelude::*;
use streaming::VertexId;

const fn task(subtask: u16) -> TaskId {
    TaskId {
        vertex: VertexId(0),
        subtask,
    }
}

fn options() -> Options {
    Options {
        interval: Duration::from_millis(100),
        min_pause: Duration::from_millis(30),
        timeout: Duration::from_millis(50),
        tolerable_failed: None,
    }
}

/// Two tasks; time in milliseconds since the start.
struct Bench {
    coordinator: Coordinator<u8>,
    start: Instant,
}

impl Bench {
    fn new(options: Options) -> Self {
        let mut bench = Self {
            coordinator: Coordinator::new(options, [task(0), task(1)].into(), Epoch(7)),
            start: Instant::now(),
        };
        assert_eq!(bench.at(0, Event::Begin), []);
        bench
    }

    fn at(&mut self, ms: u64, event: Event<u8>) -> Vec<Command<u8>> {
        self.coordinator.on_event(event, self.start + Duration::from_millis(ms))
    }

    fn acknowledge(&mut self, ms: u64, subtask: u16, epoch: u64) -> Vec<Command<u8>> {
        let (task, epoch) = (task(subtask), Epoch(epoch));
        self.at(ms, Event::Acknowledged { task, epoch, state: 1 })
    }

    fn stored(&mut self, ms: u64, epoch: u64, outcome: Result<(), String>) -> Vec<Command<u8>> {
        let epoch = Epoch(epoch);
        self.at(ms, Event::Stored { epoch, outcome })
    }

    fn next_ms(&self) -> Option<u64> {
        let at = self.coordinator.wake_at()?;
        Some(at.duration_since(self.start).as_millis() as u64)
    }
}

fn store(epoch: u64) -> Command<u8> {
    let states = [(task(0), 1), (task(1), 1)].into();
    Command::Store {
        epoch: Epoch(epoch),
        states,
    }
}

fn is_abandoned(commands: &[Command<u8>], wanted: u64) -> bool {
    matches!(commands, [Command::Abandon { epoch, .. }, ..] if epoch.0 == wanted)
}

#[test]
fn an_epoch_is_announced_when_all_have_answered_and_it_is_stored() {
    let mut bench = Bench::new(options());
    assert_eq!(bench.at(99, Event::Tick), []);
    assert_eq!(bench.at(100, Event::Tick), [Command::Trigger(Epoch(8))]);
    assert_eq!(bench.acknowledge(110, 0, 8), []);
    assert_eq!(bench.acknowledge(111, 0, 8), [], "twice the same task");
    assert_eq!(bench.acknowledge(120, 1, 8), [store(8)]);
    assert_eq!(bench.next_ms(), None, "a store answers by itself");
    assert_eq!(bench.stored(130, 8, Ok(())), [Command::Announce(Epoch(8))]);
    assert_eq!(bench.next_ms(), Some(200));
}

#[test]
fn the_pause_after_a_long_epoch_is_kept() {
    let mut bench = Bench::new(options());
    bench.at(100, Event::Tick);
    bench.acknowledge(110, 0, 8);
    bench.acknowledge(120, 1, 8);
    bench.stored(190, 8, Ok(()));
    assert_eq!(bench.next_ms(), Some(220));
    assert_eq!(bench.at(200, Event::Tick), []);
    assert_eq!(bench.at(220, Event::Tick), [Command::Trigger(Epoch(9))]);
}

#[test]
fn an_epoch_that_takes_too_long_is_given_up_and_its_late_answers_are_not_heard() {
    let mut bench = Bench::new(options());
    bench.at(100, Event::Tick);
    bench.acknowledge(110, 0, 8);
    assert!(is_abandoned(&bench.at(150, Event::Tick), 8));
    assert_eq!(bench.acknowledge(151, 1, 8), []);
    assert_eq!(bench.at(200, Event::Tick), [Command::Trigger(Epoch(9))]);
}

#[test]
fn a_declined_or_unstored_epoch_is_given_up() {
    let mut bench = Bench::new(options());
    bench.at(100, Event::Tick);
    let (task, epoch, why) = (task(1), Epoch(8), "disk full".to_owned());
    assert!(is_abandoned(&bench.at(101, Event::Declined { task, epoch, why }), 8));
    bench.at(200, Event::Tick);
    bench.acknowledge(201, 0, 9);
    bench.acknowledge(201, 1, 9);
    assert!(is_abandoned(&bench.stored(202, 9, Err("no store".into())), 9));
}

#[test]
fn failures_in_a_row_end_the_attempt_where_they_are_bounded() {
    let mut bench = Bench::new(Options {
        tolerable_failed: Some(1),
        ..options()
    });
    bench.at(100, Event::Tick);
    assert_eq!(bench.at(150, Event::Tick).len(), 1);
    bench.at(200, Event::Tick);
    assert!(matches!(bench.at(250, Event::Tick)[..], [_, Command::FailAttempt(_)]));
}

#[test]
fn a_demanded_checkpoint_starts_at_once() {
    let mut bench = Bench::new(options());
    assert_eq!(bench.at(5, Event::Demand), [Command::Trigger(Epoch(8))]);
    assert_eq!(bench.at(6, Event::Demand), [], "one at a time");
}

#[test]
fn the_last_checkpoint_is_one_triggered_after_the_sources_were_exhausted() {
    let mut bench = Bench::new(options());
    bench.at(100, Event::Tick);
    assert_eq!(bench.at(101, Event::DemandLast), []);
    bench.acknowledge(102, 0, 8);
    bench.acknowledge(102, 1, 8);
    assert_eq!(bench.stored(103, 8, Ok(())), [Command::Announce(Epoch(8))]);
    assert_eq!(bench.at(133, Event::Tick), [Command::Trigger(Epoch(9))]);
    bench.acknowledge(134, 0, 9);
    bench.acknowledge(134, 1, 9);
    let end = [Command::Announce(Epoch(9)), Command::LastCommitted];
    assert_eq!(bench.stored(135, 9, Ok(())), end);
    assert_eq!(bench.at(900, Event::Tick), [], "nothing comes after it");
}

proptest! {
    #[test]
    fn announced_epochs_increase_and_every_task_has_answered_them(
        steps in prop::collection::vec((0u8..6, 0u16..3, 0u64..4, 0u64..60), 0..300),
    ) {
        let mut bench = Bench::new(options());
        let (mut now, mut announced, mut triggered) = (0, 7, 7);
        let mut answered = BTreeSet::new();
        for (kind, subtask, back, pause) in steps {
            now += pause;
            let epoch = bench.coordinator.last().0.saturating_sub(back);
            let commands = match kind {
                0 | 1 => {
                    answered.insert((epoch, subtask));
                    bench.acknowledge(now, subtask, epoch)
                }
                2 => bench.stored(now, epoch, Ok(())),
                3 => bench.stored(now, epoch, Err("no".into())),
                4 => bench.at(now, Event::Declined { task: task(subtask), epoch: Epoch(epoch), why: "no".into() }),
                _ => bench.at(now, Event::Tick),
            };
            for command in commands {
                match command {
                    Command::Trigger(epoch) => {
                        prop_assert!(epoch.0 > triggered);
                        triggered = epoch.0;
                    }
                    Command::Store { epoch, .. } => {
                        prop_assert!(answered.contains(&(epoch.0, 0)) && answered.contains(&(epoch.0, 1)));
                    }
                    Command::Announce(epoch) => {
                        prop_assert!(epoch.0 > announced);
                        announced = epoch.0;
                    }
                    _ => {}
                }
            }
        }
    }
}
