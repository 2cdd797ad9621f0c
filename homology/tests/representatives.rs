//! Representative cycles against what they promise, by linear algebra on small inputs with many ties.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use homology::{
    Cancel, Diagram, DistanceMatrix, Error, FilteredComplex, Limits, Metric, Persistence, PointCloud, Representative,
    SparseEdges, VietorisRips,
};
use proptest::prelude::*;

/// Simplices by their ascending vertices, with their values.
type Values = BTreeMap<Vec<u32>, f64>;

/// Row-echelon form over Z/p: independent vectors by their first place.
struct Span {
    modulus: u64,
    rows: BTreeMap<usize, BTreeMap<usize, u64>>,
}

impl Span {
    fn new(modulus: u64) -> Self {
        Self {
            modulus,
            rows: BTreeMap::new(),
        }
    }

    /// Adds a vector; false if it was in the span already.
    fn add(&mut self, mut vector: BTreeMap<usize, u64>) -> bool {
        let p = self.modulus;
        while let Some((&first, &coefficient)) = vector.first_key_value() {
            let Some(row) = self.rows.get(&first) else {
                self.rows.insert(first, vector);
                return true;
            };
            let inverse = (1..p).find(|x| row[&first] * x % p == 1).unwrap();
            let factor = (p - coefficient) * inverse % p;
            for (place, value) in row {
                let sum = (vector.get(place).unwrap_or(&0) + factor * value) % p;
                if sum == 0 {
                    vector.remove(place);
                } else {
                    vector.insert(*place, sum);
                }
            }
        }
        false
    }
}

struct Checker<'a> {
    values: &'a Values,
    places: BTreeMap<&'a [u32], usize>,
    modulus: u64,
}

impl<'a> Checker<'a> {
    fn new(values: &'a Values, modulus: u16) -> Self {
        Self {
            values,
            places: values.keys().map(|simplex| &simplex[..]).zip(0..).collect(),
            modulus: u64::from(modulus),
        }
    }

    fn boundary(&self, simplex: &[u32], factor: u64) -> Vec<(usize, u64)> {
        if simplex.len() == 1 {
            return Vec::new();
        }
        let facet = |left_out: usize| [&simplex[..left_out], &simplex[left_out + 1..]].concat();
        let sign = |left_out: usize| {
            if left_out.is_multiple_of(2) {
                1
            } else {
                self.modulus - 1
            }
        };
        (0..simplex.len())
            .map(|left_out| {
                (
                    self.places[&facet(left_out)[..]],
                    sign(left_out) * factor % self.modulus,
                )
            })
            .collect()
    }

    fn sum(&self, terms: impl IntoIterator<Item = (usize, u64)>) -> BTreeMap<usize, u64> {
        let mut sum = BTreeMap::new();
        for (place, coefficient) in terms {
            let value = sum.entry(place).or_insert(0);
            *value = (*value + coefficient) % self.modulus;
        }
        sum.retain(|_, value| *value != 0);
        sum
    }

    fn check(&self, found: &[Representative], diagram: &Diagram) {
        let pairs = found.iter().map(|representative| representative.pair).collect();
        assert_eq!(&Diagram::new(pairs), diagram);
        found.iter().for_each(|representative| self.check_cycle(representative));
        let highest = found.iter().map(|representative| representative.pair.dimension).max();
        (0..=highest.unwrap_or(0)).for_each(|dimension| self.check_basis(found, dimension));
    }

    /// A cycle whose last simplex enters at the birth.
    fn check_cycle(&self, representative: &Representative) {
        let Representative { pair, cycle } = representative;
        let is_known = |coefficient: u16| (1..self.modulus).contains(&u64::from(coefficient));
        assert!(
            cycle
                .iter()
                .all(|term| term.simplex.len() == usize::from(pair.dimension) + 1)
        );
        assert!(
            cycle.iter().all(|term| is_known(term.coefficient)),
            "{representative:?}"
        );
        assert!(cycle.is_sorted_by(|a, b| a.simplex < b.simplex), "{representative:?}");
        let boundary = cycle
            .iter()
            .flat_map(|term| self.boundary(&term.simplex, u64::from(term.coefficient)));
        assert!(self.sum(boundary).is_empty(), "{representative:?}");
        let last = cycle
            .iter()
            .map(|term| self.values[&term.simplex])
            .fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(last, pair.birth, "{representative:?}");
    }

