//! The source `kafka`.
//!
//! Partitions are assigned, never subscribed to (see [`Assignment`]); positions are next offsets, kept in the checkpoint.
//! A lost broker is waited for; an offset that the broker no longer has is an error that says so.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use streaming::connector::kafka::SourceOptions;
use streaming::connector::{ConnectorPlace, Polled, RawBatch, Source, SplitId, SplitState};
use streaming::{Epoch, Error, Result, Timestamp};
use tracing::{debug, info, warn};

use super::assignment::{Assignment, Partition};
use super::discovery::{self, Discovery, Found, Range};
use super::reading::{Consumer, consumer};
use super::{client, commit};
use crate::rows::{decode_position, encode_position};

/// Records of so many bytes end a batch, whatever the number of rows.
const MAX_BATCH_BYTES: usize = 1 << 20;

/// Reads its share of the partitions of some topics.
pub struct KafkaSource {
    options: SourceOptions,
    place: ConnectorPlace,
    assignment: Assignment,
    consumer: Arc<Consumer>,
    discovery: Option<Discovery>,
    names: Vec<SplitId>,
    splits: Vec<Split>,
    index: HashMap<Partition, usize>,
    /// The split of the last record.
    recent: usize,
    /// Offsets of snapshots that are not yet durable; the group is told of them when they are.
    snapshots: Vec<(Epoch, Vec<(Partition, i64)>)>,
    /// An error that came behind records, which are given out first.
    failure: Option<Error>,
    is_connected: bool,
}

struct Split {
    partition: Partition,
    /// Behind the last record given out.
    next: i64,
    /// Where a bounded read ends.
    end: i64,
    paused: bool,
    /// Whether a bounded read has passed the end.
    is_read: bool,
    /// Whether there were no records behind the first position when the partition was assigned.
    had_nothing: bool,
    /// Records read from the client and not given out: they came behind those of another partition, or before a pause.
    held: RawBatch,
}

impl KafkaSource {
    /// Creates the client, which fails for properties it does not take. Connects at `open`.
    pub fn new(options: SourceOptions, place: ConnectorPlace) -> Result<Self> {
        Ok(Self {
            assignment: Assignment::new(&options.topics, place.subtask, place.parallelism)?,
            consumer: Arc::new(consumer(&options, &place)?),
            options,
            place,
            discovery: None,
            names: Vec::new(),
            splits: Vec::new(),
            index: HashMap::new(),
            recent: 0,
            snapshots: Vec::new(),
            failure: None,
            is_connected: true,
        })
    }

    /// Offsets of the partitions that this subtask owns, from the states of all subtasks.
    fn restored_offsets(&self, restored: &[SplitState]) -> Result<HashMap<Partition, i64>> {
        let mut offsets = HashMap::new();
        for state in restored {
            let position = decode_position(&self.place.id, &state.split, &state.position)?;
            let Some(partition) = Partition::parse(&state.split) else {
                continue;
            };
            if !self.assignment.selects(&partition.topic) {
                warn!(source = self.place.id, %partition, "no longer read: its topic is not among the topics of the job");
            } else if self.assignment.owns(&partition) {
                offsets.insert(partition, position as i64);
            }
        }
        Ok(offsets)
    }

    fn find_partitions(&self, restored: &[SplitState]) -> Result<Vec<Found>> {
        let offsets = self.restored_offsets(restored)?;
        let mut partitions = discovery::partitions(&self.consumer, &self.assignment)?;
        // One that is gone from the broker is assigned all the same: its loss must be seen.
        partitions.extend(offsets.keys().cloned());
        partitions.sort();
        partitions.dedup();
        let ranges = partitions
            .into_iter()
            .map(|partition| discovery::range(&self.consumer, &partition).map(|range| (partition, range)))
            .collect::<Result<Vec<_>>>()?;
        let (known, new): (Vec<_>, Vec<_>) = ranges
            .into_iter()
            .partition(|(partition, _)| offsets.contains_key(partition));
        let first = match restored.is_empty() {
            true => discovery::first_offsets(&self.consumer, self.options.start, &new)?,
            // It was added after the checkpoint, so nothing of it has been read.
            false => new.iter().map(|(_, range)| range.low).collect(),
        };
        let known = known
            .into_iter()
            .map(|(partition, range)| (offsets[&partition], partition, range));
        let new = first
            .into_iter()
            .zip(new)
            .map(|(offset, (partition, range))| (offset, partition, range));
        let mut found: Vec<_> = known
            .chain(new)
            .map(|(offset, partition, range)| Found {
                partition,
                offset,
                range,
            })
            .collect();
        found.sort_by(|left, right| left.partition.cmp(&right.partition));
        Ok(found)
    }

