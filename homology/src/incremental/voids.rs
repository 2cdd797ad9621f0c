//! Degree 2: voids.
//!
//! The components of lunes that killed no cycle give birth to voids. An edge whose link has cycles that no triangle
//! fills kills voids: the suspensions of those cycles. A triangle is homologous to others with earlier edges: from its
//! longest edge over the way from the third point to the hub or to the chosen point of its component.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::bits;
use super::elimination::{Elimination, replace_all};
use super::hollow::Shape;
use super::lengths::{Edge, Lengths};
use super::links::{Links, OpenEdge};
use super::marks::{Mark, Marks};
use crate::Result;
use crate::diagram::Pair;
use crate::limits::Meter;

/// A triangle by its longest edge and the third point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Triangle {
    edge: Edge,
    third: u32,
}

impl Triangle {
    fn new(a: u32, b: u32, c: u32, lengths: &Lengths) -> Self {
        let longer = |edge: Edge, other: Edge| {
            if lengths.precedes(edge, lengths.bound(other)) {
                other
            } else {
                edge
            }
        };
        let edge = longer(longer(Edge::new(a, b), Edge::new(a, c)), Edge::new(b, c));
        // The point that is not an end of the edge.
        let third = a ^ b ^ c ^ edge.high ^ edge.low;
        Self { edge, third }
    }
}

/// Which components of lunes give birth to voids.
struct Births {
    /// The place of each open edge in its list.
    places: HashMap<Edge, u32, FxBuildHasher>,
    /// Where the components of each open edge begin in `rows`.
    starts: Vec<u32>,
    rows: Vec<Option<u32>>,
    lengths: Vec<f64>,
}

impl Births {
    fn new(open: &[OpenEdge], threshold: f64, killers: &[bool], meter: &mut Meter) -> Result<Self> {
        meter.charge(Self::places_bytes(open.len()))?;
        let mut births = Self {
            places: HashMap::with_capacity_and_hasher(open.len(), FxBuildHasher),
            starts: meter.vec(open.len())?,
            rows: Vec::new(),
            lengths: Vec::new(),
        };
        for (place, open) in (0..).zip(open.iter().take_while(|open| open.length <= threshold)) {
            births.places.insert(open.edge, place);
            births.starts.push(births.rows.len() as u32);
            for _ in &open.others {
                let kills = killers.get(births.rows.len()).is_some_and(|kills| *kills);
                meter.push(&mut births.rows, (!kills).then_some(births.lengths.len() as u32))?;
                if !kills {
                    meter.push(&mut births.lengths, open.length)?;
                }
            }
        }
        Ok(births)
    }

    /// A table is at most seven eighths full and at least half of that.
    fn places_bytes(count: usize) -> usize {
        (count * 16 / 7) * (size_of::<(Edge, u32)>() + 1)
    }

    fn free(self, meter: &mut Meter) {
        meter.release(Self::places_bytes(self.starts.capacity()));
        meter.free(self.starts);
        meter.free(self.rows);
        meter.free(self.lengths);
    }
}

/// Appends the pairs of degree 2 up to `threshold`; `killers` says which components of lunes kill cycles. Every edge up
/// to there is certified. False if some link is too large; the pairs are not complete then.
pub(super) fn pair(
    links: &mut Links,
    threshold: f64,
    killers: &[bool],
    pairs: &mut Vec<Pair>,
    meter: &mut Meter,
) -> Result<bool> {
    let births = Births::new(&links.open, threshold, killers, meter)?;
    let mut elimination = Elimination::new(births.lengths.len(), meter)?;
    let Links {
        lengths, marks, open, ..
    } = links;
    for place in 0..births.starts.len() {
        if elimination.unpaired() == 0 {
            break;
        }
        let OpenEdge {
            length,
            edge,
            ref mut shape,
            ..
        } = open[place];
        let shape = shape.get_or_insert_default();
        let Some(cycles) = shape.cycles(lengths, lengths.bound(edge), meter)? else {
            return Ok(false);
        };
        let suspensions: Vec<Vec<Triangle>> = cycles.iter().map(|cycle| suspend(cycle, edge, lengths)).collect();
        for suspension in suspensions {
            let mut column = elimination.empty_column();
            trace(suspension, lengths, marks, open, &births, &mut column, meter)?;
            if let Some(row) = elimination.reduce(&mut column, meter)? {
                pairs.push(Pair {
                    dimension: 2,
                    birth: births.lengths[row as usize],
                    death: length,
                });
            }
        }
    }
    let essential = (0..births.lengths.len()).filter(|row| !elimination.is_paired(*row));
    pairs.extend(essential.map(|row| Pair {
        dimension: 2,
        birth: births.lengths[row],
        death: f64::INFINITY,
    }));
    elimination.free(meter);
    births.free(meter);
    Ok(true)
}

/// The triangles over the edges of a cycle in the link, from both ends of the edge.
fn suspend(cycle: &[[u32; 2]], edge: Edge, lengths: &Lengths) -> Vec<Triangle> {
    let over = |end: u32| cycle.iter().map(move |[a, b]| Triangle::new(*a, *b, end, lengths));
    over(edge.high).chain(over(edge.low)).collect()
}

/// Adds the rows of a chain of triangles to `column`.
fn trace(
    chain: Vec<Triangle>,
    lengths: &Lengths,
    marks: &Marks,
    open: &mut [OpenEdge],
    births: &Births,
    column: &mut [u64],
    meter: &mut Meter,
) -> Result<()> {
    let mut way = Vec::new();
    let key = |triangle: Triangle| (lengths.rounded(triangle.edge).to_bits(), triangle);
    let replace = |Triangle { edge, third }: Triangle, into: &mut Vec<Triangle>| {
        let mut step = |from: u32, to: u32| {
            into.extend([edge.high, edge.low].map(|end| Triangle::new(from, to, end, lengths)));
        };
        match marks.get(edge) {
            // The triangle with the hub is paired with its edge.
            Mark::Hub(hub) if hub == third => {}
            Mark::Hub(hub) => step(third, hub),
            Mark::Open(first) => {
                let place = births.places[&edge] as usize;
                let OpenEdge { others, shape, .. } = &mut open[place];
                let roots: Vec<u32> = std::iter::once(first).chain(others.iter().copied()).collect();
                let shape: &mut Shape = shape.get_or_insert_default();
                let component = shape.way(third, lengths, lengths.bound(edge), &roots, &mut way);
                way.windows(2).for_each(|pair| step(pair[0], pair[1]));
                if component > 0
                    && let Some(row) = births.rows[births.starts[place] as usize + component as usize - 1]
                {
                    bits::toggle(column, row);
                }
            }
            Mark::Empty | Mark::Witness(_) | Mark::Unknown => {
                unreachable!("the longest edge of a triangle is certified and its lune is not empty")
            }
        }
        Ok(())
    };
    replace_all(chain, key, |(_, triangle)| triangle, replace, meter)
}
