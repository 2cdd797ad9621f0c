//! Finding partitions and where to start in them. The broker is asked from `open` and then from a thread of its own, so
//! that a slow answer never holds up reading.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use streaming::connector::kafka::Start;
use streaming::{Error, Result};
use tracing::warn;

use super::assignment::{Assignment, Partition};
use super::client::patiently;
use super::reading::Consumer;

/// How long one question to the broker may take, and how often it is asked before a source gives up opening.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 3;

/// What the broker has of a partition: offsets `low..high`. With `read_committed`, `high` is the last stable offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub low: i64,
    pub high: i64,
}

/// A partition to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub partition: Partition,
    /// The next offset to read.
    pub offset: i64,
    pub range: Range,
}

/// All partitions of this subtask there are now, in order.
pub fn partitions(consumer: &Consumer, assignment: &Assignment) -> Result<Vec<Partition>> {
    // One topic is asked for by name: a broker may hold thousands of others.
    let only = match assignment.named() {
        [only] => Some(only.as_str()),
        _ => None,
    };
    let metadata = patiently(ATTEMPTS, || consumer.fetch_metadata(only, ANSWER_TIMEOUT))
        .map_err(|error| no_metadata(consumer, &error))?;
    let mut owned = Vec::new();
    let mut missing: HashSet<_> = assignment.named().iter().map(String::as_str).collect();
    for topic in metadata
        .topics()
        .iter()
        .filter(|topic| assignment.selects(topic.name()))
    {
        if topic.error().is_some() || topic.partitions().is_empty() {
            continue;
        }
        missing.remove(topic.name());
        let all = topic
            .partitions()
            .iter()
            .map(|partition| Partition::new(topic.name(), partition.id()));
        owned.extend(all.filter(|partition| assignment.owns(partition)));
    }
    if let Some(topic) = missing.into_iter().min() {
        return Err(Error::external(
            format!("kafka topic {topic}"),
            "the broker does not know it, or does not let us see it; create it or correct topics",
        ));
    }
    owned.sort();
    Ok(owned)
}

fn no_metadata(consumer: &Consumer, error: &KafkaError) -> Error {
    Error::external(
        format!("kafka {}", consumer.context().servers),
        format_args!(
            "no answer to a request for metadata; is the broker running, and bootstrap-servers right? {error}"
        ),
    )
}

/// What the broker has of a partition.
pub fn range(consumer: &Consumer, partition: &Partition) -> Result<Range> {
    let ask = || consumer.fetch_watermarks(&partition.topic, partition.number, ANSWER_TIMEOUT);
    let (low, high) = patiently(ATTEMPTS, ask).map_err(|error| failed(partition, "the end offsets", &error))?;
    Ok(Range { low, high })
}

fn failed(partition: &Partition, what: &str, error: &KafkaError) -> Error {
    Error::external(
        format!("kafka partition {partition}"),
        format_args!("no answer to a request for {what}: {error}"),
    )
}

/// Where to start in partitions of which there is no state. Always numbers: a checkpoint taken before the first record must
/// not mean another place when it is restored.
pub fn first_offsets(consumer: &Consumer, start: Start, partitions: &[(Partition, Range)]) -> Result<Vec<i64>> {
    let answers = match start {
        Start::Earliest => return Ok(partitions.iter().map(|(_, range)| range.low).collect()),
        Start::Latest => return Ok(partitions.iter().map(|(_, range)| range.high).collect()),
        _ if partitions.is_empty() => return Ok(Vec::new()),
        Start::Committed => patiently(ATTEMPTS, || {
            consumer.committed_offsets(list(partitions, None)?, ANSWER_TIMEOUT)
        }),
        Start::Timestamp(time) => {
            let time = Offset::Offset(time.as_millis().max(0));
            patiently(ATTEMPTS, || {
                consumer.offsets_for_times(list(partitions, Some(time))?, ANSWER_TIMEOUT)
            })
        }
    };
    let answers = answers.map_err(|error| failed(&partitions[0].0, "the offsets to start at", &error))?;
    let offset_of = |(partition, range): &(Partition, Range)| {
        let answer = answers.find_partition(&partition.topic, partition.number);
        match answer.map(|answer| answer.offset()) {
            Some(Offset::Offset(offset)) => offset,
            _ if matches!(start, Start::Timestamp(_)) => range.high,
            _ => range.low,
        }
    };
    Ok(partitions.iter().map(offset_of).collect())
}

fn list(partitions: &[(Partition, Range)], offset: Option<Offset>) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    for (partition, _) in partitions {
        let offset = offset.unwrap_or(Offset::Invalid);
        list.add_partition_offset(&partition.topic, partition.number, offset)?;
    }
    Ok(list)
}

/// A thread that looks for new partitions. It ends soon after this handle is dropped.
pub struct Discovery {
    found: Receiver<Vec<Found>>,
    /// Its end tells the thread to stop.
    _stop: Sender<()>,
}

impl Discovery {
    pub fn start(
        consumer: &Arc<Consumer>,
        assignment: Assignment,
        known: impl IntoIterator<Item = Partition>,
        interval: Duration,
    ) -> Result<Self> {
        let (sender, found) = sync_channel(1);
        let (stop, stopped) = channel();
        let search = Search {
            consumer: Arc::downgrade(consumer),
            assignment,
            known: known.into_iter().collect(),
        };
        std::thread::Builder::new()
            .name("kafka-discovery".to_owned())
            .spawn(move || search.run(&stopped, interval, &sender))
            .map_err(|error| Error::external("kafka discovery thread", error))?;
        Ok(Self { found, _stop: stop })
    }

    /// Partitions found since the last call; they are to be read from their beginning.
    pub fn take(&self) -> Option<Vec<Found>> {
        self.found.try_recv().ok()
    }
}

struct Search {
    /// Weak: the source owns the client, and closes it.
    consumer: Weak<Consumer>,
    assignment: Assignment,
    known: HashSet<Partition>,
}

impl Search {
    fn run(mut self, stopped: &Receiver<()>, interval: Duration, sender: &SyncSender<Vec<Found>>) {
        while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
            let Some(consumer) = self.consumer.upgrade() else {
                return;
            };
            match self.look(&consumer) {
                Ok(found) if found.is_empty() => {}
                Ok(found) => {
                    self.known.extend(found.iter().map(|found| found.partition.clone()));
                    if sender.send(found).is_err() {
                        return;
                    }
                }
                Err(error) => warn!(%error, "could not look for new partitions; trying again at the next interval"),
            }
        }
    }

    fn look(&self, consumer: &Consumer) -> Result<Vec<Found>> {
        let mut partitions = partitions(consumer, &self.assignment)?;
        partitions.retain(|partition| !self.known.contains(partition));
        partitions
            .into_iter()
            .map(|partition| {
                let range = range(consumer, &partition)?;
                let offset = range.low;
                Ok(Found {
                    partition,
                    offset,
                    range,
                })
            })
            .collect()
    }
}
