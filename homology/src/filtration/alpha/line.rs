//! The alpha filtration of points on a line.

use super::components::{Births, Components};
use super::order::sorted;
use super::spheres;
use crate::Result;
use crate::diagram::Pair;
use crate::filtration::delaunay::{Mesh, Sites, Triangulation};
use crate::limits::Meter;

/// Appends the pairs, with squared values.
pub(super) fn pair<const D: usize>(sites: &Sites<D>, pairs: &mut Vec<Pair>, meter: &mut Meter) -> Result<()> {
    let triangulation = Triangulation::<2>::of_sites(sites, meter)?;
    let mesh = Mesh::of_triangulation(triangulation, meter)?;
    let mut values = meter.vec(mesh.cells.len())?;
    for [a, b] in &mesh.cells {
        values.push(spheres::edge(sites, *a, *b));
    }
    let births = Births::new(sites, mesh.cells.iter().copied().zip(values.iter().copied()), meter)?;
    let order = sorted(&values, |_| true, meter)?;
    let mut components = Components::new(&births, sites.points.len(), meter)?;
    for (_, edge) in &order {
        meter.work(1)?;
        components.join(mesh.cells[*edge as usize], values[*edge as usize], pairs, meter)?;
    }
    super::push_essential(births.first(), pairs, meter)?;
    meter.free(order);
    meter.free(values);
    components.free(meter);
    births.free(meter);
    mesh.free(meter);
    Ok(())
}
