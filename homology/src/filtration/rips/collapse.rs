//! Edge collapse: a smaller graph whose clique complex has the same persistent homology, in all degrees and over every
//! field.
//!
//! An edge is dominated at a value if some vertex `c`, joined to both ends, is joined to every other vertex that is
//! joined to both ends by then: its cliques then all extend by `c`. An edge that enters dominated may as well enter
//! when it stops being so, or never. Edges are treated in the order of descending values, each in the graph that those
//! before it have left (Glisse and Pritam, *Swap, shift and trim to edge collapse a filtration*, SoCG 2022; Boissonnat
//! and Pritam, *Edge collapse and persistence of flag complexes*, SoCG 2020).

mod lists;
mod matrix;
mod parallel;

use super::edges::{RankedEdge, RankedEdges};
use crate::Result;
use crate::limits::Meter;
use crate::sort::radix_sort;
use lists::Lists;
use matrix::Matrix;

/// The rank of an edge that never enters. Signed, because that is what vector units compare fastest.
const NEVER: i32 = i32::MAX;

/// Looks at this many members of a neighbourhood take the time of one cofacet.
const MEMBERS_PER_WORK: usize = 16;

/// The neighbourhoods of all vertices, as they change during a collapse.
trait Neighborhoods: Sync {
    /// The common neighbourhood of two vertices. Its members are named by their index in it.
    type Meeting: Send;

    /// An empty one, to be filled again and again.
    fn meeting(&self, meter: &mut Meter) -> Result<Self::Meeting>;

    /// Fills `meeting` with the common neighbourhood of `u` and `v`.
    fn meet(&self, u: u32, v: u32, meeting: &mut Self::Meeting);

    /// For every member, the rank from which on it is joined to both ends. [`NEVER`] for what is not a member.
    fn times(meeting: &Self::Meeting) -> &[i32];

    fn vertex(meeting: &Self::Meeting, member: usize) -> u32;

    /// For every member, the times and the rank from which on it is joined to `member`; 0 for `member` itself.
    fn row<'a>(&'a self, member: usize, meeting: &'a mut Self::Meeting) -> (&'a [i32], &'a [i32]);

    /// Ends the treatment of an edge: it enters at `rank`, or not at all at [`NEVER`]. Called once for each edge, last
    /// first.
    fn settle(&mut self, u: u32, v: u32, rank: i32);

    fn free(self, meter: &mut Meter);

    fn free_meeting(meeting: Self::Meeting, meter: &mut Meter);
}

/// The collapsed graph, the same for every number of threads. Costs a few looks at the common neighbourhood of each
/// edge.
pub(crate) fn collapse(edges: RankedEdges, threads: usize, meter: &mut Meter) -> Result<RankedEdges> {
    if edges.edges.len() >= NEVER as usize {
        return Ok(edges);
    }
    if prefer_matrix(&edges) {
        let matrix = Matrix::new(&edges, meter)?;
        collapse_in(matrix, edges, threads, meter)
    } else {
        let lists = Lists::new(&edges, meter)?;
        collapse_in(lists, edges, threads, meter)
    }
}

/// Whether whole rows of a matrix, compared at several vertices a step, serve better than lists.
fn prefer_matrix(edges: &RankedEdges) -> bool {
    let pairs = edges.vertices.saturating_mul(edges.vertices) / 2;
    edges.vertices <= 64 || pairs <= edges.edges.len().saturating_mul(8)
}

fn collapse_in<N: Neighborhoods>(
    mut graph: N,
    mut edges: RankedEdges,
    threads: usize,
    meter: &mut Meter,
) -> Result<RankedEdges> {
    let round = parallel::edges_per_round(&edges).filter(|_| threads > 1);
    if let Some(round) = round {
        parallel::treat(&mut graph, &mut edges, round, threads, meter)?;
    } else {
        let mut worker = Worker::new(&graph, edges.vertices, meter)?;
        for edge in edges.edges.iter_mut().rev() {
            let moved = worker.first_undominated(&graph, edge, meter)?;
            graph.settle(edge.i, edge.j, moved);
            edge.rank = moved as u32;
        }
        worker.free(meter);
    }
    graph.free(meter);
    edges.edges.retain(|edge| edge.rank != NEVER as u32);
    in_order(edges, meter)
}

/// Treats one edge after the other.
struct Worker<N: Neighborhoods> {
    meeting: N::Meeting,
    /// By member, the rank before which it cannot dominate.
    bounds: Vec<i32>,
    /// The vertices whose neighbours the last answer depends on.
    seen: Vec<u32>,
}

impl<N: Neighborhoods> Worker<N> {
    fn new(graph: &N, vertices: usize, meter: &mut Meter) -> Result<Self> {
        Ok(Self {
            meeting: graph.meeting(meter)?,
            bounds: meter.vec(vertices)?,
            seen: Vec::new(),
        })
    }

