//! The broker's state: topics and their logs, the ledger, the groups.
//!
//! Locks are taken in this order: store, topics, a partition. Nothing awaits under any of them.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kafka_protocol::ResponseError;

use super::config;
use super::error::{Error, Result};
use super::group::Groups;
use super::journal::Store;
use super::ledger::{Event, State, Topic};
use super::log::Partition;
use super::transaction;

/// How often expiry of sessions, rebalances and transactions is looked at.
pub const TICK: Duration = Duration::from_millis(100);
/// How often old segments are looked for.
pub const RETENTION_TICK: Duration = Duration::from_secs(10);
const MAX_PARTITIONS: i32 = 1000;

/// How a broker behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where everything is kept; created if it is not there.
    pub data_dir: PathBuf,
    /// Address to listen on and to tell clients.
    pub host: String,
    /// 0: any free port.
    pub port: u16,
    /// Whether a topic that a client asks for comes into being.
    pub auto_create_topics: bool,
    /// Partitions of a topic whose creator does not say.
    pub default_partitions: i32,
    /// Largest request; larger ones end the connection.
    pub max_request_bytes: usize,
    /// Connections beyond this many are closed at once.
    pub max_connections: usize,
}

impl Options {
    /// Defaults for a broker in `data_dir` on any free port of the loopback interface.
    pub fn new(data_dir: impl Into<PathBuf>) -> Options {
        Options {
            data_dir: data_dir.into(),
            host: "127.0.0.1".into(),
            port: 0,
            auto_create_topics: true,
            default_partitions: 1,
            max_request_bytes: 100 << 20,
            max_connections: 1000,
        }
    }

    /// The host that clients are told: one that listens everywhere is reached, from here, over loopback.
    pub fn advertised_host(&self) -> &str {
        if self.host == "0.0.0.0" {
            "127.0.0.1"
        } else {
            &self.host
        }
    }
}

type Logs = Vec<Arc<Partition>>;

/// A broker without its sockets.
pub struct Broker {
    pub options: Options,
    /// The port clients are told.
    pub port: u16,
    pub groups: Groups,
    store: Mutex<Store>,
    topics: RwLock<HashMap<String, Logs>>,
    topics_dir: PathBuf,
    _lock: File,
}

impl Broker {
    /// Opens the data directory and brings everything to where it was, ending what was half decided.
    pub fn open(options: Options, port: u16) -> Result<Broker> {
        let dir = options.data_dir.clone();
        let topics_dir = dir.join("topics");
        fs::create_dir_all(&topics_dir).map_err(Error::file("create", &topics_dir))?;
        let lock = lock_directory(&dir)?;
        let store = Store::open(&dir.join("journal"))?;
        let broker = Broker {
            options,
            port,
            groups: Groups::default(),
            store: Mutex::new(store),
            topics: RwLock::default(),
            topics_dir,
            _lock: lock,
        };
        broker.recover()?;
        Ok(broker)
    }

    fn recover(&self) -> Result<()> {
        let mut store = self.store();
        let mut wanted = Vec::new();
        for (name, topic) in &store.ledger().topics {
            let logs = self.open_logs(name, topic, 0)?;
            self.topics
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(name.clone(), logs);
            wanted.push(dir_name(name, topic));
        }
        remove_others(&self.topics_dir, &wanted)?;
        for transaction in store
            .ledger()
            .transactions
            .values()
            .filter(|t| t.state == State::Ongoing)
        {
            self.begin_in_partitions(transaction);
        }
        for (id, decided) in transaction::half_done(store.ledger()) {
            self.complete(&mut store, &id, &decided)?;
        }
        self.all_partitions()
            .iter()
            .try_for_each(|partition| partition.abort_orphans(now_ms()))
    }

    fn all_partitions(&self) -> Logs {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.values().flatten().cloned().collect()
    }

    /// Logs of a topic's partitions from `first` on.
    fn open_logs(&self, name: &str, topic: &Topic, first: i32) -> Result<Logs> {
        let limits = config::limits(&topic.config).unwrap_or(config::DEFAULTS);
        let dir = self.topics_dir.join(dir_name(name, topic));
        let open = |partition: i32| Ok(Arc::new(Partition::open(&dir.join(partition.to_string()), limits)?));
        (first..topic.partitions).map(open).collect()
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The log of a partition, if there is one.
    pub fn partition(&self, topic: &str, partition: i32) -> Option<Arc<Partition>> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(topic)?.get(usize::try_from(partition).ok()?).cloned()
    }

    /// Every topic with its number of partitions, by name.
    pub fn topics(&self) -> BTreeMap<String, i32> {
        self.store()
            .ledger()
            .topics
            .iter()
            .map(|(name, topic)| (name.clone(), topic.partitions))
            .collect()
    }

    /// The topic as the ledger knows it.
    pub fn topic(&self, name: &str) -> Option<Topic> {
        self.store().ledger().topics.get(name).cloned()
    }

