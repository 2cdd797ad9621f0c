//! From the graph of names to vertices: who shares a thread, and how rows travel between the others.

use super::logical::{Input, LogicalGraph, LogicalNode};
use super::{Edge, Node, PhysicalGraph, Route, Shipping, Target, Vertex};
use crate::VertexId;
use crate::operator::{MAIN, Port};

/// Plans a job. Deterministic: the same graph always gives the same plan.
///
/// A node shares the thread of what it reads when all of that is one vertex, nothing is exchanged on the way, and both
/// have the same parallelism. Everything else begins a vertex of its own.
pub fn plan(graph: &LogicalGraph, key_groups: u16) -> PhysicalGraph {
    let mut planner = Planner {
        graph,
        keyed: graph.keyed(),
        partitioned: vec![false; graph.nodes.len()],
        seats: Vec::with_capacity(graph.nodes.len()),
        vertices: Vec::new(),
        edges: Vec::new(),
    };
    for index in 0..graph.nodes.len() {
        planner.place(index);
    }
    planner.finish(key_groups)
}

/// Where a node runs: which vertex, and the how-manieth of its chain.
#[derive(Debug, Clone, Copy)]
struct Seat {
    vertex: usize,
    position: usize,
}

struct Planner<'a> {
    graph: &'a LogicalGraph,
    /// Whether a node's main output has keys.
    keyed: Vec<bool>,
    /// Whether a node's main output lies on the subtasks that own its keys.
    partitioned: Vec<bool>,
    /// Of the nodes placed so far.
    seats: Vec<Seat>,
    vertices: Vec<Vertex>,
    edges: Vec<Edge>,
}

impl Planner<'_> {
    fn place(&mut self, index: usize) {
        let node = &self.graph.nodes[index];
        let shipping: Vec<_> = node.inputs.iter().map(|input| self.shipping(node, *input)).collect();
        let seat = match self.chain_with(node, &shipping) {
            Some(vertex) => self.join(vertex, index),
            None => self.open(index, &shipping),
        };
        self.seats.push(seat);
        let hashed = |(shipping, input): (&Shipping, &Input)| match shipping {
            Shipping::Hash => true,
            Shipping::Forward => input.output == MAIN && self.partitioned[input.node],
            Shipping::Rebalance | Shipping::Broadcast => false,
        };
        self.partitioned[index] = !node.inputs.is_empty() && shipping.iter().zip(&node.inputs).all(hashed);
    }

    /// How the rows of one input of `node` find their subtask. Rows with keys are exchanged by key, so that the rows of
    /// one key stay in order.
    fn shipping(&self, node: &LogicalNode, input: Input) -> Shipping {
        let producer = &self.graph.nodes[input.node];
        let is_main = input.output == MAIN;
        let in_place = producer.parallelism == node.parallelism;
        let needs_exchange = node.key_by || (node.keyed_state && !(is_main && self.partitioned[input.node]));
        if needs_exchange {
            return Shipping::Hash;
        }
        match (in_place, is_main && self.keyed[input.node]) {
            (true, _) => Shipping::Forward,
            (false, true) => Shipping::Hash,
            (false, false) => Shipping::Rebalance,
        }
    }

    /// The vertex that `node` may join.
    fn chain_with(&self, node: &LogicalNode, shipping: &[Shipping]) -> Option<usize> {
        let forward = shipping.iter().all(|shipping| *shipping == Shipping::Forward);
        let first = self.seats[node.inputs.first()?.node].vertex;
        let together = node.inputs.iter().all(|input| self.seats[input.node].vertex == first);
        (node.chain && forward && together).then_some(first)
    }

    fn join(&mut self, vertex: usize, index: usize) -> Seat {
        let node = &self.graph.nodes[index];
        let position = self.vertices[vertex].nodes.len();
        for (port, input) in node.inputs.iter().enumerate() {
            self.route(*input, Target::Node(position, port as Port));
        }
        self.vertices[vertex].nodes.push(physical(node));
        Seat { vertex, position }
    }

    fn open(&mut self, index: usize, shipping: &[Shipping]) -> Seat {
        let node = &self.graph.nodes[index];
        let vertex = self.vertices.len();
        for (port, (input, shipping)) in node.inputs.iter().zip(shipping).enumerate() {
            self.edges.push(Edge {
                from: VertexId(self.seats[input.node].vertex as u16),
                to: VertexId(vertex as u16),
                port: port as Port,
                shipping: *shipping,
            });
            self.route(*input, Target::Edge(self.edges.len() - 1));
        }
        self.vertices.push(Vertex {
            id: VertexId(vertex as u16),
            name: String::new(),
            parallelism: node.parallelism,
            nodes: vec![physical(node)],
            routes: Vec::new(),
        });
        Seat { vertex, position: 0 }
    }

    fn route(&mut self, input: Input, to: Target) {
        let Seat { vertex, position } = self.seats[input.node];
        self.vertices[vertex].routes.push(Route {
            from: position,
            output: input.output,
            to,
        });
    }

    fn finish(mut self, key_groups: u16) -> PhysicalGraph {
        let mut labels = vec![Vec::new(); self.vertices.len()];
        for (node, seat) in self.graph.nodes.iter().zip(&self.seats) {
            labels[seat.vertex].push(node.label());
        }
        for (vertex, labels) in self.vertices.iter_mut().zip(&labels) {
            vertex.name = name(vertex, labels, 0, &mut vec![false; labels.len()]);
        }
        PhysicalGraph {
            vertices: self.vertices,
            edges: self.edges,
            key_groups,
        }
    }
}

fn physical(node: &LogicalNode) -> Node {
    Node {
        id: node.id.clone(),
        role: node.role,
        kind: node.kind.clone(),
        options: node.options.clone(),
    }
}

/// The name of a chain from one node on: `a -> b`, and `a -> (b, c -> d)` where it forks. A node that several lead to is
/// named once.
fn name(vertex: &Vertex, labels: &[String], node: usize, named: &mut Vec<bool>) -> String {
    named[node] = true;
    let mut branches = Vec::new();
    for route in vertex.routes.iter().filter(|route| route.from == node) {
        if let Target::Node(next, _) = route.to
            && !named[next]
        {
            branches.push(name(vertex, labels, next, named));
        }
    }
    match branches.as_slice() {
        [] => labels[node].clone(),
        [only] => format!("{} -> {only}", labels[node]),
        several => format!("{} -> ({})", labels[node], several.join(", ")),
    }
}
