//! A store that fails when it is told to, for tests here and in other rooms.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What is asked of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Put,
    Get,
    List,
    Delete,
}

/// How an operation goes wrong. The caller sees the same error in all cases but the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Nothing has happened.
    Before,
    /// It has happened all the same.
    After,
    /// It happens later: a put takes effect after the next operation, if its condition still holds.
    Late,
}

type Plan = dyn FnMut(Operation, &str) -> Fault + Send;

/// Passes operations on to another store, with faults.
pub struct Faulty {
    inner: Arc<dyn ObjectStore>,
    plan: Mutex<Box<Plan>>,
    late: Mutex<Vec<(Path, PutPayload, PutOptions)>>,
}

impl Faulty {
    /// `plan` is asked before every operation, with the path.
    pub fn new(inner: Arc<dyn ObjectStore>, plan: impl FnMut(Operation, &str) -> Fault + Send + 'static) -> Self {
        Self {
            inner,
            plan: Mutex::new(Box::new(plan)),
            late: Mutex::default(),
        }
    }

    fn fault(&self, operation: Operation, path: &str) -> Fault {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan(operation, path)
    }

    async fn deliver_late(&self) {
        let late = std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
        for (path, payload, options) in late {
            // Nobody waits for the answer.
            let _ = self.inner.put_opts(&path, payload, options).await;
        }
    }
}

fn failed() -> Error {
    Error::Generic {
        store: "faulty",
        source: "injected fault".into(),
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({:?})", self.inner)
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        // Memory never waits: without this, tasks of one thread would never race.
        tokio::task::yield_now().await;
        match self.fault(Operation::Put, path.as_ref()) {
            Fault::Before => Err(failed()),
            Fault::Late => {
                let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
                late.push((path.clone(), payload, options));
                Err(failed())
            }
            fault => {
                let result = self.inner.put_opts(path, payload, options).await;
                self.deliver_late().await;
                if fault == Fault::After { Err(failed()) } else { result }
            }
        }
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        tokio::task::yield_now().await;
        if self.fault(Operation::Get, path.as_ref()) != Fault::None {
            return Err(failed());
        }
        let result = self.inner.get_opts(path, options).await;
        self.deliver_late().await;
        result
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        match self.fault(Operation::Get, path.as_ref()) {
            Fault::None => self.inner.get_ranges(path, ranges).await,
            _ => Err(failed()),
        }
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        // The plan cannot be asked within a stream that outlives us: the first answer counts for all.
        match self.fault(Operation::Delete, "") {
            Fault::None => self.inner.delete_stream(paths),
            Fault::Before | Fault::Late => stream::once(async { Err(failed()) }).boxed(),
            Fault::After => {
                let deleted = self.inner.delete_stream(paths);
                deleted.map(|_| Err(failed())).boxed()
            }
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.fault(Operation::List, prefix.map_or("", |path| path.as_ref())) {
            Fault::None => self.inner.list(prefix),
            _ => stream::once(async { Err(failed()) }).boxed(),
        }
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.fault(Operation::List, offset.as_ref()) {
            Fault::None => self.inner.list_with_offset(prefix, offset),
            _ => stream::once(async { Err(failed()) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        match self.fault(Operation::List, prefix.map_or("", |path| path.as_ref())) {
            Fault::None => self.inner.list_with_delimiter(prefix).await,
            _ => Err(failed()),
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
