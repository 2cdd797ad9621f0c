use serde_json::{Value as Json, json};
use streaming::batch::{Batch, Diagrams, Keys, List, Pair, Payload, WindowKind};
use streaming::element::Element;
use streaming::operator::Finished;
use streaming::testing::{Harness, MemoryState};
use streaming::{Epoch, Timestamp};

use super::Drift;
use crate::testing;

fn open(job: &str, state: MemoryState) -> Harness {
    testing::open(&Drift, job, state)
}

/// A diagram with one class of degree 0 that lives for ever and one of degree 1 from 1.0 to `death`.
fn diagram(key: &str, end: i64, death: f64) -> Batch {
    let pair = |dimension, birth, death| Pair {
        birth,
        death,
        dimension,
    };
    let pairs = [pair(0, 0.0, f64::INFINITY), pair(1, 1.0, death)];
    let mut keys = Keys::default();
    keys.push(key.as_bytes());
    Batch {
        event_time: vec![Timestamp(end - 1)],
        keys,
        payload: Payload::Diagrams(Diagrams {
            start: vec![Timestamp(end - 10)],
            end: vec![Timestamp(end)],
            kind: vec![WindowKind::Tumbling as u8],
            count: vec![4],
            dim: vec![2],
            max_dimension: vec![1],
            algorithm: List::from_iter([b"vietoris_rips".as_slice()]),
            pairs: List::from_iter([pairs.as_slice()]),
            error_bound: vec![0.0],
            seconds: vec![0.0],
            memory_bytes: vec![0],
            annotations: List::from_iter([b"\"before\":{}".as_slice()]),
        }),
    }
}

/// What was emitted: the end of the window and its `drift`.
fn drifts(harness: &mut Harness) -> Vec<(i64, Json)> {
    let batches = harness.take_main();
    let rows = batches.iter().map(|batch| {
        batch.assert_consistent();
        let Payload::Diagrams(diagrams) = &batch.payload else {
            panic!("diagrams")
        };
        let text = String::from_utf8(diagrams.annotations.row(0).to_vec()).unwrap();
        let annotations: Json = serde_json::from_str(&format!("{{{text}}}")).unwrap();
        assert_eq!(annotations["before"], json!({}), "what others have said stays");
        (diagrams.end[0].0, annotations["drift"].clone())
    });
    rows.collect()
}

fn values(harness: &mut Harness) -> Vec<(i64, Option<f64>, bool)> {
    let drifts = drifts(harness).into_iter();
    drifts
        .map(|(end, drift)| (end, drift["value"].as_f64(), drift["exceeded"].as_bool().unwrap()))
        .collect()
}

#[test]
fn each_diagram_is_compared_with_the_one_before_it_of_its_key() {
    let mut harness = open("distance = \"bottleneck\"\nthreshold = 0.5", MemoryState::default());
    for (key, end, death) in [
        ("a", 10, 2.0),
        ("b", 10, 9.0),
        ("a", 20, 2.25),
        ("a", 30, 4.0),
        ("b", 20, 9.0),
    ] {
        harness.process(diagram(key, end, death)).unwrap();
    }
    harness.complete_work().unwrap();
    let found = drifts(&mut harness);
    let expected = json!({
        "distance": "bottleneck", "value": 0.25, "threshold": 0.5, "exceeded": false,
        "by_dimension": {"1": 0.25}, "reference_end": Timestamp(10).to_string(),
    });
    let mut second = found[2].1.clone();
    assert_eq!(
        second["by_dimension"].as_object_mut().unwrap().remove("0"),
        Some(json!(0.0))
    );
    assert_eq!(second, expected);
    let values: Vec<_> = found
        .iter()
        .map(|(end, drift)| (*end, drift["value"].as_f64(), drift["exceeded"].as_bool().unwrap()))
        .collect();
    let expected = [
        (10, None, false),
        (10, None, false),
        (20, Some(0.25), false),
        // From 3 long at most to the diagonal, or 1.75 to the class before: whichever moves less.
        (30, Some(1.5_f64.min(1.75)), true),
        (20, Some(0.0), false),
    ];
    assert_eq!(values, expected);
    assert_eq!(harness.services.counts["numDrifts"], 1);
}

