use std::time::Duration;

use serde_json::{Value as Json, json};
use streaming::batch::{Batch, Keys, List, Payload, WindowKind, Windows};
use streaming::element::Element;
use streaming::operator::{Cancel, Completion, Finished, MAIN};
use streaming::testing::{Harness, MemoryState};
use streaming::{Epoch, Timestamp};

use super::Persistence;
use super::operator::FAILED;
use crate::testing;

const SQUARE: [f64; 8] = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0];

fn open(job: &str, state: MemoryState) -> Harness {
    testing::open(&Persistence, job, state)
}

/// One window per `(key, end, coordinates in the plane)`; each is 10 µs long.
fn windows(rows: &[(&str, i64, &[f64])]) -> Batch {
    let mut keys = Keys::default();
    rows.iter().for_each(|(key, ..)| keys.push(key.as_bytes()));
    let windows = Windows {
        start: rows.iter().map(|(_, end, _)| Timestamp(end - 10)).collect(),
        end: rows.iter().map(|(_, end, _)| Timestamp(*end)).collect(),
        kind: vec![WindowKind::Tumbling as u8; rows.len()],
        count: rows.iter().map(|(.., coords)| coords.len() as u64 / 2).collect(),
        dim: vec![2; rows.len()],
        coords: rows.iter().map(|(.., coords)| *coords).collect::<List<f64>>(),
    };
    Batch {
        event_time: rows.iter().map(|(_, end, _)| Timestamp(end - 1)).collect(),
        keys,
        payload: Payload::Windows(windows),
    }
}

/// Takes what was emitted: `key end: pairs` and `wm time`.
fn shown(harness: &mut Harness) -> Vec<String> {
    let (main, others): (Vec<_>, Vec<_>) = harness.outputs.drain(..).partition(|(output, _)| *output == MAIN);
    harness.outputs = others;
    let mut lines = Vec::new();
    for (_, element) in main {
        match element {
            Element::Batch(batch) => {
                batch.assert_consistent();
                let Payload::Diagrams(diagrams) = &batch.payload else {
                    panic!("diagrams")
                };
                let pairs: Vec<_> = diagrams
                    .pairs
                    .row(0)
                    .iter()
                    .map(|pair| format!("{}:{:.2}-{:.2}", pair.dimension, pair.birth, pair.death))
                    .collect();
                let key = String::from_utf8_lossy(batch.keys.row(0));
                lines.push(format!("{key} {}: {}", diagrams.end[0].0, pairs.join(" ")));
            }
            Element::Watermark(time) => lines.push(format!("wm {}", time.0)),
            other => panic!("{other:?}"),
        }
    }
    lines
}

fn letters(harness: &mut Harness) -> Vec<Json> {
    let batches = harness.take(FAILED);
    let documents = batches.iter().map(|batch| match &batch.payload {
        Payload::Documents(documents) => serde_json::from_slice(documents.bytes.row(0)).unwrap(),
        _ => panic!("documents"),
    });
    documents.collect()
}

#[test]
fn a_square_has_a_cycle_and_is_shown() {
    let mut harness = open("max-dimension = 1", MemoryState::default());
    harness.process(windows(&[("a", 10, &SQUARE)])).unwrap();
    harness.complete_work().unwrap();
    let expected = "a 10: 0:0.00-1.00 0:0.00-1.00 0:0.00-1.00 0:0.00-inf 1:1.00-1.41";
    assert_eq!(shown(&mut harness), [expected]);
    let mut document: Json = serde_json::from_str(&harness.services.shown[0].1).unwrap();
    assert!(document["computation-time"].take().as_f64().unwrap() > 0.0);
    let expected = json!({
        "operator": "operator", "key": "a", "start": 0, "end": 0, "kind": "tumbling", "count": 4,
        "algorithm": "vietoris_rips", "computation-time": null, "error-bound": 0.0, "truncated": false,
        "pairs": [[0, 0.0, 1.0], [0, 0.0, 1.0], [0, 0.0, 1.0], [0, 0.0, null], [1, 1.0, 2.0_f64.sqrt()]],
    });
    assert_eq!(document, expected);
}

