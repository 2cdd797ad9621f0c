//! A broker to test against, and what tests do to it without the connector.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use local_services::kafka::{Options, Server, serve};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, TopicPartitionList};
use tokio::runtime::Runtime;

const TIMEOUT: Duration = Duration::from_secs(20);

/// The runtime of brokers and of what connectors need one for.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    })
}

/// A broker in this process, or one that is there.
pub struct Broker {
    bootstrap: String,
    directory: Option<tempfile::TempDir>,
    server: Option<Server>,
}

impl Broker {
    /// The broker that tests share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var("KAFKA_BOOTSTRAP") {
            Ok(bootstrap) => Self {
                bootstrap,
                directory: None,
                server: None,
            },
            Err(_) => Self::own(),
        })
    }

    /// A broker of one's own, always in this process.
    pub fn own() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = serve_from(&directory, 0);
        Self {
            bootstrap: server.address().to_string(),
            directory: Some(directory),
            server: Some(server),
        }
    }

    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Stops the broker; its data stays.
    pub fn stop(&mut self) {
        let server = self.server.take().unwrap();
        runtime().block_on(server.shutdown());
    }

    /// Starts it again, where it was.
    pub fn start(&mut self) {
        let port = self.bootstrap.rsplit_once(':').unwrap().1.parse().unwrap();
        self.server = Some(serve_from(self.directory.as_ref().unwrap(), port));
    }

    /// A new topic with a name of its own.
    pub fn topic(&self, partitions: i32) -> TestTopic {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let topic = TestTopic {
            bootstrap: self.bootstrap.clone(),
            name: format!("t{}-{number}x", now.as_micros()),
        };
        let new = NewTopic::new(&topic.name, partitions, TopicReplication::Fixed(1));
        let made = runtime().block_on(topic.admin().create_topics([&new], &AdminOptions::new()));
        made.unwrap().pop().unwrap().unwrap();
        topic
    }
}

fn serve_from(directory: &tempfile::TempDir, port: u16) -> Server {
    let mut options = Options::new(directory.path());
    options.port = port;
    options.auto_create_topics = false;
    runtime().block_on(serve(options)).unwrap()
}

/// A topic, seen without the connector.
pub struct TestTopic {
    pub bootstrap: String,
    pub name: String,
}

impl TestTopic {
    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        config
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config().create().unwrap()
    }

    pub fn grow_to(&self, partitions: usize) {
        let grown = NewPartitions::new(&self.name, partitions);
        let done = runtime().block_on(self.admin().create_partitions([&grown], &AdminOptions::new()));
        done.unwrap().pop().unwrap().unwrap();
    }

    pub fn produce(&self, partition: i32, values: &[String]) {
        self.send(&self.config().create().unwrap(), partition, values, None);
    }

    /// Records of a time, in milliseconds.
    pub fn produce_at(&self, partition: i32, values: &[String], time: i64) {
        self.send(&self.config().create().unwrap(), partition, values, Some(time));
    }

    /// A record without a value.
    pub fn tombstone(&self, partition: i32) {
        let producer: BaseProducer = self.config().create().unwrap();
        let record = BaseRecord::<str, [u8]>::to(&self.name).partition(partition).key("gone");
        producer.send(record).unwrap();
        producer.flush(TIMEOUT).unwrap();
    }

    pub fn in_transaction(&self, partition: i32, values: &[String], commit: bool) {
        let mut config = self.config();
        config.set("transactional.id", format!("{}-{partition}", self.name));
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(TIMEOUT).unwrap();
        producer.begin_transaction().unwrap();
        self.send(&producer, partition, values, None);
        match commit {
            true => producer.commit_transaction(TIMEOUT).unwrap(),
            false => producer.abort_transaction(TIMEOUT).unwrap(),
        }
    }

    fn send(&self, producer: &BaseProducer, partition: i32, values: &[String], time: Option<i64>) {
        for value in values {
            let mut record = BaseRecord::<[u8], str>::to(&self.name)
                .partition(partition)
                .payload(value);
            record.timestamp = time;
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(TIMEOUT).unwrap();
    }

    fn consumer(&self, group: &str) -> BaseConsumer {
        self.config().set("group.id", group).create().unwrap()
    }

    /// Offset behind the last record.
    pub fn end(&self, partition: i32) -> i64 {
        self.consumer("none")
            .fetch_watermarks(&self.name, partition, TIMEOUT)
            .unwrap()
            .1
    }

    /// Waits until a group has committed these offsets of the first partitions.
    pub fn wait_for_committed(&self, group: &str, offsets: &[i64]) {
        let consumer = self.consumer(group);
        let started = Instant::now();
        loop {
            let mut list = TopicPartitionList::new();
            list.add_partition_range(&self.name, 0, offsets.len() as i32 - 1);
            let committed = consumer.committed_offsets(list, TIMEOUT).unwrap();
            let found: Vec<_> = committed
                .elements()
                .iter()
                .filter_map(|element| element.offset().to_raw())
                .collect();
            if found == offsets {
                return;
            }
            assert!(started.elapsed() < TIMEOUT, "committed {found:?}, expected {offsets:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
