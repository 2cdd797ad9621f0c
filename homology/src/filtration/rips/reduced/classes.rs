//! The classes of degree 1 that are alive, and what every cycle is in terms of them.
//!
//! Each edge has a vector of classes such that the vectors of a cycle's edges add up to its class (annotations:
//! Busaryev, Cabello, Chen, Dey and Wang, *Annotating simplices with a homology basis and its applications*, 2012). The
//! edges of the spanning forest have the vector 0, an edge that closed a new cycle is the class of that cycle, and any
//! other edge `ab` has the sum of the vectors of `ac` and `cb` for a vertex `c` of its lune, because that triangle
//! entered together with it. Vectors are computed when a cycle asks for them and kept for the next ones.

use super::edge::{Edge, key};
use super::sum::{Sum, Term};
use super::table::Table;
use crate::Result;
use crate::field::Field;
use crate::limits::Meter;

/// Finds the third vertex of a triangle that entered together with an edge.
pub(super) trait Apexes {
    fn edge(&self, a: u32, b: u32) -> Edge;

    /// Any vertex of the lune of `edge`, which is not empty.
    fn apex(&mut self, edge: &Edge, meter: &mut Meter) -> Result<u32>;
}

/// Where a vector is in a list of terms.
#[derive(Debug, Clone, Copy, Default)]
struct Vector {
    start: usize,
    len: u32,
}

impl Vector {
    fn range(self) -> std::ops::Range<usize> {
        self.start..self.start + self.len as usize
    }
}

#[derive(Debug)]
struct Class {
    birth: f64,
    /// What a class that has died is the same as, in terms of older ones.
    relation: Option<Vector>,
}

/// An edge with an empty lune.
#[derive(Debug, Clone, Copy)]
enum Root {
    /// It joined two components.
    Forest,
    /// It gave birth to this class.
    Class(u32),
}

/// Edges are directed from their larger vertex to their smaller one.
#[derive(Debug)]
pub(super) struct Classes<F> {
    field: F,
    classes: Vec<Class>,
    alive: usize,
    roots: Table<Root>,
    relations: Vec<Term>,
    /// Vectors of other edges: a cache that may be dropped between any two cycles.
    known: Table<Vector>,
    terms: Vec<Term>,
    sum: Sum,
    /// Edges whose vectors are wanted, with their apexes once these are found.
    wanted: Vec<(Edge, Option<u32>)>,
}

/// Kept vectors and terms beyond which the cache is dropped.
const KEPT: usize = 1 << 24;

impl<F: Field> Classes<F> {
    pub fn new(field: F) -> Self {
        Self {
            field,
            classes: Vec::new(),
            alive: 0,
            roots: Table::default(),
            relations: Vec::new(),
            known: Table::default(),
            terms: Vec::new(),
            sum: Sum::default(),
            wanted: Vec::new(),
        }
    }

    /// How many classes have been born and have not died.
    pub fn alive(&self) -> usize {
        self.alive
    }

    /// The births of those classes.
    pub fn births_alive(&self) -> impl Iterator<Item = f64> {
        let alive = self.classes.iter().filter(|class| class.relation.is_none());
        alive.map(|class| class.birth)
    }

    /// Takes an edge that joined two components.
    pub fn join(&mut self, edge: &Edge, meter: &mut Meter) -> Result<()> {
        self.roots.insert(edge.key(), Root::Forest, meter)
    }

    /// Takes an edge with an empty lune that closed a cycle. These edges come in their order.
    pub fn give_birth(&mut self, edge: &Edge, meter: &mut Meter) -> Result<()> {
        let class = Class {
            birth: edge.ordinal,
            relation: None,
        };
        let root = Root::Class(self.classes.len() as u32);
        meter.push(&mut self.classes, class)?;
        self.sum.grow(meter)?;
        self.alive += 1;
        self.roots.insert(edge.key(), root, meter)
    }

