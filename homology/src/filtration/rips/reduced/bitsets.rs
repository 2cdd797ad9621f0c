//! Lunes as intersections of bit sets, for matrices and for edges so long that most vertices are near.
//!
//! The edges of a shell are sorted and entered one by one, so that the rows of the bit matrix hold exactly the edges
//! before the one at hand: ties need no care. A lune costs `n / 64` words.

use super::classes::Apexes;
use super::edge::{Edge, is_before_at_vertex};
use super::events::Events;
use crate::Result;
use crate::field::Field;
use crate::limits::Meter;
use crate::sort::radix_sort;

/// Edges of a shell, if that does not make too many shells.
pub(super) const SHELL_EDGES: usize = 1 << 18;
pub(super) const MOST_SHELLS: usize = 24;

/// Ordinals of all pairs, which order them like their distances. `INFINITY` is for pairs that are never joined.
pub(super) trait Ordinals {
    fn len(&self) -> usize;

    fn ordinal(&self, i: u32, j: u32) -> f64;

    /// Writes the ordinals of the pairs of `i` with all smaller vertices.
    fn row(&self, i: u32, into: &mut Vec<f64>);
}

/// A graph that grows by one edge at a time.
#[derive(Debug)]
struct Adjacency<'a, O> {
    ordinals: &'a O,
    /// Words of a row.
    width: usize,
    rows: Vec<u64>,
    /// The lune at hand, what of it is reached, and the neighbours in it of one vertex.
    lune: Vec<u64>,
    reached: Vec<u64>,
    frontier: Vec<u64>,
}

/// Enters the edges whose ordinals are above `done` and at most `limit`, and tells `events` what they do.
///
/// With `roots_known` all edges with empty lunes were told before, and the work ends with the last class.
pub(super) fn enter<O: Ordinals, F: Field>(
    ordinals: &O,
    done: Option<f64>,
    limit: f64,
    roots_known: bool,
    events: &mut Events<F>,
    meter: &mut Meter,
) -> Result<()> {
    let mut graph = Adjacency::new(ordinals, meter)?;
    if let Some(done) = done {
        graph.join_all(done, meter)?;
    }
    let bounds = shells(ordinals, done, limit, meter)?;
    let mut low = done;
    for high in bounds {
        if roots_known && events.classes.alive() == 0 {
            break;
        }
        let edges = edges_between(ordinals, low, high, meter)?;
        for edge in &edges {
            if roots_known && events.classes.alive() == 0 {
                break;
            }
            graph.enter(edge, roots_known, events, meter)?;
        }
        meter.free(edges);
        low = Some(high);
    }
    graph.free(meter);
    Ok(())
}

/// Upper bounds of shells of about equally many edges, the last one `limit`, guessed from a sample.
fn shells<O: Ordinals>(ordinals: &O, done: Option<f64>, limit: f64, meter: &mut Meter) -> Result<Vec<f64>> {
    const SAMPLE: usize = 1024;
    let points = ordinals.len();
    let pairs = points * points.saturating_sub(1) / 2;
    let count = (pairs / SHELL_EDGES).clamp(1, MOST_SHELLS);
    if count == 1 {
        return Ok(vec![limit]);
    }
    meter.work(SAMPLE)?;
    let mut state = 1_u64;
    let mut vertex = || {
        // Knuth's generator: any spread will do, as long as it is always the same.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize % points) as u32
    };
    let drawn = (0..SAMPLE).map(|_| (vertex(), vertex())).filter(|(i, j)| i != j);
    let mut sample: Vec<f64> = drawn.map(|(i, j)| ordinals.ordinal(i.max(j), i.min(j))).collect();
    sample.sort_unstable_by(f64::total_cmp);
    let mut bounds: Vec<f64> = (1..count).map(|at| sample[at * sample.len() / count]).collect();
    bounds.retain(|bound| *bound < limit && done.is_none_or(|done| *bound > done));
    bounds.dedup();
    bounds.push(limit);
    Ok(bounds)
}

