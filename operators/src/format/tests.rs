use proptest::prelude::*;
use serde_json::{Value, json};
use streaming::Timestamp;
use streaming::batch::{Batch, Diagrams, Documents, Keys, List, Pair, Payload, Points, WindowKind, Windows};
use streaming::job::Options;
use streaming::operator::EncoderFactory;

use super::{ResultJson, json, point_json, window_json};

const NOW: Timestamp = Timestamp(1_704_110_400_000_000);

fn keyed(key: &str, payload: Payload) -> Batch {
    let mut keys = Keys::default();
    keys.push(key.as_bytes());
    Batch {
        event_time: vec![Timestamp(59_999_999)],
        keys,
        payload,
    }
}

fn encode(batch: Batch) -> Value {
    let mut options = Options::from_json("sink.results", "{}").unwrap();
    let mut encoder = ResultJson("result-json").build(&mut options, "a \"job\"").unwrap();
    let documents = encoder.encode(batch, NOW).unwrap();
    serde_json::from_slice(documents.bytes.row(0)).unwrap()
}

#[test]
fn a_diagram_becomes_an_answer() {
    let pairs = [
        Pair {
            dimension: 0,
            birth: 0.0,
            death: 0.1 + 0.2,
        },
        Pair {
            dimension: 0,
            birth: 0.0,
            death: f64::INFINITY,
        },
        Pair {
            dimension: 1,
            birth: 1.0,
            death: 1.5,
        },
    ];
    let diagrams = Diagrams {
        start: vec![Timestamp(0)],
        end: vec![Timestamp(60_000_000)],
        kind: vec![WindowKind::Sliding as u8],
        count: vec![4],
        dim: vec![2],
        max_dimension: vec![1],
        algorithm: List::from_iter([b"vietoris_rips".as_slice()]),
        pairs: List::from_iter([pairs.as_slice()]),
        error_bound: vec![0.0],
        seconds: vec![2.5],
        memory_bytes: vec![1024],
        annotations: List::from_iter([br#""drift":{"value":0.5}"#.as_slice()]),
    };
    let answer = encode(keyed("s\n7", Payload::Diagrams(diagrams)));
    let expected = json!({
        "schema": "tda_window_result_v1",
        "job": "a \"job\"",
        "timestamp": "2024-01-01T12:00:00Z",
        "window": {"key": "s\n7", "start": "1970-01-01T00:00:00Z", "end": "1970-01-01T00:01:00Z", "count": 4, "kind": "sliding"},
        "computation_info": {"algorithm": "vietoris_rips", "num_points": 4, "dimension": 2, "max_dimension": 1,
            "computation_time": 2.5, "success": true, "error_bound": 0.0, "memory_bytes": 1024},
        "tda_results": {
            "betti_numbers": {"0": [1], "1": [0]},
            "persistence_pairs": [
                {"dimension": 0, "birth": 0.0, "death": 0.1 + 0.2},
                {"dimension": 0, "birth": 0.0, "death": "inf"},
                {"dimension": 1, "birth": 1.0, "death": 1.5},
            ],
            "homology_groups": [{"dimension": 0, "num_features": 2}, {"dimension": 1, "num_features": 1}],
        },
        "drift": {"value": 0.5},
    });
    assert_eq!(answer, expected);
}

fn window(coords: &[f64], dim: u16) -> Batch {
    let windows = Windows {
        start: vec![Timestamp(0)],
        end: vec![Timestamp(60_000_000)],
        kind: vec![WindowKind::Tumbling as u8],
        count: vec![9],
        dim: vec![dim],
        coords: List::from_iter([coords]),
    };
    keyed("k", Payload::Windows(windows))
}

#[test]
fn a_counted_window_is_described() {
    let answer = encode(window(&[], 2));
    assert_eq!(answer["window"]["count"], 9);
    assert_eq!(answer.get("points"), None);
    assert_eq!(
        encode(window(&[1.0, 2.0, 3.0, 4.0], 2))["points"],
        json!([[1.0, 2.0], [3.0, 4.0]])
    );
}

#[test]
fn documents_pass_as_they_are_and_points_as_they_came() {
    let documents = Documents {
        bytes: List::from_iter([b"{\"a\": 1}".as_slice()]),
    };
    assert_eq!(encode(keyed("", Payload::Documents(documents))), json!({"a": 1}));
    let point = encode(keyed(
        "p",
        Payload::Points(Points {
            dim: 2,
            coords: vec![1.0, -2.5],
        }),
    ));
    assert_eq!(
        point,
        json!({"key": "p", "timestamp": 59_999.999, "point": [1.0, -2.5]})
    );
}

#[test]
fn a_window_too_large_to_show_is_cut_at_a_whole_point() {
    let text = window_json(&window(&[1.0; 100], 2), 200);
    let value: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(value["truncated"], true);
    assert!(
        text.len() < 230
            && value["points"]
                .as_array()
                .unwrap()
                .iter()
                .all(|point| *point == json!([1.0, 1.0]))
    );
}

proptest! {
    #[test]
    fn numbers_read_back_as_they_were(number in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO) {
        let mut text = String::new();
        json::push_number(&mut text, number);
        prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits());
        prop_assert!(serde_json::from_str::<Value>(&text).unwrap().is_number(), "{} is JSON", text);
    }

    #[test]
    fn texts_read_back_as_they_were(key: String, micros in -10_000_000i64..10_000_000_000_000) {
        let value: Value = serde_json::from_slice(&point_json(key.as_bytes(), Timestamp(micros), &[1.0])).unwrap();
        prop_assert_eq!(value["key"].as_str(), Some(key.as_str()));
        prop_assert_eq!((value["timestamp"].as_f64().unwrap() * 1000.0).round() as i64, micros);
    }
}
