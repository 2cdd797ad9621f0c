//! A collapse by several threads, with the result of one.
//!
//! The next edges are treated side by side, all in the graph as it stands, and then settled one after the other. An
//! answer holds if none of the edges settled before it had an end among the vertices whose neighbours it depends on;
//! the others are treated again. In a large sparse graph the next edges are mostly far apart, and nearly all answers
//! hold.

use super::{Neighborhoods, RankedEdge, RankedEdges, Worker};
use crate::Result;
use crate::limits::Meter;

/// Of so many vertices, the neighbours of at most two are changed in one round.
const VERTICES_PER_EDGE: usize = 64;

/// Fewer edges in a round do not pay for starting the threads.
const FEW_EDGES: usize = 128;

/// How many edges to treat side by side; none if it does not pay.
pub(super) fn edges_per_round(edges: &RankedEdges) -> Option<usize> {
    let round = edges.vertices / VERTICES_PER_EDGE;
    (round >= FEW_EDGES).then_some(round)
}

/// The answer for one edge, and where the vertices that it depends on end in the list of the thread.
#[derive(Debug, Clone, Copy)]
struct Answer {
    rank: i32,
    seen_end: usize,
}

/// What one thread finds in a round.
struct Share<N: Neighborhoods> {
    worker: Worker<N>,
    answers: Vec<Answer>,
    seen: Vec<u32>,
}

impl<N: Neighborhoods> Share<N> {
    fn new(graph: &N, vertices: usize, meter: &mut Meter) -> Result<Self> {
        Ok(Self {
            worker: Worker::new(graph, vertices, meter)?,
            answers: Vec::new(),
            seen: Vec::new(),
        })
    }

    /// Treats `edges`, last first, without settling them.
    fn treat(&mut self, graph: &N, edges: &[RankedEdge], meter: &mut Meter) -> Result<()> {
        self.answers.clear();
        self.seen.clear();
        for edge in edges.iter().rev() {
            let rank = self.worker.first_undominated(graph, edge, meter)?;
            meter.reserve(&mut self.seen, self.worker.seen.len())?;
            self.seen.extend_from_slice(&self.worker.seen);
            let seen_end = self.seen.len();
            meter.push(&mut self.answers, Answer { rank, seen_end })?;
        }
        Ok(())
    }
}

/// Treats and settles all edges, `round` at a time, writing their new ranks.
pub(super) fn treat<N: Neighborhoods>(
    graph: &mut N,
    edges: &mut RankedEdges,
    round: usize,
    threads: usize,
    meter: &mut Meter,
) -> Result<()> {
    let per_thread = round.div_ceil(threads);
    let mut shares = Vec::new();
    for _ in 0..threads {
        shares.push(Share::new(graph, edges.vertices, meter)?);
    }
    let mut again = Worker::new(graph, edges.vertices, meter)?;
    // The round in which the neighbours of each vertex last changed.
    let mut changed: Vec<u32> = meter.vec(edges.vertices)?;
    changed.resize(edges.vertices, 0);
    for (edges, now) in edges.edges.rchunks_mut(round).zip(1..) {
        treat_side_by_side(graph, edges, per_thread, &mut shares, meter)?;
        for (edges, share) in edges.rchunks_mut(per_thread).zip(&shares) {
            let mut start = 0;
            for (edge, answer) in edges.iter_mut().rev().zip(&share.answers) {
                let seen = &share.seen[start..answer.seen_end];
                start = answer.seen_end;
                let has_changed = |vertex: &u32| changed[*vertex as usize] == now;
                let holds = ![edge.i, edge.j].iter().chain(seen).any(has_changed);
                let rank = if holds {
                    answer.rank
                } else {
                    again.first_undominated(graph, edge, meter)?
                };
                if rank != edge.rank as i32 {
                    changed[edge.i as usize] = now;
                    changed[edge.j as usize] = now;
                }
                graph.settle(edge.i, edge.j, rank);
                edge.rank = rank as u32;
            }
        }
    }
    meter.free(changed);
    again.free(meter);
    for share in shares {
        share.worker.free(meter);
        meter.free(share.answers);
        meter.free(share.seen);
    }
    Ok(())
}

/// One part of `edges`, `per_thread` long, for each share; the last part, which comes first, on this thread.
fn treat_side_by_side<N: Neighborhoods>(
    graph: &N,
    edges: &[RankedEdge],
    per_thread: usize,
    shares: &mut [Share<N>],
    meter: &mut Meter,
) -> Result<()> {
    let mut meters = meter.parts(shares.len());
    let outcomes = std::thread::scope(|scope| {
        let mut jobs = edges.rchunks(per_thread).zip(shares).zip(&mut meters);
        let own = jobs.next();
        let spawn = |((edges, share), meter)| {
            let (share, meter): (&mut Share<N>, &mut Meter) = (share, meter);
            scope.spawn(move || share.treat(graph, edges, meter))
        };
        let spawned: Vec<_> = jobs.map(spawn).collect();
        let mut outcome = match own {
            Some(((edges, share), meter)) => share.treat(graph, edges, meter),
            None => Ok(()),
        };
        for job in spawned {
            let joined = job.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            outcome = outcome.and(joined);
        }
        outcome
    });
    meter.join(meters)?;
    outcomes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Lists, Matrix};
    use super::*;
    use crate::{Limits, SparseEdges};

    /// A graph with many ties.
    fn edges() -> impl Strategy<Value = SparseEdges> {
        const VERTICES: usize = 24;
        prop::collection::vec(prop::option::weighted(0.6, 0..40_u8), VERTICES * (VERTICES - 1) / 2).prop_map(|values| {
            let pairs = (0..VERTICES).flat_map(|i| (0..i).map(move |j| (i, j)));
            let edges: Vec<_> = pairs
                .zip(values)
                .filter_map(|((i, j), value)| Some((i, j, f64::from(value?))))
                .collect();
            SparseEdges::new(VERTICES, &edges).unwrap()
        })
    }

    fn ranked(edges: &SparseEdges, meter: &mut Meter) -> RankedEdges {
        RankedEdges::of_sparse(edges, f64::MAX, meter).unwrap()
    }

    proptest! {
        #[test]
        fn several_threads_leave_the_graph_that_one_leaves(
            sparse in edges(),
            threads in 2..5_usize,
            round in 2..30_usize,
        ) {
            let meter = &mut Meter::new(&Limits::default());
            let mut expected = ranked(&sparse, meter);
            let mut graph = Lists::new(&expected, meter).unwrap();
            let mut worker = Worker::new(&graph, expected.vertices, meter).unwrap();
            for edge in expected.edges.iter_mut().rev() {
                let rank = worker.first_undominated(&graph, edge, meter).unwrap();
                graph.settle(edge.i, edge.j, rank);
                edge.rank = rank as u32;
            }
            let mut in_lists = ranked(&sparse, meter);
            let mut graph = Lists::new(&in_lists, meter).unwrap();
            treat(&mut graph, &mut in_lists, round, threads, meter).unwrap();
            prop_assert_eq!(&in_lists.edges, &expected.edges);
            let mut in_matrix = ranked(&sparse, meter);
            let mut graph = Matrix::new(&in_matrix, meter).unwrap();
            treat(&mut graph, &mut in_matrix, round, threads, meter).unwrap();
            prop_assert_eq!(&in_matrix.edges, &expected.edges);
        }
    }
}