    /// Kills the cycle through both ends of `edge` and the two `apexes`: vertices of two components of its lune.
    /// Returns the birth of the class that died of it, the youngest of the cycle's classes, if there is any.
    pub fn kill(
        &mut self,
        edge: &Edge,
        apexes: [u32; 2],
        source: &mut impl Apexes,
        meter: &mut Meter,
    ) -> Result<Option<f64>> {
        if self.terms.len().max(self.known.len()) > KEPT {
            self.known.clear(meter);
            self.terms.clear();
        }
        let [c, d] = apexes;
        let cycle = [(edge.i, c), (c, edge.j), (edge.j, d), (d, edge.i)];
        for (from, to) in cycle {
            self.compute(source.edge(from, to), source, meter)?;
        }
        cycle.iter().for_each(|(from, to)| self.add(*from, *to));
        let resolved = self.resolve(meter)?;
        let Some(youngest) = self.terms[resolved.range()].first().copied() else {
            return Ok(None);
        };
        let start = self.relations.len();
        // youngest + rest = 0.
        let factor = self.field.negate(self.field.inverse(youngest.coefficient));
        meter.reserve(&mut self.relations, resolved.len as usize)?;
        let rest = resolved.start + 1..resolved.range().end;
        let field = self.field;
        self.relations.extend(self.terms[rest].iter().map(|term| Term {
            class: term.class,
            coefficient: field.multiply(term.coefficient, factor),
        }));
        self.terms.truncate(resolved.start);
        let class = &mut self.classes[youngest.class as usize];
        class.relation = Some(Vector {
            start,
            len: resolved.len - 1,
        });
        self.alive -= 1;
        Ok(Some(class.birth))
    }

    /// Makes the vector of an edge known.
    fn compute(&mut self, edge: Edge, source: &mut impl Apexes, meter: &mut Meter) -> Result<()> {
        meter.push(&mut self.wanted, (edge, None))?;
        while let Some((edge, apex)) = self.wanted.pop() {
            if let Some(c) = apex {
                self.add(edge.i, c);
                self.add(c, edge.j);
                let vector = self.resolve(meter)?;
                self.known.insert(edge.key(), vector, meter)?;
            } else if !self.is_known(edge.key()) {
                let c = source.apex(&edge, meter)?;
                // Comes up again when both sides are known. They are before the edge, so that this ends.
                meter.push(&mut self.wanted, (edge, Some(c)))?;
                for end in [edge.i, edge.j] {
                    if !self.is_known(key(end, c)) {
                        meter.push(&mut self.wanted, (source.edge(end, c), None))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn is_known(&self, key: u64) -> bool {
        self.roots.get(key).is_some() || self.known.get(key).is_some()
    }

    /// Adds the vector of a known edge, directed as given.
    fn add(&mut self, from: u32, to: u32) {
        let direction = if from > to { 1 } else { self.field.negate(1) };
        let key = key(from, to);
        match self.roots.get(key) {
            Some(Root::Forest) => {}
            Some(Root::Class(class)) => {
                let term = Term { class, coefficient: 1 };
                self.sum.add(&[term], direction, self.field);
            }
            None => {
                let vector = self.known.get(key).unwrap_or_default();
                self.sum.add(&self.terms[vector.range()], direction, self.field);
            }
        }
    }

    /// Rewrites the sum in terms of classes that are alive, youngest first, and appends it to the terms.
    fn resolve(&mut self, meter: &mut Meter) -> Result<Vector> {
        let start = self.terms.len();
        meter.work(1)?;
        while let Some(term) = self.sum.pop() {
            match self.classes[term.class as usize].relation {
                None => meter.push(&mut self.terms, term)?,
                Some(relation) => {
                    meter.work(1 + relation.len as usize / 8)?;
                    self.sum
                        .add(&self.relations[relation.range()], term.coefficient, self.field);
                }
            }
        }
        Ok(Vector {
            start,
            len: (self.terms.len() - start) as u32,
        })
    }
}
