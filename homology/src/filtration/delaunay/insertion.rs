//! Insertion of points into a Delaunay triangulation, in any dimension.

use super::mesh::place_of;
use super::sites::Sites;
use crate::limits::Meter;
use crate::{Error, Result};

/// The vertex at infinity, which closes the triangulation to a sphere.
pub(super) const INFINITY: u32 = u32::MAX;
/// No cell.
const UNSET: u32 = u32::MAX;
/// Facets are numbered as cell times `N` plus place, and must fit in 32 bits.
const MOST_CELLS: usize = 1 << 29;

/// A simplex with positive orientation; `neighbors[i]` shares all vertices but `vertices[i]`. A cell with the vertex
/// [`INFINITY`] has a facet of the convex hull opposite to it, and all points beyond as its inside.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell<const N: usize> {
    pub vertices: [u32; N],
    pub neighbors: [u32; N],
}

impl<const N: usize> Cell<N> {
    #[inline(always)]
    pub fn place_of_infinity(&self) -> Option<usize> {
        self.vertices.iter().position(|vertex| *vertex == INFINITY)
    }
}

/// The Delaunay (with weights: regular) triangulation of the sites inserted so far, `N − 1` the dimension.
///
/// Cospherical points are told apart by simulation of simplicity: each site is lifted by an infinitesimal amount, a
/// later one by infinitely more than all before it. So a new point that lies on the sphere of a cell is outside it.
#[derive(Debug)]
pub(crate) struct Triangulation<const N: usize> {
    pub(super) cells: Vec<Cell<N>>,
    /// Per cell, the last insertion that has tested it: twice the point, plus 1 if they are in conflict.
    stamps: Vec<u32>,
    /// Cells not in use.
    pub(super) free: Vec<u32>,
    /// Where the next walk starts.
    start: u32,
    /// The cells whose spheres contain the point under insertion.
    conflicts: Vec<u32>,
    /// The facets around them: a cell in conflict and a place; later the new cell on that facet.
    boundary: Vec<(u32, u32)>,
}

impl<const N: usize> Triangulation<N> {
    /// Triangulates all sites. The first `N` of them are affinely independent.
    ///
    /// Costs `O(n log n)` for points that are spread evenly, and as much as the triangulation has cells at worst.
    pub fn of_sites<const D: usize>(sites: &Sites<D>, meter: &mut Meter) -> Result<Self> {
        let mut triangulation = Self::of_simplex(sites, meter)?;
        for point in N..sites.points.len() {
            triangulation.insert(sites, point as u32, meter)?;
        }
        meter.free(std::mem::take(&mut triangulation.stamps));
        meter.free(std::mem::take(&mut triangulation.conflicts));
        meter.free(std::mem::take(&mut triangulation.boundary));
        Ok(triangulation)
    }

    /// One finite cell, and one infinite cell at each of its facets.
    fn of_simplex<const D: usize>(sites: &Sites<D>, meter: &mut Meter) -> Result<Self> {
        let mut vertices = std::array::from_fn(|at| at as u32);
        if sites.orientation(vertices) < 0 {
            vertices.swap(0, 1);
        }
        // Evenly spread points in space have 6.8 finite cells each.
        let cells_per_point = [0, 0, 1, 2, 7][N];
        let mut cells = meter.vec(cells_per_point * sites.points.len() + 64)?;
        cells.push(Cell {
            vertices,
            neighbors: std::array::from_fn(|at| at as u32 + 1),
        });
        for facet in 0..N {
            let mut cell = Cell {
                vertices,
                neighbors: std::array::from_fn(|at| at as u32 + 1),
            };
            (cell.vertices[facet], cell.neighbors[facet]) = (INFINITY, 0);
            // Infinity is on the other side of the facet.
            cell.vertices.swap(0, 1);
            cell.neighbors.swap(0, 1);
            cells.push(cell);
        }
        let mut stamps = meter.vec(cells.capacity())?;
        stamps.resize(cells.len(), 0);
        Ok(Self {
            cells,
            stamps,
            free: Vec::new(),
            start: 0,
            conflicts: Vec::new(),
            boundary: Vec::new(),
        })
    }

    fn insert<const D: usize>(&mut self, sites: &Sites<D>, point: u32, meter: &mut Meter) -> Result<()> {
        let cell = self.locate(sites, point, meter)?;
        // Only a point with a small weight can be outside the sphere of a cell that contains it: it is hidden.
        if !sites.weights.is_empty() && !self.in_conflict(sites, cell, point) {
            self.start = cell;
            return Ok(());
        }
        self.find_conflicts(sites, cell, point, meter)?;
        self.fill_cavity(point, meter)?;
        meter.work(self.boundary.len())?;
        meter.reserve(&mut self.free, self.conflicts.len())?;
        self.free.extend_from_slice(&self.conflicts);
        Ok(())
    }

