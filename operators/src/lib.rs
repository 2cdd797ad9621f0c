//! The steps of a dataflow: parsing, windows, persistent homology, formats; and the registry that names them all.
//!
//! Everything here is synchronous: operators compute, the task around them moves bytes and waits.

mod format;
mod parse;
mod window;

pub use parse::PointJson;
pub use window::Window;
