//! The computation itself, as it runs in the compute pool.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use homology::{Diagram, Limits, PointCloud, landmarks};
use streaming::batch::{Batch, Payload};
use streaming::operator::Cancel;

use super::algorithm::Algorithm;
use super::lanes::Kept;
use super::options::Spec;
use super::plan::Plan;
use crate::pending::Started;

/// What comes back from the compute pool.
pub struct Computed {
    pub diagram: homology::Result<Diagram>,
    /// Twice the covering radius of the landmarks; 0 when exact.
    pub error_bound: f64,
    pub seconds: f64,
    /// What the next window of the key may start from.
    pub kept: Option<Box<Kept>>,
}

/// Everything that the computation of one window needs.
pub struct Computation {
    /// A batch of this one window.
    pub window: Arc<Batch>,
    pub spec: Arc<Spec>,
    pub plan: Plan,
    pub started: Arc<OnceLock<Started>>,
    /// What the window of the key before has left.
    pub kept: Option<Box<Kept>>,
}

impl Computation {
    pub fn run(mut self, cancel: &Cancel) -> Computed {
        let start = Instant::now();
        // Set once per computation: it is handed to the pool once.
        let _ = self.started.set(Started {
            at: start,
            cancel: cancel.clone(),
        });
        let limits = Limits {
            memory_bytes: usize::try_from(self.plan.memory_bytes).ok(),
            cancel: cancel.0.clone().into(),
            ..Limits::default()
        };
        let (diagram, error_bound) = match self.diagram(&limits) {
            Ok((diagram, error_bound)) => (Ok(diagram), error_bound),
            Err(error) => (Err(error), 0.0),
        };
        Computed {
            diagram,
            error_bound,
            seconds: start.elapsed().as_secs_f64(),
            kept: self.kept,
        }
    }

    fn diagram(&mut self, limits: &Limits) -> homology::Result<(Diagram, f64)> {
        let (algorithm, max_dimension) = (&self.spec.algorithm, self.plan.max_dimension);
        let (coords, dim) = points(&self.window);
        let cloud = PointCloud::new(coords, dim)?;
        if let Some(count) = self.plan.landmarks {
            let landmarks = landmarks::max_min(cloud, algorithm.metric(), count, 0, limits)?;
            let coords = landmarks.coordinates(cloud);
            let diagram = algorithm.diagram(PointCloud::new(&coords, dim)?, max_dimension, limits)?;
            return Ok((diagram, 2.0 * landmarks.covering_radius));
        }
        let diagram = match algorithm {
            // A lesser computation has nothing in common with the windows before and after it.
            Algorithm::Incremental(rips) if max_dimension == self.spec.max_dimension => {
                let mut kept = match self.kept.take() {
                    Some(kept) => kept,
                    None => Box::new(Kept::new(rips, dim)?),
                };
                let diagram = kept.diagram(coords, dim, limits);
                // After an error too: it is usable, and says itself what has to be done again.
                self.kept = Some(kept);
                diagram?
            }
            algorithm => algorithm.diagram(cloud, max_dimension, limits)?,
        };
        Ok((diagram, 0.0))
    }
}

/// The coordinates and the dimension of a batch of one window.
pub fn points(window: &Batch) -> (&[f64], usize) {
    match &window.payload {
        Payload::Windows(windows) => (windows.coords.row(0), usize::from(windows.dim[0])),
        _ => (&[], 1),
    }
}
