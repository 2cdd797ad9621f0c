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

/// Lists are scattered over an array of all vertices and read back from there, which needs no comparisons.
#[derive(Debug)]
pub(super) struct Lists {
    /// The neighbours of vertex `v` are the first `degrees[v]` from `starts[v]` on, of which the first `pending[v]` are
    /// those whose edges are yet to be treated, in the order of the filtration.
    starts: Vec<usize>,
    degrees: Vec<u32>,
    pending: Vec<u32>,
    neighbors: Vec<Neighbor>,
    largest: usize,
}

/// One common neighbourhood.
#[derive(Debug)]
pub(super) struct Meeting {
    /// The vertices that are members, and their times; only the first `size` count.
    members: Vec<u32>,
    times: Vec<i32>,
    size: usize,
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
        let mut pending = meter.vec(edges.vertices)?;
        pending.extend_from_slice(&degrees);
        Ok(Self {
            starts,
            degrees,
            pending,
            neighbors,
            largest,
        })
    }

    fn list(&self, vertex: u32) -> &[Neighbor] {
        let start = self.starts[vertex as usize];
        &self.neighbors[start..start + self.degrees[vertex as usize] as usize]
    }

    /// Changes or drops one direction of the edge treated now, which is the last of those pending.
    fn settle_neighbor(&mut self, from: u32, rank: i32) {
        let start = self.starts[from as usize];
        let (pending, degree) = (&mut self.pending[from as usize], &mut self.degrees[from as usize]);
        *pending -= 1;
        let at = start + *pending as usize;
        if rank == NEVER {
            *degree -= 1;
            self.neighbors[at] = self.neighbors[start + *degree as usize];
        } else {
            self.neighbors[at].rank = rank;
        }
    }
}

impl Neighborhoods for Lists {
    type Meeting = Meeting;

    fn meeting(&self, meter: &mut Meter) -> Result<Meeting> {
        let (mut slots, mut stamps) = (meter.vec(self.starts.len())?, meter.vec(self.starts.len())?);
        slots.resize(self.starts.len(), 0);
        stamps.resize(self.starts.len(), NEVER);
        let (mut members, mut times) = (meter.vec(self.largest + 1)?, meter.vec(self.largest + 1)?);
        members.resize(self.largest + 1, 0);
        times.resize(self.largest + 1, NEVER);
        Ok(Meeting {
            members,
            times,
            size: 0,
            slots,
            stamps,
            row: meter.vec(self.largest + 1)?,
        })
    }

    fn meet(&self, u: u32, v: u32, meeting: &mut Meeting) {
        let Meeting {
            members,
            times,
            size,
            slots,
            stamps,
            ..
        } = meeting;
        for member in &members[..*size] {
            slots[*member as usize] = 0;
        }
        for neighbor in self.list(u) {
            stamps[neighbor.vertex as usize] = neighbor.rank;
        }
        // Every neighbour is written, and overwritten by the next one unless it is a member: half of all are, which no
        // branch could predict.
        let mut count = 0;
        for neighbor in self.list(v) {
            let time = neighbor.rank.max(stamps[neighbor.vertex as usize]);
            members[count] = neighbor.vertex;
            times[count] = time;
            count += usize::from(time != NEVER);
        }
        for (member, slot) in members[..count].iter().zip(1..) {
            slots[*member as usize] = slot;
        }
        *size = count;
        for neighbor in self.list(u) {
            stamps[neighbor.vertex as usize] = NEVER;
        }
    }

    fn times(meeting: &Meeting) -> &[i32] {
        &meeting.times[..meeting.size]
    }

    fn vertex(meeting: &Meeting, member: usize) -> u32 {
        meeting.members[member]
    }

    fn row<'a>(&'a self, member: usize, meeting: &'a mut Meeting) -> (&'a [i32], &'a [i32]) {
        let Meeting {
            members,
            times,
            size,
            slots,
            row,
            ..
        } = meeting;
        row.clear();
        row.resize(*size + 1, NEVER);
        for neighbor in self.list(members[member]) {
            row[slots[neighbor.vertex as usize] as usize] = neighbor.rank;
        }
        row[member + 1] = 0;
        (&times[..*size], &row[1..])
    }

    fn settle(&mut self, u: u32, v: u32, rank: i32) {
        self.settle_neighbor(u, rank);
        self.settle_neighbor(v, rank);
    }

    fn free(self, meter: &mut Meter) {
        meter.free(self.starts);
        meter.free(self.degrees);
        meter.free(self.pending);
        meter.free(self.neighbors);
    }

    fn free_meeting(meeting: Meeting, meter: &mut Meter) {
        meter.free(meeting.members);
        meter.free(meeting.times);
        meter.free(meeting.slots);
        meter.free(meeting.stamps);
        meter.free(meeting.row);
    }
}
