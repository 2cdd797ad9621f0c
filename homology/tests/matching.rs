//! Distances between diagrams: golden values, brute force, and the theorems about them.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use homology::matching::{Bottleneck, Matching, SlicedWasserstein, WarmStart, Wasserstein};
use homology::{Cancel, Error, Limits, Pair, Persistence, PointCloud, VietorisRips};
use proptest::prelude::*;
use serde::Deserialize;

const INFINITY: f64 = f64::INFINITY;

type Metric<'a> = dyn Fn(&[Pair], &[Pair]) -> f64 + 'a;
type Points = Vec<(f64, Option<f64>)>;

#[derive(Deserialize)]
struct Case {
    input: Input,
    expected: BTreeMap<String, serde_json::Value>,
    tolerance: Tolerance,
}

#[derive(Deserialize)]
struct Input {
    a: Points,
    b: Points,
}

#[derive(Deserialize)]
struct Tolerance {
    relative: f64,
}

fn pair(birth: f64, death: f64) -> Pair {
    Pair {
        dimension: 1,
        birth,
        death,
    }
}

fn pairs_of(points: &Points) -> Vec<Pair> {
    points
        .iter()
        .map(|(birth, death)| pair(*birth, death.unwrap_or(INFINITY)))
        .collect()
}

fn unlimited() -> Limits {
    Limits::default()
}

fn exact(order: f64, ground: f64) -> Wasserstein {
    Wasserstein {
        order,
        ground,
        tolerance: 0.0,
    }
}

