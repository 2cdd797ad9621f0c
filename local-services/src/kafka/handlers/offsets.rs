//! OffsetCommit, OffsetFetch and TxnOffsetCommit.

use std::collections::BTreeMap;
use std::time::Instant;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::offset_fetch_response::{OffsetFetchResponsePartition, OffsetFetchResponseTopic};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse, TopicName,
    TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};
use kafka_protocol::protocol::StrBytes;

use crate::kafka::api::Caller;
use crate::kafka::broker::{Broker, storage_error};
use crate::kafka::ledger::{Event, Ledger, Offset};
use crate::kafka::transaction::Producer;

/// Kafka's limit of `offset.metadata.max.bytes`.
const MAX_METADATA_BYTES: usize = 4096;

/// Outcome of each partition, in the order of the request.
type Outcomes = Vec<(TopicName, Vec<(i32, i16)>)>;

/// Commits positions at once.
pub fn offset_commit(broker: &Broker, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let wanted = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|p| {
            (
                p.partition_index,
                p.committed_offset,
                p.committed_leader_epoch,
                p.committed_metadata.as_ref(),
            )
        });
        (&topic.name, partitions.collect())
    });
    let group = request.group_id.to_string();
    let may = broker.groups.may_commit(
        &group,
        &request.member_id,
        request.generation_id_or_member_epoch,
        Instant::now(),
    );
    let outcomes = commit(broker, wanted.collect(), may, |offsets| {
        broker
            .store()
            .record(Event::OffsetsCommitted { group, offsets })
            .map_err(storage_error)
    });
    let topics = outcomes.into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|(index, error_code)| {
            OffsetCommitResponsePartition::default()
                .with_partition_index(index)
                .with_error_code(error_code)
        });
        OffsetCommitResponseTopic::default()
            .with_name(name)
            .with_partitions(partitions.collect())
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}

/// Commits positions together with a producer's transaction.
pub fn txn_offset_commit(broker: &Broker, request: TxnOffsetCommitRequest) -> TxnOffsetCommitResponse {
    let wanted = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|p| {
            (
                p.partition_index,
                p.committed_offset,
                p.committed_leader_epoch,
                p.committed_metadata.as_ref(),
            )
        });
        (&topic.name, partitions.collect())
    });
    let (group, member, generation) = (&request.group_id, &request.member_id, request.generation_id);
    let may = broker
        .groups
        .with(group, |group| group.may_commit_in_transaction(member, generation));
    let producer = Producer {
        transactional_id: &request.transactional_id,
        id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let outcomes = commit(broker, wanted.collect(), may, |offsets| {
        // Coordinators of groups answer like partitions: an old epoch is invalid, not fenced.
        broker
            .commit_offsets_in_transaction(producer, group, offsets)
            .map_err(|error| match error {
                ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
                other => other,
            })
    });
    let topics = outcomes.into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|(index, error_code)| {
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(index)
                .with_error_code(error_code)
        });
        TxnOffsetCommitResponseTopic::default()
            .with_name(name)
            .with_partitions(partitions.collect())
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}

/// A partition and what became of it.
type Outcome = (i32, Result<(), ResponseError>);

/// Index, offset, leader epoch and metadata.
type WantedPartition<'a> = (i32, i64, i32, Option<&'a StrBytes>);

/// Stores all offsets that may be stored, in one step.
fn commit(
    broker: &Broker,
    wanted: Vec<(&TopicName, Vec<WantedPartition<'_>>)>,
    may: Result<(), ResponseError>,
    store: impl FnOnce(Vec<Offset>) -> Result<(), ResponseError>,
) -> Outcomes {
    let check = |topic: &TopicName, partition: i32, metadata: Option<&StrBytes>| {
        may?;
        broker
            .partition(topic, partition)
            .ok_or(ResponseError::UnknownTopicOrPartition)?;
        match metadata {
            Some(metadata) if metadata.len() > MAX_METADATA_BYTES => Err(ResponseError::OffsetMetadataTooLarge),
            _ => Ok(()),
        }
    };
    let mut offsets = Vec::new();
    let mut outcomes: Vec<(TopicName, Vec<Outcome>)> = Vec::new();
    for (topic, partitions) in wanted {
        let mut results = Vec::with_capacity(partitions.len());
        for (partition, offset, leader_epoch, metadata) in partitions {
            let checked = check(topic, partition, metadata);
            if checked.is_ok() {
                let metadata = metadata.map(|metadata| metadata.to_string());
                offsets.push(Offset {
                    topic: topic.to_string(),
                    partition,
                    offset,
                    leader_epoch,
                    metadata,
                });
            }
            results.push((partition, checked));
        }
        outcomes.push((topic.clone(), results));
    }
    let stored = if offsets.is_empty() { Ok(()) } else { store(offsets) };
    let code = |result: Result<(), ResponseError>| super::code(result.and(stored));
    let partitions = |results: Vec<(i32, _)>| {
        results
            .into_iter()
            .map(|(index, result)| (index, code(result)))
            .collect()
    };
    outcomes
        .into_iter()
        .map(|(topic, results)| (topic, partitions(results)))
        .collect()
}

/// Committed positions; -1 where there is none.
pub fn offset_fetch(broker: &Broker, caller: &Caller, request: &OffsetFetchRequest) -> OffsetFetchResponse {
    let store = broker.store();
    let ledger = store.ledger();
    let group = request.group_id.as_str();
    let wanted: BTreeMap<TopicName, Vec<i32>> = match &request.topics {
        Some(topics) => topics
            .iter()
            .map(|topic| (topic.name.clone(), topic.partition_indexes.clone()))
            .collect(),
        None => all_partitions(ledger, group),
    };
    let require_stable = request.require_stable && caller.version >= 7;
    let topics = wanted.into_iter().map(|(name, partitions)| {
        let partitions = partitions
            .into_iter()
            .map(|index| position(ledger, group, &name, index, require_stable));
        let partitions = partitions.collect();
        OffsetFetchResponseTopic::default()
            .with_name(name)
            .with_partitions(partitions)
    });
    OffsetFetchResponse::default().with_topics(topics.collect())
}

fn all_partitions(ledger: &Ledger, group: &str) -> BTreeMap<TopicName, Vec<i32>> {
    let mut all: BTreeMap<TopicName, Vec<i32>> = BTreeMap::new();
    for offset in ledger.offsets(group) {
        let name = StrBytes::from_string(offset.topic.clone()).into();
        all.entry(name).or_default().push(offset.partition);
    }
    all
}

fn position(
    ledger: &Ledger,
    group: &str,
    topic: &str,
    partition: i32,
    require_stable: bool,
) -> OffsetFetchResponsePartition {
    let key = (topic.to_string(), partition);
    let response = OffsetFetchResponsePartition::default()
        .with_partition_index(partition)
        .with_committed_offset(-1)
        .with_committed_leader_epoch(-1)
        .with_metadata(Some(StrBytes::new()));
    if require_stable && ledger.is_unstable(group, &key) {
        return response.with_error_code(ResponseError::UnstableOffsetCommit.code());
    }
    match ledger.offset(group, &key) {
        Some(offset) => response
            .with_committed_offset(offset.offset)
            .with_committed_leader_epoch(offset.leader_epoch)
            .with_metadata(Some(offset.metadata.clone().unwrap_or_default().into())),
        None => response,
    }
}