    fn assign(&mut self, found: Vec<Found>) -> Result<()> {
        let mut offsets = Vec::with_capacity(found.len());
        for found in found {
            check_range(&found.partition, found.offset, found.range)?;
            let name: SplitId = found.partition.to_string().into();
            self.index.insert(found.partition.clone(), self.splits.len());
            offsets.push((found.partition.clone(), found.offset));
            self.splits.push(Split {
                held: empty(self.splits.len(), &name),
                partition: found.partition,
                next: found.offset,
                end: found.range.high,
                paused: false,
                is_read: false,
                had_nothing: found.offset >= found.range.high,
            });
            self.names.push(name);
        }
        let assigned = commit::list(&offsets).and_then(|list| self.consumer.incremental_assign(&list));
        assigned.map_err(|error| Error::external(self.subject(), format_args!("partitions not assigned: {error}")))?;
        info!(
            source = self.place.id,
            subtask = self.place.subtask,
            partitions = offsets.len(),
            "partitions assigned"
        );
        Ok(())
    }

    fn subject(&self) -> String {
        format!("source {}", self.place.id)
    }

    fn take_discovered(&mut self) -> Result<()> {
        match self.discovery.as_ref().and_then(Discovery::take) {
            Some(found) => self.assign(found),
            None => Ok(()),
        }
    }

    /// Whether every partition has been read to the end it had at the start.
    fn has_ended(&self) -> bool {
        if !self.options.bounded || self.splits.iter().any(|split| !split.held.positions.is_empty()) {
            return false;
        }
        // The client's position passes over what is no record, such as the marks of transactions, which may come last.
        let positions = self.consumer.position().ok();
        self.splits.iter().all(|split| {
            let position = positions.as_ref().and_then(|positions| {
                let found = positions.find_partition(&split.partition.topic, split.partition.number)?;
                found.offset().to_raw()
            });
            split.next >= split.end || position >= Some(split.end)
        })
    }

    /// Takes records from the client until a batch is full or nothing more is there; waits for the first only.
    fn fill(&mut self, deadline: Duration, max_rows: usize) -> Option<usize> {
        let mut filling = (0..self.splits.len()).find(|&index| {
            let split = &self.splits[index];
            !split.paused && !split.held.positions.is_empty()
        });
        let until = Instant::now() + deadline;
        // A clone, because records borrow from the client while they are copied into the splits.
        let consumer = Arc::clone(&self.consumer);
        loop {
            if let Some(index) = filling
                && is_full(&self.splits[index].held, max_rows)
            {
                return filling;
            }
            let wait = match filling {
                Some(_) => Duration::ZERO,
                None => until.saturating_duration_since(Instant::now()),
            };
            match consumer.poll(wait) {
                None => return filling,
                Some(Ok(message)) => {
                    let Some(index) = self.hold(&message) else {
                        if wait.is_zero() {
                            return filling;
                        }
                        continue;
                    };
                    if filling.is_none() && !self.splits[index].paused {
                        filling = Some(index);
                    } else if filling != Some(index) {
                        // Another partition's run begins; it is the next batch.
                        return filling;
                    }
                }
                Some(Err(error)) => {
                    self.on_error(&error);
                    if self.failure.is_some() || wait.is_zero() {
                        return filling;
                    }
                }
            }
        }
    }

    /// Copies a record to its split and says which; `None` for one that is not wanted.
    fn hold(&mut self, message: &BorrowedMessage<'_>) -> Option<usize> {
        if !self.is_connected {
            self.is_connected = true;
            info!(source = self.place.id, "the broker is back");
        }
        let index = self.split_of(message)?;
        let split = &mut self.splits[index];
        let offset = message.offset();
        let expected = split.held.positions.last().map_or(split.next, |last| last + 1);
        if self.options.bounded && offset >= split.end {
            self.stop_reading(index);
            return None;
        }
        if offset < expected {
            return None;
        }
        let time = message
            .timestamp()
            .to_millis()
            .map_or(Timestamp::MIN, Timestamp::from_millis);
        split.held.timestamp.push(time);
        split.held.keys.push(message.key().unwrap_or_default());
        split.held.values.push(message.payload().unwrap_or_default());
        split.held.positions.push(offset);
        Some(index)
    }

    /// Tells the client that a bounded read needs no more of a partition.
    fn stop_reading(&mut self, index: usize) {
        let split = &mut self.splits[index];
        if std::mem::replace(&mut split.is_read, true) {
            return;
        }
        let paused = commit::list(&[(split.partition.clone(), 0)]).and_then(|list| self.consumer.pause(&list));
        if let Err(error) = paused {
            debug!(%error, "records behind the end are read on and dropped");
        }
    }

    fn split_of(&mut self, message: &BorrowedMessage<'_>) -> Option<usize> {
        let (topic, number) = (message.topic(), message.partition());
        // Records come in runs of one partition.
        let recent = self.splits.get(self.recent);
        if recent.is_some_and(|split| split.partition.number == number && split.partition.topic == topic) {
            return Some(self.recent);
        }
        self.recent = *self.index.get(&Partition::new(topic, number))?;
        Some(self.recent)
    }