fn load(name: &str) -> Case {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[track_caller]
fn check(name: &str) {
    let case = load(name);
    let (a, b) = (pairs_of(&case.input.a), pairs_of(&case.input.b));
    let found = [
        ("bottleneck", Bottleneck.distance(&a, &b, &unlimited()).unwrap()),
        (
            "wasserstein_q1_pinf",
            exact(1.0, INFINITY).distance(&a, &b, &unlimited()).unwrap(),
        ),
        (
            "wasserstein_q2_pinf",
            exact(2.0, INFINITY).distance(&a, &b, &unlimited()).unwrap(),
        ),
        (
            "wasserstein_q2_p2",
            exact(2.0, 2.0).distance(&a, &b, &unlimited()).unwrap(),
        ),
        (
            "wasserstein_q1_p1",
            exact(1.0, 1.0).distance(&a, &b, &unlimited()).unwrap(),
        ),
    ];
    for (metric, found) in found {
        let expected = case.expected[metric].as_f64().unwrap_or(INFINITY);
        let close = found == expected || (found - expected).abs() <= case.tolerance.relative * 1e-4 * expected;
        assert!(close, "{name}, {metric}: found {found}, expected {expected}");
    }
}

#[test]
fn two_empty_diagrams_are_equal() {
    check("distance_empty_empty");
}

#[test]
fn all_of_a_diagram_goes_to_the_diagonal_if_the_other_is_empty() {
    check("distance_empty_vs_5");
}

#[test]
fn diagrams_of_different_sizes_have_the_distances_of_gudhi() {
    check("distance_30_vs_45");
}

#[test]
fn a_jittered_copy_has_the_distances_of_gudhi() {
    check("distance_120_jitter");
}

#[test]
fn essential_pairs_are_matched_by_birth_as_in_gudhi() {
    check("distance_with_essential");
}

#[test]
fn sliced_distances_are_those_of_gudhi() {
    let case = load("sliced_14_vs_9");
    let (a, b) = (pairs_of(&case.input.a), pairs_of(&case.input.b));
    for (directions, expected) in case.expected {
        let sliced = SlicedWasserstein {
            directions: directions.parse().unwrap(),
        };
        let (found, expected) = (
            sliced.distance(&a, &b, &unlimited()).unwrap(),
            expected.as_f64().unwrap(),
        );
        assert!(
            (found - expected).abs() <= case.tolerance.relative * expected,
            "{directions}: {found} {expected}"
        );
    }
}

/// The ground norm with exponent `p`.
fn length(p: f64, x: f64, y: f64) -> f64 {
    if p == INFINITY {
        return x.abs().max(y.abs());
    }
    (x.abs().powf(p) + y.abs().powf(p)).powf(1.0 / p)
}

fn to_diagonal(p: f64, pair: &Pair) -> f64 {
    length(p, pair.persistence() / 2.0, pair.persistence() / 2.0)
}

/// The least value over all matchings, where `join` adds the length of a move to the value so far.
fn brute_force(a: &[Pair], b: &mut Vec<Pair>, p: f64, so_far: f64, join: &dyn Fn(f64, f64) -> f64) -> f64 {
    let Some((first, rest)) = a.split_first() else {
        return b.iter().fold(so_far, |value, pair| join(value, to_diagonal(p, pair)));
    };
    let mut best = brute_force(rest, b, p, join(so_far, to_diagonal(p, first)), join);
    for at in 0..b.len() {
        let partner = b.remove(at);
        let moved = length(p, first.birth - partner.birth, first.death - partner.death);
        best = best.min(brute_force(rest, b, p, join(so_far, moved), join));
        b.insert(at, partner);
    }
    best
}

/// Panics unless every pair occurs once, and the moves attain the distance.
#[track_caller]
fn check_matching(matching: &Matching, a: &[Pair], b: &[Pair], p: f64, order: f64) {
    let ids = |side: &dyn Fn(&homology::matching::Match) -> Option<usize>| {
        let mut ids: Vec<usize> = matching.matches.iter().filter_map(side).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&|pair| pair.a), (0..a.len()).collect::<Vec<_>>());
    assert_eq!(ids(&|pair| pair.b), (0..b.len()).collect::<Vec<_>>());
    let moved = matching.matches.iter().map(|pair| match (pair.a, pair.b) {
        (Some(i), Some(j)) if a[i].is_essential() => {
            assert!(b[j].is_essential());
            (a[i].birth - b[j].birth).abs()
        }
        (Some(i), Some(j)) => length(p, a[i].birth - b[j].birth, a[i].death - b[j].death),
        (Some(i), None) => to_diagonal(p, &a[i]),
        (None, Some(j)) => to_diagonal(p, &b[j]),
        (None, None) => panic!("a match of nothing with nothing"),
    });
    let attained = if order == INFINITY {
        moved.fold(0.0, f64::max)
    } else {
        moved.map(|length| length.powf(order)).sum::<f64>().powf(1.0 / order)
    };
    let close = (attained - matching.distance).abs() <= 1e-9 * matching.distance;
    assert!(close, "{attained} is not {}", matching.distance);
}

/// Up to five pairs on a small lattice, with many ties and repetitions.
fn tiny() -> impl Strategy<Value = Vec<Pair>> {
    let point = (0..6_u8, 0..5_u8).prop_map(|(birth, length)| pair(f64::from(birth), f64::from(birth + length)));
    proptest::collection::vec(point, 0..6)
}

/// Up to five pairs born at 3, with many ties and repetitions.
fn tiny_of_one_birth() -> impl Strategy<Value = Vec<Pair>> {
    let point = (0..9_u8).prop_map(|length| pair(3.0, f64::from(3 + length)));
    proptest::collection::vec(point, 0..6)
}

/// Up to 300 pairs born at -1, some on a lattice.
fn middling_of_one_birth() -> impl Strategy<Value = Vec<Pair>> {
    let length = prop_oneof![(1..30_u8).prop_map(f64::from), 0.01..30.0, 0.01..1.0];
    proptest::collection::vec(length.prop_map(|length| pair(-1.0, length - 1.0)), 0..300)
}

