//! The Vietoris–Rips diagram of a window.

use std::collections::VecDeque;

use super::cycles::Cycles;
use super::lengths::Lengths;
use super::links::Links;
use super::voids;
use super::window_points::{PointId, WindowPoints, WindowSnapshot};
use crate::distance::metric::unit_rows;
use crate::limits::Meter;
use crate::{Diagram, Limits, Metric, Mode, PointCloud, Result, VietorisRips};

/// Persistent homology of the Vietoris–Rips filtration of a changing set of points.
///
/// Its diagrams are those of [`VietorisRips`], bit for bit. Over Z/2, up to degree 2 and unless a
/// [`Mode`] is forced, the links of all edges are kept from
/// one diagram to the next (5 to 6 `n²` bytes for `n` points), so that a step costs in proportion to what changed and
/// not to the complex; otherwise, and where most points are new, each diagram is computed from scratch. Inserting and
/// removing only takes notes; the work is done under the limits of [`Self::diagram`].
#[derive(Debug)]
pub struct RipsWindow {
    rips: VietorisRips,
    points: WindowPoints,
    /// Points inserted since the last diagram.
    inserted: usize,
    links: Option<Links>,
    /// The slots in `links` of the first points, oldest first; later points have none yet.
    slots: VecDeque<u32>,
    /// The slots of points that were removed.
    gone: Vec<u32>,
    /// The length at which the last cycle died in the last diagram.
    last_death: f32,
    /// Diagrams to compute from scratch because the links were of no use.
    resting: usize,
}

/// More points than this are not worth a full matrix of lengths.
const MAX_POINTS: usize = 4096;

/// Diagrams computed from scratch before the links are tried again.
const REST: usize = 16;

impl RipsWindow {
    /// An empty window for points of `dimension` coordinates. Fails with [`crate::Error::Ragged`] if that is 0.
    pub fn new(rips: VietorisRips, dimension: usize) -> Result<Self> {
        Ok(Self::of_points(rips, WindowPoints::new(dimension)?))
    }

    /// The window that [`Self::snapshot`] was taken of. Fails if the snapshot does not fit together.
    pub fn restore(rips: VietorisRips, snapshot: WindowSnapshot) -> Result<Self> {
        Ok(Self::of_points(rips, WindowPoints::restore(snapshot)?))
    }

    fn of_points(rips: VietorisRips, points: WindowPoints) -> Self {
        Self {
            rips,
            inserted: points.len(),
            points,
            links: None,
            slots: VecDeque::new(),
            gone: Vec::new(),
            last_death: 0.0,
            resting: 0,
        }
    }