/// The edges with ordinals above `low` and at most `high`, in their order.
fn edges_between<O: Ordinals>(ordinals: &O, low: Option<f64>, high: f64, meter: &mut Meter) -> Result<Vec<Edge>> {
    let low = low.unwrap_or(-1.0);
    let mut edges = Vec::new();
    let mut row = meter.vec(ordinals.len())?;
    for i in 0..ordinals.len() as u32 {
        meter.work(i as usize)?;
        ordinals.row(i, &mut row);
        for (j, ordinal) in (0..).zip(&row) {
            if *ordinal > low && *ordinal <= high {
                meter.push(&mut edges, Edge::new(i, j, *ordinal))?;
            }
        }
    }
    meter.free(row);
    // They come sorted by vertices, which the stable sort keeps among ties.
    let digit = |edge: &Edge, shift: u32, mask: usize| (edge.ordinal.to_bits() >> shift) as usize & mask;
    radix_sort(edges, u64::BITS, digit, meter)
}

impl<'a, O: Ordinals> Adjacency<'a, O> {
    fn new(ordinals: &'a O, meter: &mut Meter) -> Result<Self> {
        let width = ordinals.len().div_ceil(64);
        let mut words = |count| -> Result<Vec<u64>> {
            let mut words = meter.vec(count)?;
            words.resize(count, 0);
            Ok(words)
        };
        Ok(Self {
            ordinals,
            width,
            rows: words(width * ordinals.len())?,
            lune: words(width)?,
            reached: words(width)?,
            frontier: words(width)?,
        })
    }

    fn free(self, meter: &mut Meter) {
        [self.rows, self.lune, self.reached, self.frontier]
            .into_iter()
            .for_each(|words| meter.free(words));
    }

    #[inline]
    fn row(&self, vertex: u32) -> &[u64] {
        &self.rows[vertex as usize * self.width..][..self.width]
    }

    #[inline]
    fn join(&mut self, i: u32, j: u32) {
        self.rows[i as usize * self.width + j as usize / 64] |= 1 << (j % 64);
        self.rows[j as usize * self.width + i as usize / 64] |= 1 << (i % 64);
    }

    /// Enters all edges up to an ordinal.
    fn join_all(&mut self, limit: f64, meter: &mut Meter) -> Result<()> {
        let mut row = meter.vec(self.ordinals.len())?;
        for i in 0..self.ordinals.len() as u32 {
            meter.work(i as usize)?;
            self.ordinals.row(i, &mut row);
            for (j, ordinal) in (0..).zip(&row) {
                if *ordinal <= limit {
                    self.join(i, j);
                }
            }
        }
        meter.free(row);
        Ok(())
    }

    fn enter<F: Field>(
        &mut self,
        edge: &Edge,
        roots_known: bool,
        events: &mut Events<F>,
        meter: &mut Meter,
    ) -> Result<()> {
        meter.work(1 + self.width / 8)?;
        if !self.intersect(edge) {
            if !roots_known {
                events.root(edge, meter)?;
            }
        } else if events.classes.alive() > 0 && !self.is_reached_from_one() {
            let apexes = self.apexes(edge);
            for other in &apexes[1..] {
                events.kill(edge, [apexes[0], *other], self, meter)?;
            }
        }
        self.join(edge.i, edge.j);
        Ok(())
    }

    /// Fills the lune; whether there is anything in it.
    fn intersect(&mut self, edge: &Edge) -> bool {
        let (start_i, start_j) = (edge.i as usize * self.width, edge.j as usize * self.width);
        let rows = self.rows[start_i..][..self.width]
            .iter()
            .zip(&self.rows[start_j..][..self.width]);
        let mut any = 0;
        for (lune, (a, b)) in self.lune.iter_mut().zip(rows) {
            *lune = a & b;
            any |= *lune;
        }
        any != 0
    }

