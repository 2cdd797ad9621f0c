//! The alpha filtration of points in a plane: union-find is all it takes.

use super::components::{Births, Components};
use super::dual::{self, Role, Values, push_pair};
use super::order::{sorted, value_below};
use super::spheres;
use crate::Result;
use crate::diagram::Pair;
use crate::filtration::delaunay::{Mesh, Sites, Triangulation};
use crate::limits::Meter;

/// Cells and edges handled between two looks at the limits.
const BLOCK: usize = 1 << 12;

/// Appends the pairs, with squared values.
///
/// No coefficients: planar complexes have no torsion, neither alone nor relative to a part of them, so that the pairs
/// are the same over every field (Obayashi and Yoshiwaki, *Field choice problem in persistent homology*, 2023).
pub(super) fn pair<const D: usize>(
    sites: &Sites<D>,
    max_dimension: usize,
    pairs: &mut Vec<Pair>,
    meter: &mut Meter,
) -> Result<()> {
    let triangulation = Triangulation::<3>::of_sites(sites, meter)?;
    let mesh = Mesh::of_triangulation(triangulation, meter)?;
    let values = values(sites, &mesh, meter)?;
    let mut roles = meter.vec(values.facets.len())?;
    roles.resize(values.facets.len(), Role::Negative);
    dual::pair(&mesh, &values, &mut roles, pairs, meter)?;
    if max_dimension == 0 {
        pairs.clear();
    }
    if sites.weights.is_empty() {
        // All components are born at 0: it does not matter which one an edge ends.
        for (value, _) in values
            .facets
            .iter()
            .zip(&roles)
            .filter(|(_, role)| **role == Role::Negative)
        {
            push_pair(pairs, 0, 0.0, *value, meter)?;
        }
        super::push_essential(0.0, pairs, meter)?;
    } else {
        weighted_components(sites, &mesh, &values, &roles, pairs, meter)?;
    }
    meter.free(roles);
    values.free(meter);
    mesh.free(meter);
    Ok(())
}

/// When triangles and edges enter. An edge has its own radius unless a vertex is inside its smallest circle; then it
/// enters with the first of its triangles.
fn values<const D: usize>(sites: &Sites<D>, mesh: &Mesh<3>, meter: &mut Meter) -> Result<Values> {
    let mut values = Values {
        cells: meter.vec(mesh.cells.len())?,
        facets: meter.vec(mesh.facet_slots.len())?,
    };
    for block in mesh.cells.chunks(BLOCK) {
        meter.work(BLOCK)?;
        values.cells.extend(block.iter().map(|cell| {
            let mut corners = *cell;
            corners.sort_unstable();
            spheres::triangle(sites, corners)
        }));
    }
    for facet in 0..mesh.facet_slots.len() as u32 {
        if facet.is_multiple_of(BLOCK as u32) {
            meter.work(BLOCK)?;
        }
        values.facets.push(edge_value(sites, mesh, &values.cells, facet));
    }
    Ok(values)
}

#[inline]
fn edge_value<const D: usize>(sites: &Sites<D>, mesh: &Mesh<3>, cells: &[f64], facet: u32) -> f64 {
    let (cell, place, neighbor) = mesh.cofacets(facet);
    let [a, b] = mesh.edge(facet);
    let mut least = cells[cell];
    let mut attached = spheres::attaches_edge(sites, a, b, mesh.cells[cell][place]);
    if let Some(beyond) = mesh.cells.get(neighbor as usize) {
        least = least.min(cells[neighbor as usize]);
        let back = mesh.neighbors[neighbor as usize]
            .iter()
            .position(|back| *back == cell as u32);
        attached = attached || back.is_some_and(|back| spheres::attaches_edge(sites, a, b, beyond[back]));
    }
    value_below(least, attached, || spheres::edge(sites, a, b))
}

fn weighted_components<const D: usize>(
    sites: &Sites<D>,
    mesh: &Mesh<3>,
    values: &Values,
    roles: &[Role],
    pairs: &mut Vec<Pair>,
    meter: &mut Meter,
) -> Result<()> {
    let edges = (0..roles.len() as u32).map(|edge| (mesh.edge(edge), values.facets[edge as usize]));
    let births = Births::new(sites, edges, meter)?;
    let order = sorted(&values.facets, |edge| roles[edge as usize] == Role::Negative, meter)?;
    let mut components = Components::new(&births, sites.points.len(), meter)?;
    for (_, edge) in &order {
        meter.work(1)?;
        components.join(mesh.edge(*edge), values.facets[*edge as usize], pairs, meter)?;
    }
    super::push_essential(births.first(), pairs, meter)?;
    meter.free(order);
    components.free(meter);
    births.free(meter);
    Ok(())
}

impl Mesh<3> {
    /// The ends of an edge, the lower number first.
    fn edge(&self, facet: u32) -> [u32; 2] {
        let (cell, place, _) = self.cofacets(facet);
        let [a, b, c] = self.cells[cell];
        let [a, b] = [[b, c], [a, c], [a, b]][place];
        [a.min(b), a.max(b)]
    }
}
