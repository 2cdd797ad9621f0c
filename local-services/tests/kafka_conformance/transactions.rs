//! What the exactly-once sink stands on.

use std::time::Duration;

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::setup::*;

/// Puts a position of a group without members into the producer's transaction.
fn send_position(producer: &BaseProducer, group: &str, topic: &str, offset: i64) -> Result<(), KafkaError> {
    let metadata = consumer(group, &[]).group_metadata().unwrap();
    producer.send_offsets_to_transaction(&position(topic, offset, ""), &metadata, PATIENCE)
}

#[test]
fn open_and_aborted_data_is_hidden_from_read_committed_only() {
    let topic = new_topic("hidden", 1);
    let producer = transactional(&unique("id"));
    producer.begin_transaction().unwrap();
    send(&producer, &topic, &["a1", "a2"]);
    assert_eq!(read_to_end(&topic, "read_uncommitted"), ["a1", "a2"]);
    assert_eq!(read_to_end(&topic, "read_committed"), [""; 0]);
    producer.abort_transaction(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, &topic, &["b1"]);
    assert_eq!(read_to_end(&topic, "read_committed"), [""; 0]);
    producer.commit_transaction(PATIENCE).unwrap();
    eventually("committed data is visible", || {
        read_to_end(&topic, "read_committed") == ["b1"]
    });
    assert_eq!(read_to_end(&topic, "read_uncommitted"), ["a1", "a2", "b1"]);
}

#[test]
fn an_open_transaction_holds_back_what_others_write_behind_it() {
    let topic = new_topic("held-back", 1);
    let producer = transactional(&unique("id"));
    send(&crate::setup::producer(&[]), &topic, &["before"]);
    producer.begin_transaction().unwrap();
    send(&producer, &topic, &["inside"]);
    send(&crate::setup::producer(&[]), &topic, &["behind"]);
    assert_eq!(read_to_end(&topic, "read_committed"), ["before"]);
    let latest = |isolation| {
        consumer(&unique("g"), &[("isolation.level", isolation)])
            .fetch_watermarks(&topic, 0, PATIENCE)
            .unwrap()
    };
    assert_eq!(latest("read_committed"), (0, 1));
    assert_eq!(latest("read_uncommitted"), (0, 3));
    producer.abort_transaction(PATIENCE).unwrap();
    eventually("the rest is visible", || {
        read_to_end(&topic, "read_committed") == ["before", "behind"]
    });
}

#[test]
fn interleaved_transactions_of_two_producers_are_told_apart() {
    let topic = new_topic("interleaved", 1);
    let (one, two) = (transactional(&unique("one")), transactional(&unique("two")));
    let mut expected = Vec::new();
    for round in 0..20 {
        let texts = [
            format!("one {round}"),
            format!("two {round}"),
            format!("one {round} again"),
        ];
        one.begin_transaction().unwrap();
        two.begin_transaction().unwrap();
        send(&one, &topic, &[&texts[0]]);
        send(&two, &topic, &[&texts[1]]);
        send(&one, &topic, &[&texts[2]]);
        let (one_commits, two_commits) = (round % 2 == 0, round % 3 == 0);
        for (producer, commits) in [(&two, two_commits), (&one, one_commits)] {
            if commits {
                producer.commit_transaction(PATIENCE).unwrap();
            } else {
                producer.abort_transaction(PATIENCE).unwrap();
            }
        }
        let [a, b, c] = texts;
        let round = [(a, one_commits), (b, two_commits), (c, one_commits)];
        expected.extend(round.into_iter().filter_map(|(text, commits)| commits.then_some(text)));
    }
    eventually("exactly the committed data is visible", || {
        read_to_end(&topic, "read_committed") == expected
    });
}

