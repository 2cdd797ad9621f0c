//! The alpha complex against GUDHI, against the definition, and on input that a hostile caller would choose.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use common::assert_same;
use homology::{AlphaComplex, Cancel, Diagram, Error, FilteredComplex, Limits, Pair, Persistence, PointCloud, cost};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    input: Input,
    params: Params,
    expected: Expected,
    tolerance: Tolerance,
}

#[derive(Deserialize)]
struct Input {
    ambient_dimension: usize,
    points: Vec<Vec<f64>>,
    weights: Option<Vec<f64>>,
}

#[derive(Deserialize)]
struct Params {
    max_dimension: usize,
    coefficients: u16,
}

/// Birth and death by dimension; no death is an essential class.
type Diagrams = BTreeMap<u8, Vec<(f64, Option<f64>)>>;

#[derive(Deserialize)]
struct Expected {
    diagrams_squared: Diagrams,
    diagrams_radius: Option<Diagrams>,
}

#[derive(Deserialize)]
struct Tolerance {
    double: f64,
}

fn diagram_of(diagrams: &Diagrams) -> Diagram {
    let pairs = diagrams.iter().flat_map(|(dimension, pairs)| {
        pairs.iter().map(|(birth, death)| Pair {
            dimension: *dimension,
            birth: *birth,
            death: death.unwrap_or(f64::INFINITY),
        })
    });
    Diagram::new(pairs.collect())
}

#[test]
fn diagrams_are_those_of_gudhi() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if !name.starts_with("alpha_") {
            continue;
        }
        let case: Case = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let coordinates = case.input.points.concat();
        let cloud = PointCloud::new(&coordinates, case.input.ambient_dimension).unwrap();
        let alpha = AlphaComplex {
            max_dimension: case.params.max_dimension,
            coefficients: case.params.coefficients,
        };
        let limits = Limits::default();
        let (found, expected) = match case.input.weights {
            None => (
                alpha.diagram(cloud, &limits).unwrap(),
                case.expected.diagrams_radius.unwrap(),
            ),
            Some(weights) => (
                alpha.of_weighted(cloud, &weights, &limits).unwrap().0,
                case.expected.diagrams_squared,
            ),
        };
        let max_dimension = alpha.max_dimension as u8;
        assert_same(
            &found,
            &diagram_of(&expected),
            max_dimension,
            case.tolerance.double,
            name,
        );
        cases += 1;
    }
    assert_eq!(cases, 14);
}

/// Squared values of the alpha filtration by the nerve theorem: the diagram of the Čech complex, which has a simplex
/// for every set of points, from the smallest value at which their balls have a common point.
fn cech(points: &[Vec<f64>], weights: &[f64], coefficients: u16) -> Diagram {
    let dimension = points[0].len();
    let mut simplices: Vec<(Vec<u32>, f64)> = Vec::new();
    for set in 1_u32..1 << points.len() {
        if set.count_ones() as usize > dimension + 1 {
            continue;
        }
        let simplex: Vec<u32> = (0..points.len() as u32).filter(|at| set >> at & 1 == 1).collect();
        let value = common_point(points, weights, &simplex);
        simplices.push((simplex, value));
    }
    // Rounding must not let a face enter after a simplex.
    let values: BTreeMap<Vec<u32>, f64> = simplices.iter().cloned().collect();
    for (simplex, value) in &mut simplices {
        for (face, of_face) in &values {
            if face.iter().all(|vertex| simplex.contains(vertex)) {
                *value = value.max(*of_face);
            }
        }
    }
    let complex = FilteredComplex::new(simplices.iter().map(|(s, v)| (&s[..], *v)), &Limits::default()).unwrap();
    complex
        .diagram(dimension - 1, coefficients, &Limits::default())
        .unwrap()
        .0
}

fn common_point(points: &[Vec<f64>], weights: &[f64], simplex: &[u32]) -> f64 {
    let power = |center: &[f64], at: u32| {
        let squares = points[at as usize].iter().zip(center).map(|(x, y)| (x - y).powi(2));
        squares.sum::<f64>() - weights[at as usize]
    };
    let subsets = (1_u32..1 << simplex.len()).filter_map(|set| {
        let subset: Vec<u32> = (0..simplex.len())
            .filter(|at| set >> at & 1 == 1)
            .map(|at| simplex[at])
            .collect();
        let center = orthocenter(points, weights, &subset)?;
        let value = power(&center, subset[0]);
        simplex
            .iter()
            .all(|at| power(&center, *at) <= value + 1e-9)
            .then_some(value)
    });
    subsets.fold(f64::INFINITY, f64::min)
}

