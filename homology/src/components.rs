//! Homology in degree 0 by union-find, and the columns that it leaves to degree 1.

use crate::Result;
use crate::diagram::Pair;
use crate::field::Field;
use crate::filtration::rips::{Complex, Graph, RankedEdges};
use crate::limits::Meter;
use crate::simplex::{Key, Vertices};

/// Disjoint sets with union by size and path halving.
#[derive(Debug)]
pub(crate) struct UnionFind {
    parents: Vec<u32>,
    sizes: Vec<u32>,
}

impl UnionFind {
    pub fn new(count: usize, meter: &mut Meter) -> Result<Self> {
        let (mut parents, mut sizes) = (meter.vec(count)?, meter.vec(count)?);
        parents.extend(0..count as u32);
        sizes.resize(count, 1);
        Ok(Self { parents, sizes })
    }

    pub fn find(&mut self, mut item: u32) -> u32 {
        while self.parents[item as usize] != item {
            let grandparent = self.parents[self.parents[item as usize] as usize];
            self.parents[item as usize] = grandparent;
            item = grandparent;
        }
        item
    }

    /// Joins two sets; false if they were one already.
    pub fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return false;
        }
        let (small, large) = if self.sizes[a as usize] < self.sizes[b as usize] {
            (a, b)
        } else {
            (b, a)
        };
        self.parents[small as usize] = large;
        self.sizes[large as usize] += self.sizes[small as usize];
        true
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.parents);
        meter.free(self.sizes);
    }
}

/// Appends the pairs of degree 0. Returns, if `wanted`, the edges that give birth in degree 1 and are not in an
/// apparent pair of length 0, last edge first.
pub(crate) fn pair<K: Key, F: Field, G: Graph>(
    edges: &RankedEdges,
    complex: &Complex<G, F>,
    wanted: bool,
    pairs: &mut Vec<Pair>,
    meter: &mut Meter,
) -> Result<Vec<K>> {
    let mut sets = UnionFind::new(edges.vertices, meter)?;
    let mut components = edges.vertices;
    let mut columns = Vec::new();
    meter.reserve(pairs, components)?;
    for edge in &edges.edges {
        if sets.join(edge.i, edge.j) {
            components -= 1;
            pairs.push(Pair {
                dimension: 0,
                birth: 0.0,
                death: edges.values[edge.rank as usize],
            });
            continue;
        }
        let vertices = Vertices::new(&[edge.j, edge.i]);
        if wanted {
            meter.work(1)?;
            if !complex.has_apparent_cofacet(&vertices, edge.rank) {
                meter.push(&mut columns, complex.layout.key(&vertices, edge.rank, 1))?;
            }
        }
    }
    pairs.extend((0..components).map(|_| Pair {
        dimension: 0,
        birth: 0.0,
        death: f64::INFINITY,
    }));
    columns.reverse();
    sets.free(meter);
    Ok(columns)
}