#[test]
fn options_bound_the_diagram() {
    for (job, expected) in [
        ("max-dimension = 0\nmin-persistence = 1.5", "a 10: 0:0.00-inf"),
        (
            "max-edge-length = 1.2\nmin-persistence = 1.01",
            "a 10: 0:0.00-inf 1:1.00-inf",
        ),
        (
            "max-persistence = 0.5",
            "a 10: 0:0.00-inf 0:0.00-inf 0:0.00-inf 0:0.00-inf",
        ),
        (
            "metric = \"manhattan\"\nmin-persistence = 1.0\nmax-dimension = 1\ncoefficient-field = 3",
            "a 10: 0:0.00-1.00 0:0.00-1.00 0:0.00-1.00 0:0.00-inf 1:1.00-2.00",
        ),
    ] {
        let mut harness = open(job, MemoryState::default());
        harness.process(windows(&[("a", 10, &SQUARE)])).unwrap();
        harness.complete_work().unwrap();
        assert_eq!(shown(&mut harness), [expected], "{job}");
    }
}

#[test]
fn the_watermark_is_held_back_to_the_oldest_window_in_work() {
    let mut harness = open("max-dimension = 0\nmin-persistence = 9", MemoryState::default());
    harness
        .process(windows(&[("a", 10, &SQUARE), ("b", 20, &SQUARE)]))
        .unwrap();
    harness.watermark(Timestamp(30)).unwrap();
    assert_eq!(
        shown(&mut harness),
        ["wm 8"],
        "just before the last instant of the window"
    );
    let second = harness.services.work.split_off(1);
    harness.complete_work().unwrap();
    assert_eq!(shown(&mut harness), ["a 10: 0:0.00-inf", "wm 18"]);
    harness.watermark(Timestamp::MAX).unwrap();
    assert_eq!(harness.end().unwrap(), Finished::NotYet);
    harness.services.work = second;
    harness.complete_work().unwrap();
    assert_eq!(shown(&mut harness), ["b 20: 0:0.00-inf", "wm 9223372036854775807"]);
    assert_eq!(harness.end().unwrap(), Finished::Yes);
}

#[test]
fn windows_in_work_survive_a_restore_in_their_order() {
    let job = "max-dimension = 0\nmin-persistence = 9";
    let mut harness = open(job, MemoryState::default());
    harness
        .process(windows(&[("z", 10, &SQUARE), ("a", 10, &SQUARE), ("m", 20, &SQUARE)]))
        .unwrap();
    harness.services.work.truncate(1);
    harness.complete_work().unwrap();
    harness.barrier(Epoch(1)).unwrap();
    assert_eq!(harness.state.rows.len(), 2);

    let mut harness = open(job, harness.state.clone());
    harness.process(windows(&[("z", 20, &SQUARE)])).unwrap();
    harness.barrier(Epoch(2)).unwrap();
    assert_eq!(harness.state.rows.len(), 3);
    harness.complete_work().unwrap();
    assert_eq!(
        shown(&mut harness),
        ["a 10: 0:0.00-inf", "m 20: 0:0.00-inf", "z 20: 0:0.00-inf"]
    );
    assert_eq!(
        harness.state,
        MemoryState::default(),
        "what is emitted is no longer in state"
    );
}

fn circle(points: usize) -> Vec<f64> {
    (0..points)
        .flat_map(|point| {
            let angle = point as f64 / points as f64 * std::f64::consts::TAU;
            [angle.cos(), angle.sin()]
        })
        .collect()
}

/// Runs one window of 200 points where at most `limit` bytes can be had, without looking at the pairs.
fn oversize(job: &str, limit: u64) -> (Harness, streaming::Result<()>) {
    let mut harness = open(job, MemoryState::default());
    harness.place.compute_limit_bytes = limit;
    let result = harness.process(windows(&[("a", 10, &circle(200))])).and_then(|()| {
        while !harness.services.work.is_empty() {
            harness.complete_work()?;
        }
        Ok(())
    });
    (harness, result)
}

