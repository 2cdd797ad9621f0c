//! Witness complexes against GUDHI, against their formula on small inputs with many ties, and at their limits.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use common::assert_same;
use homology::{
    Cancel, Diagram, Error, FilteredComplex, LandmarkChoice, Limits, Pair, Persistence, PointCloud, SimplexFault,
    WitnessComplex, WitnessKind, WitnessMap,
};
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
    witnesses: Vec<Vec<f64>>,
    landmarks: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Params {
    max_alpha_square: f64,
    limit_dimension: usize,
    variant: String,
    coefficients: u16,
}

#[derive(Deserialize)]
struct Expected {
    diagrams_squared: BTreeMap<u8, Vec<(f64, Option<f64>)>>,
    num_simplices: usize,
}

#[derive(Deserialize)]
struct Tolerance {
    double: f64,
}

#[test]
fn diagrams_and_numbers_of_simplices_are_those_of_gudhi() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_witness = |path: &std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("witness_");
    let mut cases = 0;
    for path in paths.filter(is_witness) {
        let case: Case = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let complex = WitnessComplex {
            kind: if case.params.variant == "strong" {
                WitnessKind::Strong
            } else {
                WitnessKind::Weak
            },
            coefficients: case.params.coefficients,
            ..WitnessComplex::new(case.params.max_alpha_square, case.params.limit_dimension)
        };
        let dimension = case.input.ambient_dimension;
        let (witnesses, landmarks) = (case.input.witnesses.concat(), case.input.landmarks.concat());
        let map = map_of(&complex, &witnesses, &landmarks, dimension);
        let expected = case.expected.diagrams_squared.iter().flat_map(|(dimension, pairs)| {
            pairs.iter().map(|(birth, death)| Pair {
                dimension: *dimension,
                birth: *birth,
                death: death.unwrap_or(f64::INFINITY),
            })
        });
        let expected = Diagram::new(expected.collect());
        let found = map.diagram(&Limits::default()).unwrap().0;
        let highest = case.params.limit_dimension as u8 - 1;
        assert_same(
            &found,
            &expected,
            highest,
            case.tolerance.double,
            path.to_str().unwrap(),
        );
        assert_eq!(
            map.complex(&Limits::default()).unwrap().len(),
            case.expected.num_simplices
        );
        cases += 1;
    }
    assert_eq!(cases, 5);
}

fn map_of(complex: &WitnessComplex, witnesses: &[f64], landmarks: &[f64], dimension: usize) -> WitnessMap {
    let limits = Limits::default();
    let mut map = WitnessMap::new(complex, PointCloud::new(landmarks, dimension).unwrap(), &limits).unwrap();
    map.add(PointCloud::new(witnesses, dimension).unwrap(), &limits)
        .unwrap();
    map
}

/// Simplices by their ascending landmarks.
type Values = BTreeMap<Vec<u32>, f64>;

/// The complex by its formula: all simplices, all witnesses, all faces.
fn brute_force(complex: &WitnessComplex, witnesses: &[Vec<f64>], landmarks: &[Vec<f64>]) -> Values {
    let squared = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>();
    let table: Vec<Vec<f64>> = witnesses
        .iter()
        .map(|witness| landmarks.iter().map(|landmark| squared(witness, landmark)).collect())
        .collect();
    let mut values = Values::new();
    let sets = 1_u32..1 << landmarks.len();
    let mut sets: Vec<u32> = sets
        .filter(|set| set.count_ones() as usize <= complex.limit_dimension + 1)
        .collect();
    sets.sort_unstable_by_key(|set| set.count_ones());
    for set in sets {
        let inside = |landmark: &usize| set >> landmark & 1 == 1;
        let by_witness = |row: &Vec<f64>| -> f64 {
            let all = 0..landmarks.len();
            let last = all
                .clone()
                .filter(inside)
                .map(|landmark| row[landmark])
                .fold(f64::MIN, f64::max);
            let competes = |landmark: &usize| complex.kind == WitnessKind::Strong || !inside(landmark);
            let first = all
                .filter(competes)
                .map(|landmark| row[landmark])
                .fold(f64::INFINITY, f64::min);
            (last - first).max(0.0)
        };
        let mut value = table.iter().map(by_witness).fold(f64::INFINITY, f64::min);
        let simplex: Vec<u32> = (0..landmarks.len())
            .filter(inside)
            .map(|landmark| landmark as u32)
            .collect();
        for left_out in (0..simplex.len()).filter(|_| simplex.len() > 1) {
            let facet = [&simplex[..left_out], &simplex[left_out + 1..]].concat();
            value = value.max(values.get(&facet).copied().unwrap_or(f64::INFINITY));
        }
        if value <= complex.max_alpha_square && value < f64::INFINITY {
            values.insert(simplex, value);
        }
    }
    values
}

