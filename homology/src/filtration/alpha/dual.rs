//! Homology of the highest degree by union-find on the dual graph.
//!
//! Backwards through the filtration, cells appear and facets join them: a cavity is a component of the complement
//! (Alexander duality; Delfinado and Edelsbrunner, *An incremental algorithm for Betti numbers of simplicial complexes
//! on the 3-sphere*, 1995). The outside is a component of its own that never dies.

use super::elders::Elders;
use super::order::{enters_before, sorted};
use crate::Result;
use crate::diagram::Pair;
use crate::filtration::delaunay::{Mesh, NONE};
use crate::limits::Meter;

/// Cells handled between two looks at the limits.
const BLOCK: usize = 1 << 12;

/// What becomes of a facet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It kills a class of one degree less.
    Negative,
    /// It kills one that was born by a facet of its own: known before the union-find.
    Apparent,
    /// It gives birth to a class that a cell kills.
    Positive,
}

/// When the cells of a mesh, and their facets, enter.
pub(super) struct Values {
    pub cells: Vec<f64>,
    pub facets: Vec<f64>,
}

impl Values {
    pub fn free(self, meter: &mut Meter) {
        meter.free(self.cells);
        meter.free(self.facets);
    }
}

/// Appends the pairs of a facet and a cell, with squared values, and marks the facets that give birth.
///
/// * `roles` — per facet; those that are apparent are not looked at
pub(super) fn pair<const N: usize>(
    mesh: &Mesh<N>,
    values: &Values,
    roles: &mut [Role],
    pairs: &mut Vec<Pair>,
    meter: &mut Meter,
) -> Result<()> {
    let mut dual = Dual {
        sets: Elders::new(mesh.cells.len() + 1, meter)?,
        mesh,
        values,
    };
    for cell in 0..mesh.cells.len() as u32 {
        if cell.is_multiple_of(BLOCK as u32) {
            meter.work(BLOCK)?;
        }
        if let Some(facet) = dual.join_apparent(cell) {
            roles[facet as usize] = Role::Positive;
            push_pair(
                pairs,
                N - 2,
                values.facets[facet as usize],
                values.cells[cell as usize],
                meter,
            )?;
        }
    }
    let order = sorted(&values.facets, |facet| roles[facet as usize] == Role::Negative, meter)?;
    for (at, (_, facet)) in order.iter().rev().enumerate() {
        if at % BLOCK == 0 {
            meter.work(BLOCK)?;
        }
        if let Some(cell) = dual.join(*facet) {
            roles[*facet as usize] = Role::Positive;
            push_pair(
                pairs,
                N - 2,
                values.facets[*facet as usize],
                values.cells[cell as usize],
                meter,
            )?;
        }
    }
    meter.free(order);
    dual.sets.free(meter);
    Ok(())
}

/// Appends a pair unless its length is 0.
pub(super) fn push_pair(
    pairs: &mut Vec<Pair>,
    dimension: usize,
    birth: f64,
    death: f64,
    meter: &mut Meter,
) -> Result<()> {
    if birth == death {
        return Ok(());
    }
    let dimension = dimension as u8;
    meter.push(
        pairs,
        Pair {
            dimension,
            birth,
            death,
        },
    )
}

struct Dual<'a, const N: usize> {
    mesh: &'a Mesh<N>,
    values: &'a Values,
    /// Of the cells and, after them, the outside.
    sets: Elders,
}

impl<const N: usize> Dual<'_, N> {
    /// Joins a cell to the one beyond its last facet, if that has entered when the facet does: then the two are an
    /// apparent pair, whatever else happens. Returns the facet.
    fn join_apparent(&mut self, cell: u32) -> Option<u32> {
        let facets = &self.mesh.facets[cell as usize];
        let mut last = 0;
        for place in 1..N {
            if enters_before(&self.values.facets, facets[last], facets[place]) {
                last = place;
            }
        }
        let neighbor = self.mesh.neighbors[cell as usize][last];
        if neighbor != NONE && !enters_before(&self.values.cells, cell, neighbor) {
            return None;
        }
        self.sets.join(cell, self.node(neighbor));
        Some(facets[last])
    }

    /// Joins the components on both sides of a facet; returns the cell whose component ends, if they are two.
    fn join(&mut self, facet: u32) -> Option<u32> {
        let (cell, _, neighbor) = self.mesh.cofacets(facet);
        let (a, b) = (self.sets.find(cell as u32), self.sets.find(self.node(neighbor)));
        if a == b {
            return None;
        }
        let outside = self.node(NONE);
        let (younger, elder) = if a != outside && (b == outside || enters_before(&self.values.cells, a, b)) {
            (a, b)
        } else {
            (b, a)
        };
        self.sets.join(younger, elder);
        Some(younger)
    }

    fn node(&self, neighbor: u32) -> u32 {
        neighbor.min(self.mesh.cells.len() as u32)
    }
}
