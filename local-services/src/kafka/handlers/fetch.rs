//! Fetch, ListOffsets and OffsetForLeaderEpoch.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::select_all;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{AbortedTransaction, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use kafka_protocol::messages::{
    FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
};
use tokio::sync::futures::Notified;
use tokio::time::{Instant, timeout_at};

use super::code;
use crate::kafka::api::Caller;
use crate::kafka::broker::{Broker, storage_error};
use crate::kafka::log::{Partition, Slice};

const READ_COMMITTED: i8 = 1;
/// No client waits longer for data, whatever it asks for.
const MAX_WAIT: Duration = Duration::from_secs(300);
/// No answer carries more, whatever the client asks for.
const MAX_RESPONSE_BYTES: usize = 64 << 20;
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

/// Reads from all partitions asked for; waits for data as long as the client allows if there is less than it wants.
pub async fn fetch(broker: &Broker, request: &FetchRequest) -> FetchResponse {
    if request.session_id != 0 {
        // Sessions are never opened here, so the client falls back to whole requests.
        return FetchResponse::default().with_error_code(ResponseError::FetchSessionIdNotFound.code());
    }
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)).min(MAX_WAIT);
    let deadline = Instant::now() + wait;
    let logs = partitions(broker, request);
    loop {
        // Listening begins before reading, so that nothing appended in between is missed.
        let mut changes: Vec<Pin<Box<Notified<'_>>>> =
            logs.iter().map(|log| Box::pin(log.changed.notified())).collect();
        changes.iter_mut().for_each(|change| {
            change.as_mut().enable();
        });
        let answer = read_all(broker, request);
        if answer.is_final || answer.bytes >= usize::try_from(request.min_bytes).unwrap_or(0) || changes.is_empty() {
            return answer.response;
        }
        if timeout_at(deadline, select_all(changes)).await.is_err() {
            return answer.response;
        }
    }
}

fn partitions(broker: &Broker, request: &FetchRequest) -> Vec<Arc<Partition>> {
    let names = request
        .topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(move |p| (&topic.topic, p.partition)));
    names
        .filter_map(|(topic, partition)| broker.partition(topic, partition))
        .collect()
}

struct Answer {
    response: FetchResponse,
    bytes: usize,
    /// An error in any partition is reported without waiting.
    is_final: bool,
}

fn read_all(broker: &Broker, request: &FetchRequest) -> Answer {
    let committed = request.isolation_level == READ_COMMITTED;
    let limit = usize::try_from(request.max_bytes).unwrap_or(0).min(MAX_RESPONSE_BYTES);
    let mut answer = Answer {
        response: FetchResponse::default(),
        bytes: 0,
        is_final: false,
    };
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in &topic.partitions {
            // The first batch of an answer may be larger than any limit, else a reader could never get past it.
            let left = limit.saturating_sub(answer.bytes);
            let read = read(broker, topic, wanted, left, answer.bytes == 0, committed);
            answer.is_final |= read.is_err();
            let data = respond(wanted.partition, read, committed);
            answer.bytes += data.records.as_ref().map_or(0, |records| records.len());
            partitions.push(data);
        }
        let response = FetchableTopicResponse::default()
            .with_topic(topic.topic.clone())
            .with_partitions(partitions);
        answer.response.responses.push(response);
    }
    answer
}

fn read(
    broker: &Broker,
    topic: &FetchTopic,
    wanted: &FetchPartition,
    left: usize,
    is_first: bool,
    committed: bool,
) -> Result<Slice, ResponseError> {
    let partition = broker
        .partition(&topic.topic, wanted.partition)
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    let max_bytes = usize::try_from(wanted.partition_max_bytes).unwrap_or(0).min(left);
    let mut slice = partition.read(wanted.fetch_offset, max_bytes, committed)?;
    if !is_first && slice.records.len() > left {
        slice.records.clear();
    }
    Ok(slice)
}

fn respond(index: i32, read: Result<Slice, ResponseError>, committed: bool) -> PartitionData {
    let data = PartitionData::default().with_partition_index(index);
    match read {
        Ok(slice) => {
            let aborted = slice.aborted.iter().map(|aborted| {
                AbortedTransaction::default()
                    .with_producer_id(aborted.producer_id.into())
                    .with_first_offset(aborted.first_offset)
            });
            data.with_high_watermark(slice.high_watermark)
                .with_last_stable_offset(slice.last_stable)
                .with_log_start_offset(slice.log_start)
                .with_aborted_transactions(committed.then(|| aborted.collect()))
                .with_records(Some(slice.records.into()))
        }
        Err(error) => data
            .with_error_code(error.code())
            .with_high_watermark(-1)
            .with_last_stable_offset(-1)
            .with_log_start_offset(-1)
            .with_records(Some(Default::default())),
    }
}

/// Offsets by time: the earliest, the latest, or the first record at or after a timestamp.
pub fn list_offsets(broker: &Broker, caller: &Caller, request: &ListOffsetsRequest) -> ListOffsetsResponse {
    let committed = request.isolation_level == READ_COMMITTED;
    let knows_epochs = caller.version >= 4;
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let found = find_offset(broker, &topic.name, wanted, committed);
            let error_code = code(found.as_ref().map_err(|error| *error));
            let (offset, timestamp) = found.unwrap_or((-1, -1));
            ListOffsetsPartitionResponse::default()
                .with_partition_index(wanted.partition_index)
                .with_error_code(error_code)
                .with_offset(offset)
                .with_timestamp(timestamp)
                .with_leader_epoch(if offset >= 0 && knows_epochs { 0 } else { -1 })
        });
        ListOffsetsTopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

/// Offset and timestamp; -1 each if there is no such record.
fn find_offset(
    broker: &Broker,
    topic: &str,
    wanted: &ListOffsetsPartition,
    committed: bool,
) -> Result<(i64, i64), ResponseError> {
    let partition = broker
        .partition(topic, wanted.partition_index)
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    let (log_start, last_stable, high_watermark) = partition.offsets();
    let end = if committed { last_stable } else { high_watermark };
    match wanted.timestamp {
        LATEST => Ok((end, -1)),
        EARLIEST => Ok((log_start, -1)),
        timestamp if timestamp < 0 => Err(ResponseError::UnsupportedForMessageFormat),
        timestamp => {
            let found = partition.first_at_or_after(timestamp).map_err(storage_error)?;
            Ok(found.filter(|(offset, _)| *offset < end).unwrap_or((-1, -1)))
        }
    }
}

/// There is one leader epoch, 0, and it ends where the log ends.
pub fn offset_for_leader_epoch(broker: &Broker, request: &OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let end = EpochEndOffset::default().with_partition(wanted.partition);
            match broker.partition(&topic.topic, wanted.partition) {
                None => end.with_error_code(ResponseError::UnknownTopicOrPartition.code()),
                Some(_) if wanted.leader_epoch < 0 => end.with_leader_epoch(-1).with_end_offset(-1),
                Some(partition) => end.with_leader_epoch(0).with_end_offset(partition.offsets().2),
            }
        });
        OffsetForLeaderTopicResult::default()
            .with_topic(topic.topic.clone())
            .with_partitions(partitions.collect())
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}
