//! Multipart uploads.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::Xxh3;

use super::body::Received;
use super::conditions::Conditions;
use super::error::{Error, Result};
use super::object::Meta;
use super::store::{Store, Temp, now_ms};

const MIN_PART_BYTES: u64 = 5 << 20;
const MAX_PARTS: u32 = 10_000;
/// More uploads at a time are refused; forgotten ones end with the process.
const MAX_UPLOADS: usize = 10_000;

/// An upload that is under way.
pub struct Upload {
    bucket: String,
    key: String,
    headers: BTreeMap<String, String>,
    parts: BTreeMap<u32, Arc<Part>>,
}

struct Part {
    received: Received,
    file: Temp,
}

impl Store {
    /// Begins an upload; returns its id.
    pub fn begin_upload(&self, bucket: &str, key: &str, headers: BTreeMap<String, String>) -> Result<String> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut state = self.state();
        state.bucket(bucket)?;
        if state.uploads.len() >= MAX_UPLOADS {
            return Err(Error::SlowDown);
        }
        // Never one of an earlier process, whose uploads are gone.
        let id = format!("{:x}-{:x}", now_ms(), NEXT.fetch_add(1, Ordering::Relaxed));
        let upload = Upload {
            bucket: bucket.into(),
            key: key.into(),
            headers,
            parts: BTreeMap::new(),
        };
        state.uploads.insert(id.clone(), upload);
        Ok(id)
    }

    /// Adds a part, which replaces an earlier one of its number.
    pub fn add_part(&self, id: &str, bucket: &str, key: &str, number: u32, part: Received, file: Temp) -> Result<()> {
        if !(1..=MAX_PARTS).contains(&number) {
            return Err(Error::InvalidArgument("part numbers are 1 to 10000"));
        }
        let mut state = self.state();
        let upload = state
            .uploads
            .get_mut(id)
            .filter(|upload| upload.is_for(bucket, key))
            .ok_or(Error::NoSuchUpload)?;
        upload.parts.insert(number, Arc::new(Part { received: part, file }));
        Ok(())
    }

    /// Makes an object of the parts listed (number and ETag, ascending); the upload ends if that succeeds.
    pub fn complete_upload(
        &self,
        id: &str,
        bucket: &str,
        key: &str,
        listed: &[(u32, String)],
        conditions: &Conditions,
    ) -> Result<String> {
        let (parts, headers) = {
            let state = self.state();
            let upload = state
                .uploads
                .get(id)
                .filter(|upload| upload.is_for(bucket, key))
                .ok_or(Error::NoSuchUpload)?;
            (upload.select(listed)?, upload.headers.clone())
        };
        let target = self.temp();
        let file = File::options().write(true).create_new(true).open(&target.path)?;
        let (bytes, etag) = concatenate(&parts, &file)?;
        let meta = Meta {
            key: key.into(),
            bytes,
            etag: etag.clone(),
            modified_ms: now_ms(),
            headers,
        };
        meta.write_to(&file)?;
        self.commit(bucket, meta, &target, conditions)?;
        self.state().uploads.remove(id);
        Ok(etag)
    }

    /// Ends an upload and drops its parts.
    pub fn abort_upload(&self, id: &str) -> Result<()> {
        self.state().uploads.remove(id).map(drop).ok_or(Error::NoSuchUpload)
    }
}

impl Upload {
    fn is_for(&self, bucket: &str, key: &str) -> bool {
        self.bucket == bucket && self.key == key
    }

    fn select(&self, listed: &[(u32, String)]) -> Result<Vec<Arc<Part>>> {
        if listed.is_empty() {
            return Err(Error::MalformedXML);
        }
        if !listed.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(Error::InvalidPartOrder);
        }
        let find = |(number, etag): &(u32, String)| {
            let same = |part: &&Arc<Part>| part.received.etag.trim_matches('"') == etag.trim_matches('"');
            self.parts.get(number).filter(same).cloned().ok_or(Error::InvalidPart)
        };
        let parts: Vec<Arc<Part>> = listed.iter().map(find).collect::<Result<_>>()?;
        if parts[..parts.len() - 1]
            .iter()
            .any(|part| part.received.bytes < MIN_PART_BYTES)
        {
            return Err(Error::EntityTooSmall);
        }
        Ok(parts)
    }
}

/// Length and ETag of the whole: a hash of the parts' hashes and their number, as S3 has it.
fn concatenate(parts: &[Arc<Part>], target: &File) -> Result<(u64, String)> {
    let mut hash = Xxh3::new();
    let mut bytes = 0;
    let mut piece = vec![0; 1 << 20];
    for part in parts {
        hash.update(part.received.etag.as_bytes());
        let source = File::open(&part.file.path)?;
        let mut read = 0;
        while read < part.received.bytes {
            let length = (part.received.bytes - read).min(piece.len() as u64) as usize;
            source.read_exact_at(&mut piece[..length], read)?;
            target.write_all_at(&piece[..length], bytes)?;
            read += length as u64;
            bytes += length as u64;
        }
    }
    Ok((bytes, format!("\"{:032x}-{}\"", hash.digest128(), parts.len())))
}
