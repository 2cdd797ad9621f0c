//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Persistent homology of point clouds, distance matrices and weighted graphs
///
/// INPUT is a NumPy array (.npy), CSV or JSON file; `-` reads standard input. The format is told by the content.
/// Points are rows of coordinates. A distance matrix is full (n x n) or its lower triangle row by row, without the
/// diagonal (d10, d20, d21, d30, ...). Sparse edges are rows `i j value`, vertices count from 0. JSON is an array, or an
/// object {"points": ...}, {"distance_matrix": ...} or {"vertices": n, "edges": ...} that tells its kind itself; null is
/// infinity.
///
/// The answer is JSON: {"dgms": [[[birth, death], ...], ...]} with one list per dimension; a death of null is never.
///
/// Exit code: 0 done; 1 a limit was reached, or the answer could not be written; 2 an option or the input is wrong.
#[derive(Debug, Parser)]
#[command(name = "persistence", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Vietoris-Rips: an edge enters at its length, a simplex at its longest edge
    Rips(Rips),
    /// Alpha: the union of growing balls around points on a line, in the plane or in space; all values are radii
    Alpha(Alpha),
    /// Witness complex: landmarks, joined where the points around them vouch for it; all values are squared distances
    ///
    /// Where landmarks are chosen, the answer also has {"landmarks": [row, ...], "covering_radius": the largest distance
    /// of a witness to its nearest landmark}. Vertices of cycles count landmarks, not witnesses.
    Witness(Witness),
    /// How far two diagrams are apart
    ///
    /// A and B are arrays of rows `birth death`, or answers of this command. Of several dimensions each is compared with
    /// its own kind: the bottleneck distance is the largest of them, the Wasserstein distance that of all taken together.
    /// The answer is {"value": x}, null if the numbers of classes that never die differ.
    Distance(Distance),
    /// Homology of every window of rows that slides over a series of points
    ///
    /// The answer is {"windows": [{"start": first row, "end": row after the last, "dgms": ...}, ...]}. The last rows that
    /// do not fill a window are left out.
    Window(Window),
}

#[derive(Debug, Args)]
pub struct Common {
    /// Threads that compute; the answer is the same for every number. 0 takes one per core
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,
    /// Working memory, not counting the input, beyond which the computation is refused; 500M, 2G, 1GiB are understood
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub memory_limit: Option<usize>,
    /// Where the answer goes; - is standard output
    #[arg(long, value_name = "FILE.json", default_value = "-")]
    pub output: PathBuf,
    /// Draws the answer, too
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Says what the computation would take, {"memory_bytes", "typical_memory_bytes", "work"}, and does not begin
    #[arg(long)]
    pub estimate: bool,
    /// Adds what the computation took without reading and writing: {"measured": [{"cpu_seconds", "wall_seconds",
    /// "peak_bytes"}, ...]}. A short one is repeated, at most R runs, until half a second is full
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u32).range(1..))]
    pub measure: Option<u32>,
}

impl Common {
    pub fn limits(&self) -> homology::Limits {
        homology::Limits {
            memory_bytes: self.memory_limit,
            ..homology::Limits::default()
        }
    }

    /// The number of threads, at least one.
    pub fn threads(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, Into::into),
            threads => threads,
        }
    }
}

#[derive(Debug, Args)]
pub struct Cycles {
    /// Adds a cycle for each class: {"representatives": [[{"birth", "death", "cycle": [[vertex, ...], ...]}, ...], ...]},
    /// one list per dimension; with --field beyond 2 also "coefficients", one per simplex
    #[arg(long)]
    pub representatives: bool,
    /// Cycles of classes that live longer than this
    #[arg(long, value_name = "X", default_value_t = 0.0, requires = "representatives")]
    pub min_persistence: f64,
}

#[derive(Debug, Args)]
pub struct Rips {
    /// Points, a distance matrix or edges
    pub input: PathBuf,
    /// What INPUT holds, where it does not say itself; points by default
    #[arg(long, value_enum)]
    pub kind: Option<Kind>,
    /// How points are compared
    #[arg(long, value_enum, default_value = "euclidean")]
    pub metric: Metric,
    /// The number of vertices of sparse edges; by default the largest that is named, plus one
    #[arg(long, value_name = "N")]
    pub vertices: Option<usize>,
    /// The highest dimension of homology
    #[arg(long, value_name = "D", value_parser = clap::value_parser!(u8).range(..=MAX_DIMENSION))]
    pub max_dimension: u8,
    /// Leaves out what is longer than T
    #[arg(long, value_name = "T")]
    pub threshold: Option<f64>,
    /// Coefficients in Z/P, a prime
    #[arg(long, value_name = "P", default_value_t = 2)]
    pub field: u16,
    #[command(flatten)]
    pub cycles: Cycles,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct Alpha {
    /// Points of one, two or three coordinates
    pub input: PathBuf,
    /// The highest dimension of homology; by default all there are
    #[arg(long, value_name = "D", value_parser = clap::value_parser!(u8).range(..=MAX_DIMENSION))]
    pub max_dimension: Option<u8>,
    /// One weight per point: the square of the radius of its ball at value 0. All values are squared then
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Coefficients in Z/P, a prime
    #[arg(long, value_name = "P", default_value_t = 2)]
    pub field: u16,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub struct Witness {
    /// Points that vouch for simplices
    pub witnesses: PathBuf,
    /// The landmarks: a file of points, or how many of the witnesses to take
    #[arg(long, value_name = "FILE|N")]
    pub landmarks: Landmarks,
    /// Takes N landmarks at random, the same ones for the same seed, instead of far from each other
    #[arg(long, value_name = "SEED")]
    pub random: Option<u64>,
    /// A witness must have the vertices of a simplex nearer than all landmarks, not only than the others
    #[arg(long)]
    pub strong: bool,
    /// The largest relaxation: simplices of a larger value are left out
    #[arg(long, value_name = "A")]
    pub max_alpha_square: f64,
    /// The highest dimension of simplices; homology is that of the dimensions below
    #[arg(long, value_name = "L", value_parser = clap::value_parser!(u8).range(..=MAX_DIMENSION))]
    pub limit_dimension: u8,
    /// Coefficients in Z/P, a prime
    #[arg(long, value_name = "P", default_value_t = 2)]
    pub field: u16,
    #[command(flatten)]
    pub cycles: Cycles,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landmarks {
    Count(usize),
    File(PathBuf),
}

impl std::str::FromStr for Landmarks {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::File(text.into()), Self::Count))
    }
}

