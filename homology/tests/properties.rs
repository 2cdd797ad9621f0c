//! Random inputs, with many ties, against the definition and against the symmetries of homology.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use common::assert_same;
use homology::{
    Diagram, DistanceMatrix, Limits, Metric, Mode, Pair, Persistence, PointCloud, SparseEdges, VietorisRips,
};
use proptest::prelude::*;

/// Edges by `(i, j)` with `i > j`; pairs that are missing are never joined.
type Lengths = BTreeMap<(usize, usize), f64>;

/// The diagram by the textbook: all simplices, the whole boundary matrix, reduced column by column.
fn brute_force(vertices: usize, lengths: &Lengths, max_dimension: usize, modulus: u64) -> Diagram {
    let mut simplices = all_simplices(vertices, lengths, max_dimension + 1);
    // Any order works that puts faces first; ties are broken differently from the crate on purpose.
    simplices.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.len().cmp(&b.0.len())).then(b.0.cmp(&a.0)));
    let index: BTreeMap<&[usize], usize> = simplices
        .iter()
        .enumerate()
        .map(|(at, simplex)| (&simplex.0[..], at))
        .collect();
    let mut reduced: BTreeMap<usize, BTreeMap<usize, u64>> = BTreeMap::new();
    let mut deaths: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, (simplex, _)) in simplices.iter().enumerate() {
        let mut column = boundary(simplex, &index, modulus);
        while let Some((&pivot, &coefficient)) = column.last_key_value() {
            let Some(other) = reduced.get(&pivot) else { break };
            let factor = (modulus - coefficient) * inverse(other[&pivot], modulus) % modulus;
            for (row, value) in other {
                let sum = (column.get(row).unwrap_or(&0) + factor * value) % modulus;
                if sum == 0 {
                    column.remove(row)
                } else {
                    column.insert(*row, sum)
                };
            }
        }
        if let Some((&pivot, _)) = column.last_key_value() {
            deaths.insert(pivot, at);
            reduced.insert(pivot, column);
        }
    }
    let killers: Vec<usize> = deaths.values().copied().collect();
    let births = (0..simplices.len()).filter(|at| !killers.contains(at) && simplices[*at].0.len() <= max_dimension + 1);
    let pair = |at: usize| Pair {
        dimension: simplices[at].0.len() as u8 - 1,
        birth: simplices[at].1,
        death: deaths.get(&at).map_or(f64::INFINITY, |killer| simplices[*killer].1),
    };
    Diagram::new(births.map(pair).collect())
}

/// Every clique of up to `dimension + 1` vertices, ascending, with its longest edge.
fn all_simplices(vertices: usize, lengths: &Lengths, dimension: usize) -> Vec<(Vec<usize>, f64)> {
    let mut simplices: Vec<(Vec<usize>, f64)> = (0..vertices).map(|vertex| (vec![vertex], 0.0)).collect();
    let mut start = 0;
    for _ in 0..dimension {
        let end = simplices.len();
        for at in start..end {
            let (simplex, value) = simplices[at].clone();
            for vertex in simplex[simplex.len() - 1] + 1..vertices {
                let edges: Option<Vec<f64>> = simplex.iter().map(|j| lengths.get(&(vertex, *j)).copied()).collect();
                if let Some(edges) = edges {
                    let cofacet = simplex.iter().copied().chain([vertex]).collect();
                    simplices.push((cofacet, edges.into_iter().fold(value, f64::max)));
                }
            }
        }
        start = end;
    }
    simplices
}

fn boundary(simplex: &[usize], index: &BTreeMap<&[usize], usize>, modulus: u64) -> BTreeMap<usize, u64> {
    if simplex.len() == 1 {
        return BTreeMap::new();
    }
    let without = |at: usize| -> Vec<usize> { [&simplex[..at], &simplex[at + 1..]].concat() };
    let sign = |at: usize| if at.is_multiple_of(2) { 1 } else { modulus - 1 };
    (0..simplex.len())
        .map(|at| (index[&without(at)[..]], sign(at)))
        .collect()
}

fn inverse(a: u64, modulus: u64) -> u64 {
    (1..modulus).find(|b| a * b % modulus == 1).unwrap()
}

