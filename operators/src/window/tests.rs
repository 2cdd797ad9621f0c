//! Windows against a naive model, with and without a crash: every pipeline test also checkpoints and restores.

mod model;

use proptest::collection::vec;
use proptest::prelude::*;
use streaming::batch::{Batch, Keys, Payload, Points};
use streaming::testing::{Harness, MemoryState};
use streaming::{Epoch, Timestamp};

use super::{Window, output};
use crate::testing;
use model::{Model, Row};

/// One step of a test.
#[derive(Debug, Clone)]
enum Step {
    /// Times and keys; the coordinate of a point is its number in the test.
    Rows(Vec<Row>),
    Watermark(i64),
    Barrier,
    /// Goes back to the last barrier and runs from there again.
    Crash,
}

fn open(job: &str, state: MemoryState) -> Harness {
    testing::open(&Window, job, state)
}

fn batch(rows: &[Row]) -> Batch {
    let mut keys = Keys::default();
    rows.iter().for_each(|row| keys.push(row.key.as_bytes()));
    let coords = rows.iter().map(|row| row.id as f64).collect();
    Batch {
        event_time: rows.iter().map(|row| Timestamp(row.time)).collect(),
        keys,
        payload: Payload::Points(Points { dim: 1, coords }),
    }
}

/// What an operator has emitted, as text: `[start, end) key: ids`, and late rows as `late key`.
fn shown(harness: &mut Harness) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in harness.take_main() {
        batch.assert_consistent();
        let Payload::Windows(windows) = &batch.payload else {
            panic!("windows")
        };
        for row in 0..batch.rows() {
            let key = String::from_utf8_lossy(batch.keys.row(row));
            assert_eq!(batch.keys.hashes[row], streaming::key::hash(batch.keys.row(row)));
            let ids: Vec<_> = windows.coords.row(row).iter().map(|id| *id as usize).collect();
            if !ids.is_empty() {
                assert_eq!(windows.count[row], ids.len() as u64);
            }
            lines.push(format!(
                "[{}, {}) {key}: {} {ids:?}",
                windows.start[row].0, windows.end[row].0, windows.count[row]
            ));
        }
    }
    for batch in harness.take(output::LATE) {
        lines.extend((0..batch.rows()).map(|row| format!("late {}", String::from_utf8_lossy(batch.keys.row(row)))));
    }
    lines
}

/// Runs the steps, going back at crashes, and returns what was emitted at each step.
fn run(job: &str, steps: &[Step]) -> Vec<Vec<String>> {
    let mut harness = open(job, MemoryState::default());
    let mut saved = (0, MemoryState::default(), Timestamp::MIN);
    let mut crashed = vec![false; steps.len()];
    let mut emitted: Vec<Vec<String>> = Vec::new();
    let mut at = 0;
    while at < steps.len() {
        match &steps[at] {
            Step::Rows(rows) => harness.process(batch(rows)).unwrap(),
            Step::Watermark(time) => harness.watermark(Timestamp(*time)).unwrap(),
            Step::Barrier => {
                harness.barrier(Epoch(1)).unwrap();
                saved = (at + 1, harness.state.clone(), harness.watermark);
            }
            Step::Crash if crashed[at] => {}
            Step::Crash => {
                crashed[at] = true;
                harness = open(job, saved.1.clone());
                // A restored job's watermark starts behind: nothing may fire twice for it.
                harness.watermark(Timestamp(saved.2.0.saturating_sub(5))).unwrap();
                assert_eq!(
                    shown(&mut harness),
                    [""; 0],
                    "emitted by a restored operator with nothing new"
                );
                emitted.truncate(saved.0);
                at = saved.0;
                continue;
            }
        }
        emitted.push(shown(&mut harness));
        at += 1;
    }
    harness.watermark(Timestamp::MAX).unwrap();
    emitted.push(shown(&mut harness));
    harness.barrier(Epoch(2)).unwrap();
    assert!(
        harness.state.rows.keys().all(|key| key[0] != 0),
        "state is left over at the end"
    );
    emitted
}

