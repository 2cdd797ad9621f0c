//! Degrees 0 and 1: components and cycles.
//!
//! Edges with an empty lune join components or give birth to cycles. An edge whose lune has k components kills up to
//! k − 1 cycles: those that lead through one component there and through another back. All other edges are homologous
//! to the two edges to a point of their lune.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::bits;
use super::elimination::{Elimination, replace_all};
use super::lengths::Edge;
use super::links::Links;
use super::marks::Mark;
use crate::Result;
use crate::components::UnionFind;
use crate::diagram::Pair;
use crate::limits::Meter;

/// An edge that gives birth to a cycle is a row; edges that join components are none.
#[derive(Debug)]
pub(super) struct Cycles {
    births: Vec<f64>,
    rows: HashMap<Edge, u32, FxBuildHasher>,
    elimination: Elimination,
    /// Open edges up to this place in the list have been taken.
    taken: usize,
    /// For each component of a lune after the first, edge by edge: whether it killed a cycle.
    pub killers: Vec<bool>,
}

impl Cycles {
    /// Appends the pairs of degree 0, and finds the edges up to `threshold` that give birth to cycles.
    pub fn of_components(links: &Links, threshold: f64, pairs: &mut Vec<Pair>, meter: &mut Meter) -> Result<Self> {
        let mut sets = UnionFind::new(links.lengths.slots(), meter)?;
        let mut components = bits::count(links.live());
        let (mut births, mut rows) = (Vec::new(), HashMap::with_hasher(FxBuildHasher));
        for relative in links
            .relative
            .iter()
            .take_while(|relative| relative.length <= threshold)
        {
            if sets.join(relative.edge.high, relative.edge.low) {
                components -= 1;
                pairs.push(Pair {
                    dimension: 0,
                    birth: 0.0,
                    death: relative.length,
                });
            } else {
                rows.insert(relative.edge, births.len() as u32);
                births.push(relative.length);
            }
        }
        pairs.extend((0..components).map(|_| Pair {
            dimension: 0,
            birth: 0.0,
            death: f64::INFINITY,
        }));
        sets.free(meter);
        let elimination = Elimination::new(births.len(), meter)?;
        Ok(Self {
            births,
            rows,
            elimination,
            taken: 0,
            killers: Vec::new(),
        })
    }

    /// Whether every cycle that was born is dead.
    pub fn are_dead(&self) -> bool {
        self.elimination.unpaired() == 0
    }

    /// The longest edge that gives birth.
    pub fn last_birth(&self) -> f64 {
        self.births.last().copied().unwrap_or(0.0)
    }

    /// Kills cycles by the certified open edges up to `threshold` that have not been taken, until all are dead. Appends
    /// the pairs and returns the length of the last killer, if there was one.
    pub fn kill(
        &mut self,
        links: &Links,
        threshold: f64,
        pairs: &mut Vec<Pair>,
        meter: &mut Meter,
    ) -> Result<Option<f64>> {
        let mut last = None;
        while let Some(open) = links.open.get(self.taken) {
            let is_certified = links.lengths.rounded(open.edge) <= links.certified();
            if !is_certified || open.length > threshold || self.are_dead() {
                break;
            }
            self.taken += 1;
            let Mark::Open(first) = links.marks.get(open.edge) else {
                unreachable!("listed edges are marked")
            };
            for other in &open.others {
                let mut column = self.elimination.empty_column();
                let ends = [open.edge.high, open.edge.low];
                let cycle = ends
                    .iter()
                    .flat_map(|end| [Edge::new(*end, first), Edge::new(*end, *other)]);
                self.trace(cycle.collect(), links, &mut column, meter)?;
                let pivot = self.elimination.reduce(&mut column, meter)?;
                self.killers.push(pivot.is_some());
                if let Some(row) = pivot {
                    last = Some(open.length);
                    pairs.push(Pair {
                        dimension: 1,
                        birth: self.births[row as usize],
                        death: open.length,
                    });
                }
            }
        }
        Ok(last)
    }

    /// Adds the rows of a chain of edges to `column`.
    fn trace(&self, chain: Vec<Edge>, links: &Links, column: &mut [u64], meter: &mut Meter) -> Result<()> {
        replace_all(
            chain,
            |edge| (links.lengths.rounded(edge).to_bits(), edge),
            |(_, edge)| edge,
            |edge, into| {
                match links.marks.get(edge).point() {
                    Some(point) => into.extend([Edge::new(edge.high, point), Edge::new(edge.low, point)]),
                    None => {
                        if let Some(row) = self.rows.get(&edge) {
                            bits::toggle(column, *row);
                        }
                    }
                }
                Ok(())
            },
            meter,
        )
    }

    /// Appends the cycles that never die.
    pub fn finish(self, pairs: &mut Vec<Pair>, meter: &mut Meter) -> Vec<bool> {
        let essential = (0..self.births.len()).filter(|row| !self.elimination.is_paired(*row));
        pairs.extend(essential.map(|row| Pair {
            dimension: 1,
            birth: self.births[row],
            death: f64::INFINITY,
        }));
        self.elimination.free(meter);
        self.killers
    }
}