/// Up to 300 pairs, some on a lattice.
fn middling() -> impl Strategy<Value = Vec<Pair>> {
    let lattice = (0..20_u8, 1..9_u8).prop_map(|(birth, length)| pair(f64::from(birth), f64::from(birth + length)));
    let anywhere = (0.0..20.0, 0.01..5.0).prop_map(|(birth, length)| pair(birth, birth + length));
    let essential = (0.0..20.0).prop_map(|birth| pair(birth, INFINITY));
    let finite = proptest::collection::vec(prop_oneof![lattice, anywhere], 0..300);
    (finite, proptest::collection::vec(essential, 2)).prop_map(|(mut pairs, essential)| {
        pairs.extend(essential);
        pairs
    })
}

fn exponents() -> impl Strategy<Value = f64> {
    prop_oneof![Just(1.0), Just(2.0), Just(3.5)]
}

fn grounds() -> impl Strategy<Value = f64> {
    prop_oneof![Just(1.0), Just(2.0), Just(3.0), Just(INFINITY)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn small_bottleneck_distances_are_those_of_all_matchings_tried(a in tiny(), b in tiny()) {
        let found = Bottleneck.matching(&a, &b, &unlimited()).unwrap();
        prop_assert_eq!(found.distance, brute_force(&a, &mut b.clone(), INFINITY, 0.0, &f64::max));
        check_matching(&found, &a, &b, INFINITY, INFINITY);
    }

    #[test]
    fn small_wasserstein_distances_are_those_of_all_matchings_tried(
        a in tiny(), b in tiny(), order in exponents(), ground in grounds(),
    ) {
        let found = exact(order, ground).matching(&a, &b, &unlimited()).unwrap();
        let total = brute_force(&a, &mut b.clone(), ground, 0.0, &|sum, length| sum + length.powf(order));
        let expected = total.powf(1.0 / order);
        prop_assert!((found.distance - expected).abs() <= 1e-9 * expected, "{} {}", found.distance, expected);
        check_matching(&found, &a, &b, ground, order);
    }

    #[test]
    fn distances_of_one_birth_are_those_of_all_matchings_tried(
        a in tiny_of_one_birth(), b in tiny_of_one_birth(), order in exponents(), ground in grounds(),
    ) {
        let found = exact(order, ground).matching(&a, &b, &unlimited()).unwrap();
        let total = brute_force(&a, &mut b.clone(), ground, 0.0, &|sum, length| sum + length.powf(order));
        let expected = total.powf(1.0 / order);
        prop_assert!((found.distance - expected).abs() <= 1e-9 * expected, "{} {}", found.distance, expected);
        check_matching(&found, &a, &b, ground, order);
    }

    #[test]
    fn the_way_for_one_birth_finds_the_distance_of_the_way_for_all(
        a in middling_of_one_birth(), b in middling_of_one_birth(), ground in grounds(),
    ) {
        let wasserstein = exact(1.0, ground);
        let found = wasserstein.matching(&a, &b, &unlimited()).unwrap();
        check_matching(&found, &a, &b, ground, 1.0);
        // One more pair, born elsewhere and too far away for a partner, asks for the general way.
        let alone = pair(1000.0, 1001.0);
        let more: Vec<Pair> = a.iter().copied().chain([alone]).collect();
        let expected = wasserstein.distance(&more, &b, &unlimited()).unwrap() - to_diagonal(ground, &alone);
        prop_assert!((found.distance - expected).abs() <= 1e-9 * (1.0 + expected), "{} {}", found.distance, expected);
    }

    #[test]
    fn distances_are_metrics(a in middling(), b in middling(), c in middling(), order in exponents(), ground in grounds()) {
        let wasserstein = exact(order, ground);
        let metrics: [&Metric<'_>; 3] = [
            &|a, b| Bottleneck.distance(a, b, &unlimited()).unwrap(),
            &|a, b| wasserstein.distance(a, b, &unlimited()).unwrap(),
            &|a, b| SlicedWasserstein::default().distance(a, b, &unlimited()).unwrap(),
        ];
        for metric in metrics {
            let (ab, bc, ac) = (metric(&a, &b), metric(&b, &c), metric(&a, &c));
            prop_assert!((ab - metric(&b, &a)).abs() <= 1e-9 * ab);
            prop_assert!(metric(&a, &a) <= 1e-9);
            prop_assert!(ac <= (ab + bc) * (1.0 + 1e-9), "{} > {} + {}", ac, ab, bc);
        }
    }

    #[test]
    fn wasserstein_distances_fall_with_the_order_to_the_bottleneck_distance(a in middling(), b in middling()) {
        let bottleneck = Bottleneck.matching(&a, &b, &unlimited()).unwrap();
        check_matching(&bottleneck, &a, &b, INFINITY, INFINITY);
        let mut above = INFINITY;
        for order in [1.0, 2.0, 8.0, 40.0] {
            let found = exact(order, INFINITY).distance(&a, &b, &unlimited()).unwrap();
            prop_assert!(found <= above * (1.0 + 1e-9));
            prop_assert!(found >= bottleneck.distance * (1.0 - 1e-9));
            above = found;
        }
        // As many moves as pairs, none longer than the bottleneck: that is how far apart they can be.
        let moves = (a.len() + b.len()) as f64;
        prop_assert!(above <= bottleneck.distance * moves.powf(1.0 / 40.0) * (1.0 + 1e-9));
    }

    #[test]
    fn a_start_from_another_problem_changes_no_distance(
        windows in proptest::collection::vec(middling(), 2..5), order in exponents(), ground in grounds(),
    ) {
        let (mut duals, mut moves) = (WarmStart::new(), WarmStart::new());
        let wasserstein = exact(order, ground);
        for pairs in windows.windows(2) {
            let (a, b) = (&pairs[0], &pairs[1]);
            let cold = wasserstein.distance(a, b, &unlimited()).unwrap();
            let warm = wasserstein.matching_from(&mut duals, a, b, &unlimited()).unwrap();
            prop_assert!((warm.distance - cold).abs() <= 1e-9 * cold, "{} {}", warm.distance, cold);
            check_matching(&warm, a, b, ground, order);
            let warm = Bottleneck.matching_from(&mut moves, a, b, &unlimited()).unwrap();
            prop_assert_eq!(warm.distance, Bottleneck.distance(a, b, &unlimited()).unwrap());
            check_matching(&warm, a, b, INFINITY, INFINITY);
        }
    }

    #[test]
    fn a_tolerance_is_kept(a in middling(), b in middling(), order in exponents(), tolerance in 0.0..0.5) {
        let distance = exact(order, 2.0).distance(&a, &b, &unlimited()).unwrap();
        let rough = Wasserstein { order, ground: 2.0, tolerance }.matching(&a, &b, &unlimited()).unwrap();
        prop_assert!(rough.distance >= distance * (1.0 - 1e-9));
        prop_assert!(rough.distance <= distance * (1.0 + tolerance) * (1.0 + 1e-9));
        check_matching(&rough, &a, &b, 2.0, order);
    }

    #[test]
    fn distances_do_not_depend_on_the_order_of_the_pairs_and_grow_with_their_scale(
        a in middling(), b in middling(), exponent in -900_i32..900, turn in 0..400_usize,
    ) {
        let factor = 2.0_f64.powi(exponent);
        let change = |pairs: &[Pair]| {
            let mut pairs: Vec<Pair> = pairs.iter().map(|p| pair(p.birth * factor, p.death * factor)).collect();
            let turn = turn % pairs.len();
            pairs.rotate_left(turn);
            pairs
        };
        let (x, y) = (change(&a), change(&b));
        let expected = Bottleneck.distance(&a, &b, &unlimited()).unwrap() * factor;
        prop_assert_eq!(Bottleneck.distance(&x, &y, &unlimited()).unwrap(), expected);
        for wasserstein in [exact(1.0, INFINITY), exact(2.0, 2.0)] {
            let expected = wasserstein.distance(&a, &b, &unlimited()).unwrap() * factor;
            let found = wasserstein.distance(&x, &y, &unlimited()).unwrap();
            prop_assert!((found - expected).abs() <= 1e-9 * expected, "{} {}", found, expected);
        }
    }

    #[test]
    fn moving_points_moves_a_rips_diagram_by_at_most_twice_as_much(
        points in proptest::collection::vec((0.0..1.0, 0.0..1.0), 2..40),
        noise in proptest::collection::vec((-1.0..1.0, -1.0..1.0), 40),
        level in 0.0..0.2,
    ) {
        let flat = |moved: f64| -> Vec<f64> {
            let both = points.iter().zip(&noise);
            both.flat_map(|((x, y), (dx, dy))| [x + moved * dx, y + moved * dy]).collect()
        };
        let diagram = |coordinates: &[f64]| {
            let cloud = PointCloud::new(coordinates, 2).unwrap();
            VietorisRips::to_dimension(1).diagram(cloud, &unlimited()).unwrap()
        };
        let (still, moved) = (diagram(&flat(0.0)), diagram(&flat(level)));
        let farthest = noise.iter().map(|(dx, dy): &(f64, f64)| dx.hypot(*dy) * level).fold(0.0, f64::max);
        for dimension in 0..2 {
            let (a, b) = (still.of_dimension(dimension), moved.of_dimension(dimension));
            let distance = Bottleneck.distance(a, b, &unlimited()).unwrap();
            prop_assert!(distance <= 2.0 * farthest + 1e-12, "{} > 2 * {}", distance, farthest);
        }
    }
}

/// Births uniform in the unit interval, exponential persistence.
fn random(count: usize, seed: u64) -> Vec<Pair> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    let point = |_| {
        let birth = uniform();
        pair(birth, birth - 0.1 * uniform().ln())
    };
    (0..count).map(point).collect()
}

