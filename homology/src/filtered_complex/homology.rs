//! Homology reduction of single columns of a filtered complex whose pairs are known.
//!
//! Cohomology finds the pairs faster; with these at hand, the columns that cycles need are reduced as a homology
//! algorithm would, and no others (Čufar and Virk, *Fast computation of persistent homology representatives with
//! involuted persistent homology*, 2023).

use super::coboundary::Entry;
use super::column::BitTree;
use super::order::Order;
use super::{FilteredComplex, SimplexPair, Skeleton};
use crate::Result;
use crate::field::Field;
use crate::limits::Meter;

/// No simplex.
const NONE: u32 = u32::MAX;

/// The boundary matrix of one dimension: its simplices are the columns, those of the dimension below the rows. Both are
/// called by their ranks.
pub(super) struct Boundaries<'a, F> {
    field: F,
    simplices: &'a Skeleton,
    columns: Order,
    rows: Order,
    /// For each row that gives birth, the column that kills it, or [`NONE`].
    killers: Vec<u32>,
    reduced: Vec<Reduced>,
    entries: Vec<Entry>,
    /// The sum under reduction, its rows from the last to the first, and the columns that it is the boundary of.
    sum: BitTree<F>,
    chain: BitTree<F>,
}

#[derive(Debug, Clone, Copy)]
enum Reduced {
    Unknown,
    /// The boundary as it is.
    Boundary,
    /// Entries of the sum, then those of its chain.
    Sum {
        start: usize,
        middle: usize,
        end: usize,
    },
}

/// A column that waits for others to be reduced.
#[derive(Debug)]
struct Waiting {
    column: u32,
    sum: Vec<Entry>,
    chain: Vec<Entry>,
}

impl<'a, F: Field> Boundaries<'a, F> {
    /// The boundaries of the simplices of `dimension`, at least 1; `pairs` are those of the complex.
    pub fn new(
        complex: &'a FilteredComplex,
        dimension: usize,
        pairs: &[SimplexPair],
        field: F,
        meter: &mut Meter,
    ) -> Result<Self> {
        let simplices = &complex.skeletons[dimension];
        let columns = Order::of(simplices, meter)?;
        let rows = Order::of(&complex.skeletons[dimension - 1], meter)?;
        let mut killers = meter.vec(rows.len())?;
        killers.resize(rows.len(), NONE);
        for pair in pairs.iter().filter(|pair| pair.dimension + 1 == dimension) {
            if let Some(death) = pair.death {
                killers[rows.rank(pair.birth) as usize] = columns.rank(death);
            }
        }
        let mut reduced = meter.vec(columns.len())?;
        reduced.resize(columns.len(), Reduced::Unknown);
        Ok(Self {
            field,
            simplices,
            killers,
            reduced,
            entries: Vec::new(),
            sum: BitTree::new(field, rows.len(), meter)?,
            chain: BitTree::new(field, columns.len(), meter)?,
            columns,
            rows,
        })
    }

    /// The cycle that the simplex at `place`, which kills a class, turns into a boundary: places of the dimension below
    /// with coefficients. Its last simplex is the one that gave birth to the class.
    pub fn killed_cycle(&mut self, place: u32, meter: &mut Meter) -> Result<Vec<(u32, u32)>> {
        let column = self.columns.rank(place);
        self.reduce(column, meter)?;
        let mut cycle = Vec::new();
        match self.reduced[column as usize] {
            Reduced::Sum { start, middle, .. } => {
                for entry in &self.entries[start..middle] {
                    meter.push(&mut cycle, (self.rows.places()[entry.rank as usize], entry.coefficient))?;
                }
            }
            _ => {
                for (row, coefficient) in self.boundary(column) {
                    meter.push(&mut cycle, (self.rows.places()[row as usize], coefficient))?;
                }
            }
        }
        Ok(cycle)
    }

    /// A cycle whose last simplex is the one at `place`, which kills nothing: places of its own dimension with
    /// coefficients.
    pub fn born_cycle(&mut self, place: u32, meter: &mut Meter) -> Result<Vec<(u32, u32)>> {
        let column = self.columns.rank(place);
        let mut waiting = self.waiting(column, meter)?;
        // What is missing is reduced, and the column taken up again, until it is 0.
        while let Some(missing) = self.reduce_once(&mut waiting, meter)? {
            self.reduce(missing, meter)?;
        }
        let places = self.columns.places();
        let cycle = waiting
            .chain
            .iter()
            .map(|entry| (places[entry.rank as usize], entry.coefficient));
        Ok(cycle.collect())
    }

    /// Reduces a column that kills, and before it those that it needs.
    fn reduce(&mut self, column: u32, meter: &mut Meter) -> Result<()> {
        let mut stack = Vec::new();
        let mut next = Some(column);
        while let Some(column) = next {
            if let Reduced::Unknown = self.reduced[column as usize] {
                let waiting = self.waiting(column, meter)?;
                meter.push(&mut stack, waiting)?;
            }
            next = None;
            while let Some(mut waiting) = stack.pop() {
                next = self.reduce_once(&mut waiting, meter)?;
                if next.is_some() {
                    meter.push(&mut stack, waiting)?;
                    break;
                }
                self.keep(&waiting, meter)?;
            }
        }
        meter.free(stack);
        Ok(())
    }

    fn waiting(&self, column: u32, meter: &mut Meter) -> Result<Waiting> {
        let (mut sum, mut chain) = (meter.vec(self.simplices.dimension + 1)?, meter.vec(1)?);
        sum.extend(
            self.boundary(column)
                .map(|(rank, coefficient)| Entry { rank, coefficient }),
        );
        chain.push(Entry {
            rank: column,
            coefficient: 1,
        });
        Ok(Waiting { column, sum, chain })
    }

