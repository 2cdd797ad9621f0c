use serde_json::{Value as Json, json};
use streaming::Timestamp;
use streaming::batch::{Batch, Diagrams, Keys, List, Pair, Payload, WindowKind};
use streaming::testing::MemoryState;

use super::Features;
use crate::testing;

/// `features` of a diagram with a class that lives for ever, one of degree 0, and two of degree 1.
fn features(job: &str) -> Json {
    let mut harness = testing::open(&Features, job, MemoryState::default());
    let pair = |dimension, birth, death| Pair {
        birth,
        death,
        dimension,
    };
    let pairs = [
        pair(0, 0.0, 0.5),
        pair(0, 0.0, f64::INFINITY),
        pair(1, 1.0, 2.0),
        pair(1, 1.0, 4.0),
    ];
    let diagrams = Diagrams {
        start: vec![Timestamp(0)],
        end: vec![Timestamp(10)],
        kind: vec![WindowKind::Tumbling as u8],
        count: vec![4],
        dim: vec![2],
        max_dimension: vec![1],
        algorithm: List::from_iter([b"alpha".as_slice()]),
        pairs: List::from_iter([pairs.as_slice()]),
        error_bound: vec![0.0],
        seconds: vec![0.0],
        memory_bytes: vec![0],
        annotations: List::from_iter([b"\"before\":1".as_slice()]),
    };
    let batch = Batch {
        event_time: vec![Timestamp(9)],
        keys: Keys::absent(1),
        payload: Payload::Diagrams(diagrams),
    };
    harness.process(batch).unwrap();
    let batches = harness.take_main();
    let Payload::Diagrams(diagrams) = &batches[0].payload else {
        panic!("diagrams")
    };
    batches[0].assert_consistent();
    let text = String::from_utf8(diagrams.annotations.row(0).to_vec()).unwrap();
    let annotations: Json = serde_json::from_str(&format!("{{{text}}}")).unwrap();
    assert_eq!(annotations["before"], 1, "what others have said stays");
    annotations["features"].clone()
}

#[test]
fn entropy_and_amplitude_are_told_by_dimension() {
    let found = features("");
    assert_eq!(found["0"], json!({"entropy": 0.0, "amplitude": 0.25}));
    let entropy = -(0.25_f64 * 0.25_f64.ln() + 0.75 * 0.75_f64.ln());
    assert!((found["1"]["entropy"].as_f64().unwrap() - entropy).abs() < 1e-12);
    assert_eq!(found["1"]["amplitude"], 1.5);
    let found = features("amplitude = \"wasserstein\"\norder = 1\ndimensions = [1]\nfeatures = \"amplitude\"");
    assert_eq!(found.as_object().unwrap().len(), 1);
    // To the nearest point of the diagonal: 1/√2 and 3/√2.
    assert!((found["1"]["amplitude"].as_f64().unwrap() - 4.0 / 2.0_f64.sqrt()).abs() < 1e-12);
}

#[test]
fn curves_are_sampled_over_the_range_asked_for() {
    let found = features("features = [\"betti-curve\"]\nrange = [0, 4]\nresolution = 5");
    assert_eq!(
        found,
        json!({"0": {"betti_curve": [2.0, 1.0, 1.0, 1.0, 1.0]}, "1": {"betti_curve": [0.0, 2.0, 1.0, 1.0, 0.0]}})
    );
    let found = features("features = [\"landscape\", \"silhouette\"]\nresolution = 4\nlandscapes = 2");
    assert_eq!(found["1"]["range"], json!([1.0, 4.0]));
    let landscape = &found["1"]["landscape"];
    let value = |layer: usize, at: usize| landscape[layer][at].as_f64().unwrap() / 2.0_f64.sqrt();
    assert_eq!(landscape.as_array().unwrap().len(), 2);
    assert!(
        (value(0, 1) - 1.0).abs() < 1e-12 && value(1, 1).abs() < 1e-12,
        "{landscape}"
    );
    assert_eq!(found["1"]["silhouette"].as_array().unwrap().len(), 4);
}

#[test]
fn an_image_is_a_matrix() {
    let found = features("features = [\"image\"]\nimage-resolution = 6\nbandwidth = 0.5\nrange = [0.0, 5.0]");
    let image = found["1"]["image"].as_array().unwrap();
    assert_eq!((image.len(), image[0].as_array().unwrap().len()), (6, 6));
    let value = |row: usize, column: usize| image[row][column].as_f64().unwrap();
    // The class from 1 to 4 weighs most.
    let greatest = (0..36).max_by(|a, b| value(a / 6, a % 6).total_cmp(&value(b / 6, b % 6)));
    assert_eq!(greatest, Some(3 * 6 + 1));
}

#[test]
fn mistakes_in_the_options_are_told() {
    let cases = [
        ("features = [\"betti_curve\"]", "did you mean \"betti-curve\"?"),
        ("features = []", "leave the operator out"),
        ("features = [\"entropy\", \"entropy\"]", "there twice"),
        ("range = [1.0, 1.0]", "the lower first"),
        ("resolution = 1", "1 is not between 2 and 10000"),
        ("bandwidth = 0", "above 0"),
        ("order = 2", "belongs to amplitude"),
    ];
    testing::assert_refused(&Features, &cases);
}
