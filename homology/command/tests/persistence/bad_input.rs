//! Each bad input: one sentence that says where, what, and what to do, and exit code 2.

use crate::support::{Folder, npy, npy_f64};

/// Checks the sentence about `content` in a file of that name.
fn check(file: &str, content: impl AsRef<[u8]>, options: &str, expected: &str) {
    let folder = Folder::new();
    folder.file(file, content);
    assert_eq!(
        folder.failure(&format!("rips {file} --max-dimension 1 {options}"), 2),
        expected
    );
}

#[test]
fn a_file_that_is_not_there() {
    let found = Folder::new().failure("rips nowhere.csv --max-dimension 1", 2);
    assert!(
        found.starts_with("nowhere.csv: cannot be read: No such file"),
        "{found}"
    );
}

#[test]
fn a_field_that_is_not_a_number() {
    let expected = "cloud.csv: line 3, column 2 is \"four\", expected a number (counted from 1)";
    check("cloud.csv", "x,y\n1,2\n3,four\n", "", expected);
}

#[test]
fn rows_of_different_lengths() {
    let expected = "cloud.csv: row 1 holds 1 numbers, but row 0 holds 2; expected points, one row of coordinates each \
                    (rows count from 0)";
    check("cloud.csv", "1,2\n3\n", "", expected);
}

#[test]
fn a_coordinate_that_is_nan() {
    let expected = "cloud.csv: coordinate 1 of row 1 is NaN, expected a finite number; correct or leave out that row \
                    (rows and columns count from 0)";
    check("cloud.csv", "1,2\n3,nan\n", "", expected);
}

#[test]
fn a_coordinate_that_is_infinite() {
    let expected = "cloud.json: coordinate 0 of row 1 is inf, expected a finite number; correct or leave out that row \
                    (rows and columns count from 0)";
    check("cloud.json", "[[1, 2], [null, 3]]", "", expected);
}

#[test]
fn json_that_is_cut_off() {
    let expected = "cloud.json: is not JSON: EOF while parsing a list at line 1 column 7";
    check("cloud.json", "[[1, 2]", "", expected);
}

#[test]
fn an_array_that_is_cut_off() {
    let expected =
        "cloud.npy: holds 24 bytes of data, but its shape [2, 2] needs 32; it was cut off or is not one array";
    check("cloud.npy", npy_f64("(2, 2)", &[1.0, 2.0, 3.0]), "", expected);
}

#[test]
fn an_array_of_complex_numbers() {
    let expected = "cloud.npy: holds elements of type <c16, expected floats or integers; convert with .astype('f8')";
    check("cloud.npy", npy("<c16", "(1, 1)", &[0; 16]), "", expected);
}

#[test]
fn an_array_of_three_axes() {
    let expected = "cloud.npy: is an array of shape [1, 1, 1], expected one or two axes; reshape it";
    check("cloud.npy", npy_f64("(1, 1, 1)", &[1.0]), "", expected);
}

#[test]
fn a_list_where_points_are_expected() {
    let expected = "list.json: holds a list of 3 numbers, expected points, one row of coordinates each";
    check("list.json", "[1, 2, 3]", "", expected);
}

#[test]
fn a_matrix_that_is_not_symmetric() {
    let expected = "matrix.csv: distance in row 1, column 0 is 2, but 1 in row 0, column 1; make the matrix symmetric or \
                    give its lower triangle (rows and columns count from 0)";
    check("matrix.csv", "0,1\n2,0\n", "--kind distance-matrix", expected);
}

#[test]
fn a_matrix_with_a_negative_distance() {
    let expected = "matrix.csv: distance in row 1, column 0 is -1, expected a number that is not negative; correct or \
                    leave out that row (rows and columns count from 0)";
    check("matrix.csv", "0,-1\n-1,0\n", "--kind distance-matrix", expected);
}

#[test]
fn a_matrix_with_a_diagonal() {
    let expected = "matrix.csv: distance of row 0 to itself is 1, expected 0; set the diagonal to 0, or say --kind points \
                    if these are points (rows count from 0)";
    check("matrix.csv", "1,2\n2,1\n", "--kind distance-matrix", expected);
}

#[test]
fn a_matrix_that_is_not_square() {
    let expected = "matrix.csv: is 2 × 3, expected a square matrix or its lower triangle";
    check("matrix.csv", "0,1,2\n1,0,3\n", "--kind distance-matrix", expected);
}

#[test]
fn a_triangle_with_a_missing_value() {
    let expected = "matrix.json: holds a list of 4 distances, expected n (n - 1) / 2 for some n: 1, 3, 6, 10, ...; give \
                    the lower triangle without its diagonal";
    check("matrix.json", "[1, 2, 3, 4]", "--kind distance-matrix", expected);
}

#[test]
fn an_edge_to_a_vertex_that_is_not_there() {
    let expected = "edges.csv: edge 1 names vertex 7, expected one below 3; raise --vertices (edges and vertices count \
                    from 0)";
    check(
        "edges.csv",
        "0,1,1\n1,7,1\n",
        "--kind sparse-edges --vertices 3",
        expected,
    );
}

#[test]
fn an_edge_to_half_a_vertex() {
    let expected = "edges.csv: row 0 names vertex 0.5, expected a whole number from 0 (rows count from 0)";
    check("edges.csv", "0.5,1,1\n", "--kind sparse-edges", expected);
}

