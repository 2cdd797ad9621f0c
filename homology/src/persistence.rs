//! The seam behind which every homology algorithm stands.

use crate::{Diagram, Limits, PointCloud, Result};

/// An algorithm that turns a point cloud into a persistence diagram.
///
/// Implementations hold parameters only, so one value serves many threads. They must obey `limits` and must give the
/// same diagram for every order of the points.
pub trait Persistence: Send + Sync {
    /// The persistence diagram of `cloud`. Empty input gives an empty diagram, one point one essential class.
    fn diagram(&self, cloud: PointCloud<'_>, limits: &Limits) -> Result<Diagram>;
}
