//! The tables together: inputs that are there, no cycle, rows and keys that match.

use super::nodes::{BAD_RECORDS, Draft, ON_BAD_RECORD, Reference};
use super::options::{Problem, Problems, join};
use super::value::{Span, nearest};
use crate::graph::Role;
use crate::graph::logical::{Input, LogicalGraph, LogicalNode};
use crate::operator::{Keyed, MAIN, Rows};

/// Inputs of every draft as far as they are there, by position.
type Links = Vec<Vec<(Input, Span)>>;

/// What holds for a node that says nothing else.
pub(super) struct JobWide {
    pub parallelism: u16,
    pub key_groups: u16,
    pub chaining: bool,
}

/// Joins the drafts to a graph. Where `problems` gets something, the graph is of no use.
pub(super) fn link(drafts: Vec<Draft>, job: &JobWide, problems: &Problems, warnings: &Problems) -> LogicalGraph {
    let checker = Checker {
        drafts: &drafts,
        problems,
    };
    checker.check_unique_ids();
    checker.check_roles();
    let links = checker.resolve_inputs();
    let order = checker.sort(&links);
    if let Some(order) = &order {
        let rows = checker.check_rows(&links, order);
        checker.check_keys(&links, order, job);
        if problems.is_empty() {
            warn_of_loose_ends(&drafts, &links, warnings);
            return build(drafts, &links, order, &rows, job);
        }
    }
    LogicalGraph { nodes: Vec::new() }
}

struct Checker<'a> {
    drafts: &'a [Draft],
    problems: &'a Problems,
}

