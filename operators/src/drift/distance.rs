//! The distance between two diagrams, dimension by dimension, as it is computed in the compute pool.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use homology::matching::{Bottleneck, SlicedWasserstein, Wasserstein};
use homology::{Limits, Pair};
use streaming::batch::{Batch, Payload};
use streaming::operator::Cancel;

use super::landscape;
use super::options::{Distance, Spec};
use crate::format::Annotation;
use crate::pending::Started;

/// Everything that the comparison of one diagram with another needs.
pub struct Comparison {
    pub spec: Arc<Spec>,
    /// Batches of one diagram each.
    pub reference: Arc<Batch>,
    pub row: Arc<Batch>,
    pub memory_limit_bytes: u64,
    pub started: Arc<OnceLock<Started>>,
}

/// What comes back from the compute pool.
#[derive(Debug, Default)]
pub struct Distances {
    by_dimension: Vec<(u64, f64)>,
    failure: Option<String>,
}

/// What a comparison takes for each pair of both diagrams, with room to spare: candidates, trees and duals.
const BYTES_PER_PAIR: u64 = 4096;
const BYTES: u64 = 64 * 1024;

impl Comparison {
    /// What the comparison is admitted with, and must keep within.
    pub fn memory_bytes(&self) -> u64 {
        let pairs = pairs_of(&self.reference).len() + pairs_of(&self.row).len();
        (BYTES + BYTES_PER_PAIR * pairs as u64).min(self.memory_limit_bytes)
    }

    pub fn run(self, cancel: &Cancel) -> Distances {
        // Set once per comparison: it is handed to the pool once.
        let _ = self.started.set(Started {
            at: Instant::now(),
            cancel: cancel.clone(),
        });
        let limits = Limits {
            memory_bytes: usize::try_from(self.memory_bytes()).ok(),
            cancel: cancel.0.clone().into(),
            ..Limits::default()
        };
        let mut distances = Distances::default();
        for dimension in self.dimensions() {
            let (before, now) = (self.pairs(&self.reference, dimension), self.pairs(&self.row, dimension));
            match self.spec.distance.between(&before, &now, &limits) {
                Ok(distance) => distances.by_dimension.push((dimension, distance)),
                Err(error) => return Distances::failed(error.to_string()),
            }
        }
        distances
    }

    /// The dimensions that are compared: those asked for, else those in which either diagram has a pair.
    fn dimensions(&self) -> Vec<u64> {
        if let Some(dimensions) = &self.spec.dimensions {
            return dimensions.clone();
        }
        let pairs = pairs_of(&self.reference).iter().chain(pairs_of(&self.row));
        let found: BTreeSet<u64> = pairs.map(|pair| pair.dimension).collect();
        found.into_iter().collect()
    }

    fn pairs(&self, of: &Batch, dimension: u64) -> Vec<Pair> {
        let all = pairs_of(of).iter().filter(|pair| pair.dimension == dimension);
        all.filter(|pair| self.spec.match_essential || pair.death.is_finite())
            .map(|pair| Pair {
                dimension: dimension as u8,
                birth: pair.birth,
                death: pair.death,
            })
            .collect()
    }
}

impl Distances {
    pub fn failed(reason: String) -> Self {
        Self {
            by_dimension: Vec::new(),
            failure: Some(reason),
        }
    }

    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// The greatest of all dimensions.
    pub fn greatest(&self) -> Option<f64> {
        let greatest = self.by_dimension.iter().map(|(_, distance)| *distance).reduce(f64::max);
        match self.failure {
            Some(_) => None,
            // Two diagrams without any pair are equal.
            None => Some(greatest.unwrap_or(0.0)),
        }
    }

    pub fn describe(&self, annotation: &mut Annotation) {
        if let Some(failure) = &self.failure {
            annotation.text("failure", failure);
            return;
        }
        annotation.open("by_dimension");
        for (dimension, distance) in &self.by_dimension {
            annotation.number(&dimension.to_string(), Some(*distance));
        }
        annotation.close();
    }
}

impl Distance {
    fn between(self, a: &[Pair], b: &[Pair], limits: &Limits) -> homology::Result<f64> {
        match self {
            Self::Bottleneck => Bottleneck.distance(a, b, limits),
            Self::Wasserstein { order, tolerance } => Wasserstein {
                order,
                tolerance,
                ..Wasserstein::default()
            }
            .distance(a, b, limits),
            Self::SlicedWasserstein { directions } => SlicedWasserstein { directions }.distance(a, b, limits),
            Self::Landscape { order } => landscape::distance(order, a, b, limits),
        }
    }
}

fn pairs_of(batch: &Batch) -> &[streaming::batch::Pair] {
    match &batch.payload {
        Payload::Diagrams(diagrams) => diagrams.pairs.row(0),
        _ => &[],
    }
}
