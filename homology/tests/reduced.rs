//! Degree 1 of clouds that the whole filtration could not hold: limits, threads, and shapes of several scales.

// Clippy's exception for tests does not reach their helper functions.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use homology::{Cancel, Diagram, Error, Limits, PointCloud, Usage, VietorisRips, cost};

/// Well spread numbers in 0..1 without any library.
fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..count).map(|_| next()).collect()
}

/// Points near the unit circle.
fn circle(points: usize, thickness: f64) -> Vec<f64> {
    let numbers = noise(2 * points, 3);
    let point = |x: &[f64]| {
        let (radius, angle) = (1.0 + thickness * (x[0] - 0.5), x[1] * std::f64::consts::TAU);
        [radius * angle.cos(), radius * angle.sin()]
    };
    numbers.chunks_exact(2).flat_map(point).collect()
}

fn compute(coordinates: &[f64], rips: &VietorisRips, limits: &Limits) -> Result<(Diagram, Usage), Error> {
    rips.of_cloud(PointCloud::new(coordinates, 2).unwrap(), limits)
}

/// One for each way: lunes in the tree only, and bit sets when edges become long.
fn shapes() -> [Vec<f64>; 2] {
    [noise(2 * 3000, 8), circle(700, 0.3)]
}

#[test]
fn twenty_thousand_points_need_a_few_megabytes() {
    const POINTS: usize = 20_000;
    let (diagram, usage) = compute(
        &noise(2 * POINTS, 1),
        &VietorisRips::to_dimension(1),
        &Limits::default(),
    )
    .unwrap();
    assert_eq!(diagram.of_dimension(0).len(), POINTS);
    assert!(diagram.of_dimension(1).iter().all(|pair| !pair.is_essential()));
    assert!(diagram.of_dimension(1).len() > POINTS / 10);
    assert!(usage.memory_bytes < 400 * POINTS, "{usage:?}");
    let cost = cost::estimate(POINTS, 2, 1, None);
    assert!(usage.memory_bytes <= cost.typical_memory_bytes && usage.work <= cost.work);
}

#[test]
fn the_limits_end_a_job_exactly_where_it_would_go_beyond_them() {
    for shape in shapes() {
        let rips = VietorisRips::to_dimension(1);
        let (diagram, usage) = compute(&shape, &rips, &Limits::default()).unwrap();
        let limits = |memory, work| Limits {
            memory_bytes: Some(memory),
            work: Some(work),
            ..Limits::default()
        };
        let (memory, work) = (usage.memory_bytes, usage.work);
        assert_eq!(compute(&shape, &rips, &limits(memory, work)).unwrap().0, diagram);
        assert!(matches!(
            compute(&shape, &rips, &limits(memory - 1, work)),
            Err(Error::MemoryLimit { .. })
        ));
        assert!(matches!(
            compute(&shape, &rips, &limits(memory, work - 1)),
            Err(Error::WorkLimit { .. })
        ));
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    for shape in shapes() {
        let with = |threads| {
            let rips = VietorisRips {
                threads,
                ..VietorisRips::to_dimension(1)
            };
            compute(&shape, &rips, &Limits::default()).unwrap().0
        };
        let alone = with(1);
        for threads in [0, 2, 3, 64] {
            assert_eq!(with(threads), alone, "{threads} threads");
        }
    }
}

#[test]
fn a_limit_that_one_of_several_threads_reaches_ends_all_of_them() {
    let rips = VietorisRips {
        threads: 3,
        ..VietorisRips::to_dimension(1)
    };
    let limits = Limits {
        work: Some(50_000),
        ..Limits::default()
    };
    let found = compute(&noise(40_000, 2), &rips, &limits);
    assert!(matches!(found, Err(Error::WorkLimit { .. })), "{found:?}");
}

#[test]
fn a_long_job_stops_within_milliseconds_of_its_cancellation() {
    let circle = circle(9000, 0.2);
    for milliseconds in [0, 5, 20, 80, 320] {
        let cancel = Cancel::new();
        let limits = Limits {
            cancel: cancel.clone(),
            ..Limits::default()
        };
        let (found, delay) = std::thread::scope(|scope| {
            let job = scope.spawn(|| {
                (
                    compute(&circle, &VietorisRips::to_dimension(1), &limits),
                    Instant::now(),
                )
            });
            std::thread::sleep(Duration::from_millis(milliseconds));
            let asked = Instant::now();
            cancel.cancel();
            let (found, stopped) = job.join().unwrap();
            (found, stopped.saturating_duration_since(asked))
        });
        assert_eq!(found.map(|_| ()), Err(Error::Cancelled));
        // Milliseconds on an idle machine; this one may be busy.
        assert!(delay < Duration::from_millis(500), "after {milliseconds} ms: {delay:?}");
    }
}

#[test]
fn a_dense_cluster_costs_no_more_than_its_share() {
    // Half of the points within a millionth of the width of the others.
    let mut coordinates = noise(2 * 3000, 6);
    coordinates[..3000].iter_mut().for_each(|x| *x = 0.3 + 1e-6 * *x);
    let start = Instant::now();
    let (diagram, _) = compute(&coordinates, &VietorisRips::to_dimension(1), &Limits::default()).unwrap();
    assert_eq!(diagram.of_dimension(0).len(), 3000);
    let tiny = diagram.of_dimension(1).iter().filter(|pair| pair.death < 1e-6).count();
    assert!(
        tiny > 100 && diagram.of_dimension(1).len() > tiny + 100,
        "{tiny} tiny ones"
    );
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
}
