//! Persistence diagrams.

use crate::{Error, Result};

/// One homology class: born at `birth`, dead at `death`, which is infinite for a class that never dies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    pub dimension: u8,
    pub birth: f64,
    pub death: f64,
}

impl Pair {
    /// How long the class lives.
    pub fn persistence(&self) -> f64 {
        self.death - self.birth
    }

    pub fn is_essential(&self) -> bool {
        self.death == f64::INFINITY
    }

    /// Fails unless the birth is finite, the death not before it, and a finite death at a finite distance.
    ///
    /// * `at` — the place of the pair, for the error
    pub(crate) fn check(&self, at: usize) -> Result<()> {
        let length = self.persistence();
        let finite = length.is_finite() || self.is_essential();
        if self.birth.is_finite() && length >= 0.0 && finite {
            return Ok(());
        }
        Err(Error::InvalidPair {
            pair: at,
            birth: self.birth,
            death: self.death,
        })
    }
}

/// A multiset of pairs, sorted by dimension, then birth, then death. Pairs of length 0 are left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diagram {
    pairs: Vec<Pair>,
}

impl Diagram {
    /// Sorts `pairs` and leaves out those of length 0.
    pub fn new(mut pairs: Vec<Pair>) -> Self {
        pairs.retain(|pair| pair.birth != pair.death);
        pairs.sort_unstable_by(|a, b| {
            let by_value = a.birth.total_cmp(&b.birth).then(a.death.total_cmp(&b.death));
            a.dimension.cmp(&b.dimension).then(by_value)
        });
        Self { pairs }
    }

    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    pub fn into_pairs(self) -> Vec<Pair> {
        self.pairs
    }

    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The pairs of one dimension, sorted by birth, then death.
    pub fn of_dimension(&self, dimension: u8) -> &[Pair] {
        let start = self.pairs.partition_point(|pair| pair.dimension < dimension);
        let end = self.pairs.partition_point(|pair| pair.dimension <= dimension);
        &self.pairs[start..end]
    }

    /// The number of classes of `dimension` that are alive at `value`.
    pub fn betti(&self, dimension: u8, value: f64) -> usize {
        self.of_dimension(dimension)
            .iter()
            .filter(|pair| pair.birth <= value && value < pair.death)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_sorted_and_those_of_length_zero_left_out() {
        let pair = |dimension, birth, death| Pair {
            dimension,
            birth,
            death,
        };
        let diagram = Diagram::new(vec![
            pair(1, 2.0, 3.0),
            pair(1, 1.0, 1.0),
            pair(0, 0.0, f64::INFINITY),
            pair(1, 2.0, 2.5),
            pair(0, 0.0, 1.0),
        ]);
        let expected = [
            pair(0, 0.0, 1.0),
            pair(0, 0.0, f64::INFINITY),
            pair(1, 2.0, 2.5),
            pair(1, 2.0, 3.0),
        ];
        assert_eq!(diagram.pairs(), expected);
        assert_eq!(diagram.of_dimension(1), &expected[2..]);
        assert_eq!(diagram.of_dimension(2), []);
        assert_eq!(
            (diagram.betti(1, 2.25), diagram.betti(1, 2.5), diagram.betti(0, 5.0)),
            (2, 1, 1)
        );
    }
}