fn values_of(complex: &FilteredComplex) -> Values {
    let of_dimension = |dimension| {
        complex
            .of_dimension(dimension)
            .map(|(simplex, value)| (simplex.to_vec(), value))
    };
    (0..32).flat_map(of_dimension).collect()
}

/// Rows of a small grid: distances tie and points repeat.
fn rows(dimension: usize, most: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(
        prop::collection::vec((0..5_i32).prop_map(f64::from), dimension),
        0..most,
    )
}

fn inputs() -> impl Strategy<Value = (usize, Vec<Vec<f64>>, Vec<Vec<f64>>)> {
    (1..=3_usize).prop_flat_map(|dimension| (Just(dimension), rows(dimension, 25), rows(dimension, 11)))
}

fn complexes() -> impl Strategy<Value = WitnessComplex> {
    let relaxation = prop_oneof![(0..12_i32).prop_map(f64::from), Just(f64::INFINITY)];
    let kind = prop::sample::select(vec![WitnessKind::Weak, WitnessKind::Strong]);
    let coefficients = prop::sample::select(vec![2_u16, 3, 5]);
    (relaxation, 0..6_usize, kind, coefficients).prop_map(|(relaxation, limit_dimension, kind, coefficients)| {
        WitnessComplex {
            kind,
            coefficients,
            ..WitnessComplex::new(relaxation, limit_dimension)
        }
    })
}

fn values_by_map(complex: &WitnessComplex, witnesses: &[Vec<f64>], landmarks: &[Vec<f64>], dimension: usize) -> Values {
    let map = map_of(complex, &witnesses.concat(), &landmarks.concat(), dimension);
    values_of(&map.complex(&Limits::default()).unwrap())
}

