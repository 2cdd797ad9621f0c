//! Plans as they are explained.

use proptest::prelude::*;

use super::*;
use crate::graph::explain::explain;
use crate::graph::{PhysicalGraph, Shipping, Target};

/// `name xN` of every vertex and `from -> to shipping` of every edge.
fn outline(graph: &PhysicalGraph) -> Vec<String> {
    let vertices = graph
        .vertices
        .iter()
        .map(|vertex| format!("[{}] {} x{}", vertex.id, vertex.name, vertex.parallelism));
    let edges = graph
        .edges
        .iter()
        .map(|edge| format!("{} -> {} port {} {:?}", edge.from, edge.to, edge.port, edge.shipping));
    vertices.chain(edges).collect()
}

#[test]
fn the_whole_job_is_explained() {
    let job = job(WHOLE);
    let expected = "\
Job job
  parallelism  4
  key groups   128
  needs        4 slots, for 12 tasks
  state under  points, windows, drift
  checkpoints  every 30 s, exactly-once, time-out 10 min, aligned, 10 may fail, 1 kept
  restart      exponential-delay: 100 ms to 1 min, times 1.5, jitter 0.1, reset after 1 h

Logical graph
  points       source kafka          x4
  windows      operator window       x4  key-by, state by key  <- points
  persistence  operator persistence  x4                        <- windows
  drift        operator drift        x4  state by key          <- persistence
  results      sink kafka            x4                        <- persistence, drift
  errors       sink kafka            x4                        <- points.bad, windows.late, persistence.failed

Physical graph
  [0] Source: points  x4
      |  points of [0]: hash, by key over 128 key groups
      v
  [1] windows -> persistence -> drift -> Sink: results  x4
      |  points.bad of [0]: forward, subtask to subtask
      |  windows.late of [1]: forward, subtask to subtask
      |  persistence.failed of [1]: forward, subtask to subtask
      v
  [2] Sink: errors  x4
";
    assert_eq!(explain(&job, &job.plan()), expected);
}

#[test]
fn a_job_without_keys_is_one_chain_that_may_fork() {
    let text = "parallelism = 2\n[source.a]\nconnector = \"generator\"\n\
                [operator.b]\ntype = \"union\"\ninput = \"a\"\n\
                [sink.c]\nconnector = \"discard\"\ninput = \"b\"\n\
                [sink.d]\nconnector = \"discard\"\ninput = [\"a\", \"b\"]\n";
    let graph = job(text).plan();
    assert_eq!(outline(&graph), ["[0] Source: a -> b -> (Sink: c, Sink: d) x2"]);
    let into_d: Vec<_> = graph.vertices[0]
        .routes
        .iter()
        .filter(|route| matches!(route.to, Target::Node(3, _)))
        .map(|route| (route.from, route.to))
        .collect();
    assert_eq!(into_d, [(0, Target::Node(3, 0)), (1, Target::Node(3, 1))]);
}

#[test]
fn unequal_parallelism_rebalances_rows_without_keys_and_hashes_those_with() {
    let text = "[source.a]\nconnector = \"generator\"\n\
                [operator.b]\ntype = \"union\"\ninput = \"a\"\nparallelism = 3\n\
                [operator.w]\ntype = \"window\"\ninput = \"b\"\nkey-by = \"key\"\nparallelism = 2\n\
                [operator.p]\ntype = \"persistence\"\ninput = \"w\"\nparallelism = 4\n\
                [operator.d]\ntype = \"drift\"\ninput = \"p\"\nparallelism = 4\n\
                [sink.out]\nconnector = \"discard\"\ninput = \"d\"\n";
    assert_eq!(
        outline(&job(text).plan()),
        [
            "[0] Source: a x1",
            "[1] b x3",
            "[2] w x2",
            "[3] p -> d x4",
            "[4] Sink: out x1",
            "0 -> 1 port 0 Rebalance",
            "1 -> 2 port 0 Hash",
            "2 -> 3 port 0 Hash",
            "3 -> 4 port 0 Hash",
        ]
    );
}

