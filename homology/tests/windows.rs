//! Windows whose points come and go, against computation from scratch.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use common::assert_same;
use homology::{
    AlphaComplex, AlphaWindow, Cancel, Diagram, Error, Limits, Metric, Pair, Persistence, PointCloud, PointId,
    RipsWindow, VietorisRips,
};
use proptest::prelude::*;
use serde::Deserialize;

/// A window and, beside it, its points by id.
struct Twin {
    window: RipsWindow,
    rips: VietorisRips,
    dimension: usize,
    points: VecDeque<(PointId, Vec<f64>)>,
}

impl Twin {
    fn new(rips: &VietorisRips, dimension: usize) -> Self {
        Self {
            window: RipsWindow::new(rips.clone(), dimension).unwrap(),
            rips: rips.clone(),
            dimension,
            points: VecDeque::new(),
        }
    }

    fn insert(&mut self, row: &[f64]) {
        let id = self.window.insert(row).unwrap();
        self.points.push_back((id, row.to_vec()));
    }

    fn remove(&mut self, place: usize) {
        if let Some((id, _)) = self.points.remove(place) {
            self.window.remove(id).unwrap();
        }
    }

    fn remove_oldest(&mut self, count: usize) {
        self.window.remove_oldest(count);
        self.points.drain(..count.min(self.points.len()));
    }

    fn expected(&self) -> Diagram {
        let coordinates: Vec<f64> = self.points.iter().flat_map(|(_, row)| row.clone()).collect();
        let cloud = PointCloud::new(&coordinates, self.dimension).unwrap();
        self.rips.diagram(cloud, &Limits::default()).unwrap()
    }

    /// Exactly equal, or the test fails.
    fn check(&mut self) {
        assert_eq!(self.window.diagram(&Limits::default()).unwrap(), self.expected());
        assert_eq!(self.window.len(), self.points.len());
    }
}

#[derive(Debug, Clone)]
enum Change {
    Insert(Vec<f64>),
    Remove(usize),
    RemoveOldest(usize),
    Look,
}

/// Changes of a window of about `size` points, one in three followed by a look. Coordinates of a small grid tie and
/// repeat.
fn changes(size: usize, coordinate: impl Strategy<Value = f64> + Clone) -> impl Strategy<Value = (usize, Vec<Change>)> {
    (1..=3_usize).prop_flat_map(move |dimension| {
        let point = || prop::collection::vec(coordinate.clone(), dimension).prop_map(Change::Insert);
        let change = prop_oneof![
            4 => point(),
            2 => (0..size).prop_map(Change::Remove),
            1 => (0..4_usize).prop_map(Change::RemoveOldest),
            3 => Just(Change::Look),
        ];
        let first = prop::collection::vec(point(), size);
        let later = prop::collection::vec(change, 0..30);
        (
            Just(dimension),
            (first, later).prop_map(|(first, later)| [first, vec![Change::Look], later].concat()),
        )
    })
}

fn run(rips: &VietorisRips, dimension: usize, changes: &[Change]) {
    let mut twin = Twin::new(rips, dimension);
    for change in changes {
        match change {
            Change::Insert(row) => twin.insert(row),
            Change::Remove(place) => twin.remove(*place),
            Change::RemoveOldest(count) => twin.remove_oldest(*count),
            Change::Look => twin.check(),
        }
    }
    twin.check();
}