#[test]
fn a_window_that_is_too_large_follows_the_policy() {
    let (mut harness, _) = oversize("max-dimension = 2", 1 << 20);
    let letter = letters(&mut harness).remove(0);
    assert_eq!(letter["kind"], "oversize");
    assert!(
        letter["reason"].as_str().unwrap().contains("200 points to dimension 2"),
        "{letter}"
    );

    let (mut harness, _) = oversize("max-dimension = 3\non-oversize = \"lower-dimension\"", 12 << 20);
    let batches = harness.take_main();
    let Payload::Diagrams(diagrams) = &batches[0].payload else {
        panic!("diagrams")
    };
    assert!(
        (1..3).contains(&diagrams.max_dimension[0]),
        "{}",
        diagrams.max_dimension[0]
    );
    assert_eq!(diagrams.error_bound[0], 0.0);

    let (mut harness, _) = oversize(
        "max-dimension = 2\non-oversize = \"landmarks\"\nlandmarks = 40",
        3 << 20,
    );
    let batches = harness.take_main();
    let Payload::Diagrams(diagrams) = &batches[0].payload else {
        panic!("diagrams")
    };
    assert_eq!((diagrams.max_dimension[0], diagrams.count[0]), (2, 200));
    assert!(
        diagrams.error_bound[0] > 0.0 && diagrams.error_bound[0] < 0.5,
        "{}",
        diagrams.error_bound[0]
    );
    assert!(
        diagrams
            .pairs
            .row(0)
            .iter()
            .any(|pair| pair.dimension == 1 && pair.death > 1.0),
        "the circle is still there"
    );

    let (_, result) = oversize("max-dimension = 2\non-oversize = \"fail\"", 1 << 20);
    assert_eq!(result.unwrap_err().kind(), streaming::Kind::User);
}

#[test]
fn a_computation_over_its_time_limit_is_stopped() {
    let mut harness = open("max-dimension = 2\ntime-limit = \"20ms\"", MemoryState::default());
    harness.place.compute_limit_bytes = 1 << 40;
    // Seconds of work, if nobody stops it.
    let noise = |at: u64| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64;
    let points: Vec<f64> = (0..4000u64).map(|at| noise(at * at)).collect();
    harness.process(windows(&[("a", 10, &points)])).unwrap();
    let work = harness.services.work.remove(0);
    let running = std::thread::spawn(move || (work.run)(&Cancel::default()));
    // The clock of the operator runs while the computation does.
    while !running.is_finished() {
        let next = harness.services.now.saturating_add(Duration::from_millis(20));
        harness.advance_to(next).unwrap();
        std::thread::yield_now();
    }
    let outcome = running.join().unwrap();
    harness.services.work.push(streaming::operator::Work {
        token: 0,
        memory_bytes: 0,
        run: Box::new(|_| outcome),
    });
    harness.complete_work().unwrap();
    assert_eq!(letters(&mut harness)[0]["kind"], "timeout");
}

#[test]
fn what_cannot_be_computed_is_told_with_its_points() {
    let mut harness = open("metric = \"cosine\"", MemoryState::default());
    harness.process(windows(&[("a", 10, &SQUARE), ("b", 10, &[])])).unwrap();
    harness.complete_work().unwrap();
    let letters = letters(&mut harness);
    assert_eq!(letters[0]["kind"], "failed");
    assert!(
        letters[0]["reason"].as_str().unwrap().contains("zero vector"),
        "{}",
        letters[0]
    );
    // {"key":"a","timestamp":0.009,"points":[[0.0,0.0],[1.0,0.0],[1.0,1.0],[0.0,1.0]]}
    assert!(
        letters[0]["payload_base64"]
            .as_str()
            .unwrap()
            .starts_with("eyJrZXkiOiJhIiwidGltZXN0YW1wIjowLjAwOSwicG9pbnRzIjpb")
    );
    assert!(
        letters[1]["reason"].as_str().unwrap().contains("no points"),
        "{}",
        letters[1]
    );
    assert_ne!(letters[0]["error_id"], letters[1]["error_id"]);
}

#[test]
fn a_panic_in_the_pool_is_a_dead_letter() {
    let mut harness = open("", MemoryState::default());
    harness.process(windows(&[("a", 10, &SQUARE)])).unwrap();
    let token = harness.services.work.remove(0).token;
    let done = Completion {
        token,
        outcome: Err("index out of bounds".to_owned()),
    };
    let mut cx = streaming::operator::OperatorContext {
        outputs: &mut harness.outputs,
        state: &mut harness.state,
        services: &mut harness.services,
        place: &harness.place,
        watermark: harness.watermark,
    };
    harness.operator.on_completion(done, &mut cx).unwrap();
    assert!(
        letters(&mut harness)[0]["reason"]
            .as_str()
            .unwrap()
            .contains("panicked: index out of bounds")
    );
}

