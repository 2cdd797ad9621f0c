//! The algorithms of the persistence operator: what each costs and computes.

use homology::{
    AlphaComplex, Cost, Diagram, Limits, Metric, Persistence, PointCloud, Result, VietorisRips, WitnessComplex, cost,
};

/// An algorithm with its parameters, as the job file names it.
#[derive(Debug, Clone, PartialEq)]
pub enum Algorithm {
    VietorisRips(VietorisRips),
    Alpha(AlphaComplex),
    Witness(WitnessComplex),
    /// Vietoris–Rips of the windows of a key one after another, each from what is left of the one before.
    Incremental(VietorisRips),
}

impl Algorithm {
    /// The first is what a job gets that names none.
    pub const NAMES: [&'static str; 4] = ["vietoris_rips", "alpha", "witness", "incremental"];

    pub fn name(&self) -> &'static str {
        match self {
            Self::VietorisRips(_) => Self::NAMES[0],
            Self::Alpha(_) => Self::NAMES[1],
            Self::Witness(_) => Self::NAMES[2],
            Self::Incremental(_) => Self::NAMES[3],
        }
    }

    /// Whether a few points may stand for all, with a bound of the error.
    pub fn takes_landmarks_when_oversize(&self) -> bool {
        matches!(self, Self::VietorisRips(_) | Self::Incremental(_))
    }

    /// How points are compared.
    pub fn metric(&self) -> Metric {
        match self {
            Self::VietorisRips(rips) | Self::Incremental(rips) => rips.metric,
            Self::Alpha(_) | Self::Witness(_) => Metric::Euclidean,
        }
    }

    /// The cost of any cloud of so many points up to homology of `max_dimension`.
    pub fn cost(&self, points: usize, dim: usize, max_dimension: usize) -> Cost {
        match self {
            Self::VietorisRips(rips) => cost::estimate(points, dim, max_dimension, rips.threshold),
            Self::Incremental(rips) => with_links(cost::estimate(points, dim, max_dimension, rips.threshold), points),
            Self::Alpha(_) => cost::alpha(points, dim),
            Self::Witness(witness) => WitnessComplex {
                limit_dimension: max_dimension + 1,
                ..witness.clone()
            }
            .estimate(points),
        }
    }

    /// A better answer to the same question for this cloud, where looking at it may give one.
    pub fn cost_of(&self, cloud: PointCloud<'_>, limits: &Limits) -> Option<Result<Cost>> {
        match self {
            Self::VietorisRips(rips) => Some(rips.estimate(cloud, limits)),
            Self::Incremental(rips) => {
                let cost = rips.estimate(cloud, limits);
                Some(cost.map(|cost| with_links(cost, cloud.len())))
            }
            Self::Alpha(_) | Self::Witness(_) => None,
        }
    }

    pub fn diagram(&self, cloud: PointCloud<'_>, max_dimension: usize, limits: &Limits) -> Result<Diagram> {
        match self {
            Self::VietorisRips(rips) | Self::Incremental(rips) => VietorisRips {
                max_dimension,
                ..rips.clone()
            }
            .diagram(cloud, limits),
            Self::Alpha(alpha) => AlphaComplex {
                max_dimension,
                ..*alpha
            }
            .diagram(cloud, limits),
            Self::Witness(witness) => WitnessComplex {
                limit_dimension: max_dimension + 1,
                ..witness.clone()
            }
            .diagram(cloud, limits),
        }
    }
}

/// Bytes for each pair of points that an incremental window keeps and works with.
const BYTES_PER_LINK: usize = 16;

/// The cost with what an incremental window keeps from one diagram to the next.
fn with_links(cost: Cost, points: usize) -> Cost {
    let links = BYTES_PER_LINK.saturating_mul(points).saturating_mul(points);
    Cost {
        memory_bytes: cost.memory_bytes.saturating_add(links),
        typical_memory_bytes: cost.typical_memory_bytes.saturating_add(links),
        ..cost
    }
}
