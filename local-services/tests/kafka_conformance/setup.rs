//! The broker under test and the clients that ask it.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::executor::block_on;
use local_services::kafka;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::OwnedMessage;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Message, Offset, TopicPartitionList};

/// Longer than anything should take; a test that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Address of the broker under test.
pub fn bootstrap() -> String {
    static BROKER: OnceLock<String> = OnceLock::new();
    BROKER
        .get_or_init(|| std::env::var("KAFKA_BOOTSTRAP").unwrap_or_else(|_| start_small_broker()))
        .clone()
}

/// Runs until the test process ends; the tests share it, as they share a real one.
fn start_small_broker() -> String {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kafka-conformance");
    let _ = std::fs::remove_dir_all(&dir);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let server = kafka::serve(kafka::Options::new(dir)).await.unwrap();
            sender.send(server.address().to_string()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receiver.recv_timeout(PATIENCE).expect("the small broker listens")
}

/// A name no other test or run has used.
pub fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    format!("{name}-{now:x}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A timestamp for records. Brokers delete by it, so an old one would make a test depend on when they look.
pub fn an_hour_ago_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (now.as_millis() - 3_600_000) as i64
}

pub fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("broker.address.family", "v4")
        .set("allow.auto.create.topics", "true");
    config
}

pub fn admin(bootstrap: &str) -> AdminClient<DefaultClientContext> {
    client(bootstrap).create().unwrap()
}

/// Creates a topic with a unique name.
pub fn new_topic(name: &str, partitions: i32) -> String {
    new_topic_at(&bootstrap(), name, partitions)
}

pub fn new_topic_at(bootstrap: &str, name: &str, partitions: i32) -> String {
    let name = unique(name);
    let topic = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
    let options = AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE));
    let results = block_on(admin(bootstrap).create_topics([&topic], &options)).unwrap();
    assert_eq!(results, [Ok(name.clone())]);
    name
}

pub fn producer(settings: &[(&str, &str)]) -> BaseProducer {
    producer_at(&bootstrap(), settings)
}

pub fn producer_at(bootstrap: &str, settings: &[(&str, &str)]) -> BaseProducer {
    let mut config = client(bootstrap);
    config.set("linger.ms", "1");
    settings.iter().for_each(|(name, value)| {
        config.set(*name, *value);
    });
    config.create().unwrap()
}

/// A producer with transactions, initialised.
pub fn transactional(id: &str) -> BaseProducer {
    let producer = producer(&[("transactional.id", id)]);
    producer.init_transactions(PATIENCE).unwrap();
    producer
}

/// Produces to partition 0 and waits until it is stored.
pub fn send(producer: &BaseProducer, topic: &str, payloads: &[&str]) {
    for payload in payloads {
        producer
            .send(BaseRecord::<(), str>::to(topic).partition(0).payload(payload))
            .map_err(|(error, _)| error)
            .unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

pub fn consumer(group: &str, settings: &[(&str, &str)]) -> BaseConsumer {
    consumer_at(&bootstrap(), group, settings)
}

pub fn consumer_at(bootstrap: &str, group: &str, settings: &[(&str, &str)]) -> BaseConsumer {
    let mut config = client(bootstrap);
    config
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .set("session.timeout.ms", "6000")
        .set("enable.partition.eof", "false")
        .set("fetch.wait.max.ms", "100");
    settings.iter().for_each(|(name, value)| {
        config.set(*name, *value);
    });
    config.create().unwrap()
}

/// Assigns all of `partitions` from the beginning.
pub fn assign(consumer: &BaseConsumer, topic: &str, partitions: i32) {
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
}

/// Reads until `count` messages are there, fails when they do not come.
pub fn read(consumer: &BaseConsumer, count: usize) -> Vec<OwnedMessage> {
    let deadline = Instant::now() + PATIENCE;
    let mut messages = Vec::new();
    while messages.len() < count {
        assert!(
            Instant::now() < deadline,
            "only {} of {count} messages came",
            messages.len()
        );
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            messages.push(message.unwrap().detach());
        }
    }
    messages
}

/// Everything in partition 0 up to its end, as this isolation level sees it.
pub fn read_to_end(topic: &str, isolation: &str) -> Vec<String> {
    read_to_end_at(&bootstrap(), topic, isolation)
}

pub fn read_to_end_at(bootstrap: &str, topic: &str, isolation: &str) -> Vec<String> {
    let settings = [("isolation.level", isolation), ("enable.partition.eof", "true")];
    let consumer = consumer_at(bootstrap, &unique("reader"), &settings);
    assign(&consumer, topic, 1);
    let deadline = Instant::now() + PATIENCE;
    let mut payloads = Vec::new();
    loop {
        assert!(
            Instant::now() < deadline,
            "no end of {topic} after {} messages",
            payloads.len()
        );
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Ok(message)) => payloads.push(text(&message.detach())),
            Some(Err(rdkafka::error::KafkaError::PartitionEOF(_))) => return payloads,
            Some(Err(error)) => panic!("reading {topic}: {error}"),
        }
    }
}

pub fn text(message: &OwnedMessage) -> String {
    String::from_utf8(message.payload().unwrap_or_default().to_vec()).unwrap()
}

/// A list with one position, with metadata.
pub fn position(topic: &str, offset: i64, metadata: &str) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(offset)).unwrap();
    list.find_partition(topic, 0).unwrap().set_metadata(metadata);
    list
}

/// The position a group has committed in partition 0.
pub fn committed(group: &str, topic: &str) -> Offset {
    committed_at(&bootstrap(), group, topic)
}

pub fn committed_at(bootstrap: &str, group: &str, topic: &str) -> Offset {
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, 0);
    let found = consumer_at(bootstrap, group, &[])
        .committed_offsets(list, PATIENCE)
        .unwrap();
    found.find_partition(topic, 0).unwrap().offset()
}

/// Asks again until it is so.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not so in time: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
