//! A cycle for each class of a filtered complex.

use super::homology::Boundaries;
use super::{FilteredComplex, SimplexPair, cohomology};
use crate::field::{Field, Prime, Two};
use crate::limits::Meter;
use crate::representatives::{Representative, Term};
use crate::{Limits, Result, Usage};

impl FilteredComplex {
    /// A representative cycle for each class of the dimensions up to `max_dimension` that lives longer than
    /// `min_persistence`, and what that took. The cycles of all classes are a basis of the persistent homology.
    ///
    /// Fails with [`crate::Error::NotPrime`] or at a limit.
    pub fn representatives(
        &self,
        max_dimension: usize,
        coefficients: u16,
        min_persistence: f64,
        limits: &Limits,
    ) -> Result<(Vec<Representative>, Usage)> {
        let mut meter = Meter::new(limits);
        let dimensions = 0..max_dimension.saturating_add(1);
        let mut found = match coefficients {
            2 => self.representatives_over(dimensions, Two, min_persistence, &mut meter),
            p => self.representatives_over(dimensions, Prime::new(p)?, min_persistence, &mut meter),
        }?;
        found.sort_unstable_by(Representative::order);
        Ok((found, meter.usage()))
    }

    pub(crate) fn representatives_over<F: Field>(
        &self,
        dimensions: std::ops::Range<usize>,
        field: F,
        min_persistence: f64,
        meter: &mut Meter,
    ) -> Result<Vec<Representative>> {
        let pairs = cohomology::pair(self, dimensions.end.saturating_sub(1), field, meter)?;
        let mut found = Vec::new();
        for dimension in dimensions.start..dimensions.end.min(self.skeletons.len()) {
            let wanted = |pair: &&SimplexPair| pair.dimension == dimension && self.lives_longer(pair, min_persistence);
            let (essential, finite): (Vec<&SimplexPair>, Vec<&SimplexPair>) =
                pairs.iter().filter(wanted).partition(|pair| pair.death.is_none());
            if !finite.is_empty() {
                let mut boundaries = Boundaries::new(self, dimension + 1, &pairs, field, meter)?;
                for pair in finite {
                    let death = pair.death.unwrap_or_default();
                    let cycle = boundaries.killed_cycle(death, meter)?;
                    self.push_representative(pair, &cycle, &mut found, meter)?;
                }
                boundaries.free(meter);
            }
            if essential.is_empty() {
                continue;
            }
            if dimension == 0 {
                for pair in essential {
                    self.push_representative(pair, &[(pair.birth, 1)], &mut found, meter)?;
                }
                continue;
            }
            let mut boundaries = Boundaries::new(self, dimension, &pairs, field, meter)?;
            for pair in essential {
                let cycle = boundaries.born_cycle(pair.birth, meter)?;
                self.push_representative(pair, &cycle, &mut found, meter)?;
            }
            boundaries.free(meter);
        }
        meter.free(pairs);
        Ok(found)
    }

    fn lives_longer(&self, pair: &SimplexPair, min_persistence: f64) -> bool {
        let pair = self.values_of(pair);
        pair.birth != pair.death && pair.persistence() > min_persistence
    }

    fn push_representative(
        &self,
        pair: &SimplexPair,
        cycle: &[(u32, u32)],
        found: &mut Vec<Representative>,
        meter: &mut Meter,
    ) -> Result<()> {
        let skeleton = &self.skeletons[pair.dimension];
        let mut terms = meter.vec(cycle.len())?;
        meter.charge(cycle.len() * (pair.dimension + 1) * size_of::<u32>())?;
        terms.extend(cycle.iter().map(|(place, coefficient)| Term {
            simplex: skeleton.simplex(*place as usize).to_vec(),
            coefficient: *coefficient as u16,
        }));
        terms.sort_unstable_by(|a, b| a.simplex.cmp(&b.simplex));
        let pair = self.values_of(pair);
        meter.push(found, Representative { pair, cycle: terms })
    }
}
