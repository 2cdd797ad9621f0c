//! The reduced filtration against the whole one, to the last bit.

use proptest::prelude::*;

use super::super::{Mode, RankedEdges, VietorisRips, enclosing_radius};
use super::*;
use crate::distance::with_distances;
use crate::{Diagram, DistanceMatrix, Limits};

/// By reduction of the whole filtration.
fn whole(distances: &impl Distances, rips: &VietorisRips) -> Diagram {
    let mut meter = Meter::new(&Limits::default());
    let radius = enclosing_radius(distances, &mut meter).unwrap();
    let threshold = rips.threshold.unwrap_or(f64::MAX).min(radius);
    let edges = RankedEdges::of_distances(distances, threshold, &mut meter).unwrap();
    Diagram::new(rips.of_ranked(edges, &mut meter).unwrap())
}

/// Panics unless every way to the diagram of a cloud gives the same.
fn check_cloud(coordinates: &[f64], dimension: usize, rips: &VietorisRips) {
    let cloud = PointCloud::new(coordinates, dimension).unwrap();
    let compare = || -> Result<()> {
        let meter = &mut Meter::new(&Limits::default());
        with_distances!(cloud, rips.metric, meter, |distances| {
            let expected = whole(distances, rips);
            check_distances(distances, rips, &expected);
            let searches = [(0, 1), (MOST_BITS, 1), (0, 3)];
            for (most_bits, threads) in searches.into_iter().filter(|_| is_safe(cloud)) {
                let search = Search {
                    threshold: rips.threshold,
                    cycles: true,
                    most_bits,
                    threads,
                };
                let pairs = match rips.coefficients {
                    2 => of_cloud(cloud, rips.metric, Two, &search, meter),
                    p => of_cloud(cloud, rips.metric, Prime::new(p)?, &search, meter),
                };
                assert_eq!(Diagram::new(pairs?), expected, "{rips:?}, {search:?}, {coordinates:?}");
            }
        });
        Ok(())
    };
    compare().unwrap();
}

fn check_distances(distances: &impl Distances, rips: &VietorisRips, expected: &Diagram) {
    let meter = &mut Meter::new(&Limits::default());
    let limit = rips.threshold.unwrap_or(f64::MAX);
    let pairs = match rips.coefficients {
        2 => of_distances(distances, Two, limit, true, meter),
        p => of_distances(distances, Prime::new(p).unwrap(), limit, true, meter),
    };
    assert_eq!(&Diagram::new(pairs.unwrap()), expected, "{rips:?}");
}

fn rips(metric: Metric, threshold: Option<f64>, coefficients: u16) -> VietorisRips {
    VietorisRips {
        metric,
        threshold,
        coefficients,
        mode: Mode::Dense,
        ..VietorisRips::to_dimension(1)
    }
}

fn metrics() -> impl Strategy<Value = Metric> {
    prop::sample::select(vec![
        Metric::Euclidean,
        Metric::Manhattan,
        Metric::Chebyshev,
        Metric::Cosine,
    ])
}

