//! The steps of a dataflow: parsing, windows, persistent homology, features and drift, formats; and the registry that names them all.
//!
//! Everything here is synchronous: operators compute, the task around them moves bytes and waits.

mod drift;
mod features;
mod format;
mod parse;
mod pending;
mod persistence;
mod registry;
mod takens;
#[cfg(test)]
mod testing;
mod union;
mod window;

pub use drift::Drift;
pub use features::Features;
pub use format::ResultJson;
pub use parse::PointJson;
pub use persistence::Persistence;
pub use registry::{Operators, REGISTRY};
pub use takens::TakensEmbedding;
pub use union::Union;
pub use window::Window;
