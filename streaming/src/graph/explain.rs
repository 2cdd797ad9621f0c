//! A plan as text, for people.

use std::fmt::Write as _;
use std::time::Duration;

use super::logical::{LogicalGraph, LogicalNode};
use super::{Edge, PhysicalGraph, Role, Shipping, Target};
use crate::job::{Checkpointing, Job, Restart};
use crate::operator::Output;

/// Both graphs of a job, with what it needs and how it is kept alive.
pub fn explain(job: &Job, graph: &PhysicalGraph) -> String {
    let mut out = String::new();
    section(&mut out, &format!("Job {}", job.name), &settings(job, graph));
    section(&mut out, "Logical graph", &logical(&job.graph));
    section(&mut out, "Physical graph", &physical(&job.graph, graph));
    out
}

fn section(out: &mut String, title: &str, lines: &[String]) {
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(title);
    out.push('\n');
    for line in lines {
        out.push_str(format!("  {line}").trim_end());
        out.push('\n');
    }
}

fn settings(job: &Job, graph: &PhysicalGraph) -> Vec<String> {
    let tasks: u32 = graph.vertices.iter().map(|vertex| u32::from(vertex.parallelism)).sum();
    let stateful = job
        .graph
        .nodes
        .iter()
        .filter(|node| node.role == Role::Source || node.keyed_state);
    let stateful: Vec<_> = stateful.map(|node| node.id.as_str()).collect();
    let rows = [
        ("parallelism", job.parallelism.to_string()),
        ("key groups", graph.key_groups.to_string()),
        (
            "needs",
            format!("{}, for {}", count(graph.slots().into(), "slot"), count(tasks, "task")),
        ),
        ("state under", stateful.join(", ")),
        ("checkpoints", describe_checkpointing(job.checkpointing.as_ref())),
        ("restart", describe_restart(&job.restart)),
    ];
    table(rows.map(|(name, value)| vec![name.to_owned(), value]).to_vec())
}

fn describe_checkpointing(checkpointing: Option<&Checkpointing>) -> String {
    let Some(checkpointing) = checkpointing else {
        return "none: a failure starts from the beginning".to_owned();
    };
    let mut text = format!(
        "every {}, {}, time-out {}",
        show(checkpointing.interval),
        checkpointing.mode.name(),
        show(checkpointing.timeout)
    );
    if !checkpointing.min_pause.is_zero() {
        let _ = write!(text, ", {} between two", show(checkpointing.min_pause));
    }
    match (checkpointing.unaligned, checkpointing.aligned_timeout) {
        (false, _) => text += ", aligned",
        (true, Duration::ZERO) => text += ", unaligned",
        (true, timeout) => {
            let _ = write!(text, ", unaligned after {}", show(timeout));
        }
    }
    let _ = write!(
        text,
        ", {} may fail, {} kept",
        checkpointing.tolerable_failed, checkpointing.num_retained
    );
    if checkpointing.retain_on_cancel {
        text += ", also after a cancel";
    }
    text
}

fn describe_restart(restart: &Restart) -> String {
    match restart {
        Restart::None => "none: the first failure fails the job".to_owned(),
        Restart::FixedDelay { attempts, delay } => {
            format!("fixed-delay: {} after {}", count(*attempts, "attempt"), show(*delay))
        }
        Restart::FailureRate {
            max_failures,
            interval,
            delay,
        } => format!(
            "failure-rate: after {}, at most {} in {}",
            show(*delay),
            count(*max_failures, "failure"),
            show(*interval)
        ),
        Restart::ExponentialDelay {
            initial_backoff,
            max_backoff,
            multiplier,
            reset_threshold,
            jitter,
            attempts,
        } => {
            let limit = attempts.map(|attempts| format!(", at most {}", count(attempts, "attempt")));
            format!(
                "exponential-delay: {} to {}, times {multiplier}, jitter {jitter}{}, reset after {}",
                show(*initial_backoff),
                show(*max_backoff),
                limit.unwrap_or_default(),
                show(*reset_threshold)
            )
        }
    }
}

fn logical(graph: &LogicalGraph) -> Vec<String> {
    let rows = graph.nodes.iter().map(|node| {
        let inputs: Vec<_> = node.inputs.iter().map(|input| graph.output_name(*input)).collect();
        let reads = if inputs.is_empty() {
            String::new()
        } else {
            format!("<- {}", inputs.join(", "))
        };
        vec![
            node.id.clone(),
            format!("{} {}", role(node.role), node.kind),
            format!("x{}", node.parallelism),
            traits_of(node),
            reads,
        ]
    });
    table(rows.collect())
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Source => "source",
        Role::Operator => "operator",
        Role::Sink => "sink",
    }
}

fn traits_of(node: &LogicalNode) -> String {
    match (node.key_by, node.keyed_state) {
        (true, true) => "key-by, state by key".to_owned(),
        (true, false) => "key-by".to_owned(),
        (false, true) => "state by key".to_owned(),
        (false, false) => String::new(),
    }
}

fn physical(logical: &LogicalGraph, graph: &PhysicalGraph) -> Vec<String> {
    let mut lines = Vec::new();
    for vertex in &graph.vertices {
        for (index, edge) in graph.inputs_of(vertex.id) {
            lines.push(format!("    |  {}", describe_edge(logical, graph, index, edge)));
        }
        if lines.last().is_some_and(|line| line.starts_with("    |")) {
            lines.push("    v".to_owned());
        }
        lines.push(format!("[{}] {}  x{}", vertex.id, vertex.name, vertex.parallelism));
    }
    lines
}

/// `points.bad from [0], rebalance`
fn describe_edge(logical: &LogicalGraph, graph: &PhysicalGraph, index: usize, edge: &Edge) -> String {
    let from = graph.vertex(edge.from);
    let route = from.routes.iter().find(|route| route.to == Target::Edge(index));
    let output = route.map_or_else(String::new, |route| {
        output_name(logical, &from.nodes[route.from].id, route.output)
    });
    let shipping = match edge.shipping {
        Shipping::Forward => "forward, subtask to subtask".to_owned(),
        Shipping::Hash => format!("hash, by key over {} key groups", graph.key_groups),
        Shipping::Rebalance => format!(
            "rebalance, {} to {}",
            from.parallelism,
            graph.vertex(edge.to).parallelism
        ),
        Shipping::Broadcast => "broadcast, to every subtask".to_owned(),
    };
    format!("{output} of [{}]: {shipping}", edge.from)
}

fn output_name(logical: &LogicalGraph, id: &str, output: Output) -> String {
    let node = logical.nodes.iter().position(|node| node.id == id);
    node.map_or_else(
        || id.to_owned(),
        |node| logical.output_name(super::logical::Input { node, output }),
    )
}

fn count(number: u32, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// A duration in its largest whole unit: `30 s`, `1500 ms`, `10 min`.
fn show(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [(3_600_000, "h"), (60_000, "min"), (1000, "s")];
    for (size, unit) in units {
        if millis >= size && millis.is_multiple_of(size) {
            return format!("{} {unit}", millis / size);
        }
    }
    format!("{millis} ms")
}

/// Rows with their columns below each other.
fn table(rows: Vec<Vec<String>>) -> Vec<String> {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns).map(width).collect();
    let lines = rows.iter().map(|row| {
        let cells = row
            .iter()
            .zip(&widths)
            .filter(|(_, width)| **width > 0)
            .map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect()
}
