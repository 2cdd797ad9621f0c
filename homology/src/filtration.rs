//! Filtrations: which simplices there are and when each of them enters.

pub mod alpha;
pub(crate) mod delaunay;
pub mod rips;
pub mod witness;
