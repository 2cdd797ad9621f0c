//! Persistent cohomology of a filtered complex with clearing (de Silva, Morozov and Vejdemo-Johansson, *Dualities in
//! persistent (co)homology*, 2011; Chen and Kerber, *Persistent homology computation with a twist*, 2011).

use super::coboundary::{Coboundary, Entry};
use super::column::BitTree;
use super::components;
use super::order::Order;
use super::{FilteredComplex, SimplexPair};
use crate::Result;
use crate::field::Field;
use crate::limits::Meter;

/// The pairs of the dimensions up to `max_dimension`, those of length 0 among them.
pub(super) fn pair<F: Field>(
    complex: &FilteredComplex,
    max_dimension: usize,
    field: F,
    meter: &mut Meter,
) -> Result<Vec<SimplexPair>> {
    let mut pairs = Vec::new();
    let empty = super::Skeleton::default();
    let Some(vertices) = complex.skeletons.first() else {
        return Ok(pairs);
    };
    let vertices = Order::of(vertices, meter)?;
    let mut order = Order::of(complex.skeletons.get(1).unwrap_or(&empty), meter)?;
    let mut kills = components::pair(complex, &vertices, &order, &mut pairs, meter)?;
    vertices.free(meter);
    for dimension in 1..complex.skeletons.len().min(max_dimension.saturating_add(1)) {
        let above = complex.skeletons.get(dimension + 1).unwrap_or(&empty);
        let order_above = Order::of(above, meter)?;
        let coboundary = Coboundary::new(above, &order_above, &order, field, meter)?;
        let mut reduction = Reduction::new(&coboundary, order_above.len(), field, meter)?;
        for rank in (0..order.len() as u32).rev().filter(|rank| !kills[*rank as usize]) {
            let pivot = reduction.reduce(rank, meter)?;
            let pair = SimplexPair {
                dimension,
                birth: order.places()[rank as usize],
                death: pivot.map(|pivot| order_above.places()[pivot as usize]),
            };
            meter.push(&mut pairs, pair)?;
        }
        let pivots = reduction.into_pivots(meter)?;
        meter.free(std::mem::replace(&mut kills, pivots));
        coboundary.free(meter);
        std::mem::replace(&mut order, order_above).free(meter);
    }
    meter.free(kills);
    order.free(meter);
    Ok(pairs)
}

/// The reduction of one dimension. Simplices are called by their ranks.
struct Reduction<'a, F> {
    field: F,
    coboundary: &'a Coboundary,
    /// For each simplex of the dimension above, which column has it as its pivot.
    owners: Vec<Owner>,
    /// The columns that were changed, one after the other.
    entries: Vec<Entry>,
    column: BitTree<F>,
}

#[derive(Debug, Clone, Copy)]
enum Owner {
    Nobody,
    /// The coboundary of this simplex as it is.
    Coboundary(u32),
    /// A reduced column, by where its entries begin and how many there are.
    Reduced {
        start: usize,
        count: u32,
    },
}

impl<'a, F: Field> Reduction<'a, F> {
    fn new(coboundary: &'a Coboundary, rows: usize, field: F, meter: &mut Meter) -> Result<Self> {
        let mut owners = meter.vec(rows)?;
        owners.resize(rows, Owner::Nobody);
        Ok(Self {
            field,
            coboundary,
            owners,
            entries: Vec::new(),
            column: BitTree::new(field, rows, meter)?,
        })
    }

    /// Reduces the coboundary of simplex `rank`, the next one from the last down, and returns its pivot, if it has one.
    fn reduce(&mut self, rank: u32, meter: &mut Meter) -> Result<Option<u32>> {
        let column = self.coboundary.column(rank);
        meter.work(column.len() + 1)?;
        let Some(first) = column.first() else { return Ok(None) };
        if let Owner::Nobody = self.owners[first.rank as usize] {
            self.owners[first.rank as usize] = Owner::Coboundary(rank);
            return Ok(Some(first.rank));
        }
        column
            .iter()
            .for_each(|entry| self.column.add(entry.rank, entry.coefficient));
        while let Some(pivot) = self.column.first() {
            let other = match self.owners[pivot.rank as usize] {
                Owner::Nobody => {
                    self.keep(pivot.rank, meter)?;
                    return Ok(Some(pivot.rank));
                }
                Owner::Coboundary(other) => self.coboundary.column(other),
                Owner::Reduced { start, count } => &self.entries[start..start + count as usize],
            };
            meter.work(other.len())?;
            let ratio = self
                .field
                .multiply(pivot.coefficient, self.field.inverse(other[0].coefficient));
            let factor = self.field.negate(ratio);
            for entry in other {
                self.column
                    .add(entry.rank, self.field.multiply(factor, entry.coefficient));
            }
        }
        Ok(None)
    }

    /// Stores the reduced column, which leaves the working column empty.
    fn keep(&mut self, pivot: u32, meter: &mut Meter) -> Result<()> {
        let start = self.entries.len();
        while let Some(entry) = self.column.take_first() {
            meter.push(&mut self.entries, entry)?;
        }
        let count = (self.entries.len() - start) as u32;
        self.owners[pivot as usize] = Owner::Reduced { start, count };
        Ok(())
    }

    /// Which simplices of the dimension above are pivots.
    fn into_pivots(self, meter: &mut Meter) -> Result<Vec<bool>> {
        let mut pivots = meter.vec(self.owners.len())?;
        pivots.extend(self.owners.iter().map(|owner| !matches!(owner, Owner::Nobody)));
        meter.free(self.owners);
        meter.free(self.entries);
        self.column.free(meter);
        Ok(pivots)
    }
}
