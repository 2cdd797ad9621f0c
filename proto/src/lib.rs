//! What the processes of a cluster say to each other: the gRPC schema, the generated code, and conversions to the
//! vocabulary. No logic.

pub mod convert;

#[allow(clippy::all, clippy::pedantic, missing_docs, unused_qualifications)]
mod generated {
    tonic::include_proto!("bettiflow");
}

pub use generated::*;
