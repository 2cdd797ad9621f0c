//! Cycles of degrees 0 and 1 of a Rips filtration.
//!
//! Edges enter in a strict order, each with its triangles. For two components of a lune, the cycle through a vertex of
//! each and both ends becomes a boundary. It is rewritten downwards: its last edge, if its lune is not empty, is replaced
//! by the two sides of a triangle that entered with it; if the edge gave birth to a class that has died, by the cycle
//! that died; if the class is alive, it dies now, and what is left is its cycle. This is the homology reduction of the
//! columns that matter, in which no other triangle is ever seen.

use super::graph::GrowingGraph;
use super::lunes::Lunes;
use super::{Representative, Term};
use crate::Result;
use crate::field::Field;
use crate::filtered_complex::{BitTree, Entry};
use crate::filtration::rips::RankedEdges;
use crate::limits::Meter;
use crate::{Pair, components::UnionFind};

/// What is wanted of a Rips filtration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Whether cycles of degree 1 are.
    pub loops: bool,
    /// Only of classes that live longer.
    pub min_persistence: f64,
}

impl Wanted {
    fn includes(&self, birth: f64, death: f64) -> bool {
        birth != death && death - birth > self.min_persistence
    }
}

/// Appends the representatives of degree 0 and, if wanted, of degree 1.
pub(super) fn find<F: Field>(
    edges: &RankedEdges,
    field: F,
    wanted: Wanted,
    found: &mut Vec<Representative>,
    meter: &mut Meter,
) -> Result<()> {
    let mut sets = UnionFind::new(edges.vertices, meter)?;
    let mut loops = Loops::new(edges, field, wanted, meter)?;
    // Without loops, only the edges that join components matter.
    let mut lunes = if wanted.loops {
        Some(Lunes::new(edges.vertices, meter)?)
    } else {
        None
    };
    let mut apexes = Vec::new();
    for edge in 0..edges.edges.len() as u32 {
        meter.work(1)?;
        if let Some(lunes) = &mut lunes {
            lunes.enter(&mut loops.graph, edge, loops.alive > 0, &mut apexes, meter)?;
        }
        let [a, b] = loops.graph.ends(edge);
        if !apexes.is_empty() {
            for other in apexes.iter().skip(1) {
                loops.kill(edge, [apexes[0], *other], found, meter)?;
            }
        } else if sets.join(a, b) {
            let death = loops.graph.length(edge);
            if wanted.includes(0.0, death) {
                push(found, (0, 0.0, death), &[(&[b], 1), (&[a], field.negate(1))], meter)?;
            }
        } else if wanted.loops {
            loops.give_birth(edge, meter)?;
        }
    }
    for vertex in 0..edges.vertices as u32 {
        if sets.find(vertex) == vertex {
            push(found, (0, 0.0, f64::INFINITY), &[(&[vertex], 1)], meter)?;
        }
    }
    loops.finish(found, meter)?;
    loops.free(meter);
    if let Some(lunes) = lunes {
        lunes.free(meter);
    }
    sets.free(meter);
    Ok(())
}

fn push(
    found: &mut Vec<Representative>,
    (dimension, birth, death): (u8, f64, f64),
    terms: &[(&[u32], u32)],
    meter: &mut Meter,
) -> Result<()> {
    let mut cycle = meter.vec(terms.len())?;
    meter.charge(terms.len() * (usize::from(dimension) + 1) * size_of::<u32>())?;
    cycle.extend(terms.iter().map(|(simplex, coefficient)| Term {
        simplex: simplex.to_vec(),
        coefficient: *coefficient as u16,
    }));
    cycle.sort_unstable();
    let pair = Pair {
        dimension,
        birth,
        death,
    };
    meter.push(found, Representative { pair, cycle })
}

