//! Points, matrices and edges: what a Rips filtration is made of.

use homology::{DistanceMatrix, PointCloud, SparseEdges};

use super::{Content, Document, Shape, Table};
use crate::arguments::Kind;
use crate::failure::{Failure, Result};

/// Points of `dimension` coordinates each, all finite.
#[derive(Debug)]
pub struct Points {
    coordinates: Vec<f64>,
    dimension: usize,
}

impl Points {
    fn of(table: Table, name: &str) -> Result<Self> {
        let expected = "points, one row of coordinates each";
        let dimension = table.columns(1, expected).map_err(|what| Failure::input(name, what))?;
        let coordinates = table.values;
        PointCloud::new(&coordinates, dimension).map_err(|error| Failure::computation(name, error))?;
        Ok(Self { coordinates, dimension })
    }

    pub fn cloud(&self) -> PointCloud<'_> {
        PointCloud::new(&self.coordinates, self.dimension).expect("checked when it was read")
    }
}

#[derive(Debug)]
pub enum Vertices {
    Points(Points),
    Matrix(DistanceMatrix),
    Edges(SparseEdges),
}

/// Reads points from a file that may hold nothing else.
pub fn read_points(document: Document) -> Result<Points> {
    match document.content {
        Content::Bare(table) | Content::Points(table) => Points::of(table, &document.name),
        _ => document.fail("does not hold points, and this filtration needs them"),
    }
}

/// Reads what the file or `kind` says; points if neither does. `vertices` is the number of vertices of sparse edges.
pub fn read_vertices(document: Document, kind: Option<Kind>, vertices: Option<usize>) -> Result<Vertices> {
    let told = match &document.content {
        Content::Bare(_) => None,
        Content::Points(_) => Some(Kind::Points),
        Content::DistanceMatrix(_) => Some(Kind::DistanceMatrix),
        Content::SparseEdges { .. } => Some(Kind::SparseEdges),
        Content::Diagrams(_) => return document.fail("holds diagrams, expected points, a distance matrix or edges"),
    };
    if let (Some(told), Some(kind)) = (told, kind)
        && told != kind
    {
        return document.fail(format!(
            "holds {}, but --kind says {}; leave out --kind",
            name(told),
            name(kind)
        ));
    }
    let kind = kind.or(told).unwrap_or(Kind::Points);
    if vertices.is_some() && kind != Kind::SparseEdges {
        return Err(Failure::input("--vertices", "is for --kind sparse-edges; leave it out"));
    }
    let subject = &document.name;
    match (document.content, kind) {
        (Content::SparseEdges { edges, vertices: told }, _) => edges_of(edges, vertices.or(told), subject),
        (Content::Bare(table), Kind::SparseEdges) => edges_of(table, vertices, subject),
        (Content::Bare(table) | Content::DistanceMatrix(table), Kind::DistanceMatrix) => matrix_of(table, subject),
        (Content::Bare(table) | Content::Points(table), _) => Points::of(table, subject).map(Vertices::Points),
        (Content::DistanceMatrix(_) | Content::Diagrams(_), _) => unreachable!("refused above"),
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Points => "points",
        Kind::DistanceMatrix => "a distance matrix",
        Kind::SparseEdges => "sparse edges",
    }
}

fn matrix_of(table: Table, name: &str) -> Result<Vertices> {
    let Table { values, shape } = table;
    let count = values.len();
    let matrix = match shape {
        Shape::Rows { columns } if columns * columns == count && (columns > 1 || values[0] == 0.0) => {
            DistanceMatrix::from_full(columns, &values)
        }
        ref shape if shape.is_list(count) => condensed(values, name)?,
        Shape::Ragged { lengths } if is_lower_triangle(&lengths) => condensed(values, name)?,
        Shape::Rows { columns } => {
            let rows = count / columns;
            let what = format!("is {rows} × {columns}, expected a square matrix or its lower triangle");
            return Err(Failure::input(name, what));
        }
        Shape::List | Shape::Ragged { .. } => {
            let what =
                "has rows of unequal length that form no lower triangle; expected rows of 1, 2, 3, ... distances";
            return Err(Failure::input(name, what));
        }
    };
    matrix
        .map(Vertices::Matrix)
        .map_err(|error| Failure::computation(name, error))
}