/// What the model says is emitted at each step.
fn expected(mut model: Model, steps: &[Step]) -> Vec<Vec<String>> {
    let mut emitted: Vec<_> = steps
        .iter()
        .map(|step| match step {
            Step::Rows(rows) => model.rows(rows),
            Step::Watermark(time) => model.watermark(*time),
            Step::Barrier | Step::Crash => vec![],
        })
        .collect();
    emitted.push(model.watermark(i64::MAX));
    emitted
}

fn check(job: &str, model: Model, steps: &[Step]) {
    assert_eq!(run(job, steps), expected(model, steps), "{job} {steps:?}");
}

prop_compose! {
    /// Out of order by up to 30, at a speed of about 4 per step; watermarks rise.
    fn steps()(script in vec((0..10u8, vec((0..30i64, 0..4u8), 0..8)), 0..60)) -> Vec<Step> {
        let (mut id, mut watermark) = (0, i64::MIN);
        script.into_iter().enumerate().map(|(at, (what, rows))| {
            let now = at as i64 * 4;
            match what {
                0..5 => Step::Rows(rows.into_iter().map(|(ahead, key)| {
                    id += 1;
                    Row { time: now + ahead - 15, key: ["a", "b", "a long key", ""][usize::from(key)].into(), id }
                }).collect()),
                5..7 => {
                    watermark = watermark.max(now - rows.len() as i64);
                    Step::Watermark(watermark)
                }
                7..9 => Step::Barrier,
                _ => Step::Crash,
            }
        }).collect()
    }
}

proptest! {
    #[test]
    fn tumbling_windows_are_those_of_the_model(steps in steps(), size in 1i64..20, offset in 0i64..20, lateness in 0i64..12) {
        let offset = offset % size;
        let job = format!(
            "allowed-lateness = \"{lateness}us\"\nwindow = {{ kind = \"tumbling\", size = \"{size}us\", offset = \"{offset}us\" }}"
        );
        check(&job, Model::aligned(size, size, offset, lateness), &steps);
    }

    #[test]
    fn sliding_windows_are_those_of_the_model(steps in steps(), size in 1i64..20, slide in 1i64..20, lateness in 0i64..12) {
        let slide = slide.min(size);
        let job = format!(
            "allowed-lateness = \"{lateness}us\"\nwindow = {{ kind = \"sliding\", size = \"{size}us\", slide = \"{slide}us\" }}"
        );
        check(&job, Model::aligned(size, slide, 0, lateness), &steps);
    }

    #[test]
    fn session_windows_are_those_of_the_model(steps in steps(), gap in 1i64..12, lateness in 0i64..12) {
        let job = format!("allowed-lateness = \"{lateness}us\"\nwindow = {{ kind = \"session\", gap = \"{gap}us\" }}");
        check(&job, Model::session(gap, lateness), &steps);
    }

    #[test]
    fn count_windows_are_those_of_the_model(steps in steps(), size in 1u64..12, slide in 1u64..12) {
        let slide = slide.min(size);
        let job = format!("window = {{ kind = \"sliding\", size = {size}, slide = {slide} }}");
        check(&job, Model::count(Some(size), slide), &steps);
    }

    #[test]
    fn tumbling_count_windows_are_those_of_the_model(steps in steps(), size in 1u64..12) {
        let job = format!("window = {{ kind = \"tumbling\", size = {size}, timeout = \"60s\" }}");
        check(&job, Model::count(Some(size), size), &steps);
    }

    #[test]
    fn global_windows_are_those_of_the_model(steps in steps(), every in 1u64..12) {
        let job = format!("window = {{ kind = \"global\", size = {every} }}");
        check(&job, Model::count(None, every), &steps);
    }

    #[test]
    fn counting_gives_the_same_windows_without_their_points(steps in steps(), size in 1i64..20, slide in 1i64..20, lateness in 0i64..12) {
        let slide = slide.min(size);
        let windows = [
            format!("window = {{ kind = \"sliding\", size = \"{size}us\", slide = \"{slide}us\" }}"),
            format!("window = {{ kind = \"session\", gap = \"{size}us\" }}"),
        ];
        for window in windows {
            let job = format!("allowed-lateness = \"{lateness}us\"\n{window}");
            let without_ids = run(&job, &steps).into_iter().map(|lines| {
                lines.iter().map(|line| line.split(" [").next().unwrap().to_owned() + if line.starts_with("late") { "" } else { " []" }).collect()
            });
            let without_ids: Vec<Vec<String>> = without_ids.collect();
            prop_assert_eq!(run(&format!("aggregate = \"count\"\n{job}"), &steps), without_ids);
        }
    }
}