#[test]
fn thousands_of_equal_pairs_are_matched_with_thousands_of_equal_pairs() {
    let (a, b) = (vec![pair(0.0, 2.0); 3000], vec![pair(0.25, 2.0); 2000]);
    assert_eq!(Bottleneck.distance(&a, &b, &unlimited()).unwrap(), 1.0);
    let found = exact(1.0, INFINITY).matching(&a, &b, &unlimited()).unwrap();
    assert!(
        (found.distance - (2000.0 * 0.25 + 1000.0)).abs() < 1e-6,
        "{}",
        found.distance
    );
    check_matching(&found, &a, &b, INFINITY, 1.0);
    let same = exact(2.0, 2.0).distance(&a, &a, &unlimited()).unwrap();
    assert!(same <= 1e-9, "{same}");
}

#[test]
fn different_numbers_of_essential_pairs_are_infinitely_far_apart() {
    let (a, b) = ([pair(0.0, INFINITY)], [pair(0.0, 1.0)]);
    assert_eq!(Bottleneck.distance(&a, &b, &unlimited()), Ok(INFINITY));
    assert_eq!(exact(2.0, 2.0).distance(&a, &b, &unlimited()), Ok(INFINITY));
    assert_eq!(
        SlicedWasserstein::default().distance(&a, &b, &unlimited()),
        Ok(INFINITY)
    );
    let found = exact(2.0, 2.0)
        .matching(&a, &[pair(3.0, INFINITY)], &unlimited())
        .unwrap();
    assert_eq!(found.distance, 3.0);
}

