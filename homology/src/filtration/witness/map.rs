//! What the witnesses so far say about the simplices of the landmarks.

use super::WitnessComplex;
use super::faces;
use super::lowering::{Lowering, reversed, value};
use super::nearest::{LandmarkBlocks, Nearest};
use super::numbering::Numbering;
use super::table::Table;
use super::threads;
use crate::error::SimplexFault;
use crate::filtered_complex::FilteredComplex;
use crate::limits::Meter;
use crate::{Diagram, Error, Limits, PointCloud, Result, Usage};

/// A witness complex that takes its witnesses bit by bit.
///
/// Witnesses only ever lower the values of simplices, so that maps of the same landmarks merge: in any order, in any
/// grouping and with repetitions the state is that of all witnesses together. After an error the map may hold some of
/// the witnesses just given; give them again, or drop the map.
#[derive(Debug, Clone)]
pub struct WitnessMap {
    ground: Ground,
    /// For each dimension up to the limit, the reversed value of each simplex by the witnesses alone, without its faces.
    tables: Vec<Table>,
}

/// What does not change as witnesses come.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    complex: WitnessComplex,
    landmarks: LandmarkBlocks,
    numbering: Numbering,
    /// Most vertices of a simplex.
    simplex_vertices: usize,
}

impl Ground {
    fn new(complex: &WitnessComplex, landmarks: PointCloud<'_>, meter: &mut Meter) -> Result<Self> {
        if u32::try_from(landmarks.len()).is_err() {
            return Err(Error::TooManyPoints {
                found: landmarks.len(),
                limit: u32::MAX as usize,
            });
        }
        // No simplex has more vertices than there are landmarks.
        let simplex_vertices = complex.limit_dimension.saturating_add(1).min(landmarks.len());
        Ok(Self {
            complex: complex.clone(),
            landmarks: LandmarkBlocks::new(landmarks, meter)?,
            numbering: Numbering::new(landmarks.len(), simplex_vertices, meter)?,
            simplex_vertices,
        })
    }

    pub(super) fn empty_tables(&self, meter: &mut Meter) -> Result<Vec<Table>> {
        let mut tables = meter.vec(self.simplex_vertices)?;
        for size in 1..=self.simplex_vertices {
            tables.push(Table::new(self.numbering.count(size), meter)?);
        }
        Ok(tables)
    }

    /// Lowers the values in `tables` by the words of the witnesses of the blocks that `next_block` gives out, until it
    /// gives none.
    pub(super) fn lower(
        &self,
        witnesses: PointCloud<'_>,
        next_block: impl Fn() -> Option<std::ops::Range<usize>>,
        tables: &mut [Table],
        meter: &mut Meter,
    ) -> Result<()> {
        let ranked = self.complex.kind.ranked(self.simplex_vertices);
        let relaxation = self.complex.max_alpha_square;
        let mut nearest = Nearest::new(ranked, relaxation, &self.landmarks, meter)?;
        let mut lowering = Lowering::new(self.complex.kind, relaxation, self.landmarks.len(), ranked, meter)?;
        while let Some(rows) = next_block() {
            for row in rows {
                meter.work(self.landmarks.len())?;
                nearest.look(&self.landmarks, witnesses.row(row), row)?;
                lowering.witness(&nearest, &self.numbering, tables, meter)?;
            }
        }
        nearest.free(meter);
        lowering.free(meter);
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.landmarks.bytes() + self.numbering.bytes()
    }
}

impl WitnessMap {
    /// A map without witnesses.
    ///
    /// Fails if the parameters are not valid, if there are 2⁶⁴ simplices of one dimension or more, or at a limit.
    pub fn new(complex: &WitnessComplex, landmarks: PointCloud<'_>, limits: &Limits) -> Result<Self> {
        Self::metered(complex, landmarks, &mut Meter::new(limits))
    }

    pub(super) fn metered(complex: &WitnessComplex, landmarks: PointCloud<'_>, meter: &mut Meter) -> Result<Self> {
        complex.validate()?;
        let ground = Ground::new(complex, landmarks, meter)?;
        let tables = ground.empty_tables(meter)?;
        Ok(Self { ground, tables })
    }

    /// Takes more witnesses, and returns what that took; memory includes the map.
    ///
    /// Costs one unit of work for each distance and for each simplex of landmarks that are near enough to a witness.
    /// Fails with [`Error::LandmarkDimension`], [`Error::SquareOverflow`] or at a limit.
    pub fn add(&mut self, witnesses: PointCloud<'_>, limits: &Limits) -> Result<Usage> {
        let mut meter = self.meter(limits)?;
        self.add_metered(witnesses, &mut meter)?;
        Ok(meter.usage())
    }