    /// At every value, the cycles alive are independent of each other and of the boundaries; each is in the span of
    /// those of its death.
    fn check_basis(&self, found: &[Representative], dimension: u8) {
        let mut steps: Vec<f64> = self.values.values().copied().collect();
        steps.sort_by(f64::total_cmp);
        steps.dedup();
        for step in steps {
            let mut span = Span::new(self.modulus);
            let killers = self
                .values
                .iter()
                .filter(|(simplex, value)| simplex.len() == usize::from(dimension) + 2 && **value <= step);
            killers.for_each(|(simplex, _)| {
                span.add(self.sum(self.boundary(simplex, 1)));
            });
            let vector = |representative: &Representative| {
                let terms = representative.cycle.iter();
                terms
                    .map(|term| (self.places[&term.simplex[..]], u64::from(term.coefficient)))
                    .collect()
            };
            for representative in found.iter().filter(|found| found.pair.dimension == dimension) {
                if representative.pair.death <= step {
                    assert!(
                        !span.add(vector(representative)),
                        "no boundary at {step}: {representative:?}"
                    );
                }
            }
            for representative in found.iter().filter(|found| found.pair.dimension == dimension) {
                if representative.pair.birth <= step && step < representative.pair.death {
                    assert!(
                        span.add(vector(representative)),
                        "dependent at {step}: {representative:?}"
                    );
                }
            }
        }
    }
}

/// All cliques of up to `simplex_vertices` vertices, valued by their longest edge; edges that are missing never enter.
fn cliques(vertices: u32, lengths: &BTreeMap<(u32, u32), f64>, simplex_vertices: usize) -> Values {
    let mut values: Values = (0..vertices).map(|vertex| (vec![vertex], 0.0)).collect();
    let mut last: Vec<(Vec<u32>, f64)> = values.clone().into_iter().collect();
    for _ in 1..simplex_vertices {
        let mut next = Vec::new();
        for (simplex, value) in &last {
            for vertex in simplex[simplex.len() - 1] + 1..vertices {
                let edges: Option<Vec<f64>> = simplex
                    .iter()
                    .map(|other| lengths.get(&(*other, vertex)).copied())
                    .collect();
                if let Some(edges) = edges {
                    next.push((
                        [&simplex[..], &[vertex]].concat(),
                        edges.into_iter().fold(*value, f64::max),
                    ));
                }
            }
        }
        values.extend(next.iter().cloned());
        last = next;
    }
    values
}