/// The diagram of explicit simplices by the textbook, over Z/2: the boundary matrix, reduced column by column.
fn textbook(values: &Values, dimensions: usize) -> Diagram {
    let mut simplices: Vec<(&Vec<u32>, f64)> = values.iter().map(|(simplex, value)| (simplex, *value)).collect();
    simplices.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.len().cmp(&b.0.len())).then(b.0.cmp(a.0)));
    let index: BTreeMap<&[u32], usize> = simplices
        .iter()
        .enumerate()
        .map(|(at, entry)| (&entry.0[..], at))
        .collect();
    let mut columns: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut deaths: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, (simplex, _)) in simplices.iter().enumerate().filter(|entry| entry.1.0.len() > 1) {
        let facet = |left_out: usize| index[&[&simplex[..left_out], &simplex[left_out + 1..]].concat()[..]];
        let mut column: Vec<usize> = (0..simplex.len()).map(facet).collect();
        column.sort_unstable();
        while let Some(other) = column.last().and_then(|pivot| columns.get(pivot)) {
            let mut sum: Vec<usize> = column.iter().filter(|row| !other.contains(row)).copied().collect();
            sum.extend(other.iter().filter(|row| !column.contains(row)));
            sum.sort_unstable();
            column = sum;
        }
        if let Some(pivot) = column.last().copied() {
            columns.insert(pivot, column);
            deaths.insert(pivot, at);
        }
    }
    let killers: Vec<usize> = deaths.values().copied().collect();
    let births = (0..simplices.len()).filter(|at| simplices[*at].0.len() <= dimensions && !killers.contains(at));
    let pair = |at: usize| Pair {
        dimension: simplices[at].0.len() as u8 - 1,
        birth: simplices[at].1,
        death: deaths.get(&at).map_or(f64::INFINITY, |killer| simplices[*killer].1),
    };
    Diagram::new(births.map(pair).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn simplices_and_values_are_those_of_the_formula(
        (dimension, witnesses, landmarks) in inputs(),
        complex in complexes(),
    ) {
        let expected = brute_force(&complex, &witnesses, &landmarks);
        prop_assert_eq!(values_by_map(&complex, &witnesses, &landmarks, dimension), expected);
    }

    #[test]
    fn diagrams_are_those_of_the_definition(
        (dimension, witnesses, landmarks) in inputs(),
        complex in complexes(),
    ) {
        let complex = WitnessComplex { coefficients: 2, ..complex };
        let values = brute_force(&complex, &witnesses, &landmarks);
        let map = map_of(&complex, &witnesses.concat(), &landmarks.concat(), dimension);
        let found = map.diagram(&Limits::default()).unwrap().0;
        prop_assert_eq!(found, textbook(&values, complex.limit_dimension));
    }

    #[test]
    fn the_order_of_witnesses_and_landmarks_does_not_matter(
        (dimension, witnesses, landmarks, shuffled_witnesses, shuffled_landmarks) in inputs().prop_flat_map(
            |(dimension, witnesses, landmarks)| {
                let shuffled = (Just(witnesses.clone()).prop_shuffle(), Just(landmarks.clone()).prop_shuffle());
                (Just(dimension), Just(witnesses), Just(landmarks), shuffled.0, shuffled.1)
            },
        ),
        complex in complexes(),
    ) {
        let diagram = |witnesses: &[Vec<f64>], landmarks: &[Vec<f64>]| {
            map_of(&complex, &witnesses.concat(), &landmarks.concat(), dimension).diagram(&Limits::default()).unwrap().0
        };
        prop_assert_eq!(diagram(&witnesses, &landmarks), diagram(&shuffled_witnesses, &shuffled_landmarks));
    }

    #[test]
    fn parts_merged_in_any_order_are_the_whole(
        (dimension, witnesses, landmarks) in inputs(),
        complex in complexes(),
        cuts in (0..25_usize, 0..25_usize),
    ) {
        let limits = Limits::default();
        let (low, high) = (cuts.0.min(cuts.1).min(witnesses.len()), cuts.0.max(cuts.1).min(witnesses.len()));
        let part = |rows: &[Vec<f64>]| map_of(&complex, &rows.concat(), &landmarks.concat(), dimension);
        let parts = [part(&witnesses[..low]), part(&witnesses[low..high]), part(&witnesses[high..])];
        let merged = |order: [usize; 3]| {
            let mut map = parts[order[0]].clone();
            map.merge(&parts[order[1]], &limits).unwrap();
            map.merge(&parts[order[2]], &limits).unwrap();
            values_of(&map.complex(&limits).unwrap())
        };
        let whole = values_of(&part(&witnesses).complex(&limits).unwrap());
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            prop_assert_eq!(&merged(order), &whole);
        }
        // The other grouping, and once more what is there already.
        let mut right = parts[1].clone();
        right.merge(&parts[2], &limits).unwrap();
        let mut map = parts[0].clone();
        map.merge(&right, &limits).unwrap();
        map.add(PointCloud::new(&witnesses.concat(), dimension).unwrap(), &limits).unwrap();
        prop_assert_eq!(&values_of(&map.complex(&limits).unwrap()), &whole);
    }

    #[test]
    fn a_snapshot_restores_the_map(
        (dimension, witnesses, landmarks) in inputs(),
        complex in complexes(),
    ) {
        let limits = Limits::default();
        let map = map_of(&complex, &witnesses.concat(), &landmarks.concat(), dimension);
        let mut snapshot = Vec::new();
        map.for_each(|simplex, value| snapshot.push((simplex.to_vec(), value)), &limits).unwrap();
        let mut restored = map_of(&complex, &[], &landmarks.concat(), dimension);
        for (simplex, value) in &snapshot {
            restored.lower(simplex, *value, &limits).unwrap();
        }
        let mut again = Vec::new();
        restored.for_each(|simplex, value| again.push((simplex.to_vec(), value)), &limits).unwrap();
        prop_assert_eq!(snapshot, again);
    }

    #[test]
    fn explicit_complexes_may_be_listed_in_any_order(
        (_, witnesses, landmarks) in inputs(),
        complex in complexes(),
        shuffle in any::<u64>(),
    ) {
        let values = brute_force(&complex, &witnesses, &landmarks);
        let mut listed: Vec<(&[u32], f64)> = values.iter().map(|(simplex, value)| (&simplex[..], *value)).collect();
        for at in (1..listed.len()).rev() {
            listed.swap(at, (shuffle.rotate_left(at as u32) % (at as u64 + 1)) as usize);
        }
        let found = FilteredComplex::new(listed, &Limits::default()).unwrap();
        prop_assert_eq!(&values_of(&found), &values);
        let dimensions = complex.limit_dimension;
        if dimensions > 0 {
            let diagram = found.diagram(dimensions - 1, 2, &Limits::default()).unwrap().0;
            prop_assert_eq!(diagram, textbook(&values, dimensions));
        }
    }
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

