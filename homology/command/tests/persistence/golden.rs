//! Files of the golden set of `homology`, through the command line and every input format.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::{Folder, npy_f64};

fn case(name: &str) -> Value {
    let path = format!("{}/../tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

fn numbers(rows: &Value) -> Vec<Vec<f64>> {
    let row = |row: &Value| {
        row.as_array()
            .unwrap()
            .iter()
            .map(|value| value.as_f64().unwrap())
            .collect()
    };
    rows.as_array().unwrap().iter().map(row).collect()
}

/// Sorted pairs; null is infinity.
fn pairs(of_dimension: &Value) -> Vec<(f64, f64)> {
    let value = |value: &Value| value.as_f64().unwrap_or(f64::INFINITY);
    let mut pairs: Vec<(f64, f64)> = of_dimension
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (value(&pair[0]), value(&pair[1])))
        .collect();
    pairs.sort_by(|a, b| a.partial_cmp(b).unwrap());
    pairs
}

/// Compares pair by pair, which is exact enough where no two classes are closer than the tolerance.
fn check(dgms: &Value, expected: &Value, tolerance: f64, subject: &str) {
    let dimensions = expected.as_object().unwrap().len();
    assert_eq!(dgms.as_array().unwrap().len(), dimensions, "{subject}");
    for dimension in 0..dimensions {
        let (found, expected) = (pairs(&dgms[dimension]), pairs(&expected[&dimension.to_string()]));
        assert_eq!(found.len(), expected.len(), "{subject}, dimension {dimension}");
        for (found, expected) in found.iter().zip(&expected) {
            let near = |a: f64, b: f64| a == b || (a - b).abs() <= tolerance;
            assert!(
                near(found.0, expected.0) && near(found.1, expected.1),
                "{subject}: {found:?} {expected:?}"
            );
        }
    }
}

fn csv(rows: &[Vec<f64>]) -> String {
    let mut text = String::new();
    for row in rows {
        let row: Vec<String> = row.iter().map(f64::to_string).collect();
        writeln!(text, "{}", row.join(",")).unwrap();
    }
    text
}

fn options(params: &Value) -> String {
    let threshold = params["threshold"]
        .as_f64()
        .map_or(String::new(), |value| format!("--threshold {value}"));
    format!(
        "--max-dimension {} --field {} {threshold}",
        params["max_dimension"], params["coefficients"]
    )
}

#[test]
fn points_give_the_golden_diagram_from_every_format() {
    for name in [
        "rips_two_circles_80",
        "rips_threshold_on_edge",
        "rips_uniform_R2_150_t0.25",
        "rips_single_point",
    ] {
        let case = case(name);
        let rows = numbers(&case["input"]["points"]);
        let (folder, options) = (Folder::new(), options(&case["params"]));
        let shape = format!("({}, {})", rows.len(), rows[0].len());
        folder.file("cloud.npy", npy_f64(&shape, &rows.concat()));
        folder.file("cloud.csv", csv(&rows));
        folder.file("cloud.json", case["input"]["points"].to_string());
        folder.file("named.json", json!({"points": case["input"]["points"]}).to_string());
        for file in ["cloud.npy", "cloud.csv", "cloud.json", "named.json"] {
            let answer = folder.answer(&format!("rips {file} {options}"));
            check(
                &answer["dgms"],
                &case["expected"]["diagrams"],
                case["tolerance"]["double"].as_f64().unwrap(),
                file,
            );
        }
    }
}

#[test]
fn matrices_give_the_golden_diagram_as_full_and_as_triangle() {
    for name in ["rips_rp2_flag_31_z2", "rips_rp2_flag_31_z3", "rips_integer_matrix_30"] {
        let case = case(name);
        let lower = numbers(&case["input"]["lower"]);
        let (folder, options) = (Folder::new(), options(&case["params"]));
        let points = lower.len() + 1;
        let mut full = vec![vec![0.0; points]; points];
        for (row, values) in (1..).zip(&lower) {
            for (column, value) in values.iter().enumerate() {
                full[row][column] = *value;
                full[column][row] = *value;
            }
        }
        let list = lower.concat();
        folder.file("full.csv", csv(&full));
        folder.file("full.npy", npy_f64(&format!("({points}, {points})"), &full.concat()));
        folder.file("lower.csv", csv(&lower));
        folder.file("lower.npy", npy_f64(&format!("({},)", list.len()), &list));
        folder.file("lower.json", case["input"]["lower"].to_string());
        for file in ["full.csv", "full.npy", "lower.csv", "lower.npy", "lower.json"] {
            let answer = folder.answer(&format!("rips {file} --kind distance-matrix {options}"));
            check(&answer["dgms"], &case["expected"]["diagrams"], 1e-8, file);
        }
    }
}

#[test]
fn edges_give_the_golden_diagram_and_may_be_fewer_than_vertices() {
    let case = case("rips_sparse_60");
    let rows = numbers(&case["input"]["edges"]);
    let (folder, options) = (Folder::new(), options(&case["params"]));
    folder.file("edges.csv", format!("i,j,value\n{}", csv(&rows)));
    folder.file(
        "edges.json",
        json!({"vertices": 60, "edges": case["input"]["edges"]}).to_string(),
    );
    let tolerance = case["tolerance"]["double"].as_f64().unwrap();
    let answer = folder.answer(&format!("rips edges.csv --kind sparse-edges --vertices 60 {options}"));
    check(&answer["dgms"], &case["expected"]["diagrams"], tolerance, "edges.csv");
    let answer = folder.answer(&format!("rips edges.json {options}"));
    check(&answer["dgms"], &case["expected"]["diagrams"], tolerance, "edges.json");
    let more = folder.answer(&format!("rips edges.csv --kind sparse-edges --vertices 62 {options}"));
    assert_eq!(
        more["dgms"][0].as_array().unwrap().len(),
        answer["dgms"][0].as_array().unwrap().len() + 2
    );
}

#[test]
fn empty_files_have_empty_diagrams() {
    let folder = Folder::new();
    folder
        .file("empty.csv", "")
        .file("empty.json", "[]")
        .file("empty.npy", npy_f64("(0, 3)", &[]));
    for input in ["empty.csv", "empty.json", "empty.npy"] {
        for kind in ["points", "distance-matrix", "sparse-edges"] {
            let answer = folder.answer(&format!("rips {input} --kind {kind} --max-dimension 1"));
            assert_eq!(answer, json!({"dgms": [[], []]}), "{input} as {kind}");
        }
    }
}

#[test]
fn the_answer_goes_to_the_file_that_is_named() {
    let folder = Folder::new();
    folder.file("two.csv", "0,0\n3,4\n");
    let output = folder.run("rips two.csv --max-dimension 0 --output two.json");
    assert!(output.status.success() && output.stdout.is_empty());
    assert_eq!(
        std::fs::read_to_string(folder.path("two.json")).unwrap(),
        "{\"dgms\":[[[0.0,5.0],[0.0,null]]]}\n"
    );
}

#[test]
fn an_estimate_does_not_begin_to_compute() {
    let folder = Folder::new();
    let points: Vec<f64> = (0..4000).map(|at| f64::from(at * at % 7919)).collect();
    folder.file("many.npy", npy_f64("(2000, 2)", &points));
    let estimate = folder.answer("rips many.npy --max-dimension 3 --estimate");
    assert!(estimate["memory_bytes"].as_f64().unwrap() > 1e10, "{estimate}");
    assert!(estimate["dgms"].is_null());
}

#[test]
fn every_kind_of_input_has_an_estimate() {
    let folder = Folder::new();
    folder.file("square.csv", "0,0\n0,1\n1,1\n1,0\n");
    folder
        .file("triangle.csv", "1\n2,3\n")
        .file("edges.csv", "0,1,1\n1,2,1\n");
    for arguments in [
        "rips square.csv --max-dimension 1",
        "rips triangle.csv --kind distance-matrix --max-dimension 2",
        "rips edges.csv --kind sparse-edges --max-dimension 2",
        "window square.csv --size 3 --slide 1 --max-dimension 2",
        "witness square.csv --landmarks 2 --max-alpha-square 1 --limit-dimension 1",
    ] {
        let estimate = folder.answer(&format!("{arguments} --estimate"));
        let number = |name: &str| estimate[name].as_u64().unwrap();
        assert!(
            number("memory_bytes") >= number("typical_memory_bytes") && number("work") > 0,
            "{arguments}: {estimate}"
        );
    }
}

#[test]
fn where_nothing_can_be_estimated_that_is_said() {
    let folder = Folder::new();
    folder.file("square.csv", "0,0\n0,1\n1,1\n1,0\n");
    let found = folder.failure("alpha square.csv --estimate", 2);
    let expected =
        "--estimate: nothing is known beforehand about alpha complexes; leave it out, and set --memory-limit";
    assert_eq!(found, expected);
}

#[test]
fn runs_are_measured_on_request() {
    let folder = Folder::new();
    folder.file("two.csv", "0,0\n3,4\n");
    let answer = folder.answer("rips two.csv --max-dimension 0 --measure 3");
    let runs = answer["measured"].as_array().unwrap();
    assert_eq!(runs.len(), 3);
    assert!(
        runs.iter().all(|run| run["wall_seconds"].as_f64().unwrap() > 0.0),
        "{runs:?}"
    );
}

#[test]
fn every_window_gives_its_golden_diagram() {
    for name in ["window_breathing_loop_R2", "window_noise_R3_duplicates_t0.6"] {
        let case = case(name);
        let (folder, params) = (Folder::new(), &case["params"]);
        folder.file("series.json", case["input"]["points"].to_string());
        let size = format!("--size {} --slide {}", params["window"], params["slide"]);
        let answer = folder.answer(&format!("window series.json {size} {}", options(params)));
        let (found, expected) = (&answer["windows"], case["expected"]["windows"].as_array().unwrap());
        assert_eq!(found.as_array().unwrap().len(), expected.len());
        for (found, expected) in found.as_array().unwrap().iter().zip(expected) {
            assert_eq!(found["start"], expected["start"]);
            let length = found["end"].as_u64().unwrap() - found["start"].as_u64().unwrap();
            assert_eq!(length, params["window"].as_u64().unwrap());
            check(&found["dgms"], &expected["diagrams"], 1e-8, name);
        }
    }
}

#[test]
fn windows_that_leave_rows_out_are_those_of_their_rows_alone() {
    let folder = Folder::new();
    let rows: Vec<String> = (0..40)
        .map(|at| format!("{},{}\n", at * 37 % 101, at * 61 % 89))
        .collect();
    folder.file("series.csv", rows.concat());
    let answer = folder.answer("window series.csv --size 8 --slide 11 --max-dimension 1");
    let windows = answer["windows"].as_array().unwrap();
    assert_eq!(windows.len(), 3);
    for window in windows {
        let [start, end] = ["start", "end"].map(|name| window[name].as_u64().unwrap() as usize);
        folder.file("rows.csv", rows[start..end].concat());
        assert_eq!(folder.answer("rips rows.csv --max-dimension 1")["dgms"], window["dgms"]);
    }
}

#[test]
fn alpha_windows_are_alpha_complexes_of_their_rows() {
    let folder = Folder::new();
    let rows: Vec<String> = (0..20)
        .map(|at| format!("{},{}\n", at * 37 % 101, at * 61 % 89))
        .collect();
    folder
        .file("series.csv", rows.concat())
        .file("rows.csv", rows[5..15].concat());
    let answer = folder.answer("window series.csv --size 10 --slide 5 --max-dimension 1 --complex alpha");
    assert_eq!(answer["windows"][1]["dgms"], folder.answer("alpha rows.csv")["dgms"]);
    assert_eq!(answer["windows"].as_array().unwrap().len(), 3);
}

#[test]
fn a_series_shorter_than_a_window_has_none() {
    let folder = Folder::new();
    folder.file("short.csv", "1,2\n3,4\n");
    let answer = folder.answer("window short.csv --size 3 --slide 1 --max-dimension 1");
    assert_eq!(answer, json!({"windows": []}));
}

#[test]
fn landmarks_and_witnesses_give_the_golden_diagram() {
    for name in [
        "witness_weak_circle_250_20",
        "witness_strong_circle_250_20",
        "witness_weak_alpha0",
    ] {
        let case = case(name);
        let (folder, params) = (Folder::new(), &case["params"]);
        folder.file("witnesses.json", case["input"]["witnesses"].to_string());
        folder.file("landmarks.csv", csv(&numbers(&case["input"]["landmarks"])));
        let strong = if params["variant"] == "strong" { "--strong" } else { "" };
        let options = format!(
            "--max-alpha-square {} --limit-dimension {} --field {} {strong}",
            params["max_alpha_square"], params["limit_dimension"], params["coefficients"]
        );
        let answer = folder.answer(&format!("witness witnesses.json --landmarks landmarks.csv {options}"));
        check(&answer["dgms"], &case["expected"]["diagrams_squared"], 1e-8, name);
    }
}

#[test]
fn landmarks_may_be_chosen_from_the_witnesses() {
    let folder = Folder::new();
    folder.file("square.csv", "0,0\n0,1\n1,1\n1,0\n0.5,0.5\n");
    let options = "--max-alpha-square 2 --limit-dimension 1";
    for choice in ["--landmarks 4", "--landmarks 4 --random 7"] {
        let answer = folder.answer(&format!("witness square.csv {choice} {options}"));
        let classes = answer["dgms"][0].as_array().unwrap();
        assert_eq!(classes.iter().filter(|pair| pair[1].is_null()).count(), 1, "{answer}");
    }
}

#[test]
fn alpha_complexes_give_the_golden_diagram_as_radii_and_weighted_ones_squared() {
    for name in [
        "alpha_grid_6x6",
        "alpha_uniform_R2_200",
        "alpha_uniform_R3_16",
        "alpha_line_30",
        "alpha_weighted_R3_60",
    ] {
        let case = case(name);
        let folder = Folder::new();
        folder.file("cloud.json", case["input"]["points"].to_string());
        folder.file("weights.json", case["input"]["weights"].to_string());
        let dimension = &case["params"]["max_dimension"];
        let (weights, expected) = if case["input"]["weights"].is_null() {
            ("", &case["expected"]["diagrams_radius"])
        } else {
            ("--weights weights.json", &case["expected"]["diagrams_squared"])
        };
        let answer = folder.answer(&format!("alpha cloud.json --max-dimension {dimension} {weights}"));
        check(&answer["dgms"], expected, 1e-8, name);
    }
}

#[test]
fn a_square_is_its_own_representative() {
    let folder = Folder::new();
    folder.file("square.csv", "0,0\n0,1\n1,1\n1,0\n");
    let answer = folder.answer("rips square.csv --max-dimension 1 --representatives");
    let death = answer["dgms"][1][0][1].as_f64().unwrap();
    assert_eq!(
        answer["representatives"][1],
        json!([{"birth": 1.0, "death": death, "cycle": [[0, 1], [0, 3], [1, 2], [2, 3]]}])
    );
    let over_three = folder.answer("rips square.csv --max-dimension 1 --field 3 --representatives");
    assert_eq!(
        over_three["representatives"][1][0]["coefficients"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    let none = folder.answer("rips square.csv --max-dimension 1 --representatives --min-persistence 0.5");
    assert_eq!(none["representatives"][1], json!([]));
    assert_eq!(none["dgms"], answer["dgms"]);
}

#[test]
fn witness_complexes_have_representatives_and_tell_their_landmarks() {
    let folder = Folder::new();
    folder.file("square.csv", "0,0\n0,1\n1,1\n1,0\n0,0.5\n0.5,1\n1,0.5\n0.5,0\n");
    let options = "--landmarks 4 --max-alpha-square 0 --limit-dimension 2 --representatives";
    let answer = folder.answer(&format!("witness square.csv {options}"));
    assert_eq!(answer["landmarks"].as_array().unwrap().len(), 4);
    assert!(answer["covering_radius"].as_f64().unwrap() > 0.0);
    assert_eq!(answer["dgms"][1], json!([[0.0, null]]));
    assert_eq!(answer["representatives"][1][0]["cycle"].as_array().unwrap().len(), 4);
}
