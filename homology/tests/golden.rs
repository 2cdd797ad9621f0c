//! The diagrams of GUDHI, in double precision, on inputs chosen to be awkward.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{assert_same, same_within};
use homology::{Diagram, DistanceMatrix, Limits, Metric, Pair, Persistence, PointCloud, SparseEdges, VietorisRips};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    input: Input,
    params: Params,
    expected: Expected,
    tolerance: Tolerance,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Input {
    Points {
        ambient_dimension: usize,
        points: Vec<Vec<f64>>,
    },
    DistanceMatrix {
        n: usize,
        lower: Vec<Vec<f64>>,
    },
    SparseEdges {
        n: usize,
        edges: Vec<(usize, usize, f64)>,
    },
}

#[derive(Deserialize)]
struct Params {
    max_dimension: usize,
    threshold: Option<f64>,
    coefficients: u16,
    #[serde(default)]
    window: usize,
}

/// Birth and death by dimension; no death is an essential class.
type Diagrams = BTreeMap<u8, Vec<(f64, Option<f64>)>>;

#[derive(Deserialize)]
struct Expected {
    #[serde(default)]
    diagrams: Diagrams,
    #[serde(default)]
    windows: Vec<Window>,
}

#[derive(Deserialize)]
struct Window {
    start: usize,
    diagrams: Diagrams,
}

#[derive(Deserialize)]
struct Tolerance {
    double: f64,
}

fn diagram_of(diagrams: &Diagrams) -> Diagram {
    let pair = |dimension: u8, (birth, death): (f64, Option<f64>)| Pair {
        dimension,
        birth,
        death: death.unwrap_or(f64::INFINITY),
    };
    let of_dimension = |(dimension, pairs): (&u8, &Vec<(f64, Option<f64>)>)| -> Vec<Pair> {
        pairs.iter().map(|values| pair(*dimension, *values)).collect()
    };
    Diagram::new(diagrams.iter().flat_map(of_dimension).collect())
}

/// Calls `check(name, case)` for every golden file whose name starts with `prefix`, and returns how many there were.
fn for_each_case(prefix: &str, check: impl Fn(&str, Case)) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix));
    for path in &paths {
        let case = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        check(path.file_stem().unwrap().to_str().unwrap(), case);
    }
    paths.len()
}

fn rips(params: &Params) -> VietorisRips {
    VietorisRips {
        max_dimension: params.max_dimension,
        threshold: params.threshold,
        coefficients: params.coefficients,
        metric: Metric::Euclidean,
        ..VietorisRips::to_dimension(params.max_dimension)
    }
}

#[test]
fn rips_diagrams_are_those_of_gudhi() {
    let cases = for_each_case("rips_", |name, case| {
        let (rips, limits) = (rips(&case.params), Limits::default());
        let found = match case.input {
            Input::Points {
                ambient_dimension,
                points,
            } => rips
                .diagram(PointCloud::new(&points.concat(), ambient_dimension).unwrap(), &limits)
                .unwrap(),
            Input::DistanceMatrix { n, lower } => {
                rips.of_matrix(&DistanceMatrix::from_lower(n, lower.concat()).unwrap(), &limits)
                    .unwrap()
                    .0
            }
            Input::SparseEdges { n, edges } => rips.of_edges(&SparseEdges::new(n, &edges).unwrap(), &limits).unwrap().0,
        };
        let expected = diagram_of(&case.expected.diagrams);
        assert_same(
            &found,
            &expected,
            case.params.max_dimension as u8,
            case.tolerance.double,
            name,
        );
    });
    assert_eq!(cases, 26);
}

#[test]
fn every_window_of_a_stream_has_the_diagram_of_gudhi() {
    let cases = for_each_case("window_", |name, case| {
        let Input::Points {
            ambient_dimension,
            points,
        } = case.input
        else {
            panic!("{name} has no points")
        };
        assert!(!case.expected.windows.is_empty());
        for window in &case.expected.windows {
            let coordinates = points[window.start..window.start + case.params.window].concat();
            let cloud = PointCloud::new(&coordinates, ambient_dimension).unwrap();
            let found = rips(&case.params).diagram(cloud, &Limits::default()).unwrap();
            let subject = format!("{name} from row {}", window.start);
            let expected = diagram_of(&window.diagrams);
            assert_same(
                &found,
                &expected,
                case.params.max_dimension as u8,
                case.tolerance.double,
                &subject,
            );
        }
    });
    assert_eq!(cases, 2);
}

#[test]
fn the_comparison_tells_multisets_apart() {
    let pair = |birth, death| Pair {
        dimension: 1,
        birth,
        death,
    };
    let twice = [pair(0.0, 1.0), pair(0.0, 1.0)];
    assert!(same_within(&twice, &twice, 0.0));
    assert!(!same_within(&twice, &twice[1..], 0.1));
    assert!(same_within(
        &twice,
        &[pair(0.0, 0.95), pair(0.0, 1.0), pair(0.5, 0.6)],
        0.1
    ));
    assert!(!same_within(&[pair(0.0, 1.0), pair(0.0, 2.0)], &twice, 0.1));
    assert!(!same_within(&twice, &[pair(0.0, 1.0), pair(0.0, f64::INFINITY)], 0.1));
}