    /// The points and their order. Everything else is built again after [`Self::restore`].
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
        let slots = size_of::<u32>() * (self.slots.capacity() + self.gone.capacity());
        self.points.memory_bytes() + slots + self.links.as_ref().map_or(0, Links::memory_bytes)
    }

    /// Adds one point. Fails with [`crate::Error::Ragged`] or [`crate::Error::NotFinite`].
    pub fn insert(&mut self, row: &[f64]) -> Result<PointId> {
        let id = self.points.insert(row)?;
        self.inserted += 1;
        Ok(id)
    }

    /// Adds points, row by row. Fails like [`Self::insert`] and adds none then.
    pub fn extend(&mut self, rows: &[f64]) -> Result<Vec<PointId>> {
        let ids = self.points.extend(rows)?;
        self.inserted += ids.len();
        Ok(ids)
    }

    /// Removes one point. Fails with [`crate::Error::UnknownPoint`].
    pub fn remove(&mut self, id: PointId) -> Result<()> {
        let place = self.points.remove(id)?;
        if place < self.slots.len() {
            self.gone.extend(self.slots.remove(place));
        }
        Ok(())
    }

    /// Removes the oldest points: `count`, or all if there are fewer.
    pub fn remove_oldest(&mut self, count: usize) {
        let removed = self.points.remove_oldest(count);
        self.gone.extend(self.slots.drain(..removed.min(self.slots.len())));
    }

    /// The diagram of the points that are in the window now.
    ///
    /// Fails like [`VietorisRips::of_cloud`]. Limits count what the window holds already. After a failure the window
    /// is as usable as before; the next diagram may take longer.
    pub fn diagram(&mut self, limits: &Limits) -> Result<Diagram> {
        if self.resting > 0 {
            self.resting -= 1;
        } else if self.is_worth_keeping() {
            let found = self.maintain(&mut Meter::new(limits));
            match found {
                Ok(Some(diagram)) => {
                    self.inserted = 0;
                    return Ok(diagram);
                }
                Ok(None) => self.resting = REST,
                Err(error) => {
                    self.forget();
                    return Err(error);
                }
            }
        }
        self.forget();
        let dimension = self.points.dimension();
        let cloud = PointCloud::new(self.points.coordinates(), dimension)?;
        let (diagram, _) = self.rips.of_cloud(cloud, limits)?;
        self.inserted = 0;
        Ok(diagram)
    }

    /// Whether the links can be kept, and enough points stay that it pays.
    fn is_worth_keeping(&self) -> bool {
        let is_free = self.rips.mode == Mode::Auto && self.rips.coefficients == 2;
        let can_be = is_free && self.rips.max_dimension <= 2 && self.len() <= MAX_POINTS;
        // In degree 2 the links are fast even from scratch. Below, computing anew catches up when a quarter is new.
        can_be && (self.rips.max_dimension == 2 || 4 * self.inserted <= self.len())
    }

    fn forget(&mut self) {
        self.links = None;
        self.slots = VecDeque::new();
        self.gone = Vec::new();
    }

    /// The diagram by way of the links. `None` if they are not able to tell it.
    fn maintain(&mut self, meter: &mut Meter) -> Result<Option<Diagram>> {
        let threshold = self.rips.valid_threshold()?.unwrap_or(f64::MAX);
        let Some(mut links) = self.update(meter)? else {
            return Ok(None);
        };
        let mut pairs = Vec::new();
        // Rounding keeps the order: no edge up to the threshold is rounded beyond its rounded value.
        let settled = links.lengths.enclosing(links.live()).min(threshold as f32);
        let start = match self.rips.max_dimension {
            0 => f32::NEG_INFINITY,
            1 => self.last_death.min(settled),
            _ => settled,
        };
        links.refresh(settled, start, meter)?;
        let mut cycles = Cycles::of_components(&links, threshold, &mut pairs, meter)?;
        if self.rips.max_dimension > 0 {
            self.last_death = kill_cycles(&mut cycles, &mut links, threshold, settled, &mut pairs, meter)?;
            let killers = cycles.finish(&mut pairs, meter);
            if self.rips.max_dimension > 1 && !voids::pair(&mut links, threshold, &killers, &mut pairs, meter)? {
                return Ok(None);
            }
        }
        self.links = Some(links);
        Ok(Some(Diagram::new(pairs)))
    }

    /// Brings the links up to date with the points. `None` if they cannot hold them.
    fn update(&mut self, meter: &mut Meter) -> Result<Option<Links>> {
        let dimension = self.points.dimension();
        let mut links = match self.links.take() {
            Some(links) => links,
            None => Links::new(Lengths::new(self.rips.metric, dimension), self.rips.max_dimension > 1),
        };
        meter.charge(links.memory_bytes())?;
        links.retire(&self.gone, meter)?;
        self.gone.clear();
        let rows = &self.points.coordinates()[self.slots.len() * dimension..];
        let Some(slots) = (match self.rips.metric {
            Metric::Cosine => {
                let Ok(units) = unit_rows(PointCloud::new(rows, dimension)?, meter) else {
                    return Ok(None);
                };
                let slots = links.admit(units.chunks_exact(dimension), meter)?;
                meter.free(units);
                slots
            }
            _ => links.admit(rows.chunks_exact(dimension), meter)?,
        }) else {
            return Ok(None);
        };
        self.slots.extend(slots);
        Ok(Some(links))
    }
}

/// Certifies edges until all cycles are dead or all edges up to `settled` are certified. Returns the length of the last
/// edge that killed one.
fn kill_cycles(
    cycles: &mut Cycles,
    links: &mut Links,
    threshold: f64,
    settled: f32,
    pairs: &mut Vec<crate::Pair>,
    meter: &mut Meter,
) -> Result<f32> {
    // The last cycle dies about where it did in the diagram before. The farther from there, the longer the steps.
    let (mut step, mut last_death) = (1.03, 0.0);
    loop {
        if let Some(death) = cycles.kill(links, threshold, pairs, meter)? {
            last_death = death as f32;
        }
        let certified = links.certified();
        if cycles.are_dead() || certified >= settled {
            return Ok(last_death);
        }
        let next = step * certified.max(cycles.last_birth() as f32);
        step *= step;
        links.refresh(
            settled,
            if next > certified { next.min(settled) } else { settled },
            meter,
        )?;
    }
}
