//! Features of diagrams, beside GUDHI's and beside what they must be by definition.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use homology::matching::{Bottleneck, Wasserstein};
use homology::vectorize::{
    Amplitude, BettiCurve, EntropyCurve, Grid, Landscape, PersistenceImage, Silhouette, Statistics, entropy,
};
use homology::{Cancel, Error, Limits, Pair};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    input: Input,
    /// A number, a list of numbers, or null where GUDHI has no answer.
    expected: BTreeMap<String, serde_json::Value>,
    tolerance: Tolerance,
}

#[derive(Deserialize)]
struct Input {
    pairs: Vec<[f64; 2]>,
    start: f64,
    end: f64,
    bandwidth: f64,
}

#[derive(Deserialize)]
struct Tolerance {
    relative: f64,
}

fn pairs_of(points: &[[f64; 2]]) -> Vec<Pair> {
    let pair = |[birth, death]: &[f64; 2]| Pair {
        dimension: 1,
        birth: *birth,
        death: *death,
    };
    points.iter().map(pair).collect()
}

fn unlimited() -> Limits {
    Limits::default()
}

#[track_caller]
fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json"));
    let case: Case = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let Input {
        start, end, bandwidth, ..
    } = case.input;
    let pairs = pairs_of(&case.input.pairs);
    let grid = Grid::new(start, end, 17).unwrap();
    let image = PersistenceImage {
        births: Grid::new(start, end, 7).unwrap(),
        persistences: Grid::new(0.0, end - start, 5).unwrap(),
        bandwidth,
        power: 2.0,
    };
    let curve = |normalized| EntropyCurve { grid, normalized }.values(&pairs, &unlimited()).unwrap();
    let silhouette = |power| Silhouette { grid, power }.values(&pairs, &unlimited()).unwrap();
    let found = [
        ("betti_curve", BettiCurve { grid }.values(&pairs, &unlimited()).unwrap()),
        ("entropy", vec![entropy(&pairs, &unlimited()).unwrap()]),
        ("entropy_curve", curve(false)),
        ("entropy_curve_normalized", curve(true)),
        (
            "landscape_3",
            Landscape { grid, layers: 3 }.values(&pairs, &unlimited()).unwrap(),
        ),
        ("silhouette_0", silhouette(0.0)),
        ("silhouette_2", silhouette(2.0)),
        ("image_7x5_power_2", image.values(&pairs, &unlimited()).unwrap()),
    ];
    assert_eq!(found.len(), case.expected.len());
    for (feature, found) in found {
        let expected: Vec<f64> = match &case.expected[feature] {
            serde_json::Value::Null => continue,
            serde_json::Value::Number(value) => vec![value.as_f64().unwrap()],
            list => serde_json::from_value(list.clone()).unwrap(),
        };
        assert_eq!(found.len(), expected.len(), "{name}, {feature}");
        let scale = expected.iter().fold(1e-300_f64, |scale, value| scale.max(value.abs()));
        for (found, expected) in found.iter().zip(&expected) {
            let close = (found - expected).abs() <= case.tolerance.relative * scale;
            assert!(close, "{name}, {feature}: found {found}, expected {expected}");
        }
    }
}

#[test]
fn features_of_a_random_diagram_are_those_of_gudhi() {
    check("features_uniform_25");
}

#[test]
fn features_of_one_pair_are_those_of_gudhi() {
    check("features_single");
}

#[test]
fn features_of_pairs_that_begin_and_end_on_the_grid_are_those_of_gudhi() {
    check("features_integer_ties_20");
}

#[test]
fn the_empty_diagram_has_features_of_zeros() {
    let grid = Grid::new(0.0, 1.0, 3).unwrap();
    let essential = [Pair {
        dimension: 0,
        birth: 0.25,
        death: f64::INFINITY,
    }];
    for pairs in [&[], &essential[..]] {
        assert_eq!(entropy(pairs, &unlimited()), Ok(0.0));
        let curve = EntropyCurve { grid, normalized: true };
        assert_eq!(curve.values(pairs, &unlimited()).unwrap(), [0.0; 3]);
        assert_eq!(
            Landscape { grid, layers: 2 }.values(pairs, &unlimited()).unwrap(),
            [0.0; 6]
        );
        assert_eq!(
            Silhouette { grid, power: 1.0 }.values(pairs, &unlimited()).unwrap(),
            [0.0; 3]
        );
        let statistics = Statistics {
            essential: pairs.len(),
            ..Statistics::default()
        };
        assert_eq!(Statistics::of(pairs, &unlimited()), Ok(statistics));
    }
    assert_eq!(
        BettiCurve { grid }.values(&essential, &unlimited()).unwrap(),
        [0.0, 1.0, 1.0]
    );
}