fn metrics() -> impl Strategy<Value = Metric> {
    prop::sample::select(vec![Metric::Euclidean, Metric::Manhattan, Metric::Chebyshev])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn windows_with_ties_and_repetitions_have_the_diagram_of_their_points(
        (dimension, changes) in changes(14, (0..4_i32).prop_map(f64::from)),
        max_dimension in 0..4_usize,
        coefficients in prop::sample::select(vec![2_u16, 2, 2, 3]),
        metric in metrics(),
        threshold in prop_oneof![2 => Just(None), 1 => (0..5_i32).prop_map(|threshold| Some(f64::from(threshold)))],
    ) {
        run(&VietorisRips { threshold, coefficients, metric, ..VietorisRips::to_dimension(max_dimension) }, dimension, &changes);
    }

    #[test]
    fn windows_of_scattered_points_have_the_diagram_of_their_points(
        (dimension, changes) in changes(40, 0.0..1.0),
        max_dimension in 0..3_usize,
        metric in metrics(),
        threshold in prop_oneof![2 => Just(None), 1 => (0.0..1.5).prop_map(Some)],
    ) {
        run(&VietorisRips { threshold, metric, ..VietorisRips::to_dimension(max_dimension) }, dimension, &changes);
    }

    #[test]
    fn angles_are_a_metric_like_any_other(
        (dimension, changes) in changes(25, prop_oneof![(1..4_i32).prop_map(f64::from), 0.1..1.0]),
        max_dimension in 0..3_usize,
    ) {
        let rips = VietorisRips { metric: Metric::Cosine, ..VietorisRips::to_dimension(max_dimension) };
        run(&rips, dimension, &changes);
    }

    #[test]
    fn points_of_a_sphere_enclose_a_void_while_some_come_and_go(
        angles in prop::collection::vec((0.0..std::f64::consts::TAU, -1.0..1.0), 60..80),
        slide in 1..6_usize,
    ) {
        let point = |(angle, height): (f64, f64)| {
            let radius = (1.0 - height * height).sqrt();
            [radius * angle.cos(), radius * angle.sin(), height]
        };
        let mut twin = Twin::new(&VietorisRips::to_dimension(2), 3);
        angles[..50].iter().for_each(|angle| twin.insert(&point(*angle)));
        twin.check();
        for step in angles[50..].chunks(slide) {
            twin.remove_oldest(step.len());
            step.iter().for_each(|angle| twin.insert(&point(*angle)));
            twin.check();
        }
    }

    #[test]
    fn a_restored_window_goes_on_like_the_first(
        rows in prop::collection::vec((0..5_i32).prop_map(f64::from), 2 * 30),
        removed in prop::collection::vec(0..20_u64, 0..5),
    ) {
        let rips = VietorisRips::to_dimension(1);
        let mut window = RipsWindow::new(rips.clone(), 2).unwrap();
        window.extend(&rows[..40]).unwrap();
        window.diagram(&Limits::default()).unwrap();
        removed.iter().for_each(|id| drop(window.remove(PointId(*id))));
        let mut restored = RipsWindow::restore(rips, window.snapshot()).unwrap();
        prop_assert_eq!(restored.snapshot(), window.snapshot());
        for row in rows[40..].chunks(2) {
            prop_assert_eq!(window.insert(row).unwrap(), restored.insert(row).unwrap());
            window.remove_oldest(1);
            restored.remove_oldest(1);
            prop_assert_eq!(window.diagram(&Limits::default()).unwrap(), restored.diagram(&Limits::default()).unwrap());
        }
        prop_assert!(window.ids().eq(restored.ids()));
    }
}

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
}

#[derive(Deserialize)]
struct Params {
    window: usize,
    max_dimension: usize,
    threshold: Option<f64>,
    coefficients: u16,
}

#[derive(Deserialize)]
struct Expected {
    windows: Vec<ExpectedWindow>,
}

#[derive(Deserialize)]
struct ExpectedWindow {
    start: usize,
    /// Birth and death by dimension; no death is an essential class.
    diagrams: BTreeMap<u8, Vec<(f64, Option<f64>)>>,
}

#[derive(Deserialize)]
struct Tolerance {
    double: f64,
}

fn diagram_of(window: &ExpectedWindow) -> Diagram {
    let pairs = window.diagrams.iter().flat_map(|(&dimension, pairs)| {
        pairs.iter().map(move |&(birth, death)| Pair {
            dimension,
            birth,
            death: death.unwrap_or(f64::INFINITY),
        })
    });
    Diagram::new(pairs.collect())
}

