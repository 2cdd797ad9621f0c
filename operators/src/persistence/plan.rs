//! Whether a window can be computed, and in what lesser way if not. Pure: the operator acts on the answer.

use super::options::{OnOversize, Spec};

/// One way to compute a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    pub max_dimension: usize,
    /// So many points stand for all.
    pub landmarks: Option<usize>,
    /// What the computation is admitted with, and must keep within.
    pub memory_bytes: u64,
}

/// What to do with a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Compute(Plan),
    /// It does not fit, for the reason given.
    DeadLetter(String),
    /// It does not fit, and the job wants to stop then.
    Fail(String),
}

/// Decides on a window of `points` points when at most `limit` bytes can ever be had.
pub fn decide(spec: &Spec, points: usize, limit: u64) -> Decision {
    let full = plan(spec, points, spec.rips.max_dimension, None);
    if full.memory_bytes <= limit {
        return Decision::Compute(full);
    }
    lesser(spec, points, full, limit)
}

/// Decides again when `tried` has run out of the memory that it was admitted with: the same with more, as far as there is
/// more, and then something lesser.
pub fn again(spec: &Spec, points: usize, tried: Plan, limit: u64) -> Decision {
    if tried.memory_bytes < limit {
        return Decision::Compute(Plan {
            memory_bytes: tried.memory_bytes.saturating_mul(4).min(limit),
            ..tried
        });
    }
    lesser(spec, points, tried, limit)
}

fn lesser(spec: &Spec, points: usize, tried: Plan, limit: u64) -> Decision {
    let reason = format!(
        "{points} points to dimension {} need about {} bytes, {limit} can be had",
        tried.max_dimension, tried.memory_bytes
    );
    let smaller = match spec.on_oversize {
        OnOversize::Fail => return Decision::Fail(reason),
        OnOversize::DeadLetter => None,
        OnOversize::Landmarks(count) if tried.landmarks.is_none() && count < points => {
            Some(plan(spec, points, tried.max_dimension, Some(count))).filter(|plan| plan.memory_bytes <= limit)
        }
        OnOversize::Landmarks(_) => None,
        OnOversize::LowerDimension => (0..tried.max_dimension)
            .rev()
            .map(|dimension| plan(spec, points, dimension, None))
            .find(|plan| plan.memory_bytes <= limit),
    };
    smaller.map_or(Decision::DeadLetter(reason), Decision::Compute)
}

fn plan(spec: &Spec, points: usize, max_dimension: usize, landmarks: Option<usize>) -> Plan {
    let computed = landmarks.unwrap_or(points);
    let bytes = memory_bound(computed, max_dimension, spec);
    // The distances of all points to their nearest landmark, while landmarks are chosen.
    let choosing = landmarks.map_or(0, |count| 16 * points as u64 + 8 * count as u64);
    Plan {
        max_dimension,
        landmarks,
        memory_bytes: bytes.saturating_add(choosing),
    }
}

/// An upper bound of the bytes of a computation, from the number of simplices: each edge with its neighbours, and a column
/// and a pivot per simplex of the highest dimension.
fn memory_bound(points: usize, max_dimension: usize, _spec: &Spec) -> u64 {
    let edges = simplices(points, 2);
    let columns = if max_dimension == 0 {
        0
    } else {
        simplices(points, max_dimension as u64 + 1)
    };
    let bytes = (64 << 10) + 64 * points as u128 + 48 * edges + 24 * columns;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Ways to choose `chosen` of `points`, saturating far above what any memory holds.
fn simplices(points: usize, chosen: u64) -> u128 {
    let mut ways: u128 = 1;
    for step in 0..chosen {
        ways = ways.saturating_mul(u128::from((points as u64).saturating_sub(step))) / u128::from(step + 1);
        if ways > 1 << 80 {
            return 1 << 80;
        }
    }
    ways
}
