//! The group machine with time passed by hand.

use super::*;

fn join(member: &str, protocols: &[&str]) -> Join {
    Join {
        member: member.into(),
        client: "client".into(),
        session_timeout: Duration::from_secs(10),
        rebalance_timeout: Duration::from_secs(30),
        protocol_type: "consumer".into(),
        protocols: protocols
            .iter()
            .map(|name| (name.to_string(), Bytes::from(member.to_string())))
            .collect(),
    }
}

type Answer<T> = oneshot::Receiver<Result<T, ResponseError>>;

fn send_join(group: &mut Group, join: Join, now: Instant) -> Answer<Joined> {
    let (reply, answer) = oneshot::channel();
    group.join(join, true, reply, now);
    answer
}

fn send_sync(group: &mut Group, member: &str, generation: i32, all: &[(&str, &str)], now: Instant) -> Answer<Bytes> {
    let (reply, answer) = oneshot::channel();
    let assignments = all
        .iter()
        .map(|(id, what)| (id.to_string(), Bytes::from(what.to_string())))
        .collect();
    group.sync(
        Sync {
            member: member.into(),
            generation,
            assignments,
        },
        reply,
        now,
    );
    answer
}

/// A stable group of members "a" (leader) and "b" in generation 2.
fn two_members(now: Instant) -> Group {
    let mut group = Group::default();
    send_join(&mut group, join("a", &["range"]), now);
    send_join(&mut group, join("b", &["range"]), now);
    let mut again = send_join(&mut group, join("a", &["range"]), now);
    assert_eq!(again.try_recv().unwrap().unwrap().generation, 2);
    let mut b = send_sync(&mut group, "b", 2, &[], now);
    assert!(b.try_recv().is_err(), "the leader has not assigned yet");
    send_sync(&mut group, "a", 2, &[("a", "p0"), ("b", "p1")], now);
    assert_eq!(b.try_recv().unwrap().unwrap(), "p1");
    group
}

#[test]
fn the_leader_sees_all_members_and_its_assignment_reaches_them() {
    let now = Instant::now();
    let mut group = Group::default();
    let mut first = send_join(&mut group, join("a", &["range", "sticky"]), now);
    let joined = first.try_recv().unwrap().unwrap();
    assert_eq!(
        (joined.generation, joined.leader.as_str(), joined.members.len()),
        (1, "a", 1)
    );
    let mut second = send_join(&mut group, join("b", &["sticky"]), now);
    assert!(second.try_recv().is_err(), "waits for a");
    assert_eq!(group.heartbeat("a", 1, now), Err(ResponseError::RebalanceInProgress));
    let mut again = send_join(&mut group, join("a", &["range", "sticky"]), now);
    let joined = again.try_recv().unwrap().unwrap();
    assert_eq!((joined.protocol.as_str(), joined.members.len()), ("sticky", 2));
    assert_eq!(second.try_recv().unwrap().unwrap().members, []);
}

#[test]
fn a_silent_member_is_dropped_and_the_others_rebalance() {
    let start = Instant::now();
    let mut group = two_members(start);
    let later = start + Duration::from_secs(9);
    assert_eq!(group.heartbeat("a", 2, later), Ok(()));
    group.expire(start + Duration::from_secs(11));
    assert_eq!(group.state, State::PreparingRebalance);
    assert_eq!(group.heartbeat("b", 2, later), Err(ResponseError::UnknownMemberId));
    let mut again = send_join(&mut group, join("a", &["range"]), later);
    assert_eq!(again.try_recv().unwrap().unwrap().members.len(), 1);
}

#[test]
fn who_does_not_join_again_in_time_is_left_behind() {
    let start = Instant::now();
    let mut group = two_members(start);
    let mut third = send_join(&mut group, join("c", &["range"]), start);
    let mut a = send_join(&mut group, join("a", &["range"]), start);
    for second in 0..30 {
        let now = start + Duration::from_secs(second);
        assert!(matches!(
            group.heartbeat("b", 2, now),
            Err(ResponseError::RebalanceInProgress)
        ));
        group.expire(now);
    }
    group.expire(start + Duration::from_secs(30));
    assert_eq!(a.try_recv().unwrap().unwrap().members.len(), 2);
    assert!(third.try_recv().unwrap().is_ok());
    assert_eq!(group.heartbeat("b", 2, start), Err(ResponseError::UnknownMemberId));
}

#[test]
fn only_a_member_of_this_generation_commits_while_there_are_members() {
    let now = Instant::now();
    let mut group = two_members(now);
    assert_eq!(group.may_commit("a", 2, now), Ok(()));
    assert_eq!(group.may_commit("a", 1, now), Err(ResponseError::IllegalGeneration));
    assert_eq!(group.may_commit("", -1, now), Err(ResponseError::UnknownMemberId));
    assert_eq!(Group::default().may_commit("", -1, now), Ok(()));
    assert_eq!(group.may_commit_in_transaction("", -1), Ok(()));
}

#[test]
fn a_member_with_no_common_assignor_is_refused() {
    let now = Instant::now();
    let mut group = two_members(now);
    let mut answer = send_join(&mut group, join("c", &["other"]), now);
    assert_eq!(
        answer.try_recv().unwrap(),
        Err(ResponseError::InconsistentGroupProtocol)
    );
    assert_eq!(group.state, State::Stable);
}

#[test]
fn a_promised_id_holds_the_rebalance_up_until_it_is_used_or_expires() {
    let start = Instant::now();
    let mut group = Group::default();
    group.promise("slow", start + Duration::from_secs(10));
    let mut a = send_join(&mut group, join("a", &["range"]), start);
    assert!(a.try_recv().is_err());
    group.expire(start + Duration::from_secs(11));
    assert_eq!(a.try_recv().unwrap().unwrap().members.len(), 1);
}