fn euclidean(points: &[Vec<f64>], threshold: f64) -> Lengths {
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt();
    let pairs = (0..points.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    pairs
        .map(|(i, j)| ((i, j), distance(&points[i], &points[j])))
        .filter(|edge| edge.1 <= threshold)
        .collect()
}

fn rips(max_dimension: usize, coefficients: u16, threshold: Option<f64>) -> VietorisRips {
    VietorisRips {
        max_dimension,
        threshold,
        coefficients,
        metric: Metric::Euclidean,
        ..VietorisRips::to_dimension(max_dimension)
    }
}

fn in_all_modes(rips: VietorisRips) -> impl Iterator<Item = VietorisRips> {
    let modes = [Mode::Auto, Mode::Dense, Mode::Sparse, Mode::Collapsed];
    modes.into_iter().map(move |mode| VietorisRips { mode, ..rips.clone() })
}

fn of_points(rips: &VietorisRips, points: &[Vec<f64>]) -> Diagram {
    let dimension = points.first().map_or(1, Vec::len);
    rips.diagram(
        PointCloud::new(&points.concat(), dimension).unwrap(),
        &Limits::default(),
    )
    .unwrap()
}

/// Points of a small grid: distances tie and points repeat.
fn grid_points(most: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    (1..=3_usize).prop_flat_map(move |dimension| {
        prop::collection::vec(
            prop::collection::vec((0..4_i32).prop_map(f64::from), dimension),
            0..most,
        )
    })
}

fn thresholds() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![Just(None), (0..5_i32).prop_map(|threshold| Some(f64::from(threshold)))]
}

