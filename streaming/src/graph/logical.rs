//! What the job file says: sources, operators and sinks, and who reads whom.

use crate::OperatorId;
use crate::operator::{Output, Rows};

use super::Role;

/// The job as written, checked: acyclic, every input is there, keys and kinds of rows match.
#[derive(Debug, Clone, PartialEq)]
pub struct LogicalGraph {
    /// In topological order; where that leaves a choice, in the order of the file.
    pub nodes: Vec<LogicalNode>,
}

/// One source, operator or sink.
#[derive(Debug, Clone, PartialEq)]
pub struct LogicalNode {
    pub id: OperatorId,
    pub role: Role,
    /// The connector or operator type.
    pub kind: String,
    /// Its whole table as JSON, all parameters resolved and the defaults of common options filled in.
    pub options: String,
    pub parallelism: u16,
    /// Port `i` reads `inputs[i]`.
    pub inputs: Vec<Input>,
    /// Whether its input is exchanged by key.
    pub key_by: bool,
    /// Whether it keeps state by key.
    pub keyed_state: bool,
    /// Whether it may share a thread with what it reads.
    pub chain: bool,
    /// What the main output gives. Sinks give nothing; theirs says what they take.
    pub rows: Rows,
    /// Outputs `1..`.
    pub side_outputs: Vec<String>,
}

/// An output of a node, as another reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input {
    /// Index into [`LogicalGraph::nodes`].
    pub node: usize,
    pub output: Output,
}

impl LogicalGraph {
    /// `points`, `points.bad`.
    pub fn output_name(&self, input: Input) -> String {
        let node = &self.nodes[input.node];
        match usize::from(input.output).checked_sub(1) {
            None => node.id.clone(),
            Some(side) => format!("{}.{}", node.id, node.side_outputs[side]),
        }
    }

    /// For every node, whether its main output carries keys by which state may be kept: it is exchanged by key, or all
    /// that it reads is so.
    pub fn keyed(&self) -> Vec<bool> {
        let mut keyed = vec![false; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            let inherits = |input: &Input| input.output == crate::operator::MAIN && keyed[input.node];
            keyed[index] = node.key_by || (!node.inputs.is_empty() && node.inputs.iter().all(inherits));
        }
        keyed
    }
}

impl LogicalNode {
    /// `Source: points`, `windows`, `Sink: results`, as Flink writes it.
    pub fn label(&self) -> String {
        match self.role {
            Role::Source => format!("Source: {}", self.id),
            Role::Operator => self.id.clone(),
            Role::Sink => format!("Sink: {}", self.id),
        }
    }
}
