//! Committed positions and consumer groups.

use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseRecord, Producer};
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::setup::*;

#[test]
fn a_position_is_committed_without_membership_and_read_back_with_its_metadata() {
    let (topic, group) = (new_topic("commit", 1), unique("group"));
    assert_eq!(committed(&group, &topic), Offset::Invalid, "nothing was committed yet");
    consumer(&group, &[])
        .commit(&position(&topic, 42, "epoch 7"), CommitMode::Sync)
        .unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition(&topic, 0);
    let found = consumer(&group, &[]).committed_offsets(list, PATIENCE).unwrap();
    let found = found.find_partition(&topic, 0).unwrap();
    assert_eq!((found.offset(), found.metadata()), (Offset::Offset(42), "epoch 7"));
}

fn assigned(consumer: &BaseConsumer) -> BTreeSet<i32> {
    consumer
        .assignment()
        .unwrap()
        .elements()
        .iter()
        .map(|element| element.partition())
        .collect()
}

/// Keeps all members in the group until their partitions are as expected.
fn poll_until(what: &str, members: &[&BaseConsumer], is_so: impl Fn(&[BTreeSet<i32>]) -> bool) {
    eventually(what, || {
        for member in members {
            while let Some(message) = member.poll(Duration::from_millis(20)) {
                message.unwrap();
            }
        }
        is_so(&members.iter().map(|member| assigned(member)).collect::<Vec<_>>())
    });
}

fn all_shared(shares: &[BTreeSet<i32>]) -> bool {
    let total: usize = shares.iter().map(BTreeSet::len).sum();
    let union: BTreeSet<i32> = shares.iter().flatten().copied().collect();
    total == 4 && union.len() == 4 && shares.iter().all(|share| !share.is_empty())
}

#[test]
fn members_share_the_partitions_and_take_over_from_one_that_leaves() {
    for strategy in ["range", "cooperative-sticky"] {
        let (topic, group) = (new_topic("members", 4), unique("group"));
        let settings = [
            ("partition.assignment.strategy", strategy),
            ("heartbeat.interval.ms", "200"),
        ];
        let members = [
            consumer(&group, &settings),
            consumer(&group, &settings),
            consumer(&group, &settings),
        ];
        for member in &members {
            member.subscribe(&[&topic]).unwrap();
        }
        let [a, b, c] = &members;
        poll_until("three share four partitions", &[a, b, c], all_shared);
        c.unsubscribe();
        poll_until("two share four partitions", &[a, b], all_shared);
        b.unsubscribe();
        poll_until("one has all partitions", &[a], all_shared);
    }
}

#[test]
fn a_member_that_falls_silent_is_replaced_after_its_session() {
    let (topic, group) = (new_topic("silent", 4), unique("group"));
    let settings = [("heartbeat.interval.ms", "200"), ("max.poll.interval.ms", "6000")];
    let (alive, silent) = (consumer(&group, &settings), consumer(&group, &settings));
    alive.subscribe(&[&topic]).unwrap();
    silent.subscribe(&[&topic]).unwrap();
    poll_until("two share the partitions", &[&alive, &silent], all_shared);
    poll_until("the one that polls has all", &[&alive], |shares| shares[0].len() == 4);
}

#[test]
fn a_new_member_goes_on_where_the_group_committed() {
    let (topic, group) = (new_topic("goes-on", 1), unique("group"));
    let producer = producer(&[]);
    for i in 0..10 {
        let payload = i.to_string();
        producer
            .send(BaseRecord::<(), _>::to(&topic).partition(0).payload(&payload))
            .map_err(|(e, _)| e)
            .unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    {
        let first = consumer(&group, &[]);
        first.subscribe(&[&topic]).unwrap();
        assert_eq!(read(&first, 10).len(), 10);
        first.commit(&position(&topic, 6, ""), CommitMode::Sync).unwrap();
    }
    let second = consumer(&group, &[]);
    second.subscribe(&[&topic]).unwrap();
    assert_eq!(read(&second, 4)[0].offset(), 6);
}

#[test]
fn a_group_is_listed_with_its_members() {
    let (topic, group) = (new_topic("listed", 4), unique("group"));
    let member = consumer(&group, &[("client.id", "the-member")]);
    member.subscribe(&[&topic]).unwrap();
    poll_until("it has all partitions", &[&member], |shares| shares[0].len() == 4);
    let list = member.fetch_group_list(Some(&group), PATIENCE).unwrap();
    let found = list.groups().iter().find(|found| found.name() == group).unwrap();
    assert_eq!(
        (found.state(), found.protocol_type(), found.protocol()),
        ("Stable", "consumer", "range")
    );
    assert_eq!(
        found
            .members()
            .iter()
            .map(|member| member.client_id())
            .collect::<Vec<_>>(),
        ["the-member"]
    );
}