#[test]
fn chaining_can_be_refused_by_a_node_and_by_the_job() {
    let text = "[source.a]\nconnector = \"generator\"\n\
                [operator.b]\ntype = \"union\"\ninput = \"a\"\nchain = false\n\
                [sink.c]\nconnector = \"discard\"\ninput = \"b\"\n";
    assert_eq!(
        outline(&job(text).plan()),
        ["[0] Source: a x1", "[1] b -> Sink: c x1", "0 -> 1 port 0 Forward"]
    );
    let nowhere = format!("operator-chaining = false\n{text}");
    assert_eq!(job(&nowhere).plan().vertices.len(), 3);
}

#[test]
fn nodes_carry_their_options_with_defaults_filled_in() {
    let graph = job(WHOLE).plan();
    let node = |vertex: usize, node: usize| -> serde_json::Value {
        serde_json::from_str(&graph.vertices[vertex].nodes[node].options).unwrap()
    };
    assert_eq!(node(0, 0)["on-bad-record"], "dead-letter");
    assert_eq!(node(1, 3)["format"], "result-json");
}

/// A random job: unions over random earlier nodes, some keyed, all read by sinks.
fn arbitrary_job() -> impl Strategy<Value = String> {
    let node = (
        1u16..4,
        any::<bool>(),
        any::<bool>(),
        proptest::collection::btree_set(0usize..8, 1..4),
    );
    (1usize..3, proptest::collection::vec(node, 1..8)).prop_map(|(sources, nodes)| {
        let mut text = String::new();
        for source in 0..sources {
            text += &format!(
                "[source.n{source}]\nconnector = \"generator\"\nparallelism = {}\n",
                source + 1
            );
        }
        let mut sinks = String::new();
        for (index, (parallelism, keyed, sink, inputs)) in nodes.into_iter().enumerate() {
            let index = index + sources;
            let inputs: std::collections::BTreeSet<_> = inputs.into_iter().map(|input| input % index).collect();
            let inputs: Vec<_> = inputs.into_iter().map(|input| format!("\"n{input}\"")).collect();
            let key_by = if keyed { "key-by = \"key\"\n" } else { "" };
            text += &format!(
                "[operator.n{index}]\ntype = \"union\"\n{key_by}parallelism = {parallelism}\ninput = [{}]\n",
                inputs.join(", ")
            );
            if sink {
                sinks += &format!("[sink.s{index}]\nconnector = \"discard\"\ninput = [\"n{index}\", \"n0\"]\n");
            }
        }
        text + &sinks + "[sink.last]\nconnector = \"discard\"\ninput = \"n0\"\n"
    })
}

proptest! {
    #[test]
    fn plans_are_sound(text in arbitrary_job()) {
        let job = job(&text);
        let graph = job.plan();
        prop_assert_eq!(&graph, &super::job(&text).plan());
        prop_assert_eq!(graph.vertices.iter().map(|vertex| vertex.nodes.len()).sum::<usize>(), job.graph.nodes.len());
        for (index, edge) in graph.edges.iter().enumerate() {
            prop_assert!(edge.from.0 < edge.to.0, "topological order");
            let (from, to) = (graph.vertex(edge.from), graph.vertex(edge.to));
            prop_assert!(edge.shipping != Shipping::Forward || from.parallelism == to.parallelism);
            let routes = from.routes.iter().filter(|route| route.to == Target::Edge(index)).count();
            prop_assert_eq!(routes, 1);
        }
        for (at, vertex) in graph.vertices.iter().enumerate() {
            prop_assert_eq!(usize::from(vertex.id.0), at);
            for route in &vertex.routes {
                match route.to {
                    Target::Node(to, _) => prop_assert!(route.from < to && to < vertex.nodes.len()),
                    Target::Edge(edge) => prop_assert_eq!(graph.edges[edge].from, vertex.id),
                }
            }
            // Every node but the head is fed inside its chain, once per input.
            for (position, node) in vertex.nodes.iter().enumerate() {
                let logical = job.graph.nodes.iter().find(|other| other.id == node.id).unwrap();
                let inside = vertex.routes.iter().filter(|route| matches!(route.to, Target::Node(to, _) if to == position));
                let outside = graph.inputs_of(vertex.id).count();
                let fed = if position == 0 { outside } else { inside.count() };
                prop_assert_eq!(fed, logical.inputs.len());
            }
        }
    }
}
