//! Creating, listing, growing and deleting topics.

use futures::executor::block_on;
use rdkafka::Message;
use rdkafka::admin::{AdminOptions, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseRecord, Producer};

use crate::setup::*;

fn partitions_of(topic: &str) -> usize {
    let metadata = consumer(&unique("g"), &[("allow.auto.create.topics", "false")])
        .fetch_metadata(None, PATIENCE)
        .unwrap();
    metadata
        .topics()
        .iter()
        .find(|found| found.name() == topic)
        .map_or(0, |found| found.partitions().len())
}

fn create(name: &str, partitions: i32, replication: i32, config: &[(&str, &str)]) -> Result<String, RDKafkaErrorCode> {
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replication));
    for (name, value) in config {
        topic = topic.set(name, value);
    }
    let mut results = block_on(admin(&bootstrap()).create_topics([&topic], &AdminOptions::new())).unwrap();
    results.remove(0).map_err(|(_, error)| error)
}

#[test]
fn a_created_topic_is_listed_and_cannot_be_created_twice() {
    let topic = new_topic("twice", 3);
    eventually("the topic is listed", || partitions_of(&topic) == 3);
    assert_eq!(create(&topic, 3, 1, &[]), Err(RDKafkaErrorCode::TopicAlreadyExists));
}

#[test]
fn a_topic_that_cannot_be_is_refused_with_its_reason() {
    let topic = unique("refused");
    assert_eq!(
        create(&topic, 1, 3, &[]),
        Err(RDKafkaErrorCode::InvalidReplicationFactor)
    );
    assert_eq!(create("not a name", 1, 1, &[]), Err(RDKafkaErrorCode::InvalidTopic));
    assert_eq!(
        create(&topic, 1, 1, &[("retention.byte", "1")]),
        Err(RDKafkaErrorCode::InvalidConfig)
    );
    assert_eq!(
        create(&topic, 1, 1, &[("retention.bytes", "many")]),
        Err(RDKafkaErrorCode::InvalidConfig)
    );
    assert_eq!(partitions_of(&topic), 0);
}

#[test]
fn a_topics_configuration_is_told() {
    let topic = unique("configured");
    create(&topic, 1, 1, &[("retention.bytes", "123456789")]).unwrap();
    let wanted = [ResourceSpecifier::Topic(&topic)];
    let mut found = block_on(admin(&bootstrap()).describe_configs(&wanted, &AdminOptions::new())).unwrap();
    let config = found.remove(0).unwrap();
    assert_eq!(
        config.get("retention.bytes").unwrap().value.as_deref(),
        Some("123456789")
    );
    assert_eq!(config.get("cleanup.policy").unwrap().value.as_deref(), Some("delete"));
}

#[test]
fn added_partitions_can_be_written_and_read() {
    let topic = new_topic("grows", 1);
    let grown = NewPartitions::new(&topic, 3);
    let results = block_on(admin(&bootstrap()).create_partitions([&grown], &AdminOptions::new())).unwrap();
    assert_eq!(results, [Ok(topic.clone())]);
    eventually("three partitions are listed", || partitions_of(&topic) == 3);
    let same = block_on(admin(&bootstrap()).create_partitions([&grown], &AdminOptions::new())).unwrap();
    assert_eq!(same, [Err((topic.clone(), RDKafkaErrorCode::InvalidPartitions))]);

    let producer = producer(&[]);
    for partition in 0..3 {
        let payload = partition.to_string();
        producer
            .send(BaseRecord::<(), _>::to(&topic).partition(partition).payload(&payload))
            .map_err(|(e, _)| e)
            .unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let consumer = consumer(&unique("g"), &[]);
    assign(&consumer, &topic, 3);
    let mut read: Vec<(i32, String)> = read(&consumer, 3).iter().map(|m| (m.partition(), text(m))).collect();
    read.sort();
    assert_eq!(read, [(0, "0".into()), (1, "1".into()), (2, "2".into())]);
}

#[test]
fn a_deleted_topic_is_gone_and_a_new_one_of_its_name_is_empty() {
    let topic = new_topic("deleted", 1);
    send(&producer(&[]), &topic, &["old"]);
    let results = block_on(admin(&bootstrap()).delete_topics(&[&topic], &AdminOptions::new())).unwrap();
    assert_eq!(results, [Ok(topic.clone())]);
    eventually("the topic is not listed", || partitions_of(&topic) == 0);
    eventually("it can be created again", || create(&topic, 1, 1, &[]).is_ok());
    eventually("it is listed again", || partitions_of(&topic) == 1);
    assert_eq!(read_to_end(&topic, "read_committed"), [""; 0]);
}

#[test]
fn a_topic_that_is_only_mentioned_comes_into_being() {
    let topic = unique("mentioned");
    send(&producer(&[]), &topic, &["first"]);
    assert_eq!(read_to_end(&topic, "read_committed"), ["first"]);
}
