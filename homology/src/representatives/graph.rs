//! The edges of a Rips filtration, vertex by vertex in the order in which they enter.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::filtration::rips::RankedEdges;
use crate::limits::Meter;
use crate::{Error, Result};

/// A neighbour and the place of the edge to it in the order of the filtration.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Neighbor {
    pub vertex: u32,
    pub edge: u32,
}

/// A graph at every moment of its growth. Edges are called by their places in the order of the filtration, which is
/// strict: by length, then by vertices.
pub(super) struct GrowingGraph<'a> {
    edges: &'a RankedEdges,
    /// The neighbours of vertex `v` are at `starts[v]..starts[v + 1]`, first edge first.
    starts: Vec<usize>,
    neighbors: Vec<Neighbor>,
    /// By vertex: the edge to one end of an edge at hand, if `marked` by that edge.
    marks: Vec<Neighbor>,
    /// By vertex, for shortest paths: length so far and last edge.
    reached: Vec<(f64, u32)>,
}

/// No edge.
const NONE: u32 = u32::MAX;

impl<'a> GrowingGraph<'a> {
    pub fn new(edges: &'a RankedEdges, meter: &mut Meter) -> Result<Self> {
        if edges.edges.len() >= NONE as usize {
            return Err(Error::TooManyColumns {
                found: edges.edges.len(),
            });
        }
        let mut starts = meter.vec(edges.vertices + 2)?;
        starts.resize(edges.vertices + 2, 0);
        // Counted two places up, so that filling in moves each start to where it belongs.
        for edge in &edges.edges {
            starts[edge.i as usize + 2] += 1;
            starts[edge.j as usize + 2] += 1;
        }
        for vertex in 2..starts.len() {
            starts[vertex] += starts[vertex - 1];
        }
        let mut neighbors = meter.vec(2 * edges.edges.len())?;
        neighbors.resize(2 * edges.edges.len(), Neighbor::default());
        for (place, edge) in (0..).zip(&edges.edges) {
            meter.work(0)?;
            for (from, vertex) in [(edge.i, edge.j), (edge.j, edge.i)] {
                let next = &mut starts[from as usize + 1];
                neighbors[*next] = Neighbor { vertex, edge: place };
                *next += 1;
            }
        }
        let nobody = Neighbor { vertex: 0, edge: NONE };
        let (mut marks, mut reached) = (meter.vec(edges.vertices)?, meter.vec(edges.vertices)?);
        marks.resize(edges.vertices, nobody);
        reached.resize(edges.vertices, (f64::INFINITY, NONE));
        Ok(Self {
            edges,
            starts,
            neighbors,
            marks,
            reached,
        })
    }

    pub fn vertices(&self) -> usize {
        self.edges.vertices
    }

    /// The number of edges in the end.
    pub fn len(&self) -> usize {
        self.edges.edges.len()
    }

    /// The ends of an edge, the smaller one first.
    pub fn ends(&self, edge: u32) -> [u32; 2] {
        let edge = &self.edges.edges[edge as usize];
        [edge.j, edge.i]
    }

    pub fn length(&self, edge: u32) -> f64 {
        self.edges.values[self.edges.edges[edge as usize].rank as usize]
    }

    /// The neighbours of `vertex` by edges before `edge`, first edge first.
    pub fn neighbors_before(&self, vertex: u32, edge: u32) -> &[Neighbor] {
        let all = &self.neighbors[self.starts[vertex as usize]..self.starts[vertex as usize + 1]];
        &all[..all.partition_point(|neighbor| neighbor.edge < edge)]
    }

    /// Calls `visit(vertex, edges)` for each vertex of the lune of `edge`: those joined to both ends by edges before it,
    /// which are given, that to the smaller end first.
    pub fn for_each_in_lune(&mut self, edge: u32, mut visit: impl FnMut(u32, [u32; 2])) {
        let [a, b] = self.ends(edge);
        for at in self.starts[a as usize]..self.starts[a as usize + 1] {
            let Neighbor { vertex, edge: side } = self.neighbors[at];
            if side >= edge {
                break;
            }
            self.marks[vertex as usize] = Neighbor { vertex: side, edge };
        }
        for neighbor in self.neighbors_before(b, edge) {
            let mark = self.marks[neighbor.vertex as usize];
            if mark.edge == edge {
                visit(neighbor.vertex, [mark.vertex, neighbor.edge]);
            }
        }
    }

    /// The edges from the ends of `edge` to the vertex of its lune whose later edge is the earliest, that from the
    /// smaller end first; none if the lune is empty.
    pub fn first_triangle(&mut self, edge: u32) -> Option<[u32; 2]> {
        let mut first: Option<[u32; 2]> = None;
        self.for_each_in_lune(edge, |_, sides| {
            if first.is_none_or(|first| sides[0].max(sides[1]) < first[0].max(first[1])) {
                first = Some(sides);
            }
        });
        first
    }

    /// Appends the edges of a shortest path, by the sum of its lengths, from the larger to the smaller end of `edge`
    /// along edges before it; false if there is none.
    pub fn shortest_path(&mut self, edge: u32, path: &mut Vec<u32>, meter: &mut Meter) -> Result<bool> {
        const ITEM_BYTES: usize = size_of::<Reverse<(u64, u32)>>();
        let [target, source] = self.ends(edge);
        let mut touched = Vec::new();
        meter.push(&mut touched, source)?;
        // Lengths are not negative, so that their bits are ordered as they are.
        let mut queue = BinaryHeap::from([Reverse((0_u64, source))]);
        let mut capacity = 0;
        self.reached[source as usize] = (0.0, NONE);
        while let Some(Reverse((bits, vertex))) = queue.pop() {
            let length = f64::from_bits(bits);
            if vertex == target {
                break;
            }
            if length > self.reached[vertex as usize].0 {
                continue;
            }
            meter.work(1)?;
            for at in self.starts[vertex as usize]..self.starts[vertex as usize + 1] {
                let Neighbor {
                    vertex: next,
                    edge: side,
                } = self.neighbors[at];
                if side >= edge {
                    break;
                }
                let length = length + self.length(side);
                let reached = &mut self.reached[next as usize];
                if length < reached.0 {
                    if reached.1 == NONE {
                        meter.push(&mut touched, next)?;
                    }
                    *reached = (length, side);
                    queue.push(Reverse((length.to_bits(), next)));
                    meter.charge(ITEM_BYTES * (queue.capacity() - capacity))?;
                    capacity = queue.capacity();
                }
            }
        }
        let found = self.reached[target as usize].0 < f64::INFINITY;
        let start = path.len();
        let mut vertex = target;
        while found && vertex != source {
            let side = self.reached[vertex as usize].1;
            meter.push(path, side)?;
            let [a, b] = self.ends(side);
            vertex = if a == vertex { b } else { a };
        }
        path[start..].reverse();
        for vertex in &touched {
            self.reached[*vertex as usize] = (f64::INFINITY, NONE);
        }
        meter.free(touched);
        meter.release(ITEM_BYTES * capacity);
        Ok(found)
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.starts);
        meter.free(self.neighbors);
        meter.free(self.marks);
        meter.free(self.reached);
    }
}
