//! The witness complex: simplices of few landmarks, vouched for by many witnesses.
//!
//! De Silva and Carlsson, *Topological estimation using witness complexes*, 2004, with the relaxation of GUDHI. With
//! `d(w, p)²` the squared Euclidean distance, the value of a simplex σ of landmarks is the maximum over its faces τ of
//! the minimum over all witnesses `w` of
//!
//! > max(0, max over p in τ of d(w, p)² − min over q in Q of d(w, q)²)
//!
//! where Q are the landmarks outside τ ([`WitnessKind::Weak`]) or all landmarks ([`WitnessKind::Strong`]); the minimum
//! over no landmark is infinite. All values are squared distances. Squares below 10⁻³⁰⁸ are lost.

mod estimate;
mod faces;
mod lowering;
mod map;
mod nearest;
mod numbering;
mod table;
mod threads;

pub use map::WitnessMap;

use crate::limits::Meter;
use crate::{Diagram, Error, Limits, Persistence, PointCloud, Result, Usage, landmarks};

/// Persistent homology of the witness complex over Z/p.
#[derive(Debug, Clone, PartialEq)]
pub struct WitnessComplex {
    /// Simplices with a larger value are left out. Inclusive; infinite for none.
    pub max_alpha_square: f64,
    /// The highest dimension of the simplices; homology is computed in the dimensions below.
    pub limit_dimension: usize,
    pub kind: WitnessKind,
    /// How landmarks are chosen where only a cloud is given, all of whose points are witnesses.
    pub landmarks: LandmarkChoice,
    /// The prime p of the coefficient field Z/p.
    pub coefficients: u16,
    /// Threads that share the witnesses; the answer does not depend on it.
    pub threads: usize,
}

/// Which landmarks a simplex competes with for a witness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WitnessKind {
    /// Those outside the simplex.
    Weak,
    /// All.
    Strong,
}

impl WitnessKind {
    /// How many of the nearest landmarks must be known in order, for simplices of up to so many vertices.
    fn ranked(self, simplex_vertices: usize) -> usize {
        match self {
            Self::Weak => simplex_vertices,
            Self::Strong => 1,
        }
    }
}

/// How landmarks are chosen from a cloud. Neither depends on the order of its points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LandmarkChoice {
    /// Each as far as possible from those before it, the first being the lexicographically smallest point.
    MaxMin { count: usize },
    /// A sample of the distinct points, each as likely as any other.
    Random { count: usize, seed: u64 },
}

impl WitnessComplex {
    /// The weak complex with 100 max-min landmarks over Z/2, with one thread.
    pub fn new(max_alpha_square: f64, limit_dimension: usize) -> Self {
        Self {
            max_alpha_square,
            limit_dimension,
            kind: WitnessKind::Weak,
            landmarks: LandmarkChoice::MaxMin { count: 100 },
            coefficients: 2,
            threads: 1,
        }
    }

    /// The diagram of `landmarks` as seen by `witnesses`, and what it took.
    ///
    /// No witness or no landmark gives an empty diagram. Fails if the parameters are not valid, if landmarks and
    /// witnesses differ in dimension, if a squared distance overflows, or at a limit.
    pub fn of_landmarks(
        &self,
        witnesses: PointCloud<'_>,
        landmarks: PointCloud<'_>,
        limits: &Limits,
    ) -> Result<(Diagram, Usage)> {
        let mut meter = Meter::new(limits);
        let diagram = self.metered(witnesses, landmarks, &mut meter)?;
        Ok((diagram, meter.usage()))
    }

    /// The diagram of landmarks chosen from `cloud`, all of whose points are witnesses, and what it took.
    ///
    /// A landmark that repeats a point of the cloud is a repeated vertex, so that landmarks are distinct points, fewer
    /// than asked for if the cloud has fewer.
    pub fn of_cloud(&self, cloud: PointCloud<'_>, limits: &Limits) -> Result<(Diagram, Usage)> {
        let mut meter = Meter::new(limits);
        let chosen = match self.landmarks {
            LandmarkChoice::MaxMin { count } => landmarks::max_min_from_lowest(cloud, count, &mut meter)?,
            LandmarkChoice::Random { count, seed } => landmarks::sample(cloud, count, seed, &mut meter)?,
        };
        let mut coordinates = meter.vec(chosen.len() * cloud.dimension())?;
        chosen
            .iter()
            .for_each(|row| coordinates.extend_from_slice(cloud.row(*row)));
        let diagram = self.metered(cloud, PointCloud::new(&coordinates, cloud.dimension())?, &mut meter)?;
        Ok((diagram, meter.usage()))
    }

    fn metered(&self, witnesses: PointCloud<'_>, landmarks: PointCloud<'_>, meter: &mut Meter) -> Result<Diagram> {
        let mut map = WitnessMap::metered(self, landmarks, meter)?;
        map.add_metered(witnesses, meter)?;
        map.diagram_metered(meter)
    }

    fn validate(&self) -> Result<()> {
        if self.max_alpha_square.is_nan() || self.max_alpha_square < 0.0 {
            let found = self.max_alpha_square;
            return Err(Error::InvalidRelaxation { found });
        }
        crate::field::Prime::new(self.coefficients).map(|_| ())
    }
}

impl Persistence for WitnessComplex {
    fn diagram(&self, cloud: PointCloud<'_>, limits: &Limits) -> Result<Diagram> {
        self.of_cloud(cloud, limits).map(|(diagram, _)| diagram)
    }
}
