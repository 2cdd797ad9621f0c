//! The lune of an edge: the points that are joined to both of its ends by edges that enter earlier.
//!
//! When an edge enters, a cone over the suspension of its link enters, and the link is the clique complex on the lune.
//! So the edge changes homology as far as the link differs from a point (Koyama, Memoli, Robins, Turner, *Faster
//! computation of degree-1 persistent homology using the reduced Vietoris–Rips filtration*, 2023). Of most edges the
//! link is a cone: a hub in the lune is joined to all the rest of it.

use super::bits::{self, WORD};
use super::lanes::{Lanes, compare_both};
use super::lengths::{Bound, Lengths};

/// What a lune tells about its edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lune {
    /// The edge is one of the relative neighbourhood graph.
    Empty,
    /// One point of the lune is joined to all others by edges that enter earlier than the edge of the lune.
    Hub(u32),
    /// There is no hub, or none was sought. One point of each connected component.
    Open { components: Vec<u32> },
}

/// Working memory for lunes.
#[derive(Debug, Default)]
pub(super) struct LuneScan {
    lune: Vec<u64>,
    /// Points of the lune that are near the middle of the edge: likely hubs.
    middle: Vec<u64>,
    candidates: Vec<u64>,
    open: Vec<u32>,
}

impl LuneScan {
    pub fn new(words: usize) -> Self {
        let empty = || vec![0; words];
        Self {
            lune: empty(),
            middle: empty(),
            candidates: empty(),
            open: Vec::new(),
        }
    }

    /// Some point of the lune, the first found from the words before `newest` down: a point that stays long.
    pub fn witness(lengths: &Lengths, bound: Bound, newest: u32) -> Option<u32> {
        let words = lengths.words();
        let start = newest as usize / WORD;
        (0..words).map(|step| (start + words - step) % words).find_map(|word| {
            let bits = lengths.lune(bound, word);
            (bits != 0).then(|| (word * WORD) as u32 + bits.trailing_zeros())
        })
    }

    /// Looks at the whole lune; for a hub only if `seek_hub`.
    pub fn examine(&mut self, lengths: &Lengths, bound: Bound, seek_hub: bool) -> Lune {
        if !self.fill(lengths, bound) {
            return Lune::Empty;
        }
        let hub = if seek_hub { self.hub(lengths, bound) } else { None };
        match hub {
            Some(hub) => Lune::Hub(hub),
            None => Lune::Open {
                components: self.components(lengths, bound),
            },
        }
    }

    /// Whether the lune is not empty.
    fn fill(&mut self, lengths: &Lengths, bound: Bound) -> bool {
        /// Half of the edge is the least that a longer distance to its ends can be.
        const MIDDLE: f32 = 0.6;
        let (mut any, middle) = (0, Lanes::all(bound.length * MIDDLE));
        for word in 0..lengths.words() {
            let inside = lengths.lune(bound, word);
            any |= inside;
            self.lune[word] = inside;
            self.middle[word] = if inside == 0 {
                0
            } else {
                let (high, low) = (lengths.part(bound.edge.high, word), lengths.part(bound.edge.low, word));
                inside & compare_both(high, low, |a, b| a.max(b).below(middle))
            };
        }
        any != 0
    }

    /// A point that is joined to all others, if there is one. A candidate that is not joined to some point shows that
    /// only points joined to that one remain candidates, so that a few trials decide.
    fn hub(&mut self, lengths: &Lengths, bound: Bound) -> Option<u32> {
        self.candidates.copy_from_slice(&self.lune);
        while let Some(candidate) = self.likeliest() {
            let Some(missed) = self.missed_by(candidate, lengths, bound) else {
                return Some(candidate);
            };
            for (word, candidates) in self.candidates.iter_mut().enumerate() {
                let mut remaining = *candidates;
                if remaining != 0 {
                    remaining = lengths.joined(missed, bound, word, remaining);
                }
                if missed as usize / WORD == word {
                    remaining |= *candidates & 1 << (missed as usize % WORD);
                }
                *candidates = remaining;
            }
        }
        None
    }

    fn likeliest(&self) -> Option<u32> {
        let central = self.middle.iter().zip(&self.candidates).position(|(a, b)| a & b != 0);
        match central {
            Some(word) => Some((word * WORD) as u32 + (self.middle[word] & self.candidates[word]).trailing_zeros()),
            None => bits::first(&self.candidates),
        }
    }

    /// A point of the lune, other than `candidate`, that is not joined to it.
    fn missed_by(&self, candidate: u32, lengths: &Lengths, bound: Bound) -> Option<u32> {
        for (word, inside) in self.lune.iter().enumerate() {
            if *inside == 0 {
                continue;
            }
            let mut missed = inside & !lengths.joined(candidate, bound, word, *inside);
            if candidate as usize / WORD == word {
                missed &= !(1 << (candidate as usize % WORD));
            }
            if missed != 0 {
                return Some((word * WORD) as u32 + missed.trailing_zeros());
            }
        }
        None
    }

    /// One point of each component of the lune.
    fn components(&mut self, lengths: &Lengths, bound: Bound) -> Vec<u32> {
        let mut components = Vec::new();
        self.candidates.copy_from_slice(&self.lune);
        while let Some(seed) = self.likeliest() {
            components.push(seed);
            bits::remove(&mut self.candidates, seed);
            self.open.push(seed);
            while let Some(point) = self.open.pop() {
                for (word, unseen) in self
                    .candidates
                    .iter_mut()
                    .enumerate()
                    .filter(|(_, unseen)| **unseen != 0)
                {
                    let found = lengths.joined(point, bound, word, *unseen);
                    *unseen &= !found;
                    self.open
                        .extend(bits::ones(found).map(|bit| (word * WORD) as u32 + bit));
                }
            }
        }
        components
    }
}
