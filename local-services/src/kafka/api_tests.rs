//! Every advertised version of every request can be answered: no answer holds a field its version does not have.

use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;

use super::*;
use crate::kafka::broker::Options;

fn topic() -> TopicName {
    StrBytes::from_static_str("topic").into()
}

fn missing() -> TopicName {
    StrBytes::from_static_str("missing").into()
}

/// The answer to a filled-in request of each kind.
async fn encoded(broker: &Arc<Broker>, key: ApiKey, version: i16) -> anyhow::Result<Option<Bytes>> {
    let caller = Caller {
        client: "c".into(),
        version,
    };
    let call = Call {
        body: Bytes::new(),
        version,
        correlation: 1,
    };
    let id = || TransactionalId(StrBytes::from_static_str("id"));
    let both = || [topic(), missing()];
    match key {
        ApiKey::Produce => {
            let data = |name| {
                let partition = PartitionProduceData::default().with_records(Some(Bytes::from_static(b"no batch")));
                TopicProduceData::default()
                    .with_name(name)
                    .with_partition_data(vec![partition])
            };
            call.reply(&produce::produce(
                broker,
                &ProduceRequest::default().with_topic_data(both().map(data).into()),
            ))
        }
        ApiKey::Fetch => {
            let part = |name| {
                FetchTopic::default()
                    .with_topic(name)
                    .with_partitions(vec![FetchPartition::default()])
            };
            let request = FetchRequest::default()
                .with_isolation_level(1)
                .with_topics(both().map(part).into());
            call.reply(&fetch::fetch(broker, &request).await)
        }
        ApiKey::ListOffsets => {
            let part = ListOffsetsPartition::default().with_timestamp(-1);
            let part = |name| {
                ListOffsetsTopic::default()
                    .with_name(name)
                    .with_partitions(vec![part.clone()])
            };
            call.reply(&fetch::list_offsets(
                broker,
                &caller,
                &ListOffsetsRequest::default().with_topics(both().map(part).into()),
            ))
        }
        ApiKey::OffsetForLeaderEpoch => {
            let part = |name| {
                OffsetForLeaderTopic::default()
                    .with_topic(name)
                    .with_partitions(vec![OffsetForLeaderPartition::default()])
            };
            let request = OffsetForLeaderEpochRequest::default().with_topics(both().map(part).into());
            call.reply(&fetch::offset_for_leader_epoch(broker, &request))
        }
        ApiKey::Metadata => {
            let asked = |name| MetadataRequestTopic::default().with_name(Some(name));
            let request = MetadataRequest::default().with_topics(Some([topic()].map(asked).into()));
            call.reply(&topics::metadata(broker, &caller, request))
        }
        ApiKey::CreateTopics => {
            let new = |name| {
                CreatableTopic::default()
                    .with_name(name)
                    .with_num_partitions(1)
                    .with_replication_factor(1)
            };
            let request = CreateTopicsRequest::default()
                .with_validate_only(true)
                .with_topics(both().map(new).into());
            call.reply(&topics::create_topics(broker, &caller, request))
        }
        ApiKey::DeleteTopics => {
            let request = DeleteTopicsRequest::default().with_topic_names(vec![missing()]);
            call.reply(&topics::delete_topics(broker, request))
        }
        ApiKey::CreatePartitions => {
            let more = |name| CreatePartitionsTopic::default().with_name(name).with_count(9);
            let request = CreatePartitionsRequest::default()
                .with_validate_only(true)
                .with_topics(both().map(more).into());
            call.reply(&topics::create_partitions(broker, request))
        }
        ApiKey::DescribeConfigs => {
            let asked = |name: TopicName| {
                DescribeConfigsResource::default()
                    .with_resource_type(2)
                    .with_resource_name(name.0)
            };
            let request = DescribeConfigsRequest::default().with_resources(both().map(asked).into());
            call.reply(&topics::describe_configs(broker, request))
        }
        ApiKey::OffsetCommit => {
            let part = OffsetCommitRequestPartition::default().with_committed_offset(3);
            let part = |name| {
                OffsetCommitRequestTopic::default()
                    .with_name(name)
                    .with_partitions(vec![part.clone()])
            };
            let request = OffsetCommitRequest::default()
                .with_generation_id_or_member_epoch(-1)
                .with_topics(both().map(part).into());
            call.reply(&offsets::offset_commit(broker, request))
        }
        ApiKey::OffsetFetch => {
            let part = |name| {
                OffsetFetchRequestTopic::default()
                    .with_name(name)
                    .with_partition_indexes(vec![0])
            };
            let request = OffsetFetchRequest::default().with_topics(Some(both().map(part).into()));
            call.reply(&offsets::offset_fetch(broker, &caller, &request))
        }
        ApiKey::TxnOffsetCommit => {
            let part = TxnOffsetCommitRequestPartition::default();
            let part = |name| {
                TxnOffsetCommitRequestTopic::default()
                    .with_name(name)
                    .with_partitions(vec![part.clone()])
            };
            let request = TxnOffsetCommitRequest::default().with_topics(both().map(part).into());
            call.reply(&offsets::txn_offset_commit(broker, request))
        }
        ApiKey::FindCoordinator => call.reply(&groups::find_coordinator(broker)),
        ApiKey::JoinGroup => {
            let group = GroupId(StrBytes::from_static_str("group"));
            let request = JoinGroupRequest::default()
                .with_group_id(group)
                .with_session_timeout_ms(10_000);
            call.reply(&groups::join_group(broker, &caller, request).await)
        }
        ApiKey::SyncGroup => call.reply(&groups::sync_group(broker, SyncGroupRequest::default()).await),
        ApiKey::Heartbeat => call.reply(&groups::heartbeat(broker, &HeartbeatRequest::default())),
        ApiKey::LeaveGroup => call.reply(&groups::leave_group(broker, &LeaveGroupRequest::default())),
        ApiKey::DescribeGroups => {
            let group = GroupId(StrBytes::from_static_str("group"));
            call.reply(&groups::describe_groups(
                broker,
                DescribeGroupsRequest::default().with_groups(vec![group]),
            ))
        }
        ApiKey::ListGroups => call.reply(&groups::list_groups(broker)),
        ApiKey::DeleteGroups => {
            let group = GroupId(StrBytes::from_static_str("unknown"));
            call.reply(&groups::delete_groups(
                broker,
                DeleteGroupsRequest::default().with_groups_names(vec![group]),
            ))
        }
        ApiKey::ApiVersions => call.reply(&api_versions(0)),
        ApiKey::InitProducerId => {
            let request = InitProducerIdRequest::default()
                .with_transactional_id(Some(id()))
                .with_transaction_timeout_ms(1);
            call.reply(&transactions::init_producer_id(broker, &caller, &request))
        }
        ApiKey::AddPartitionsToTxn => {
            let part = |name| {
                AddPartitionsToTxnTopic::default()
                    .with_name(name)
                    .with_partitions(vec![0])
            };
            let request = AddPartitionsToTxnRequest::default().with_v3_and_below_topics(both().map(part).into());
            call.reply(&transactions::add_partitions(broker, &caller, &request))
        }
        ApiKey::AddOffsetsToTxn => {
            let request = AddOffsetsToTxnRequest::default().with_transactional_id(id());
            call.reply(&transactions::add_offsets(broker, &caller, &request))
        }
        ApiKey::EndTxn => call.reply(&transactions::end_txn(broker, &caller, &EndTxnRequest::default())),
        other => panic!("{other:?} is advertised and not tried here"),
    }
}

#[tokio::test]
async fn every_advertised_version_has_an_answer_that_can_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Arc::new(Broker::open(Options::new(dir.path()), 1).unwrap());
    broker.create_topic("topic", 2, Default::default(), false).unwrap();
    for (key, min, max) in SUPPORTED {
        for version in min..=max {
            let answer = encoded(&broker, key, version).await;
            assert!(matches!(answer, Ok(Some(_))), "{key:?} version {version}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn nonsense_ends_the_connection_and_a_version_of_the_future_is_told_what_there_is() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Arc::new(Broker::open(Options::new(dir.path()), 1).unwrap());
    assert!(answer(&broker, Bytes::from_static(b"short")).await.is_err());
    assert!(answer(&broker, Bytes::from_static(&[0xff; 100])).await.is_err());
    // ApiVersions (18), version 9, correlation 7, no client id, then whatever the future holds.
    let future = Bytes::from_static(&[0, 18, 0, 9, 0, 0, 0, 7, 0xff, 0xff, 0, 1, 2, 3]);
    let told = answer(&broker, future).await.unwrap().unwrap();
    assert_eq!(told[..6], [0, 0, 0, 7, 0, 35], "correlation and UNSUPPORTED_VERSION");
}