/// Windows of 40 points, sliding by 10, of two keys in turn.
fn sliding() -> Vec<(&'static str, i64, Vec<f64>)> {
    let point = |index: u64| {
        let noise = (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / f64::from(1 << 24);
        let angle = index as f64 * 0.4;
        [angle.cos() + 0.2 * noise, angle.sin() - 0.1 * noise]
    };
    let window = |of: u64| (of * 10..of * 10 + 40).flat_map(point).collect::<Vec<_>>();
    (0..12)
        .map(|step| {
            (
                if step % 3 == 0 { "b" } else { "a" },
                10 * (step as i64 + 1),
                window(step),
            )
        })
        .collect()
}

fn diagrams_of(job: &str, complete: impl Fn(usize, &mut Harness)) -> (Vec<String>, Harness) {
    let mut harness = open(job, MemoryState::default());
    for (index, (key, end, coords)) in sliding().iter().enumerate() {
        harness.process(windows(&[(key, *end, coords)])).unwrap();
        complete(index, &mut harness);
    }
    while !harness.services.work.is_empty() {
        harness.complete_work().unwrap();
    }
    (shown(&mut harness), harness)
}

#[test]
fn the_incremental_algorithm_gives_the_same_diagrams() {
    for dimension in [1, 2] {
        let job = format!("max-dimension = {dimension}\nmax-edge-length = 1.5\nalgorithm = ");
        let (expected, _) = diagrams_of(&(job.clone() + "\"vietoris_rips\""), |_, _| {});
        assert_eq!(expected.len(), 12);
        let job = job + "\"incremental\"";
        let (one_by_one, _) = diagrams_of(&job, |_, harness| harness.complete_work().unwrap());
        assert_eq!(one_by_one, expected);
        let (at_the_end, _) = diagrams_of(&job, |index, harness| {
            assert!(
                harness.services.work.len() <= 2,
                "one window of a key at a time: {index}"
            );
        });
        assert_eq!(at_the_end, expected);
        // A panic, or a shortage of memory, costs what was kept and nothing else.
        let (forgetful, _) = diagrams_of(&job, |index, harness| {
            if index == 5 {
                harness.place.compute_limit_bytes = 64 << 10;
            }
            harness.complete_work().unwrap();
            harness.place.compute_limit_bytes = u64::MAX;
        });
        assert_eq!(forgetful, expected);
    }
}

#[test]
fn alpha_values_are_radii() {
    let mut harness = open("algorithm = \"alpha\"", MemoryState::default());
    harness.process(windows(&[("a", 10, &SQUARE)])).unwrap();
    harness.complete_work().unwrap();
    let expected = "a 10: 0:0.00-0.50 0:0.00-0.50 0:0.00-0.50 0:0.00-inf 1:0.50-0.71";
    assert_eq!(shown(&mut harness), [expected]);
}

#[test]
fn witness_complexes_see_the_circle() {
    let job = "algorithm = \"witness\"\nlandmarks = 12\nrelaxation = 0.1\nmin-persistence = 0.05";
    let mut harness = open(job, MemoryState::default());
    harness.process(windows(&[("a", 10, &circle(200))])).unwrap();
    harness.complete_work().unwrap();
    let found = shown(&mut harness);
    assert_eq!(found, ["a 10: 0:0.00-inf 1:0.00-inf"]);
}

#[test]
fn mistakes_in_the_options_are_told() {
    let cases = [
        (
            "algorithm = \"alpha\"\nmax-edge-length = 1.0",
            "unknown option \"max-edge-length\"",
        ),
        (
            "algorithm = \"witness\"\nmetric = \"manhattan\"",
            "unknown option \"metric\"",
        ),
        (
            "algorithm = \"witness\"\non-oversize = \"landmarks\"",
            "landmarks do not stand for a window",
        ),
        ("algorithm = \"witness\"\nlandmark-seed = 3", "only landmark-selection"),
        (
            "algorithm = \"python:mine:diagram\"",
            "not available yet in this version",
        ),
        ("algorithm = \"vietoris-rips\"", "did you mean \"vietoris_rips\"?"),
        ("max-dimension = 11", "11 is not between 0 and 10"),
        (
            "max-edge-length = 1.0\nmax-persistence = 2.0",
            "both bound the filtration",
        ),
        ("max-edge-length = -1.0", "negative"),
        ("coefficient-field = 9", "9 is not a prime number"),
        ("on-oversize = \"landmarks\"", "landmarks is missing"),
        ("landmarks = 9", "used only with on-oversize"),
        ("metric = \"euclid\"", "euclid"),
    ];
    testing::assert_refused(&Persistence, &cases);
}