/// The point of the affine hull with equal power to all points of a set; none if they are dependent.
fn orthocenter(points: &[Vec<f64>], weights: &[f64], subset: &[u32]) -> Option<Vec<f64>> {
    let origin = &points[subset[0] as usize];
    let edges: Vec<Vec<f64>> = subset[1..]
        .iter()
        .map(|at| points[*at as usize].iter().zip(origin).map(|(x, y)| x - y).collect())
        .collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let size = edges.len();
    let mut rows: Vec<Vec<f64>> = (0..size)
        .map(|i| {
            let mut row: Vec<f64> = edges.iter().map(|edge| 2.0 * dot(&edges[i], edge)).collect();
            let weight = weights[subset[i + 1] as usize] - weights[subset[0] as usize];
            row.push(dot(&edges[i], &edges[i]) - weight);
            row
        })
        .collect();
    for at in 0..size {
        let best = (at..size).max_by(|a, b| rows[*a][at].abs().total_cmp(&rows[*b][at].abs()))?;
        rows.swap(at, best);
        if rows[at][at].abs() < 1e-9 {
            return None;
        }
        for other in 0..size {
            if other != at {
                let factor = rows[other][at] / rows[at][at];
                (at..=size).for_each(|column| rows[other][column] -= factor * rows[at][column]);
            }
        }
    }
    let mut center = origin.clone();
    for (at, edge) in edges.iter().enumerate() {
        let share = rows[at][size] / rows[at][at];
        center.iter_mut().zip(edge).for_each(|(x, step)| *x += share * step);
    }
    Some(center)
}

fn squared(diagram: &Diagram) -> Diagram {
    let square = |pair: &Pair| Pair {
        birth: pair.birth * pair.birth,
        death: pair.death * pair.death,
        ..*pair
    };
    Diagram::new(diagram.pairs().iter().map(square).collect())
}

/// Clouds on a small grid: repeated, collinear, coplanar and cospherical points are the rule.
fn tied_points(most: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    (1..=3_usize, 1..=4_i32).prop_flat_map(move |(dimension, side)| {
        let point = prop::collection::vec((0..=side).prop_map(f64::from), dimension);
        prop::collection::vec(point, 1..=most)
    })
}

fn any_points(most: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    (1..=3_usize)
        .prop_flat_map(move |dimension| prop::collection::vec(prop::collection::vec(-1.0..1.0, dimension), 1..=most))
}

fn of_points(points: &[Vec<f64>], coefficients: u16) -> Diagram {
    let coordinates = points.concat();
    let cloud = PointCloud::new(&coordinates, points[0].len()).unwrap();
    let alpha = AlphaComplex {
        coefficients,
        ..AlphaComplex::to_dimension(usize::MAX)
    };
    alpha.diagram(cloud, &Limits::default()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_alpha_and_the_cech_complex_agree(points in prop_oneof![tied_points(9), any_points(9)], p in 0..2_usize) {
        let coefficients = [2, 5][p];
        let expected = cech(&points, &vec![0.0; points.len()], coefficients);
        let top = points[0].len() as u8 - 1;
        assert_same(&squared(&of_points(&points, coefficients)), &expected, top, 1e-7, &format!("{points:?}"));
    }

    #[test]
    fn weighted_points_agree_with_the_cech_complex(
        points in prop_oneof![tied_points(8), any_points(8)],
        weights in prop::collection::vec(prop_oneof![(-4..8_i32).prop_map(f64::from), -0.3..0.3], 8),
    ) {
        let weights = &weights[..points.len()];
        let coordinates = points.concat();
        let cloud = PointCloud::new(&coordinates, points[0].len()).unwrap();
        let alpha = AlphaComplex::to_dimension(2);
        let found = alpha.of_weighted(cloud, weights, &Limits::default()).unwrap().0;
        let top = points[0].len() as u8 - 1;
        assert_same(&found, &cech(&points, weights, 2), top, 1e-7, &format!("{points:?} {weights:?}"));
    }

    #[test]
    fn the_order_of_the_points_does_not_matter(points in prop_oneof![tied_points(60), any_points(60)], by in 0..60_usize) {
        let mut moved = points.clone();
        moved.reverse();
        moved.rotate_left(by % points.len());
        prop_assert_eq!(of_points(&points, 2), of_points(&moved, 2));
    }

    #[test]
    fn scaled_points_have_scaled_diagrams(points in any_points(40), exponent in -300..300_i32) {
        let scale = 2.0_f64.powi(exponent);
        let scaled: Vec<Vec<f64>> = points.iter().map(|point| point.iter().map(|x| x * scale).collect()).collect();
        let expected = of_points(&points, 2).into_pairs().into_iter().map(|pair| Pair {
            birth: pair.birth * scale,
            death: pair.death * scale,
            ..pair
        });
        prop_assert_eq!(of_points(&scaled, 2), Diagram::new(expected.collect()));
    }

    #[test]
    fn equal_weights_only_shift_the_squares(points in any_points(30), weight in -2.0..2.0) {
        let coordinates = points.concat();
        let cloud = PointCloud::new(&coordinates, points[0].len()).unwrap();
        let weights = vec![weight; points.len()];
        let found = AlphaComplex::to_dimension(2).of_weighted(cloud, &weights, &Limits::default()).unwrap().0;
        let shift = |pair: Pair| Pair { birth: pair.birth - weight, death: pair.death - weight, ..pair };
        let expected = squared(&of_points(&points, 2)).into_pairs().into_iter().map(shift).collect();
        assert_same(&found, &Diagram::new(expected), 2, 1e-9, &format!("{points:?}"));
    }

    #[test]
    fn points_in_a_tilted_plane_are_as_in_the_plane(points in prop::collection::vec((-20..20_i32, -20..20_i32), 1..40)) {
        // Two orthogonal vectors of length 15.
        let (u, v) = ([2.0, 10.0, 11.0], [14.0, -5.0, 2.0]);
        let flat: Vec<Vec<f64>> = points.iter().map(|(a, b)| vec![f64::from(*a) * 15.0, f64::from(*b) * 15.0]).collect();
        let tilted: Vec<Vec<f64>> = points
            .iter()
            .map(|(a, b)| (0..3).map(|i| f64::from(*a) * u[i] + f64::from(*b) * v[i]).collect())
            .collect();
        assert_same(&of_points(&tilted, 2), &of_points(&flat, 2), 2, 1e-9, &format!("{points:?}"));
    }
}

/// Far more than any of these jobs should take.
const PATIENCE: Duration = Duration::from_secs(20);

fn assert_quick<T>(job: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let answer = job();
    assert!(start.elapsed() < PATIENCE, "took {:?}", start.elapsed());
    answer
}

/// Well spread coordinates in 0..1 without any library.
fn spread(count: usize) -> Vec<f64> {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..count).map(|_| next()).collect()
}