fn row(time: i64, key: &str, id: usize) -> Row {
    Row {
        time,
        key: key.into(),
        id,
    }
}

#[test]
fn a_late_row_goes_to_the_side_output_as_it_came() {
    let mut harness = open(
        "window = { kind = \"tumbling\", size = \"10ms\" }",
        MemoryState::default(),
    );
    harness.process(batch(&[row(1_000, "a", 1)])).unwrap();
    harness.watermark(Timestamp(9_999)).unwrap();
    assert_eq!(shown(&mut harness), ["[0, 10000) a: 1 [1]"]);
    harness.process(batch(&[row(7_500, "a", 2)])).unwrap();
    assert_eq!(harness.services.counts["numLateRecordsDropped"], 1);
    let late = harness.take(output::LATE);
    let Payload::Documents(documents) = &late[0].payload else {
        panic!("documents")
    };
    let letter: serde_json::Value = serde_json::from_slice(documents.bytes.row(0)).unwrap();
    assert_eq!(
        (letter["kind"].as_str(), letter["key"].as_str()),
        (Some("late"), Some("a"))
    );
    // {"key":"a","timestamp":7.5,"point":[2.0]}
    assert_eq!(
        letter["payload_base64"],
        "eyJrZXkiOiJhIiwidGltZXN0YW1wIjo3LjUsInBvaW50IjpbMi4wXX0="
    );
}

#[test]
fn points_beyond_the_bound_go_to_the_side_output_overflow() {
    for window in [
        "kind = \"tumbling\", size = \"10us\"",
        "kind = \"session\", gap = \"10us\"",
        "kind = \"global\"",
    ] {
        let mut harness = open(
            &format!("max-points = 2\nwindow = {{ {window} }}"),
            MemoryState::default(),
        );
        harness
            .process(batch(&[row(1, "a", 1), row(2, "a", 2), row(3, "a", 3), row(3, "b", 4)]))
            .unwrap();
        harness.watermark(Timestamp::MAX).unwrap();
        assert_eq!(shown(&mut harness).len(), 2, "{window}");
        assert_eq!(harness.take(output::OVERFLOW)[0].rows(), 1, "{window}");
    }
}

#[test]
fn a_count_window_without_new_points_is_closed_by_its_timeout() {
    let mut harness = open(
        "window = { kind = \"tumbling\", size = 3, timeout = \"1s\" }",
        MemoryState::default(),
    );
    harness.process(batch(&[row(5, "a", 1)])).unwrap();
    harness.advance_to(Timestamp(700_000)).unwrap();
    harness.process(batch(&[row(3, "a", 2)])).unwrap();
    harness.advance_to(Timestamp(1_000_000)).unwrap();
    assert_eq!(shown(&mut harness), [""; 0], "the second point put the timeout off");
    harness.advance_to(Timestamp(1_700_000)).unwrap();
    assert_eq!(shown(&mut harness), ["[3, 5) a: 2 [1, 2]"]);
    assert_eq!(harness.services.timers, []);
}

#[test]
fn windows_of_processing_time_follow_the_clock_and_survive_a_restore() {
    let job = "window = { kind = \"tumbling\", size = \"1s\", time = \"processing\" }";
    let mut harness = open(job, MemoryState::default());
    harness.advance_to(Timestamp(2_300_000)).unwrap();
    harness.process(batch(&[row(5, "a", 1)])).unwrap();
    harness.barrier(Epoch(1)).unwrap();
    let mut harness = open(job, harness.state);
    harness.advance_to(Timestamp(2_999_999)).unwrap();
    assert_eq!(shown(&mut harness), [""; 0]);
    harness.advance_to(Timestamp(3_000_000)).unwrap();
    assert_eq!(shown(&mut harness), ["[2000000, 3000000) a: 1 [1]"]);
}

