//! The edges of a triangulation of space: found, numbered and measured by turning around each of them once.

use super::order::{enters_before, value_below};
use super::spheres;
use crate::Result;
use crate::filtration::delaunay::{Mesh, NONE, Sites, place_of};
use crate::limits::Meter;

/// Cells handled between two looks at the limits.
const BLOCK: usize = 1 << 10;

/// The places of the ends of the six edges of a cell.
pub(super) const ENDS: [[usize; 2]; 6] = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]];
/// The number of the edge between two places.
const NUMBER: [[usize; 4]; 4] = [[6, 0, 1, 2], [0, 6, 3, 4], [1, 3, 6, 5], [2, 4, 5, 6]];

/// All edges, numbered by the cell that has them first.
pub(super) struct Edges {
    /// The six edges of each cell, in the order of [`ENDS`].
    pub of_cell: Vec<[u32; 6]>,
    /// Ends of each edge, the lower number first.
    pub ends: Vec<[u32; 2]>,
    /// When each edge enters.
    pub values: Vec<f64>,
    /// The first triangle that contains each edge, in the order in which triangles enter.
    pub first_cofacet: Vec<u32>,
}

/// A triangulation of space whose triangles have values.
#[derive(Clone, Copy)]
pub(super) struct Valued<'a> {
    pub sites: &'a Sites<3>,
    pub mesh: &'a Mesh<4>,
    pub triangles: &'a [f64],
}

impl Edges {
    pub fn new(space: Valued<'_>, meter: &mut Meter) -> Result<Self> {
        let cells = space.mesh.cells.len();
        // Euler: vertices − edges + triangles − cells = 1.
        let count = space.sites.points.len() + space.triangles.len() - cells;
        let mut edges = Self {
            of_cell: meter.vec(cells)?,
            ends: meter.vec(count)?,
            values: meter.vec(count)?,
            first_cofacet: meter.vec(count)?,
        };
        edges.of_cell.resize(cells, [NONE; 6]);
        for cell in 0..cells {
            if cell % BLOCK == 0 {
                meter.work(6 * BLOCK)?;
            }
            for (number, ends) in ENDS.iter().enumerate() {
                if edges.of_cell[cell][number] == NONE {
                    edges.turn_around(space, cell as u32, *ends);
                }
            }
        }
        Ok(edges)
    }

    /// Numbers an edge in all its cells, and finds its value.
    fn turn_around(&mut self, space: Valued<'_>, cell: u32, ends: [usize; 2]) {
        let [a, b] = ends.map(|place| space.mesh.cells[cell as usize][place]);
        let mut turn = Turn {
            space,
            edge: self.values.len() as u32,
            ends: [a.min(b), a.max(b)],
            first_cofacet: NONE,
            attached: false,
        };
        let [left, right] = other_places(ends);
        if !turn.run(&mut self.of_cell, cell, left, right) {
            // The edge is on the hull: the other way round as well.
            turn.run(&mut self.of_cell, cell, right, left);
        }
        let first = space.triangles[turn.first_cofacet as usize];
        let own = || spheres::edge(space.sites, turn.ends[0], turn.ends[1]);
        self.values.push(value_below(first, turn.attached, own));
        self.ends.push(turn.ends);
        self.first_cofacet.push(turn.first_cofacet);
    }

    /// The edges of a triangle, opposite to its lowest, middle and highest vertex: with the signs +, −, + its boundary.
    #[inline]
    pub fn boundary(&self, mesh: &Mesh<4>, triangle: u32) -> [u32; 3] {
        let slot = mesh.facet_slots[triangle as usize] as usize;
        let (cell, missing) = (slot / 4, slot % 4);
        let vertices = &mesh.cells[cell];
        let mut corners = match missing {
            0 => [1, 2, 3],
            1 => [0, 2, 3],
            2 => [0, 1, 3],
            _ => [0, 1, 2],
        };
        let mut order = |i: usize, j: usize| {
            if vertices[corners[i]] > vertices[corners[j]] {
                corners.swap(i, j);
            }
        };
        order(0, 1);
        order(1, 2);
        order(0, 1);
        let [low, middle, high] = corners;
        [(middle, high), (low, high), (low, middle)].map(|(i, j)| self.of_cell[cell][NUMBER[i][j]])
    }

    /// The last edge of a triangle to enter.
    pub fn last_of(&self, mesh: &Mesh<4>, triangle: u32) -> u32 {
        let [a, b, c] = self.boundary(mesh, triangle);
        let later = |a: u32, b: u32| if enters_before(&self.values, a, b) { b } else { a };
        later(later(a, b), c)
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.of_cell);
        meter.free(self.ends);
        meter.free(self.values);
        meter.free(self.first_cofacet);
    }
}

/// What is known of an edge while it is turned around.
struct Turn<'a> {
    space: Valued<'a>,
    edge: u32,
    ends: [u32; 2],
    first_cofacet: u32,
    attached: bool,
}

impl Turn<'_> {
    /// Turns from a cell through its facet at `exit` until it comes back (true) or to the hull (false). `entry` is the
    /// place of the other vertex that is not on the edge.
    fn run(&mut self, of_cell: &mut [[u32; 6]], first: u32, mut exit: usize, mut entry: usize) -> bool {
        let mesh = self.space.mesh;
        let [a, b] = self.ends;
        let mut cell = first as usize;
        loop {
            let vertices = &mesh.cells[cell];
            of_cell[cell][NUMBER[place_of(vertices, a)][place_of(vertices, b)]] = self.edge;
            // The facet at `exit` is the triangle of the edge and the vertex at `entry`.
            let vertex = vertices[entry];
            self.visit(mesh.facets[cell][exit], vertex);
            let next = mesh.neighbors[cell][exit];
            if next == first || next == NONE {
                return next == first;
            }
            entry = place_of(&mesh.neighbors[next as usize], cell as u32);
            exit = place_of(&mesh.cells[next as usize], vertex);
            cell = next as usize;
        }
    }

    #[inline]
    fn visit(&mut self, triangle: u32, vertex: u32) {
        if self.first_cofacet == NONE || enters_before(self.space.triangles, triangle, self.first_cofacet) {
            self.first_cofacet = triangle;
        }
        let [a, b] = self.ends;
        self.attached = self.attached || spheres::attaches_edge(self.space.sites, a, b, vertex);
    }
}

fn other_places([a, b]: [usize; 2]) -> [usize; 2] {
    let edge = NUMBER[a][b];
    // Opposite edges are numbered from both ends of the list.
    ENDS[5 - edge]
}
