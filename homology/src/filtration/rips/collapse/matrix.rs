//! Neighbourhoods as a full matrix of ranks, for graphs in which many pairs are joined.

use super::{NEVER, Neighborhoods};
use crate::Result;
use crate::filtration::rips::edges::RankedEdges;
use crate::limits::Meter;

/// Members of a neighbourhood are vertices themselves: whole rows are compared, whose units a vector holds several of.
#[derive(Debug)]
pub(super) struct Matrix {
    vertices: usize,
    /// Row-major and symmetric, 0 on the diagonal.
    ranks: Vec<i32>,
}

impl Matrix {
    pub fn new(edges: &RankedEdges, meter: &mut Meter) -> Result<Self> {
        let vertices = edges.vertices;
        let mut ranks = meter.vec(vertices.saturating_mul(vertices))?;
        for vertex in 0..vertices {
            meter.work(0)?;
            ranks.resize((vertex + 1) * vertices, NEVER);
            ranks[vertex * vertices + vertex] = 0;
        }
        let mut matrix = Self { vertices, ranks };
        for block in edges.edges.chunks(1 << 14) {
            meter.work(0)?;
            block
                .iter()
                .for_each(|edge| matrix.set(edge.i, edge.j, edge.rank as i32));
        }
        Ok(matrix)
    }

    fn row_of(&self, vertex: u32) -> &[i32] {
        let start = vertex as usize * self.vertices;
        &self.ranks[start..start + self.vertices]
    }

    fn set(&mut self, u: u32, v: u32, rank: i32) {
        self.ranks[u as usize * self.vertices + v as usize] = rank;
        self.ranks[v as usize * self.vertices + u as usize] = rank;
    }
}

impl Neighborhoods for Matrix {
    /// The times.
    type Meeting = Vec<i32>;

    fn meeting(&self, meter: &mut Meter) -> Result<Vec<i32>> {
        let mut times = meter.vec(self.vertices)?;
        times.resize(self.vertices, NEVER);
        Ok(times)
    }

    fn meet(&self, u: u32, v: u32, times: &mut Vec<i32>) {
        for ((time, a), b) in times.iter_mut().zip(self.row_of(u)).zip(self.row_of(v)) {
            *time = *a.max(b);
        }
        times[u as usize] = NEVER;
        times[v as usize] = NEVER;
    }

    fn times(times: &Vec<i32>) -> &[i32] {
        times
    }

    fn vertex(_: &Vec<i32>, member: usize) -> u32 {
        member as u32
    }

    fn row<'a>(&'a self, member: usize, times: &'a mut Vec<i32>) -> (&'a [i32], &'a [i32]) {
        (times, self.row_of(member as u32))
    }

    fn settle(&mut self, u: u32, v: u32, rank: i32) {
        self.set(u, v, rank);
    }

    fn free(self, meter: &mut Meter) {
        meter.free(self.ranks);
    }

    fn free_meeting(times: Vec<i32>, meter: &mut Meter) {
        meter.free(times);
    }
}
