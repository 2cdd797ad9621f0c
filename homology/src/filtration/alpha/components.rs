//! Homology of degree 0: components of vertices joined by edges.

use super::elders::Elders;
use super::{dual, spheres};
use crate::Result;
use crate::diagram::Pair;
use crate::filtration::delaunay::Sites;
use crate::limits::Meter;

/// When the vertices enter: all at 0, or with weights each at minus its weight, unless it is attached to an edge.
pub(super) struct Births {
    /// Empty without weights; infinite for vertices that are in no edge.
    values: Vec<f64>,
}

impl Births {
    /// * `edges` — all edges with their values
    pub fn new<const D: usize>(
        sites: &Sites<D>,
        edges: impl Iterator<Item = ([u32; 2], f64)>,
        meter: &mut Meter,
    ) -> Result<Self> {
        let mut values: Vec<f64> = meter.vec(sites.weights.len())?;
        values.resize(sites.weights.len(), f64::INFINITY);
        if sites.weights.is_empty() {
            return Ok(Self { values });
        }
        let mut attached: Vec<bool> = meter.vec(values.len())?;
        attached.resize(values.len(), false);
        for ([a, b], value) in edges {
            meter.work(1)?;
            for (vertex, other) in [(a, b), (b, a)] {
                let at = vertex as usize;
                values[at] = values[at].min(value);
                attached[at] |= spheres::attaches_vertex(sites, vertex, other);
            }
        }
        for (at, value) in values.iter_mut().enumerate() {
            if !attached[at] && *value < f64::INFINITY {
                *value = value.min(-sites.weights[at]);
            }
        }
        meter.free(attached);
        Ok(Self { values })
    }

    pub fn of(&self, vertex: u32) -> f64 {
        self.values.get(vertex as usize).copied().unwrap_or(0.0)
    }

    /// The birth of the component that never dies.
    pub fn first(&self) -> f64 {
        self.values.iter().copied().reduce(f64::min).unwrap_or(0.0)
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.values);
    }
}

/// Components under union by birth.
pub(super) struct Components<'a> {
    births: &'a Births,
    sets: Elders,
    /// Number of vertices below each root, where all births are equal.
    sizes: Vec<u32>,
}

impl<'a> Components<'a> {
    pub fn new(births: &'a Births, vertices: usize, meter: &mut Meter) -> Result<Self> {
        let mut sizes = meter.vec(vertices)?;
        sizes.resize(vertices, 1);
        Ok(Self {
            births,
            sets: Elders::new(vertices, meter)?,
            sizes,
        })
    }

    /// Joins the components of the ends of an edge, and appends the pair of the younger; false if they are one already.
    pub fn join(&mut self, ends: [u32; 2], value: f64, pairs: &mut Vec<Pair>, meter: &mut Meter) -> Result<bool> {
        let [a, b] = ends.map(|end| self.sets.find(end));
        if a == b {
            return Ok(false);
        }
        let age = |root: u32| (self.births.of(root), u32::MAX - self.sizes[root as usize]);
        let (younger, elder) = if age(a) < age(b) { (b, a) } else { (a, b) };
        self.sets.join(younger, elder);
        self.sizes[elder as usize] += self.sizes[younger as usize];
        dual::push_pair(pairs, 0, self.births.of(younger), value, meter)?;
        Ok(true)
    }

    pub fn free(self, meter: &mut Meter) {
        self.sets.free(meter);
        meter.free(self.sizes);
    }
}