    /// Creates a topic; `partitions` -1 means the default. With `validate_only` nothing happens but the checks.
    pub fn create_topic(
        &self,
        name: &str,
        partitions: i32,
        config: BTreeMap<String, String>,
        validate_only: bool,
    ) -> std::result::Result<i32, ResponseError> {
        if !config::is_topic_name(name) {
            return Err(ResponseError::InvalidTopicException);
        }
        let partitions = if partitions == -1 {
            self.options.default_partitions
        } else {
            partitions
        };
        if !(1..=MAX_PARTITIONS).contains(&partitions) {
            return Err(ResponseError::InvalidPartitions);
        }
        config::limits(&config)?;
        let mut store = self.store();
        if store.ledger().topics.contains_key(name) {
            return Err(ResponseError::TopicAlreadyExists);
        }
        if !validate_only {
            let topic = Topic {
                id: store.ledger().next_topic_id,
                partitions,
                config: config.clone(),
            };
            let logs = self.open_logs(name, &topic, 0).map_err(storage_error)?;
            let created = Event::TopicCreated {
                name: name.to_string(),
                id: topic.id,
                partitions,
                config,
            };
            store.record(created).map_err(storage_error)?;
            self.topics
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(name.to_string(), logs);
        }
        Ok(partitions)
    }

    /// Deletes a topic, its records and the offsets committed for it.
    pub fn delete_topic(&self, name: &str) -> std::result::Result<(), ResponseError> {
        let mut store = self.store();
        let Some(topic) = store.ledger().topics.get(name).cloned() else {
            return Err(ResponseError::UnknownTopicOrPartition);
        };
        store
            .record(Event::TopicDeleted { name: name.to_string() })
            .map_err(storage_error)?;
        let logs = self.topics.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        // Readers that wait for data see that the topic has gone.
        logs.into_iter()
            .flatten()
            .for_each(|partition| partition.changed.notify_waiters());
        let dir = self.topics_dir.join(dir_name(name, &topic));
        if let Err(error) = fs::remove_dir_all(&dir) {
            tracing::warn!(%error, dir = %dir.display(), "files of a deleted topic stay until the next start");
        }
        Ok(())
    }

    /// Raises the number of a topic's partitions to `partitions`.
    pub fn add_partitions(
        &self,
        name: &str,
        partitions: i32,
        validate_only: bool,
    ) -> std::result::Result<(), ResponseError> {
        let mut store = self.store();
        let Some(topic) = store.ledger().topics.get(name).cloned() else {
            return Err(ResponseError::UnknownTopicOrPartition);
        };
        if partitions <= topic.partitions || partitions > MAX_PARTITIONS {
            return Err(ResponseError::InvalidPartitions);
        }
        if !validate_only {
            let grown = Topic {
                partitions,
                ..topic.clone()
            };
            let logs = self.open_logs(name, &grown, topic.partitions).map_err(storage_error)?;
            let added = Event::PartitionsAdded {
                name: name.to_string(),
                partitions,
            };
            store.record(added).map_err(storage_error)?;
            let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
            topics.entry(name.to_string()).or_default().extend(logs);
        }
        Ok(())
    }

    /// Lets time pass for groups and transactions.
    pub fn tick(&self) {
        self.groups.expire(Instant::now());
        if let Err(error) = self.expire_transactions(now_ms()) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "expired transactions could not be aborted"
            );
        }
    }

    /// Deletes old segments and forgets idle transactional ids.
    pub fn retain(&self) {
        let now_ms = now_ms();
        for partition in self.all_partitions() {
            if let Err(error) = partition.retain(now_ms) {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "old segments could not be deleted"
                );
            }
        }
        let mut store = self.store();
        for id in transaction::forgettable(store.ledger(), now_ms) {
            if let Err(error) = store.record(Event::TransactionalIdForgotten { id }) {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an idle transactional id could not be forgotten"
                );
            }
        }
    }
}

/// Milliseconds since the epoch.
pub fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

/// Logs the fault and gives its code on the wire.
pub fn storage_error(error: Error) -> ResponseError {
    tracing::error!(error = &error as &dyn std::error::Error, "storage failed");
    ResponseError::KafkaStorageError
}

fn dir_name(name: &str, topic: &Topic) -> String {
    format!("{name}-{}", topic.id)
}

/// Deletes what topics deleted earlier have left behind.
fn remove_others(dir: &Path, wanted: &[String]) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(Error::file("list", dir))? {
        let entry = entry.map_err(Error::file("list", dir))?;
        let name = entry.file_name();
        if !wanted.iter().any(|wanted| name == wanted.as_str()) {
            fs::remove_dir_all(entry.path()).map_err(Error::file("delete", &entry.path()))?;
        }
    }
    Ok(())
}

/// The lock goes with the process, however it ends.
fn lock_directory(dir: &Path) -> Result<File> {
    let path = dir.join("lock");
    let file = File::create(&path).map_err(Error::file("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(Error::InUse {
            path: dir.to_path_buf(),
        }),
        Err(fs::TryLockError::Error(source)) if source.kind() == ErrorKind::Unsupported => Ok(file),
        Err(fs::TryLockError::Error(source)) => Err(Error::file("lock", &path)(source)),
    }
}