#[test]
fn values_near_both_ends_of_the_floats_keep_their_distances() {
    for scale in [1e-300, 1e300] {
        let (a, b) = ([pair(0.0, scale), pair(-scale, scale)], [pair(0.0, 1.5 * scale)]);
        assert_eq!(Bottleneck.distance(&a, &b, &unlimited()).unwrap(), scale);
        let found = exact(2.0, INFINITY).distance(&a, &b, &unlimited()).unwrap();
        assert!((found / scale - 1.25_f64.sqrt()).abs() < 1e-12, "{found}");
    }
    let mixed = [pair(0.0, 1e300), pair(0.0, 1e-300)];
    assert_eq!(
        Bottleneck.distance(&mixed, &[pair(0.0, 1e300)], &unlimited()).unwrap(),
        5e-301
    );
    assert_eq!(exact(1.0, INFINITY).distance(&mixed, &[], &unlimited()).unwrap(), 5e299);
}

#[test]
fn bad_input_is_refused() {
    let bad = [
        pair(f64::NAN, 1.0),
        pair(0.0, f64::NAN),
        pair(1.0, 0.0),
        pair(-INFINITY, 0.0),
        pair(INFINITY, INFINITY),
        pair(-f64::MAX, f64::MAX),
    ];
    for bad in bad {
        let pairs = [pair(0.0, 1.0), bad];
        let refused = |found| matches!(found, Err(Error::InvalidPair { pair: 1, .. }));
        assert!(refused(Bottleneck.distance(&pairs, &[], &unlimited())), "{bad:?}");
        assert!(refused(exact(2.0, 2.0).distance(&[], &pairs, &unlimited())), "{bad:?}");
        assert!(
            refused(SlicedWasserstein::default().distance(&pairs, &[], &unlimited())),
            "{bad:?}"
        );
    }
    let with = |order, ground, tolerance| {
        let wasserstein = Wasserstein {
            order,
            ground,
            tolerance,
        };
        wasserstein.distance(&[], &[], &unlimited())
    };
    assert_eq!(with(0.5, 2.0, 0.0), Err(Error::InvalidOrder { found: 0.5 }));
    assert_eq!(with(INFINITY, 2.0, 0.0), Err(Error::InvalidOrder { found: INFINITY }));
    assert_eq!(with(2.0, 0.0, 0.0), Err(Error::InvalidGroundNorm { found: 0.0 }));
    assert_eq!(with(2.0, 2.0, -1.0), Err(Error::InvalidTolerance { found: -1.0 }));
    let none = SlicedWasserstein { directions: 0 };
    assert_eq!(none.distance(&[], &[], &unlimited()), Err(Error::NoDirections));
}

