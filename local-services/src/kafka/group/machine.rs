//! One consumer group: members join, one generation is formed, its leader's assignment is handed round.
//!
//! Time and answers come from outside: `now` is an argument, answers go through the sender a request brought.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use tokio::sync::oneshot;

/// Where an answer goes; a receiver that has gone away is no concern of the group.
pub type Reply<T> = oneshot::Sender<Result<T, ResponseError>>;

/// Kafka's limits of a session.
const SESSION_TIMEOUT: std::ops::RangeInclusive<Duration> = Duration::from_secs(6)..=Duration::from_secs(1800);
const MAX_MEMBERS: usize = 1000;

/// A member asks to take part.
#[derive(Clone, Debug)]
pub struct Join {
    pub member: String,
    pub client: String,
    pub session_timeout: Duration,
    pub rebalance_timeout: Duration,
    pub protocol_type: String,
    /// Assignors by preference, each with the member's subscription.
    pub protocols: Vec<(String, Bytes)>,
}

/// The generation a member is in.
#[derive(Debug, PartialEq, Eq)]
pub struct Joined {
    pub generation: i32,
    pub protocol: String,
    pub leader: String,
    pub member: String,
    /// Members and their subscriptions; only the leader gets them.
    pub members: Vec<(String, Bytes)>,
}

/// A member's request for its assignment; the leader's brings everyone's.
#[derive(Debug)]
pub struct Sync {
    pub member: String,
    pub generation: i32,
    pub assignments: Vec<(String, Bytes)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Empty,
    /// Waiting for every member to join again.
    PreparingRebalance,
    /// Waiting for the leader's assignment.
    CompletingRebalance,
    Stable,
}

/// A group of consumers.
#[derive(Default)]
pub struct Group {
    pub state: State,
    pub protocol_type: String,
    pub protocol: String,
    generation: i32,
    leader: String,
    members: BTreeMap<String, Member>,
    /// Ids given out (KIP-394) whose owners have not joined yet, and until when they may.
    promised: BTreeMap<String, Instant>,
    rebalance_until: Option<Instant>,
}

struct Member {
    join: Join,
    assignment: Bytes,
    /// Silent beyond this, the member is dropped.
    alive_until: Instant,
    joining: Option<Reply<Joined>>,
    syncing: Option<Reply<Bytes>>,
}

impl Group {
    /// Nothing left to remember.
    pub fn is_gone(&self) -> bool {
        self.members.is_empty() && self.promised.is_empty()
    }

    /// Reserves a member id for a client that is to join with it.
    pub fn promise(&mut self, member: &str, until: Instant) {
        if self.promised.len() < MAX_MEMBERS {
            self.promised.insert(member.to_string(), until);
        }
    }

    /// A member joins or joins again; the answer comes when the generation is formed.
    pub fn join(&mut self, join: Join, is_new: bool, reply: Reply<Joined>, now: Instant) {
        if let Err(error) = self.admit(&join, is_new) {
            let _ = reply.send(Err(error));
            return;
        }
        self.promised.remove(&join.member);
        let id = join.member.clone();
        let unchanged = self
            .members
            .get(&id)
            .is_some_and(|member| member.join.protocols == join.protocols);
        let settled = match self.state {
            State::Stable => unchanged && id != self.leader,
            State::CompletingRebalance => unchanged,
            State::Empty | State::PreparingRebalance => false,
        };
        if settled {
            let joined = self.joined(&id);
            let _ = reply.send(Ok(joined));
            return;
        }
        self.protocol_type.clone_from(&join.protocol_type);
        let alive_until = now + join.session_timeout;
        let member = self.members.entry(id).or_insert_with(|| Member {
            join: join.clone(),
            assignment: Bytes::new(),
            alive_until,
            joining: None,
            syncing: None,
        });
        member.join = join;
        member.alive_until = alive_until;
        // A client that asks twice has given the first request up.
        member.joining = Some(reply);
        self.rebalance(now);
    }

