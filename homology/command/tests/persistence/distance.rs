//! Distances of small diagrams, worked out by hand.

use serde_json::json;

use crate::support::{Folder, npy_f64};

/// 2 to 2.5 goes to the diagonal, 0 to 1 becomes 0.25 to 1.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.file("a.csv", "0,1\n2,2.5\n");
    folder.file("b.npy", npy_f64("(1, 2)", &[0.25, 1.0]));
    folder
}

#[test]
fn the_bottleneck_distance_is_the_longest_way() {
    let answer = folder().answer("distance a.csv b.npy --metric bottleneck --matching");
    assert_eq!(answer, json!({"value": 0.25, "matchings": [[[0, 0], [1, null]]]}));
}

#[test]
fn the_wasserstein_distance_depends_on_order_and_ground() {
    let (folder, near) = (folder(), |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}"));
    let value = |options: &str| {
        let answer = folder.answer(&format!("distance a.csv b.npy --metric wasserstein {options}"));
        answer["value"].as_f64().unwrap()
    };
    near(value(""), 0.5);
    near(value("--order 2"), 0.125_f64.sqrt());
    near(value("--order 1 --ground 1"), 0.25 + 0.5);
    near(value("--order 2 --ground 2"), (0.0625 + 0.125_f64).sqrt());
    assert!((value("--tolerance 0.1") - 0.5).abs() <= 0.05 + 1e-12);
}

#[test]
fn classes_that_never_die_go_to_their_like() {
    let folder = Folder::new();
    folder
        .file("a.csv", "0,inf\n")
        .file("b.json", "[[0.5, null]]")
        .file("c.csv", "0,inf\n0,inf\n");
    let value = |other: &str| folder.answer(&format!("distance a.csv {other} --metric bottleneck"));
    assert_eq!(value("b.json"), json!({"value": 0.5}));
    assert_eq!(value("c.csv"), json!({"value": null}));
}

#[test]
fn each_dimension_of_an_answer_is_compared_with_its_own_kind() {
    let folder = Folder::new();
    folder.file("a.json", json!({"dgms": [[[0, 1], [0, null]], [[1, 4]]]}).to_string());
    folder.file("b.json", json!({"dgms": [[[0, 1.5], [0, null]]]}).to_string());
    let value = |options: &str| folder.answer(&format!("distance a.json b.json {options}"))["value"].clone();
    assert_eq!(value("--metric bottleneck"), 1.5);
    assert_eq!(value("--metric bottleneck --dimension 0"), 0.5);
    assert_eq!(value("--metric wasserstein"), 2.0);
    let wasserstein = value("--metric wasserstein --order 2").as_f64().unwrap();
    assert!((wasserstein - 2.5_f64.sqrt()).abs() < 1e-12, "{wasserstein}");
}

#[test]
fn an_answer_is_at_no_distance_of_itself() {
    let folder = Folder::new();
    folder.file("cloud.csv", "0,0\n0,1\n1,1\n1,0\n5,5\n");
    folder.answer_to_file("rips cloud.csv --max-dimension 1", "answer.json");
    for metric in ["bottleneck", "wasserstein --order 2"] {
        let answer = folder.answer(&format!("distance answer.json answer.json --metric {metric}"));
        assert_eq!(answer, json!({"value": 0.0}));
    }
}

#[test]
fn two_diagrams_share_a_plot() {
    let folder = folder();
    let output = folder.run("distance a.csv b.npy --metric bottleneck --plot plot.svg");
    assert!(output.status.success());
    let svg = std::fs::read_to_string(folder.path("plot.svg")).unwrap();
    assert!(svg.contains("A: 2") && svg.contains("B: 1"));
}

#[test]
fn a_class_that_dies_before_its_birth_is_refused() {
    let folder = folder();
    folder.file("bad.json", json!({"dgms": [[], [[0, 1], [2, 1]]]}).to_string());
    let found = folder.failure("distance bad.json bad.json --metric bottleneck", 2);
    let expected = "bad.json: dimension 1: row 1 is born at 2 and dies at 1, expected a finite birth and a death not \
                    before it (rows count from 0)";
    assert_eq!(found, expected);
}

#[test]
fn a_diagram_of_three_columns_is_refused() {
    let folder = folder();
    folder.file("bad.csv", "1,2,3\n");
    let found = folder.failure("distance bad.csv a.csv --metric bottleneck", 2);
    assert_eq!(found, "bad.csv: has rows of 3 numbers, expected birth and death");
}

#[test]
fn a_dimension_that_is_not_there_is_refused() {
    let folder = folder();
    folder.file("one.json", json!({"dgms": [[]]}).to_string());
    let found = folder.failure("distance one.json a.csv --metric bottleneck --dimension 1", 2);
    assert_eq!(
        found,
        "one.json: holds 1 dimensions, but --dimension says 1, counted from 0"
    );
}

#[test]
fn one_diagram_beside_several_is_unclear() {
    let folder = folder();
    folder.file("two.json", json!({"dgms": [[], []]}).to_string());
    let found = folder.failure("distance two.json a.csv --metric bottleneck", 2);
    assert_eq!(
        found,
        "two.json: holds several dimensions, but the other file one diagram; say which with --dimension"
    );
}

#[test]
fn parameters_out_of_range_are_refused() {
    let folder = folder();
    let wasserstein = "distance a.csv b.npy --metric wasserstein";
    for (option, expected) in [
        (
            "--order 0.5",
            "--order: order of the distance is 0.5, expected a finite number of at least 1",
        ),
        (
            "--ground 0",
            "--ground: exponent of the ground norm is 0, expected at least 1, or infinity",
        ),
        (
            "--tolerance=-1",
            "--tolerance: tolerance is -1, expected a number that is not negative",
        ),
    ] {
        assert_eq!(folder.failure(&format!("{wasserstein} {option}"), 2), expected);
    }
}