#[test]
fn memory_and_work_are_limited() {
    let (a, b) = (random(2000, 1), random(2000, 2));
    let memory = Limits {
        memory_bytes: Some(50_000),
        ..Limits::default()
    };
    let work = Limits {
        work: Some(10_000),
        ..Limits::default()
    };
    assert!(matches!(
        Bottleneck.distance(&a, &b, &memory),
        Err(Error::MemoryLimit { .. })
    ));
    assert!(matches!(
        exact(2.0, 2.0).distance(&a, &b, &memory),
        Err(Error::MemoryLimit { .. })
    ));
    assert_eq!(
        exact(2.0, 2.0).distance(&a, &b, &work),
        Err(Error::WorkLimit { limit: 10_000 })
    );
    let work = Limits {
        work: Some(2_000),
        ..Limits::default()
    };
    assert_eq!(
        Bottleneck.distance(&a, &b, &work),
        Err(Error::WorkLimit { limit: 2_000 })
    );
}

#[test]
fn a_cancelled_distance_stops_soon() {
    let (a, b) = (random(30_000, 1), random(30_000, 2));
    let cancel = Cancel::new();
    let limits = Limits {
        cancel: cancel.clone(),
        ..Limits::default()
    };
    let stopped = std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            let result = exact(1.0, 2.0).distance(&a, &b, &limits);
            (result, Instant::now())
        });
        // Long enough to be in the middle of it, far less than all of it takes.
        std::thread::sleep(Duration::from_millis(100));
        let raised = Instant::now();
        cancel.cancel();
        let (result, ended) = running.join().unwrap();
        assert_eq!(result, Err(Error::Cancelled));
        ended.saturating_duration_since(raised)
    });
    assert!(stopped < Duration::from_millis(500), "{stopped:?}");
}
