//! Diagrams, to be compared.

use homology::Pair;

use super::{Content, Document, Table};
use crate::failure::{Failure, Result};

/// The classes of a file, in its order. Their dimension is their place in it; that of the pairs says nothing.
#[derive(Debug)]
pub enum Classes {
    /// One diagram of whatever dimension.
    Single(Vec<Pair>),
    ByDimension(Vec<Vec<Pair>>),
}

/// Reads an array of rows `birth, death`, or an answer of this program.
pub fn read_classes(document: Document) -> Result<Classes> {
    let name = &document.name;
    match document.content {
        Content::Bare(table) => pairs(&table, None, name).map(Classes::Single),
        Content::Diagrams(tables) => {
            let numbered = tables.iter().enumerate();
            let classes = numbered.map(|(dimension, table)| pairs(table, Some(dimension), name));
            classes.collect::<Result<_>>().map(Classes::ByDimension)
        }
        _ => document.fail("holds no diagram; expected rows birth, death or {\"dgms\": ...}"),
    }
}

fn pairs(table: &Table, dimension: Option<usize>, name: &str) -> Result<Vec<Pair>> {
    let place = dimension.map_or(String::new(), |dimension| format!("dimension {dimension}: "));
    let fail = |what: String| Failure::input(name, format!("{place}{what}"));
    let columns = table.columns(2, "rows of birth and death").map_err(fail)?;
    if columns != 2 {
        return Err(fail(format!("has rows of {columns} numbers, expected birth and death")));
    }
    let rows = table.values.chunks_exact(2).enumerate();
    let pairs = rows.map(|(row, pair)| {
        let (birth, death) = (pair[0], pair[1]);
        // NaN fails this comparison, too.
        if birth.is_finite() && death >= birth {
            return Ok(Pair {
                dimension: 0,
                birth,
                death,
            });
        }
        Err(fail(format!(
            "row {row} is born at {birth} and dies at {death}, expected a finite birth and a death not before it (rows \
             count from 0)"
        )))
    });
    pairs.collect()
}