    fn admit(&self, join: &Join, is_new: bool) -> Result<(), ResponseError> {
        if !SESSION_TIMEOUT.contains(&join.session_timeout) {
            return Err(ResponseError::InvalidSessionTimeout);
        }
        let known = self.members.contains_key(&join.member);
        if !is_new && !known && !self.promised.contains_key(&join.member) {
            return Err(ResponseError::UnknownMemberId);
        }
        if !known && self.members.len() >= MAX_MEMBERS {
            return Err(ResponseError::GroupMaxSizeReached);
        }
        let mut others = self.members.iter().filter(|(id, _)| **id != join.member).peekable();
        let mismatch = others.peek().is_some() && join.protocol_type != self.protocol_type;
        let others: Vec<&Member> = others.map(|(_, member)| member).collect();
        let common = join
            .protocols
            .iter()
            .any(|(name, _)| others.iter().all(|member| member.supports(name)));
        if mismatch || !common || join.protocol_type.is_empty() {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        Ok(())
    }

    /// Asks everyone to join again, or goes on if everyone has.
    fn rebalance(&mut self, now: Instant) {
        if self.state != State::PreparingRebalance {
            self.state = State::PreparingRebalance;
            for member in self.members.values_mut() {
                member.answer_sync(Err(ResponseError::RebalanceInProgress));
            }
            let patience = self.members.values().map(|member| member.join.rebalance_timeout).max();
            self.rebalance_until = Some(now + patience.unwrap_or_default());
        }
        if self.promised.is_empty() && self.members.values().all(|member| member.joining.is_some()) {
            self.form_generation(now);
        }
    }

    fn form_generation(&mut self, now: Instant) {
        self.members.retain(|_, member| member.joining.is_some());
        self.rebalance_until = None;
        self.generation += 1;
        let Some(first) = self.members.keys().next() else {
            self.state = State::Empty;
            return;
        };
        if !self.members.contains_key(&self.leader) {
            self.leader = first.clone();
        }
        self.protocol = self.elect_protocol();
        self.state = State::CompletingRebalance;
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let joined = self.joined(&id);
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            member.alive_until = now + member.join.session_timeout;
            if let Some(reply) = member.joining.take() {
                let _ = reply.send(Ok(joined));
            }
        }
    }

