//! Rows of numbers.

/// Numbers row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub values: Vec<f64>,
    pub shape: Shape,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Numbers without rows.
    List,
    /// Rows of `columns` numbers each.
    Rows { columns: usize },
    /// Rows of these lengths, not all the same.
    Ragged { lengths: Vec<usize> },
}

impl Shape {
    /// Whether `count` numbers of this shape are one row, one column or no rows at all.
    pub fn is_list(&self, count: usize) -> bool {
        match self {
            Self::List => true,
            Self::Rows { columns } => *columns == 1 || *columns == count,
            Self::Ragged { .. } => false,
        }
    }
}

impl Table {
    pub fn list(values: Vec<f64>) -> Self {
        Self {
            values,
            shape: Shape::List,
        }
    }

    /// From numbers row by row and the length of each row.
    pub fn new(values: Vec<f64>, lengths: Vec<usize>) -> Self {
        let columns = lengths.first().copied().unwrap_or(0);
        let shape = if lengths.iter().all(|length| *length == columns) && columns > 0 {
            Shape::Rows { columns }
        } else if lengths.is_empty() {
            Shape::List
        } else {
            Shape::Ragged { lengths }
        };
        Self { values, shape }
    }

    #[cfg(test)]
    pub fn from_rows(rows: &[Vec<f64>]) -> Self {
        Self::new(rows.concat(), rows.iter().map(Vec::len).collect())
    }

    /// The number of columns of a table whose rows are equally long; of an empty one, `otherwise`. The error says which
    /// row differs; `expected` names what the table should hold.
    pub fn columns(&self, otherwise: usize, expected: &str) -> Result<usize, String> {
        match &self.shape {
            Shape::List if self.values.is_empty() => Ok(otherwise),
            Shape::List => Err(format!(
                "holds a list of {} numbers, expected {expected}",
                self.values.len()
            )),
            Shape::Rows { columns } => Ok(*columns),
            Shape::Ragged { lengths } => Err(first_difference(lengths, expected)),
        }
    }
}

fn first_difference(lengths: &[usize], expected: &str) -> String {
    let first = lengths.first().copied().unwrap_or(0);
    match lengths.iter().enumerate().find(|(_, length)| **length != first) {
        Some((row, length)) => format!(
            "row {row} holds {length} numbers, but row 0 holds {first}; expected {expected} (rows count from 0)"
        ),
        None => format!("its rows are empty, expected {expected}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_that_differs_is_named() {
        let ragged = Table::from_rows(&[vec![1.0, 2.0], vec![3.0]]);
        let error = ragged.columns(1, "points").unwrap_err();
        assert!(error.starts_with("row 1 holds 1 numbers, but row 0 holds 2"), "{error}");
        assert_eq!(Table::from_rows(&[]).columns(7, "points"), Ok(7));
        assert!(Table::from_rows(&[vec![], vec![]]).columns(7, "points").is_err());
        assert!(Table::list(vec![1.0]).columns(7, "points").is_err());
    }
}