#[test]
fn the_projective_plane_has_classes_of_dimension_one_over_two_only() {
    // The six-vertex triangulation.
    let triangles: [[u32; 3]; 10] = [
        [0, 1, 2],
        [0, 2, 3],
        [0, 3, 4],
        [0, 4, 5],
        [0, 1, 5],
        [1, 2, 4],
        [2, 3, 5],
        [1, 3, 4],
        [2, 4, 5],
        [1, 3, 5],
    ];
    let mut values = Values::new();
    for triangle in triangles {
        for set in 1..8 {
            let face: Vec<u32> = (0..3).filter(|at| set >> at & 1 == 1).map(|at| triangle[at]).collect();
            let value = face.len() as f64;
            values.insert(face, value);
        }
    }
    let listed = values.iter().map(|(simplex, value)| (&simplex[..], *value));
    let complex = FilteredComplex::new(listed, &Limits::default()).unwrap();
    let essential = |coefficients| {
        let diagram = complex.diagram(5, coefficients, &Limits::default()).unwrap().0;
        [0, 1, 2].map(|dimension| {
            diagram
                .of_dimension(dimension)
                .iter()
                .filter(|pair| pair.is_essential())
                .count()
        })
    };
    assert_eq!(essential(2), [1, 1, 1]);
    assert_eq!(essential(3), [1, 0, 0]);
}

#[test]
fn lists_that_are_no_complex_are_refused() {
    let fault_of = |listed: &[(&[u32], f64)]| match FilteredComplex::new(listed.iter().copied(), &Limits::default()) {
        Err(Error::InvalidSimplex { fault, .. }) => Some(fault),
        _ => None,
    };
    let (a, b, ab): (&[u32], &[u32], &[u32]) = (&[0], &[1], &[0, 1]);
    assert_eq!(fault_of(&[(a, 0.0), (b, 0.0), (ab, 1.0)]), None);
    assert_eq!(fault_of(&[(ab, 1.0), (a, 0.0)]), Some(SimplexFault::MissingFacet));
    assert_eq!(
        fault_of(&[(a, 0.0), (b, 2.0), (ab, 1.0)]),
        Some(SimplexFault::BeforeFacet)
    );
    assert_eq!(fault_of(&[(a, 0.0), (b, 0.0), (a, 1.0)]), Some(SimplexFault::Repeated));
    assert_eq!(fault_of(&[(&[1, 0], 0.0)]), Some(SimplexFault::Vertices));
    assert_eq!(fault_of(&[(&[], 0.0)]), Some(SimplexFault::Vertices));
    assert_eq!(fault_of(&[(a, f64::NAN)]), Some(SimplexFault::Value));
}

#[test]
fn any_number_of_threads_gives_the_same_diagram() {
    let (witnesses, landmarks) = (spread(3 * 20_000), spread(3 * 20_030)[3 * 20_000..].to_vec());
    let of = |threads, limit_dimension, kind| {
        let complex = WitnessComplex {
            threads,
            kind,
            ..WitnessComplex::new(0.1, limit_dimension)
        };
        let map = map_of(&complex, &witnesses, &landmarks, 3);
        (
            values_of(&map.complex(&Limits::default()).unwrap()),
            map.diagram(&Limits::default()).unwrap().0,
        )
    };
    for kind in [WitnessKind::Weak, WitnessKind::Strong] {
        let one = of(1, 3, kind);
        assert!(one.0.len() > 500, "{}", one.0.len());
        for threads in [0, 2, 3, 8] {
            assert_eq!(of(threads, 3, kind), one, "{threads} threads");
        }
    }
}