#[test]
fn landscapes_are_compared_where_both_have_pairs() {
    let mut harness = open(
        "distance = \"landscape\"\norder = 1\ndimensions = [1]",
        MemoryState::default(),
    );
    harness.process(diagram("a", 10, 3.0)).unwrap();
    harness.process(diagram("a", 20, 5.0)).unwrap();
    harness.complete_work().unwrap();
    let value = values(&mut harness)[1].1.unwrap();
    // Two tents over [1, 3] and [1, 5]: areas 1 and 4, the first inside the second, times √2 by convention.
    assert!((value - 3.0 * 2.0_f64.sqrt()).abs() < 0.01, "{value}");
}

#[test]
fn the_first_diagram_may_stay_the_reference() {
    let mut harness = open(
        "distance = \"bottleneck\"\nreference = \"first\"",
        MemoryState::default(),
    );
    for (end, death) in [(10, 2.0), (20, 2.25), (30, 2.5)] {
        harness.process(diagram("a", end, death)).unwrap();
    }
    harness.complete_work().unwrap();
    assert_eq!(
        values(&mut harness),
        [(10, None, false), (20, Some(0.25), false), (30, Some(0.5), false)]
    );
}

#[test]
fn a_restore_in_the_middle_changes_nothing() {
    let job = "distance = \"wasserstein\"\ntolerance = 0\ndeviations = 3.0\nwarm-up = 3";
    let deaths = [2.0, 2.1, 2.0, 2.1, 2.05, 3.9, 2.0];
    let rows: Vec<_> = (1..)
        .zip(deaths)
        .map(|(window, death)| diagram("a", 10 * window, death))
        .collect();
    let mut straight = open(job, MemoryState::default());
    for row in &rows {
        straight.process(row.clone()).unwrap();
        straight.complete_work().unwrap();
    }
    let expected = values(&mut straight);
    assert_eq!(
        expected.iter().filter(|(.., exceeded)| *exceeded).count(),
        1,
        "{expected:?}"
    );

    for cut in 0..rows.len() {
        for in_work in [true, false] {
            let mut harness = open(job, MemoryState::default());
            let mut found = Vec::new();
            for (index, row) in rows.iter().enumerate() {
                harness.process(row.clone()).unwrap();
                if index < cut || !in_work {
                    harness.complete_work().unwrap();
                }
                found.extend(values(&mut harness));
                if index == cut {
                    harness.barrier(Epoch(1)).unwrap();
                    harness = open(job, harness.state.clone());
                }
                harness.complete_work().unwrap();
                found.extend(values(&mut harness));
            }
            assert_eq!(found, expected, "cut after {cut}, in work {in_work}");
            assert_eq!(
                harness.state.rows.len(),
                1,
                "what was in work is no longer in state: {cut} {in_work}"
            );
        }
    }
}

#[test]
fn the_watermark_waits_for_the_distance() {
    let mut harness = open("", MemoryState::default());
    harness.process(diagram("a", 10, 2.0)).unwrap();
    harness.process(diagram("a", 20, 3.0)).unwrap();
    harness.watermark(Timestamp::MAX).unwrap();
    assert_eq!(harness.end().unwrap(), Finished::NotYet);
    let watermark = |harness: &mut Harness| {
        let found = harness.outputs.iter().rev().find_map(|(_, element)| match element {
            Element::Watermark(time) => Some(*time),
            _ => None,
        });
        harness.outputs.clear();
        found
    };
    assert_eq!(watermark(&mut harness), Some(Timestamp(18)));
    harness.complete_work().unwrap();
    assert_eq!(watermark(&mut harness), Some(Timestamp::MAX));
    assert_eq!(harness.end().unwrap(), Finished::Yes);
}

#[test]
fn mistakes_in_the_options_are_told() {
    let cases = [
        ("distance = \"wasserstien\"", "did you mean \"wasserstein\"?"),
        (
            "distance = \"bottleneck\"\norder = 2",
            "belongs to wasserstein and landscape",
        ),
        ("order = 0.5", "0.5 is below 1"),
        ("threshold = 1.0\ndeviations = 2.0", "two rules"),
        ("warm-up = 5", "belongs to deviations"),
        ("dimensions = [0, 11]", "11 is not between 0 and 10"),
        ("dimension = [0]", "did you mean \"dimensions\"?"),
    ];
    testing::assert_refused(&Drift, &cases);
}