/// Rows of 0, 1, 2, ... or of 1, 2, 3, ... values.
fn is_lower_triangle(lengths: &[usize]) -> bool {
    let first = lengths[0];
    first <= 1 && lengths.iter().enumerate().all(|(row, length)| *length == row + first)
}

fn condensed(lower: Vec<f64>, name: &str) -> Result<homology::Result<DistanceMatrix>> {
    // n (n - 1) / 2 values, and none at all for no point rather than for one.
    let root = ((8 * lower.len() + 1) as f64).sqrt() as usize;
    let points = if lower.is_empty() { 0 } else { root.div_ceil(2) };
    if points * points.saturating_sub(1) / 2 != lower.len() {
        let what = format!(
            "holds a list of {} distances, expected n (n - 1) / 2 for some n: 1, 3, 6, 10, ...; give the lower triangle \
             without its diagonal",
            lower.len()
        );
        return Err(Failure::input(name, what));
    }
    Ok(DistanceMatrix::from_lower(points, lower))
}

fn edges_of(table: Table, vertices: Option<usize>, name: &str) -> Result<Vertices> {
    let columns = table
        .columns(3, "edges, one row i, j, value each")
        .map_err(|what| Failure::input(name, what))?;
    if columns != 3 {
        let what = format!("has rows of {columns} numbers, expected edges: i, j and the value");
        return Err(Failure::input(name, what));
    }
    let vertex = |row: usize, value: f64| {
        if value >= 0.0 && value.fract() == 0.0 && value < 9e15 {
            Ok(value as usize)
        } else {
            let what = format!("row {row} names vertex {value}, expected a whole number from 0 (rows count from 0)");
            Err(Failure::input(name, what))
        }
    };
    let rows = table.values.chunks_exact(3).enumerate();
    let edges: Vec<_> = rows
        .map(|(row, edge)| Ok((vertex(row, edge[0])?, vertex(row, edge[1])?, edge[2])))
        .collect::<Result<_>>()?;
    let named = edges.iter().map(|(i, j, _)| i.max(j) + 1).max().unwrap_or(0);
    SparseEdges::new(vertices.unwrap_or(named), &edges)
        .map(Vertices::Edges)
        .map_err(|error| Failure::computation(name, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: &[Vec<f64>]) -> Result<Vertices> {
        matrix_of(Table::from_rows(rows), "file")
    }

    #[test]
    fn full_condensed_and_triangular_matrices_are_the_same() {
        let full = [vec![0.0, 1.0, 2.0], vec![1.0, 0.0, 3.0], vec![2.0, 3.0, 0.0]];
        let forms = [
            matrix(&full),
            matrix(&[vec![1.0], vec![2.0, 3.0]]),
            matrix(&[vec![], vec![1.0], vec![2.0, 3.0]]),
            matrix(&[vec![1.0, 2.0, 3.0]]),
            matrix(&[vec![1.0], vec![2.0], vec![3.0]]),
            matrix_of(Table::list(vec![1.0, 2.0, 3.0]), "file"),
        ];
        let expected = DistanceMatrix::from_lower(3, vec![1.0, 2.0, 3.0]).unwrap();
        for form in forms {
            assert!(
                matches!(&form, Ok(Vertices::Matrix(found)) if *found == expected),
                "{form:?}"
            );
        }
    }

    #[test]
    fn small_and_empty_matrices_have_a_size() {
        let size = |table: Table| match matrix_of(table, "file") {
            Ok(Vertices::Matrix(matrix)) => matrix.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(size(Table::list(vec![])), 0);
        assert_eq!(size(Table::from_rows(&[vec![0.0]])), 1);
        assert_eq!(size(Table::from_rows(&[vec![5.0]])), 2);
        let many = 2000;
        assert_eq!(size(Table::list(vec![1.0; many * (many - 1) / 2])), many);
    }
}
