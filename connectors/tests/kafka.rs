//! The Kafka connector against a broker: the small one of `local-services`, or the one that `KAFKA_BOOTSTRAP` names (then:
//! `KAFKA_BOOTSTRAP=127.0.0.1:9092 cargo test -p connectors --test kafka`).

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod broker;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use broker::{Broker, TestTopic};
use streaming::batch::{Batch, Column as _, Documents, Keys, List, Payload};
use streaming::connector::{ConnectorPlace, Polled, Sink, Source, SplitState};
use streaming::job::Options;
use streaming::{Epoch, Timestamp};

const POLL: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

fn place(group: &str, subtask: u16, parallelism: u16) -> ConnectorPlace {
    ConnectorPlace {
        job_id: "0".repeat(32),
        job_name: group.to_owned(),
        id: "points".into(),
        subtask,
        parallelism,
    }
}

/// A source of the topic with further options as in a job file.
fn source(topic: &TestTopic, further: &str, subtask: u16, parallelism: u16) -> Box<dyn Source> {
    let text = format!(
        "bootstrap-servers = \"{}\"\ntopics = [\"{}\"]\n{further}",
        topic.bootstrap, topic.name
    );
    source_of(&text, &topic.name, subtask, parallelism)
}

fn source_of(text: &str, group: &str, subtask: u16, parallelism: u16) -> Box<dyn Source> {
    let value = streaming::job::Value::parse_toml(text).unwrap();
    let mut options = Options::new("source.points", value, Default::default());
    let runtime = broker::runtime();
    connectors::registry::source(
        "kafka",
        &mut options,
        place(group, subtask, parallelism),
        runtime.handle(),
    )
    .unwrap()
}

fn sink(topic: &TestTopic, further: &str) -> Box<dyn Sink> {
    let text = format!(
        "bootstrap-servers = \"{}\"\ntopic = \"{}\"\n{further}",
        topic.bootstrap, topic.name
    );
    let value = streaming::job::Value::parse_toml(&text).unwrap();
    let mut options = Options::new("sink.results", value, Default::default());
    let runtime = broker::runtime();
    let mut sink =
        connectors::registry::sink("kafka", &mut options, place(&topic.name, 0, 1), runtime.handle()).unwrap();
    sink.open(&[]).unwrap();
    sink
}

/// Values by split, in the order they were read.
type Read = BTreeMap<String, Vec<String>>;

fn count(read: &Read) -> usize {
    read.values().map(Vec::len).sum()
}

