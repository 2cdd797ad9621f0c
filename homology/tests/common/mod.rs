//! Exact comparison of diagrams, for tests.

use homology::{Diagram, Pair};

/// Whether the essential classes of one dimension have births within `tolerance` and the finite pairs are within
/// bottleneck distance `tolerance`.
pub fn same_within(a: &[Pair], b: &[Pair], tolerance: f64) -> bool {
    let births = |pairs: &[Pair]| -> Vec<f64> {
        // Pairs of one dimension are sorted by birth.
        pairs
            .iter()
            .filter(|pair| pair.is_essential())
            .map(|pair| pair.birth)
            .collect()
    };
    let (essential_a, essential_b) = (births(a), births(b));
    let essential_agree = essential_a.len() == essential_b.len()
        && essential_a
            .iter()
            .zip(&essential_b)
            .all(|(x, y)| (x - y).abs() <= tolerance);
    let finite = |pairs: &[Pair]| -> Vec<Pair> { pairs.iter().filter(|pair| !pair.is_essential()).copied().collect() };
    let (finite_a, finite_b) = (finite(a), finite(b));
    // A matching that covers the long pairs of both sides exists if one covers those of `a` and one those of `b`
    // (Mendelsohn and Dulmage); all other pairs go to the diagonal.
    essential_agree && covers_long(&finite_a, &finite_b, tolerance) && covers_long(&finite_b, &finite_a, tolerance)
}

/// Whether all pairs of `a` farther than `tolerance` from the diagonal can be matched into `b`.
fn covers_long(a: &[Pair], b: &[Pair], tolerance: f64) -> bool {
    let mut owner = vec![None; b.len()];
    (0..a.len()).filter(|i| a[*i].persistence() > 2.0 * tolerance).all(|i| {
        let mut visited = vec![false; b.len()];
        augment(i, a, b, tolerance, &mut owner, &mut visited)
    })
}

/// One step of Kuhn's algorithm: an augmenting path from `i`.
fn augment(
    i: usize,
    a: &[Pair],
    b: &[Pair],
    tolerance: f64,
    owner: &mut [Option<usize>],
    visited: &mut [bool],
) -> bool {
    for j in 0..b.len() {
        let near = (a[i].birth - b[j].birth).abs() <= tolerance && (a[i].death - b[j].death).abs() <= tolerance;
        if !near || std::mem::replace(&mut visited[j], true) {
            continue;
        }
        if owner[j].is_none_or(|other| augment(other, a, b, tolerance, owner, visited)) {
            owner[j] = Some(i);
            return true;
        }
    }
    false
}

/// Panics with both diagrams unless they agree within `tolerance` in every dimension up to `max_dimension`.
pub fn assert_same(found: &Diagram, expected: &Diagram, max_dimension: u8, tolerance: f64, subject: &str) {
    assert!(
        found.pairs().iter().all(|pair| pair.dimension <= max_dimension),
        "{subject}: {found:?}"
    );
    for dimension in 0..=max_dimension {
        let (found, expected) = (found.of_dimension(dimension), expected.of_dimension(dimension));
        assert!(
            same_within(found, expected, tolerance),
            "{subject}, dimension {dimension}, tolerance {tolerance:e}:\nfound {found:?}\nexpected {expected:?}"
        );
    }
}
