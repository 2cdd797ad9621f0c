//! From the job's graph of names to the tasks that run.

pub mod explain;
pub mod logical;
pub mod plan;

use serde::{Deserialize, Serialize};

use crate::operator::{Output, Port};
use crate::{OperatorId, VertexId};

/// What runs: vertices (chains of nodes) and the edges between them. Acyclic; vertices in topological order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhysicalGraph {
    pub vertices: Vec<Vertex>,
    pub edges: Vec<Edge>,
    /// Key groups of the job, fixed for the life of its state.
    pub key_groups: u16,
}

/// A chain of nodes that one thread runs per subtask. Usually a line; a tree or diamond where outputs fan out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vertex {
    pub id: VertexId,
    /// `Source: points -> windows -> persistence`.
    pub name: String,
    pub parallelism: u16,
    /// In topological order; the first is the head: a source, or the node that all incoming edges feed.
    pub nodes: Vec<Node>,
    /// Where the outputs of the nodes go.
    pub routes: Vec<Route>,
}

/// One source, operator or sink of the job file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    pub id: OperatorId,
    pub role: Role,
    /// The connector or operator type.
    pub kind: String,
    /// Its options, all parameters resolved: a JSON object that [`crate::job::Options`] reads.
    pub options: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Source,
    Operator,
    Sink,
}

/// From an output of a node of a chain to the next node of the chain, or out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Index into `Vertex::nodes`.
    pub from: usize,
    pub output: Output,
    pub to: Target,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// A node of the same chain, and which of its inputs.
    Node(usize, Port),
    /// Index into `PhysicalGraph::edges`.
    Edge(usize),
}

/// A connection between the subtasks of two vertices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    pub from: VertexId,
    pub to: VertexId,
    /// Which input of the head of `to`.
    pub port: Port,
    pub shipping: Shipping,
}

/// How rows find their subtask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Shipping {
    /// Subtask `i` to subtask `i`; equal parallelism.
    Forward,
    /// By key group.
    Hash,
    /// Batches in turn.
    Rebalance,
    /// Every row to every subtask.
    Broadcast,
}

impl PhysicalGraph {
    /// Slots the job needs: as many as its widest vertex has subtasks.
    pub fn slots(&self) -> u16 {
        self.vertices.iter().map(|vertex| vertex.parallelism).max().unwrap_or(0)
    }

    pub fn vertex(&self, id: VertexId) -> &Vertex {
        &self.vertices[usize::from(id.0)]
    }

    /// Edges into a vertex, with their indices.
    pub fn inputs_of(&self, id: VertexId) -> impl Iterator<Item = (usize, &Edge)> {
        self.edges.iter().enumerate().filter(move |(_, edge)| edge.to == id)
    }
}

impl Vertex {
    pub fn is_source(&self) -> bool {
        self.nodes.first().is_some_and(|node| node.role == Role::Source)
    }
}
