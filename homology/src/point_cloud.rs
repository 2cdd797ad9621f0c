//! Points in a Euclidean space, as one slice of coordinates.

use crate::{Error, Result};

/// `n` points of dimension `d`, borrowed: row `i` is `coordinates[i * d .. (i + 1) * d]`. Every coordinate is finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointCloud<'a> {
    coordinates: &'a [f64],
    dimension: usize,
}

impl<'a> PointCloud<'a> {
    /// Wraps row-major coordinates.
    ///
    /// Fails with [`Error::Ragged`] unless `coordinates.len()` is a multiple of `dimension` and `dimension` is not 0,
    /// and with [`Error::NotFinite`] at the first NaN or infinity.
    pub fn new(coordinates: &'a [f64], dimension: usize) -> Result<Self> {
        if dimension == 0 || !coordinates.len().is_multiple_of(dimension) {
            return Err(Error::Ragged {
                values: coordinates.len(),
                dimension,
            });
        }
        if let Some(at) = coordinates.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite {
                row: at / dimension,
                column: at % dimension,
                found: coordinates[at],
            });
        }
        Ok(Self { coordinates, dimension })
    }

    /// The number of points.
    pub fn len(&self) -> usize {
        self.coordinates.len() / self.dimension
    }

    pub fn is_empty(&self) -> bool {
        self.coordinates.is_empty()
    }

    /// The number of coordinates of each point.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    pub fn row(&self, index: usize) -> &'a [f64] {
        &self.coordinates[index * self.dimension..(index + 1) * self.dimension]
    }

    pub fn rows(&self) -> std::slice::ChunksExact<'a, f64> {
        self.coordinates.chunks_exact(self.dimension)
    }

    pub fn coordinates(&self) -> &'a [f64] {
        self.coordinates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_from_the_slice() {
        let cloud = PointCloud::new(&[1.0, 2.0, 3.0, 4.0], 2).unwrap();
        assert_eq!((cloud.len(), cloud.row(1)), (2, &[3.0, 4.0][..]));
        assert!(PointCloud::new(&[], 3).unwrap().is_empty());
    }

    #[test]
    fn a_bad_coordinate_is_named_by_row_and_column() {
        let error = PointCloud::new(&[0.0, 1.0, 2.0, f64::INFINITY], 2).unwrap_err();
        assert_eq!(
            error,
            Error::NotFinite {
                row: 1,
                column: 1,
                found: f64::INFINITY
            }
        );
        assert!(matches!(
            PointCloud::new(&[f64::NAN], 1),
            Err(Error::NotFinite { row: 0, column: 0, .. })
        ));
    }

    #[test]
    fn coordinates_that_do_not_fill_their_rows_are_refused() {
        assert_eq!(
            PointCloud::new(&[0.0; 5], 2),
            Err(Error::Ragged {
                values: 5,
                dimension: 2
            })
        );
        assert_eq!(
            PointCloud::new(&[], 0),
            Err(Error::Ragged {
                values: 0,
                dimension: 0
            })
        );
    }
}
