//! Cycles that stand for the classes of a diagram.

mod cliques;
mod graph;
mod loops;
mod lunes;
mod rips;

use std::cmp::Ordering;

use crate::Pair;

/// A class with one of its cycles.
///
/// The boundary of the cycle is 0. Its last simplex enters at the birth of the class, so that it is a cycle from then
/// on. It becomes a boundary at the death of the class and not before; never, if the class is essential. A class has
/// many such cycles; which one is returned is not specified, but the same input gives the same cycle.
#[derive(Debug, Clone, PartialEq)]
pub struct Representative {
    pub pair: Pair,
    /// Sorted by simplex.
    pub cycle: Vec<Term>,
}

/// A simplex of a cycle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    /// Its vertices, ascending, which also is its orientation.
    pub simplex: Vec<u32>,
    /// In `1..p`.
    pub coefficient: u16,
}

impl Representative {
    /// By dimension, birth and death, then by cycle.
    pub(crate) fn order(a: &Self, b: &Self) -> Ordering {
        let by_value = a
            .pair
            .birth
            .total_cmp(&b.pair.birth)
            .then(a.pair.death.total_cmp(&b.pair.death));
        a.pair
            .dimension
            .cmp(&b.pair.dimension)
            .then(by_value)
            .then_with(|| a.cycle.cmp(&b.cycle))
    }
}
