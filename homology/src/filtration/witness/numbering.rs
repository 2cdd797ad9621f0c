//! Simplices as consecutive integers.

use crate::limits::Meter;
use crate::{Error, Result};

/// The combinatorial number system: the simplex with vertices `v0 < v1 < … < vk` is number `Σ C(vi, i + 1)` among all
/// simplices of its dimension, which are numbered without gaps by their largest vertices first.
#[derive(Debug, Clone)]
pub(super) struct Numbering {
    vertices: usize,
    /// `choose[k - 1][v]` is `C(v, k)` for `v <= vertices`.
    choose: Vec<Vec<u64>>,
}

impl Numbering {
    /// For simplices of up to `simplex_vertices` of `vertices` vertices.
    ///
    /// Fails with [`Error::TooManySimplices`] if there are 2⁶⁴ of one dimension or more.
    pub fn new(vertices: usize, simplex_vertices: usize, meter: &mut Meter) -> Result<Self> {
        let mut choose: Vec<Vec<u64>> = meter.vec(simplex_vertices)?;
        for size in 1..=simplex_vertices {
            let too_many = Error::TooManySimplices {
                dimension: size - 1,
                vertices,
            };
            let mut row: Vec<u64> = meter.vec(vertices + 1)?;
            row.push(0);
            for vertex in 0..vertices {
                // Pascal: C(v + 1, k) = C(v, k) + C(v, k - 1)
                let without = if size == 1 { 1 } else { choose[size - 2][vertex] };
                let number = row[vertex].checked_add(without).ok_or_else(|| too_many.clone())?;
                row.push(number);
            }
            choose.push(row);
        }
        Ok(Self { vertices, choose })
    }

    /// How many simplices have `size` vertices.
    pub fn count(&self, size: usize) -> u64 {
        self.choose[size - 1][self.vertices]
    }

    /// The part that `vertex` has in the number of a simplex in which it is `position`th from below, counted from 1.
    #[inline]
    pub fn part(&self, vertex: u32, position: usize) -> u64 {
        self.choose[position - 1][vertex as usize]
    }

    /// The number of a simplex given by ascending vertices.
    pub fn number(&self, simplex: &[u32]) -> u64 {
        (1..)
            .zip(simplex)
            .map(|(position, vertex)| self.part(*vertex, position))
            .sum()
    }

    /// Writes the ascending vertices of simplex `number` to `simplex`, whose length says how many there are.
    pub fn vertices(&self, mut number: u64, simplex: &mut [u32]) {
        for position in (0..simplex.len()).rev() {
            let parts = &self.choose[position];
            // The largest vertex whose part is not too large; parts ascend with the vertex.
            let vertex = parts[..self.vertices].partition_point(|part| *part <= number) - 1;
            simplex[position] = vertex as u32;
            number -= parts[vertex];
        }
    }

    pub fn bytes(&self) -> usize {
        self.choose.len() * (self.vertices + 1) * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn numbering(vertices: usize, simplex_vertices: usize) -> Result<Numbering> {
        Numbering::new(vertices, simplex_vertices, &mut Meter::new(&Limits::default()))
    }

    #[test]
    fn numbers_have_no_gaps_and_lead_back_to_their_simplices() {
        let numbering = numbering(7, 3).unwrap();
        assert_eq!([1, 2, 3].map(|size| numbering.count(size)), [7, 21, 35]);
        for size in 1..=3 {
            let mut before: Vec<u32> = Vec::new();
            for number in 0..numbering.count(size) {
                let mut simplex = vec![0; size];
                numbering.vertices(number, &mut simplex);
                assert!(
                    simplex.is_sorted_by(|a, b| a < b) && simplex[size - 1] < 7,
                    "{simplex:?}"
                );
                assert_eq!(numbering.number(&simplex), number);
                let descending: Vec<u32> = simplex.into_iter().rev().collect();
                assert!(before < descending, "{before:?} {descending:?}");
                before = descending;
            }
        }
    }

    #[test]
    fn more_simplices_than_a_word_can_count_are_refused() {
        assert!(matches!(
            numbering(1000, 9),
            Err(Error::TooManySimplices { dimension: 7, .. })
        ));
        assert!(numbering(1000, 6).is_ok());
        assert!(numbering(64, 64).is_ok());
    }
}
