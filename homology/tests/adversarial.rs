//! Inputs and limits that a hostile or careless caller would choose.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use homology::{
    Cancel, Diagram, DistanceMatrix, Error, Limits, Metric, Mode, Pair, Persistence, PointCloud, SparseEdges,
    VietorisRips,
};

/// Far more than any of these jobs should take, far less than the jobs that must be refused would.
const PATIENCE: Duration = Duration::from_secs(5);

fn diagram(rips: &VietorisRips, coordinates: &[f64], dimension: usize) -> Diagram {
    rips.diagram(PointCloud::new(coordinates, dimension).unwrap(), &Limits::default())
        .unwrap()
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

fn assert_quick<T>(job: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let answer = job();
    assert!(start.elapsed() < PATIENCE, "took {:?}", start.elapsed());
    answer
}

const ESSENTIAL: Pair = Pair {
    dimension: 0,
    birth: 0.0,
    death: f64::INFINITY,
};

#[test]
fn a_thousand_equal_points_are_one_class() {
    let found = assert_quick(|| diagram(&VietorisRips::to_dimension(3), &[0.5; 3000], 3));
    assert_eq!(found.pairs(), [ESSENTIAL]);
}

#[test]
fn a_matrix_of_zeros_is_one_class() {
    let matrix = DistanceMatrix::from_full(60, &[0.0; 3600]).unwrap();
    let found = assert_quick(|| {
        VietorisRips::to_dimension(2)
            .of_matrix(&matrix, &Limits::default())
            .unwrap()
            .0
    });
    assert_eq!(found.pairs(), [ESSENTIAL]);
}

#[test]
fn all_distances_equal_leave_only_components() {
    let matrix = DistanceMatrix::from_lower(40, vec![1.0; 780]).unwrap();
    for coefficients in [2, 3] {
        let rips = VietorisRips {
            coefficients,
            ..VietorisRips::to_dimension(3)
        };
        let found = assert_quick(|| rips.of_matrix(&matrix, &Limits::default()).unwrap().0);
        assert_eq!(found.len(), 40);
        assert!(
            found.pairs()[..39]
                .iter()
                .all(|pair| pair.dimension == 0 && pair.death == 1.0)
        );
    }
}

#[test]
fn cliques_of_every_size_may_fill_every_dimension() {
    for points in 1..=17 {
        let matrix = DistanceMatrix::from_lower(points, vec![1.0; points * (points - 1) / 2]).unwrap();
        let rips = VietorisRips::to_dimension(20);
        let found = assert_quick(|| rips.of_matrix(&matrix, &Limits::default()).unwrap().0);
        assert_eq!(found.len(), points, "{points} points");
    }
}

#[test]
fn a_grid_has_one_cycle_per_cell() {
    let side = 12;
    let grid: Vec<f64> = (0..side * side)
        .flat_map(|at| [f64::from(at / side), f64::from(at % side)])
        .collect();
    let found = assert_quick(|| diagram(&VietorisRips::to_dimension(1), &grid, 2));
    let cycles = found.of_dimension(1);
    assert_eq!(cycles.len(), 121);
    assert!(
        cycles
            .iter()
            .all(|pair| (pair.birth, pair.death) == (1.0, 2.0_f64.sqrt()))
    );
}

#[test]
fn coordinates_of_any_size_keep_their_shape() {
    for scale in [1e-300, 1e-160, 1e15, 1e160, 1e300] {
        let square: Vec<f64> = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]
            .iter()
            .map(|x| x * scale)
            .collect();
        let found = diagram(&VietorisRips::to_dimension(1), &square, 2);
        let cycle = found.of_dimension(1);
        assert_eq!(cycle.len(), 1, "{scale:e}");
        assert_eq!(cycle[0].birth, scale);
        assert!((cycle[0].death / scale - 2.0_f64.sqrt()).abs() < 1e-15);
    }
}

#[test]
fn a_distance_that_no_float_can_hold_is_refused() {
    let found = VietorisRips::to_dimension(1).diagram(
        PointCloud::new(&[f64::MAX, 0.0, -f64::MAX], 1).unwrap(),
        &Limits::default(),
    );
    assert_eq!(found, Err(Error::DistanceOverflow { row: 2, column: 0 }));
}