/// A weighted graph with few different lengths, of which some may be 0, and some edges missing.
fn weighted_graph(most: u32) -> impl Strategy<Value = (u32, BTreeMap<(u32, u32), f64>)> {
    (1..most).prop_flat_map(|vertices| {
        let pairs: Vec<(u32, u32)> = (0..vertices).flat_map(|j| (0..j).map(move |i| (i, j))).collect();
        let lengths = prop::collection::vec(prop::option::weighted(0.75, 0..6_i32), pairs.len());
        lengths.prop_map(move |lengths| {
            let joined = pairs
                .iter()
                .zip(lengths)
                .filter_map(|(pair, length)| Some((*pair, f64::from(length?))));
            (vertices, joined.collect())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn cycles_of_a_filtered_complex_are_a_basis(
        (vertices, lengths) in weighted_graph(9),
        max_dimension in 0..4_usize,
        modulus in prop::sample::select(vec![2_u16, 3, 5]),
        raised in any::<u64>(),
    ) {
        let mut values = cliques(vertices, &lengths, max_dimension + 2);
        // Not only flag complexes: some simplices enter later, and all their cofaces with them.
        let simplices: Vec<Vec<u32>> = values.keys().cloned().collect();
        let by_size = |a: &Vec<u32>, b: &Vec<u32>| a.len().cmp(&b.len());
        let mut ordered = simplices;
        ordered.sort_by(by_size);
        for (at, simplex) in ordered.iter().enumerate() {
            let facets = (0..simplex.len()).filter(|_| simplex.len() > 1);
            let facets = facets.map(|left_out| values[&[&simplex[..left_out], &simplex[left_out + 1..]].concat()]);
            let late = if raised.rotate_left(at as u32) & 7 == 0 { 1.0 } else { 0.0 };
            let value = facets.fold(values[simplex], f64::max) + late;
            values.insert(simplex.clone(), value);
        }
        let listed = values.iter().map(|(simplex, value)| (&simplex[..], *value));
        let complex = FilteredComplex::new(listed, &Limits::default()).unwrap();
        let diagram = complex.diagram(max_dimension, modulus, &Limits::default()).unwrap().0;
        let found = complex.representatives(max_dimension, modulus, 0.0, &Limits::default()).unwrap().0;
        Checker::new(&values, modulus).check(&found, &diagram);
        let long = complex.representatives(max_dimension, modulus, 1.5, &Limits::default()).unwrap().0;
        let expected: Vec<_> = found.into_iter().filter(|found| found.pair.persistence() > 1.5).collect();
        prop_assert_eq!(long, expected);
    }

    #[test]
    fn cycles_of_a_rips_filtration_are_a_basis(
        (vertices, lengths) in weighted_graph(13),
        max_dimension in 0..4_usize,
        modulus in prop::sample::select(vec![2_u16, 3, 5]),
    ) {
        let rips = VietorisRips { coefficients: modulus, ..VietorisRips::to_dimension(max_dimension) };
        let edges: Vec<_> = lengths.iter().map(|(&(i, j), &value)| (i as usize, j as usize, value)).collect();
        let edges = SparseEdges::new(vertices as usize, &edges).unwrap();
        let values = cliques(vertices, &lengths, max_dimension + 2);
        let diagram = rips.of_edges(&edges, &Limits::default()).unwrap().0;
        let found = rips.representatives_of_edges(&edges, 0.0, &Limits::default()).unwrap().0;
        Checker::new(&values, modulus).check(&found, &diagram);
        let lower = (0..vertices).flat_map(|j| (0..j).map(move |i| (i, j)));
        let lower = lower.map(|pair| lengths.get(&pair).copied().unwrap_or(f64::INFINITY)).collect();
        let matrix = DistanceMatrix::from_lower(vertices as usize, lower).unwrap();
        let by_matrix = rips.representatives_of_matrix(&matrix, 0.0, &Limits::default()).unwrap().0;
        Checker::new(&values, modulus).check(&by_matrix, &diagram);
        let long = rips.representatives_of_edges(&edges, 1.5, &Limits::default()).unwrap().0;
        let expected: Vec<_> = found.into_iter().filter(|found| found.pair.persistence() > 1.5).collect();
        prop_assert_eq!(long, expected);
    }

    #[test]
    fn cycles_of_a_cloud_are_a_basis(
        points in prop::collection::vec((0..5_i32, 0..5_i32), 0..14),
        threshold in prop::option::of(0..5_i32),
    ) {
        let coordinates: Vec<f64> = points.iter().flat_map(|(x, y)| [f64::from(*x), f64::from(*y)]).collect();
        let cloud = PointCloud::new(&coordinates, 2).unwrap();
        let threshold = threshold.map(f64::from);
        let rips = VietorisRips { threshold, ..VietorisRips::to_dimension(2) };
        let mut lengths = BTreeMap::new();
        for (j, b) in points.iter().enumerate() {
            for (i, a) in points[..j].iter().enumerate() {
                let length = (f64::from(a.0 - b.0).powi(2) + f64::from(a.1 - b.1).powi(2)).sqrt();
                if threshold.is_none_or(|threshold| length <= threshold) {
                    lengths.insert((i as u32, j as u32), length);
                }
            }
        }
        let values = cliques(points.len() as u32, &lengths, 4);
        let diagram = rips.diagram(cloud, &Limits::default()).unwrap();
        let found = rips.representatives(cloud, 0.0, &Limits::default()).unwrap().0;
        Checker::new(&values, 2).check(&found, &diagram);
    }
}

/// The distances along a closed path of `count` points with unit steps.
fn ring(count: usize) -> DistanceMatrix {
    let pairs = (0..count).flat_map(|i| (0..i).map(move |j| i - j));
    let lower = pairs.map(|steps| steps.min(count - steps) as f64).collect();
    DistanceMatrix::from_lower(count, lower).unwrap()
}

fn long_cycles(rips: &VietorisRips, matrix: &DistanceMatrix, dimension: u8) -> Vec<Representative> {
    let mut found = rips
        .representatives_of_matrix(matrix, 0.0, &Limits::default())
        .unwrap()
        .0;
    found.retain(|found| found.pair.dimension == dimension);
    found
}

#[test]
fn the_cycle_of_a_ring_goes_around_it_once() {
    for coefficients in [2, 3] {
        let rips = VietorisRips {
            coefficients,
            ..VietorisRips::to_dimension(1)
        };
        let found = long_cycles(&rips, &ring(20), 1);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].pair.birth, found[0].pair.death), (1.0, 7.0));
        let mut edges: Vec<Vec<u32>> = (0..19).map(|at| vec![at, at + 1]).chain([vec![0, 19]]).collect();
        edges.sort_unstable();
        let simplices: Vec<Vec<u32>> = found[0].cycle.iter().map(|term| term.simplex.clone()).collect();
        assert_eq!(simplices, edges);
    }
}

#[test]
fn the_cycle_of_an_octahedron_are_its_eight_triangles() {
    // Opposite vertices are 2k and 2k + 1.
    let pairs = (0..6_usize).flat_map(|i| (0..i).map(move |j| (i, j)));
    let lower = pairs.map(|(i, j)| if i / 2 == j / 2 { 3.0 } else { 1.0 }).collect();
    let matrix = DistanceMatrix::from_lower(6, lower).unwrap();
    for threshold in [None, Some(2.0)] {
        let rips = VietorisRips {
            threshold,
            coefficients: 3,
            ..VietorisRips::to_dimension(2)
        };
        let found = long_cycles(&rips, &matrix, 2);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].pair.is_essential(), threshold.is_some());
        assert_eq!(found[0].cycle.len(), 8);
    }
}

