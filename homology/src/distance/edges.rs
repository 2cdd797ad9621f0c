//! A weighted graph: pairs that are not listed are never joined.

use crate::{Error, Result};

/// Edges `(i, j, value)` on `vertices` vertices, each pair at most once.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseEdges {
    vertices: usize,
    /// `(i, j, value)` with `i > j`, sorted by `(i, j)`.
    edges: Vec<(u32, u32, f64)>,
}

impl SparseEdges {
    /// From edges in any order; the same pair may be repeated with the same value.
    ///
    /// Values are not negative; an infinite value is as good as no edge. Fails with [`Error::UnknownVertex`],
    /// [`Error::Loop`], [`Error::InvalidDistance`] or [`Error::ConflictingEdge`], and with [`Error::TooManyPoints`]
    /// beyond 2³² − 1 vertices.
    pub fn new(vertices: usize, edges: &[(usize, usize, f64)]) -> Result<Self> {
        let limit = u32::MAX as usize;
        if vertices > limit {
            return Err(Error::TooManyPoints { found: vertices, limit });
        }
        let mut sorted = Vec::with_capacity(edges.len());
        for (edge, &(i, j, value)) in edges.iter().enumerate() {
            let (row, column) = (i.max(j), i.min(j));
            if row >= vertices {
                return Err(Error::UnknownVertex {
                    edge,
                    found: row,
                    vertices,
                });
            }
            if row == column {
                return Err(Error::Loop { edge, vertex: row });
            }
            // NaN fails this comparison too.
            if !matches!(
                value.partial_cmp(&0.0),
                Some(std::cmp::Ordering::Equal | std::cmp::Ordering::Greater)
            ) {
                return Err(Error::InvalidDistance {
                    row: i,
                    column: j,
                    found: value,
                });
            }
            sorted.push((row as u32, column as u32, value));
        }
        sorted.sort_unstable_by_key(|&(i, j, _)| (i, j));
        if let Some(pair) = sorted
            .windows(2)
            .find(|pair| same_pair(&pair[0], &pair[1]) && pair[0].2 != pair[1].2)
        {
            let (row, column) = (pair[0].0 as usize, pair[0].1 as usize);
            return Err(Error::ConflictingEdge {
                row,
                column,
                first: pair[0].2,
                second: pair[1].2,
            });
        }
        sorted.dedup_by(|a, b| same_pair(a, b));
        Ok(Self {
            vertices,
            edges: sorted,
        })
    }

    /// The number of vertices.
    pub fn vertices(&self) -> usize {
        self.vertices
    }

    /// The edges `(i, j, value)` with `i > j`, sorted by `(i, j)`.
    pub fn edges(&self) -> &[(u32, u32, f64)] {
        &self.edges
    }
}

fn same_pair(a: &(u32, u32, f64), b: &(u32, u32, f64)) -> bool {
    (a.0, a.1) == (b.0, b.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_put_in_one_form() {
        let edges = SparseEdges::new(4, &[(0, 3, 2.0), (2, 1, 1.0), (3, 0, 2.0)]).unwrap();
        assert_eq!(edges.edges(), [(2, 1, 1.0), (3, 0, 2.0)]);
    }

    #[test]
    fn faults_are_named() {
        assert_eq!(
            SparseEdges::new(3, &[(0, 1, 1.0), (1, 3, 1.0)]),
            Err(Error::UnknownVertex {
                edge: 1,
                found: 3,
                vertices: 3
            })
        );
        assert_eq!(
            SparseEdges::new(3, &[(2, 2, 1.0)]),
            Err(Error::Loop { edge: 0, vertex: 2 })
        );
        assert!(matches!(
            SparseEdges::new(3, &[(0, 2, f64::NAN)]),
            Err(Error::InvalidDistance { row: 0, column: 2, .. })
        ));
        assert_eq!(
            SparseEdges::new(3, &[(0, 2, 1.0), (2, 0, 3.0)])
                .map_err(|error| matches!(error, Error::ConflictingEdge { row: 2, column: 0, .. })),
            Err(true)
        );
    }
}
