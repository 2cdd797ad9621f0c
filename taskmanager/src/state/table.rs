//! Where state lies that is not in a write buffer: in memory, or in sled.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use streaming::{Error, Result};

/// Rows of a write buffer in the order of their keys; `None` deletes.
pub type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Called for every row: its key and its value.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<()> + 'a;

/// An ordered map from encoded state keys to values, written by the flusher and read by the task.
pub trait StateTable: Send + Sync {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    fn apply(&self, changes: &Changes) -> Result<()>;
    /// Rows whose keys start with `prefix`, in order.
    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<()>;
    /// Bytes it takes, in memory or on disk.
    fn size_bytes(&self) -> u64;
}

/// Which kind of table a TaskManager makes (`state.backend`).
#[derive(Debug, Clone)]
pub enum Backend {
    Memory,
    /// A database per operator and subtask under `directory`, with a page cache of so many bytes.
    Sled {
        directory: PathBuf,
        cache_bytes: u64,
    },
}

impl Backend {
    /// Makes an empty table. `name` is unique in the life of the process.
    pub fn table(&self, name: &str) -> Result<Arc<dyn StateTable>> {
        match self {
            Self::Memory => Ok(Arc::new(MemoryTable::default())),
            Self::Sled { directory, cache_bytes } => {
                Ok(Arc::new(SledTable::create(&directory.join(name), *cache_bytes)?))
            }
        }
    }
}

/// State on the heap.
#[derive(Default)]
pub struct MemoryTable(RwLock<Rows>);

#[derive(Default)]
struct Rows {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    bytes: u64,
}

impl StateTable for MemoryTable {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .rows
            .get(key)
            .cloned())
    }

    fn apply(&self, changes: &Changes) -> Result<()> {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in changes {
            let size = |value: &Vec<u8>| (key.len() + value.len()) as u64;
            let before = match value {
                Some(value) => {
                    table.bytes += size(value);
                    table.rows.insert(key.clone(), value.clone())
                }
                None => table.rows.remove(key),
            };
            table.bytes -= before.as_ref().map_or(0, size);
        }
        Ok(())
    }

    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let from = (Bound::Included(prefix.to_vec()), Bound::Unbounded);
        table
            .rows
            .range(from)
            .take_while(|(key, _)| key.starts_with(prefix))
            .try_for_each(|(key, value)| visit(key, value))
    }

    fn size_bytes(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).bytes
    }
}

/// State on the local disk: a cache that is thrown away and restored from checkpoints, never reopened.
pub struct SledTable {
    database: sled::Db,
    directory: PathBuf,
}

impl SledTable {
    /// Starts from nothing: an old database at the same place is removed.
    pub fn create(directory: &Path, cache_bytes: u64) -> Result<Self> {
        let subject = || format!("state directory {}", directory.display());
        if directory.exists() {
            std::fs::remove_dir_all(directory).map_err(|error| Error::external(subject(), error))?;
        }
        let database = sled::Config::new()
            .path(directory)
            .mode(sled::Mode::HighThroughput)
            .flush_every_ms(None)
            .cache_capacity(cache_bytes)
            .open()
            .map_err(|error| Error::external(subject(), error))?;
        Ok(Self {
            database,
            directory: directory.to_owned(),
        })
    }

    fn failed(&self, error: sled::Error) -> Error {
        Error::external(format!("state directory {}", self.directory.display()), error)
    }
}

impl StateTable for SledTable {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self.database.get(key).map_err(|error| self.failed(error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn apply(&self, changes: &Changes) -> Result<()> {
        for (key, value) in changes {
            match value {
                Some(value) => self.database.insert(key, value.as_slice()),
                None => self.database.remove(key),
            }
            .map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        for row in self.database.scan_prefix(prefix) {
            let (key, value) = row.map_err(|error| self.failed(error))?;
            visit(&key, &value)?;
        }
        Ok(())
    }

    fn size_bytes(&self) -> u64 {
        self.database.size_on_disk().unwrap_or(0)
    }
}

impl Drop for SledTable {
    fn drop(&mut self) {
        // Only the space matters: what cannot be removed now is removed when the TaskManager starts next.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