    /// The cell that contains a point, by a walk through facets that have the point on their other side. In a Delaunay
    /// triangulation no such walk returns to a cell (Edelsbrunner, *An acyclicity theorem for cell complexes*, 1990).
    fn locate<const D: usize>(&self, sites: &Sites<D>, point: u32, meter: &mut Meter) -> Result<u32> {
        let mut current = self.start;
        if let Some(place) = self.cells[current as usize].place_of_infinity() {
            current = self.cells[current as usize].neighbors[place];
        }
        let mut previous = UNSET;
        let mut steps = 0;
        'walk: loop {
            steps += 1;
            if steps % 1024 == 0 {
                meter.work(1024)?;
            }
            let cell = &self.cells[current as usize];
            for place in 0..N {
                let neighbor = cell.neighbors[place];
                if neighbor == previous {
                    continue;
                }
                let mut moved = cell.vertices;
                moved[place] = point;
                if sites.orientation(moved) < 0 {
                    if self.cells[neighbor as usize].place_of_infinity().is_some() {
                        return Ok(neighbor);
                    }
                    (previous, current) = (current, neighbor);
                    continue 'walk;
                }
            }
            return Ok(current);
        }
    }

    /// Whether the sphere of a cell contains a point.
    #[inline]
    fn in_conflict<const D: usize>(&self, sites: &Sites<D>, cell: u32, point: u32) -> bool {
        let cell = &self.cells[cell as usize];
        let Some(place) = cell.place_of_infinity() else {
            return sites.in_sphere(cell.vertices, point) > 0;
        };
        let mut moved = cell.vertices;
        moved[place] = point;
        match sites.orientation(moved) {
            // The point is in the plane of the facet. There, all spheres through its corners are the same circle.
            0 => sites.in_sphere(self.cells[cell.neighbors[place] as usize].vertices, point) > 0,
            sign => sign > 0,
        }
    }

    /// Collects the cells in conflict with a point, which are connected, and the facets around them.
    fn find_conflicts<const D: usize>(
        &mut self,
        sites: &Sites<D>,
        first: u32,
        point: u32,
        meter: &mut Meter,
    ) -> Result<()> {
        let (without, within) = (2 * point, 2 * point + 1);
        self.conflicts.clear();
        self.boundary.clear();
        self.stamps[first as usize] = within;
        meter.push(&mut self.conflicts, first)?;
        let mut next = 0;
        while let Some(&current) = self.conflicts.get(next) {
            next += 1;
            if next % 1024 == 0 {
                meter.work(1024)?;
            }
            for place in 0..N {
                let neighbor = self.cells[current as usize].neighbors[place];
                let stamp = self.stamps[neighbor as usize];
                if stamp == within {
                    continue;
                }
                if stamp != without && self.in_conflict(sites, neighbor, point) {
                    self.stamps[neighbor as usize] = within;
                    meter.push(&mut self.conflicts, neighbor)?;
                } else {
                    self.stamps[neighbor as usize] = without;
                    meter.push(&mut self.boundary, (current, place as u32))?;
                }
            }
        }
        Ok(())
    }

    /// Joins a point to every facet around the cells in conflict.
    fn fill_cavity(&mut self, point: u32, meter: &mut Meter) -> Result<()> {
        let within = 2 * point + 1;
        for at in 0..self.boundary.len() {
            let (old, place) = self.boundary[at];
            let place = place as usize;
            let mut cell = self.cells[old as usize];
            let outside = cell.neighbors[place];
            cell.vertices[place] = point;
            cell.neighbors = [UNSET; N];
            cell.neighbors[place] = outside;
            let new = self.place_cell(cell, meter)?;
            let neighbors = &mut self.cells[outside as usize].neighbors;
            neighbors[place_of(neighbors, old)] = new;
            // The old cell now leads to the new one: that is where `link` will arrive.
            self.cells[old as usize].neighbors[place] = new;
        }
        for at in 0..self.boundary.len() {
            let (old, facet) = self.boundary[at];
            let new = self.cells[old as usize].neighbors[facet as usize];
            for place in 0..N {
                if self.cells[new as usize].neighbors[place] == UNSET {
                    self.link(old, new, facet as usize, place, within);
                }
            }
            if self.cells[new as usize].place_of_infinity().is_none() {
                self.start = new;
            }
        }
        Ok(())
    }

    /// Finds the neighbor of a new cell at `place`: turns through the old cells, around the ridge that lacks the
    /// vertices at `facet` and `place`, until the next facet of the boundary.
    #[inline]
    fn link(&mut self, old: u32, new: u32, facet: usize, place: usize, within: u32) {
        let (mut current, mut exit) = (old, place);
        let mut opposite = self.cells[old as usize].vertices[facet];
        loop {
            let next = self.cells[current as usize].neighbors[exit];
            if self.stamps[next as usize] != within {
                let back = place_of(&self.cells[current as usize].vertices, opposite);
                self.cells[new as usize].neighbors[place] = next;
                self.cells[next as usize].neighbors[back] = new;
                return;
            }
            let cell = &self.cells[next as usize];
            let entry = place_of(&cell.neighbors, current);
            exit = place_of(&cell.vertices, opposite);
            opposite = cell.vertices[entry];
            current = next;
        }
    }

    #[inline]
    fn place_cell(&mut self, cell: Cell<N>, meter: &mut Meter) -> Result<u32> {
        if let Some(at) = self.free.pop() {
            self.cells[at as usize] = cell;
            return Ok(at);
        }
        if self.cells.len() == MOST_CELLS {
            return Err(Error::TooManyCells { limit: MOST_CELLS });
        }
        meter.push(&mut self.cells, cell)?;
        meter.push(&mut self.stamps, 0)?;
        Ok(self.cells.len() as u32 - 1)
    }
}
