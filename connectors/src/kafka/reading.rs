//! The consumer of one subtask: its configuration, and what it tells aside from records.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use serde::Deserialize;
use streaming::Result;
use streaming::connector::ConnectorPlace;
use streaming::connector::kafka::SourceOptions;
use tracing::{debug, warn};

use super::assignment::Partition;
use super::client;

pub type Consumer = BaseConsumer<Context>;

/// Receives the client's events.
#[derive(Default)]
pub struct Context {
    /// The brokers as the job names them, for messages.
    pub servers: String,
    /// End of each partition as the last fetch saw it.
    ends: Mutex<BTreeMap<Partition, i64>>,
}

const STATISTICS_INTERVAL_MS: &str = "5000";
/// librdkafka demands at least this for a fetch: its largest message by default.
const LEAST_FETCH_BYTES: u64 = 1_000_000;

/// Creates the consumer; it does not connect yet.
pub fn consumer(options: &SourceOptions, place: &ConnectorPlace) -> Result<Consumer> {
    // Half of the bound lies in the client's queue, half may arrive with the fetch that is under way.
    let queued_kbytes = (options.prefetch_bytes / 2 / 1024).to_string();
    let largest = options.properties.get("message.max.bytes");
    let largest = largest
        .and_then(|bytes| bytes.parse().ok())
        .unwrap_or(LEAST_FETCH_BYTES);
    let fetch_bytes = (options.prefetch_bytes / 2).max(largest).to_string();
    let partition_bytes = (options.prefetch_bytes / 4).clamp(1, 1 << 20).to_string();
    let group_id = options.group_id(&place.job_name, &place.id);
    let defaults = [
        ("isolation.level", "read_committed"),
        // The default of one second leaves the queue empty for most of it whenever the bound was reached.
        ("fetch.queue.backoff.ms", "10"),
        ("statistics.interval.ms", STATISTICS_INTERVAL_MS),
    ];
    let owned = [
        ("group.id", group_id.as_str()),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("enable.partition.eof", "false"),
        // An offset that is gone is an error, never a silent jump.
        ("auto.offset.reset", "error"),
        ("queued.max.messages.kbytes", queued_kbytes.as_str()),
        ("fetch.max.bytes", fetch_bytes.as_str()),
        ("max.partition.fetch.bytes", partition_bytes.as_str()),
    ];
    let config = client::config(
        &options.bootstrap_servers,
        place,
        &defaults,
        &options.properties,
        &owned,
    );
    config
        .create_with_context(Context {
            servers: options.bootstrap_servers.clone(),
            ..Context::default()
        })
        .map_err(|error| client::creation(format!("source {}", place.id), &error))
}

impl Context {
    /// Offset behind the last readable record, once the client has fetched from the partition.
    pub fn end_of(&self, partition: &Partition) -> Option<i64> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.get(partition).copied()
    }
}

/// The few fields of the client's statistics that are of use.
#[derive(Deserialize)]
struct Statistics {
    topics: BTreeMap<String, TopicStatistics>,
}

#[derive(Deserialize)]
struct TopicStatistics {
    partitions: BTreeMap<i32, PartitionStatistics>,
}

#[derive(Deserialize)]
struct PartitionStatistics {
    /// Last stable offset; -1001 where unknown.
    ls_offset: i64,
    hi_offset: i64,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        let statistics: Statistics = match serde_json::from_slice(statistics) {
            Ok(statistics) => statistics,
            Err(error) => return debug!(%error, "statistics of librdkafka not understood"),
        };
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        for (topic, statistics) in statistics.topics {
            for (number, partition) in statistics.partitions {
                let end = if partition.ls_offset >= 0 {
                    partition.ls_offset
                } else {
                    partition.hi_offset
                };
                if number >= 0 && end >= 0 {
                    ends.insert(Partition::new(&topic, number), end);
                }
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!(%error, reason, "event of librdkafka");
    }
}

impl ConsumerContext for Context {
    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result {
            warn!(%error, "offsets not committed to the group; the checkpoint holds them all the same");
        }
    }
}