/// Polls until `read` holds `rows` rows; `false` at the end of the source.
fn read_rows(source: &mut dyn Source, rows: usize, max_rows: usize, read: &mut Read) -> bool {
    let started = Instant::now();
    while count(read) < rows {
        assert!(
            started.elapsed() < PATIENCE,
            "{} of {rows} rows within {PATIENCE:?}",
            count(read)
        );
        match source.poll(POLL, max_rows).unwrap() {
            Polled::Raw(raw) => {
                assert!(raw.positions.len() <= max_rows && raw.positions.len() == raw.values.rows());
                assert_eq!(raw.name, source.splits()[raw.split]);
                assert!(raw.timestamp.iter().all(|time| *time > Timestamp(0)));
                let values = raw
                    .values
                    .iter()
                    .map(|value| String::from_utf8(value.to_vec()).unwrap());
                read.entry(raw.name.to_string()).or_default().extend(values);
            }
            Polled::Nothing => {}
            Polled::End => return false,
            other => panic!("{other:?}"),
        }
    }
    true
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[test]
fn two_subtasks_read_all_of_four_partitions() {
    let topic = Broker::shared().topic(4);
    (0..4).for_each(|partition| topic.produce(partition, &numbers(0..500)));
    for subtask in 0..2 {
        let mut source = source(&topic, "start = \"earliest\"", subtask, 2);
        source.open(&[]).unwrap();
        let mut read = Read::new();
        read_rows(source.as_mut(), 1000, 64, &mut read);
        let names: Vec<_> = [subtask, subtask + 2]
            .map(|partition| format!("{}/{partition}", topic.name))
            .into();
        assert_eq!(read.keys().cloned().collect::<Vec<_>>(), names);
        assert!(read.values().all(|values| *values == numbers(0..500)));
    }
}

#[test]
fn a_restored_source_goes_on_exactly_at_another_parallelism() {
    let topic = Broker::shared().topic(3);
    (0..3).for_each(|partition| topic.produce(partition, &numbers(0..300)));
    let mut states: Vec<SplitState> = Vec::new();
    let mut read = Read::new();
    for subtask in 0..2 {
        let mut source = source(&topic, "start = \"earliest\"", subtask, 2);
        source.open(&[]).unwrap();
        let before = count(&read);
        read_rows(source.as_mut(), before + 150, 7, &mut read);
        states.extend(source.snapshot(Epoch(1)).unwrap());
        // Read behind the snapshot, and lost with the crash.
        read_rows(source.as_mut(), 20, 7, &mut Read::new());
    }
    // `start` has no say once there is state.
    let mut source = source(&topic, "start = \"latest\"", 0, 1);
    source.open(&states).unwrap();
    read_rows(source.as_mut(), 900, 1000, &mut read);
    assert!(read.values().all(|values| *values == numbers(0..300)), "{read:?}");
}

#[test]
fn a_partition_added_later_is_read_from_its_beginning() {
    let topic = Broker::shared().topic(1);
    topic.produce(0, &numbers(0..3));
    let mut source = source(
        &topic,
        "start = \"latest\"\npartition-discovery-interval = \"100ms\"",
        0,
        1,
    );
    source.open(&[]).unwrap();
    assert_eq!(source.splits().len(), 1);
    topic.grow_to(2);
    topic.produce(1, &numbers(0..5));
    topic.produce(0, &numbers(3..5));
    let mut read = Read::new();
    read_rows(source.as_mut(), 7, 100, &mut read);
    assert_eq!(read[&format!("{}/1", topic.name)], numbers(0..5));
    assert_eq!(read[&format!("{}/0", topic.name)], numbers(3..5));
}

#[test]
fn a_partition_added_while_the_job_was_down_is_read_from_its_beginning() {
    let topic = Broker::shared().topic(1);
    topic.produce(0, &numbers(0..3));
    let mut first = source(&topic, "start = \"latest\"", 0, 1);
    first.open(&[]).unwrap();
    let states = first.snapshot(Epoch(1)).unwrap();
    drop(first);
    topic.produce(0, &numbers(3..4));
    topic.grow_to(2);
    topic.produce(1, &numbers(0..5));
    let mut source = source(&topic, "start = \"latest\"", 0, 1);
    source.open(&states).unwrap();
    let mut read = Read::new();
    read_rows(source.as_mut(), 6, 100, &mut read);
    assert_eq!(
        read[&format!("{}/0", topic.name)],
        numbers(3..4),
        "the place of `latest` is kept in the checkpoint"
    );
}

#[test]
fn committed_offsets_start_a_job_without_state() {
    let topic = Broker::shared().topic(2);
    (0..2).for_each(|partition| topic.produce(partition, &numbers(0..10)));
    let mut first = source(&topic, "", 0, 1);
    first.open(&[]).unwrap();
    read_rows(first.as_mut(), 20, 100, &mut Read::new());
    first.snapshot(Epoch(1)).unwrap();
    (0..2).for_each(|partition| topic.produce(partition, &numbers(10..12)));
    read_rows(first.as_mut(), 4, 100, &mut Read::new());
    first.on_committed(Epoch(1));
    topic.wait_for_committed(&format!("{}.points", topic.name), &[10, 10]);
    drop(first);
    let mut second = source(&topic, "", 0, 1);
    second.open(&[]).unwrap();
    let mut read = Read::new();
    read_rows(second.as_mut(), 4, 100, &mut read);
    assert!(read.values().all(|values| *values == numbers(10..12)));
}

#[test]
fn a_start_by_time_skips_what_is_older() {
    let topic = Broker::shared().topic(2);
    topic.produce_at(0, &numbers(0..3), 1_704_110_400_000);
    topic.produce_at(0, &numbers(3..6), 1_704_110_460_000);
    topic.produce_at(1, &numbers(0..3), 1_704_110_400_000);
    let start = "start = \"timestamp\"\nstart-timestamp = 2024-01-01T12:00:30Z";
    let mut source = source(&topic, start, 0, 1);
    source.open(&[]).unwrap();
    topic.produce(1, &numbers(3..4));
    let mut read = Read::new();
    read_rows(source.as_mut(), 4, 100, &mut read);
    assert_eq!(read[&format!("{}/0", topic.name)], numbers(3..6));
    assert_eq!(read[&format!("{}/1", topic.name)], numbers(3..4));
}

#[test]
fn a_bounded_read_ends_at_the_ends_it_found() {
    let topic = Broker::shared().topic(3);
    topic.produce(0, &numbers(0..50));
    topic.produce(1, &numbers(0..20));
    let mut source = source(&topic, "start = \"earliest\"\nstop = \"latest\"", 0, 1);
    source.open(&[]).unwrap();
    topic.produce(0, &numbers(50..60));
    let mut read = Read::new();
    assert!(!read_rows(source.as_mut(), usize::MAX, 9, &mut read));
    assert_eq!(read[&format!("{}/0", topic.name)], numbers(0..50));
    assert_eq!(read[&format!("{}/1", topic.name)], numbers(0..20));
}

#[test]
fn only_committed_transactions_are_read_and_a_bounded_read_ends_behind_them() {
    let topic = Broker::shared().topic(2);
    topic.in_transaction(0, &numbers(0..5), true);
    topic.in_transaction(0, &["aborted".to_owned()], false);
    topic.in_transaction(1, &["aborted".to_owned()], false);
    let mut source = source(&topic, "start = \"earliest\"\nstop = \"latest\"", 0, 1);
    source.open(&[]).unwrap();
    let mut read = Read::new();
    assert!(!read_rows(source.as_mut(), usize::MAX, 100, &mut read));
    assert_eq!(read, Read::from([(format!("{}/0", topic.name), numbers(0..5))]));
}

#[test]
fn an_offset_out_of_range_is_an_error_that_names_it() {
    let topic = Broker::shared().topic(1);
    topic.produce(0, &numbers(0..10));
    let mut source = source(&topic, "", 0, 1);
    let state = SplitState {
        split: format!("{}/0", topic.name),
        position: 99u64.to_le_bytes().to_vec(),
    };
    source.open(&[state]).unwrap();
    let started = Instant::now();
    let error = loop {
        assert!(started.elapsed() < PATIENCE);
        match source.poll(POLL, 10) {
            Ok(Polled::Nothing) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), streaming::Kind::External);
    let text = error.to_string();
    let expected = format!("kafka topic {} partition 0: offset 99", topic.name);
    assert!(
        text.starts_with(&expected) && text.contains("the broker has 0 to 10"),
        "{text}"
    );
}

#[test]
fn a_paused_partition_gives_nothing_and_loses_nothing() {
    let topic = Broker::shared().topic(2);
    (0..2).for_each(|partition| topic.produce(partition, &numbers(0..1000)));
    let mut source = source(&topic, "start = \"earliest\"", 0, 1);
    source.open(&[]).unwrap();
    let mut read = Read::new();
    // Into the middle of a fetch, so that records are under way when the pause comes.
    read_rows(source.as_mut(), 300, 50, &mut read);
    let before = read.clone();
    source.pause(0, true).unwrap();
    let first = format!("{}/0", topic.name);
    let paused = before.get(&first).map_or(0, Vec::len);
    read_rows(source.as_mut(), 1000 + paused, 50, &mut read);
    assert!(matches!(source.poll(POLL, 50).unwrap(), Polled::Nothing));
    assert_eq!(read.get(&first), before.get(&first));
    source.pause(0, false).unwrap();
    read_rows(source.as_mut(), 2000, 50, &mut read);
    assert!(read.values().all(|values| *values == numbers(0..1000)));
}

#[test]
fn a_pattern_selects_topics_and_tombstones_are_empty_rows() {
    let topic = Broker::shared().topic(1);
    topic.tombstone(0);
    let text = format!(
        "bootstrap-servers = \"{}\"\ntopic-pattern = \"{}.*\"\nstart = \"earliest\"",
        topic.bootstrap,
        &topic.name[..topic.name.len() - 1]
    );
    let mut source = source_of(&text, &topic.name, 0, 1);
    source.open(&[]).unwrap();
    let mut read = Read::new();
    read_rows(source.as_mut(), 1, 10, &mut read);
    assert_eq!(read[&format!("{}/0", topic.name)], [""]);
}

#[test]
fn a_topic_that_is_not_there_is_named() {
    let broker = Broker::shared();
    let text = format!(
        "bootstrap-servers = \"{}\"\ntopics = [\"nobody-made-this\"]",
        broker.bootstrap()
    );
    let error = source_of(&text, "job", 0, 1).open(&[]).unwrap_err().to_string();
    assert!(
        error.starts_with("kafka topic nobody-made-this: the broker does not know it"),
        "{error}"
    );
}

#[test]
fn the_lag_is_known_after_a_while() {
    let topic = Broker::shared().topic(1);
    topic.produce(0, &numbers(0..100));
    let mut source = source(
        &topic,
        "start = \"earliest\"\nproperties = { statistics.interval.ms = 200 }",
        0,
        1,
    );
    source.open(&[]).unwrap();
    read_rows(source.as_mut(), 30, 30, &mut Read::new());
    let started = Instant::now();
    source.pause(0, true).unwrap();
    while source.pending_records() != Some(70) {
        assert!(started.elapsed() < PATIENCE, "lag {:?}", source.pending_records());
        source.poll(POLL, 10).unwrap();
    }
}

fn documents(rows: &[(&str, &str)]) -> Batch {
    let mut keys = Keys::default();
    rows.iter().for_each(|(key, _)| keys.push(key.as_bytes()));
    Batch {
        event_time: vec![Timestamp(0); rows.len()],
        keys,
        payload: Payload::Documents(Documents {
            bytes: List::from_iter(rows.iter().map(|(_, value)| value.as_bytes())),
        }),
    }
}

#[test]
fn what_is_sealed_is_on_the_broker_with_its_key() {
    let topic = Broker::shared().topic(1);
    let mut sink = sink(&topic, "compression = \"zstd\"\nlinger = \"1min\"");
    let rows: Vec<_> = (0..1000).map(|row| (format!("k{row}"), format!("v{row}"))).collect();
    let rows: Vec<_> = rows.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    sink.write(&documents(&rows)).unwrap();
    // A seal that waited for the linger would run into its deadline.
    assert_eq!(sink.seal(Epoch(1)).unwrap(), Vec::<u8>::new());
    assert_eq!(topic.end(0), 1000);
    let mut source = source(&topic, "start = \"earliest\"", 0, 1);
    source.open(&[]).unwrap();
    let Polled::Raw(raw) = std::iter::repeat_with(|| source.poll(POLL, 2000).unwrap())
        .find(|polled| !matches!(polled, Polled::Nothing))
        .unwrap()
    else {
        panic!("records")
    };
    assert_eq!(
        (raw.keys.row(3), raw.values.row(3)),
        (b"k3".as_slice(), b"v3".as_slice())
    );
}

#[test]
fn a_document_over_the_limit_is_the_jobs_mistake() {
    let topic = Broker::shared().topic(1);
    let mut sink = sink(&topic, "");
    let error = sink.write(&documents(&[("", &"x".repeat(2 << 20))])).unwrap_err();
    assert_eq!(error.kind(), streaming::Kind::User);
    assert!(
        error.to_string().contains("a document of 2097152 bytes is too large"),
        "{error}"
    );
}

#[test]
fn records_that_the_broker_never_took_fail_the_seal() {
    let mut broker = Broker::own();
    let topic = broker.topic(1);
    let mut sink = sink(&topic, "properties = { message.timeout.ms = 1500 }");
    sink.write(&documents(&[("", "kept")])).unwrap();
    sink.seal(Epoch(1)).unwrap();
    broker.stop();
    let outcome = sink
        .write(&documents(&[("", "lost")]))
        .and_then(|()| sink.seal(Epoch(2)));
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), streaming::Kind::External);
    assert!(error.to_string().contains("1 records not delivered"), "{error}");
}

/// On a broker of its own, which is stopped and started again.
#[test]
fn a_restarted_broker_is_waited_for_by_source_and_sink() {
    let mut broker = Broker::own();
    let topic = broker.topic(2);
    (0..2).for_each(|partition| topic.produce(partition, &numbers(0..10)));
    let (mut source, mut sink) = (source(&topic, "start = \"earliest\"", 0, 1), sink(&topic, ""));
    source.open(&[]).unwrap();
    let mut read = Read::new();
    read_rows(source.as_mut(), 20, 5, &mut read);
    broker.stop();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(2) {
        assert!(matches!(source.poll(POLL, 5).unwrap(), Polled::Nothing));
    }
    sink.write(&documents(&[("", "10"), ("", "11"), ("", "12")])).unwrap();
    broker.start();
    sink.seal(Epoch(1)).unwrap();
    read_rows(source.as_mut(), 23, 5, &mut read);
    let later: Vec<_> = read.values().flat_map(|values| values[10..].to_vec()).collect();
    assert_eq!(later.len(), 3);
}