    pub(super) fn add_metered(&mut self, witnesses: PointCloud<'_>, meter: &mut Meter) -> Result<()> {
        if witnesses.dimension() != self.ground.landmarks.dimension() {
            return Err(Error::LandmarkDimension {
                expected: witnesses.dimension(),
                found: self.ground.landmarks.dimension(),
            });
        }
        if self.ground.landmarks.is_empty() {
            return Ok(());
        }
        threads::lower(
            &self.ground,
            witnesses,
            self.ground.complex.threads,
            &mut self.tables,
            meter,
        )
    }

    /// Takes all that the witnesses of `other` said.
    ///
    /// Fails with [`Error::DifferentComplexes`] unless both maps have the same landmarks in the same order, kind,
    /// relaxation and limit of the dimension, or at a limit.
    pub fn merge(&mut self, other: &Self, limits: &Limits) -> Result<Usage> {
        let (ours, theirs) = (&self.ground, &other.ground);
        let same = ours.landmarks == theirs.landmarks
            && ours.complex.kind == theirs.complex.kind
            && ours.complex.max_alpha_square == theirs.complex.max_alpha_square
            && ours.simplex_vertices == theirs.simplex_vertices;
        if !same {
            return Err(Error::DifferentComplexes);
        }
        let mut meter = self.meter(limits)?;
        for (table, other) in self.tables.iter_mut().zip(&other.tables) {
            meter.work(0)?;
            table.merge(other, &mut meter)?;
        }
        Ok(meter.usage())
    }

    /// The complex of all witnesses so far: each simplex with the largest value of its faces, those without every face
    /// left out.
    pub fn complex(&self, limits: &Limits) -> Result<FilteredComplex> {
        faces::close(&self.ground.numbering, &self.tables, &mut self.meter(limits)?)
    }

    /// The diagram of all witnesses so far, for the dimensions below the limit, and what that took.
    pub fn diagram(&self, limits: &Limits) -> Result<(Diagram, Usage)> {
        let mut meter = self.meter(limits)?;
        let diagram = self.diagram_metered(&mut meter)?;
        Ok((diagram, meter.usage()))
    }

    pub(super) fn diagram_metered(&self, meter: &mut Meter) -> Result<Diagram> {
        let complex = faces::close(&self.ground.numbering, &self.tables, meter)?;
        match self.ground.complex.limit_dimension.checked_sub(1) {
            None => Ok(Diagram::default()),
            Some(max_dimension) => complex.diagram_metered(max_dimension, self.ground.complex.coefficients, meter),
        }
    }

    /// Calls `visit(simplex, value)` for each simplex that a witness spoke for, with its ascending landmarks, by
    /// dimension: a snapshot, from which [`Self::lower`] makes the map again.
    pub fn for_each(&self, mut visit: impl FnMut(&[u32], f64), limits: &Limits) -> Result<()> {
        let mut meter = self.meter(limits)?;
        let mut simplex = Vec::new();
        for (dimension, table) in self.tables.iter().enumerate() {
            simplex.resize(dimension + 1, 0);
            let entries = table.entries(&mut meter)?;
            for (number, reversed) in &entries {
                self.ground.numbering.vertices(*number, &mut simplex);
                visit(&simplex, value(*reversed));
            }
            meter.free(entries);
        }
        Ok(())
    }

    /// Lowers the value of one simplex, given by its ascending landmarks, as a witness would.
    ///
    /// Fails with [`Error::InvalidSimplex`] if the landmarks are not ascending, not all known or too many, or if the
    /// value is not in `0..=max_alpha_square`, and at the memory limit.
    pub fn lower(&mut self, simplex: &[u32], value: f64, limits: &Limits) -> Result<()> {
        let known = simplex
            .last()
            .is_some_and(|last| (*last as usize) < self.ground.landmarks.len());
        let fault = if !known || simplex.len() > self.tables.len() || !simplex.is_sorted_by(|a, b| a < b) {
            Some(SimplexFault::Vertices)
        } else if !(0.0..=self.ground.complex.max_alpha_square).contains(&value) {
            Some(SimplexFault::Value)
        } else {
            None
        };
        if let Some(fault) = fault {
            let vertices = simplex.to_vec();
            return Err(Error::InvalidSimplex { vertices, fault });
        }
        let mut meter = self.meter(limits)?;
        let number = self.ground.numbering.number(simplex);
        self.tables[simplex.len() - 1].insert(number, reversed(value + 0.0), &mut meter)
    }

    fn meter(&self, limits: &Limits) -> Result<Meter> {
        let mut meter = Meter::new(limits);
        meter.charge(self.ground.bytes() + self.tables.iter().map(Table::bytes).sum::<usize>())?;
        Ok(meter)
    }
}