/// The classes of degree 1. A chain has the coefficient of an edge in the direction to its larger end.
struct Loops<'a, F> {
    field: F,
    wanted: Wanted,
    graph: GrowingGraph<'a>,
    /// Edges that gave birth, in their order, with the entries of the cycle that died, if it has.
    births: Vec<(u32, Option<std::ops::Range<usize>>)>,
    alive: usize,
    entries: Vec<Entry>,
    /// The two sides of the triangle with which an edge is replaced, that from its smaller end first; twice edge 0, which
    /// has no triangle, where it is not known.
    sides: Vec<[u32; 2]>,
    /// The cycle at hand, last edge first.
    sum: BitTree<F>,
    path: Vec<u32>,
}

impl<'a, F: Field> Loops<'a, F> {
    fn new(edges: &'a RankedEdges, field: F, wanted: Wanted, meter: &mut Meter) -> Result<Self> {
        let count = if wanted.loops { edges.edges.len() } else { 0 };
        // Zeroed memory costs nothing until it is touched.
        meter.charge(count * size_of::<[u32; 2]>())?;
        Ok(Self {
            field,
            wanted,
            graph: GrowingGraph::new(edges, meter)?,
            births: Vec::new(),
            alive: 0,
            entries: Vec::new(),
            sides: vec![[0; 2]; count],
            sum: BitTree::new(field, count, meter)?,
            path: Vec::new(),
        })
    }

    fn give_birth(&mut self, edge: u32, meter: &mut Meter) -> Result<()> {
        self.alive += 1;
        meter.push(&mut self.births, (edge, None))
    }

    /// Makes the cycle through the ends of `edge` and two vertices of its lune a boundary.
    fn kill(&mut self, edge: u32, apexes: [u32; 2], found: &mut Vec<Representative>, meter: &mut Meter) -> Result<()> {
        let [a, b] = self.graph.ends(edge);
        let mut sides = [[0; 2]; 2];
        self.graph.for_each_in_lune(edge, |vertex, edges| {
            if let Some(at) = apexes.iter().position(|apex| *apex == vertex) {
                sides[at] = edges;
            }
        });
        let [there, back] = sides;
        self.walk(a, &there, 1);
        self.walk(b, &[back[1], back[0]], 1);
        let Some(class) = self.reduce(meter)? else {
            return Ok(());
        };
        let start = self.entries.len();
        while let Some(entry) = self.sum.take_first() {
            meter.push(&mut self.entries, entry)?;
        }
        self.births[class].1 = Some(start..self.entries.len());
        self.alive -= 1;
        let (birth, death) = (self.graph.length(self.births[class].0), self.graph.length(edge));
        if self.wanted.includes(birth, death) {
            self.represent(class, death, found, meter)?;
        }
        Ok(())
    }

    /// Adds `factor` times a walk along edges, which begins at `vertex`.
    fn walk(&mut self, mut vertex: u32, edges: &[u32], factor: u32) {
        for edge in edges {
            let [a, b] = self.graph.ends(*edge);
            let forwards = a == vertex;
            vertex = if forwards { b } else { a };
            let coefficient = if forwards { factor } else { self.field.negate(factor) };
            self.sum.add(self.row(*edge), coefficient);
        }
    }

    /// Rewrites the sum until its last edge gave birth to a class that is alive, and returns that; none if the sum is 0,
    /// a boundary.
    fn reduce(&mut self, meter: &mut Meter) -> Result<Option<usize>> {
        while let Some(last) = self.sum.first() {
            let edge = self.row(last.rank);
            match self.births.binary_search_by_key(&edge, |birth| birth.0) {
                Err(_) => self.replace(edge, last.coefficient, meter)?,
                Ok(class) => match self.births[class].1.clone() {
                    None => return Ok(Some(class)),
                    Some(range) => {
                        meter.work(range.len())?;
                        let inverse = self.field.inverse(self.entries[range.start].coefficient);
                        let factor = self.field.negate(self.field.multiply(last.coefficient, inverse));
                        for entry in &self.entries[range] {
                            self.sum.add(entry.rank, self.field.multiply(factor, entry.coefficient));
                        }
                    }
                },
            }
        }
        Ok(None)
    }

