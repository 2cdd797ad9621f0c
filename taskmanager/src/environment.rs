//! What every task of this process shares.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use checkpoint::{Cluster, Store};
use config::{Config, StateBackend, options};
use streaming::{Error, Result, Timestamp};

use crate::exchange::{Exchange, KeepAlive};
use crate::memory::budget::MemoryBudget;
use crate::memory::compute::ComputePool;
use crate::metrics::Showcase;
use crate::slot::services::Clock;
use crate::slot::task::Pace;
use crate::state::Backend;

/// Working state lies in `{prefix}{process id}-{TaskManager id}`.
const STATE_PREFIX: &str = "bettiflow-state-";
/// Page caches smaller than this make sled read the disk for every row.
const LEAST_CACHE_BYTES: u64 = 16 << 20;

/// The facilities of a TaskManager process.
#[derive(Clone)]
pub struct Environment {
    /// Drawn at random when the process started.
    pub id: String,
    pub exchange: Arc<Exchange>,
    pub compute: ComputePool,
    pub backend: Backend,
    pub store: Store,
    pub cluster: Cluster,
    pub showcase: Showcase,
    pub clock: Clock,
    pub pace: Pace,
    /// Size at which a collected batch is sent.
    pub batch_bytes: usize,
    /// Credit of one channel.
    pub window_bytes: u64,
    /// How long a connection to another TaskManager may take to open.
    pub connect_timeout: Duration,
    /// Delta segments before state is written whole.
    pub max_deltas: usize,
    pub runtime: tokio::runtime::Handle,
}

impl Environment {
    /// Divides the memory of the process and opens the store, as the configuration says.
    pub fn new(config: &Config, id: String) -> Result<Self> {
        let memory = config.get(options::PROCESS_MEMORY).0;
        let share = |fraction: f64| (memory as f64 * fraction) as u64;
        let threads = match config.get(options::COMPUTE_THREADS) {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => usize::from(threads),
        };
        let budget = MemoryBudget::new(share(config.get(options::COMPUTE_FRACTION)));
        let compute = ComputePool::start(threads, budget).map_err(|error| Error::external("compute threads", error))?;
        let slots = u64::from(config.get(options::TASK_SLOTS));
        let segment = config.get(options::SEGMENT_SIZE).0;
        Ok(Self {
            backend: backend(config, &id, share(config.get(options::STATE_FRACTION)) / slots)?,
            id,
            exchange: Arc::new(Exchange::new(keep_alive(config))),
            compute,
            store: crate::store::open(config)?,
            cluster: Cluster::new(&config.get(options::CLUSTER_ID)),
            showcase: Showcase::default(),
            clock: Arc::new(wall_clock),
            pace: Pace {
                buffer_timeout: config.get(options::BUFFER_TIMEOUT),
                watermark_interval: config.get(options::AUTO_WATERMARK_INTERVAL),
            },
            batch_bytes: segment as usize,
            window_bytes: segment * u64::from(config.get(options::BUFFERS_PER_CHANNEL)),
            connect_timeout: config.get(options::CONNECT_TIMEOUT),
            max_deltas: config.get(options::STATE_MAX_DELTAS) as usize,
            runtime: tokio::runtime::Handle::current(),
        })
    }

    /// Removes the working state of this process.
    pub fn clean_up(&self) {
        if let Backend::Sled { directory, .. } = &self.backend {
            // A cache: what stays behind costs disk space and nothing else.
            let _ = std::fs::remove_dir_all(directory);
        }
    }
}

fn keep_alive(config: &Config) -> KeepAlive {
    let seconds = |option| Duration::from_secs(u64::from(config.get(option)));
    KeepAlive {
        idle: seconds(options::KEEP_IDLE_SECONDS),
        interval: seconds(options::KEEP_INTERVAL_SECONDS),
        probes: config.get(options::KEEP_COUNT).into(),
    }
}

fn backend(config: &Config, id: &str, slot_bytes: u64) -> Result<Backend> {
    match config.get(options::STATE_BACKEND) {
        StateBackend::Hashmap => Ok(Backend::Memory),
        StateBackend::Sled => {
            let configured = config.get(options::IO_TMP_DIRS);
            let parent = configured.first().map_or_else(std::env::temp_dir, PathBuf::from);
            remove_orphans(&parent);
            let directory = parent.join(format!("{STATE_PREFIX}{}-{id}", std::process::id()));
            std::fs::create_dir_all(&directory)
                .map_err(|error| Error::external(format!("state directory {}", directory.display()), error))?;
            // A slot runs several stateful operators; each gets a quarter of its memory as page cache.
            let cache_bytes = (slot_bytes / 4).max(LEAST_CACHE_BYTES);
            Ok(Backend::Sled { directory, cache_bytes })
        }
    }
}

/// Removes the working state of processes that were killed: it is a cache that nobody will open again.
fn remove_orphans(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|name| name.strip_prefix(STATE_PREFIX)?.split('-').next()?.parse::<u32>().ok());
        if let Some(pid) = pid
            && !Path::new("/proc").join(pid.to_string()).exists()
        {
            // What cannot be removed costs disk space and nothing else.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Microseconds since the Unix epoch by the system's clock.
fn wall_clock() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(streaming::time::micros(elapsed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_state_of_dead_processes_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let state = |name: String| {
            let path = parent.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        // Process ids end at 2^22 on Linux.
        let dead = state(format!("{STATE_PREFIX}99999999-a"));
        let alive = state(format!("{STATE_PREFIX}{}-b", std::process::id()));
        let foreign = state("something-99999999-else".into());
        remove_orphans(parent.path());
        assert!(!dead.exists() && alive.exists() && foreign.exists());
    }
}
