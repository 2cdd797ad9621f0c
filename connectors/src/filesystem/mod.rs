//! Lines in the objects of a directory or an S3 bucket.

mod lines;
mod sink;
mod source;
mod store;

pub use sink::FilesystemSink;
pub use source::FilesystemSource;
