//! Every triangulation against its definition.

use proptest::prelude::*;

use super::insertion::INFINITY;
use super::mesh::place_of;
use super::*;
use crate::Limits;

/// Coordinates on a small grid, where ties are the rule, or anywhere.
fn points(dimension: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    let tied = (1..=6_i32).prop_flat_map(move |side| {
        let point = prop::collection::vec((0..=side).prop_map(f64::from), dimension);
        prop::collection::vec(point, 1..=80)
    });
    let any = prop::collection::vec(prop::collection::vec(-1.0..1.0, dimension), 1..=80);
    prop_oneof![tied, any]
}

fn sites_of<const D: usize>(points: &[Vec<f64>], weights: &[f64]) -> Spanned<D> {
    let coordinates = points.concat();
    let cloud = PointCloud::new(&coordinates, D).unwrap();
    sites(cloud, weights, &mut Meter::new(&Limits::default())).unwrap()
}

/// Triangulates points that span `N − 1` dimensions and checks every cell against every point.
fn check<const D: usize, const N: usize>(sites: &Sites<D>) {
    let triangulation = Triangulation::<N>::of_sites(sites, &mut Meter::new(&Limits::default())).unwrap();
    let cells = &triangulation.cells;
    let used = |cell: &u32| !triangulation.free.contains(cell);
    let mut vertices = vec![false; sites.points.len()];
    for at in (0..cells.len() as u32).filter(used) {
        let cell = cells[at as usize];
        for place in 0..N {
            let neighbor = cells[cell.neighbors[place] as usize];
            let back = place_of(&neighbor.neighbors, at);
            assert!(
                used(&cell.neighbors[place]) && neighbor.neighbors[back] == at,
                "neighbors are not mutual"
            );
            let shared = (0..N)
                .filter(|other| *other != place)
                .all(|other| neighbor.vertices.contains(&cell.vertices[other]));
            assert!(
                shared && !neighbor.vertices.contains(&cell.vertices[place]),
                "neighbors do not share a facet"
            );
        }
        cell.vertices
            .iter()
            .filter(|vertex| **vertex != INFINITY)
            .for_each(|vertex| vertices[*vertex as usize] = true);
        let outside = |moved: [u32; N]| sites.orientation(moved) <= 0;
        for point in 0..sites.points.len() as u32 {
            match cell.place_of_infinity() {
                Some(place) => {
                    let mut moved = cell.vertices;
                    moved[place] = point;
                    assert!(outside(moved), "point {point} is beyond the hull");
                }
                None => assert!(
                    sites.in_sphere(cell.vertices, point) <= 0,
                    "point {point} is in a sphere"
                ),
            }
        }
        if cell.place_of_infinity().is_none() {
            assert!(
                sites.orientation(cell.vertices) > 0,
                "a cell is flat or turned inside out"
            );
        }
    }
    assert!(
        !sites.weights.is_empty() || vertices.iter().all(|used| *used),
        "a point is missing"
    );
}

fn check_any<const D: usize>(spanned: &Spanned<D>) {
    match spanned.span {
        0 => {}
        1 => check::<D, 2>(&spanned.sites),
        2 => check::<D, 3>(&spanned.sites),
        _ => check::<D, 4>(&spanned.sites),
    }
}

proptest! {
    #[test]
    fn spheres_on_a_line_are_empty(points in points(1)) {
        check_any(&sites_of::<1>(&points, &[]));
    }

    #[test]
    fn circles_in_the_plane_are_empty(points in points(2)) {
        check_any(&sites_of::<2>(&points, &[]));
    }

    #[test]
    fn spheres_in_space_are_empty(points in points(3)) {
        check_any(&sites_of::<3>(&points, &[]));
    }

    #[test]
    fn orthogonal_spheres_are_empty(points in points(3), weights in prop::collection::vec(-1.0..1.0, 80)) {
        check_any(&sites_of::<3>(&points, &weights[..points.len()]));
    }

    #[test]
    fn points_in_tilted_planes_and_on_lines_are_triangulated_there(points in points(2), weighted in any::<bool>()) {
        let weights: Vec<f64> = points.iter().map(|point| if weighted { point[0] * 0.3 } else { 0.0 }).collect();
        let tilted: Vec<Vec<f64>> = points.iter().map(|p| vec![p[0], p[0] + p[1], 2.0 * p[1]]).collect();
        let spanned = sites_of::<3>(&tilted, &weights);
        prop_assert!(spanned.span <= 2 || points[0][0].fract() != 0.0);
        check_any(&spanned);
        let line: Vec<Vec<f64>> = points.iter().map(|p| vec![0.0, p[0], -p[0]]).collect();
        prop_assert!(sites_of::<3>(&line, &weights).span <= 1);
        check_any(&sites_of::<3>(&line, &weights));
    }
}

#[test]
fn cocircular_points_and_one_beside_a_line_are_triangulated() {
    let circle: Vec<Vec<f64>> = (0..400)
        .map(|at| f64::from(at) * std::f64::consts::TAU / 400.0)
        .map(|angle| vec![angle.cos(), angle.sin()])
        .collect();
    check_any(&sites_of::<2>(&circle, &[]));
    let mut line: Vec<Vec<f64>> = (0..100)
        .map(|at| vec![f64::from(at), 2.0 * f64::from(at), 0.0])
        .collect();
    line.push(vec![3.0, 5.0, 0.0]);
    check_any(&sites_of::<3>(&line, &[]));
    line.push(vec![3.0, 5.0, 1e-9]);
    assert_eq!(sites_of::<3>(&line, &[]).span, 3);
    check_any(&sites_of::<3>(&line, &[]));
}

#[test]
fn coordinates_are_scaled_by_a_power_of_two() {
    for scale in [1e-300, 5e-324, 1.0, 1e300] {
        let spanned = sites_of::<1>(&[vec![scale], vec![-scale]], &[]);
        let found = spanned.sites.points[0][0].abs();
        assert!((0.5..1.0).contains(&found), "{scale:e}: {found}");
        assert_eq!(scaled(found, -spanned.exponent), scale);
    }
    assert_eq!(on_grid(1.0, GRID_EXPONENT), 1.0);
    assert_eq!(on_grid(-1e-300, GRID_EXPONENT).to_bits(), 0);
}
