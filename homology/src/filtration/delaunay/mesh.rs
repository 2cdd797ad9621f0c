//! A finished triangulation: its finite cells and their facets, numbered.

use super::insertion::{INFINITY, Triangulation};
use crate::Result;
use crate::limits::Meter;

/// No cell: beyond the convex hull.
pub(crate) const NONE: u32 = u32::MAX;
/// Cells handled between two looks at the limits.
const BLOCK: usize = 1 << 12;

/// The finite cells of a triangulation, and their facets.
///
/// In cell `c`, facet and neighbor `i` lack vertex `i`. Each facet has a slot, which is `c · N + i` for the first cell
/// `c` that has it.
#[derive(Debug)]
pub(crate) struct Mesh<const N: usize> {
    pub cells: Vec<[u32; N]>,
    pub neighbors: Vec<[u32; N]>,
    pub facets: Vec<[u32; N]>,
    pub facet_slots: Vec<u32>,
}

impl<const N: usize> Mesh<N> {
    pub fn of_triangulation(triangulation: Triangulation<N>, meter: &mut Meter) -> Result<Self> {
        let (cells, neighbors) = finite_cells(triangulation, meter)?;
        let mut mesh = Self {
            facets: meter.vec(cells.len())?,
            facet_slots: meter.vec(cells.len() * N.div_ceil(2) + 64)?,
            cells,
            neighbors,
        };
        mesh.number_facets(meter)?;
        Ok(mesh)
    }

    /// The one or two cells that have a facet, and the place of the facet in the first.
    #[inline]
    pub fn cofacets(&self, facet: u32) -> (usize, usize, u32) {
        let slot = self.facet_slots[facet as usize] as usize;
        let (cell, place) = (slot / N, slot % N);
        (cell, place, self.neighbors[cell][place])
    }

    fn number_facets(&mut self, meter: &mut Meter) -> Result<()> {
        for cell in 0..self.cells.len() {
            if cell % BLOCK == 0 {
                meter.work(BLOCK)?;
            }
            let mut facets = [NONE; N];
            for (place, facet) in facets.iter_mut().enumerate() {
                let neighbor = self.neighbors[cell][place] as usize;
                *facet = if neighbor < cell {
                    self.facets[neighbor][place_of(&self.neighbors[neighbor], cell as u32)]
                } else {
                    meter.push(&mut self.facet_slots, (cell * N + place) as u32)?;
                    self.facet_slots.len() as u32 - 1
                };
            }
            self.facets.push(facets);
        }
        Ok(())
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.cells);
        meter.free(self.neighbors);
        meter.free(self.facets);
        meter.free(self.facet_slots);
    }
}

/// The place of an item that is there.
#[inline(always)]
pub(crate) fn place_of<const N: usize>(list: &[u32; N], item: u32) -> usize {
    let mut place = N - 1;
    for at in (0..N - 1).rev() {
        place = if list[at] == item { at } else { place };
    }
    place
}

type Cells<const N: usize> = (Vec<[u32; N]>, Vec<[u32; N]>);

/// The vertices and the neighbors of the finite cells.
fn finite_cells<const N: usize>(triangulation: Triangulation<N>, meter: &mut Meter) -> Result<Cells<N>> {
    let Triangulation { cells, free, .. } = triangulation;
    let mut numbers: Vec<u32> = meter.vec(cells.len())?;
    numbers.resize(cells.len(), 0);
    free.iter().for_each(|unused| numbers[*unused as usize] = NONE);
    meter.free(free);
    let mut count = 0;
    for (block, of_block) in cells.chunks(BLOCK).zip(numbers.chunks_mut(BLOCK)) {
        meter.work(BLOCK)?;
        for (cell, number) in block.iter().zip(of_block) {
            if *number == NONE || cell.vertices.contains(&INFINITY) {
                *number = NONE;
            } else {
                *number = count;
                count += 1;
            }
        }
    }
    let (mut vertices, mut neighbors) = (meter.vec(count as usize)?, meter.vec(count as usize)?);
    for (block, of_block) in cells.chunks(BLOCK).zip(numbers.chunks(BLOCK)) {
        meter.work(BLOCK)?;
        for (cell, _) in block.iter().zip(of_block).filter(|(_, number)| **number != NONE) {
            vertices.push(cell.vertices);
            neighbors.push(cell.neighbors.map(|neighbor| numbers[neighbor as usize]));
        }
    }
    meter.free(cells);
    meter.free(numbers);
    Ok((vertices, neighbors))
}