#[test]
fn only_classes_that_live_longer_are_represented() {
    let rips = VietorisRips::to_dimension(1);
    let found = |min_persistence| {
        rips.representatives_of_matrix(&ring(20), min_persistence, &Limits::default())
            .unwrap()
            .0
            .len()
    };
    assert_eq!(
        [found(0.0), found(0.99), found(1.0), found(5.9), found(6.0)],
        [21, 21, 2, 2, 1]
    );
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
fn limits_hold_exactly_and_cancellation_is_seen() {
    let points = spread(3 * 120);
    let cloud = PointCloud::new(&points, 3).unwrap();
    for max_dimension in [1, 2] {
        let rips = VietorisRips::to_dimension(max_dimension);
        let (found, usage) = rips.representatives(cloud, 0.0, &Limits::default()).unwrap();
        let pairs = found.iter().map(|found| found.pair).collect();
        assert_eq!(Diagram::new(pairs), rips.diagram(cloud, &Limits::default()).unwrap());
        let with = |memory_bytes, work| {
            let limits = Limits {
                memory_bytes,
                work,
                ..Limits::default()
            };
            rips.representatives(cloud, 0.0, &limits).map(|_| ())
        };
        assert_eq!(with(Some(usage.memory_bytes), Some(usage.work)), Ok(()));
        assert!(matches!(
            with(Some(usage.memory_bytes - 1), None),
            Err(Error::MemoryLimit { .. })
        ));
        assert!(matches!(with(None, Some(usage.work - 1)), Err(Error::WorkLimit { .. })));
        let cancel = Cancel::new();
        cancel.cancel();
        let limits = Limits {
            cancel,
            ..Limits::default()
        };
        assert_eq!(rips.representatives(cloud, 0.0, &limits), Err(Error::Cancelled));
    }
}

#[test]
fn every_metric_and_size_has_a_cycle_for_each_class_of_the_diagram() {
    let points = spread(3 * 700);
    for metric in [Metric::Euclidean, Metric::Manhattan, Metric::Chebyshev, Metric::Cosine] {
        for (count, coefficients, threshold) in [(30, 2, None), (300, 3, Some(0.15)), (700, 2, None)] {
            let cloud = PointCloud::new(&points[..3 * count], 3).unwrap();
            let rips = VietorisRips {
                metric,
                coefficients,
                threshold,
                ..VietorisRips::to_dimension(1)
            };
            let found = rips.representatives(cloud, 0.0, &Limits::default()).unwrap().0;
            let pairs = found.iter().map(|found| found.pair).collect();
            let expected = rips.diagram(cloud, &Limits::default()).unwrap();
            assert_eq!(
                Diagram::new(pairs),
                expected,
                "{metric:?}, {count} points, threshold {threshold:?}"
            );
        }
    }
}

#[test]
fn input_that_makes_no_sense_is_refused_and_none_is_answered() {
    let cloud = PointCloud::new(&[], 2).unwrap();
    let rips = VietorisRips::to_dimension(2);
    assert!(
        rips.representatives(cloud, 0.0, &Limits::default())
            .unwrap()
            .0
            .is_empty()
    );
    let composite = VietorisRips {
        coefficients: 4,
        ..rips.clone()
    };
    assert_eq!(
        composite.representatives(cloud, 0.0, &Limits::default()),
        Err(Error::NotPrime { found: 4 })
    );
    let negative = VietorisRips {
        threshold: Some(-1.0),
        ..rips
    };
    let refused = negative.representatives(cloud, 0.0, &Limits::default());
    assert!(matches!(refused, Err(Error::InvalidThreshold { .. })));
}