impl Checker<'_> {
    fn problem(&self, span: &Span, path: String, message: String) {
        let span = span.clone();
        self.problems.push(Problem { span, path, message });
    }

    fn check_unique_ids(&self) {
        for (index, draft) in self.drafts.iter().enumerate() {
            let earlier = self.drafts[..index]
                .iter()
                .find(|other| other.key.name == draft.key.name);
            if let Some(other) = earlier {
                let message = format!(
                    "the id {:?} is taken by {}; ids are unique in a job",
                    draft.key.name, other.path
                );
                self.problem(&draft.key.span, draft.path.clone(), message);
            }
        }
    }

    fn check_roles(&self) {
        for (role, name) in [(Role::Source, "source"), (Role::Sink, "sink")] {
            if !self.drafts.iter().any(|draft| draft.role == role) {
                let message = format!("the job has no {name}; add a table [{name}.NAME] with a connector");
                self.problem(&None, name.to_owned(), message);
            }
        }
    }

    fn resolve_inputs(&self) -> Links {
        let resolve_all = |draft: &Draft| {
            let resolved = draft.inputs.iter().filter_map(|reference| {
                self.resolve(reference)
                    .map_err(|message| self.problem(&reference.span, join(&draft.path, "input"), message))
                    .ok()
                    .map(|input| (input, reference.span.clone()))
            });
            resolved.collect()
        };
        self.drafts.iter().map(resolve_all).collect()
    }

    fn resolve(&self, reference: &Reference) -> Result<Input, String> {
        let (id, output) = reference.parts();
        let Some(node) = self.drafts.iter().position(|draft| draft.key.name == id) else {
            return Err(self.unknown_id(id));
        };
        let draft = &self.drafts[node];
        if draft.role == Role::Sink {
            return Err(format!("{id} is a sink, and a sink has no output"));
        }
        let Some(name) = output else {
            return Ok(Input { node, output: MAIN });
        };
        if !draft.understood {
            return Ok(Input { node, output: 1 });
        }
        match draft.side_outputs.iter().position(|side| side == name) {
            Some(side) => Ok(Input {
                node,
                output: side as u8 + 1,
            }),
            None => Err(unknown_output(draft, name)),
        }
    }

    fn unknown_id(&self, id: &str) -> String {
        let ids = || {
            let with_output = self.drafts.iter().filter(|draft| draft.role != Role::Sink);
            with_output.map(|draft| draft.key.name.as_str())
        };
        match nearest(id, ids()) {
            Some(near) => format!("there is no source or operator {id:?}; did you mean {near:?}?"),
            None => {
                let ids: Vec<_> = ids().collect();
                format!("there is no source or operator {id:?}; there are {}", ids.join(", "))
            }
        }
    }

    /// A topological order, always taking the first of the file that is ready; `None` where there is a cycle.
    fn sort(&self, links: &Links) -> Option<Vec<usize>> {
        let mut order = Vec::new();
        let mut placed = vec![false; links.len()];
        while order.len() < links.len() {
            let ready = |index: &usize| !placed[*index] && links[*index].iter().all(|(input, _)| placed[input.node]);
            let Some(next) = (0..links.len()).find(ready) else {
                self.report_cycle(links, &placed);
                return None;
            };
            placed[next] = true;
            order.push(next);
        }
        Some(order)
    }

    /// Names one cycle: from any node that is not placed, going against the flow stays among such nodes and must return.
    fn report_cycle(&self, links: &Links, placed: &[bool]) {
        let mut path = Vec::new();
        let mut current = placed.iter().position(|placed| !placed).unwrap_or(0);
        while !path.contains(&current) {
            path.push(current);
            let unplaced = links[current].iter().find(|(input, _)| !placed[input.node]);
            current = unplaced.map_or(current, |(input, _)| input.node);
        }
        let begin = path.iter().position(|node| *node == current).unwrap_or(0);
        let mut cycle = path.split_off(begin);
        cycle.push(current);
        cycle.reverse();
        let names: Vec<_> = cycle.iter().map(|node| self.drafts[*node].key.name.as_str()).collect();
        let message = format!(
            "the inputs form a cycle: {}; close a loop through a topic instead",
            names.join(" -> ")
        );
        let draft = &self.drafts[current];
        let back = links[current].iter().find(|(input, _)| !placed[input.node]);
        let span = back.map_or(&draft.key.span, |(_, span)| span);
        self.problem(span, join(&draft.path, "input"), message);
    }

    /// Checks kinds of rows along every edge. Returns what each main output gives.
    fn check_rows(&self, links: &Links, order: &[usize]) -> Vec<Rows> {
        let mut gives = vec![Rows::Any; self.drafts.len()];
        for &index in order {
            let draft = &self.drafts[index];
            let mut comes = Rows::Any;
            for (input, span) in &links[index] {
                let producer = &self.drafts[input.node];
                let rows = match input.output {
                    MAIN => gives[input.node],
                    _ => Rows::Documents,
                };
                self.check_edge(draft, producer, rows, span);
                if draft.gives == Rows::Any && draft.role == Role::Operator && mixes(comes, rows) {
                    let message = format!(
                        "{} gives {rows}, the inputs before it {comes}; they cannot be one stream",
                        producer.key.name
                    );
                    self.problem(span, join(&draft.path, "input"), message);
                }
                comes = if comes == Rows::Any { rows } else { comes };
            }
            gives[index] = match draft.gives {
                Rows::Any if draft.understood => comes,
                gives => gives,
            };
        }
        gives
    }

    fn check_edge(&self, draft: &Draft, producer: &Draft, rows: Rows, span: &Span) {
        if rows == Rows::Any || draft.takes.iter().any(|takes| *takes == Rows::Any || *takes == rows) {
            return;
        }
        let takes: Vec<_> = draft.takes.iter().map(Rows::to_string).collect();
        let message = format!(
            "{} gives {rows}, but {} takes {}",
            producer.key.name,
            draft.key.name,
            takes.join(" or ")
        );
        self.problem(span, join(&draft.path, "input"), message);
    }

    fn check_keys(&self, links: &Links, order: &[usize], job: &JobWide) {
        let mut keyed = vec![false; self.drafts.len()];
        for &index in order {
            let draft = &self.drafts[index];
            let inherits = |(input, _): &(Input, Span)| input.output == MAIN && keyed[input.node];
            // Where something is wrong already, nothing is said of keys: the mistake behind it is reported.
            let is_doubtful = !draft.understood || links[index].len() < draft.inputs.len();
            let has_inputs = !links[index].is_empty();
            keyed[index] = draft.key_by
                || (draft.role != Role::Source && (is_doubtful || has_inputs && links[index].iter().all(inherits)));
            let needs_key = draft.keyed == Keyed::Yes;
            if needs_key && !keyed[index] && has_inputs {
                let message = format!(
                    "{} keeps state by key, and what it reads is not keyed; add key-by = \"key\"",
                    draft.kind
                );
                self.problem(&draft.key.span, join(&draft.path, "key-by"), message);
            }
            let parallelism = draft.parallelism.unwrap_or(job.parallelism);
            if (needs_key || draft.key_by) && parallelism > job.key_groups {
                let message = format!(
                    "{parallelism} subtasks cannot share {} key groups; lower parallelism or raise max-parallelism",
                    job.key_groups
                );
                self.problem(&draft.key.span, join(&draft.path, "parallelism"), message);
            }
        }
    }
}