fn of_coordinates(coordinates: &[f64], dimension: usize) -> Diagram {
    let cloud = PointCloud::new(coordinates, dimension).unwrap();
    AlphaComplex::to_dimension(2)
        .diagram(cloud, &Limits::default())
        .unwrap()
}

fn grid(side: usize, dimension: u32) -> Vec<f64> {
    (0..side.pow(dimension))
        .flat_map(|at| (0..dimension).map(move |axis| (at / side.pow(axis) % side) as f64))
        .collect()
}

#[test]
fn a_curve_that_winds_twice_around_a_ring_tells_fields_apart() {
    let curve: Vec<Vec<f64>> = (0..240)
        .map(|at| {
            let turn = f64::from(at) * std::f64::consts::TAU / 120.0;
            let radius = 2.0 + 0.4 * (turn / 2.0).cos();
            vec![radius * turn.cos(), radius * turn.sin(), 0.4 * (turn / 2.0).sin()]
        })
        .collect();
    let longest = |coefficients| {
        let diagram = of_points(&curve, coefficients);
        let persistences = diagram.of_dimension(1).iter().map(Pair::persistence);
        persistences.fold(0.0, f64::max)
    };
    // Over Z/3 the curve lives until the ring is filled; over Z/2 it dies when it fills the ring's tube.
    let (over_two, over_three) = (longest(2), longest(3));
    assert!(over_three - over_two > 0.2, "{over_two} {over_three}");
}

#[test]
fn equal_points_are_one_class() {
    let expected = [Pair {
        dimension: 0,
        birth: 0.0,
        death: f64::INFINITY,
    }];
    for dimension in 1..=3 {
        let found = assert_quick(|| of_coordinates(&vec![0.7; 3000 * dimension], dimension));
        assert_eq!(found.pairs(), expected);
        assert!(of_coordinates(&[], dimension).is_empty());
    }
}

#[test]
fn grids_have_one_class_per_cell_and_no_other() {
    let found = assert_quick(|| of_coordinates(&grid(60, 2), 2));
    assert_eq!(
        (found.of_dimension(0).len(), found.of_dimension(1).len()),
        (3600, 59 * 59)
    );
    assert!(
        found
            .of_dimension(1)
            .iter()
            .all(|pair| (pair.birth, pair.death) == (0.5, 0.5_f64.sqrt()))
    );
    let found = assert_quick(|| of_coordinates(&grid(20, 3), 3));
    let cavities = found.of_dimension(2);
    assert_eq!(cavities.len(), 19 * 19 * 19);
    assert!(
        cavities
            .iter()
            .all(|pair| (pair.birth, pair.death) == (0.5_f64.sqrt(), 0.75_f64.sqrt()))
    );
    // Squares of the grid, less one for each cube, whose six squares bound.
    assert_eq!(found.of_dimension(1).len(), 3 * 19 * 19 * 20 - 19 * 19 * 19);
}