#[test]
fn parameters_out_of_range_are_refused() {
    let grid = Grid::new(0.0, 1.0, 3).unwrap();
    assert!(matches!(Grid::new(1.0, 0.0, 3), Err(Error::InvalidGrid { .. })));
    assert!(matches!(Grid::new(0.0, f64::NAN, 3), Err(Error::InvalidGrid { .. })));
    assert!(matches!(
        Grid::new(-f64::MAX, f64::MAX, 3),
        Err(Error::InvalidGrid { .. })
    ));
    assert!(matches!(Grid::new(0.0, 1.0, 0), Err(Error::InvalidGrid { .. })));
    let landscape = Landscape { grid, layers: 0 };
    assert_eq!(landscape.values(&[], &unlimited()), Err(Error::NoLayers));
    let silhouette = Silhouette { grid, power: -1.0 };
    assert_eq!(
        silhouette.values(&[], &unlimited()),
        Err(Error::InvalidPower { found: -1.0 })
    );
    let image = PersistenceImage {
        births: grid,
        persistences: grid,
        bandwidth: 0.0,
        power: 1.0,
    };
    assert_eq!(
        image.values(&[], &unlimited()),
        Err(Error::InvalidBandwidth { found: 0.0 })
    );
    let landscape = Landscape { grid, layers: 1 };
    let amplitude = Amplitude::Landscape { landscape, order: 0.5 };
    assert_eq!(
        amplitude.value(&[], &unlimited()),
        Err(Error::InvalidOrder { found: 0.5 })
    );
    let backwards = pairs_of(&[[0.0, 1.0], [1.0, 0.0]]);
    assert!(matches!(
        entropy(&backwards, &unlimited()),
        Err(Error::InvalidPair { pair: 1, .. })
    ));
}

#[test]
fn limits_are_obeyed() {
    let pairs = pairs_of(&vec![[0.0, 1.0]; 1000]);
    let cancel = Cancel::new();
    cancel.cancel();
    let cancelled = Limits {
        cancel,
        ..Limits::default()
    };
    let small = Limits {
        memory_bytes: Some(1000),
        ..Limits::default()
    };
    let grid = Grid::new(0.0, 1.0, 100).unwrap();
    let silhouette = Silhouette { grid, power: 1.0 };
    assert_eq!(silhouette.values(&pairs, &cancelled), Err(Error::Cancelled));
    assert_eq!(BettiCurve { grid }.values(&pairs, &cancelled), Err(Error::Cancelled));
    assert!(matches!(
        silhouette.values(&pairs, &small),
        Err(Error::MemoryLimit { .. })
    ));
    let huge = Landscape {
        grid,
        layers: usize::MAX,
    };
    assert!(matches!(
        huge.values(&pairs, &unlimited()),
        Err(Error::MemoryLimit { .. })
    ));
}

fn diagrams() -> impl Strategy<Value = Vec<Pair>> {
    let point = (0..8_u8, 1..6_u8).prop_map(|(birth, length)| [f64::from(birth), f64::from(birth + length)]);
    proptest::collection::vec(point, 0..20).prop_map(|points| pairs_of(&points))
}

proptest! {
    #[test]
    fn amplitudes_are_distances_to_the_empty_diagram(pairs in diagrams(), order in 1.0..4.0, ground in 1.0..4.0) {
        let wasserstein = Wasserstein { order, ground, tolerance: 0.0 };
        let expected = wasserstein.distance(&pairs, &[], &unlimited()).unwrap();
        let found = Amplitude::Wasserstein(wasserstein).value(&pairs, &unlimited()).unwrap();
        prop_assert!((found - expected).abs() <= 1e-12 * expected, "{} {}", found, expected);
        let expected = Bottleneck.distance(&pairs, &[], &unlimited()).unwrap();
        prop_assert_eq!(Amplitude::Bottleneck.value(&pairs, &unlimited()).unwrap(), expected);
    }

    #[test]
    fn the_betti_curve_counts_what_the_diagram_counts(pairs in diagrams()) {
        let grid = Grid::new(-1.0, 15.0, 33).unwrap();
        let curve = BettiCurve { grid }.values(&pairs, &unlimited()).unwrap();
        let diagram = homology::Diagram::new(pairs);
        for (found, at) in curve.into_iter().zip(grid.values()) {
            prop_assert_eq!(found, diagram.betti(1, at) as f64);
        }
    }

    #[test]
    fn all_layers_of_a_landscape_sum_to_its_silhouette(pairs in diagrams()) {
        let grid = Grid::new(0.0, 14.0, 57).unwrap();
        let layers = Landscape { grid, layers: 20 }.values(&pairs, &unlimited()).unwrap();
        let mean = Silhouette { grid, power: 0.0 }.values(&pairs, &unlimited()).unwrap();
        for (column, mean) in mean.iter().enumerate() {
            let sum: f64 = layers.chunks(57).map(|layer| layer[column]).sum();
            prop_assert!((sum - mean * pairs.len() as f64).abs() < 1e-9);
            for (upper, lower) in layers.chunks(57).zip(layers.chunks(57).skip(1)) {
                prop_assert!(upper[column] >= lower[column]);
            }
        }
    }

    #[test]
    fn features_do_not_depend_on_the_scale(pairs in diagrams(), exponent in -900_i32..900) {
        let factor = 2.0_f64.powi(exponent);
        let scaled: Vec<Pair> = pairs
            .iter()
            .map(|pair| Pair { birth: pair.birth * factor, death: pair.death * factor, ..*pair })
            .collect();
        prop_assert_eq!(entropy(&pairs, &unlimited()), entropy(&scaled, &unlimited()));
        let silhouette = |factor: f64, pairs: &[Pair]| {
            let grid = Grid::new(0.0, 14.0 * factor, 29).unwrap();
            Silhouette { grid, power: 3.0 }.values(pairs, &unlimited()).unwrap()
        };
        let expected: Vec<f64> = silhouette(1.0, &pairs).iter().map(|value| value * factor).collect();
        prop_assert_eq!(silhouette(factor, &scaled), expected);
    }
}
