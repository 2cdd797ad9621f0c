//! What can go wrong outside the protocol: files and sockets. Answers to clients are `ResponseError` codes.

use std::io;
use std::path::{Path, PathBuf};

/// A fault of the broker's surroundings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {action} {path}")]
    File {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{path} is damaged at byte {position}; restore it or start with a new data directory")]
    Damaged { path: PathBuf, position: u64 },
    #[error("data directory {path} is in use by another process; stop it or choose another directory")]
    InUse { path: PathBuf },
    #[error("cannot listen on {address}")]
    Listen { address: String, source: io::Error },
}

/// Result of everything that touches files or sockets.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// For `map_err`: names the action and the file.
    pub fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::File { action, path, source }
    }
}