    /// Replaces an edge, whose lune is not empty, by the two other sides of a triangle.
    fn replace(&mut self, edge: u32, coefficient: u32, meter: &mut Meter) -> Result<()> {
        meter.work(1)?;
        if self.sides[edge as usize] == [0; 2] {
            let sides = self.graph.first_triangle(edge);
            self.sides[edge as usize] =
                sides.expect("the last edge of a cycle closes it, so that without a birth its lune is not empty");
        }
        let [a, _] = self.graph.ends(edge);
        self.sum.add(self.row(edge), self.field.negate(coefficient));
        let sides = self.sides[edge as usize];
        self.walk(a, &sides, coefficient);
        Ok(())
    }

    /// Appends a cycle of a class that has just died, or never will.
    ///
    /// The shortest cycle through the edge that gave birth is one of the class if it is a boundary now. It is none
    /// before, because no boundary ends with an edge whose class is alive.
    fn represent(
        &mut self,
        class: usize,
        death: f64,
        found: &mut Vec<Representative>,
        meter: &mut Meter,
    ) -> Result<()> {
        let (edge, killed) = self.births[class].clone();
        let [start, _] = self.graph.ends(edge);
        let mut path = std::mem::take(&mut self.path);
        path.clear();
        meter.push(&mut path, edge)?;
        let closed = self.graph.shortest_path(edge, &mut path, meter)?;
        debug_assert!(closed, "an edge that gives birth closes a cycle");
        let belongs = match killed {
            None => true,
            Some(_) => {
                self.walk(start, &path, 1);
                let is_boundary = self.reduce(meter)?.is_none();
                while self.sum.take_first().is_some() {}
                is_boundary
            }
        };
        let mut cycle = Vec::new();
        if belongs {
            self.walk(start, &path, 1);
            while let Some(entry) = self.sum.take_first() {
                meter.push(&mut cycle, entry)?;
            }
        } else {
            let entries = &self.entries[killed.unwrap_or_default()];
            meter.reserve_exact(&mut cycle, entries.len())?;
            cycle.extend_from_slice(entries);
        }
        self.path = path;
        self.push_cycle(edge, death, &cycle, found, meter)?;
        meter.free(cycle);
        Ok(())
    }

    fn push_cycle(
        &self,
        birth: u32,
        death: f64,
        cycle: &[Entry],
        found: &mut Vec<Representative>,
        meter: &mut Meter,
    ) -> Result<()> {
        let mut ends = meter.vec(cycle.len())?;
        ends.extend(cycle.iter().map(|entry| self.graph.ends(self.row(entry.rank))));
        let mut terms = meter.vec(cycle.len())?;
        terms.extend(
            ends.iter()
                .zip(cycle)
                .map(|(ends, entry)| (&ends[..], entry.coefficient)),
        );
        push(found, (1, self.graph.length(birth), death), &terms, meter)?;
        meter.free(terms);
        meter.free(ends);
        Ok(())
    }

    /// Appends the cycles of the classes that never die.
    fn finish(&mut self, found: &mut Vec<Representative>, meter: &mut Meter) -> Result<()> {
        for class in 0..self.births.len() {
            if self.births[class].1.is_none() {
                self.represent(class, f64::INFINITY, found, meter)?;
            }
        }
        Ok(())
    }

    /// Rows of the sum are edges from the last to the first.
    fn row(&self, edge: u32) -> u32 {
        self.graph.len() as u32 - 1 - edge
    }

    fn free(self, meter: &mut Meter) {
        meter.release(self.sides.len() * size_of::<[u32; 2]>());
        self.graph.free(meter);
        meter.free(self.births);
        meter.free(self.entries);
        meter.free(self.path);
        self.sum.free(meter);
    }
}