    fn on_error(&mut self, error: &KafkaError) {
        if client::is_transient(error) {
            if self.is_connected {
                self.is_connected = false;
                warn!(source = self.place.id, %error, "the broker is lost; waiting for it");
            }
        } else if client::is_offset_out_of_range(error) {
            self.failure = Some(self.find_out_of_range(error));
        } else {
            self.failure = Some(Error::external(self.subject(), format_args!("reading failed: {error}")));
        }
    }

    /// The client does not say which partition it is, so the broker is asked.
    fn find_out_of_range(&self, error: &KafkaError) -> Error {
        for split in &self.splits {
            let offset = split.held.positions.last().map_or(split.next, |last| last + 1);
            match discovery::range(&self.consumer, &split.partition) {
                Ok(range) if offset < range.low || offset > range.high => {
                    return out_of_range(&split.partition, offset, range);
                }
                Ok(_) => {}
                Err(error) => return error,
            }
        }
        Error::external(self.subject(), format_args!("an offset is out of range: {error}"))
    }

    fn give(&mut self, index: usize) -> Polled {
        let split = &mut self.splits[index];
        let raw = std::mem::replace(&mut split.held, empty(index, &self.names[index]));
        split.next = raw.positions.last().map_or(split.next, |last| last + 1);
        Polled::Raw(raw)
    }
}

fn empty(split: usize, name: &SplitId) -> RawBatch {
    RawBatch {
        split,
        name: Arc::clone(name),
        ..RawBatch::default()
    }
}

fn is_full(batch: &RawBatch, max_rows: usize) -> bool {
    batch.positions.len() >= max_rows || batch.values.values().len() + batch.keys.values().len() >= MAX_BATCH_BYTES
}

/// What lies beyond the end is left to the broker to judge: it alone knows whether the log goes on there.
fn check_range(partition: &Partition, offset: i64, range: Range) -> Result<()> {
    match offset < range.low {
        true => Err(out_of_range(partition, offset, range)),
        false => Ok(()),
    }
}

fn out_of_range(partition: &Partition, offset: i64, range: Range) -> Error {
    Error::external(
        format!("kafka topic {} partition {}", partition.topic, partition.number),
        format_args!(
            "offset {offset}, where reading goes on, is out of range: the broker has {} to {}; \
             restore another checkpoint, or drop the state of the source and choose its start",
            range.low, range.high
        ),
    )
}

impl Source for KafkaSource {
    fn open(&mut self, restored: &[SplitState]) -> Result<()> {
        let found = self.find_partitions(restored)?;
        self.assign(found)?;
        if !self.options.bounded && !self.options.partition_discovery_interval.is_zero() {
            let known = self.index.keys().cloned();
            let interval = self.options.partition_discovery_interval;
            let discovery = Discovery::start(&self.consumer, self.assignment.clone(), known, interval)?;
            self.discovery = Some(discovery);
        }
        Ok(())
    }

    fn poll(&mut self, deadline: Duration, max_rows: usize) -> Result<Polled> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.take_discovered()?;
        if self.has_ended() {
            return Ok(Polled::End);
        }
        if let Some(index) = self.fill(deadline, max_rows) {
            return Ok(self.give(index));
        }
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(Polled::Nothing),
        }
    }

    fn splits(&self) -> &[SplitId] {
        &self.names
    }

    fn snapshot(&mut self, epoch: Epoch) -> Result<Vec<SplitState>> {
        let next = self.splits.iter().map(|split| (split.partition.clone(), split.next));
        let offsets = next.collect();
        // Those of a checkpoint that was given up are dropped with the next one that is not.
        self.snapshots.push((epoch, offsets));
        let states = self.splits.iter().map(|split| SplitState {
            split: split.partition.to_string(),
            position: encode_position(split.next as u64),
        });
        Ok(states.collect())
    }

    fn pause(&mut self, split: usize, paused: bool) -> Result<()> {
        if self.splits[split].paused == paused {
            return Ok(());
        }
        self.splits[split].paused = paused;
        if self.splits[split].is_read {
            return Ok(());
        }
        let partition = self.splits[split].partition.clone();
        let done = commit::list(&[(partition, 0)]).and_then(|list| match paused {
            true => self.consumer.pause(&list),
            false => self.consumer.resume(&list),
        });
        done.map_err(|error| Error::external(self.subject(), format_args!("partition not paused or resumed: {error}")))
    }

    fn on_committed(&mut self, epoch: Epoch) {
        if let Some((_, offsets)) = self.snapshots.iter().find(|(snapshot, _)| *snapshot == epoch) {
            commit::offsets(&self.consumer, offsets);
        }
        self.snapshots.retain(|(snapshot, _)| *snapshot > epoch);
    }

    fn had_nothing_to_read(&self, split: usize) -> bool {
        self.splits[split].had_nothing
    }

    fn pending_records(&self) -> Option<u64> {
        let context = self.consumer.context();
        let lag = |split: &Split| {
            let end = context.end_of(&split.partition)?;
            Some(u64::try_from(end - split.next).unwrap_or(0))
        };
        self.splits.iter().filter_map(lag).reduce(|sum, lag| sum + lag)
    }
}
