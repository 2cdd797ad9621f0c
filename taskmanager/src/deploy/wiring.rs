//! The channels between the tasks of a deployment, here and elsewhere.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use checkpoint::Manifest;
use crossbeam_channel::{Receiver, Sender, unbounded};
use proto::Deploy;
use streaming::graph::{Edge, PhysicalGraph, Shipping};
use streaming::id::TaskId;
use streaming::operator::{Cancel, Port};
use streaming::{Attempt, Error, JobId, Result};
use tokio::sync::mpsc;

use crate::environment::Environment;
use crate::exchange::Inbox;
use crate::exchange::{Credit, Inboxes, Input, Outlet, OutputEdge, Peer, connect};
use crate::metrics::TaskMetrics;
use crate::slot::mailbox::{Event, Mailbox};

/// What a deployment message says, read and checked.
pub struct Plan {
    pub job: JobId,
    pub job_name: String,
    pub attempt: Attempt,
    pub deployment: u64,
    pub graph: PhysicalGraph,
    pub manifest: Option<Manifest>,
    pub checkpointing: bool,
    /// Tasks of this process.
    pub mine: Vec<TaskId>,
    /// Where the others are: the address of their exchange.
    pub elsewhere: HashMap<TaskId, String>,
}

/// A task with its ends of all channels.
pub struct Wired {
    pub id: TaskId,
    pub mailbox: Mailbox,
    pub events: Receiver<Event>,
    pub inputs: Option<Inputs>,
    pub outputs: Vec<(usize, OutputEdge)>,
    pub metrics: Arc<TaskMetrics>,
}

/// The input side of a task: a queue, and the port that each of its channels feeds.
pub struct Inputs {
    pub queue: Receiver<Input>,
    pub ports: Vec<Port>,
}

/// All tasks of this process, and the connections that they send over.
pub struct Wiring {
    pub tasks: Vec<Wired>,
    pub peers: Vec<Peer>,
}

/// The tasks of a deployment that are placed in the process `id`.
pub fn tasks_here(message: &Deploy, id: &str) -> Vec<TaskId> {
    let placed = message
        .placements
        .iter()
        .filter(|placement| placement.taskmanager_id == id);
    placed
        .filter_map(|placement| proto::convert::task_id(placement.vertex, placement.subtask))
        .collect()
}

impl Plan {
    /// The plan of `message` for the process `id`. Fails if the message is not understood, or if it leaves a task of the graph
    /// without a place.
    pub fn read(message: Deploy, id: &str) -> Result<Self> {
        let refuse = |reason: String| Error::internal("deployment", reason);
        let mine = tasks_here(&message, id);
        let mut elsewhere = HashMap::new();
        for placement in message
            .placements
            .iter()
            .filter(|placement| placement.taskmanager_id != id)
        {
            let task = proto::convert::task_id(placement.vertex, placement.subtask);
            let task = task.ok_or_else(|| {
                refuse(format!(
                    "task {}/{} is out of range",
                    placement.vertex, placement.subtask
                ))
            })?;
            elsewhere.insert(task, placement.address.clone());
        }
        let manifest = match message.manifest.as_str() {
            "" => None,
            text => Some(serde_json::from_str(text).map_err(|error| refuse(format!("manifest: {error}")))?),
        };
        let graph: PhysicalGraph =
            serde_json::from_str(&message.graph).map_err(|error| refuse(format!("graph: {error}")))?;
        for vertex in &graph.vertices {
            let mut tasks = (0..vertex.parallelism).map(|subtask| TaskId {
                vertex: vertex.id,
                subtask,
            });
            if let Some(task) = tasks.find(|task| !mine.contains(task) && !elsewhere.contains_key(task)) {
                return Err(refuse(format!(
                    "task {task} of the graph is not placed on any TaskManager"
                )));
            }
        }
        Ok(Self {
            job: message.job_id.parse().map_err(refuse)?,
            job_name: message.job_name,
            attempt: Attempt(message.attempt),
            deployment: message.deployment,
            graph,
            manifest,
            checkpointing: message.checkpointing,
            mine,
            elsewhere,
        })
    }

    /// The channels of an edge in the order of their numbers: from which subtask to which.
    fn channels(&self, edge: &Edge) -> Vec<(TaskId, TaskId)> {
        let from = self.graph.vertex(edge.from);
        let to = self.graph.vertex(edge.to);
        let task = |vertex, subtask| TaskId { vertex, subtask };
        if edge.shipping == Shipping::Forward {
            return (0..from.parallelism)
                .map(|subtask| (task(from.id, subtask), task(to.id, subtask)))
                .collect();
        }
        let pairs = (0..from.parallelism).flat_map(|source| (0..to.parallelism).map(move |target| (source, target)));
        pairs
            .map(|(source, target)| (task(from.id, source), task(to.id, target)))
            .collect()
    }
}

/// One channel that touches this process.
struct Channel {
    number: u32,
    edge: usize,
    from: TaskId,
    to: TaskId,
}