#[test]
fn data_and_positions_of_several_partitions_commit_together() {
    let (topic, group) = (new_topic("together", 3), unique("group"));
    let producer = transactional(&unique("id"));
    producer.begin_transaction().unwrap();
    for partition in 0..3 {
        producer
            .send(BaseRecord::<(), str>::to(&topic).partition(partition).payload("x"))
            .map_err(|(e, _)| e)
            .unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    send_position(&producer, &group, &topic, 17).unwrap();
    producer.commit_transaction(PATIENCE).unwrap();
    assert_eq!(committed(&group, &topic), Offset::Offset(17));
    let consumer = consumer(&unique("g"), &[]);
    assign(&consumer, &topic, 3);
    assert_eq!(read(&consumer, 3).len(), 3);
}

#[test]
fn a_position_in_a_transaction_vanishes_with_its_abort() {
    let (topic, group) = (new_topic("vanishes", 1), unique("group"));
    let producer = transactional(&unique("id"));
    producer.begin_transaction().unwrap();
    send_position(&producer, &group, &topic, 1).unwrap();
    producer.commit_transaction(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, &topic, &["data"]);
    send_position(&producer, &group, &topic, 2).unwrap();
    producer.abort_transaction(PATIENCE).unwrap();
    assert_eq!(committed(&group, &topic), Offset::Offset(1));
}

#[test]
fn a_position_under_an_open_transaction_is_not_told_until_a_new_producer_has_ended_it() {
    let (topic, group, id) = (new_topic("marker", 1), unique("group"), unique("id"));
    let first = transactional(&id);
    first.begin_transaction().unwrap();
    send_position(&first, &group, &topic, 7).unwrap();
    first.commit_transaction(PATIENCE).unwrap();
    first.begin_transaction().unwrap();
    send(&first, &topic, &["lost"]);
    send_position(&first, &group, &topic, 8).unwrap();

    let mut list = TopicPartitionList::new();
    list.add_partition(&topic, 0);
    let asked = consumer(&group, &[]).committed_offsets(list.clone(), Duration::from_secs(2));
    assert!(asked.is_err(), "an unstable position was told: {asked:?}");
    let careless = consumer(&group, &[("isolation.level", "read_uncommitted")])
        .committed_offsets(list, PATIENCE)
        .unwrap();
    assert_eq!(careless.find_partition(&topic, 0).unwrap().offset(), Offset::Offset(7));

    let second = transactional(&id);
    assert_eq!(committed(&group, &topic), Offset::Offset(7));
    second.begin_transaction().unwrap();
    send(&second, &topic, &["again"]);
    send_position(&second, &group, &topic, 8).unwrap();
    second.commit_transaction(PATIENCE).unwrap();
    assert_eq!(committed(&group, &topic), Offset::Offset(8));
    eventually("only the second's data is visible", || {
        read_to_end(&topic, "read_committed") == ["again"]
    });
}

#[test]
fn a_second_producer_fences_the_first() {
    let (topic, group, id) = (new_topic("fenced", 1), unique("group"), unique("id"));
    let zombie = transactional(&id);
    zombie.begin_transaction().unwrap();
    send(&zombie, &topic, &["zombie 1"]);
    let successor = transactional(&id);

    zombie
        .send(BaseRecord::<(), str>::to(&topic).partition(0).payload("zombie 2"))
        .map_err(|(error, _)| error)
        .unwrap();
    let error = zombie.commit_transaction(PATIENCE).unwrap_err();
    let KafkaError::Transaction(error) = error else {
        panic!("not a transaction's error: {error}")
    };
    assert!(error.is_fatal(), "a fenced producer must not go on: {error}");
    assert_eq!(error.code(), RDKafkaErrorCode::Fenced);
    assert!(send_position(&zombie, &group, &topic, 1).is_err());

    successor.begin_transaction().unwrap();
    send(&successor, &topic, &["successor"]);
    successor.commit_transaction(PATIENCE).unwrap();
    eventually("only the successor's data is visible", || {
        read_to_end(&topic, "read_committed") == ["successor"]
    });
    assert_eq!(committed(&group, &topic), Offset::Invalid);
}

#[test]
fn a_fenced_producer_without_data_in_flight_cannot_commit_a_position() {
    let (topic, group, id) = (new_topic("fenced-position", 1), unique("group"), unique("id"));
    let zombie = transactional(&id);
    let _successor = transactional(&id);
    zombie.begin_transaction().unwrap();
    let sent = send_position(&zombie, &group, &topic, 1);
    let ended = zombie.commit_transaction(PATIENCE);
    assert!(sent.is_err() && ended.is_err(), "{sent:?} {ended:?}");
    assert_eq!(committed(&group, &topic), Offset::Invalid);
}

#[test]
fn an_expired_transaction_is_aborted_and_cannot_be_committed() {
    let (topic, group) = (new_topic("expired", 1), unique("group"));
    let id = unique("id");
    let slow = producer(&[
        ("transactional.id", &id),
        ("transaction.timeout.ms", "1500"),
        ("message.timeout.ms", "1400"),
    ]);
    slow.init_transactions(PATIENCE).unwrap();
    slow.begin_transaction().unwrap();
    send(&slow, &topic, &["expired"]);
    send_position(&slow, &group, &topic, 9).unwrap();
    send(&producer(&[]), &topic, &["behind"]);
    assert_eq!(read_to_end(&topic, "read_committed"), [""; 0]);
    eventually("the broker aborts it", || {
        read_to_end(&topic, "read_committed") == ["behind"]
    });
    assert!(slow.commit_transaction(PATIENCE).is_err());
    assert_eq!(committed(&group, &topic), Offset::Invalid);

    let successor = transactional(&id);
    successor.begin_transaction().unwrap();
    send(&successor, &topic, &["again"]);
    send_position(&successor, &group, &topic, 9).unwrap();
    successor.commit_transaction(PATIENCE).unwrap();
    eventually("the successor's data is visible", || {
        read_to_end(&topic, "read_committed") == ["behind", "again"]
    });
    assert_eq!(committed(&group, &topic), Offset::Offset(9));
}

#[test]
fn an_empty_transaction_commits_and_aborts() {
    let producer = transactional(&unique("id"));
    producer.begin_transaction().unwrap();
    producer.commit_transaction(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    producer.abort_transaction(PATIENCE).unwrap();
}

#[test]
fn a_position_committed_plainly_is_replaced_by_one_in_a_transaction() {
    let (topic, group) = (new_topic("replaced", 1), unique("group"));
    consumer(&group, &[])
        .commit(&position(&topic, 3, ""), CommitMode::Sync)
        .unwrap();
    let producer = transactional(&unique("id"));
    producer.begin_transaction().unwrap();
    send_position(&producer, &group, &topic, 4).unwrap();
    producer.commit_transaction(PATIENCE).unwrap();
    assert_eq!(committed(&group, &topic), Offset::Offset(4));
}