#[test]
fn many_landmarks_give_the_same_simplices_as_few() {
    // Too many triangles for a table with a place for each, but only those of the first landmarks are near.
    let witnesses = spread(2 * 300);
    let mut landmarks = spread(2 * 310)[600..].to_vec();
    let complex = WitnessComplex::new(0.2, 3);
    let few = map_of(&complex, &witnesses, &landmarks, 2)
        .complex(&Limits::default())
        .unwrap();
    landmarks.extend((0..600).map(|at| 1e6 + f64::from(at)));
    let many = map_of(&complex, &witnesses, &landmarks, 2)
        .complex(&Limits::default())
        .unwrap();
    assert!(few.len() > 300);
    assert_eq!(values_of(&few), values_of(&many));
}

#[test]
fn landmarks_chosen_from_a_circle_show_its_hole_in_any_order() {
    let angle = |at: usize| at as f64 / 1000.0 * std::f64::consts::TAU;
    let circle: Vec<[f64; 2]> = (0..1000).map(|at| [angle(at).cos(), angle(at).sin()]).collect();
    let backwards: Vec<[f64; 2]> = circle.iter().rev().copied().collect();
    for landmarks in [
        LandmarkChoice::MaxMin { count: 20 },
        LandmarkChoice::Random { count: 30, seed: 5 },
    ] {
        let complex = WitnessComplex {
            landmarks,
            ..WitnessComplex::new(0.02, 2)
        };
        let of = |points: &[[f64; 2]]| {
            complex
                .diagram(PointCloud::new(points.as_flattened(), 2).unwrap(), &Limits::default())
                .unwrap()
        };
        let found = of(&circle);
        assert_eq!(found, of(&backwards));
        let holes = found.of_dimension(1).iter().filter(|pair| pair.is_essential()).count();
        let components = found.of_dimension(0).iter().filter(|pair| pair.is_essential()).count();
        assert_eq!((components, holes), (1, 1), "{landmarks:?}");
    }
}

#[test]
fn empty_input_and_one_landmark_are_answered() {
    let complex = WitnessComplex::new(1.0, 2);
    let diagram = |witnesses: &[f64], landmarks: &[f64]| {
        let (witnesses, landmarks) = (
            PointCloud::new(witnesses, 1).unwrap(),
            PointCloud::new(landmarks, 1).unwrap(),
        );
        complex
            .of_landmarks(witnesses, landmarks, &Limits::default())
            .unwrap()
            .0
    };
    assert!(diagram(&[], &[]).is_empty());
    assert!(diagram(&[1.0], &[]).is_empty());
    assert!(diagram(&[], &[1.0]).is_empty());
    assert_eq!(diagram(&[1.0], &[5.0]).len(), 1);
    let cloud = PointCloud::new(&[], 3).unwrap();
    assert!(complex.diagram(cloud, &Limits::default()).unwrap().is_empty());
    let none = WitnessComplex {
        landmarks: LandmarkChoice::MaxMin { count: 0 },
        ..complex
    };
    let cloud = PointCloud::new(&[1.0, 2.0], 1).unwrap();
    assert!(none.diagram(cloud, &Limits::default()).unwrap().is_empty());
}

