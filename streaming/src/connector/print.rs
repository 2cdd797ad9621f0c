//! Options of the sinks that keep nothing: `discard` has none, `print` a prefix.

use crate::job::Options;

/// `[sink.x]` with `connector = "print"`.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkOptions {
    /// Written before every document; empty for none.
    pub prefix: String,
}

impl SinkOptions {
    /// Reads the options; mistakes become problems of `options`.
    pub fn read(options: &mut Options) -> Self {
        Self {
            prefix: options.string("prefix").unwrap_or_default(),
        }
    }
}
