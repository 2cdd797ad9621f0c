//! What can be wrong with an input, and the limits a computation may run into.

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    #[error("coordinate {column} of row {row} is {found}, expected a finite number")]
    NotFinite { row: usize, column: usize, found: f64 },

    #[error("{values} coordinates cannot be cut into rows of dimension {dimension}")]
    Ragged { values: usize, dimension: usize },

    #[error("{values} values do not fill {expected}, expected by a distance matrix of {points} points")]
    MatrixShape {
        points: usize,
        values: usize,
        expected: usize,
    },

    #[error("distance in row {row}, column {column} is {found}, expected a number that is not negative")]
    InvalidDistance { row: usize, column: usize, found: f64 },

    #[error("distance in row {row}, column {column} is {found}, but {mirrored} in row {column}, column {row}")]
    Asymmetric {
        row: usize,
        column: usize,
        found: f64,
        mirrored: f64,
    },

    #[error("distance of row {row} to itself is {found}, expected 0")]
    NonZeroDiagonal { row: usize, found: f64 },

    #[error("edge {edge} names vertex {found}, expected one below {vertices}")]
    UnknownVertex { edge: usize, found: usize, vertices: usize },

    #[error("edge {edge} joins vertex {vertex} to itself")]
    Loop { edge: usize, vertex: usize },

    #[error("edge between {row} and {column} is listed with the values {first} and {second}")]
    ConflictingEdge {
        row: usize,
        column: usize,
        first: f64,
        second: f64,
    },

    #[error("distance between rows {row} and {column} exceeds the largest 64-bit float; scale the points down")]
    DistanceOverflow { row: usize, column: usize },

    #[error("row {row} is the zero vector, which has no cosine distance")]
    ZeroVector { row: usize },

    #[error("threshold is {found}, expected a number that is not negative")]
    InvalidThreshold { found: f64 },

    #[error("coefficients modulo {found} are not a field, expected a prime below 65536")]
    NotPrime { found: u16 },

    #[error("landmarks start at row {start}, expected one below {points}")]
    UnknownStart { start: usize, points: usize },

    #[error("{found} points are more than {limit}, the largest number this machine word can index")]
    TooManyPoints { found: usize, limit: usize },

    #[error(
        "simplices of dimension {dimension} on {vertices} vertices need {bits} bits, at most 127 fit; \
         lower the dimension or the threshold"
    )]
    SimplexOverflow {
        dimension: usize,
        vertices: usize,
        bits: usize,
    },

    #[error(
        "{found} columns are left to reduce, at most 4294967295 can be; lower the number of points or the dimension"
    )]
    TooManyColumns { found: usize },

    #[error(
        "{needed} bytes are needed, {limit} are allowed; lower the number of points, the dimension or the threshold"
    )]
    MemoryLimit { needed: usize, limit: usize },

    #[error(
        "the work limit of {limit} cofacets is used up; lower the number of points, the dimension or the threshold"
    )]
    WorkLimit { limit: u64 },

    #[error("the computation was cancelled")]
    Cancelled,
}
