//! The alpha diagram of a window.

use super::window_points::{PointId, WindowPoints, WindowSnapshot};
use crate::{AlphaComplex, Diagram, Error, Limits, PointCloud, Result};

/// Persistent homology of the alpha filtration of a changing set of points on a line, in the plane or in space.
///
/// Its diagrams are those of [`AlphaComplex`], bit for bit. Nothing is incremental about it: the points are kept, and
/// the last diagram until they change. A triangulation that is kept could save half of the time at most, the other half
/// being the filtration and its homology; and triangulated by another order of insertion, radii round differently.
#[derive(Debug, Clone)]
pub struct AlphaWindow {
    alpha: AlphaComplex,
    points: WindowPoints,
    /// The diagram of the points as they are.
    last: Option<Diagram>,
}

impl AlphaWindow {
    /// An empty window for points of `dimension` coordinates. Fails with [`Error::Ragged`] if that is 0, and with
    /// [`Error::AlphaDimension`] if it is more than 3.
    pub fn new(alpha: AlphaComplex, dimension: usize) -> Result<Self> {
        Self::of_points(alpha, WindowPoints::new(dimension)?)
    }

    /// The window that [`Self::snapshot`] was taken of. Fails if the snapshot does not fit together, or like
    /// [`Self::new`].
    pub fn restore(alpha: AlphaComplex, snapshot: WindowSnapshot) -> Result<Self> {
        Self::of_points(alpha, WindowPoints::restore(snapshot)?)
    }

    fn of_points(alpha: AlphaComplex, points: WindowPoints) -> Result<Self> {
        match points.dimension() {
            1..=3 => Ok(Self {
                alpha,
                points,
                last: None,
            }),
            dimension => Err(Error::AlphaDimension { dimension }),
        }
    }

    /// The points and their order.
    pub fn snapshot(&self) -> WindowSnapshot {
        self.points.snapshot()
    }

    pub fn len(&self) -> usize {
        self.points.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The points of the window, oldest first.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = PointId> {
        self.points.ids()
    }

    /// Bytes that the window holds between two diagrams, its points included.
    pub fn memory_bytes(&self) -> usize {
        let last = self.last.as_ref().map_or(0, |diagram| size_of_val(diagram.pairs()));
        self.points.memory_bytes() + last
    }

    /// Adds one point. Fails with [`Error::Ragged`] or [`Error::NotFinite`].
    pub fn insert(&mut self, row: &[f64]) -> Result<PointId> {
        self.last = None;
        self.points.insert(row)
    }

    /// Adds points, row by row. Fails like [`Self::insert`] and adds none then.
    pub fn extend(&mut self, rows: &[f64]) -> Result<Vec<PointId>> {
        self.last = None;
        self.points.extend(rows)
    }

    /// Removes one point. Fails with [`Error::UnknownPoint`].
    pub fn remove(&mut self, id: PointId) -> Result<()> {
        self.points.remove(id)?;
        self.last = None;
        Ok(())
    }

    /// Removes the oldest points: `count`, or all if there are fewer.
    pub fn remove_oldest(&mut self, count: usize) {
        if self.points.remove_oldest(count) > 0 {
            self.last = None;
        }
    }

    /// The diagram of the points that are in the window now. Fails like [`AlphaComplex::of_cloud`]; the window is as
    /// usable as before then.
    pub fn diagram(&mut self, limits: &Limits) -> Result<Diagram> {
        if let Some(diagram) = &self.last {
            return Ok(diagram.clone());
        }
        let dimension = self.points.dimension();
        let cloud = PointCloud::new(self.points.coordinates(), dimension)?;
        let (diagram, _) = self.alpha.of_cloud(cloud, limits)?;
        self.last = Some(diagram.clone());
        Ok(diagram)
    }
}