/// Well spread numbers in −1..1.
fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn clouds_full_of_ties_have_the_diagram_of_the_whole_filtration(
        side in 2..9_i32,
        points in prop::collection::vec(1..1000_i32, 1..240),
        dimension in 1..4_usize,
        metric in metrics(),
        threshold in prop::option::of(prop::sample::select(vec![0.0, 1.0, 2.0_f64.sqrt(), 2.0, 3.0])),
        coefficients in prop::sample::select(vec![2_u16, 3, 5]),
    ) {
        let cut = points.len() / dimension * dimension;
        // From 1, since the zero vector has no angle.
        let coordinates: Vec<f64> = points[..cut].iter().map(|x| f64::from(x % side + 1)).collect();
        check_cloud(&coordinates, dimension, &rips(metric, threshold, coefficients));
    }

    #[test]
    fn noise_has_the_diagram_of_the_whole_filtration(
        points in 1..120_usize,
        dimension in 1..6_usize,
        seed in any::<u64>(),
        metric in metrics(),
        threshold in prop::option::of(0.0..1.5_f64),
    ) {
        check_cloud(&noise(points * dimension, seed), dimension, &rips(metric, threshold, 2));
    }

    #[test]
    fn clusters_far_apart_have_the_diagram_of_the_whole_filtration(
        points in 1..100_usize,
        seed in any::<u64>(),
        metric in prop::sample::select(vec![Metric::Euclidean, Metric::Manhattan, Metric::Chebyshev]),
        scale in prop::sample::select(vec![10.0, 1e6, 1e15]),
    ) {
        let mut coordinates = noise(2 * points, seed);
        let centers = noise(10, seed ^ 7);
        for (at, point) in coordinates.chunks_exact_mut(2).enumerate() {
            point[0] += scale * centers[2 * (at % 5)];
            point[1] += scale * centers[2 * (at % 5) + 1];
        }
        check_cloud(&coordinates, 2, &rips(metric, None, 2));
    }

    #[test]
    fn matrices_that_are_no_metric_have_the_diagram_of_the_whole_filtration(
        points in 1..70_usize,
        largest in 1..40_u64,
        seed in any::<u64>(),
        never in 0..3_u64,
        coefficients in prop::sample::select(vec![2_u16, 3]),
    ) {
        let value = |x: f64| {
            let value = ((x + 1.0) * 1e6) as u64;
            if value % 10 < never { f64::INFINITY } else { (value % largest) as f64 }
        };
        let lower = noise(points * (points - 1) / 2, seed).into_iter().map(value).collect();
        let matrix = DistanceMatrix::from_lower(points, lower).unwrap();
        let rips = rips(Metric::Euclidean, None, coefficients);
        check_distances(&matrix, &rips, &whole(&matrix, &rips));
    }
}

#[test]
fn grids_and_regular_polygons_have_the_diagram_of_the_whole_filtration() {
    let grid: Vec<f64> = (0..18 * 18)
        .flat_map(|at| [f64::from(at / 18), f64::from(at % 18)])
        .collect();
    for metric in [Metric::Euclidean, Metric::Manhattan, Metric::Chebyshev] {
        check_cloud(&grid, 2, &rips(metric, None, 2));
    }
    for corners in [3, 4, 5, 6, 12, 60, 97] {
        let angle = |at: i32| f64::from(at) * std::f64::consts::TAU / f64::from(corners);
        let polygon: Vec<f64> = (0..corners).flat_map(|at| [angle(at).cos(), angle(at).sin()]).collect();
        check_cloud(&polygon, 2, &rips(Metric::Euclidean, None, 2));
    }
}

#[test]
fn circles_with_and_without_noise_have_the_diagram_of_the_whole_filtration() {
    for (points, thickness) in [(40, 0.0), (150, 0.1), (250, 0.4)] {
        let noise = noise(2 * points, 5);
        let circle: Vec<f64> = noise
            .chunks_exact(2)
            .flat_map(|x| {
                let (radius, angle) = (1.0 + thickness * x[0], x[1] * std::f64::consts::PI);
                [radius * angle.cos(), radius * angle.sin()]
            })
            .collect();
        for coefficients in [2, 3] {
            check_cloud(&circle, 2, &rips(Metric::Euclidean, None, coefficients));
        }
    }
}

#[test]
fn numbers_of_any_size_have_the_diagram_of_the_whole_filtration() {
    for scale in [1e-300, 1e-160, 1e-100, 1e15, 1e140, 1e160, 1e300] {
        let coordinates: Vec<f64> = noise(160, 9).iter().map(|x| x * scale).collect();
        check_cloud(&coordinates, 2, &rips(Metric::Euclidean, None, 2));
    }
}

#[test]
fn the_largest_ordinal_is_that_of_the_threshold() {
    for threshold in [0.0, 1e-9, 0.1, 1.0, 2.0_f64.sqrt(), 3.0, 1e9, f64::MAX] {
        let ordinal = largest_ordinal::<Squared>(threshold);
        assert!(Squared::length(ordinal) <= threshold);
        assert!(ordinal == f64::MAX || Squared::length(ordinal.next_up()) > threshold);
        assert_eq!(largest_ordinal::<Manhattan>(threshold), threshold);
    }
}
