//! Homology of degree 1 in space, what union-find from both ends leaves over.
//!
//! The edges that join components and the triangles that give birth to cavities are known, so that only columns are
//! reduced that have a pivot, and only rows are kept that may be one. Over a field other than Z/2 the pairs can differ:
//! alpha shapes in space have no torsion, but the map between two of them may be, for instance, multiplication by 2 (a
//! curve that winds twice around a ring).

use super::column::Column;
use super::dual::{Role, push_pair};
use super::edges::Edges;
use super::order::sorted;
use crate::Result;
use crate::diagram::Pair;
use crate::field::Field;
use crate::filtration::delaunay::{Mesh, NONE};
use crate::limits::Meter;

/// Marks an owner that is a stored column; others are triangles.
const STORED: u32 = 1 << 31;

/// What the two union-finds leave to the reduction.
#[derive(Clone, Copy)]
pub(super) struct Rest<'a> {
    pub mesh: &'a Mesh<4>,
    /// Their `first_cofacet` is the triangle that forms an apparent pair with the edge, or [`NONE`].
    pub edges: &'a Edges,
    /// Per edge its place among those that give birth, in the order in which they enter, or [`NONE`].
    pub ranks: &'a [u32],
    /// When the triangles enter, and what becomes of them.
    pub triangles: &'a [f64],
    pub roles: &'a [Role],
}

/// Appends the pairs of an edge and a triangle, with squared values.
pub(super) fn pair<F: Field>(field: F, rest: Rest<'_>, pairs: &mut Vec<Pair>, meter: &mut Meter) -> Result<()> {
    let Rest { triangles, roles, .. } = rest;
    let births = births(rest, meter)?;
    let mut reduction = Reduction {
        field,
        rest,
        owners: meter.vec(births.len())?,
        column: Column::new(field, births.len(), meter)?,
        starts: meter.vec(1)?,
        entries: Vec::new(),
    };
    reduction.starts.push(0);
    for edge in &births {
        let triangle = rest.edges.first_cofacet[*edge as usize];
        reduction.owners.push(triangle);
        if triangle != NONE {
            let birth = rest.edges.values[*edge as usize];
            push_pair(pairs, 1, birth, triangles[triangle as usize], meter)?;
        }
    }
    let order = sorted(triangles, |triangle| roles[triangle as usize] == Role::Negative, meter)?;
    for (_, triangle) in &order {
        let pivot = reduction.reduce(*triangle, meter)?;
        let birth = rest.edges.values[births[pivot as usize] as usize];
        push_pair(pairs, 1, birth, triangles[*triangle as usize], meter)?;
    }
    meter.free(order);
    meter.free(births);
    reduction.free(meter);
    Ok(())
}

/// The edges that give birth, in the order in which they enter.
fn births(rest: Rest<'_>, meter: &mut Meter) -> Result<Vec<u32>> {
    let born = || (0_u32..).zip(rest.ranks).filter(|(_, rank)| **rank != NONE);
    let count = born().count();
    let mut births: Vec<u32> = meter.vec(count)?;
    births.resize(count, NONE);
    born().for_each(|(edge, rank)| births[*rank as usize] = edge);
    Ok(births)
}

struct Reduction<'a, F> {
    field: F,
    rest: Rest<'a>,
    /// Per rank the triangle or stored column that has it as its pivot.
    owners: Vec<u32>,
    column: Column<F>,
    /// Reduced columns one after the other, pivots first and with coefficient 1, and where each begins.
    starts: Vec<usize>,
    entries: Vec<(u32, u32)>,
}

impl<F: Field> Reduction<'_, F> {
    /// Reduces the boundary of a triangle and returns its pivot.
    fn reduce(&mut self, triangle: u32, meter: &mut Meter) -> Result<u32> {
        self.add_boundary(triangle, 1);
        loop {
            let (pivot, coefficient) = self
                .column
                .last()
                .expect("a triangle that does not give birth kills the class of an edge");
            let owner = self.owners[pivot as usize];
            let factor = self.field.negate(coefficient);
            if owner == NONE {
                self.store(pivot, coefficient, meter)?;
                return Ok(pivot);
            } else if owner & STORED == 0 {
                // The pivot has coefficient 1 or −1 in this boundary, which is its own inverse.
                let sign = self.sign_in(owner, pivot);
                self.add_boundary(owner, self.field.multiply(factor, sign));
                meter.work(3)?;
            } else {
                self.add_stored((owner - STORED) as usize, factor, meter)?;
            }
        }
    }

    #[inline]
    fn add_boundary(&mut self, triangle: u32, factor: u32) {
        let [first, second, third] = self.rest.edges.boundary(self.rest.mesh, triangle);
        for (edge, coefficient) in [(first, factor), (second, self.field.negate(factor)), (third, factor)] {
            let rank = self.rest.ranks[edge as usize];
            if rank != NONE {
                self.column.add(rank, coefficient);
            }
        }
    }

    fn sign_in(&self, triangle: u32, rank: u32) -> u32 {
        if self.field.bits() == 0 {
            return 1;
        }
        let middle = self.rest.edges.boundary(self.rest.mesh, triangle)[1];
        if self.rest.ranks[middle as usize] == rank {
            self.field.negate(1)
        } else {
            1
        }
    }

    fn add_stored(&mut self, column: usize, factor: u32, meter: &mut Meter) -> Result<()> {
        /// Entries added between two looks at the limits.
        const BLOCK: usize = 1 << 14;
        for block in self.entries[self.starts[column]..self.starts[column + 1]].chunks(BLOCK) {
            meter.work(block.len())?;
            for (rank, coefficient) in block {
                self.column.add(*rank, self.field.multiply(factor, *coefficient));
            }
        }
        Ok(())
    }

    /// Moves the column to the reduced ones, divided by the coefficient of its pivot.
    fn store(&mut self, pivot: u32, coefficient: u32, meter: &mut Meter) -> Result<()> {
        let inverse = self.field.inverse(coefficient);
        while let Some((rank, coefficient)) = self.column.last() {
            self.column.clear(rank);
            meter.push(&mut self.entries, (rank, self.field.multiply(inverse, coefficient)))?;
        }
        self.owners[pivot as usize] = STORED + self.starts.len() as u32 - 1;
        meter.work(self.entries.len() - self.starts[self.starts.len() - 1])?;
        meter.push(&mut self.starts, self.entries.len())
    }

    fn free(self, meter: &mut Meter) {
        meter.free(self.owners);
        meter.free(self.starts);
        meter.free(self.entries);
        self.column.free(meter);
    }
}
