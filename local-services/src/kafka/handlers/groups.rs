//! Group membership, and where coordinators are found (here).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse, FindCoordinatorResponse,
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse,
    ListGroupsResponse, SyncGroupRequest, SyncGroupResponse,
};
use kafka_protocol::protocol::StrBytes;
use tokio::sync::oneshot;

use super::{NODE, code};
use crate::kafka::api::Caller;
use crate::kafka::broker::{Broker, now_ms, storage_error};
use crate::kafka::group::{Join, Joined, State, Sync};
use crate::kafka::ledger::Event;

/// Beyond any rebalance time-out a client should ask for; a longer wait is given up.
const LONGEST_WAIT: Duration = Duration::from_secs(1800);
/// Since this version a new member first learns its id, then joins with it (KIP-394).
const MEMBER_ID_REQUIRED_SINCE: i16 = 4;

/// Every coordinator is this broker.
pub fn find_coordinator(broker: &Broker) -> FindCoordinatorResponse {
    FindCoordinatorResponse::default()
        .with_node_id(NODE.into())
        .with_host(broker.options.advertised_host().to_string().into())
        .with_port(i32::from(broker.port))
}

/// Waits until the group's next generation is formed.
pub async fn join_group(broker: &Broker, caller: &Caller, request: JoinGroupRequest) -> JoinGroupResponse {
    let refuse = |error: ResponseError, member: StrBytes| {
        JoinGroupResponse::default()
            .with_error_code(error.code())
            .with_generation_id(-1)
            .with_protocol_name(Some(StrBytes::new()))
            .with_member_id(member)
    };
    if request.group_id.is_empty() {
        return refuse(ResponseError::InvalidGroupId, request.member_id);
    }
    let is_new = request.member_id.is_empty();
    let member = if is_new {
        new_member_id(&caller.client)
    } else {
        request.member_id.to_string()
    };
    let session_timeout = millis(request.session_timeout_ms);
    if is_new && caller.version >= MEMBER_ID_REQUIRED_SINCE {
        let until = Instant::now() + session_timeout.min(LONGEST_WAIT);
        broker
            .groups
            .with(&request.group_id, |group| group.promise(&member, until));
        return refuse(ResponseError::MemberIdRequired, member.into());
    }
    let join = Join {
        member: member.clone(),
        client: caller.client.clone(),
        session_timeout,
        // Version 0 has no rebalance time-out.
        rebalance_timeout: if caller.version == 0 {
            session_timeout
        } else {
            millis(request.rebalance_timeout_ms)
        },
        protocol_type: request.protocol_type.to_string(),
        protocols: request
            .protocols
            .into_iter()
            .map(|p| (p.name.to_string(), p.metadata))
            .collect(),
    };
    let (reply, answer) = oneshot::channel();
    broker.groups.with(&request.group_id, |group| {
        group.join(join, is_new, reply, Instant::now())
    });
    match await_answer(answer).await {
        Ok(joined) => joined_response(joined),
        Err(error) => refuse(error, member.into()),
    }
}

fn joined_response(joined: Joined) -> JoinGroupResponse {
    let members = joined.members.into_iter().map(|(id, subscription)| {
        JoinGroupResponseMember::default()
            .with_member_id(id.into())
            .with_metadata(subscription)
    });
    JoinGroupResponse::default()
        .with_generation_id(joined.generation)
        .with_protocol_name(Some(joined.protocol.into()))
        .with_leader(joined.leader.into())
        .with_member_id(joined.member.into())
        .with_members(members.collect())
}

/// Waits until the leader has assigned.
pub async fn sync_group(broker: &Broker, request: SyncGroupRequest) -> SyncGroupResponse {
    let sync = Sync {
        member: request.member_id.to_string(),
        generation: request.generation_id,
        assignments: request
            .assignments
            .into_iter()
            .map(|a| (a.member_id.to_string(), a.assignment))
            .collect(),
    };
    let (reply, answer) = oneshot::channel();
    broker
        .groups
        .with(&request.group_id, |group| group.sync(sync, reply, Instant::now()));
    let assigned: Result<Bytes, ResponseError> = await_answer(answer).await;
    SyncGroupResponse::default()
        .with_error_code(code(assigned.as_ref().map_err(|error| *error)))
        .with_assignment(assigned.unwrap_or_default())
}

