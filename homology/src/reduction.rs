//! Persistent cohomology by reduction of the implicit coboundary matrix.

mod column;
mod pivots;

use std::ops::ControlFlow;

use crate::diagram::Pair;
use crate::field::Field;
use crate::filtration::rips::{Complex, Graph, for_each_unpaired};
use crate::limits::Meter;
use crate::simplex::Key;
use crate::{Error, Result};
use column::WorkingColumn;
use pivots::Pivots;

/// Appends the pairs of the dimensions `1..=max_dimension`.
///
/// * `columns` — the edges to reduce, last first
/// * `values` — the value that each rank stands for
pub(crate) fn reduce<K: Key, F: Field, G: Graph>(
    complex: &Complex<G, F>,
    mut columns: Vec<K>,
    max_dimension: usize,
    values: &[f64],
    pairs: &mut Vec<Pair>,
    meter: &mut Meter,
) -> Result<()> {
    for dimension in 1..=max_dimension {
        let count = u32::try_from(columns.len()).map_err(|_| Error::TooManyColumns { found: columns.len() })?;
        let mut reduction = Reduction::new(complex, &columns, dimension, meter)?;
        for index in 0..count {
            let birth = values[complex.layout.rank(columns[index as usize]) as usize];
            let pivot = reduction.reduce(index, meter)?;
            let death = pivot.map_or(f64::INFINITY, |pivot| values[complex.layout.rank(pivot) as usize]);
            if birth != death {
                meter.push(
                    pairs,
                    Pair {
                        dimension: dimension as u8,
                        birth,
                        death,
                    },
                )?;
            }
        }
        let pivots = reduction.into_pivots(meter);
        meter.free(columns);
        columns = Vec::new();
        if dimension < max_dimension {
            columns = columns_of_dimension(complex, dimension + 1, &pivots, meter)?;
        }
        pivots.free(meter);
    }
    Ok(())
}

/// The simplices of `dimension` that may give birth, last first: all but those that kill (the pivots of the dimension
/// below, stored or apparent: clearing) and those that are killed at once by an apparent cofacet.
fn columns_of_dimension<K: Key, F: Field, G: Graph>(
    complex: &Complex<G, F>,
    dimension: usize,
    pivots: &Pivots<K>,
    meter: &mut Meter,
) -> Result<Vec<K>> {
    let layout = &complex.layout;
    let mut columns: Vec<K> = Vec::new();
    // Those of the rank visited last begin here.
    let (mut start, mut last_rank) = (0, 0);
    for_each_unpaired(complex, dimension, meter, |vertices, rank, meter| {
        if rank != last_rank {
            columns[start..].sort_unstable_by(|a, b| b.cmp(a));
            (start, last_rank) = (columns.len(), rank);
        }
        let key = layout.key(vertices, rank, 1);
        if pivots.get(layout.simplex(key)).is_some() {
            Ok(())
        } else {
            meter.push(&mut columns, key)
        }
    })?;
    columns[start..].sort_unstable_by(|a, b| b.cmp(a));
    Ok(columns)
}

/// The reduction of one dimension.
struct Reduction<'a, K, F, G> {
    complex: &'a Complex<G, F>,
    /// The simplices whose coboundaries are reduced, last first, with coefficient 1.
    columns: &'a [K],
    /// The number of vertices of each of them.
    vertices: usize,
    pivots: Pivots<K>,
    /// What was added to each column: chains one after the other, and where each begins.
    chains: Vec<K>,
    starts: Vec<usize>,
    /// The coboundary under reduction, and the chain that was added to its column.
    coboundary: WorkingColumn<K>,
    chain: WorkingColumn<K>,
    /// Cofacets of one simplex.
    cofacets: Vec<K>,
}

impl<'a, K: Key, F: Field, G: Graph> Reduction<'a, K, F, G> {
    fn new(complex: &'a Complex<G, F>, columns: &'a [K], dimension: usize, meter: &mut Meter) -> Result<Self> {
        Ok(Self {
            complex,
            columns,
            vertices: dimension + 1,
            pivots: Pivots::default(),
            chains: Vec::new(),
            starts: Vec::new(),
            coboundary: WorkingColumn::new(&complex.layout),
            chain: WorkingColumn::new(&complex.layout),
            cofacets: meter.vec(complex.graph.vertices())?,
        })
    }

    fn into_pivots(self, meter: &mut Meter) -> Pivots<K> {
        meter.free(self.chains);
        meter.free(self.starts);
        meter.free(self.cofacets);
        self.coboundary.free(meter);
        self.chain.free(meter);
        self.pivots
    }