#[test]
fn an_edge_from_a_vertex_to_itself() {
    let expected = "edges.csv: edge 0 joins vertex 1 to itself; leave out that row (rows count from 0)";
    check("edges.csv", "1,1,1\n", "--kind sparse-edges", expected);
}

#[test]
fn an_edge_with_two_values() {
    let expected = "edges.csv: edge between 1 and 0 is listed with the values 1 and 2; keep one of them";
    check("edges.csv", "0,1,1\n1,0,2\n", "--kind sparse-edges", expected);
}

#[test]
fn an_edge_of_two_numbers() {
    let expected = "edges.csv: has rows of 2 numbers, expected edges: i, j and the value";
    check("edges.csv", "0,1\n", "--kind sparse-edges", expected);
}

#[test]
fn a_file_that_says_another_kind() {
    let expected = "cloud.json: holds points, but --kind says a distance matrix; leave out --kind";
    check("cloud.json", "{\"points\": [[1]]}", "--kind distance-matrix", expected);
}

#[test]
fn a_negative_threshold() {
    let expected = "--threshold: threshold is -1, expected a number that is not negative";
    check("cloud.csv", "1,2\n3,4\n", "--threshold=-1", expected);
}

#[test]
fn coefficients_that_are_not_a_field() {
    let expected = "--field: coefficients modulo 4 are not a field, expected a prime below 65536; take 2, 3, 5, ...";
    check("cloud.csv", "1,2\n3,4\n", "--field 4", expected);
}

#[test]
fn a_zero_vector_under_the_cosine() {
    let expected = "cloud.csv: row 1 is the zero vector, which has no cosine distance; leave out that row or take another \
                    --metric (rows count from 0)";
    check("cloud.csv", "1,2\n0,0\n", "--metric cosine", expected);
}

#[test]
fn a_target_in_a_folder_that_is_not_there() {
    let expected = "nowhere/answer.json: folder nowhere is not there; create it first";
    check("cloud.csv", "1,2\n3,4\n", "--output nowhere/answer.json", expected);
}

#[test]
fn an_unknown_option_has_the_exit_code_of_bad_input() {
    let output = Folder::new().run("rips cloud.csv --max-dimension 1 --colour red");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_memory_limit_is_no_bad_input_and_ends_the_computation_at_once() {
    let folder = Folder::new();
    let points: Vec<f64> = (0..6000).map(|at| f64::from(at * 7919 % 10007) / 1e4).collect();
    folder.file("many.npy", npy_f64("(2000, 3)", &points));
    let start = std::time::Instant::now();
    let found = folder.failure("rips many.npy --max-dimension 3 --memory-limit 20M", 1);
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    assert!(
        found.starts_with("many.npy: ") && found.contains("20000000 are allowed"),
        "{found}"
    );
    assert!(found.ends_with("or raise --memory-limit"), "{found}");
}

#[test]
fn a_negative_relaxation() {
    let folder = Folder::new();
    folder.file("cloud.csv", "1,2\n3,4\n");
    let found = folder.failure(
        "witness cloud.csv --landmarks 2 --max-alpha-square=-1 --limit-dimension 2",
        2,
    );
    let expected = "--max-alpha-square: max_alpha_square is -1, expected a number that is not negative";
    assert_eq!(found, expected);
}

#[test]
fn landmarks_of_another_space() {
    let folder = Folder::new();
    folder.file("cloud.csv", "1,2\n3,4\n").file("other.csv", "1,2,3\n");
    let found = folder.failure(
        "witness cloud.csv --landmarks other.csv --max-alpha-square 1 --limit-dimension 1",
        2,
    );
    let expected = "--landmarks: landmarks have 3 coordinates, the witnesses 2; take landmarks from the space of the \
                    witnesses";
    assert_eq!(found, expected);
}

#[test]
fn a_window_of_no_points_has_the_exit_code_of_bad_input() {
    let folder = Folder::new();
    folder.file("cloud.csv", "1,2\n3,4\n");
    let output = folder.run("window cloud.csv --size 0 --slide 1 --max-dimension 1");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn weights_for_other_points() {
    let folder = Folder::new();
    folder.file("cloud.csv", "1,2\n3,4\n").file("weights.csv", "1\n2\n3\n");
    let found = folder.failure("alpha cloud.csv --weights weights.csv", 2);
    assert_eq!(found, "--weights: 3 weights are given for 2 points; give one per point");
}

#[test]
fn an_alpha_complex_of_points_in_four_dimensions() {
    let folder = Folder::new();
    folder.file("cloud.csv", "1,2,3,4\n");
    let expected = "cloud.csv: alpha complexes are computed for points of dimension 1 to 3, these have dimension 4; use a \
                    Vietoris–Rips or witness complex";
    assert_eq!(folder.failure("alpha cloud.csv", 2), expected);
}

#[test]
fn a_threshold_for_alpha_windows() {
    let folder = Folder::new();
    folder.file("cloud.csv", "1,2\n3,4\n");
    let options = "--size 1 --slide 1 --max-dimension 1 --complex alpha --threshold 2";
    let found = folder.failure(&format!("window cloud.csv {options}"), 2);
    assert_eq!(found, "--threshold: is for --complex rips; leave it out");
}
