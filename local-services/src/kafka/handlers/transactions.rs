//! InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn and EndTxn.

use std::collections::BTreeSet;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    EndTxnRequest, EndTxnResponse, InitProducerIdRequest, InitProducerIdResponse,
};

use super::code;
use crate::kafka::api::Caller;
use crate::kafka::broker::Broker;
use crate::kafka::transaction::Producer;

pub fn init_producer_id(broker: &Broker, caller: &Caller, request: &InitProducerIdRequest) -> InitProducerIdResponse {
    let given = match request.transactional_id.as_ref() {
        None => broker.new_producer_id(),
        Some(id) if id.is_empty() => Err(ResponseError::InvalidRequest),
        Some(id) => {
            // Since version 3 a producer may say who it was.
            let known = (request.producer_id.0 >= 0).then_some((request.producer_id.0, request.producer_epoch));
            broker.init_transactional(id, known, i64::from(request.transaction_timeout_ms))
        }
    };
    let error_code = code(fencing(given, caller.version >= 4));
    let (id, epoch) = given.unwrap_or((-1, -1));
    InitProducerIdResponse::default()
        .with_error_code(error_code)
        .with_producer_id(id.into())
        .with_producer_epoch(epoch)
}

/// Partitions are added all or none.
pub fn add_partitions(
    broker: &Broker,
    caller: &Caller,
    request: &AddPartitionsToTxnRequest,
) -> AddPartitionsToTxnResponse {
    let producer = Producer {
        transactional_id: &request.v3_and_below_transactional_id,
        id: request.v3_and_below_producer_id.0,
        epoch: request.v3_and_below_producer_epoch,
    };
    let topics = &request.v3_and_below_topics;
    let all = topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|&p| (topic.name.to_string(), p)));
    let all: BTreeSet<(String, i32)> = all.collect();
    let exists = |topic: &str, partition: i32| broker.partition(topic, partition).is_some();
    let all_exist = all.iter().all(|(topic, partition)| exists(topic, *partition));
    let added = if all_exist {
        broker.add_to_transaction(producer, all)
    } else {
        Ok(())
    };
    let added = fencing(added, caller.version >= 2);
    let outcome = |topic: &str, partition: i32| match (all_exist, exists(topic, partition)) {
        (true, _) => code(added),
        (false, true) => ResponseError::OperationNotAttempted.code(),
        (false, false) => ResponseError::UnknownTopicOrPartition.code(),
    };
    let results = topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|&partition| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(partition)
                .with_partition_error_code(outcome(&topic.name, partition))
        });
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(partitions.collect())
    });
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(results.collect())
}

pub fn add_offsets(broker: &Broker, caller: &Caller, request: &AddOffsetsToTxnRequest) -> AddOffsetsToTxnResponse {
    let producer = Producer {
        transactional_id: &request.transactional_id,
        id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let added = broker.add_group_to_transaction(producer, &request.group_id);
    AddOffsetsToTxnResponse::default().with_error_code(code(fencing(added, caller.version >= 2)))
}

pub fn end_txn(broker: &Broker, caller: &Caller, request: &EndTxnRequest) -> EndTxnResponse {
    let producer = Producer {
        transactional_id: &request.transactional_id,
        id: request.producer_id.0,
        epoch: request.producer_epoch,
    };
    let ended = broker.end_transaction(producer, request.committed);
    EndTxnResponse::default().with_error_code(code(fencing(ended, caller.version >= 2)))
}

/// Older versions do not know that a producer can be fenced; to them its epoch is invalid.
fn fencing<T>(result: Result<T, ResponseError>, knows_fencing: bool) -> Result<T, ResponseError> {
    result.map_err(|error| match error {
        ResponseError::ProducerFenced if !knows_fencing => ResponseError::InvalidProducerEpoch,
        other => other,
    })
}