/// Slides a window over the points of a golden file.
fn check_golden(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let case: Case = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let rips = VietorisRips {
        threshold: case.params.threshold,
        coefficients: case.params.coefficients,
        ..VietorisRips::to_dimension(case.params.max_dimension)
    };
    let mut window = RipsWindow::new(rips, case.input.ambient_dimension).unwrap();
    let (mut start, mut end) = (0, 0);
    for expected in &case.expected.windows {
        window.remove_oldest(expected.start - start);
        start = expected.start;
        window
            .extend(&case.input.points[end..start + case.params.window].concat())
            .unwrap();
        end = start + case.params.window;
        assert_same(
            &window.diagram(&Limits::default()).unwrap(),
            &diagram_of(expected),
            case.params.max_dimension as u8,
            case.tolerance.double,
            &format!("{name} from row {start}"),
        );
    }
    assert_eq!(window.len(), case.params.window);
}

#[test]
fn every_window_of_a_stream_has_the_diagram_of_gudhi() {
    check_golden("window_breathing_loop_R2.json");
    check_golden("window_noise_R3_duplicates_t0.6.json");
}

/// Well spread coordinates in 0..1 without any library.
fn spread(count: usize) -> Vec<f64> {
    (1..=count)
        .map(|at| (at as f64 * 0.754_877_666_246_692_8 + (at * at) as f64 * 0.1).fract())
        .collect()
}

#[test]
fn a_window_stays_usable_whatever_limit_it_ran_into() {
    let points = spread(3 * 140);
    for max_dimension in [1, 2] {
        let rips = VietorisRips::to_dimension(max_dimension);
        let mut twin = Twin::new(&rips, 3);
        points.chunks(3).take(100).for_each(|row| twin.insert(row));
        twin.check();
        twin.remove_oldest(1);
        twin.check();
        for (step, row) in points.chunks(3).skip(100).enumerate() {
            twin.remove(step * 7 % 50);
            twin.insert(row);
            let limits = match step % 3 {
                0 => Limits {
                    work: Some(step as u64 * 300),
                    ..Limits::default()
                },
                1 => Limits {
                    memory_bytes: Some(step * 5000),
                    ..Limits::default()
                },
                _ => {
                    let cancel = Cancel::new();
                    cancel.cancel();
                    Limits {
                        cancel,
                        ..Limits::default()
                    }
                }
            };
            if let Ok(found) = twin.window.diagram(&limits) {
                assert_eq!(found, twin.expected());
            }
            if step % 2 == 0 {
                twin.check();
            }
        }
    }
}

#[test]
fn what_a_window_holds_is_reported_and_limited() {
    let points = spread(3 * 110);
    let mut window = RipsWindow::new(VietorisRips::to_dimension(1), 3).unwrap();
    assert!(window.memory_bytes() < 100);
    window.extend(&points[..300]).unwrap();
    window.diagram(&Limits::default()).unwrap();
    for row in points[300..].chunks(3) {
        window.remove_oldest(1);
        window.insert(row).unwrap();
        window.diagram(&Limits::default()).unwrap();
    }
    let held = window.memory_bytes();
    assert!((50_000..130_000).contains(&held), "{held}");
    let limits = Limits {
        memory_bytes: Some(held / 2),
        ..Limits::default()
    };
    assert!(matches!(window.diagram(&limits), Err(Error::MemoryLimit { .. })));
    assert!(window.memory_bytes() < 10_000, "what does not fit is given back");
    window.remove_oldest(1000);
    assert!(window.is_empty() && window.diagram(&Limits::default()).unwrap().is_empty());
}