#[test]
fn points_of_different_dimension_share_no_window() {
    let mut harness = open(
        "window = { kind = \"tumbling\", size = \"10us\" }",
        MemoryState::default(),
    );
    for dim in [2, 1] {
        let mut rows = batch(&[row(1, "a", 1)]);
        rows.payload = Payload::Points(Points {
            dim,
            coords: vec![7.0; usize::from(dim)],
        });
        harness.process(rows).unwrap();
    }
    harness.watermark(Timestamp(9)).unwrap();
    let batches = harness.take_main();
    let Payload::Windows(windows) = &batches[0].payload else {
        panic!("windows")
    };
    assert_eq!(
        (windows.dim.as_slice(), windows.count.as_slice()),
        ([1, 2].as_slice(), [1, 1].as_slice())
    );
}

#[test]
fn after_a_rescale_each_key_group_goes_on_from_its_own_watermark() {
    for window in [
        "kind = \"sliding\", size = \"20us\", slide = \"10us\"",
        "kind = \"session\", gap = \"10us\"",
    ] {
        let job = format!("allowed-lateness = \"50us\"\nwindow = {{ {window} }}");
        let group = |key: &str| streaming::key::KeyGroup::of(streaming::key::hash(key.as_bytes()), 128).0;
        let keys: Vec<_> = (0..8).map(|number| format!("key {number}")).collect();
        // Two subtasks that came to different watermarks, and what each of them emitted.
        let mut state = MemoryState::default();
        let mut emitted = Vec::new();
        for (owned, watermark) in [(0..64, 12), (64..128, 35)] {
            let mine = keys.iter().filter(|key| owned.contains(&group(key)));
            let rows: Vec<_> = mine.flat_map(|key| [row(5, key, 1), row(25, key, 2)]).collect();
            assert!(!rows.is_empty());
            let mut harness = open(&job, MemoryState::default());
            harness.process(batch(&rows)).unwrap();
            harness.watermark(Timestamp(watermark)).unwrap();
            harness.barrier(Epoch(1)).unwrap();
            emitted.extend(shown(&mut harness));
            let rows = harness.state.rows.into_iter();
            state
                .rows
                .extend(rows.filter(|(key, _)| owned.contains(&streaming::state::RowKey::group_of(key).unwrap().0)));
        }
        let mut harness = open(&job, state);
        harness.watermark(Timestamp(20)).unwrap();
        harness.barrier(Epoch(2)).unwrap();
        emitted.extend(shown(&mut harness));
        let mut harness = open(&job, harness.state);
        harness.watermark(Timestamp::MAX).unwrap();
        emitted.extend(shown(&mut harness));
        let total = emitted.len();
        emitted.sort();
        emitted.dedup();
        assert_eq!(emitted.len(), total, "{window}: no window fires twice");
        let per_key = if window.contains("sliding") { 4 } else { 2 };
        assert_eq!(total, per_key * keys.len(), "{window}: every window fires");
    }
}

#[test]
fn mistakes_in_the_options_are_told() {
    let cases = [
        ("", "window is missing"),
        ("window = { kind = \"tumbling\" }", "size is missing"),
        ("window = { kind = \"tumblin\", size = 3 }", "did you mean \"tumbling\""),
        (
            "window = { kind = \"sliding\", size = \"1s\", slide = \"2s\" }",
            "slide is larger than size",
        ),
        (
            "window = { kind = \"sliding\", size = \"1s\", slide = 2 }",
            "must both be durations",
        ),
        ("window = { kind = \"session\", gap = 5 }", "expected a duration"),
        (
            "window = { kind = \"tumbling\", size = 0 }",
            "a number of points above 0",
        ),
        (
            "window = { kind = \"tumbling\", size = 5, gap = \"1s\" }",
            "have no gap",
        ),
        (
            "allowed-lateness = \"1s\"\nwindow = { kind = \"tumbling\", size = 5 }",
            "only windows of event time",
        ),
        (
            "window = { kind = \"tumbling\", size = 5, sice = 3 }",
            "unknown option \"sice\"",
        ),
        (
            "max-points = 4\nwindow = { kind = \"tumbling\", size = 5 }",
            "needs max-points of at least 5",
        ),
    ];
    testing::assert_refused(&Window, &cases);
}
