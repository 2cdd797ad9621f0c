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

    #[error("point {id} is not in the window")]
    UnknownPoint { id: u64 },

    #[error("snapshot of {points} points has {ids} ids, expected one for each, ascending and below the next one")]
    InvalidSnapshot { ids: usize, points: usize },

    #[error(
        "pair {pair} is born at {birth} and dies at {death}, expected a finite birth and a later death, finite or \
         infinite, at a finite distance"
    )]
    InvalidPair { pair: usize, birth: f64, death: f64 },

    #[error("order of the distance is {found}, expected a finite number of at least 1")]
    InvalidOrder { found: f64 },

    #[error("tolerance is {found}, expected a number that is not negative")]
    InvalidTolerance { found: f64 },

    #[error("there are no directions to project on, expected at least 1")]
    NoDirections,

    #[error(
        "a grid from {start} to {end} with {resolution} values, expected finite ends in order and at least 1 value"
    )]
    InvalidGrid { start: f64, end: f64, resolution: usize },

    #[error("a landscape without layers, expected at least 1")]
    NoLayers,

    #[error("power of the weights is {found}, expected a finite number that is not negative")]
    InvalidPower { found: f64 },

    #[error("bandwidth is {found}, expected a positive, finite number")]
    InvalidBandwidth { found: f64 },

    #[error("exponent of the ground norm is {found}, expected at least 1, or infinity")]
    InvalidGroundNorm { found: f64 },

    #[error("landmarks start at row {start}, expected one below {points}")]
    UnknownStart { start: usize, points: usize },

    #[error("max_alpha_square is {found}, expected a number that is not negative")]
    InvalidRelaxation { found: f64 },

    #[error("landmarks have {found} coordinates, the witnesses {expected}")]
    LandmarkDimension { expected: usize, found: usize },

    #[error(
        "squared distance between witness {witness} and landmark {landmark} exceeds the largest 64-bit float; \
         scale the points down"
    )]
    SquareOverflow { witness: usize, landmark: usize },

    #[error("witness maps differ in their landmarks or parameters, so that they cannot be merged")]
    DifferentComplexes,

    #[error("simplex {vertices:?} {fault}")]
    InvalidSimplex { vertices: Vec<u32>, fault: SimplexFault },

    #[error(
        "{vertices} vertices have 2⁶⁴ simplices of dimension {dimension} or more; \
         lower the dimension or the number of vertices"
    )]
    TooManySimplices { dimension: usize, vertices: usize },

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

    #[error("the triangulation has more than {limit} cells; lower the number of points")]
    TooManyCells { limit: usize },

    #[error(
        "alpha complexes are computed for points of dimension 1 to 3, these have dimension {dimension}; \
         use a Vietoris–Rips or witness complex"
    )]
    AlphaDimension { dimension: usize },

    #[error("{found} weights are given for {points} points")]
    WeightCount { points: usize, found: usize },

    #[error("weight of row {row} is {found}, expected a finite number")]
    InvalidWeight { row: usize, found: f64 },

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

/// Why a simplex cannot be part of a filtered complex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SimplexFault {
    #[error("has vertices that are not ascending, not known or too many")]
    Vertices,

    #[error("has a value that is not allowed")]
    Value,

    #[error("is listed twice")]
    Repeated,

    #[error("is listed without one of its facets")]
    MissingFacet,

    #[error("enters before one of its facets")]
    BeforeFacet,
}
