//! Degrees 0 and 1 by the reduced Vietoris–Rips filtration.
//!
//! Koyama, Mémoli, Robins and Turner, *Faster computation of degree-1 persistent homology using the reduced
//! Vietoris–Rips filtration* (arXiv 2307.16333). Edges enter one by one in a strict total order, each together with all
//! triangles of which it is the last edge. What an edge `ab` changes is told by its lune, the vertices `c` with both
//! `ac` and `bc` before `ab`, as a clique complex of edges before `ab`:
//!
//! * an empty lune: the edge joins two components or gives birth to a cycle. These edges are the relative neighbourhood
//!   graph; its minimum spanning forest is that of the whole graph, and its other edges are all births;
//! * a connected lune: nothing changes;
//! * `k` components: for vertices `c` and `d` of two of them, the cycle `a c b d` becomes a boundary.
//!
//! This holds for every symmetric function, metric or not, because the edge with its triangles glues the suspension of
//! the lune's complex. No triangle is ever enumerated, and few lunes need more than a look.

mod bitsets;
mod classes;
mod cloud;
mod edge;
mod estimate;
mod events;
mod horizon;
mod kernel;
mod lune;
mod points;
mod shell;
mod sum;
mod table;
#[cfg(test)]
mod tests;

use bitsets::Ordinals;
use cloud::Cloud;
pub(crate) use estimate::estimate;
use events::Events;
use kernel::{Chebyshev, HalfSquared, Kernel, Manhattan, Squared};

use super::VietorisRips;
use crate::diagram::Pair;
use crate::distance::{Distances, metric};
use crate::field::{Field, Prime, Two};
use crate::limits::Meter;
use crate::spatial::KdTree;
use crate::{Metric, PointCloud, Result};

/// Most coordinates for which a tree finds neighbours faster than a look at all points.
const MOST_TREE_DIMENSIONS: usize = 5;

/// Most vertices with a matrix of bits: 128 MB.
const MOST_BITS: usize = 1 << 15;

/// What is asked of a cloud.
#[derive(Debug, Clone, Copy)]
struct Search {
    /// Longer edges do not count.
    threshold: Option<f64>,
    /// Whether degree 1 is wanted.
    cycles: bool,
    /// Most points for which bit sets may take over when edges become long.
    most_bits: usize,
    threads: usize,
}

impl VietorisRips {
    /// The pairs of a cloud with fewer than 2³² points, if the mode is to reduce and if it can be done.
    pub(super) fn reduce_cloud(&self, cloud: PointCloud<'_>, meter: &mut Meter) -> Result<Option<Vec<Pair>>> {
        let search = Search {
            threshold: self.valid_threshold()?,
            cycles: self.max_dimension > 0,
            most_bits: MOST_BITS,
            threads: self.threads,
        };
        // What comes back goes on as distances.
        let is_better_as_distances = cloud.dimension() > MOST_TREE_DIMENSIONS && cloud.len() <= MOST_BITS;
        if !self.mode.reduces(self.max_dimension) || is_better_as_distances || !is_safe(cloud) {
            return Ok(None);
        }
        let pairs = match self.coefficients {
            2 => of_cloud(cloud, self.metric, Two, &search, meter),
            p => of_cloud(cloud, self.metric, Prime::new(p)?, &search, meter),
        };
        pairs.map(Some)
    }

    /// The pairs of any distances up to `limit`, if the mode is to reduce and if it can be done.
    pub(super) fn reduce_distances(
        &self,
        distances: &impl Distances,
        limit: f64,
        meter: &mut Meter,
    ) -> Result<Option<Vec<Pair>>> {
        if !self.mode.reduces(self.max_dimension) || distances.len() > MOST_BITS {
            return Ok(None);
        }
        let cycles = self.max_dimension > 0;
        let pairs = match self.coefficients {
            2 => of_distances(distances, Two, limit, cycles, meter),
            p => of_distances(distances, Prime::new(p)?, limit, cycles, meter),
        };
        pairs.map(Some)
    }
}