#[test]
fn one_huge_outlier_does_not_blur_the_rest() {
    let angle = |at: i32| f64::from(at) * std::f64::consts::FRAC_PI_8;
    let mut points: Vec<f64> = (0..16).flat_map(|at| [angle(at).cos(), angle(at).sin()]).collect();
    let without = diagram(&VietorisRips::to_dimension(1), &points, 2);
    points.extend([1e15, -1e15]);
    let with = diagram(&VietorisRips::to_dimension(1), &points, 2);
    assert_eq!(with.of_dimension(1), without.of_dimension(1));
    assert_eq!(with.of_dimension(0).len(), 17);
}

#[test]
fn empty_input_and_one_point_are_answered() {
    for coefficients in [2, 3] {
        let rips = VietorisRips {
            coefficients,
            ..VietorisRips::to_dimension(2)
        };
        assert!(diagram(&rips, &[], 4).is_empty());
        assert_eq!(diagram(&rips, &[1.0, 2.0], 2).pairs(), [ESSENTIAL]);
        let no_edges = SparseEdges::new(3, &[]).unwrap();
        assert_eq!(
            rips.of_edges(&no_edges, &Limits::default()).unwrap().0.pairs(),
            [ESSENTIAL; 3]
        );
    }
}

#[test]
fn dimensions_beyond_the_largest_clique_cost_nothing() {
    let found = assert_quick(|| diagram(&VietorisRips::to_dimension(usize::MAX), &[0.0, 1.0, 3.0, 7.0], 1));
    assert_eq!(found.len(), 4);
}

#[test]
fn simplices_too_large_to_index_are_refused() {
    let points = spread(200);
    let rips = VietorisRips {
        mode: Mode::Dense,
        ..VietorisRips::to_dimension(40)
    };
    let found = rips.diagram(PointCloud::new(&points, 1).unwrap(), &Limits::default());
    assert!(matches!(found, Err(Error::SimplexOverflow { .. })), "{found:?}");
}

#[test]
fn parameters_that_make_no_sense_are_refused() {
    let cloud = PointCloud::new(&[0.0, 1.0], 1).unwrap();
    let base = VietorisRips::to_dimension(1);
    for threshold in [-1.0, f64::NAN] {
        let rips = VietorisRips {
            threshold: Some(threshold),
            ..base.clone()
        };
        assert!(matches!(
            rips.diagram(cloud, &Limits::default()),
            Err(Error::InvalidThreshold { .. })
        ));
    }
    let rips = VietorisRips {
        coefficients: 4,
        ..base.clone()
    };
    assert_eq!(
        rips.diagram(cloud, &Limits::default()),
        Err(Error::NotPrime { found: 4 })
    );
    let rips = VietorisRips {
        metric: Metric::Cosine,
        ..base
    };
    assert_eq!(
        rips.diagram(cloud, &Limits::default()),
        Err(Error::ZeroVector { row: 0 })
    );
}

#[test]
fn ten_megabytes_are_not_exceeded_by_a_job_that_wants_far_more() {
    let points = spread(9000);
    let limits = Limits {
        memory_bytes: Some(10_000_000),
        ..Limits::default()
    };
    for (count, max_dimension) in [(9000, 2), (3000, 3)] {
        let cloud = PointCloud::new(&points[..count], 3).unwrap();
        let rips = VietorisRips::to_dimension(max_dimension);
        let found = assert_quick(|| rips.diagram(cloud, &limits));
        assert!(
            matches!(found, Err(Error::MemoryLimit { limit: 10_000_000, .. })),
            "{count}: {found:?}"
        );
    }
}

