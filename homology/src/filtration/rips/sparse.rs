//! Neighbourhoods as lists, for graphs in which most pairs are not joined.

use std::ops::ControlFlow;

use super::edges::RankedEdges;
use super::{Graph, NEVER, Neighbor};
use crate::Result;
use crate::limits::Meter;
use crate::simplex::MAX_VERTICES;

#[derive(Debug)]
pub(crate) struct SparseGraph {
    /// The neighbours of vertex `v` are at `starts[v]..starts[v + 1]`.
    starts: Vec<usize>,
    /// Ascending within each vertex.
    neighbors: Vec<Neighbor>,
}

impl SparseGraph {
    pub fn new(edges: &RankedEdges, meter: &mut Meter) -> Result<Self> {
        let mut starts = meter.vec(edges.vertices + 1)?;
        let mut end = 0;
        starts.push(end);
        for degree in edges.degrees() {
            end += degree as usize;
            starts.push(end);
        }
        let mut free = starts.clone();
        let mut neighbors = meter.vec(end)?;
        neighbors.resize(end, Neighbor { vertex: 0, rank: NEVER });
        for edge in &edges.edges {
            for (from, vertex) in [(edge.i, edge.j), (edge.j, edge.i)] {
                let slot = &mut free[from as usize];
                neighbors[*slot] = Neighbor {
                    vertex,
                    rank: edge.rank,
                };
                *slot += 1;
            }
        }
        for vertex in 0..edges.vertices {
            meter.work(0)?;
            neighbors[starts[vertex]..starts[vertex + 1]].sort_unstable_by_key(|neighbor| neighbor.vertex);
        }
        Ok(Self { starts, neighbors })
    }

    #[inline]
    fn list(&self, vertex: u32) -> &[Neighbor] {
        &self.neighbors[self.starts[vertex as usize]..self.starts[vertex as usize + 1]]
    }
}

impl Graph for SparseGraph {
    fn vertices(&self) -> usize {
        self.starts.len() - 1
    }

    fn rank(&self, i: u32, j: u32) -> u32 {
        let (a, b) = (self.list(i), self.list(j));
        let (list, vertex) = if a.len() < b.len() { (a, j) } else { (b, i) };
        list.binary_search_by_key(&vertex, |neighbor| neighbor.vertex)
            .map_or(NEVER, |at| list[at].rank)
    }

    #[inline]
    fn cofacets(&self, simplex: &[u32], rank: u32, mut visit: impl FnMut(usize, u32, u32) -> ControlFlow<()>) {
        // Walks the shortest list and follows it in the others.
        let mut lists: [&[Neighbor]; MAX_VERTICES] = [&[]; MAX_VERTICES];
        let lists = &mut lists[..simplex.len()];
        for (list, vertex) in lists.iter_mut().zip(simplex) {
            *list = self.list(*vertex);
        }
        let shortest = (0..lists.len()).min_by_key(|at| lists[*at].len()).unwrap_or(0);
        lists.swap(0, shortest);
        let Some((leader, others)) = lists.split_first_mut() else {
            return;
        };
        let mut position = 0;
        'candidates: for candidate in leader.iter() {
            let mut longest = rank.max(candidate.rank);
            for list in others.iter_mut() {
                let skipped = list
                    .iter()
                    .take_while(|neighbor| neighbor.vertex < candidate.vertex)
                    .count();
                *list = &list[skipped..];
                match list.first() {
                    None => return,
                    Some(neighbor) if neighbor.vertex == candidate.vertex => longest = longest.max(neighbor.rank),
                    Some(_) => continue 'candidates,
                }
            }
            while simplex.get(position).is_some_and(|vertex| *vertex < candidate.vertex) {
                position += 1;
            }
            if visit(position, candidate.vertex, longest).is_break() {
                return;
            }
        }
    }

    #[inline]
    fn has_cofacet_of_rank(&self, simplex: &[u32], rank: u32, end: u32) -> bool {
        let mut lists: [&[Neighbor]; MAX_VERTICES] = [&[]; MAX_VERTICES];
        let lists = &mut lists[..simplex.len()];
        for (list, vertex) in lists.iter_mut().zip(simplex) {
            *list = self.list(*vertex);
        }
        let shortest = (0..lists.len()).min_by_key(|at| lists[*at].len()).unwrap_or(0);
        lists.swap(0, shortest);
        let Some((leader, others)) = lists.split_first_mut() else {
            return false;
        };
        'candidates: for candidate in leader.iter().take_while(|candidate| candidate.vertex < end) {
            if candidate.rank > rank {
                continue;
            }
            for list in others.iter_mut() {
                *list = from_vertex(list, candidate.vertex);
                match list.first() {
                    None => return false,
                    Some(neighbor) if neighbor.vertex == candidate.vertex && neighbor.rank <= rank => {}
                    Some(_) => continue 'candidates,
                }
            }
            return true;
        }
        false
    }

    fn lune(&self, i: u32, j: u32, rank: u32, into: &mut Vec<u32>) {
        let mut list = self.list(j);
        for neighbor in self.list(i).iter().filter(|neighbor| neighbor.rank <= rank) {
            list = from_vertex(list, neighbor.vertex);
            match list.first() {
                None => return,
                Some(other) if other.vertex == neighbor.vertex && other.rank <= rank => into.push(other.vertex),
                Some(_) => {}
            }
        }
    }

    fn is_joined_to_any(&self, vertex: u32, others: &[u32], rank: u32) -> bool {
        others.iter().any(|other| self.rank(vertex, *other) <= rank)
    }

    fn for_each_joined(&self, vertex: u32, others: &[u32], rank: u32, mut visit: impl FnMut(usize)) {
        let mut list = self.list(vertex);
        for (index, other) in others.iter().enumerate() {
            list = from_vertex(list, *other);
            match list.first() {
                None => return,
                Some(neighbor) if neighbor.vertex == *other && neighbor.rank <= rank => visit(index),
                Some(_) => {}
            }
        }
    }
}

/// The part of an ascending list that begins at `vertex` or behind.
#[inline]
fn from_vertex(list: &[Neighbor], vertex: u32) -> &[Neighbor] {
    let skipped = list.iter().take_while(|neighbor| neighbor.vertex < vertex).count();
    &list[skipped..]
}