#[test]
fn alpha_windows_have_the_diagram_of_their_points() {
    let points = spread(3 * 80);
    for dimension in 1..=3 {
        let alpha = AlphaComplex::to_dimension(2);
        let mut window = AlphaWindow::new(alpha, dimension).unwrap();
        window.extend(&points[..40 * dimension]).unwrap();
        for (step, row) in points[40 * dimension..].chunks_exact(dimension).enumerate() {
            window.insert(row).unwrap();
            let id = window.ids().nth(step * 5 % 30).unwrap();
            window.remove(id).unwrap();
            window.insert(row).unwrap();
            window.remove_oldest(1);
            let snapshot = window.snapshot();
            let cloud = PointCloud::new(&snapshot.rows, dimension).unwrap();
            let expected = alpha.diagram(cloud, &Limits::default()).unwrap();
            assert_eq!(window.diagram(&Limits::default()), Ok(expected.clone()));
            assert_eq!(window.diagram(&Limits::default()), Ok(expected.clone()));
            let mut restored = AlphaWindow::restore(alpha, snapshot).unwrap();
            assert_eq!(restored.diagram(&Limits::default()), Ok(expected));
        }
        assert!(window.len() == 40 && window.memory_bytes() < 50_000);
        let limits = Limits {
            work: Some(1),
            ..Limits::default()
        };
        window.remove_oldest(1);
        assert_eq!(window.diagram(&limits), Err(Error::WorkLimit { limit: 1 }));
        assert!(window.diagram(&Limits::default()).is_ok());
    }
    assert!(matches!(
        AlphaWindow::new(AlphaComplex::to_dimension(1), 4),
        Err(Error::AlphaDimension { dimension: 4 })
    ));
}

#[test]
fn points_that_are_none_are_refused() {
    let mut window = RipsWindow::new(VietorisRips::to_dimension(1), 2).unwrap();
    assert!(matches!(
        RipsWindow::new(VietorisRips::to_dimension(1), 0),
        Err(Error::Ragged { .. })
    ));
    assert!(matches!(window.insert(&[1.0]), Err(Error::Ragged { .. })));
    assert!(matches!(window.insert(&[]), Err(Error::Ragged { .. })));
    assert!(matches!(
        window.insert(&[1.0, 2.0, 3.0, 4.0]),
        Err(Error::Ragged { .. })
    ));
    assert!(matches!(
        window.extend(&[1.0, 2.0, f64::NAN, 4.0]),
        Err(Error::NotFinite { row: 1, column: 0, .. })
    ));
    assert!(window.is_empty());
    let id = window.insert(&[1.0, 2.0]).unwrap();
    window.remove(id).unwrap();
    assert_eq!(window.remove(id), Err(Error::UnknownPoint { id: id.0 }));
    let mut snapshot = window.snapshot();
    snapshot.ids.push(id);
    assert!(matches!(
        RipsWindow::restore(VietorisRips::to_dimension(1), snapshot),
        Err(Error::InvalidSnapshot { ids: 1, points: 0 })
    ));
}

#[test]
fn distances_that_no_float_can_hold_are_refused_and_may_leave_again() {
    let mut twin = Twin::new(&VietorisRips::to_dimension(1), 1);
    spread(30).iter().for_each(|x| twin.insert(&[*x]));
    twin.check();
    twin.check();
    twin.insert(&[f64::MAX]);
    twin.insert(&[-f64::MAX]);
    assert!(matches!(
        twin.window.diagram(&Limits::default()),
        Err(Error::DistanceOverflow { .. })
    ));
    twin.remove(31);
    twin.check();
    // Beyond 32-bit floats, but not beyond 64.
    twin.check();
    twin.remove(30);
    twin.check();
}

#[test]
fn coordinates_of_any_size_are_told_apart() {
    for scale in [1e-300, 1e-160, 1e-40, 1e15, 1e38, 1e300] {
        let mut twin = Twin::new(&VietorisRips::to_dimension(2), 2);
        let points = spread(2 * 60);
        points[..80]
            .chunks(2)
            .for_each(|row| twin.insert(&[row[0] * scale, row[1] * scale]));
        twin.check();
        for row in points[80..].chunks(2) {
            twin.remove_oldest(1);
            twin.insert(&[row[0] * scale, row[1] * scale]);
            twin.check();
        }
    }
}
