//! The durable layout of a cluster in its object store, and the only code that reads or writes it.
//!
//! * [`path`] names objects, [`store`] moves their bytes: create-if-absent, read, list, delete, and nothing else
//! * [`segment`] holds rows of keyed state, [`list`] small lists, [`manifest`] says what one checkpoint consists of
//! * [`log`] is the history of a job and the only commit point; [`lease`] decides who may write it
//! * [`retain`] deletes what no kept checkpoint needs
//!
//! What decides is pure and takes no clock; what acts is async and small.

pub mod error;
pub mod lease;
pub mod list;
pub mod log;
pub mod manifest;
pub mod path;
pub mod restore;
pub mod retain;
pub mod segment;
pub mod store;
pub mod testing;

pub use error::{Error, Result};
pub use log::{JobLog, Record};
pub use manifest::{Manifest, SegmentRef, SubtaskState, TaskState};
pub use path::{Cluster, Object, ObjectPath, Position, SegmentKind};
pub use store::{Created, Nonces, Store, StoreOptions, install_crypto_provider};
