//! Writing to and reading from Kafka, independently of the connectors under test.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::process::binary;

const TIMEOUT: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(20);

/// Creates topics `NAME:PARTITIONS` with the tool that the scripts use.
pub fn create(bootstrap: &str, topics: &[&str]) -> Result<()> {
    let output = binary("kafka-topics")?
        .args(["--bootstrap", bootstrap, "create"])
        .args(topics)
        .output()?;
    if !output.status.success() {
        bail!("kafka-topics: {}", crate::submit::text(&output));
    }
    Ok(())
}

/// A name no other test and no earlier run has used: a real broker keeps its topics.
pub fn unique(name: &str) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    format!("{name}-{}-{:x}", std::process::id(), now.as_micros())
}

/// Writes records; every one of them is acknowledged when [`Writer::flush`] returns.
pub struct Writer(BaseProducer);

impl Writer {
    pub fn new(bootstrap: &str) -> Result<Self> {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .create()?;
        Ok(Self(producer))
    }

    pub fn send(&self, topic: &str, partition: i32, key: &[u8], value: &[u8]) -> Result<()> {
        let deadline = Instant::now() + TIMEOUT;
        let mut record = BaseRecord::to(topic).partition(partition).key(key).payload(value);
        loop {
            match self.0.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                    if Instant::now() < deadline =>
                {
                    record = back;
                    self.0.poll(TICK);
                }
                Err((error, _)) => return Err(error).context("a record could not be written"),
            }
        }
    }

    pub fn poll(&self, timeout: Duration) {
        self.0.poll(timeout);
    }

    pub fn flush(&self) -> Result<()> {
        self.0
            .flush(TIMEOUT)
            .context("the broker did not acknowledge every record")
    }
}

/// Reads all partitions of a topic from the beginning, committed records only.
pub struct Reader(BaseConsumer);

impl Reader {
    pub fn new(bootstrap: &str, topic: &str) -> Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", unique("tests"))
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .create()?;
        let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT)?;
        let found = metadata.topics().first().filter(|found| !found.partitions().is_empty());
        let mut partitions = TopicPartitionList::new();
        for partition in found
            .with_context(|| format!("there is no topic {topic}"))?
            .partitions()
        {
            partitions.add_partition_offset(topic, partition.id(), Offset::Beginning)?;
        }
        consumer.assign(&partitions)?;
        Ok(Self(consumer))
    }

    /// The value of the next record, if one comes within `timeout`.
    pub fn next(&self, timeout: Duration) -> Result<Option<Vec<u8>>> {
        match self.0.poll(timeout) {
            None => Ok(None),
            Some(Ok(message)) => Ok(Some(message.payload().unwrap_or_default().to_vec())),
            // A topic that has just been created may not have a leader yet.
            Some(Err(KafkaError::MessageConsumption(code))) if is_passing(code) => Ok(None),
            Some(Err(error)) => Err(error).context("reading failed"),
        }
    }
}

fn is_passing(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::BrokerTransportFailure | Code::AllBrokersDown
    )
}
