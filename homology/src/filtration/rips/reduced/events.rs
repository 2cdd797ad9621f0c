//! What edges do to the homology, told in their order, and the pairs that come of it.

use super::classes::{Apexes, Classes};
use super::edge::Edge;
use crate::Result;
use crate::components::UnionFind;
use crate::field::Field;
use crate::limits::Meter;

/// Births and deaths, as ordinals.
#[derive(Debug)]
pub(super) struct Events<F> {
    components: UnionFind,
    pub classes: Classes<F>,
    /// Whether degree 1 is wanted.
    cycles: bool,
    /// The dimension, the birth and the death of each pair.
    pub pairs: Vec<(u8, f64, f64)>,
}

impl<F: Field> Events<F> {
    pub fn new(vertices: usize, field: F, cycles: bool, meter: &mut Meter) -> Result<Self> {
        Ok(Self {
            components: UnionFind::new(vertices, meter)?,
            classes: Classes::new(field),
            cycles,
            pairs: meter.vec(vertices)?,
        })
    }

    /// Takes an edge with an empty lune: it joins two components, or it closes a cycle that is new.
    pub fn root(&mut self, edge: &Edge, meter: &mut Meter) -> Result<()> {
        if self.components.join(edge.i, edge.j) {
            meter.push(&mut self.pairs, (0, 0.0, edge.ordinal))?;
            if self.cycles {
                self.classes.join(edge, meter)?;
            }
        } else if self.cycles {
            self.classes.give_birth(edge, meter)?;
        }
        Ok(())
    }

    /// Takes two components of the lune of an edge, by a vertex of each.
    pub fn kill(&mut self, edge: &Edge, apexes: [u32; 2], source: &mut impl Apexes, meter: &mut Meter) -> Result<()> {
        if let Some(birth) = self.classes.kill(edge, apexes, source, meter)?
            && birth != edge.ordinal
        {
            meter.push(&mut self.pairs, (1, birth, edge.ordinal))?;
        }
        Ok(())
    }

    /// All pairs, with the classes that are still alive.
    pub fn finish(mut self, vertices: usize, meter: &mut Meter) -> Result<Vec<(u8, f64, f64)>> {
        let joined = self.pairs.iter().filter(|pair| pair.0 == 0).count();
        for _ in joined..vertices {
            meter.push(&mut self.pairs, (0, 0.0, f64::INFINITY))?;
        }
        let essential: Vec<f64> = self.classes.births_alive().collect();
        for birth in essential {
            meter.push(&mut self.pairs, (1, birth, f64::INFINITY))?;
        }
        self.components.free(meter);
        Ok(self.pairs)
    }
}
