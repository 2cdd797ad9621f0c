//! Files of numbers, and what they mean.

mod csv;
mod diagrams;
mod json;
mod npy;
mod table;
mod vertices;

use std::io::Read as _;
use std::path::Path;

pub use diagrams::{Classes, read_classes};
pub use table::{Shape, Table};
pub use vertices::{Points, Vertices, read_points, read_vertices};

use crate::failure::{Failure, Result};

/// A file that has been read but not yet understood.
#[derive(Debug)]
pub struct Document {
    /// How messages name it.
    pub name: String,
    pub content: Content,
}

#[derive(Debug, PartialEq)]
pub enum Content {
    /// Numbers, and no word about their meaning.
    Bare(Table),
    Points(Table),
    DistanceMatrix(Table),
    SparseEdges {
        edges: Table,
        vertices: Option<usize>,
    },
    /// One table per dimension.
    Diagrams(Vec<Table>),
}

impl Document {
    /// Reads a file, or standard input if `path` is `-`.
    pub fn read(path: &Path) -> Result<Self> {
        let (name, bytes) = if path == Path::new("-") {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes);
            ("standard input".to_owned(), read)
        } else {
            (path.display().to_string(), std::fs::read(path))
        };
        let bytes = bytes.map_err(|error| Failure::input(&name, format!("cannot be read: {error}")))?;
        let content = parse(&bytes).map_err(|what| Failure::input(&name, what))?;
        Ok(Self { name, content })
    }

    /// The numbers of a file that holds one list, in a row or in a column.
    pub fn into_list(self) -> Result<Vec<f64>> {
        match self.content {
            Content::Bare(Table { values, shape }) if shape.is_list(values.len()) => Ok(values),
            _ => self.fail("does not hold a list of numbers"),
        }
    }

    fn fail<T>(&self, what: impl std::fmt::Display) -> Result<T> {
        Err(Failure::input(&self.name, what))
    }
}

/// Tells the format by the first bytes. An error says what is wrong where in the file.
fn parse(bytes: &[u8]) -> std::result::Result<Content, String> {
    if bytes.starts_with(npy::MAGIC) {
        return npy::parse(bytes).map(Content::Bare);
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Err("is an archive (.npz?), expected one array; save it with numpy.save".to_owned());
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("byte {} is not text; expected NPY, CSV or JSON", error.valid_up_to()))?;
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with(['[', '{']) {
        json::parse(text)
    } else {
        csv::parse(text).map(Content::Bare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_told_by_the_content() {
        let rows = Table::from_rows(&[vec![1.0, 2.0], vec![3.0, 4.0]]);
        for text in [
            "[[1, 2], [3, 4]]",
            "1,2\n3,4\n",
            "x,y\n1,2\n3,4",
            "# ours\n 1 2\n\n3\t4",
            "\u{feff}1;2\r\n3;4\r\n",
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(Content::Bare(rows.clone())), "{text}");
        }
        assert_eq!(parse(br#"{"points": [[1, 2], [3, 4]]}"#), Ok(Content::Points(rows)));
        assert!(parse(b"PK\x03\x04rest").unwrap_err().contains(".npz"));
        assert!(parse(&[0xff, 0xfe]).unwrap_err().contains("byte 0"));
    }
}
