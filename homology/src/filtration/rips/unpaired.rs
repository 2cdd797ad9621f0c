//! Enumeration of the simplices that are in no apparent pair: few of all, and found without a look at the others one
//! by one.
//!
//! A simplex is its longest edge and a clique of the lune of that edge, which are the vertices nearer than its length
//! to both ends. With `m` the smallest vertex of the clique and `T` the others, the simplex has an apparent cofacet if
//! some smaller vertex of the lune is joined to `m` and all of `T`, and an apparent facet if none is joined to all of
//! `T`. So for every `T` it is enough to go through the vertices of the lune that are joined to all of `T`.

use super::{Complex, Graph};
use crate::Result;
use crate::field::Field;
use crate::limits::Meter;
use crate::simplex::MAX_VERTICES;

/// Calls `visit(vertices, rank, meter)` for every simplex of `dimension >= 2` in no apparent pair, by descending rank;
/// vertices are ascending.
pub(crate) fn for_each_unpaired<G: Graph, F: Field>(
    complex: &Complex<G, F>,
    dimension: usize,
    meter: &mut Meter,
    mut visit: impl FnMut(&[u32], u32, &mut Meter) -> Result<()>,
) -> Result<()> {
    let mut members: Vec<u32> = meter.vec(complex.graph.vertices())?;
    let mut lune = Lune::default();
    for rank in (0..complex.ends.len() as u32).rev() {
        let ends = complex.ends[rank as usize];
        members.clear();
        complex.graph.lune(ends[0], ends[1], rank, &mut members);
        meter.work(1 + members.len())?;
        let mut visit_clique = |clique: &[u32], meter: &mut Meter| {
            let mut vertices = [0; MAX_VERTICES];
            let vertices = &mut vertices[..=dimension];
            vertices[..2].copy_from_slice(&ends);
            vertices[2..].copy_from_slice(clique);
            vertices.sort_unstable();
            visit(vertices, rank, meter)
        };
        if dimension > 2 {
            lune.join(&complex.graph, &members, rank, meter)?;
            lune.for_each_unpaired(&members, dimension - 1, meter, &mut visit_clique)?;
            continue;
        }
        for (at, vertex) in members.iter().enumerate().skip(1) {
            if !complex.graph.is_joined_to_any(*vertex, &members[..at], rank) {
                visit_clique(&[*vertex], meter)?;
            }
        }
    }
    meter.free(members);
    lune.free(meter);
    Ok(())
}

/// Which vertices of a lune are joined, as sets of bits.
#[derive(Debug, Default)]
struct Lune {
    /// Words of a set.
    words: usize,
    /// For each member, those before it that are joined to it.
    below: Vec<u64>,
    /// For each vertex chosen so far, the members before it that are joined to all of the chosen ones.
    candidates: Vec<u64>,
}

impl Lune {
    fn join(&mut self, graph: &impl Graph, members: &[u32], rank: u32, meter: &mut Meter) -> Result<()> {
        self.words = members.len().div_ceil(u64::BITS as usize);
        let words = self.words;
        self.below.clear();
        meter.reserve(&mut self.below, members.len() * words)?;
        self.below.resize(members.len() * words, 0);
        for (at, vertex) in members.iter().enumerate() {
            let row = &mut self.below[at * words..(at + 1) * words];
            meter.work(1 + at / u64::BITS as usize)?;
            graph.for_each_joined(*vertex, &members[..at], rank, |other| {
                row[other / 64] |= 1 << (other % 64)
            });
        }
        Ok(())
    }

    /// Visits the cliques of `size` members that make simplices in no apparent pair.
    fn for_each_unpaired(
        &mut self,
        members: &[u32],
        size: usize,
        meter: &mut Meter,
        visit: &mut impl FnMut(&[u32], &mut Meter) -> Result<()>,
    ) -> Result<()> {
        if members.len() < size + 1 {
            return Ok(());
        }
        self.candidates.clear();
        meter.reserve(&mut self.candidates, size * self.words)?;
        self.candidates.resize(self.words, u64::MAX);
        if !members.len().is_multiple_of(64) {
            self.candidates[self.words - 1] = (1 << (members.len() % 64)) - 1;
        }
        let mut clique = [0; MAX_VERTICES];
        self.extend(members, size, &mut clique[..size], meter, visit)
    }

    /// `clique[open..]` is chosen, and the last set of `candidates` are the members that may extend it.
    fn extend(
        &mut self,
        members: &[u32],
        open: usize,
        clique: &mut [u32],
        meter: &mut Meter,
        visit: &mut impl FnMut(&[u32], &mut Meter) -> Result<()>,
    ) -> Result<()> {
        let start = self.candidates.len() - self.words;
        meter.work(1)?;
        let mut is_first = true;
        for word in 0..self.words {
            let mut bits = self.candidates[start + word];
            while bits != 0 {
                let member = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                clique[open - 1] = members[member];
                let below = member * self.words;
                let joined = |at: usize| self.candidates[start + at] & self.below[below + at];
                if open == 1 {
                    let is_unpaired = !is_first && (0..=word).all(|at| joined(at) == 0);
                    is_first = false;
                    if is_unpaired {
                        visit(clique, meter)?;
                    }
                    continue;
                }
                let smaller: u32 = (0..=word).map(|at| joined(at).count_ones()).sum();
                // One is always in an apparent pair.
                if smaller as usize > open - 1 {
                    for at in 0..self.words {
                        let set = self.candidates[start + at] & self.below[below + at];
                        // Room for as many sets as vertices is reserved.
                        self.candidates.push(set);
                    }
                    self.extend(members, open - 1, clique, meter, visit)?;
                    self.candidates.truncate(start + self.words);
                }
            }
        }
        Ok(())
    }

    fn free(self, meter: &mut Meter) {
        meter.free(self.below);
        meter.free(self.candidates);
    }
}
