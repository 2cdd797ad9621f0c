//! A validated symmetric matrix of distances.

use super::Distances;
use crate::{Error, Result};

/// The distances of `n` points, which need not obey the triangle inequality.
///
/// Distances are not negative and not NaN; an infinite distance means that the two points are never joined.
#[derive(Debug, Clone, PartialEq)]
pub struct DistanceMatrix {
    points: usize,
    /// The pair `i > j` is at `i * (i - 1) / 2 + j`.
    lower: Vec<f64>,
}

impl DistanceMatrix {
    /// From the lower triangle without its diagonal, row by row: `n * (n - 1) / 2` values.
    ///
    /// Fails with [`Error::MatrixShape`] or [`Error::InvalidDistance`].
    pub fn from_lower(points: usize, lower: Vec<f64>) -> Result<Self> {
        check_shape(
            points,
            lower.len(),
            points.checked_mul(points.saturating_sub(1)).map(|twice| twice / 2),
        )?;
        let mut row_start = 0;
        for row in 1..points {
            for (column, found) in lower[row_start..row_start + row].iter().enumerate() {
                check_distance(row, column, *found)?;
            }
            row_start += row;
        }
        Ok(Self { points, lower })
    }

    /// From all `n * n` values, row by row.
    ///
    /// Fails like [`Self::from_lower`], with [`Error::Asymmetric`] unless the two values of every pair are equal, and
    /// with [`Error::NonZeroDiagonal`].
    pub fn from_full(points: usize, values: &[f64]) -> Result<Self> {
        check_shape(points, values.len(), points.checked_mul(points))?;
        let mut lower = Vec::with_capacity(points * points.saturating_sub(1) / 2);
        for row in 0..points {
            for column in 0..row {
                let (found, mirrored) = (values[row * points + column], values[column * points + row]);
                check_distance(row, column, found)?;
                check_distance(column, row, mirrored)?;
                if found != mirrored {
                    return Err(Error::Asymmetric {
                        row,
                        column,
                        found,
                        mirrored,
                    });
                }
                lower.push(found);
            }
            let found = values[row * points + row];
            if found != 0.0 {
                return Err(Error::NonZeroDiagonal { row, found });
            }
        }
        Ok(Self { points, lower })
    }

    /// The number of points.
    pub fn len(&self) -> usize {
        self.points
    }

    pub fn is_empty(&self) -> bool {
        self.points == 0
    }
}

fn check_shape(points: usize, values: usize, expected: Option<usize>) -> Result<()> {
    let expected = expected.unwrap_or(usize::MAX);
    if values == expected {
        Ok(())
    } else {
        Err(Error::MatrixShape {
            points,
            values,
            expected,
        })
    }
}

fn check_distance(row: usize, column: usize, found: f64) -> Result<()> {
    if found >= 0.0 {
        Ok(())
    } else {
        Err(Error::InvalidDistance { row, column, found })
    }
}

impl Distances for DistanceMatrix {
    fn len(&self) -> usize {
        self.points
    }

    #[inline]
    fn distance(&self, i: usize, j: usize) -> f64 {
        self.lower[i * (i - 1) / 2 + j]
    }

    fn refuse_infinite(&self, _: usize, _: usize) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_and_lower_form_are_the_same_matrix() {
        let full = [0.0, 1.0, 2.0, 1.0, 0.0, 3.0, 2.0, 3.0, 0.0];
        assert_eq!(
            DistanceMatrix::from_full(3, &full),
            DistanceMatrix::from_lower(3, vec![1.0, 2.0, 3.0])
        );
        assert!(DistanceMatrix::from_full(0, &[]).unwrap().is_empty());
        assert_eq!(DistanceMatrix::from_lower(1, vec![]).unwrap().len(), 1);
    }

    #[test]
    fn faults_are_named_by_row_and_column() {
        let found = DistanceMatrix::from_lower(3, vec![1.0, 2.0, -3.0]).unwrap_err();
        assert_eq!(
            found,
            Error::InvalidDistance {
                row: 2,
                column: 1,
                found: -3.0
            }
        );
        let nan = DistanceMatrix::from_full(2, &[0.0, f64::NAN, 1.0, 0.0]).unwrap_err();
        assert!(matches!(nan, Error::InvalidDistance { row: 0, column: 1, .. }));
        let asymmetric = DistanceMatrix::from_full(2, &[0.0, 1.0, 2.0, 0.0]).unwrap_err();
        assert_eq!(
            asymmetric,
            Error::Asymmetric {
                row: 1,
                column: 0,
                found: 2.0,
                mirrored: 1.0
            }
        );
        let diagonal = DistanceMatrix::from_full(2, &[0.0, 1.0, 1.0, 0.5]).unwrap_err();
        assert_eq!(diagonal, Error::NonZeroDiagonal { row: 1, found: 0.5 });
        let shape = DistanceMatrix::from_lower(3, vec![1.0]).unwrap_err();
        assert_eq!(
            shape,
            Error::MatrixShape {
                points: 3,
                values: 1,
                expected: 3
            }
        );
        assert!(DistanceMatrix::from_full(usize::MAX, &[]).is_err());
    }
}