/// The pairs of degree 0, and of degree 1 if wanted, of a cloud that [`is_safe`].
fn of_cloud<F: Field>(
    cloud: PointCloud<'_>,
    metric: Metric,
    field: F,
    search: &Search,
    meter: &mut Meter,
) -> Result<Vec<Pair>> {
    match metric {
        Metric::Euclidean => of_points::<Squared, F>(cloud, field, search, meter),
        Metric::Manhattan => of_points::<Manhattan, F>(cloud, field, search, meter),
        Metric::Chebyshev => of_points::<Chebyshev, F>(cloud, field, search, meter),
        Metric::Cosine => {
            let units = metric::unit_rows(cloud, meter)?;
            let cloud = PointCloud::new(&units, cloud.dimension())?;
            let pairs = of_points::<HalfSquared, F>(cloud, field, search, meter);
            meter.free(units);
            pairs
        }
    }
}

/// Whether no square of a difference overflows or is too small to have all digits.
fn is_safe(cloud: PointCloud<'_>) -> bool {
    /// Differences of larger numbers are 0 or above 10⁻¹³⁶, since floats have 53 bits.
    const LEAST: f64 = 1e-120;
    const LARGEST: f64 = 1e150;
    let is_safe = |x: &f64| *x == 0.0 || (LEAST..LARGEST).contains(&x.abs());
    cloud.coordinates().iter().all(is_safe)
}

fn of_points<K: Kernel, F: Field>(
    cloud: PointCloud<'_>,
    field: F,
    search: &Search,
    meter: &mut Meter,
) -> Result<Vec<Pair>> {
    let cloud = Cloud::<K>::new(KdTree::new(cloud, meter)?);
    let limit = search.threshold.map_or(f64::MAX, largest_ordinal::<K>);
    let pairs = points::pairs(&cloud, field, limit, search, meter)?;
    cloud.free(meter);
    of_ordinals(pairs, K::length, meter)
}

/// The largest ordinal whose length is not above `threshold`.
fn largest_ordinal<K: Kernel>(threshold: f64) -> f64 {
    let (mut low, mut high) = (0_u64, f64::MAX.to_bits());
    // Floats that are not negative are ordered like their bits.
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if K::length(f64::from_bits(middle)) <= threshold {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    f64::from_bits(low)
}

/// The pairs of degree 0, and of degree 1 if `cycles`, of any distances.
///
/// * `limit` — the largest distance that counts, finite
fn of_distances<F: Field>(
    distances: &impl Distances,
    field: F,
    limit: f64,
    cycles: bool,
    meter: &mut Meter,
) -> Result<Vec<Pair>> {
    let ordinals = Plain(distances);
    let mut events = Events::new(distances.len(), field, cycles, meter)?;
    bitsets::enter(&ordinals, None, limit, false, &mut events, meter)?;
    of_ordinals(events.finish(distances.len(), meter)?, |value| value, meter)
}

fn of_ordinals(pairs: Vec<(u8, f64, f64)>, length: impl Fn(f64) -> f64, meter: &mut Meter) -> Result<Vec<Pair>> {
    let mut values = meter.vec(pairs.len())?;
    values.extend(pairs.iter().map(|(dimension, birth, death)| Pair {
        dimension: *dimension,
        birth: length(*birth),
        death: if *death == f64::INFINITY {
            *death
        } else {
            length(*death)
        },
    }));
    meter.free(pairs);
    Ok(values)
}

/// Distances as their own ordinals.
struct Plain<'a, D>(&'a D);

impl<D: Distances> Ordinals for Plain<'_, D> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn ordinal(&self, i: u32, j: u32) -> f64 {
        // Adding 0 turns -0 into 0.
        self.0.distance(i as usize, j as usize) + 0.0
    }

    fn row(&self, i: u32, into: &mut Vec<f64>) {
        into.clear();
        into.extend((0..i).map(|j| self.ordinal(i, j)));
    }
}