pub fn heartbeat(broker: &Broker, request: &HeartbeatRequest) -> HeartbeatResponse {
    let now = Instant::now();
    let alive = broker.groups.with(&request.group_id, |g| {
        g.heartbeat(&request.member_id, request.generation_id, now)
    });
    HeartbeatResponse::default().with_error_code(code(alive))
}

pub fn leave_group(broker: &Broker, request: &LeaveGroupRequest) -> LeaveGroupResponse {
    let left = broker.groups.with(&request.group_id, |group| {
        group.leave(&request.member_id, Instant::now())
    });
    LeaveGroupResponse::default().with_error_code(code(left))
}

/// Groups with members or with committed offsets.
pub fn list_groups(broker: &Broker) -> ListGroupsResponse {
    let mut names = broker.groups.names();
    names.extend(broker.store().ledger().groups().cloned());
    names.sort_unstable();
    names.dedup();
    let groups = names.into_iter().map(|name| {
        let protocol_type = broker.groups.with(&name, |group| group.protocol_type.clone());
        ListedGroup::default()
            .with_group_id(StrBytes::from_string(name).into())
            .with_protocol_type(protocol_type.into())
    });
    ListGroupsResponse::default().with_groups(groups.collect())
}

pub fn describe_groups(broker: &Broker, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let groups = request.groups.into_iter().map(|id| {
        let has_offsets = broker.store().ledger().offsets(&id).next().is_some();
        broker.groups.with(&id.clone(), |group| {
            let members = group
                .describe()
                .into_iter()
                .map(|(member, client, subscription, assignment)| {
                    DescribedGroupMember::default()
                        .with_member_id(member.into())
                        .with_client_id(client.into())
                        .with_member_metadata(subscription)
                        .with_member_assignment(assignment)
                });
            let state = match group.state {
                State::Empty if has_offsets => "Empty",
                State::Empty => "Dead",
                State::PreparingRebalance => "PreparingRebalance",
                State::CompletingRebalance => "CompletingRebalance",
                State::Stable => "Stable",
            };
            DescribedGroup::default()
                .with_group_id(id)
                .with_group_state(state.into())
                .with_protocol_type(group.protocol_type.clone().into())
                .with_protocol_data(group.protocol.clone().into())
                .with_members(members.collect())
        })
    });
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

/// Forgets the offsets of groups without members.
pub fn delete_groups(broker: &Broker, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let results = request.groups_names.into_iter().map(|id| {
        let deleted = delete_group(broker, &id);
        DeletableGroupResult::default()
            .with_group_id(id)
            .with_error_code(code(deleted))
    });
    DeleteGroupsResponse::default().with_results(results.collect())
}

fn delete_group(broker: &Broker, id: &str) -> Result<(), ResponseError> {
    if !broker.groups.with(id, |group| group.is_gone()) {
        return Err(ResponseError::NonEmptyGroup);
    }
    let mut store = broker.store();
    if store.ledger().offsets(id).next().is_none() {
        return Err(ResponseError::GroupIdNotFound);
    }
    store
        .record(Event::GroupDeleted { group: id.to_string() })
        .map_err(storage_error)
}

/// The group answers when it can; when it never does, or has gone, the member starts again.
async fn await_answer<T>(answer: oneshot::Receiver<Result<T, ResponseError>>) -> Result<T, ResponseError> {
    match tokio::time::timeout(LONGEST_WAIT, answer).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) | Err(_) => Err(ResponseError::UnknownMemberId),
    }
}

/// Unique over restarts as well: members of an earlier process must not be taken for ones of this.
fn new_member_id(client: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{client}-{:x}-{:x}", now_ms(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn millis(value: i32) -> Duration {
    Duration::from_millis(u64::try_from(value).unwrap_or(0))
}
