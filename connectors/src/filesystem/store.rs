//! The store behind a location, for callers that are not asynchronous.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode};
use streaming::connector::filesystem::Location;
use streaming::{Error, Result, Timestamp};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use url::Url;

/// Any single answer of the store. Its client tries again within this time.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A place in an object store. Calls block the calling thread, which must not be one of the runtime's.
#[derive(Clone)]
pub struct Store {
    store: Arc<dyn ObjectStore>,
    /// The object, or what the names of all objects begin with.
    pub root: Path,
    url: String,
    runtime: Handle,
}

/// An object as it was listed.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    pub path: Path,
    pub size: u64,
    pub modified: Timestamp,
}

impl Store {
    /// Connects to nothing yet. Fails with a `User` error for a location that cannot be one.
    pub fn new(location: &Location, runtime: &Handle) -> Result<Self> {
        let bad = |reason: &dyn std::fmt::Display| Error::user(format!("path {}", location.url), reason);
        let url = Url::parse(&location.url).map_err(|error| bad(&error))?;
        let root = Path::from_url_path(url.path()).map_err(|error| bad(&error))?;
        let store: Arc<dyn ObjectStore> = match url.scheme() {
            // A sink says that rows are durable when they are written.
            "file" => Arc::new(LocalFileSystem::new().with_fsync(true)),
            "s3" => Arc::new(s3(location, &url).map_err(|error| bad(&error))?),
            scheme => return Err(bad(&format_args!("no store for {scheme}; there are file and s3"))),
        };
        Ok(Self {
            store,
            root,
            url: location.url.clone(),
            runtime: runtime.clone(),
        })
    }

    fn subject(&self) -> String {
        format!("store {}", self.url)
    }

    fn wait<T>(&self, what: &str, answer: impl Future<Output = object_store::Result<T>>) -> Result<T> {
        self.runtime
            .block_on(async { tokio::time::timeout(TIMEOUT, answer).await })
            .map_err(|_| Error::external(self.subject(), format_args!("{what}: no answer within {TIMEOUT:?}")))?
            .map_err(|error| Error::external(self.subject(), format_args!("{what}: {error}")))
    }

    /// All objects, in the order of their names. Those with a part that begins with `.` or `_` below the root are left out:
    /// they are not finished.
    pub fn list(&self) -> Result<Vec<Object>> {
        let all = async { self.store.list(Some(&self.root)).try_collect::<Vec<_>>().await };
        let mut found = self.wait("list", all)?;
        found.retain(|meta| !self.is_hidden(&meta.location));
        if found.is_empty()
            && let Ok(meta) = self.wait("head", self.store.head(&self.root))
        {
            found.push(meta);
        }
        let mut objects: Vec<_> = found.into_iter().map(Object::from).collect();
        objects.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(objects)
    }

    fn is_hidden(&self, path: &Path) -> bool {
        let below = path.prefix_match(&self.root);
        below.is_some_and(|mut parts| parts.any(|part| part.as_ref().starts_with(['.', '_'])))
    }

    /// Begins to read a range of an object; [`Store::wait_for`] has the bytes.
    pub fn read(&self, path: &Path, range: std::ops::Range<u64>) -> Reading {
        let (store, path) = (Arc::clone(&self.store), path.clone());
        self.runtime
            .spawn(async move { tokio::time::timeout(TIMEOUT, store.get_range(&path, range)).await })
    }

    /// The bytes of a reading, or `None` when they are not there within `deadline`.
    pub fn wait_for(&self, reading: &mut Reading, path: &Path, deadline: Duration) -> Result<Option<Bytes>> {
        let failed =
            |reason: &dyn std::fmt::Display| Error::external(self.subject(), format_args!("read {path}: {reason}"));
        let answer = self
            .runtime
            .block_on(async { tokio::time::timeout(deadline, reading).await });
        match answer {
            Err(_) => Ok(None),
            Ok(Ok(Ok(Ok(bytes)))) => Ok(Some(bytes)),
            Ok(Ok(Ok(Err(error)))) => Err(failed(&error)),
            Ok(Ok(Err(_))) => Err(failed(&format_args!("no answer within {TIMEOUT:?}"))),
            Ok(Err(error)) => Err(failed(&error)),
        }
    }

    /// Writes an object that must not be there yet.
    pub fn create(&self, path: &Path, content: Bytes) -> Result<()> {
        let put = self.store.put_opts(path, content.into(), PutMode::Create.into());
        self.wait("create", put).map(drop)
    }
}

/// A range of an object that is on its way.
pub type Reading = JoinHandle<Result<object_store::Result<Bytes>, tokio::time::error::Elapsed>>;

fn s3(location: &Location, url: &Url) -> object_store::Result<object_store::aws::AmazonS3> {
    // The client panics without a provider of cryptography; an error says that somebody installed one before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = &location.s3;
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(url.host_str().unwrap_or_default());
    if let Some(endpoint) = &options.endpoint {
        builder = builder
            .with_endpoint(endpoint)
            .with_allow_http(endpoint.starts_with("http://"));
    }
    if let (Some(key), Some(secret)) = (&options.access_key, &options.secret_key) {
        builder = builder.with_access_key_id(key).with_secret_access_key(secret);
    }
    if let Some(region) = &options.region {
        builder = builder.with_region(region);
    }
    builder.build()
}

impl From<ObjectMeta> for Object {
    fn from(meta: ObjectMeta) -> Self {
        let modified = SystemTime::from(meta.last_modified).duration_since(SystemTime::UNIX_EPOCH);
        Self {
            path: meta.location,
            size: meta.size,
            modified: Timestamp(streaming::time::micros(modified.unwrap_or_default())),
        }
    }
}