#[test]
fn a_turned_grid_keeps_its_diagram() {
    // Rounding makes flat tetrahedra of its squares, with spheres of any size.
    let turned = |x: f64, y: f64, z: f64| {
        let (x, y) = (
            x * 0.3_f64.cos() - y * 0.3_f64.sin(),
            x * 0.3_f64.sin() + y * 0.3_f64.cos(),
        );
        let (y, z) = (
            y * 1.1_f64.cos() - z * 1.1_f64.sin(),
            y * 1.1_f64.sin() + z * 1.1_f64.cos(),
        );
        [x, y, z]
    };
    for step in [0.1, 1.0, 7.3] {
        let straight: Vec<f64> = grid(7, 3).iter().map(|x| x * step).collect();
        let points: Vec<f64> = straight
            .chunks_exact(3)
            .flat_map(|point| turned(point[0], point[1], point[2]))
            .collect();
        assert_same(
            &of_coordinates(&points, 3),
            &of_coordinates(&straight, 3),
            2,
            1e-12,
            "turned",
        );
    }
}

#[test]
fn points_on_one_circle_or_sphere_are_one_class_each() {
    let circle: Vec<f64> = (0..1000)
        .flat_map(|at| {
            let angle = f64::from(at) * std::f64::consts::TAU / 1000.0;
            [3.0 * angle.cos(), 3.0 * angle.sin()]
        })
        .collect();
    let found = assert_quick(|| of_coordinates(&circle, 2));
    let long: Vec<&Pair> = found
        .of_dimension(1)
        .iter()
        .filter(|pair| pair.persistence() > 1e-9)
        .collect();
    assert_eq!(long.len(), 1);
    assert!((long[0].death - 3.0).abs() < 1e-12);
    let mut sphere: Vec<f64> = spread(9000).iter().map(|x| x - 0.5).collect();
    for point in sphere.chunks_exact_mut(3) {
        let length = point.iter().map(|x| x * x).sum::<f64>().sqrt();
        point.iter_mut().for_each(|x| *x /= length);
    }
    let found = assert_quick(|| of_coordinates(&sphere, 3));
    let long: Vec<&Pair> = found
        .of_dimension(2)
        .iter()
        .filter(|pair| pair.persistence() > 0.5)
        .collect();
    assert_eq!(long.len(), 1);
    assert!((long[0].death - 1.0).abs() < 1e-9);
}

#[test]
fn coordinates_of_any_size_keep_their_shape() {
    let square = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0];
    for scale in [1e-300, 1e-160, 1e15, 1e160, 1e300] {
        let found = of_coordinates(&square.map(|x| x * scale), 2);
        let [cycle] = found.of_dimension(1) else {
            panic!("{scale:e}: {found:?}")
        };
        assert_eq!(cycle.birth, 0.5 * scale);
        assert!((cycle.death / scale - 0.5_f64.sqrt()).abs() < 1e-15);
    }
    let far = of_coordinates(&square.map(|x| x + 1e15), 2);
    assert_eq!(far, of_coordinates(&square, 2));
}

#[test]
fn one_huge_outlier_leaves_the_rest_as_it_is() {
    for dimension in 1..=3 {
        let cloud: Vec<f64> = spread(300 * dimension);
        let mut with_outlier = cloud.clone();
        with_outlier.extend(vec![1e15; dimension]);
        let (near, found) = (
            of_coordinates(&cloud, dimension),
            of_coordinates(&with_outlier, dimension),
        );
        let far = Pair {
            dimension: 0,
            birth: 0.0,
            death: 0.5e15 * (dimension as f64).sqrt(),
        };
        let mut expected = near.into_pairs();
        expected.push(far);
        assert_same(&found, &Diagram::new(expected), 2, 1.0, "outlier");
        let in_unit = |pair: &&Pair| pair.persistence() < 2.0 && pair.dimension > 0;
        let total = |diagram: &Diagram| {
            diagram
                .pairs()
                .iter()
                .filter(in_unit)
                .map(Pair::persistence)
                .sum::<f64>()
        };
        let (expected, found) = (total(&of_coordinates(&cloud, dimension)), total(&found));
        assert!((expected - found).abs() < 0.2 * expected + 1e-12, "{expected} {found}");
    }
}