#[derive(Debug, Args)]
pub struct Distance {
    pub a: PathBuf,
    pub b: PathBuf,
    #[arg(long, value_enum)]
    pub metric: DiagramMetric,
    /// The exponent of the Wasserstein distance
    #[arg(long, value_name = "Q", default_value_t = 1.0)]
    pub order: f64,
    /// The norm under which points of the plane are compared by the Wasserstein distance: its exponent, or inf
    #[arg(long, value_name = "P|inf", default_value_t = f64::INFINITY)]
    pub ground: f64,
    /// The Wasserstein distance may be wrong by this share of it; 0 is exact
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub tolerance: f64,
    /// Compares this dimension alone
    #[arg(long, value_name = "K")]
    pub dimension: Option<usize>,
    /// Adds which class goes where: {"matchings": [[[row in A, row in B], ...], ...]}, null is the diagonal
    #[arg(long)]
    pub matching: bool,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiagramMetric {
    /// The longest way that a class must go, in the maximum norm; exact
    Bottleneck,
    /// The sum of the Q-th powers of all ways, and its Q-th root
    Wasserstein,
}

#[derive(Debug, Args)]
pub struct Window {
    /// Points in the order in which they came
    pub input: PathBuf,
    /// Points per window
    #[arg(long, value_name = "W", value_parser = clap::value_parser!(u32).range(1..))]
    pub size: u32,
    /// Points by which each window is later than the one before
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..))]
    pub slide: u32,
    #[arg(long, value_enum, default_value = "rips")]
    pub complex: Complex,
    /// The highest dimension of homology
    #[arg(long, value_name = "D", value_parser = clap::value_parser!(u8).range(..=MAX_DIMENSION))]
    pub max_dimension: u8,
    /// Leaves out what is longer than T; for Rips
    #[arg(long, value_name = "T")]
    pub threshold: Option<f64>,
    /// How points are compared, for Rips; euclidean by default
    #[arg(long, value_enum)]
    pub metric: Option<Metric>,
    /// Coefficients in Z/P, a prime
    #[arg(long, value_name = "P", default_value_t = 2)]
    pub field: u16,
    #[command(flatten)]
    pub common: Common,
}

/// Beyond it nobody has computed anything; it keeps the answer, one list per dimension, small.
pub const MAX_DIMENSION: i64 = 127;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Complex {
    /// Vietoris-Rips, each window from what the one before has left
    Rips,
    /// Alpha, each window anew; values are radii
    Alpha,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Points,
    DistanceMatrix,
    SparseEdges,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Metric {
    Euclidean,
    Manhattan,
    Chebyshev,
    Cosine,
}

impl From<Metric> for homology::Metric {
    fn from(metric: Metric) -> Self {
        match metric {
            Metric::Euclidean => Self::Euclidean,
            Metric::Manhattan => Self::Manhattan,
            Metric::Chebyshev => Self::Chebyshev,
            Metric::Cosine => Self::Cosine,
        }
    }
}

/// A number of bytes, with an optional unit: K, M, G, T are powers of 1000, KiB, MiB, GiB, TiB of 1024.
fn bytes(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor: f64 = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        unit => return Err(format!("unit {unit} is not one of K, M, G, T, KiB, MiB, GiB, TiB")),
    };
    match digits.trim().parse::<f64>() {
        Ok(number) if number >= 0.0 && number.is_finite() => Ok((number * factor) as usize),
        _ => Err("expected a number of bytes like 500M".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }

    #[test]
    fn bytes_have_units() {
        assert_eq!(bytes("1234"), Ok(1234));
        assert_eq!(bytes("1.5G"), Ok(1_500_000_000));
        assert_eq!(bytes("2 KiB"), Ok(2048));
        assert!(bytes("-1").is_err() && bytes("many").is_err() && bytes("3 stones").is_err() && bytes("nan").is_err());
    }
}
