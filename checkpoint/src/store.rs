//! Moving the bytes of objects: a directory, S3, or memory behind one small door.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig,
};

use crate::error::{Cause, Error, Result};
use crate::path::ObjectPath;

/// The slowest transfer that is waited for, in bytes per second.
const SLOWEST_TRANSFER: u64 = 1 << 20;

/// How to reach a store. Fields that are `None` come from the environment (`AWS_ACCESS_KEY_ID`, …) or the machine's role.
#[derive(Clone)]
pub struct StoreOptions {
    pub s3_endpoint: Option<String>,
    pub s3_region: Option<String>,
    pub s3_access_key: Option<String>,
    pub s3_secret_key: Option<String>,
    pub s3_path_style: bool,
    /// For one request, without the time to transfer its bytes.
    pub request_timeout: Duration,
    pub connect_timeout: Duration,
    /// How often a failed request is tried again.
    pub retries: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            s3_endpoint: None,
            s3_region: None,
            s3_access_key: None,
            s3_secret_key: None,
            s3_path_style: false,
            request_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            retries: 5,
        }
    }
}

impl fmt::Debug for StoreOptions {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions")
            .field("s3_endpoint", &self.s3_endpoint)
            .field("s3_region", &self.s3_region)
            .field("request_timeout", &self.request_timeout)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

/// What [`Store::create_if_absent`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    New,
    /// There is an object of that name, or another writer is about to finish one. It may be our own, of an earlier try.
    Exists,
}

/// An object that was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub path: ObjectPath,
    pub bytes: u64,
}

/// An object store. Clones share connections.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<dyn ObjectStore>,
    prefix: String,
    /// For one operation with all its retries, without the time to transfer its bytes.
    deadline: Duration,
}