    /// Whether the lune is one component, tried with few of its vertices.
    fn is_reached_from_one(&mut self) -> bool {
        /// After so many the components are told apart properly.
        const TRIES: usize = 4;
        self.reached.fill(0);
        let Some(first) = first_bit(&self.lune) else {
            return true;
        };
        let mut from = first;
        for _ in 0..TRIES {
            let row = &self.rows[from as usize * self.width..][..self.width];
            let touching = self.reached.iter().zip(row).map(|(reached, row)| reached & row);
            if from != first && touching.fold(0, |any, word| any | word) == 0 {
                return false;
            }
            set(&mut self.reached, from);
            let mut next = None;
            for (at, ((reached, row), lune)) in (0..).zip(self.reached.iter_mut().zip(row).zip(&self.lune)) {
                *reached |= row & lune;
                let rest = lune & !*reached;
                if rest != 0 {
                    next = Some(64 * at + rest.trailing_zeros());
                }
            }
            let Some(vertex) = next else { return true };
            from = vertex;
        }
        false
    }

    /// One vertex of each component of the lune, central ones.
    fn apexes(&mut self, edge: &Edge) -> Vec<u32> {
        let mut apexes = Vec::new();
        while let Some(first) = first_bit(&self.lune) {
            self.reached.fill(0);
            self.frontier.fill(0);
            set(&mut self.reached, first);
            set(&mut self.frontier, first);
            while let Some(from) = first_bit(&self.frontier) {
                let row = &self.rows[from as usize * self.width..][..self.width];
                self.frontier[from as usize / 64] &= !(1 << (from % 64));
                let words = self.frontier.iter_mut().zip(&mut self.reached).zip(row).zip(&self.lune);
                for (((frontier, reached), row), lune) in words {
                    let new = row & lune & !*reached;
                    *frontier |= new;
                    *reached |= new;
                }
            }
            for (lune, reached) in self.lune.iter_mut().zip(&self.reached) {
                *lune &= !reached;
            }
            apexes.push(self.central(edge, bits(self.reached.iter().copied())).unwrap_or(first));
        }
        apexes
    }

    /// Of the first few vertices in the lune of `edge`, the one whose farther end is nearest.
    fn central(&self, edge: &Edge, vertices: impl Iterator<Item = u32>) -> Option<u32> {
        const FEW: usize = 16;
        let measured = vertices.filter_map(|c| {
            let (ac, bc) = (self.between(edge.i, c), self.between(edge.j, c));
            let is_in_lune = is_before_at_vertex((ac, c), (edge.ordinal, edge.j))
                && is_before_at_vertex((bc, c), (edge.ordinal, edge.i));
            is_in_lune.then_some((ac.max(bc), c))
        });
        let best = measured
            .take(FEW)
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        best.map(|(_, vertex)| vertex)
    }

    #[inline]
    fn between(&self, a: u32, b: u32) -> f64 {
        self.ordinals.ordinal(a.max(b), a.min(b))
    }
}

impl<O: Ordinals> Apexes for Adjacency<'_, O> {
    fn edge(&self, a: u32, b: u32) -> Edge {
        Edge::new(a, b, self.between(a, b))
    }

    fn apex(&mut self, edge: &Edge, meter: &mut Meter) -> Result<u32> {
        meter.work(1 + self.width)?;
        let common = self.row(edge.i).iter().zip(self.row(edge.j)).map(|(a, b)| a & b);
        let apex = self.central(edge, bits(common));
        Ok(apex.expect("the edge is before the one that is entered and not a root, so that its lune is not empty"))
    }
}

fn first_bit(words: &[u64]) -> Option<u32> {
    let at = words.iter().position(|word| *word != 0)?;
    Some((64 * at) as u32 + words[at].trailing_zeros())
}

fn set(words: &mut [u64], bit: u32) {
    words[bit as usize / 64] |= 1 << (bit % 64);
}

/// The positions of all bits that are set.
fn bits(words: impl Iterator<Item = u64>) -> impl Iterator<Item = u32> {
    (0..).step_by(64).zip(words).flat_map(|(start, mut word)| {
        std::iter::from_fn(move || {
            let bit = word.trailing_zeros();
            (word != 0).then(|| {
                word &= word - 1;
                start + bit
            })
        })
    })
}
