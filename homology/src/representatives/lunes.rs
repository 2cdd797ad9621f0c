//! The components of lunes, while edges enter one by one.
//!
//! The lune of an edge are the vertices joined to both of its ends by edges before it, with these edges among them. An
//! edge enters together with the triangles to its lune: an empty lune makes it join two components or give birth to a
//! cycle, a connected one changes nothing, and each further component kills a cycle or creates a void (Koyama, Mémoli,
//! Robins and Turner, *Faster computation of degree-1 persistent homology using the reduced Vietoris–Rips filtration*,
//! 2023).

use super::graph::GrowingGraph;
use crate::Result;
use crate::limits::Meter;

/// Finds components of lunes.
pub(super) enum Lunes {
    Bits(Bits),
    Lists(Lists),
}

impl Lunes {
    /// Most vertices with a matrix of bits: 32 MB.
    const MOST_BITS: usize = 1 << 14;

    pub fn new(vertices: usize, meter: &mut Meter) -> Result<Self> {
        if vertices <= Self::MOST_BITS {
            Bits::new(vertices, meter).map(Self::Bits)
        } else {
            Lists::new(vertices, meter).map(Self::Lists)
        }
    }

    /// Writes a vertex of each component of the lune of `edge` to `apexes`, and enters the edge. Edges come in their
    /// order. Unless `all`, one vertex is enough.
    pub fn enter(
        &mut self,
        graph: &mut GrowingGraph<'_>,
        edge: u32,
        all: bool,
        apexes: &mut Vec<u32>,
        meter: &mut Meter,
    ) -> Result<()> {
        apexes.clear();
        match self {
            Self::Bits(bits) => {
                let ends = graph.ends(edge);
                bits.components(ends, all, apexes, meter)?;
                bits.join(ends);
                Ok(())
            }
            Self::Lists(lists) => lists.components(graph, edge, all, apexes, meter),
        }
    }

    pub fn free(self, meter: &mut Meter) {
        match self {
            Self::Bits(bits) => {
                [bits.rows, bits.lune].into_iter().for_each(|words| meter.free(words));
                meter.free(bits.stack);
            }
            Self::Lists(lists) => {
                [lists.in_lune, lists.lune, lists.stack]
                    .into_iter()
                    .for_each(|vertices| meter.free(vertices));
            }
        }
    }
}

/// The graph so far as a matrix of bits: a lune is the intersection of two rows.
pub(super) struct Bits {
    /// Words of a row.
    width: usize,
    rows: Vec<u64>,
    /// What of the lune is not reached yet.
    lune: Vec<u64>,
    stack: Vec<u32>,
}

impl Bits {
    fn new(vertices: usize, meter: &mut Meter) -> Result<Self> {
        let width = vertices.div_ceil(64);
        let (mut rows, mut lune) = (meter.vec(width * vertices)?, meter.vec(width)?);
        rows.resize(width * vertices, 0);
        lune.resize(width, 0);
        Ok(Self {
            width,
            rows,
            lune,
            stack: meter.vec(vertices)?,
        })
    }

    fn join(&mut self, [a, b]: [u32; 2]) {
        for (from, to) in [(a, b), (b, a)] {
            self.rows[from as usize * self.width + to as usize / 64] |= 1 << (to % 64);
        }
    }

    fn components(&mut self, [a, b]: [u32; 2], all: bool, apexes: &mut Vec<u32>, meter: &mut Meter) -> Result<()> {
        meter.work(1 + self.width / 16)?;
        let row = |vertex: u32| &self.rows[vertex as usize * self.width..][..self.width];
        for ((word, a), b) in self.lune.iter_mut().zip(row(a)).zip(row(b)) {
            *word = a & b;
        }
        let mut first_word = 0;
        while let Some(at) = self.lune[first_word..].iter().position(|word| *word != 0) {
            first_word += at;
            let apex = 64 * first_word as u32 + self.lune[first_word].trailing_zeros();
            meter.push(apexes, apex)?;
            if !all || self.reach(apex, meter)? {
                break;
            }
        }
        Ok(())
    }

    /// Removes the component of `apex` from the lune; whether nothing is left.
    fn reach(&mut self, apex: u32, meter: &mut Meter) -> Result<bool> {
        self.lune[apex as usize / 64] &= !(1 << (apex % 64));
        self.stack.push(apex);
        let mut left = 0;
        while let Some(vertex) = self.stack.pop() {
            meter.work(self.width / 16)?;
            left = 0;
            let row = &self.rows[vertex as usize * self.width..][..self.width];
            for ((at, word), neighbors) in (0..).step_by(64).zip(&mut self.lune).zip(row) {
                let mut reached = *word & neighbors;
                *word &= !neighbors;
                left |= *word;
                while reached != 0 {
                    self.stack.push(at + reached.trailing_zeros());
                    reached &= reached - 1;
                }
            }
            if left == 0 {
                self.stack.clear();
            }
        }
        Ok(left == 0)
    }
}