    /// Adds reduced columns until the last row is the one that the column kills, or nothing is left, and returns none;
    /// or the column that must be reduced first.
    fn reduce_once(&mut self, waiting: &mut Waiting, meter: &mut Meter) -> Result<Option<u32>> {
        for entry in &waiting.sum {
            self.sum.add(self.reversed(entry.rank), entry.coefficient);
        }
        waiting
            .chain
            .iter()
            .for_each(|entry| self.chain.add(entry.rank, entry.coefficient));
        let mut missing = None;
        while let Some(last) = self.sum.first() {
            let killer = self.killers[self.reversed(last.rank) as usize];
            debug_assert_ne!(killer, NONE, "the last row of a boundary is paired");
            if killer == waiting.column || killer == NONE {
                break;
            }
            if !self.add_column(killer, last, meter)? {
                missing = Some(killer);
                break;
            }
        }
        for entries in [&mut waiting.sum, &mut waiting.chain] {
            meter.release(entries.capacity() * size_of::<Entry>());
            *entries = Vec::new();
        }
        while let Some(entry) = self.sum.take_first() {
            let rank = self.reversed(entry.rank);
            meter.push(&mut waiting.sum, Entry { rank, ..entry })?;
        }
        while let Some(entry) = self.chain.take_first() {
            meter.push(&mut waiting.chain, entry)?;
        }
        Ok(missing)
    }

    /// Adds the multiple of a reduced column that cancels `last`; false if it is not reduced yet.
    fn add_column(&mut self, column: u32, last: Entry, meter: &mut Meter) -> Result<bool> {
        let entries = match self.reduced[column as usize] {
            Reduced::Sum { start, middle, end } => [start..middle, middle..end],
            Reduced::Boundary => return self.add_boundary(column, last, meter).map(|()| true),
            // Most boundaries are reduced as they are.
            Reduced::Unknown if self.is_reduced(column) => {
                self.reduced[column as usize] = Reduced::Boundary;
                return self.add_boundary(column, last, meter).map(|()| true);
            }
            Reduced::Unknown => return Ok(false),
        };
        let [sum, chain] = entries;
        meter.work(sum.len() + chain.len())?;
        let factor = self.cancelling(last, self.entries[sum.start].coefficient);
        for entry in &self.entries[sum] {
            let row = self.reversed(entry.rank);
            self.sum.add(row, self.field.multiply(factor, entry.coefficient));
        }
        for entry in &self.entries[chain] {
            self.chain
                .add(entry.rank, self.field.multiply(factor, entry.coefficient));
        }
        Ok(true)
    }

    fn add_boundary(&mut self, column: u32, last: Entry, meter: &mut Meter) -> Result<()> {
        let row = self.reversed(last.rank);
        let own = self.boundary(column).find(|entry| entry.0 == row);
        let (_, coefficient) = own.expect("the last row is a facet of the column that kills it");
        let factor = self.cancelling(last, coefficient);
        meter.work(self.simplices.dimension + 1)?;
        for left_out in 0..=self.simplices.dimension {
            let (row, coefficient) = self.entry_of(column, left_out);
            self.sum
                .add(self.reversed(row), self.field.multiply(factor, coefficient));
        }
        self.chain.add(column, factor);
        Ok(())
    }

    /// The factor by which a column with `coefficient` in the last row cancels it.
    fn cancelling(&self, last: Entry, coefficient: u32) -> u32 {
        let ratio = self.field.multiply(last.coefficient, self.field.inverse(coefficient));
        self.field.negate(ratio)
    }

    /// Whether the last row of the boundary is the one that the column kills.
    fn is_reduced(&self, column: u32) -> bool {
        let last = self.boundary(column).map(|entry| entry.0).max();
        last.is_some_and(|row| self.killers[row as usize] == column)
    }

    fn keep(&mut self, waiting: &Waiting, meter: &mut Meter) -> Result<()> {
        let start = self.entries.len();
        let middle = start + waiting.sum.len();
        for entry in waiting.sum.iter().chain(&waiting.chain) {
            meter.push(&mut self.entries, *entry)?;
        }
        meter.release((waiting.sum.capacity() + waiting.chain.capacity()) * size_of::<Entry>());
        let end = self.entries.len();
        self.reduced[waiting.column as usize] = Reduced::Sum { start, middle, end };
        Ok(())
    }

    fn boundary(&self, column: u32) -> impl Iterator<Item = (u32, u32)> {
        (0..=self.simplices.dimension).map(move |left_out| self.entry_of(column, left_out))
    }

    /// The row of the facet without vertex `left_out`, with its sign.
    fn entry_of(&self, column: u32, left_out: usize) -> (u32, u32) {
        let facets = self.simplices.facets(self.columns.places()[column as usize] as usize);
        let sign = if left_out.is_multiple_of(2) {
            1
        } else {
            self.field.negate(1)
        };
        (self.rows.rank(facets[left_out]), sign)
    }

    /// Rows are held from the last to the first, so that the tree finds the last.
    fn reversed(&self, row: u32) -> u32 {
        self.rows.len() as u32 - 1 - row
    }

    pub fn free(self, meter: &mut Meter) {
        self.columns.free(meter);
        self.rows.free(meter);
        meter.free(self.killers);
        meter.free(self.reduced);
        meter.free(self.entries);
        self.sum.free(meter);
        self.chain.free(meter);
    }
}