/// Makes all channels, registers those that come from elsewhere, and connects to the TaskManagers that we send to.
pub async fn wire(
    plan: &Plan,
    environment: &Environment,
    cancel: &Cancel,
    failures: mpsc::UnboundedSender<String>,
) -> Result<Wiring> {
    let channels = numbered(plan);
    let mut inputs: HashMap<TaskId, (Sender<Input>, Inputs)> = HashMap::new();
    let mut inboxes: HashMap<u32, Inbox> = HashMap::new();
    for channel in channels.iter().filter(|channel| plan.mine.contains(&channel.to)) {
        let (sender, inputs) = inputs.entry(channel.to).or_insert_with(|| {
            let (sender, queue) = unbounded();
            (
                sender,
                Inputs {
                    queue,
                    ports: Vec::new(),
                },
            )
        });
        inboxes.insert(
            channel.number,
            Inbox {
                sender: sender.clone(),
                channel: inputs.ports.len(),
            },
        );
        inputs.ports.push(plan.graph.edges[channel.edge].port);
    }
    environment.exchange.register(
        plan.deployment,
        Inboxes {
            channels: inboxes.clone(),
            failures: failures.clone(),
            cancel: cancel.clone(),
        },
    );

    let peers = connect_peers(plan, environment, &channels, &failures).await?;
    let mut outlets: BTreeMap<(TaskId, usize), Vec<Outlet>> = BTreeMap::new();
    for channel in channels.iter().filter(|channel| plan.mine.contains(&channel.from)) {
        let outlet = match plan.elsewhere.get(&channel.to) {
            Some(address) => peers[address].outlet(channel.number),
            None => {
                let inbox = &inboxes[&channel.number];
                let credit = Credit::new(environment.window_bytes);
                Outlet::Local {
                    inbox: inbox.sender.clone(),
                    channel: inbox.channel,
                    credit,
                }
            }
        };
        outlets.entry((channel.from, channel.edge)).or_default().push(outlet);
    }
    let mut tasks: HashMap<TaskId, Vec<(usize, OutputEdge)>> = HashMap::new();
    for ((task, edge), outlets) in outlets {
        let shipping = plan.graph.edges[edge].shipping;
        let output = OutputEdge::new(
            shipping,
            outlets,
            plan.graph.key_groups,
            environment.batch_bytes,
            cancel.clone(),
        );
        tasks.entry(task).or_default().push((edge, output));
    }
    let wired = plan.mine.iter().map(|&id| {
        let (mailbox, events) = unbounded();
        let inputs = inputs.remove(&id).map(|(_, inputs)| inputs);
        let outputs = tasks.remove(&id).unwrap_or_default();
        Wired {
            id,
            mailbox,
            events,
            inputs,
            outputs,
            metrics: Arc::default(),
        }
    });
    Ok(Wiring {
        tasks: wired.collect(),
        peers: peers.into_values().map(|remote| remote.peer).collect(),
    })
}

/// All channels of the graph that touch this process, numbered the same way by every TaskManager.
fn numbered(plan: &Plan) -> Vec<Channel> {
    let edges = plan.graph.edges.iter().enumerate();
    let all =
        edges.flat_map(|(edge, description)| plan.channels(description).into_iter().map(move |ends| (edge, ends)));
    let numbered = (0..)
        .zip(all)
        .map(|(number, (edge, (from, to)))| Channel { number, edge, from, to });
    numbered
        .filter(|channel| plan.mine.contains(&channel.from) || plan.mine.contains(&channel.to))
        .collect()
}

/// A connection and the credit of the channels on it.
struct Remote {
    peer: Peer,
    credits: HashMap<u32, Credit>,
}

impl Remote {
    fn outlet(&self, number: u32) -> Outlet {
        Outlet::Remote {
            frames: self.peer.frames.clone(),
            channel: number,
            credit: self.credits[&number].clone(),
        }
    }
}

async fn connect_peers(
    plan: &Plan,
    environment: &Environment,
    channels: &[Channel],
    failures: &mpsc::UnboundedSender<String>,
) -> Result<HashMap<String, Remote>> {
    let mut credits: HashMap<String, HashMap<u32, Credit>> = HashMap::new();
    for channel in channels.iter().filter(|channel| plan.mine.contains(&channel.from)) {
        if let Some(address) = plan.elsewhere.get(&channel.to) {
            let credit = Credit::new(environment.window_bytes);
            credits
                .entry(address.clone())
                .or_default()
                .insert(channel.number, credit);
        }
    }
    let mut peers = HashMap::new();
    for (address, credits) in credits {
        let peer = connect(
            &address,
            plan.deployment,
            environment.connect_timeout,
            environment.exchange.keep_alive,
            credits.clone(),
            failures.clone(),
        )
        .await?;
        peers.insert(address, Remote { peer, credits });
    }
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use proto::Placement;
    use streaming::VertexId;
    use streaming::graph::Vertex;

    use super::*;

    #[test]
    fn a_task_of_the_graph_without_a_place_is_an_error() {
        let vertex = Vertex {
            id: VertexId(0),
            name: "Source: points".into(),
            parallelism: 2,
            nodes: vec![],
            routes: vec![],
        };
        let graph = PhysicalGraph {
            vertices: vec![vertex],
            edges: vec![],
            key_groups: 128,
        };
        let place = |subtask, taskmanager: &str| Placement {
            subtask,
            taskmanager_id: taskmanager.into(),
            ..Placement::default()
        };
        let mut message = Deploy {
            job_id: JobId(1).to_string(),
            graph: serde_json::to_string(&graph).unwrap(),
            placements: vec![place(0, "here")],
            ..Deploy::default()
        };
        let error = Plan::read(message.clone(), "here").err().unwrap().to_string();
        assert!(error.contains("task 0/1 of the graph is not placed"), "{error}");
        message.placements.push(place(1, "there"));
        let plan = Plan::read(message, "here").unwrap();
        assert_eq!((plan.mine.len(), plan.elsewhere.len()), (1, 1));
    }
}
