//! Persistent homology of any filtered simplicial complex, given simplex by simplex.

mod coboundary;
mod cohomology;
mod column;
mod components;
mod homology;
mod order;
mod representatives;

pub(crate) use coboundary::Entry;
pub(crate) use column::BitTree;

use rustc_hash::FxHashMap;

use crate::error::SimplexFault;
use crate::field::{Prime, Two};
use crate::limits::Meter;
use crate::{Diagram, Error, Limits, Pair, Result, Usage};

/// Simplices with the values at which they enter, all their faces among them and none of these entering later.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FilteredComplex {
    skeletons: Vec<Skeleton>,
}

/// The simplices of one dimension.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Skeleton {
    dimension: usize,
    /// The vertices of each simplex, ascending; `dimension + 1` of them.
    vertices: Vec<u32>,
    values: Vec<f64>,
    /// Where the facets of each simplex are in the dimension below: `dimension + 1` places, first that without the
    /// first vertex. None in dimension 0.
    facets: Vec<u32>,
}

impl Skeleton {
    pub fn new(dimension: usize) -> Self {
        Self {
            dimension,
            ..Self::default()
        }
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn push(&mut self, simplex: &[u32], value: f64, facets: &[u32], meter: &mut Meter) -> Result<()> {
        if self.len() >= (u32::MAX - 1) as usize {
            return Err(Error::TooManyColumns { found: self.len() + 1 });
        }
        meter.reserve(&mut self.vertices, simplex.len())?;
        meter.reserve(&mut self.facets, facets.len())?;
        self.vertices.extend_from_slice(simplex);
        self.facets.extend_from_slice(facets);
        meter.push(&mut self.values, value)
    }

    pub fn simplex(&self, place: usize) -> &[u32] {
        &self.vertices[place * (self.dimension + 1)..(place + 1) * (self.dimension + 1)]
    }

    pub fn value(&self, place: usize) -> f64 {
        self.values[place]
    }

    pub fn facets(&self, place: usize) -> &[u32] {
        let count = self.facets.len() / self.len();
        &self.facets[place * count..(place + 1) * count]
    }
}

impl FilteredComplex {
    /// From simplices by ascending vertices and the values at which they enter, in any order.
    ///
    /// Fails with [`Error::InvalidSimplex`] if vertices are not ascending, a value is NaN, a simplex is listed twice, or
    /// a facet is missing or enters later, and at a limit.
    pub fn new<'a>(simplices: impl IntoIterator<Item = (&'a [u32], f64)>, limits: &Limits) -> Result<Self> {
        let mut meter = Meter::new(limits);
        let mut by_dimension: Vec<Vec<(&[u32], f64)>> = Vec::new();
        for (simplex, value) in simplices {
            if simplex.is_empty() || !simplex.is_sorted_by(|a, b| a < b) {
                return Err(invalid(simplex, SimplexFault::Vertices));
            }
            if value.is_nan() {
                return Err(invalid(simplex, SimplexFault::Value));
            }
            while by_dimension.len() < simplex.len() {
                meter.push(&mut by_dimension, Vec::new())?;
            }
            meter.push(&mut by_dimension[simplex.len() - 1], (simplex, value))?;
        }
        let mut complex = Self::default();
        let mut places = FxHashMap::default();
        for (dimension, simplices) in by_dimension.into_iter().enumerate() {
            complex.push_listed(dimension, simplices, &mut places, &mut meter)?;
        }
        Ok(complex)
    }

    /// Adds the simplices of the next dimension. `places` tells where those of the dimension below are.
    fn push_listed<'a>(
        &mut self,
        dimension: usize,
        mut simplices: Vec<(&'a [u32], f64)>,
        places: &mut FxHashMap<&'a [u32], u32>,
        meter: &mut Meter,
    ) -> Result<()> {
        simplices.sort_unstable_by(|a, b| a.0.cmp(b.0));
        if let Some(twice) = simplices.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(invalid(twice[0].0, SimplexFault::Repeated));
        }
        let mut skeleton = Skeleton::new(dimension);
        let (mut facets, mut facet) = (Vec::new(), Vec::new());
        for (simplex, value) in &simplices {
            meter.work(1)?;
            facets.clear();
            for left_out in (0..simplex.len()).filter(|_| dimension > 0) {
                facet.clear();
                facet.extend(
                    simplex
                        .iter()
                        .enumerate()
                        .filter(|(at, _)| *at != left_out)
                        .map(|(_, vertex)| *vertex),
                );
                let place = places.get(&facet[..]).copied();
                let place = place.ok_or_else(|| invalid(simplex, SimplexFault::MissingFacet))?;
                if self.last_values()[place as usize] > *value {
                    return Err(invalid(simplex, SimplexFault::BeforeFacet));
                }
                facets.push(place);
            }
            skeleton.push(simplex, *value, &facets, meter)?;
        }
        const ENTRY_BYTES: usize = 2 * size_of::<(&[u32], u32)>();
        meter.charge(ENTRY_BYTES * simplices.len())?;
        meter.release(ENTRY_BYTES * places.len());
        *places = simplices.iter().map(|simplex| simplex.0).zip(0..).collect();
        meter.free(simplices);
        self.push(skeleton, meter)
    }

    /// Adds the simplices of the next dimension, whose facets are where they say.
    pub(crate) fn push(&mut self, skeleton: Skeleton, meter: &mut Meter) -> Result<()> {
        debug_assert_eq!(skeleton.dimension, self.skeletons.len());
        meter.push(&mut self.skeletons, skeleton)
    }

    pub(crate) fn skeleton(&self, dimension: usize) -> &Skeleton {
        &self.skeletons[dimension]
    }

    /// The values of the highest dimension so far.
    pub(crate) fn last_values(&self) -> &[f64] {
        self.skeletons.last().map_or(&[], |skeleton| &skeleton.values)
    }

    /// The number of simplices.
    pub fn len(&self) -> usize {
        self.skeletons.iter().map(Skeleton::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The simplices of one dimension, by ascending vertices, with the values at which they enter.
    pub fn of_dimension(&self, dimension: usize) -> impl Iterator<Item = (&[u32], f64)> {
        let skeleton = self.skeletons.get(dimension);
        skeleton.into_iter().flat_map(|skeleton| {
            let places = 0..skeleton.len();
            places.map(|place| (skeleton.simplex(place), skeleton.values[place]))
        })
    }

    /// The persistence diagram over Z/p of the dimensions up to `max_dimension`, and what it took.
    ///
    /// Fails with [`Error::NotPrime`] or at a limit.
    pub fn diagram(&self, max_dimension: usize, coefficients: u16, limits: &Limits) -> Result<(Diagram, Usage)> {
        let mut meter = Meter::new(limits);
        let diagram = self.diagram_metered(max_dimension, coefficients, &mut meter)?;
        Ok((diagram, meter.usage()))
    }

    pub(crate) fn diagram_metered(
        &self,
        max_dimension: usize,
        coefficients: u16,
        meter: &mut Meter,
    ) -> Result<Diagram> {
        let pairs = match coefficients {
            2 => cohomology::pair(self, max_dimension, Two, meter),
            p => cohomology::pair(self, max_dimension, Prime::new(p)?, meter),
        }?;
        let mut values = meter.vec(pairs.len())?;
        values.extend(pairs.iter().map(|pair| self.values_of(pair)));
        meter.free(pairs);
        Ok(Diagram::new(values))
    }

    fn values_of(&self, pair: &SimplexPair) -> Pair {
        let value = |dimension: usize, place: u32| self.skeletons[dimension].values[place as usize];
        Pair {
            dimension: pair.dimension as u8,
            birth: value(pair.dimension, pair.birth),
            death: pair
                .death
                .map_or(f64::INFINITY, |death| value(pair.dimension + 1, death)),
        }
    }
}

/// A class: the places of the simplex of `dimension` that gives birth to it and of that, one dimension higher, that
/// kills it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SimplexPair {
    dimension: usize,
    birth: u32,
    death: Option<u32>,
}

fn invalid(simplex: &[u32], fault: SimplexFault) -> Error {
    Error::InvalidSimplex {
        vertices: simplex.to_vec(),
        fault,
    }
}