    /// The assignor that all support and most prefer.
    fn elect_protocol(&self) -> String {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let shared = |name: &&str| self.members.values().all(|other| other.supports(name));
            let preferred = member.join.protocols.iter().map(|(name, _)| name.as_str()).find(shared);
            *votes.entry(preferred.unwrap_or_default()).or_default() += 1;
        }
        votes
            .into_iter()
            .max_by_key(|&(_, count)| count)
            .map(|(name, _)| name.to_string())
            .unwrap_or_default()
    }

    fn joined(&self, id: &str) -> Joined {
        let members = if id == self.leader {
            self.subscriptions()
        } else {
            Vec::new()
        };
        Joined {
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            member: id.to_string(),
            members,
        }
    }

    fn subscriptions(&self) -> Vec<(String, Bytes)> {
        self.members
            .iter()
            .map(|(id, member)| (id.clone(), member.subscription(&self.protocol)))
            .collect()
    }

    /// A member asks for its assignment; the answer comes with the leader's.
    pub fn sync(&mut self, sync: Sync, reply: Reply<Bytes>, now: Instant) {
        if let Err(error) = self.check(&sync.member, sync.generation, now) {
            let _ = reply.send(Err(error));
            return;
        }
        let is_leader = sync.member == self.leader;
        let Some(member) = self.members.get_mut(&sync.member) else {
            return;
        };
        match self.state {
            State::Empty | State::PreparingRebalance => {
                let _ = reply.send(Err(ResponseError::RebalanceInProgress));
            }
            State::Stable => {
                let _ = reply.send(Ok(member.assignment.clone()));
            }
            State::CompletingRebalance => {
                member.syncing = Some(reply);
                if is_leader {
                    self.assign(sync.assignments, now);
                }
            }
        }
    }

    fn assign(&mut self, assignments: Vec<(String, Bytes)>, now: Instant) {
        self.state = State::Stable;
        let mut assignments: BTreeMap<String, Bytes> = assignments.into_iter().collect();
        for (id, member) in &mut self.members {
            member.assignment = assignments.remove(id).unwrap_or_default();
            if member.syncing.is_some() {
                member.alive_until = now + member.join.session_timeout;
            }
            let assignment = member.assignment.clone();
            member.answer_sync(Ok(assignment));
        }
    }

    /// A sign of life; its error tells the member to join again.
    pub fn heartbeat(&mut self, member: &str, generation: i32, now: Instant) -> Result<(), ResponseError> {
        self.check(member, generation, now)?;
        match self.state {
            State::Empty | State::PreparingRebalance => Err(ResponseError::RebalanceInProgress),
            State::CompletingRebalance | State::Stable => Ok(()),
        }
    }

    /// The member goes; the others rebalance.
    pub fn leave(&mut self, member: &str, now: Instant) -> Result<(), ResponseError> {
        let promised = self.promised.remove(member).is_some();
        if self.members.remove(member).is_none() && !promised {
            return Err(ResponseError::UnknownMemberId);
        }
        self.after_departure(now);
        Ok(())
    }

    fn after_departure(&mut self, now: Instant) {
        if self.members.is_empty() {
            self.state = State::Empty;
            self.rebalance_until = None;
        } else {
            self.rebalance(now);
        }
    }

    /// See `Groups::may_commit`.
    pub fn may_commit(&mut self, member: &str, generation: i32, now: Instant) -> Result<(), ResponseError> {
        if generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        self.check(member, generation, now)?;
        if self.state == State::CompletingRebalance {
            return Err(ResponseError::RebalanceInProgress);
        }
        Ok(())
    }

    /// The same for offsets in a transaction, which need no membership even where there are members.
    pub fn may_commit_in_transaction(&self, member: &str, generation: i32) -> Result<(), ResponseError> {
        if !member.is_empty() && !self.members.contains_key(member) {
            return Err(ResponseError::UnknownMemberId);
        }
        if generation >= 0 && generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        Ok(())
    }

    /// The member belongs here; being heard of, it lives on.
    fn check(&mut self, member: &str, generation: i32, now: Instant) -> Result<(), ResponseError> {
        let Some(member) = self.members.get_mut(member) else {
            return Err(ResponseError::UnknownMemberId);
        };
        if generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        member.alive_until = now + member.join.session_timeout;
        Ok(())
    }

    /// Lets time pass.
    pub fn expire(&mut self, now: Instant) {
        let before = self.members.len();
        // Who waits for an answer of ours cannot send heartbeats.
        self.members
            .retain(|_, m| m.alive_until > now || m.joining.is_some() || m.syncing.is_some());
        let promised_before = self.promised.len();
        self.promised.retain(|_, until| *until > now);
        let departed = self.members.len() < before;
        let promise_broken = self.promised.len() < promised_before && self.state == State::PreparingRebalance;
        if departed || promise_broken {
            self.after_departure(now);
        }
        if self.rebalance_until.is_some_and(|until| until <= now) {
            self.form_generation(now);
        }
    }

    /// Member id, client, subscription and assignment of each member.
    pub fn describe(&self) -> Vec<(String, String, Bytes, Bytes)> {
        let describe = |(id, m): (&String, &Member)| {
            (
                id.clone(),
                m.join.client.clone(),
                m.subscription(&self.protocol),
                m.assignment.clone(),
            )
        };
        self.members.iter().map(describe).collect()
    }
}

impl Member {
    fn supports(&self, protocol: &str) -> bool {
        self.join.protocols.iter().any(|(name, _)| name == protocol)
    }

    fn subscription(&self, protocol: &str) -> Bytes {
        let found = self.join.protocols.iter().find(|(name, _)| name == protocol);
        found.map(|(_, subscription)| subscription.clone()).unwrap_or_default()
    }

    fn answer_sync(&mut self, answer: Result<Bytes, ResponseError>) {
        if let Some(reply) = self.syncing.take() {
            let _ = reply.send(answer);
        }
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
