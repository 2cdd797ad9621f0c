//! Metadata and administration of topics.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest,
    DeleteTopicsResponse, DescribeConfigsRequest, DescribeConfigsResponse, MetadataRequest, MetadataResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::{NODE, code};
use crate::kafka::api::Caller;
use crate::kafka::broker::Broker;
use crate::kafka::config;

const CLUSTER: StrBytes = StrBytes::from_static_str("bettiflow-local-services");
/// Resource type and configuration source, as numbered by the protocol.
const TOPIC_RESOURCE: i8 = 2;
const TOPIC_SOURCE: i8 = 1;
const DEFAULT_SOURCE: i8 = 5;

/// The one broker and the topics asked for, or all.
pub fn metadata(broker: &Broker, caller: &Caller, request: MetadataRequest) -> MetadataResponse {
    // The flag exists since version 4; before it, asking meant creating.
    let may_create = request.allow_auto_topic_creation || caller.version < 4;
    let topics = match request.topics {
        None => broker
            .topics()
            .into_iter()
            .map(|(name, partitions)| describe(&name, Ok(partitions)))
            .collect(),
        Some(topics) => {
            let names = topics.into_iter().filter_map(|topic| topic.name);
            names
                .map(|name| describe(&name, find_or_create(broker, &name, may_create)))
                .collect()
        }
    };
    let node = MetadataResponseBroker::default()
        .with_node_id(NODE.into())
        .with_host(broker.options.advertised_host().to_string().into())
        .with_port(i32::from(broker.port));
    MetadataResponse::default()
        .with_brokers(vec![node])
        .with_cluster_id(Some(CLUSTER))
        .with_controller_id(NODE.into())
        .with_topics(topics)
}

fn find_or_create(broker: &Broker, name: &str, may_create: bool) -> Result<i32, ResponseError> {
    if let Some(topic) = broker.topic(name) {
        return Ok(topic.partitions);
    }
    if !config::is_topic_name(name) {
        return Err(ResponseError::InvalidTopicException);
    }
    if !(may_create && broker.options.auto_create_topics) {
        return Err(ResponseError::UnknownTopicOrPartition);
    }
    match broker.create_topic(name, -1, BTreeMap::new(), false) {
        // Another client was faster.
        Err(ResponseError::TopicAlreadyExists) => broker
            .topic(name)
            .map(|topic| topic.partitions)
            .ok_or(ResponseError::UnknownTopicOrPartition),
        created => created,
    }
}

fn describe(name: &str, found: Result<i32, ResponseError>) -> MetadataResponseTopic {
    let partition = |index| {
        MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id(NODE.into())
            .with_leader_epoch(0)
            .with_replica_nodes(vec![NODE.into()])
            .with_isr_nodes(vec![NODE.into()])
    };
    MetadataResponseTopic::default()
        .with_name(Some(StrBytes::from_string(name.to_string()).into()))
        .with_error_code(code(found))
        .with_partitions((0..found.unwrap_or(0)).map(partition).collect())
}

pub fn create_topics(broker: &Broker, caller: &Caller, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let validate_only = request.validate_only;
    let results = request.topics.into_iter().map(|topic| {
        let created = create(broker, &topic, validate_only);
        let result = CreatableTopicResult::default()
            .with_name(topic.name)
            .with_error_code(code(created))
            .with_error_message(message(created));
        match created {
            Ok(partitions) if caller.version >= 5 => result
                .with_num_partitions(partitions)
                .with_replication_factor(1)
                .with_configs(Some(Vec::new())),
            _ => result,
        }
    });
    CreateTopicsResponse::default().with_topics(results.collect())
}

fn create(broker: &Broker, topic: &CreatableTopic, validate_only: bool) -> Result<i32, ResponseError> {
    let nodes = topic.assignments.iter().flat_map(|assignment| &assignment.broker_ids);
    if nodes.into_iter().any(|node| node.0 != NODE) {
        return Err(ResponseError::InvalidReplicaAssignment);
    }
    let partitions = match topic.assignments.len() {
        0 if topic.replication_factor != 1 && topic.replication_factor != -1 => {
            return Err(ResponseError::InvalidReplicationFactor);
        }
        0 => topic.num_partitions,
        assigned => assigned as i32,
    };
    let values = topic
        .configs
        .iter()
        .filter_map(|c| Some((c.name.to_string(), c.value.as_ref()?.to_string())));
    broker.create_topic(&topic.name, partitions, values.collect(), validate_only)
}

pub fn delete_topics(broker: &Broker, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let results = request.topic_names.into_iter().map(|name| {
        let deleted = broker.delete_topic(&name);
        DeletableTopicResult::default()
            .with_name(Some(name))
            .with_error_code(code(deleted))
    });
    DeleteTopicsResponse::default().with_responses(results.collect())
}

pub fn create_partitions(broker: &Broker, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let validate_only = request.validate_only;
    let results = request.topics.into_iter().map(|topic| {
        let added = broker.add_partitions(&topic.name, topic.count, validate_only);
        CreatePartitionsTopicResult::default()
            .with_name(topic.name)
            .with_error_code(code(added))
            .with_error_message(message(added))
    });
    CreatePartitionsResponse::default().with_results(results.collect())
}

pub fn describe_configs(broker: &Broker, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    let results = request.resources.into_iter().map(|resource| {
        let configs = describe_config(broker, &resource);
        DescribeConfigsResult::default()
            .with_error_code(code(configs.as_ref().map_err(|error| *error)))
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name)
            .with_configs(configs.unwrap_or_default())
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

fn describe_config(
    broker: &Broker,
    resource: &DescribeConfigsResource,
) -> Result<Vec<DescribeConfigsResourceResult>, ResponseError> {
    if resource.resource_type != TOPIC_RESOURCE {
        // The broker itself has nothing that a client could ask about.
        return Ok(Vec::new());
    }
    let topic = broker
        .topic(&resource.resource_name)
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    let wanted = |name: &str| {
        resource
            .configuration_keys
            .as_ref()
            .is_none_or(|keys| keys.iter().any(|k| **k == *name))
    };
    let all = config::describe(&topic.config)
        .into_iter()
        .filter(|(name, _)| wanted(name));
    let describe = |(name, value): (String, String)| {
        let source = if topic.config.contains_key(&name) {
            TOPIC_SOURCE
        } else {
            DEFAULT_SOURCE
        };
        DescribeConfigsResourceResult::default()
            .with_name(name.into())
            .with_value(Some(value.into()))
            .with_config_source(source)
    };
    Ok(all.map(describe).collect())
}

fn message<T>(result: Result<T, ResponseError>) -> Option<StrBytes> {
    result.err().map(|error| error.to_string().into())
}
