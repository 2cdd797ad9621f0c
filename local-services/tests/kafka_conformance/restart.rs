//! The small broker killed and started again, as its own process. (A real one is not ours to kill.)

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use local_services::kafka;
use rdkafka::Offset;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::producer::{BaseRecord, Producer};

use crate::setup::*;

struct Process {
    child: Child,
    address: String,
}

impl Process {
    fn start(dir: &Path, port: &str) -> Process {
        let announced = dir.join("kafka.address");
        let _ = std::fs::remove_file(&announced);
        let child = Command::new(env!("CARGO_BIN_EXE_local-services"))
            .args(["--kafka-port", port, "--no-s3", "--data-dir"])
            .arg(dir)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        eventually("the address is announced", || announced.exists());
        Process {
            child,
            address: std::fs::read_to_string(&announced).unwrap(),
        }
    }

    fn port(&self) -> String {
        self.address.rsplit(':').next().unwrap().to_string()
    }

    /// SIGKILL: nothing can be written in answer to it.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send_position(at: &str, producer: &rdkafka::producer::BaseProducer, group: &str, topic: &str, offset: i64) {
    let metadata = consumer_at(at, group, &[]).group_metadata().unwrap();
    producer
        .send_offsets_to_transaction(&position(topic, offset, ""), &metadata, PATIENCE)
        .unwrap();
}

#[test]
fn a_small_broker_that_is_shut_down_gives_its_directory_free_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = kafka::Options::new(dir.path());
    let first = runtime.block_on(kafka::serve(options.clone())).unwrap();
    let in_use = runtime.block_on(kafka::serve(options.clone()));
    assert!(matches!(in_use, Err(kafka::Error::InUse { .. })));

    let at = first.address().to_string();
    let topic = new_topic_at(&at, "waiting", 1);
    let waiting = consumer_at(&at, "g", &[("fetch.wait.max.ms", "60000")]);
    assign(&waiting, &topic, 1);
    assert!(waiting.poll(Duration::from_secs(1)).is_none());
    runtime.block_on(first.shutdown());
    let second = runtime.block_on(kafka::serve(options)).unwrap();
    send(&producer_at(&second.address().to_string(), &[]), &topic, &["x"]);
    runtime.block_on(second.shutdown());
}

#[test]
fn a_killed_small_broker_keeps_records_positions_and_ended_transactions() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Process::start(dir.path(), "0");
    let (at, port) = (broker.address.clone(), broker.port());
    let (topic, group) = (new_topic_at(&at, "kept", 1), unique("group"));
    send(&producer_at(&at, &[]), &topic, &["plain"]);
    consumer_at(&at, "plain-group", &[])
        .commit(&position(&topic, 1, "m"), CommitMode::Sync)
        .unwrap();
    let transactional = producer_at(&at, &[("transactional.id", "id")]);
    transactional.init_transactions(PATIENCE).unwrap();
    transactional.begin_transaction().unwrap();
    send(&transactional, &topic, &["aborted"]);
    transactional.abort_transaction(PATIENCE).unwrap();
    transactional.begin_transaction().unwrap();
    send(&transactional, &topic, &["committed"]);
    send_position(&at, &transactional, &group, &topic, 5);
    transactional.commit_transaction(PATIENCE).unwrap();
    broker.kill();

    let broker = Process::start(dir.path(), &port);
    assert_eq!(read_to_end_at(&at, &topic, "read_committed"), ["plain", "committed"]);
    assert_eq!(
        read_to_end_at(&at, &topic, "read_uncommitted"),
        ["plain", "aborted", "committed"]
    );
    assert_eq!(committed_at(&at, &group, &topic), Offset::Offset(5));
    assert_eq!(committed_at(&at, "plain-group", &topic), Offset::Offset(1));
    broker.kill();
}

#[test]
fn a_transaction_open_when_the_small_broker_is_killed_can_still_be_committed() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Process::start(dir.path(), "0");
    let (at, port) = (broker.address.clone(), broker.port());
    let (topic, group) = (new_topic_at(&at, "open", 1), unique("group"));
    let producer = producer_at(&at, &[("transactional.id", "id"), ("enable.idempotence", "true")]);
    producer.init_transactions(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, &topic, &["before the kill"]);
    send_position(&at, &producer, &group, &topic, 1);
    broker.kill();

    let broker = Process::start(dir.path(), &port);
    assert_eq!(read_to_end_at(&at, &topic, "read_committed"), [""; 0]);
    send(&producer, &topic, &["after the kill"]);
    producer.commit_transaction(PATIENCE).unwrap();
    assert_eq!(
        read_to_end_at(&at, &topic, "read_committed"),
        ["before the kill", "after the kill"]
    );
    assert_eq!(committed_at(&at, &group, &topic), Offset::Offset(1));
    broker.kill();
}

#[test]
fn a_successor_after_the_kill_aborts_what_its_predecessor_left_open() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Process::start(dir.path(), "0");
    let (at, port) = (broker.address.clone(), broker.port());
    let topic = new_topic_at(&at, "left-open", 1);
    let settings = [("transactional.id", "id")];
    let first = producer_at(&at, &settings);
    first.init_transactions(PATIENCE).unwrap();
    first.begin_transaction().unwrap();
    send(&first, &topic, &["first"]);
    broker.kill();

    let broker = Process::start(dir.path(), &port);
    let second = producer_at(&at, &settings);
    second.init_transactions(PATIENCE).unwrap();
    second.begin_transaction().unwrap();
    send(&second, &topic, &["second"]);
    second.commit_transaction(PATIENCE).unwrap();
    assert!(first.commit_transaction(PATIENCE).is_err());
    assert_eq!(read_to_end_at(&at, &topic, "read_committed"), ["second"]);
    broker.kill();
}

#[test]
fn an_idempotent_producer_loses_and_doubles_nothing_while_the_small_broker_is_killed_again_and_again() {
    const RECORDS: usize = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Process::start(dir.path(), "0");
    let (at, port) = (broker.address.clone(), broker.port());
    let topic = new_topic_at(&at, "again", 1);
    let settings = [
        ("enable.idempotence", "true"),
        ("batch.num.messages", "50"),
        ("retry.backoff.ms", "10"),
    ];
    let producer = producer_at(&at, &settings);
    let payloads: Vec<String> = (0..RECORDS).map(|i| i.to_string()).collect();
    for (number, payload) in payloads.iter().enumerate() {
        let record = BaseRecord::<(), str>::to(&topic).partition(0).payload(payload);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        if number % (RECORDS / 5) == RECORDS / 10 {
            // In the middle of what was just queued.
            producer.poll(Duration::from_millis(1));
            broker.kill();
            broker = Process::start(dir.path(), &port);
        }
    }
    producer.flush(PATIENCE).unwrap();
    assert_eq!(read_to_end_at(&at, &topic, "read_committed"), payloads);
}
