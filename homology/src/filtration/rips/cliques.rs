//! Enumeration of all simplices of one dimension, without storing those of the dimension below.

use super::{Graph, Neighbor};
use crate::Result;
use crate::limits::Meter;

/// Calls `visit(vertices, rank, meter)` once for every clique of `count >= 2` vertices, given in ascending order.
///
/// Vertices are chosen from the largest down; each level keeps the common smaller neighbours of those chosen so far.
/// Costs time in proportion to the cliques of `count - 1` and `count` vertices; memory of `count` rows.
pub(crate) fn for_each_clique<G: Graph>(
    graph: &G,
    count: usize,
    meter: &mut Meter,
    mut visit: impl FnMut(&[u32], u32, &mut Meter) -> Result<()>,
) -> Result<()> {
    let mut chosen = vec![0; count];
    let mut levels = vec![Vec::new(); count - 1];
    for vertex in 0..graph.vertices() as u32 {
        let candidates = &mut levels[0];
        candidates.clear();
        graph.smaller_neighbors(vertex, candidates);
        meter.work(candidates.len())?;
        chosen[count - 1] = vertex;
        extend(graph, &mut chosen, count - 1, 0, &mut levels, meter, &mut visit)?;
    }
    Ok(())
}

/// `chosen[open..]` is a clique of rank `rank`; `levels[0]` are the vertices that may extend it.
fn extend<G: Graph>(
    graph: &G,
    chosen: &mut [u32],
    open: usize,
    rank: u32,
    levels: &mut [Vec<Neighbor>],
    meter: &mut Meter,
    visit: &mut impl FnMut(&[u32], u32, &mut Meter) -> Result<()>,
) -> Result<()> {
    let Some((candidates, deeper)) = levels.split_first_mut() else {
        return Ok(());
    };
    for (at, candidate) in candidates.iter().enumerate() {
        let rank = rank.max(candidate.rank);
        chosen[open - 1] = candidate.vertex;
        if open == 1 {
            visit(chosen, rank, meter)?;
            continue;
        }
        if at + 1 < open {
            // Too few smaller candidates are left to choose the rest from.
            continue;
        }
        meter.work(at)?;
        deeper[0].clear();
        graph.joined(candidate.vertex, &candidates[..at], &mut deeper[0]);
        extend(graph, chosen, open - 1, rank, deeper, meter, visit)?;
    }
    Ok(())
}