#[test]
fn a_job_that_wants_ten_gigabytes_is_refused_at_a_hundred_megabytes_within_a_second() {
    let points = spread(3 * 5000);
    let limits = Limits {
        memory_bytes: Some(100_000_000),
        ..Limits::default()
    };
    let cloud = PointCloud::new(&points, 3).unwrap();
    assert!(homology::cost::estimate(5000, 3, 2, None).memory_bytes > 10_000_000_000);
    for threads in [1, 4] {
        let rips = VietorisRips {
            threads,
            ..VietorisRips::to_dimension(2)
        };
        let start = Instant::now();
        let found = rips.diagram(cloud, &limits);
        assert!(matches!(found, Err(Error::MemoryLimit { .. })), "{found:?}");
        // Tenths of a second on an idle machine; this one may be busy.
        assert!(start.elapsed() < PATIENCE, "took {:?}", start.elapsed());
    }
}

#[test]
fn a_collapse_stops_within_milliseconds_of_its_cancellation_on_every_thread() {
    // Sparse and with very many vertices, so that the collapse takes seconds and is shared by the threads.
    let points = spread(2 * 30_000);
    let cloud = PointCloud::new(&points, 2).unwrap();
    for threads in [1, 3] {
        let rips = VietorisRips {
            threshold: Some(0.08),
            threads,
            ..VietorisRips::to_dimension(2)
        };
        let cancel = Cancel::new();
        let limits = Limits {
            cancel: cancel.clone(),
            ..Limits::default()
        };
        let (found, delay) = std::thread::scope(|scope| {
            let job = scope.spawn(|| (rips.diagram(cloud, &limits), Instant::now()));
            std::thread::sleep(Duration::from_millis(1500));
            let asked = Instant::now();
            cancel.cancel();
            let (found, stopped) = job.join().unwrap();
            (found, stopped.saturating_duration_since(asked))
        });
        assert_eq!(found, Err(Error::Cancelled));
        assert!(delay < Duration::from_millis(500), "{threads} threads: {delay:?}");
    }
}

#[test]
fn a_job_without_end_stops_within_milliseconds_of_its_cancellation() {
    let points = spread(3 * 3000);
    let cloud = PointCloud::new(&points, 3).unwrap();
    let limits = Limits::default();
    // At many moments, so that every stage is hit: distances, sorting, collapse, components, enumeration, reduction.
    for milliseconds in [0, 3, 10, 30, 100, 300, 600] {
        let cancel = Cancel::new();
        let limits = Limits {
            cancel: cancel.clone(),
            ..limits.clone()
        };
        let (found, delay) = std::thread::scope(|scope| {
            let job = scope.spawn(|| (VietorisRips::to_dimension(4).diagram(cloud, &limits), Instant::now()));
            std::thread::sleep(Duration::from_millis(milliseconds));
            let asked = Instant::now();
            cancel.cancel();
            let (found, stopped) = job.join().unwrap();
            (found, stopped.saturating_duration_since(asked))
        });
        assert_eq!(found, Err(Error::Cancelled));
        // Milliseconds on an idle machine; this one may be busy.
        assert!(delay < Duration::from_millis(500), "after {milliseconds} ms: {delay:?}");
    }
}

#[test]
fn the_work_limit_ends_a_job_at_the_same_point_every_time() {
    let points = spread(600);
    let cloud = PointCloud::new(&points, 3).unwrap();
    let limits = Limits {
        work: Some(50_000),
        ..Limits::default()
    };
    let rips = VietorisRips::to_dimension(2);
    assert_eq!(rips.diagram(cloud, &limits), Err(Error::WorkLimit { limit: 50_000 }));
    let (_, usage) = rips.of_cloud(cloud, &Limits::default()).unwrap();
    let exact = Limits {
        work: Some(usage.work),
        memory_bytes: Some(usage.memory_bytes),
        ..Limits::default()
    };
    assert!(rips.diagram(cloud, &exact).is_ok());
    let less = Limits {
        work: Some(usage.work - 1),
        ..Limits::default()
    };
    assert!(matches!(rips.diagram(cloud, &less), Err(Error::WorkLimit { .. })));
    let less = Limits {
        memory_bytes: Some(usage.memory_bytes - 1),
        ..Limits::default()
    };
    assert!(matches!(rips.diagram(cloud, &less), Err(Error::MemoryLimit { .. })));
}
