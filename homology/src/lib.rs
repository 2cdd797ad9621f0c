//! Persistent homology of point clouds, distance matrices and weighted graphs.
//!
//! Pure computation: slices in, diagrams out. Nothing here waits or reads a file; threads are started only where a
//! parameter asks for them, and have ended when the call returns.
//!
//! ```
//! use homology::{Limits, Persistence, PointCloud, VietorisRips};
//!
//! let square = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0];
//! let cloud = PointCloud::new(&square, 2)?;
//! let diagram = VietorisRips::to_dimension(1).diagram(cloud, &Limits::default())?;
//! let cycle = diagram.of_dimension(1)[0];
//! assert_eq!((cycle.birth, cycle.death), (1.0, 2.0_f64.sqrt()));
//! # Ok::<(), homology::Error>(())
//! ```
//!
//! Every entry point takes [`Limits`]: a bound on memory, a bound on work and a flag that another thread may raise.
//! [`cost::estimate`] answers before anything is allocated.

pub mod cost;
pub mod diagram;
pub mod distance;
pub mod error;
pub mod filtered_complex;
pub mod filtration;
pub mod incremental;
pub mod landmarks;
pub mod limits;
pub mod matching;
pub mod persistence;
pub mod point_cloud;
pub mod representatives;
pub mod vectorize;

mod components;
mod field;
mod reduction;
mod simplex;
mod sort;
mod spatial;

pub use cost::Cost;
pub use diagram::{Diagram, Pair};
pub use distance::{DistanceMatrix, Metric, SparseEdges};
pub use error::{Error, Result, SimplexFault};
pub use filtered_complex::FilteredComplex;
pub use filtration::alpha::AlphaComplex;
pub use filtration::rips::{Mode, VietorisRips};
pub use filtration::witness::{LandmarkChoice, WitnessComplex, WitnessKind, WitnessMap};
pub use incremental::{AlphaWindow, PointId, RipsWindow, WindowSnapshot};
pub use landmarks::Landmarks;
pub use limits::{Cancel, Limits, Usage};
pub use persistence::Persistence;
pub use point_cloud::PointCloud;
pub use representatives::Representative;
