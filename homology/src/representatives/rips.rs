//! Representative cycles of Vietoris–Rips filtrations.

use super::Representative;
use super::cliques;
use super::loops::{self, Wanted};
use crate::distance::{Distances, with_distances};
use crate::field::{Field, Prime, Two};
use crate::filtration::rips::{RankedEdges, collapse, few_are_near};
use crate::limits::Meter;
use crate::{Diagram, DistanceMatrix, Limits, Pair, PointCloud, Result, SparseEdges, Usage, VietorisRips};

impl VietorisRips {
    /// A representative cycle for each class that lives longer than `min_persistence`, and what that took. Vertices are
    /// rows of `cloud`.
    ///
    /// Their pairs are those of [`Self::of_cloud`]. A cycle of degree 1 is the shortest, by the sum of its lengths,
    /// among all cycles whose last edge is the one that gave birth to the class, if that one belongs to the class, as it
    /// mostly does; otherwise it may be longer than it needs to be.
    ///
    /// The diagram is computed first; it tells at which length nothing is born or dies any more. Degrees 0 and 1 then
    /// take about 40 bytes for each edge up to there. From degree 2 on the simplices are held in memory, after edge
    /// collapse.
    pub fn representatives(
        &self,
        cloud: PointCloud<'_>,
        min_persistence: f64,
        limits: &Limits,
    ) -> Result<(Vec<Representative>, Usage)> {
        let mut meter = Meter::new(limits);
        let diagram = metered(|limits| self.of_cloud(cloud, limits), &mut meter)?;
        let found = with_distances!(cloud, self.metric, &mut meter, |distances| self
            .representatives_of_distances(distances, &diagram, min_persistence, &mut meter))?;
        Ok((found, meter.usage()))
    }

    /// Like [`Self::representatives`], for a distance matrix.
    pub fn representatives_of_matrix(
        &self,
        matrix: &DistanceMatrix,
        min_persistence: f64,
        limits: &Limits,
    ) -> Result<(Vec<Representative>, Usage)> {
        let mut meter = Meter::new(limits);
        let diagram = metered(|limits| self.of_matrix(matrix, limits), &mut meter)?;
        let found = self.representatives_of_distances(matrix, &diagram, min_persistence, &mut meter)?;
        Ok((found, meter.usage()))
    }

    /// Like [`Self::representatives`], for the clique complex of a weighted graph.
    pub fn representatives_of_edges(
        &self,
        edges: &SparseEdges,
        min_persistence: f64,
        limits: &Limits,
    ) -> Result<(Vec<Representative>, Usage)> {
        let mut meter = Meter::new(limits);
        let threshold = self.valid_threshold()?.unwrap_or(f64::MAX);
        let ranked = RankedEdges::of_sparse(edges, threshold, &mut meter)?;
        let found = self.representatives_of_ranked(ranked, min_persistence, &mut meter)?;
        Ok((found, meter.usage()))
    }

    fn representatives_of_distances(
        &self,
        distances: &impl Distances,
        diagram: &Diagram,
        min_persistence: f64,
        meter: &mut Meter,
    ) -> Result<Vec<Representative>> {
        let last = last_event(diagram);
        let ranked = match few_are_near(distances, last) {
            true => RankedEdges::of_near_pairs(distances, last, meter)?,
            false => None,
        };
        let ranked = match ranked {
            Some(ranked) => ranked,
            None => RankedEdges::of_distances(distances, last, meter)?,
        };
        self.representatives_of_ranked(ranked, min_persistence, meter)
    }

    fn representatives_of_ranked(
        &self,
        edges: RankedEdges,
        min_persistence: f64,
        meter: &mut Meter,
    ) -> Result<Vec<Representative>> {
        let mut found = match self.coefficients {
            2 => self.representatives_over(Two, edges, min_persistence, meter),
            p => self.representatives_over(Prime::new(p)?, edges, min_persistence, meter),
        }?;
        found.sort_unstable_by(Representative::order);
        Ok(found)
    }

    fn representatives_over<F: Field>(
        &self,
        field: F,
        edges: RankedEdges,
        min_persistence: f64,
        meter: &mut Meter,
    ) -> Result<Vec<Representative>> {
        let mut found = Vec::new();
        let wanted = Wanted {
            loops: self.max_dimension > 0,
            min_persistence,
        };
        loops::find(&edges, field, wanted, &mut found, meter)?;
        if self.max_dimension > 1 {
            // Collapsed edges enter later or never, but the inclusion at each value keeps homology: a cycle of the smaller
            // complex is one of the whole, born and dead at the same values.
            let edges = collapse(edges, 1, meter)?;
            let complex = cliques::expand(&edges, self.max_dimension.saturating_add(2), meter)?;
            let dimensions = 2..self.max_dimension.saturating_add(1);
            let higher = complex.representatives_over(dimensions, field, min_persistence, meter)?;
            meter.reserve(&mut found, higher.len())?;
            found.extend(higher);
        }
        Ok(found)
    }
}

/// A diagram, accounted for as part of what `meter` counts.
fn metered(diagram: impl FnOnce(&Limits) -> Result<(Diagram, Usage)>, meter: &mut Meter) -> Result<Diagram> {
    let (diagram, usage) = diagram(&meter.share(1))?;
    meter.absorb(usage)?;
    meter.release(usage.memory_bytes);
    Ok(diagram)
}

/// The largest value at which a class is born or dies.
fn last_event(diagram: &Diagram) -> f64 {
    let last = |pair: &Pair| if pair.is_essential() { pair.birth } else { pair.death };
    diagram.pairs().iter().map(last).fold(0.0, f64::max)
}