/// A weighted graph with few different lengths, of which some may be 0, and some edges missing.
fn weighted_graph() -> impl Strategy<Value = (usize, Lengths)> {
    (2..11_usize).prop_flat_map(|vertices| {
        let lengths = prop::collection::vec(prop::option::weighted(0.8, 0..5_i32), vertices * (vertices - 1) / 2);
        lengths.prop_map(move |lengths| {
            let pairs = (0..vertices).flat_map(|i| (0..i).map(move |j| (i, j)));
            let joined = pairs
                .zip(lengths)
                .filter_map(|(pair, length)| Some((pair, f64::from(length?))));
            (vertices, joined.collect())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn clouds_with_ties_have_the_diagram_of_the_definition(
        points in grid_points(11),
        max_dimension in 0..4_usize,
        modulus in prop::sample::select(vec![2_u16, 3, 5]),
        threshold in thresholds(),
    ) {
        let lengths = euclidean(&points, threshold.unwrap_or(f64::MAX));
        let expected = brute_force(points.len(), &lengths, max_dimension, u64::from(modulus));
        for rips in in_all_modes(rips(max_dimension, modulus, threshold)) {
            prop_assert_eq!(&of_points(&rips, &points), &expected, "{:?}", rips);
        }
    }

    #[test]
    fn graphs_and_matrices_with_ties_have_the_diagram_of_the_definition(
        (vertices, lengths) in weighted_graph(),
        max_dimension in 0..5_usize,
        modulus in prop::sample::select(vec![2_u16, 3, 7]),
    ) {
        let expected = brute_force(vertices, &lengths, max_dimension, u64::from(modulus));
        let edges: Vec<_> = lengths.iter().map(|(&(i, j), &value)| (i, j, value)).collect();
        let sparse = SparseEdges::new(vertices, &edges).unwrap();
        let pairs = (0..vertices).flat_map(|i| (0..i).map(move |j| (i, j)));
        let lower = pairs.map(|pair| lengths.get(&pair).copied().unwrap_or(f64::INFINITY)).collect();
        let matrix = DistanceMatrix::from_lower(vertices, lower).unwrap();
        for rips in in_all_modes(rips(max_dimension, modulus, None)) {
            prop_assert_eq!(&rips.of_edges(&sparse, &Limits::default()).unwrap().0, &expected, "{:?}", rips);
            prop_assert_eq!(&rips.of_matrix(&matrix, &Limits::default()).unwrap().0, &expected, "{:?}", rips);
        }
    }

    #[test]
    fn lists_of_neighbours_and_collapsed_ones_give_the_same_as_the_matrix(
        (vertices, lengths) in weighted_graph(),
        max_dimension in prop::sample::select(vec![3_usize, 9]),
        modulus in prop::sample::select(vec![2_u16, 3]),
    ) {
        // Isolated vertices make the graph sparse enough for lists, and change nothing but degree 0.
        const ISOLATED: usize = 120;
        // From dimension 6 on, keys of 8 bits per vertex need more than 64 bits.
        let rips = rips(max_dimension, modulus, None);
        let edges: Vec<_> = lengths.iter().map(|(&(i, j), &value)| (i + ISOLATED, j + ISOLATED, value)).collect();
        let sparse = SparseEdges::new(vertices + ISOLATED, &edges).unwrap();
        let expected = brute_force(vertices, &lengths, max_dimension, u64::from(modulus));
        for rips in in_all_modes(rips) {
            let found = rips.of_edges(&sparse, &Limits::default()).unwrap().0;
            for dimension in 1..=max_dimension as u8 {
                prop_assert_eq!(found.of_dimension(dimension), expected.of_dimension(dimension), "{:?}", rips);
            }
            prop_assert_eq!(found.of_dimension(0).len(), expected.of_dimension(0).len() + ISOLATED);
        }
    }

    #[test]
    fn the_order_of_the_points_does_not_matter(
        (points, shuffled) in grid_points(25).prop_flat_map(|points| (Just(points.clone()), Just(points).prop_shuffle())),
    ) {
        for rips in in_all_modes(rips(2, 2, None)) {
            prop_assert_eq!(of_points(&rips, &points), of_points(&rips, &shuffled), "{:?}", rips);
        }
    }

    #[test]
    fn scaling_the_points_scales_the_diagram(points in grid_points(20), exponent in -1000..900_i32) {
        // A power of two, so that no digit is lost. Small ones exercise the distances whose squares underflow.
        let factor = 2.0_f64.powi(exponent);
        let scaled: Vec<Vec<f64>> = points.iter().map(|row| row.iter().map(|x| x * factor).collect()).collect();
        let rips = rips(1, 2, None);
        let scale = |pair: &Pair| Pair { birth: pair.birth * factor, death: pair.death * factor, ..*pair };
        let expected = Diagram::new(of_points(&rips, &points).pairs().iter().map(scale).collect());
        assert_same(&of_points(&rips, &scaled), &expected, 1, 1e-14 * factor, "scaled points");
    }

    #[test]
    fn points_moved_a_little_move_the_diagram_a_little(points in grid_points(15), moves in any::<u64>()) {
        let noise = |at: usize| ((moves.rotate_left(at as u32 * 7) & 0xFF) as f64 / 255.0 - 0.5) * 1e-3;
        let moved: Vec<Vec<f64>> = points
            .iter()
            .enumerate()
            .map(|(row, point)| point.iter().enumerate().map(|(column, x)| x + noise(3 * row + column)).collect())
            .collect();
        let rips = rips(2, 2, None);
        // Each point moves by at most half of √3 · 10⁻³, each distance by twice that.
        assert_same(&of_points(&rips, &moved), &of_points(&rips, &points), 2, 1.8e-3, "moved points");
    }

    #[test]
    fn a_larger_threshold_changes_nothing_below_it(points in grid_points(20), threshold in 0..5_i32) {
        let threshold = f64::from(threshold);
        let cut = |pair: &Pair| Pair { death: if pair.death <= threshold { pair.death } else { f64::INFINITY }, ..*pair };
        let whole = of_points(&rips(2, 2, None), &points);
        let expected = Diagram::new(whole.pairs().iter().filter(|pair| pair.birth <= threshold).map(cut).collect());
        prop_assert_eq!(of_points(&rips(2, 2, Some(threshold)), &points), expected);
    }
}

#[test]
fn many_sparse_points_have_one_diagram_in_every_mode_and_for_every_number_of_threads() {
    const POINTS: usize = 9000;
    let mut state = 11_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // Rounded, so that many distances tie.
        ((state >> 40) as f64 / 65536.0).round()
    };
    let coordinates: Vec<f64> = (0..2 * POINTS).map(|_| next()).collect();
    let cloud = PointCloud::new(&coordinates, 2).unwrap();
    let base = rips(2, 2, Some(6.0));
    let expected = base.diagram(cloud, &Limits::default()).unwrap();
    assert!(
        expected.of_dimension(1).len() > 100,
        "{}",
        expected.of_dimension(1).len()
    );
    for (mode, threads) in [
        (Mode::Sparse, 1),
        (Mode::Sparse, 3),
        (Mode::Collapsed, 2),
        (Mode::Auto, 4),
    ] {
        let rips = VietorisRips {
            mode,
            threads,
            ..base.clone()
        };
        assert_eq!(
            rips.diagram(cloud, &Limits::default()).unwrap(),
            expected,
            "{mode:?}, {threads} threads"
        );
    }
}
