//! Buckets and objects: files on disk, an index in memory, one lock around both.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::conditions::Conditions;
use super::error::{Error, Result, StartError};
use super::object::Meta;
use super::upload::Upload;

/// A stored object: its file's number and its footer.
#[derive(Clone, Debug)]
pub struct Object {
    number: u64,
    pub meta: Meta,
}

type Bucket = BTreeMap<String, Object>;

/// Everything the service keeps.
pub struct Store {
    root: PathBuf,
    state: Mutex<State>,
    next_temp: AtomicU64,
    _lock: File,
}

#[derive(Default)]
pub struct State {
    pub buckets: BTreeMap<String, Bucket>,
    pub uploads: HashMap<String, Upload>,
    next_number: u64,
}

impl Store {
    /// Opens `root` and reads the footers of all objects in it.
    pub fn open(root: &Path) -> std::result::Result<Store, StartError> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| StartError::Directory { path, source }
        };
        let buckets_dir = root.join("buckets");
        fs::create_dir_all(&buckets_dir).map_err(failed(&buckets_dir))?;
        let lock = File::create(root.join("lock")).map_err(failed(root))?;
        if let Err(fs::TryLockError::WouldBlock) = lock.try_lock() {
            return Err(StartError::InUse {
                path: root.to_path_buf(),
            });
        }
        // What was being received when the last process ended.
        let temp_dir = root.join("incoming");
        let _ = fs::remove_dir_all(&temp_dir);
        fs::create_dir_all(&temp_dir).map_err(failed(&temp_dir))?;
        let state = scan(&buckets_dir).map_err(failed(&buckets_dir))?;
        Ok(Store {
            root: root.to_path_buf(),
            state: Mutex::new(state),
            next_temp: AtomicU64::new(0),
            _lock: lock,
        })
    }

    /// The index; hold it briefly and never across an await.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new name for a file that is being received.
    pub fn temp(&self) -> Temp {
        let number = self.next_temp.fetch_add(1, Ordering::Relaxed);
        Temp {
            path: self.root.join("incoming").join(number.to_string()),
        }
    }

    pub fn create_bucket(&self, name: &str) -> Result<()> {
        if !is_bucket_name(name) {
            return Err(Error::InvalidBucketName);
        }
        let mut state = self.state();
        if state.buckets.contains_key(name) {
            return Err(Error::BucketAlreadyOwnedByYou);
        }
        fs::create_dir_all(self.bucket_dir(name))?;
        state.buckets.insert(name.to_string(), Bucket::new());
        Ok(())
    }

    pub fn delete_bucket(&self, name: &str) -> Result<()> {
        let mut state = self.state();
        if !state.bucket(name)?.is_empty() {
            return Err(Error::BucketNotEmpty);
        }
        fs::remove_dir_all(self.bucket_dir(name))?;
        state.buckets.remove(name);
        Ok(())
    }

    /// Makes a received file the object of its key, if the conditions hold at that moment. Of several writers that want
    /// to create the same key, exactly one succeeds.
    pub fn commit(&self, bucket: &str, meta: Meta, file: &Temp, conditions: &Conditions) -> Result<()> {
        let mut state = self.state();
        let current = state
            .bucket(bucket)?
            .get(&meta.key)
            .map(|object| object.meta.etag.as_str());
        conditions.allow_write(current)?;
        let number = state.next_number;
        state.next_number += 1;
        fs::rename(&file.path, self.object_path(bucket, number))?;
        let objects = state.buckets.get_mut(bucket).ok_or(Error::NoSuchBucket)?;
        if let Some(old) = objects.insert(meta.key.clone(), Object { number, meta }) {
            self.remove_file(bucket, old.number);
        }
        Ok(())
    }

    /// The object and its open file, which stays readable whatever happens to the key.
    pub fn open_object(&self, bucket: &str, key: &str) -> Result<(Object, File)> {
        let state = self.state();
        let object = state.bucket(bucket)?.get(key).cloned().ok_or(Error::NoSuchKey)?;
        let file = File::open(self.object_path(bucket, object.number))?;
        Ok((object, file))
    }

    /// Deletes the object if it is there.
    pub fn delete(&self, bucket: &str, key: &str) -> Result<()> {
        let mut state = self.state();
        let objects = state.buckets.get_mut(bucket).ok_or(Error::NoSuchBucket)?;
        if let Some(object) = objects.get(key) {
            // The file first: should that fail, the object is still there.
            fs::remove_file(self.object_path(bucket, object.number))?;
            objects.remove(key);
        }
        Ok(())
    }

    fn remove_file(&self, bucket: &str, number: u64) {
        if let Err(error) = fs::remove_file(self.object_path(bucket, number)) {
            // The next start finds two files of one key and keeps the later.
            tracing::warn!(%error, bucket, number, "the file of a replaced object stays");
        }
    }

    fn bucket_dir(&self, bucket: &str) -> PathBuf {
        self.root.join("buckets").join(bucket)
    }

    fn object_path(&self, bucket: &str, number: u64) -> PathBuf {
        self.bucket_dir(bucket).join(format!("{number:016x}"))
    }
}

impl State {
    pub fn bucket(&self, name: &str) -> Result<&Bucket> {
        self.buckets.get(name).ok_or(Error::NoSuchBucket)
    }
}

/// A file being received; deleted when dropped, unless it has become an object by then.
pub struct Temp {
    pub path: PathBuf,
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Milliseconds since the epoch.
pub fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

fn scan(buckets_dir: &Path) -> io::Result<State> {
    let mut state = State::default();
    for entry in fs::read_dir(buckets_dir)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let mut objects = Bucket::new();
        for file in fs::read_dir(entry.path())? {
            let path = file?.path();
            scan_object(&path, &mut objects, &mut state.next_number)?;
        }
        state.buckets.insert(name, objects);
    }
    Ok(state)
}

fn scan_object(path: &Path, objects: &mut Bucket, next_number: &mut u64) -> io::Result<()> {
    let number = path
        .file_name()
        .and_then(|name| u64::from_str_radix(name.to_str()?, 16).ok());
    let Some(number) = number else { return Ok(()) };
    *next_number = (*next_number).max(number + 1);
    let Some(meta) = Meta::read_from(path)? else {
        tracing::warn!(path = %path.display(), "a damaged object is left out");
        return Ok(());
    };
    // A process killed between writing a new object and deleting the one it replaces leaves both; the later one counts.
    let superseded = match objects.get(&meta.key) {
        Some(known) if known.number > number => Some(number),
        Some(known) => Some(known.number),
        None => None,
    };
    if superseded != Some(number) {
        objects.insert(meta.key.clone(), Object { number, meta });
    }
    match superseded {
        Some(superseded) => fs::remove_file(path.with_file_name(format!("{superseded:016x}"))),
        None => Ok(()),
    }
}

fn is_bucket_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    (3..=63).contains(&name.len())
        && name.chars().all(legal)
        && edge(name.chars().next())
        && edge(name.chars().last())
        && !name.contains("..")
}