/// Lunes from lists of neighbours, for graphs with too many vertices for a matrix.
pub(super) struct Lists {
    /// By vertex: the edge in whose lune it was last found, and not reached from an apex.
    in_lune: Vec<u32>,
    lune: Vec<u32>,
    stack: Vec<u32>,
}

impl Lists {
    fn new(vertices: usize, meter: &mut Meter) -> Result<Self> {
        let mut in_lune = meter.vec(vertices)?;
        in_lune.resize(vertices, u32::MAX);
        Ok(Self {
            in_lune,
            lune: meter.vec(vertices)?,
            stack: meter.vec(vertices)?,
        })
    }

    fn components(
        &mut self,
        graph: &mut GrowingGraph<'_>,
        edge: u32,
        all: bool,
        apexes: &mut Vec<u32>,
        meter: &mut Meter,
    ) -> Result<()> {
        let Self { in_lune, lune, stack } = self;
        lune.clear();
        graph.for_each_in_lune(edge, |vertex, _| {
            in_lune[vertex as usize] = edge;
            lune.push(vertex);
        });
        meter.work(1 + lune.len())?;
        for apex in lune.iter() {
            if in_lune[*apex as usize] != edge {
                continue;
            }
            meter.push(apexes, *apex)?;
            if !all {
                break;
            }
            in_lune[*apex as usize] = u32::MAX;
            stack.push(*apex);
            while let Some(vertex) = stack.pop() {
                let neighbors = graph.neighbors_before(vertex, edge);
                meter.work(neighbors.len() / 8)?;
                for neighbor in neighbors {
                    if in_lune[neighbor.vertex as usize] == edge {
                        in_lune[neighbor.vertex as usize] = u32::MAX;
                        stack.push(neighbor.vertex);
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::filtration::rips::RankedEdges;
    use crate::{Limits, SparseEdges};

    /// The components of each lune, each as its vertices, by their definition.
    fn expected(graph: &mut GrowingGraph<'_>, edge: u32) -> Vec<Vec<u32>> {
        let mut components: Vec<Vec<u32>> = Vec::new();
        let mut lune = Vec::new();
        graph.for_each_in_lune(edge, |vertex, _| lune.push(vertex));
        for vertex in lune {
            let neighbors = graph.neighbors_before(vertex, edge);
            let is_joined =
                |component: &Vec<u32>| neighbors.iter().any(|neighbor| component.contains(&neighbor.vertex));
            let (joined, mut apart): (Vec<_>, Vec<_>) = components.into_iter().partition(is_joined);
            apart.push(joined.into_iter().flatten().chain([vertex]).collect());
            components = apart;
        }
        components
    }

    proptest! {
        #[test]
        fn bits_and_lists_find_a_vertex_of_each_component(
            lengths in prop::collection::vec(prop::option::weighted(0.7, 0..9_i32), 15 * 14 / 2),
            offset in 0..80_usize,
        ) {
            // Vertices far apart, so that they are in different words.
            let pairs = (0..15).flat_map(|i| (0..i).map(move |j| (i * 7 + offset, j * 7 + offset)));
            let edges: Vec<_> = pairs.zip(lengths).filter_map(|((i, j), length)| Some((i, j, f64::from(length?)))).collect();
            let mut meter = Meter::new(&Limits::default());
            let sparse = SparseEdges::new(200, &edges).unwrap();
            let ranked = RankedEdges::of_sparse(&sparse, f64::MAX, &mut meter).unwrap();
            let mut graph = GrowingGraph::new(&ranked, &mut meter).unwrap();
            let mut both = [
                Lunes::Bits(Bits::new(200, &mut meter).unwrap()),
                Lunes::Lists(Lists::new(200, &mut meter).unwrap()),
            ];
            for edge in 0..ranked.edges.len() as u32 {
                let components = expected(&mut graph, edge);
                for lunes in &mut both {
                    let mut apexes = Vec::new();
                    lunes.enter(&mut graph, edge, true, &mut apexes, &mut meter).unwrap();
                    prop_assert_eq!(apexes.len(), components.len());
                    for component in &components {
                        prop_assert_eq!(apexes.iter().filter(|apex| component.contains(apex)).count(), 1);
                    }
                }
            }
        }
    }
}