#[test]
fn nearly_flat_clouds_are_right_or_refused() {
    for thickness in [0.0, 1e-300, 1e-17, 1e-12] {
        let mut cloud = spread(3000);
        cloud.chunks_exact_mut(3).for_each(|point| point[2] *= thickness);
        let flat: Vec<f64> = cloud.chunks_exact(3).flat_map(|point| [point[0], point[1]]).collect();
        let (found, expected) = (assert_quick(|| of_coordinates(&cloud, 3)), of_coordinates(&flat, 2));
        assert_same(
            &found,
            &expected,
            2,
            2e-6 * thickness.sqrt() + 1e-12,
            &format!("{thickness:e}"),
        );
    }
}

#[test]
fn what_cannot_be_computed_is_refused() {
    let coordinates = spread(40);
    let cloud = PointCloud::new(&coordinates, 4).unwrap();
    let alpha = AlphaComplex::to_dimension(2);
    let found = alpha.diagram(cloud, &Limits::default());
    assert_eq!(found, Err(Error::AlphaDimension { dimension: 4 }));
    let plane = PointCloud::new(&coordinates, 2).unwrap();
    let composite = AlphaComplex {
        coefficients: 6,
        ..alpha
    };
    let found = composite.diagram(plane, &Limits::default());
    assert_eq!(found, Err(Error::NotPrime { found: 6 }));
    let found = alpha.of_weighted(plane, &[1.0], &Limits::default());
    assert!(matches!(found, Err(Error::WeightCount { points: 20, found: 1 })));
    let found = alpha.of_weighted(plane, &[f64::NAN; 20], &Limits::default());
    assert!(matches!(found, Err(Error::InvalidWeight { row: 0, .. })));
}

#[test]
fn limits_stop_the_computation_at_once() {
    // Points on two lines that do not meet: a tetrahedron for each pair of segments.
    let lines: Vec<f64> = (0..6000)
        .flat_map(|at| {
            let t = f64::from(at);
            if at % 2 == 0 {
                [t, 0.0, 0.0]
            } else {
                [3000.0, t, 5000.0]
            }
        })
        .collect();
    let cloud = PointCloud::new(&lines, 3).unwrap();
    let alpha = AlphaComplex::to_dimension(2);
    let limits = Limits {
        memory_bytes: Some(20_000_000),
        ..Limits::default()
    };
    let found = assert_quick(|| alpha.diagram(cloud, &limits));
    assert!(matches!(found, Err(Error::MemoryLimit { .. })), "{found:?}");
    let limits = Limits {
        work: Some(100_000),
        ..Limits::default()
    };
    let found = assert_quick(|| alpha.diagram(cloud, &limits));
    assert!(matches!(found, Err(Error::WorkLimit { .. })), "{found:?}");
    let cancel = Cancel::new();
    let limits = Limits {
        cancel: cancel.clone(),
        ..Limits::default()
    };
    std::thread::scope(|scope| {
        let job = scope.spawn(|| {
            let found = alpha.diagram(cloud, &limits);
            (found, Instant::now())
        });
        cancel.cancel();
        let raised = Instant::now();
        let (found, stopped) = job.join().unwrap();
        assert_eq!(found, Err(Error::Cancelled));
        assert!(stopped.saturating_duration_since(raised) < Duration::from_millis(500));
    });
}

#[test]
fn the_estimate_covers_what_is_used() {
    for dimension in 1..=3 {
        for points in [0, 1, 2, 3, 4, 10, 100, 3000] {
            for coordinates in [spread(points * dimension), grid_of(points, dimension)] {
                let cloud = PointCloud::new(&coordinates, dimension).unwrap();
                let (_, usage) = AlphaComplex::to_dimension(2)
                    .of_cloud(cloud, &Limits::default())
                    .unwrap();
                let cost = cost::alpha(points, dimension);
                let subject = format!("{points} points in R^{dimension}: {cost:?} {usage:?}");
                assert!(cost.memory_bytes >= usage.memory_bytes, "memory of {subject}");
                assert!(
                    cost.typical_memory_bytes >= usage.memory_bytes,
                    "typical memory of {subject}"
                );
                assert!(cost.work >= usage.work, "work of {subject}");
            }
        }
    }
}

/// The first points of a grid.
fn grid_of(points: usize, dimension: usize) -> Vec<f64> {
    let side = (points as f64).powf(1.0 / dimension as f64).ceil() as usize;
    let mut coordinates = grid(side.max(1), dimension as u32);
    coordinates.truncate(points * dimension);
    coordinates
}
