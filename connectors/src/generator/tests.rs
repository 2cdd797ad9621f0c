use std::collections::BTreeMap;

use streaming::Epoch;
use streaming::batch::Payload;
use streaming::connector::generator::Shape;

use super::*;

fn options() -> SourceOptions {
    SourceOptions {
        rate: None,
        rows: Some(10_007),
        keys: 10,
        dimension: 3,
        shape: Shape::Torus,
        noise: 0.01,
        seed: 7,
        event_time: EventTime::Steps {
            start: Timestamp(1_000_000),
            step: Duration::from_nanos(1500),
        },
        splits: 8,
    }
}

fn open(options: &SourceOptions, subtask: u16, parallelism: u16, restored: &[SplitState]) -> Generator {
    let place = ConnectorPlace {
        job_id: String::new(),
        job_name: String::new(),
        id: "points".into(),
        subtask,
        parallelism,
    };
    let mut source = Generator::new(options.clone(), place);
    source.open(restored).unwrap();
    source
}

/// Rows by event time, which is different for every row here.
type Rows = BTreeMap<i64, (Vec<u8>, Vec<f64>)>;

fn read(source: &mut Generator, polls: usize, rows: &mut Rows) {
    for _ in 0..polls {
        match source.poll(Duration::ZERO, 100).unwrap() {
            Polled::Rows { batch, .. } => collect(&batch, rows),
            Polled::End => return,
            other => panic!("{other:?}"),
        }
    }
}

fn collect(batch: &Batch, rows: &mut Rows) {
    batch.assert_consistent();
    let Payload::Points(points) = &batch.payload else {
        panic!("points")
    };
    for row in 0..batch.rows() {
        assert_eq!(batch.keys.hashes[row], key::hash(batch.keys.row(row)));
        let value = (batch.keys.row(row).to_vec(), points.row(row).to_vec());
        assert!(rows.insert(batch.event_time[row].0, value).is_none(), "row given twice");
    }
}

fn all_rows(options: &SourceOptions, parallelism: u16) -> Rows {
    let mut rows = Rows::new();
    for subtask in 0..parallelism {
        read(&mut open(options, subtask, parallelism, &[]), usize::MAX, &mut rows);
    }
    rows
}

#[test]
fn rows_do_not_depend_on_the_parallelism() {
    let one = all_rows(&options(), 1);
    assert_eq!(one.len(), 10_007);
    assert_eq!(one, all_rows(&options(), 3));
    assert_eq!(one, all_rows(&options(), 8));
    let keys: std::collections::BTreeSet<_> = one.values().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), 10);
    let other_seed = SourceOptions { seed: 8, ..options() };
    assert_ne!(one, all_rows(&other_seed, 1));
}

#[test]
fn event_times_are_steps_from_the_start() {
    let rows = all_rows(&options(), 2);
    let times: Vec<_> = rows.keys().copied().collect();
    assert_eq!(times[..4], [1_000_000, 1_000_001, 1_000_003, 1_000_004]);
    assert_eq!(times[10_006], 1_000_000 + 10_006 * 3 / 2);
}

#[test]
fn a_restored_source_goes_on_exactly_at_another_parallelism() {
    let mut rows = Rows::new();
    let mut states = Vec::new();
    for subtask in 0..3 {
        let mut source = open(&options(), subtask, 3, &[]);
        read(&mut source, 5, &mut rows);
        states.extend(source.snapshot(Epoch(1)).unwrap());
        // Read after the snapshot, and lost with the crash.
        read(&mut source, 2, &mut Rows::new());
    }
    for subtask in 0..2 {
        read(&mut open(&options(), subtask, 2, &states), usize::MAX, &mut rows);
    }
    assert_eq!(rows, all_rows(&options(), 1));
}

#[test]
fn a_paused_split_gives_nothing_and_loses_nothing() {
    let mut source = open(&options(), 0, 4, &[]);
    let mut rows = Rows::new();
    source.pause(0, true).unwrap();
    for _ in 0..5 {
        let Polled::Rows { split, batch } = source.poll(Duration::ZERO, 100).unwrap() else {
            panic!("rows")
        };
        assert_eq!(split, 1);
        collect(&batch, &mut rows);
    }
    source.pause(0, false).unwrap();
    read(&mut source, usize::MAX, &mut rows);
    let mut whole = Rows::new();
    read(&mut open(&options(), 0, 4, &[]), usize::MAX, &mut whole);
    assert_eq!(rows, whole);
    assert_eq!(source.pending_records(), Some(0));
}

#[test]
fn shapes_lie_where_they_should() {
    let distance = |point: &[f64]| point.iter().map(|x| x * x).sum::<f64>().sqrt();
    let check = |shape, dimension, is_on: &dyn Fn(&[f64]) -> bool| {
        let options = SourceOptions {
            shape,
            dimension,
            noise: 0.0,
            rows: Some(500),
            ..options()
        };
        for (_, point) in all_rows(&options, 1).values() {
            assert!(is_on(point), "{shape:?} {point:?}");
        }
    };
    check(Shape::Circle, 4, &|p| {
        (distance(&p[..2]) - 1.0).abs() < 1e-9 && p[2..] == [0.0, 0.0]
    });
    check(Shape::Sphere, 5, &|p| (distance(p) - 1.0).abs() < 1e-9);
    check(Shape::Torus, 3, &|p| {
        (distance(&[distance(&p[..2]) - 1.0, p[2]]) - 0.4).abs() < 1e-9
    });
    check(Shape::Uniform, 2, &|p| p.iter().all(|x| (0.0..1.0).contains(x)));
    check(Shape::Constant, 2, &|p| p == [1.0, 1.0]);
}

#[test]
fn a_pace_gives_rows_as_they_come_due() {
    let start = Instant::now();
    let mut pace = Pace::new(1000.0, start);
    assert_eq!(pace.take(start, 100), 1);
    assert_eq!(pace.take(start + Duration::from_millis(11), 100), 11);
    assert_eq!(pace.take(start + Duration::from_millis(20), 5), 5);
    // After a long stop only the burst is made up for.
    assert_eq!(pace.take(start + Duration::from_secs(60), 4096), 101);
}