fn mixes(before: Rows, rows: Rows) -> bool {
    before != Rows::Any && rows != Rows::Any && before != rows
}

fn unknown_output(draft: &Draft, name: &str) -> String {
    let sides = || draft.side_outputs.iter().map(String::as_str);
    let id = &draft.key.name;
    match nearest(name, sides()) {
        Some(near) => format!("{id} has no side output {name:?}; did you mean {near:?}?"),
        None if draft.side_outputs.is_empty() => format!("{id} has no side output {name:?}, and no other"),
        None => format!(
            "{id} has no side output {name:?}; it has {}",
            draft.side_outputs.join(", ")
        ),
    }
}

/// Outputs that lead nowhere: allowed, and probably not meant.
fn warn_of_loose_ends(drafts: &[Draft], links: &Links, warnings: &Problems) {
    let is_read = |node, output| {
        links
            .iter()
            .flatten()
            .any(|(input, _)| *input == Input { node, output })
    };
    let warn = |draft: &Draft, message: String| {
        warnings.push(Problem {
            span: draft.key.span.clone(),
            path: draft.path.clone(),
            message,
        });
    };
    for (index, draft) in drafts.iter().enumerate() {
        let id = &draft.key.name;
        if draft.role != Role::Sink && !is_read(index, MAIN) {
            warn(draft, format!("nobody reads {id}; its rows are dropped"));
        }
        if draft.role == Role::Source {
            let dead_letters = draft.on_bad_record == Some(ON_BAD_RECORD[0]);
            let others = draft.on_bad_record.is_some() && !dead_letters;
            if dead_letters && !is_read(index, 1) {
                warn(
                    draft,
                    format!("nobody reads {id}.{BAD_RECORDS}; bad records are counted and dropped"),
                );
            }
            if others && is_read(index, 1) {
                warn(
                    draft,
                    format!("{id}.{BAD_RECORDS} stays empty; set on-bad-record = \"dead-letter\""),
                );
            }
        }
    }
}

fn build(drafts: Vec<Draft>, links: &Links, order: &[usize], rows: &[Rows], job: &JobWide) -> LogicalGraph {
    let mut position = vec![0; drafts.len()];
    for (at, &index) in order.iter().enumerate() {
        position[index] = at;
    }
    let mut nodes: Vec<_> = drafts
        .into_iter()
        .enumerate()
        .map(|(index, draft)| {
            let inputs = links[index].iter().map(|(input, _)| Input {
                node: position[input.node],
                output: input.output,
            });
            let node = LogicalNode {
                options: draft.table.to_json().to_string(),
                id: draft.key.name,
                role: draft.role,
                kind: draft.kind,
                parallelism: draft.parallelism.unwrap_or(job.parallelism),
                inputs: inputs.collect(),
                key_by: draft.key_by,
                keyed_state: draft.keyed == Keyed::Yes,
                chain: draft.chain && job.chaining,
                rows: rows[index],
                side_outputs: draft.side_outputs,
            };
            (position[index], node)
        })
        .collect();
    nodes.sort_by_key(|(position, _)| *position);
    LogicalGraph {
        nodes: nodes.into_iter().map(|(_, node)| node).collect(),
    }
}