#[test]
fn input_that_makes_no_sense_is_refused() {
    let limits = Limits::default();
    let cloud = PointCloud::new(&[0.0, 1.0], 1).unwrap();
    for found in [-1.0, f64::NAN] {
        let refused = WitnessComplex::new(found, 2).of_landmarks(cloud, cloud, &limits);
        assert!(matches!(refused, Err(Error::InvalidRelaxation { .. })));
    }
    let composite = WitnessComplex {
        coefficients: 6,
        ..WitnessComplex::new(1.0, 2)
    };
    assert_eq!(composite.of_cloud(cloud, &limits), Err(Error::NotPrime { found: 6 }));
    let complex = WitnessComplex::new(1.0, 2);
    let plane = PointCloud::new(&[0.0, 1.0], 2).unwrap();
    let refused = complex.of_landmarks(cloud, plane, &limits);
    assert_eq!(refused, Err(Error::LandmarkDimension { expected: 1, found: 2 }));
    let far = PointCloud::new(&[0.0, 1e200], 1).unwrap();
    let refused = complex.of_landmarks(far, cloud, &limits);
    assert_eq!(
        refused,
        Err(Error::SquareOverflow {
            witness: 1,
            landmark: 0
        })
    );
    let many = spread(1000);
    let refused = WitnessComplex::new(1.0, 20).of_landmarks(cloud, PointCloud::new(&many, 1).unwrap(), &limits);
    assert!(matches!(refused, Err(Error::TooManySimplices { .. })));
    let mut map = map_of(&complex, &[0.0], &[0.0, 1.0, 2.0], 1);
    let other = map_of(&complex, &[0.0], &[0.0, 1.0], 1);
    assert_eq!(map.merge(&other, &limits), Err(Error::DifferentComplexes));
    for (simplex, value) in [
        (&[0, 3][..], 0.5),
        (&[1, 0], 0.5),
        (&[], 0.5),
        (&[0, 1], 2.0),
        (&[0, 1], f64::NAN),
    ] {
        assert!(matches!(
            map.lower(simplex, value, &limits),
            Err(Error::InvalidSimplex { .. })
        ));
    }
}

#[test]
fn a_distant_outlier_changes_nothing() {
    let (mut witnesses, landmarks) = (spread(400), spread(440)[400..].to_vec());
    let complex = WitnessComplex::new(0.05, 2);
    let without = map_of(&complex, &witnesses, &landmarks, 2)
        .complex(&Limits::default())
        .unwrap();
    witnesses.extend([1e15, -1e15]);
    let with = map_of(&complex, &witnesses, &landmarks, 2)
        .complex(&Limits::default())
        .unwrap();
    for (simplex, value) in values_of(&without) {
        assert!(values_of(&with)[&simplex] <= value);
    }
}

#[test]
fn limits_hold_exactly_and_cancellation_is_quick() {
    let points = spread(3 * 2000);
    let cloud = PointCloud::new(&points, 3).unwrap();
    let complex = WitnessComplex {
        landmarks: LandmarkChoice::MaxMin { count: 40 },
        ..WitnessComplex::new(0.3, 3)
    };
    let (_, usage) = complex.of_cloud(cloud, &Limits::default()).unwrap();
    let with = |memory_bytes, work| Limits {
        memory_bytes,
        work,
        ..Limits::default()
    };
    assert!(
        complex
            .of_cloud(cloud, &with(Some(usage.memory_bytes), Some(usage.work)))
            .is_ok()
    );
    let less = complex.of_cloud(cloud, &with(Some(usage.memory_bytes - 1), None));
    assert!(matches!(less, Err(Error::MemoryLimit { .. })), "{less:?}");
    let less = complex.of_cloud(cloud, &with(None, Some(usage.work - 1)));
    assert!(matches!(less, Err(Error::WorkLimit { .. })), "{less:?}");

    // One witness alone would take years.
    let endless = WitnessComplex {
        landmarks: LandmarkChoice::MaxMin { count: 300 },
        ..WitnessComplex::new(9.0, 6)
    };
    let small = with(Some(10_000_000), None);
    let start = Instant::now();
    assert!(matches!(
        endless.of_cloud(cloud, &small),
        Err(Error::MemoryLimit { .. })
    ));
    assert!(start.elapsed() < Duration::from_secs(5));
    for threads in [1, 2] {
        let cancel = Cancel::new();
        let limits = Limits {
            cancel: cancel.clone(),
            memory_bytes: Some(300_000_000),
            ..Limits::default()
        };
        let endless = WitnessComplex {
            threads,
            limit_dimension: 2,
            ..endless.clone()
        };
        let many = spread(3 * 100_000);
        let (found, delay) = std::thread::scope(|scope| {
            let job = || {
                (
                    endless.diagram(PointCloud::new(&many, 3).unwrap(), &limits),
                    Instant::now(),
                )
            };
            let job = scope.spawn(job);
            std::thread::sleep(Duration::from_millis(200));
            let asked = Instant::now();
            cancel.cancel();
            let (found, stopped) = job.join().unwrap();
            (found, stopped.saturating_duration_since(asked))
        });
        assert_eq!(found, Err(Error::Cancelled));
        assert!(delay < Duration::from_millis(500), "{delay:?}");
    }
}
