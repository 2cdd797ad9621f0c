//! Produce.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use crate::kafka::broker::Broker;
use crate::kafka::log::Appended;

/// Appends each partition's batch. All acknowledgement levels are the same here: what is written is written.
pub fn produce(broker: &Broker, request: &ProduceRequest) -> ProduceResponse {
    let transactional = request.transactional_id.is_some();
    let topic = |data: &kafka_protocol::messages::produce_request::TopicProduceData| {
        let partitions = data.partition_data.iter().map(|partition| {
            let outcome = match request.acks {
                -1..=1 => append(broker, &data.name, partition, transactional),
                _ => Err(ResponseError::InvalidRequiredAcks),
            };
            respond(partition.index, outcome)
        });
        TopicProduceResponse::default()
            .with_name(data.name.clone())
            .with_partition_responses(partitions.collect())
    };
    ProduceResponse::default().with_responses(request.topic_data.iter().map(topic).collect())
}

fn append(
    broker: &Broker,
    topic: &str,
    data: &PartitionProduceData,
    transactional: bool,
) -> Result<Appended, ResponseError> {
    let partition = broker
        .partition(topic, data.index)
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    let batch = data.records.as_deref().ok_or(ResponseError::CorruptMessage)?;
    partition.append(batch, transactional)
}

fn respond(index: i32, outcome: Result<Appended, ResponseError>) -> PartitionProduceResponse {
    let response = PartitionProduceResponse::default()
        .with_index(index)
        .with_log_append_time_ms(-1);
    match outcome {
        Ok(appended) => response
            .with_base_offset(appended.base_offset)
            .with_log_start_offset(appended.log_start),
        Err(error) => response
            .with_error_code(error.code())
            .with_base_offset(-1)
            .with_log_start_offset(-1),
    }
}
