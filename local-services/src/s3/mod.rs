//! A one-node S3 API on a directory, path style.
//!
//! Every object is one file: its bytes, then a footer with its key and headers. An index in memory, rebuilt at start,
//! says which file is current; one lock around it makes conditional writes exact. Access keys and signatures are accepted
//! but not checked, nor are the checksums that clients send along. Multipart uploads do not survive a restart.

mod body;
mod conditions;
mod error;
mod list;
mod object;
mod requests;
mod server;
mod store;
mod upload;
mod xml;

pub use error::StartError;
pub use server::{Options, Server, serve};