/// Makes ring the TLS implementation of this process. To be called before anything speaks TLS; calling it again is free.
pub fn install_crypto_provider() {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Store {
    /// Opens `file:///absolute/dir`, `file://relative/dir`, a plain directory, `s3://bucket/prefix`, or `memory:` (new and
    /// empty). A directory is created if it is not there; a bucket is not.
    pub fn open(url: &str, options: &StoreOptions) -> Result<Self> {
        let failed = |reason: &dyn fmt::Display| Error::Address {
            url: url.to_owned(),
            reason: reason.to_string(),
        };
        if url.starts_with("memory:") {
            return Ok(Self::new(Arc::new(InMemory::new()), "", options));
        }
        if let Some(rest) = url.strip_prefix("s3://").or_else(|| url.strip_prefix("s3a://")) {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let s3 = open_s3(bucket, options).map_err(|error| failed(&error))?;
            return Ok(Self::new(s3, prefix.trim_matches('/'), options));
        }
        let directory = match url.split_once("://") {
            Some(("file", directory)) => directory,
            Some((scheme, _)) => return Err(failed(&format_args!("{scheme} is none of file, s3"))),
            None => url.strip_prefix("file:").unwrap_or(url),
        };
        if directory.is_empty() {
            return Err(failed(&"it names no directory"));
        }
        std::fs::create_dir_all(directory).map_err(|error| failed(&error))?;
        let local = LocalFileSystem::new_with_prefix(directory).map_err(|error| failed(&error))?;
        let local = local.with_fsync(true).with_automatic_cleanup(true);
        Ok(Self::new(Arc::new(local), "", options))
    }

    /// Uses a store that is open already; `prefix` is the folder in it.
    pub fn new(inner: Arc<dyn ObjectStore>, prefix: &str, options: &StoreOptions) -> Self {
        Self {
            inner,
            prefix: prefix.to_owned(),
            deadline: deadline(options),
        }
    }

    /// Creates an object that nobody has created before. Of all writers of one name, at most one ever sees
    /// [`Created::New`].
    ///
    /// On [`Error::MaybeApplied`] the same call may be made again with the same bytes.
    pub async fn create_if_absent(&self, path: &ObjectPath, bytes: Bytes) -> Result<Created> {
        match self.put(path, bytes, PutMode::Create).await {
            Ok(()) => Ok(Created::New),
            Err(Cause::Store(object_store::Error::AlreadyExists { .. })) => Ok(Created::Exists),
            Err(cause) => Err(write_error(path, cause)),
        }
    }

    /// Writes an object whose name no other writer uses, again if an earlier try got there.
    pub async fn write_own(&self, path: &ObjectPath, bytes: Bytes) -> Result<()> {
        self.create_if_absent(path, bytes).await.map(|_| ())
    }

    /// Replaces an object: only for the beat of a leader.
    pub(crate) async fn overwrite(&self, path: &ObjectPath, bytes: Bytes) -> Result<()> {
        let put = self.put(path, bytes, PutMode::Overwrite).await;
        put.map_err(|cause| write_error(path, cause))
    }

    async fn put(&self, path: &ObjectPath, bytes: Bytes, mode: PutMode) -> Result<(), Cause> {
        let location = self.location(path)?;
        let deadline = self.deadline_for(bytes.len() as u64);
        let options = PutOptions::from(mode);
        let put = self.inner.put_opts(&location, bytes.into(), options);
        let done = tokio::time::timeout(deadline, put).await;
        done.map_err(|_| Cause::Timeout(deadline))??;
        Ok(())
    }

    pub async fn read(&self, path: &ObjectPath) -> Result<Bytes> {
        let location = self.location(path).map_err(|source| read_error(path, source.into()))?;
        let header = self.bounded(path, 0, self.inner.get(&location)).await?;
        let bytes = header.meta.size;
        self.bounded(path, bytes, header.bytes()).await
    }

    /// The bytes `range` of an object; fewer where it ends earlier is an error.
    pub async fn read_range(&self, path: &ObjectPath, range: Range<u64>) -> Result<Bytes> {
        let location = self.location(path).map_err(|source| read_error(path, source.into()))?;
        let wanted = range.end.saturating_sub(range.start);
        let read = self.inner.get_range(&location, range);
        let bytes = self.bounded(path, wanted, read).await?;
        if bytes.len() as u64 != wanted {
            return Err(Error::damaged(
                path,
                format_args!("{} bytes where {wanted} should be", bytes.len()),
            ));
        }
        Ok(bytes)
    }

    /// Every object in a folder and below, in the order of names.
    pub async fn list(&self, folder: &ObjectPath) -> Result<Vec<Listed>> {
        let location = self
            .location(folder)
            .map_err(|source| read_error(folder, source.into()))?;
        self.collect(folder, self.inner.list(Some(&location))).await
    }

    /// The objects of a folder whose names are greater than `after`.
    pub async fn list_after(&self, folder: &ObjectPath, after: &ObjectPath) -> Result<Vec<Listed>> {
        let unreadable = |source: object_store::Error| read_error(folder, source.into());
        let location = self.location(folder).map_err(unreadable)?;
        let offset = self.location(after).map_err(unreadable)?;
        self.collect(folder, self.inner.list_with_offset(Some(&location), &offset))
            .await
    }

    /// The names of the folders directly within a folder.
    pub async fn folders(&self, folder: &ObjectPath) -> Result<Vec<String>> {
        let location = self
            .location(folder)
            .map_err(|source| read_error(folder, source.into()))?;
        let found = self
            .bounded(folder, 0, self.inner.list_with_delimiter(Some(&location)))
            .await?;
        let names = found.common_prefixes.iter().filter_map(|path| path.filename());
        let mut names: Vec<_> = names.map(str::to_owned).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Deletes an object; one that is not there is deleted already.
    pub async fn delete(&self, path: &ObjectPath) -> Result<()> {
        let location = self.location(path).map_err(|source| write_error(path, source.into()))?;
        match tokio::time::timeout(self.deadline, self.inner.delete(&location)).await {
            Ok(Ok(()) | Err(object_store::Error::NotFound { .. })) => Ok(()),
            Ok(Err(source)) => Err(write_error(path, source.into())),
            Err(_) => Err(write_error(path, Cause::Timeout(self.deadline))),
        }
    }

    async fn collect(
        &self,
        folder: &ObjectPath,
        listing: futures::stream::BoxStream<'static, object_store::Result<ObjectMeta>>,
    ) -> Result<Vec<Listed>> {
        let metas: Vec<_> = self.bounded(folder, 0, listing.try_collect()).await?;
        let listed = |meta: ObjectMeta| {
            let path = meta
                .location
                .as_ref()
                .strip_prefix(&self.prefix)?
                .trim_start_matches('/');
            Some(Listed {
                path: ObjectPath::new(path),
                bytes: meta.size,
            })
        };
        let mut found: Vec<_> = metas.into_iter().filter_map(listed).collect();
        found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    async fn bounded<T>(
        &self,
        path: &ObjectPath,
        bytes: u64,
        work: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T> {
        let deadline = self.deadline_for(bytes);
        match tokio::time::timeout(deadline, work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(source)) => Err(read_error(path, source.into())),
            Err(_) => Err(read_error(path, Cause::Timeout(deadline))),
        }
    }

    fn deadline_for(&self, bytes: u64) -> Duration {
        self.deadline + Duration::from_secs(bytes / SLOWEST_TRANSFER)
    }

    fn location(&self, path: &ObjectPath) -> object_store::Result<Path> {
        let full = match self.prefix.as_str() {
            "" => path.as_str().to_owned(),
            prefix => format!("{prefix}/{path}"),
        };
        Path::parse(full).map_err(|source| object_store::Error::InvalidPath { source })
    }
}

fn open_s3(bucket: &str, options: &StoreOptions) -> object_store::Result<Arc<dyn ObjectStore>> {
    install_crypto_provider();
    let client = ClientOptions::new()
        .with_timeout(options.request_timeout)
        .with_connect_timeout(options.connect_timeout);
    let retry = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: options.retries as usize,
        retry_timeout: options.request_timeout,
    };
    let mut builder = AmazonS3Builder::from_env()
        .with_client_options(client)
        .with_retry(retry)
        .with_bucket_name(bucket)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_virtual_hosted_style_request(!options.s3_path_style);
    if let Some(region) = &options.s3_region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &options.s3_endpoint {
        builder = builder
            .with_endpoint(endpoint.trim_end_matches('/'))
            .with_allow_http(endpoint.starts_with("http://"));
    }
    if let (Some(key), Some(secret)) = (&options.s3_access_key, &options.s3_secret_key) {
        builder = builder.with_access_key_id(key).with_secret_access_key(secret);
    }
    Ok(Arc::new(builder.build()?))
}

/// The client tries again until one request time-out has passed; the last try may take another.
fn deadline(options: &StoreOptions) -> Duration {
    options.request_timeout * 2 + options.connect_timeout
}

/// Errors that are certain to have changed nothing are told from those that are not.
fn write_error(path: &ObjectPath, cause: Cause) -> Error {
    use object_store::Error as Store;
    let path = path.clone();
    match cause {
        Cause::Store(
            source @ (Store::NotFound { .. }
            | Store::InvalidPath { .. }
            | Store::NotSupported { .. }
            | Store::NotImplemented { .. }
            | Store::PermissionDenied { .. }
            | Store::Unauthenticated { .. }
            | Store::Precondition { .. }
            | Store::UnknownConfigurationKey { .. }),
        ) => Error::NotApplied { path, source },
        source => Error::MaybeApplied { path, source },
    }
}

fn read_error(path: &ObjectPath, source: Cause) -> Error {
    let path = path.clone();
    match source {
        Cause::Store(object_store::Error::NotFound { .. }) => Error::NotFound { path },
        source => Error::Unreadable { path, source },
    }
}

/// Random numbers that tell writers apart.
pub struct Nonces(Box<dyn FnMut() -> u64 + Send + Sync>);

impl Nonces {
    pub fn random() -> Self {
        Self(Box::new(rand::random))
    }

    /// The same numbers in every run, for tests.
    pub fn seeded(seed: u64) -> Self {
        use rand::{Rng, SeedableRng, rngs::StdRng};
        let mut random = StdRng::seed_from_u64(seed);
        Self(Box::new(move || random.random()))
    }

    pub fn draw(&mut self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ObjectPath {
        ObjectPath::new(text)
    }

    /// What every store must do; run over a directory and over memory here, over S3 by `tests/`.
    async fn check_contract(store: &Store) {
        let (a, b) = (path("c/x/a"), path("c/x/b"));
        assert_eq!(store.list(&path("c")).await.unwrap(), []);
        assert!(matches!(store.read(&a).await, Err(Error::NotFound { .. })));
        assert_eq!(store.create_if_absent(&b, "second".into()).await.unwrap(), Created::New);
        assert_eq!(store.create_if_absent(&a, "first".into()).await.unwrap(), Created::New);
        assert_eq!(
            store.create_if_absent(&a, "other".into()).await.unwrap(),
            Created::Exists
        );
        assert_eq!(store.read(&a).await.unwrap(), "first");
        assert_eq!(store.read_range(&a, 1..3).await.unwrap(), "ir");
        assert!(store.read_range(&a, 3..9).await.is_err());
        let names = |listed: Vec<Listed>| listed.into_iter().map(|one| one.path).collect::<Vec<_>>();
        assert_eq!(names(store.list(&path("c")).await.unwrap()), [a.clone(), b.clone()]);
        assert_eq!(
            names(store.list_after(&path("c/x"), &a).await.unwrap()),
            std::slice::from_ref(&b)
        );
        assert_eq!(store.folders(&path("c")).await.unwrap(), ["x"]);
        store.delete(&a).await.unwrap();
        store.delete(&a).await.unwrap();
        assert_eq!(names(store.list(&path("c")).await.unwrap()), [b]);
    }

    #[tokio::test]
    async fn memory_keeps_the_contract() {
        let options = StoreOptions::default();
        check_contract(&Store::open("memory:", &options).unwrap()).await;
        check_contract(&Store::new(Arc::new(InMemory::new()), "some/folder", &options)).await;
    }

    #[tokio::test]
    async fn a_directory_keeps_the_contract() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("file://{}/not/yet/there", directory.path().display());
        check_contract(&Store::open(&url, &StoreOptions::default()).unwrap()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_many_writers_of_one_file_exactly_one_wins() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().display().to_string(), &StoreOptions::default()).unwrap();
        for round in 0..20 {
            let path = path(&format!("log/{round}"));
            let writers = (0..8).map(|writer: u32| {
                let (store, path) = (store.clone(), path.clone());
                tokio::spawn(async move { store.create_if_absent(&path, writer.to_string().into()).await.unwrap() })
            });
            let outcomes = futures::future::join_all(writers).await;
            let winners: Vec<_> = (0..8)
                .filter(|&i| *outcomes[i].as_ref().unwrap() == Created::New)
                .collect();
            assert_eq!(winners.len(), 1);
            assert_eq!(store.read(&path).await.unwrap(), winners[0].to_string());
        }
    }

    #[test]
    fn an_address_that_cannot_be_used_is_named() {
        let error = Store::open("hdfs://x/y", &StoreOptions::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot use hdfs://x/y as an object store: hdfs is none of file, s3"
        );
    }
}