    fn free(self, meter: &mut Meter) {
        N::free_meeting(self.meeting, meter);
        meter.free(self.bounds);
        meter.free(self.seen);
    }

    /// The first rank from its own on at which no vertex dominates the edge.
    ///
    /// A member cannot dominate before it is joined to both ends and to all of the members that refuted others. The one
    /// with the least such bound is tried next; there are never many.
    fn first_undominated(&mut self, graph: &N, edge: &RankedEdge, meter: &mut Meter) -> Result<i32> {
        let mut now = edge.rank as i32;
        graph.meet(edge.i, edge.j, &mut self.meeting);
        self.bounds.clear();
        self.bounds.extend_from_slice(N::times(&self.meeting));
        self.seen.clear();
        meter.work(1)?;
        let mut least = self.bounds.iter().fold(NEVER, |least, bound| least.min(*bound));
        while least <= now {
            let Some(candidate) = position(&self.bounds, |bound| *bound == least) else {
                break;
            };
            meter.push(&mut self.seen, N::vertex(&self.meeting, candidate))?;
            let (times, row) = graph.row(candidate, &mut self.meeting);
            meter.work(1 + times.len() / MEMBERS_PER_WORK)?;
            let missed = match farthest(times, row, now) {
                Some(member) => member,
                None => match next_missed(times, row, now) {
                    Some(member) => {
                        now = times[member];
                        member
                    }
                    None => return Ok(NEVER),
                },
            };
            meter.push(&mut self.seen, N::vertex(&self.meeting, missed))?;
            least = raise(&mut self.bounds, graph.row(missed, &mut self.meeting).1);
        }
        Ok(now)
    }
}

/// Of the members that have entered by `now` and are not joined to the candidate by then, the one joined last.
///
/// * `times`, `row` — when each member enters the neighbourhood, and when it is joined to the candidate
fn farthest(times: &[i32], row: &[i32], now: i32) -> Option<usize> {
    let entered = |(time, joined): (&i32, &i32)| if *time <= now { *joined } else { 0 };
    let last = times.iter().zip(row).map(entered).fold(0, i32::max);
    if last <= now {
        return None;
    }
    times
        .iter()
        .zip(row)
        .position(|(time, joined)| *time <= now && *joined == last)
}

/// The first member to enter after `now` without being joined to the candidate by then.
fn next_missed(times: &[i32], row: &[i32], now: i32) -> Option<usize> {
    let missed = |(time, joined): (&i32, &i32)| if *time > now && joined > time { *time } else { NEVER };
    let next = times.iter().zip(row).map(missed).fold(NEVER, i32::min);
    if next == NEVER {
        return None;
    }
    times
        .iter()
        .zip(row)
        .position(|(time, joined)| *time == next && *joined > next)
}

/// Raises each bound to that of the row, and returns the least.
fn raise(bounds: &mut [i32], row: &[i32]) -> i32 {
    let mut least = NEVER;
    for (bound, joined) in bounds.iter_mut().zip(row) {
        *bound = (*bound).max(*joined);
        least = least.min(*bound);
    }
    least
}

/// The first index of a value that is as wanted; a block without one is passed over at once.
fn position(values: &[i32], wanted: impl Fn(&i32) -> bool) -> Option<usize> {
    const BLOCK: usize = 32;
    let has_one = |block: &[i32]| block.iter().fold(false, |found, value| found | wanted(value));
    let at = values.chunks(BLOCK).position(has_one)? * BLOCK;
    values[at..].iter().position(wanted).map(|within| at + within)
}

/// Sorts the edges again after their ranks have changed, and leaves out the values that no edge has any more.
fn in_order(edges: RankedEdges, meter: &mut Meter) -> Result<RankedEdges> {
    let RankedEdges {
        vertices,
        edges,
        values,
    } = edges;
    let by_vertices = |edge: &RankedEdge, shift: u32, mask: usize| {
        ((u64::from(edge.i) << u32::BITS | u64::from(edge.j)) >> shift) as usize & mask
    };
    let by_rank = |edge: &RankedEdge, shift: u32, mask: usize| (edge.rank >> shift) as usize & mask;
    let edges = radix_sort(edges, u64::BITS, by_vertices, meter)?;
    let mut edges = radix_sort(edges, u32::BITS, by_rank, meter)?;
    let lengths = edges.chunk_by(|a, b| a.rank == b.rank).count();
    let mut kept = meter.vec(lengths)?;
    for tied in edges.chunk_by_mut(|a, b| a.rank == b.rank) {
        let rank = kept.len() as u32;
        kept.push(values[tied[0].rank as usize]);
        tied.iter_mut().for_each(|edge| edge.rank = rank);
    }
    meter.free(values);
    Ok(RankedEdges {
        vertices,
        edges,
        values: kept,
    })
}
