//! Neighbourhoods as lists, for graphs in which few pairs are joined.

use super::{NEVER, Neighborhoods};
use crate::Result;
use crate::filtration::rips::edges::RankedEdges;
use crate::limits::Meter;

#[derive(Debug, Clone, Copy)]
struct Neighbor {
    vertex: u32,
    rank: i32,
}

/// Lists are in no order: they are scattered over an array of all vertices and read back from there, which needs no
/// comparisons.
#[derive(Debug)]
pub(super) struct Lists {
    /// The neighbours of vertex `v` are the first `degrees[v]` from `starts[v]` on.
    starts: Vec<usize>,
    degrees: Vec<u32>,
    neighbors: Vec<Neighbor>,
    /// The vertices that are members of the current neighbourhood, and their times.
    members: Vec<u32>,
    times: Vec<i32>,
    /// One more than the index of each vertex among the members; 0 for all others.
    slots: Vec<u32>,
    /// By vertex, only within [`Neighborhoods::meet`]: the rank of its edge to one end.
    stamps: Vec<i32>,
    /// By slot: what is not a member is thrown to 0.
    row: Vec<i32>,
}

impl Lists {
    pub fn new(edges: &RankedEdges, meter: &mut Meter) -> Result<Self> {
        let mut degrees: Vec<u32> = meter.vec(edges.vertices)?;
        degrees.resize(edges.vertices, 0);
        let mut starts = meter.vec(edges.vertices)?;
        let mut end = 0;
        for degree in edges.degrees() {
            starts.push(end);
            end += degree as usize;
        }
        let mut neighbors = meter.vec(end)?;
        neighbors.resize(end, Neighbor { vertex: 0, rank: NEVER });
        for block in edges.edges.chunks(1 << 14) {
            meter.work(0)?;
            for edge in block {
                for (from, vertex) in [(edge.i, edge.j), (edge.j, edge.i)] {
                    let degree = &mut degrees[from as usize];
                    neighbors[starts[from as usize] + *degree as usize] = Neighbor {
                        vertex,
                        rank: edge.rank as i32,
                    };
                    *degree += 1;
                }
            }
        }
        let largest = degrees.iter().copied().max().unwrap_or(0) as usize;
        let (mut slots, mut stamps) = (meter.vec(edges.vertices)?, meter.vec(edges.vertices)?);
        slots.resize(edges.vertices, 0);
        stamps.resize(edges.vertices, NEVER);
        Ok(Self {
            starts,
            degrees,
            neighbors,
            members: meter.vec(largest)?,
            times: meter.vec(largest)?,
            slots,
            stamps,
            row: meter.vec(largest + 1)?,
        })
    }

    fn list(&self, vertex: u32) -> &[Neighbor] {
        let start = self.starts[vertex as usize];
        &self.neighbors[start..start + self.degrees[vertex as usize] as usize]
    }

    /// Changes or drops one direction of an edge.
    fn move_neighbor(&mut self, from: u32, to: u32, rank: i32) {
        let start = self.starts[from as usize];
        let Some(at) = self.list(from).iter().position(|neighbor| neighbor.vertex == to) else {
            return;
        };
        if rank == NEVER {
            self.degrees[from as usize] -= 1;
            self.neighbors[start + at] = self.neighbors[start + self.degrees[from as usize] as usize];
        } else {
            self.neighbors[start + at].rank = rank;
        }
    }
}

impl Neighborhoods for Lists {
    fn meet(&mut self, u: u32, v: u32) {
        self.members.iter().for_each(|member| self.slots[*member as usize] = 0);
        self.members.clear();
        self.times.clear();
        let Self {
            starts,
            degrees,
            neighbors,
            members,
            times,
            slots,
            stamps,
            ..
        } = self;
        let list = |vertex: u32| {
            let start = starts[vertex as usize];
            &neighbors[start..start + degrees[vertex as usize] as usize]
        };
        for neighbor in list(u) {
            stamps[neighbor.vertex as usize] = neighbor.rank;
        }
        for neighbor in list(v) {
            let time = neighbor.rank.max(stamps[neighbor.vertex as usize]);
            if time != NEVER {
                // As many places as the largest degree were reserved.
                members.push(neighbor.vertex);
                times.push(time);
                slots[neighbor.vertex as usize] = members.len() as u32;
            }
        }
        for neighbor in list(u) {
            stamps[neighbor.vertex as usize] = NEVER;
        }
    }

    fn times(&self) -> &[i32] {
        &self.times
    }

    fn row(&mut self, member: usize) -> (&[i32], &[i32]) {
        let vertex = self.members[member];
        self.row.clear();
        self.row.resize(self.members.len() + 1, NEVER);
        let start = self.starts[vertex as usize];
        for neighbor in &self.neighbors[start..start + self.degrees[vertex as usize] as usize] {
            self.row[self.slots[neighbor.vertex as usize] as usize] = neighbor.rank;
        }
        self.row[member + 1] = 0;
        (&self.times, &self.row[1..])
    }

    fn move_edge(&mut self, u: u32, v: u32, rank: i32) {
        self.move_neighbor(u, v, rank);
        self.move_neighbor(v, u, rank);
    }

    fn free(self, meter: &mut Meter) {
        meter.free(self.starts);
        meter.free(self.degrees);
        meter.free(self.neighbors);
        meter.free(self.members);
        meter.free(self.times);
        meter.free(self.slots);
        meter.free(self.stamps);
        meter.free(self.row);
    }
}
