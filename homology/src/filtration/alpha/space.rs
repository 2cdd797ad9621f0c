//! The alpha filtration of points in space: union-find from both ends, and a reduction for what is left between.

use super::components::{Births, Components};
use super::cycles::{self, Rest};
use super::dual::{self, Role, Values};
use super::edges::{Edges, Valued};
use super::order::{sorted, value_below};
use super::spheres;
use crate::Result;
use crate::diagram::Pair;
use crate::field::Field;
use crate::filtration::delaunay::{Mesh, NONE, Sites, Triangulation};
use crate::limits::Meter;

/// Cells and triangles handled between two looks at the limits.
const BLOCK: usize = 1 << 12;

/// Appends the pairs up to `max_dimension`, with squared values.
pub(super) fn pair<F: Field>(
    field: F,
    sites: &Sites<3>,
    max_dimension: usize,
    pairs: &mut Vec<Pair>,
    meter: &mut Meter,
) -> Result<()> {
    let triangulation = Triangulation::<4>::of_sites(sites, meter)?;
    let mesh = Mesh::of_triangulation(triangulation, meter)?;
    let values = values(sites, &mesh, meter)?;
    let valued = Valued {
        sites,
        mesh: &mesh,
        triangles: &values.facets,
    };
    let mut edges = Edges::new(valued, meter)?;
    let mut roles = meter.vec(values.facets.len())?;
    roles.resize(values.facets.len(), Role::Negative);
    find_apparent(&mesh, &mut edges, &mut roles, meter)?;
    let ranks = components(sites, &edges, pairs, meter)?;
    if max_dimension > 0 {
        let with_cavities = pairs.len();
        dual::pair(&mesh, &values, &mut roles, pairs, meter)?;
        if max_dimension == 1 {
            pairs.truncate(with_cavities);
        }
        let rest = Rest {
            mesh: &mesh,
            edges: &edges,
            ranks: &ranks,
            triangles: &values.facets,
            roles: &roles,
        };
        cycles::pair(field, rest, pairs, meter)?;
    }
    meter.free(ranks);
    meter.free(roles);
    edges.free(meter);
    values.free(meter);
    mesh.free(meter);
    Ok(())
}

/// When tetrahedra and triangles enter. A triangle has its own radius unless a vertex is inside its smallest sphere;
/// then it enters with the first of its tetrahedra.
fn values(sites: &Sites<3>, mesh: &Mesh<4>, meter: &mut Meter) -> Result<Values> {
    let triangles = mesh.facet_slots.len();
    let mut values = Values {
        cells: meter.vec(mesh.cells.len())?,
        facets: meter.vec(triangles)?,
    };
    values.facets.resize(triangles, f64::INFINITY);
    let mut attached: Vec<bool> = meter.vec(triangles)?;
    attached.resize(triangles, false);
    for (at, (cell, facets)) in mesh.cells.iter().zip(&mesh.facets).enumerate() {
        if at % BLOCK == 0 {
            meter.work(BLOCK)?;
        }
        let (value, inside) = spheres::tetrahedron(sites, *cell);
        values.cells.push(value);
        for (place, facet) in facets.iter().enumerate() {
            let least = &mut values.facets[*facet as usize];
            *least = least.min(value);
            attached[*facet as usize] |= inside >> place & 1 == 1;
        }
    }
    for (at, (slot, least)) in mesh.facet_slots.iter().zip(&mut values.facets).enumerate() {
        if at % BLOCK == 0 {
            meter.work(BLOCK)?;
        }
        *least = value_below(*least, attached[at], || {
            let (cell, place) = (*slot as usize / 4, *slot as usize % 4);
            let [a, b, c, d] = mesh.cells[cell];
            let mut corners = [[b, c, d], [a, c, d], [a, b, d], [a, b, c]][place];
            corners.sort_unstable();
            spheres::triangle(sites, corners)
        });
    }
    meter.free(attached);
    Ok(values)
}

/// Finds the edges and triangles that are the last and first of each other: they are a pair, whatever else happens.
/// Leaves [`NONE`] as the first triangle of all other edges.
fn find_apparent(mesh: &Mesh<4>, edges: &mut Edges, roles: &mut [Role], meter: &mut Meter) -> Result<()> {
    for edge in 0..edges.values.len() as u32 {
        if edge.is_multiple_of(BLOCK as u32) {
            meter.work(BLOCK)?;
        }
        let triangle = edges.first_cofacet[edge as usize];
        if edges.last_of(mesh, triangle) == edge {
            roles[triangle as usize] = Role::Apparent;
        } else {
            edges.first_cofacet[edge as usize] = NONE;
        }
    }
    Ok(())
}

/// Appends the pairs of degree 0. Returns the rank of each edge among those that close a cycle, in the order in which
/// they enter; [`NONE`] for the others.
fn components(sites: &Sites<3>, edges: &Edges, pairs: &mut Vec<Pair>, meter: &mut Meter) -> Result<Vec<u32>> {
    let births = Births::new(
        sites,
        edges.ends.iter().copied().zip(edges.values.iter().copied()),
        meter,
    )?;
    let order = sorted(&edges.values, |_| true, meter)?;
    let mut components = Components::new(&births, sites.points.len(), meter)?;
    let mut ranks: Vec<u32> = meter.vec(edges.values.len())?;
    ranks.resize(edges.values.len(), NONE);
    let mut cycles = 0;
    for (at, (_, edge)) in order.iter().enumerate() {
        if at % BLOCK == 0 {
            meter.work(BLOCK)?;
        }
        let index = *edge as usize;
        let closes = edges.first_cofacet[index] != NONE
            || !components.join(edges.ends[index], edges.values[index], pairs, meter)?;
        if closes {
            ranks[index] = cycles;
            cycles += 1;
        }
    }
    super::push_essential(births.first(), pairs, meter)?;
    meter.free(order);
    components.free(meter);
    births.free(meter);
    Ok(ranks)
}
