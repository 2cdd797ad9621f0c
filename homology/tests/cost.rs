//! The estimate against what was really used.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

use homology::{DistanceMatrix, Limits, PointCloud, SparseEdges, VietorisRips, cost};

/// Coordinates in −1..1.
fn noise(count: usize) -> Vec<f64> {
    let mut state = 5_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Points on the unit sphere.
fn sphere(points: usize, dimension: usize) -> Vec<f64> {
    let mut coordinates = noise(points * dimension);
    for row in coordinates.chunks_exact_mut(dimension) {
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        row.iter_mut().for_each(|x| *x /= length);
    }
    coordinates
}

/// Panics unless both estimates cover what `rips` uses on the cloud; returns whether the typical one did.
fn check(coordinates: &[f64], dimension: usize, rips: &VietorisRips) -> bool {
    let cloud = PointCloud::new(coordinates, dimension).unwrap();
    let (_, usage) = rips.of_cloud(cloud, &Limits::default()).unwrap();
    let blind = cost::estimate(cloud.len(), dimension, rips.max_dimension, rips.threshold);
    let seeing = rips.estimate(cloud, &Limits::default()).unwrap();
    for cost in [blind, seeing] {
        let subject = format!("{} points in R^{dimension}, {rips:?}: {cost:?}, {usage:?}", cloud.len());
        assert!(cost.memory_bytes >= usage.memory_bytes, "memory of {subject}");
        assert!(cost.work >= usage.work, "work of {subject}");
    }
    assert!(
        seeing.memory_bytes <= blind.memory_bytes && seeing.work <= blind.work,
        "{seeing:?} {blind:?}"
    );
    seeing.typical_memory_bytes >= usage.memory_bytes
}

const SIZES: [(usize, usize); 9] = [
    (1, 2),
    (2, 1),
    (15, 1),
    (15, 3),
    (60, 1),
    (60, 2),
    (60, 3),
    (150, 2),
    (300, 1),
];

#[test]
fn noise_uses_no_more_than_the_estimate_and_mostly_no_more_than_the_typical_one() {
    let (mut cases, mut covered) = (0, 0);
    for dimension in [1, 2, 3, 8] {
        for (points, max_dimension) in SIZES {
            for threshold in [None, Some(0.0), Some(0.3), Some(1.0)] {
                let rips = VietorisRips {
                    threshold,
                    ..VietorisRips::to_dimension(max_dimension)
                };
                covered += usize::from(check(&noise(points * dimension), dimension, &rips));
                cases += 1;
            }
        }
    }
    assert!(covered * 10 >= cases * 9, "{covered} of {cases}");
}

#[test]
fn spheres_use_no_more_than_the_estimate() {
    for dimension in [2, 3, 4] {
        for (points, max_dimension) in SIZES {
            for coefficients in [2, 3] {
                check(
                    &sphere(points, dimension),
                    dimension,
                    &VietorisRips {
                        coefficients,
                        ..VietorisRips::to_dimension(max_dimension)
                    },
                );
            }
        }
    }
}

#[test]
fn grids_and_repeated_points_use_no_more_than_the_estimate() {
    for (points, max_dimension) in SIZES {
        let grid: Vec<f64> = noise(points * 3).iter().map(|x| (x * 3.0).round()).collect();
        check(&grid, 3, &VietorisRips::to_dimension(max_dimension));
        check(&grid, 1, &VietorisRips::to_dimension(max_dimension.min(2)));
    }
}

/// Distances of noise in four dimensions, by pairs.
fn pairs(points: usize) -> Vec<(usize, usize, f64)> {
    let coordinates = noise(points * 4);
    let row = |at: usize| &coordinates[4 * at..4 * at + 4];
    let between = |i, j| {
        row(i)
            .iter()
            .zip(row(j))
            .map(|(x, y)| (x - y).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    (0..points)
        .flat_map(|i| (0..i).map(move |j| (i, j)))
        .map(|(i, j)| (i, j, between(i, j)))
        .collect()
}

#[test]
fn matrices_and_edges_use_no_more_than_the_estimate() {
    let limits = Limits::default();
    for (points, max_dimension) in SIZES {
        for threshold in [None, Some(0.0), Some(0.8), Some(1.5)] {
            let rips = VietorisRips {
                threshold,
                ..VietorisRips::to_dimension(max_dimension)
            };
            let pairs = pairs(points);
            let matrix = DistanceMatrix::from_lower(points, pairs.iter().map(|pair| pair.2).collect()).unwrap();
            let edges = SparseEdges::new(points, &pairs).unwrap();
            let of_matrix = (rips.estimate_matrix(&matrix, &limits), rips.of_matrix(&matrix, &limits));
            let of_edges = (rips.estimate_edges(&edges, &limits), rips.of_edges(&edges, &limits));
            for (cost, answer) in [of_matrix, of_edges] {
                let (cost, (_, usage)) = (cost.unwrap(), answer.unwrap());
                let subject = format!("{points} points, {rips:?}: {cost:?}, {usage:?}");
                assert!(cost.memory_bytes >= usage.memory_bytes, "memory of {subject}");
                assert!(cost.work >= usage.work, "work of {subject}");
            }
        }
    }
}
