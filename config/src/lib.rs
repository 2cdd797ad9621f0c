//! Every option of `flink-conf.yaml` that this product knows: its name, type, default and meaning.
//!
//! ```
//! use config::{Config, options};
//!
//! let config = Config::from_yaml_str("rest.port: 9000\n", "flink-conf.yaml")?;
//! assert_eq!(config.get(options::REST_PORT), 9000);
//! assert_eq!(config.get(options::REST_BIND_ADDRESS), "127.0.0.1");
//! # Ok::<(), config::Error>(())
//! ```

mod document;
mod error;
mod load;
mod option;
pub mod options;
mod value;
mod yaml;

pub use error::{Error, Problem, Result, Warning};
pub use load::{Config, MASK};
pub use option::{Entry, Opt};
pub use options::OPTIONS;
pub use value::{CheckpointingMode, MemorySize, RestartStrategy, StateBackend, Value, parse_duration};
