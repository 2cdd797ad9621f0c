//! Diagrams, to be compared.

use homology::{Diagram, Pair};

use super::{Content, Document, Table};
use crate::failure::{Failure, Result};

/// The diagrams of a file, one per dimension: of one alone if the file is an array of rows `birth, death`.
pub fn read_diagrams(document: Document) -> Result<Vec<Diagram>> {
    let name = &document.name;
    match document.content {
        Content::Bare(table) => Ok(vec![diagram(&table, None, name)?]),
        Content::Diagrams(tables) => {
            let numbered = tables.iter().enumerate();
            numbered
                .map(|(dimension, table)| diagram(table, Some(dimension), name))
                .collect()
        }
        _ => document.fail("holds no diagram; expected rows birth, death or {\"dgms\": ...}"),
    }
}

/// All pairs of a diagram are given dimension 0: its dimension is its place in the list.
fn diagram(table: &Table, dimension: Option<usize>, name: &str) -> Result<Diagram> {
    let place = dimension.map_or(String::new(), |dimension| format!("dimension {dimension}: "));
    let columns = table.columns(2, "rows of birth and death");
    let columns = columns.map_err(|what| Failure::input(name, format!("{place}{what}")))?;
    if columns != 2 {
        let what = format!("{place}has rows of {columns} numbers, expected birth and death");
        return Err(Failure::input(name, what));
    }
    let rows = table.values.chunks_exact(2).enumerate();
    let pairs = rows.map(|(row, pair)| {
        let (birth, death) = (pair[0], pair[1]);
        // NaN fails this comparison, too.
        if birth.is_finite() && death >= birth {
            Ok(Pair { dimension: 0, birth, death })
        } else {
            let what = format!(
                "{place}row {row} is born at {birth} and dies at {death}, expected a finite birth and a death not before \
                 it (rows count from 0)"
            );
            Err(Failure::input(name, what))
        }
    });
    pairs.collect::<Result<_>>().map(Diagram::new)
}
