//! Whether a window can be computed, and in what lesser way if not. Pure: the operator acts on the answer.

use homology::{Limits, PointCloud};

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

/// From this estimate on it is worth looking at the distances of a window for a better one.
const LOOK_FROM_BYTES: u64 = 16 << 20;
/// Distances that may be looked at for that: a few tens of milliseconds.
const LOOK_DISTANCES: u64 = 16 << 20;

/// Decides on a window when at most `limit` bytes can ever be had.
///
/// A computation is admitted with what suffices for most clouds of its size; the few that need more come back to
/// [`again`].
pub fn decide(spec: &Spec, cloud: PointCloud<'_>, limit: u64) -> Decision {
    let mut full = plan(spec, cloud, spec.max_dimension, None);
    if full.memory_bytes >= LOOK_FROM_BYTES {
        let limits = Limits {
            work: Some(LOOK_DISTANCES),
            ..Limits::default()
        };
        // What is wrong with the points, the computation itself will tell.
        if let Some(Ok(cost)) = spec.algorithm.cost_of(cloud, &limits) {
            full.memory_bytes = full.memory_bytes.min(cost.typical_memory_bytes as u64);
        }
    }
    if full.memory_bytes <= limit {
        return Decision::Compute(full);
    }
    lesser(spec, cloud, full, limit)
}

/// Decides again when `tried` has run out of the memory that it was admitted with: the same with more, as far as there is
/// more, and then something lesser.
pub fn again(spec: &Spec, cloud: PointCloud<'_>, tried: Plan, limit: u64) -> Decision {
    if tried.memory_bytes < limit {
        let memory_bytes = tried.memory_bytes.saturating_mul(4).min(limit);
        return Decision::Compute(Plan { memory_bytes, ..tried });
    }
    lesser(spec, cloud, tried, limit)
}

fn lesser(spec: &Spec, cloud: PointCloud<'_>, tried: Plan, limit: u64) -> Decision {
    let reason = format!(
        "{} points to dimension {} need about {} bytes, {limit} can be had",
        cloud.len(),
        tried.max_dimension,
        tried.memory_bytes
    );
    let smaller = match spec.on_oversize {
        OnOversize::Fail => return Decision::Fail(reason),
        OnOversize::DeadLetter => None,
        OnOversize::Landmarks(count) if tried.landmarks.is_none() && count < cloud.len() => {
            Some(plan(spec, cloud, tried.max_dimension, Some(count))).filter(|plan| plan.memory_bytes <= limit)
        }
        OnOversize::Landmarks(_) => None,
        OnOversize::LowerDimension => (0..tried.max_dimension)
            .rev()
            .map(|dimension| plan(spec, cloud, dimension, None))
            .find(|plan| plan.memory_bytes <= limit),
    };
    smaller.map_or(Decision::DeadLetter(reason), Decision::Compute)
}

fn plan(spec: &Spec, cloud: PointCloud<'_>, max_dimension: usize, landmarks: Option<usize>) -> Plan {
    let computed = landmarks.unwrap_or(cloud.len());
    let cost = spec.algorithm.cost(computed, cloud.dimension(), max_dimension);
    // The distances of all points to their nearest landmark, and the rows of the landmarks.
    let choosing = landmarks.map_or(0, |count| 16 * cloud.len() + 32 * count);
    Plan {
        max_dimension,
        landmarks,
        memory_bytes: cost.typical_memory_bytes.saturating_add(choosing) as u64,
    }
}
