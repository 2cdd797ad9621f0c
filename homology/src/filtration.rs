//! Filtrations: which simplices there are and when each of them enters.

pub mod rips;
pub mod witness;