    /// Reduces the column at `index`, the next one, and returns its pivot, if it has one.
    fn reduce(&mut self, index: u32, meter: &mut Meter) -> Result<Option<K>> {
        meter.push(&mut self.starts, self.chains.len())?;
        let layout = &self.complex.layout;
        let column = self.columns[index as usize];
        if let Some(pivot) = self.fill_cofacets_or_emerge(column, meter)? {
            self.pivots
                .insert(layout.simplex(pivot), index, layout.coefficient(pivot), meter)?;
            return Ok(Some(pivot));
        }
        self.coboundary.restart(layout.least_of_rank(layout.rank(column)));
        self.chain.restart(layout.least_of_rank(0));
        self.add_cofacets(meter)?;
        while let Some(pivot) = self.coboundary.pop(layout, meter)? {
            let simplex = layout.simplex(pivot);
            let minus = layout.field.negate(layout.coefficient(pivot));
            if let Some((owner, coefficient)) = self.pivots.get(simplex) {
                self.coboundary.add(pivot, layout, meter)?;
                self.add_column(
                    owner,
                    layout.field.multiply(minus, layout.field.inverse(coefficient)),
                    meter,
                )?;
            } else if let Some((facet, sign)) = self.apparent_facet(simplex) {
                self.coboundary.add(pivot, layout, meter)?;
                // A sign is its own inverse.
                self.add_simplex(facet, layout.field.multiply(minus, sign), meter)?;
            } else {
                self.chain.drain_into(&mut self.chains, layout, meter)?;
                self.pivots.insert(simplex, index, layout.coefficient(pivot), meter)?;
                return Ok(Some(pivot));
            }
        }
        Ok(None)
    }

    /// Collects the cofacets of a column, unless its pivot emerges on the way: the first cofacet of equal rank is the
    /// least of all, so that it is the pivot of the reduced column if no other column has it.
    fn fill_cofacets_or_emerge(&mut self, column: K, meter: &mut Meter) -> Result<Option<K>> {
        let Self {
            complex,
            pivots,
            cofacets,
            ..
        } = self;
        let layout = &complex.layout;
        let rank = layout.rank(column);
        let vertices = layout.vertices(column, self.vertices);
        let frame = complex.frame(column, &vertices);
        let (mut tried, mut emergent) = (false, None);
        cofacets.clear();
        complex
            .graph
            .cofacets(&vertices, rank, |position, vertex, cofacet_rank| {
                let cofacet = frame.cofacet(position, vertex, cofacet_rank);
                if !tried && cofacet_rank == rank {
                    tried = true;
                    let taken = pivots.get(layout.simplex(cofacet)).is_some()
                        || complex.apparent_facet(&vertices.with(position, vertex), rank).is_some();
                    if !taken {
                        emergent = Some(cofacet);
                        return ControlFlow::Break(());
                    }
                }
                // As many places as vertices were reserved.
                cofacets.push(cofacet);
                ControlFlow::Continue(())
            });
        meter.work(cofacets.len() + 1)?;
        Ok(emergent)
    }

    /// The facet that forms an apparent pair of length 0 with `simplex`, and the sign of `simplex` in its coboundary.
    fn apparent_facet(&self, simplex: K) -> Option<(K, u32)> {
        let layout = &self.complex.layout;
        let rank = layout.rank(simplex);
        let vertices = layout.vertices(simplex, self.vertices + 1);
        let position = self.complex.apparent_facet(&vertices, rank)?;
        let sign = if position % 2 == 0 { 1 } else { layout.field.negate(1) };
        Some((layout.key(&vertices.without(position), rank, 0), sign))
    }

    /// Adds `factor` times a column that was reduced before.
    fn add_column(&mut self, index: u32, factor: u32, meter: &mut Meter) -> Result<()> {
        let layout = &self.complex.layout;
        let at = index as usize;
        let chain = self.starts[at]..self.starts.get(at + 1).copied().unwrap_or(self.chains.len());
        self.add_simplex(layout.simplex(self.columns[at]), factor, meter)?;
        for entry in chain {
            let entry = self.chains[entry];
            let factor = layout.field.multiply(factor, layout.coefficient(entry));
            self.add_simplex(layout.simplex(entry), factor, meter)?;
        }
        Ok(())
    }

    /// Adds `factor` times a simplex to the chain, and its coboundary to the coboundary.
    fn add_simplex(&mut self, simplex: K, factor: u32, meter: &mut Meter) -> Result<()> {
        let Self { complex, cofacets, .. } = self;
        let layout = &complex.layout;
        let entry = layout.with_coefficient(simplex, factor);
        let vertices = layout.vertices(simplex, self.vertices);
        let frame = complex.frame(entry, &vertices);
        cofacets.clear();
        complex
            .graph
            .cofacets(&vertices, layout.rank(simplex), |position, vertex, rank| {
                cofacets.push(frame.cofacet(position, vertex, rank));
                ControlFlow::Continue(())
            });
        meter.work(cofacets.len() + 1)?;
        self.chain.add(entry, layout, meter)?;
        self.add_cofacets(meter)
    }

    fn add_cofacets(&mut self, meter: &mut Meter) -> Result<()> {
        for cofacet in &self.cofacets {
            self.coboundary.add(*cofacet, &self.complex.layout, meter)?;
        }
        Ok(())
    }
}
