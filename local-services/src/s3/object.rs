//! An object's file: its bytes, then a footer that says what they are.
//!
//! Footer: JSON of `Meta`, its length and CRC32C (4 bytes each, little-endian), four bytes of magic.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 4] = b"BFS3";
const TAIL_BYTES: u64 = 12;

/// What is kept beside an object's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    pub key: String,
    pub bytes: u64,
    /// With its quotes.
    pub etag: String,
    /// Epoch milliseconds.
    pub modified_ms: i64,
    /// Headers given at upload and given back with the object.
    pub headers: BTreeMap<String, String>,
}

impl Meta {
    /// Appends the footer to a file that holds `self.bytes` bytes.
    pub fn write_to(&self, file: &File) -> io::Result<()> {
        let json = serde_json::to_vec(self)?;
        let mut footer = json.clone();
        footer.extend((json.len() as u32).to_le_bytes());
        footer.extend(crc32c::crc32c(&json).to_le_bytes());
        footer.extend(MAGIC);
        file.write_all_at(&footer, self.bytes)
    }

    /// Reads the footer of a file; `None` if it is not a whole object.
    pub fn read_from(path: &Path) -> io::Result<Option<Meta>> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        if length < TAIL_BYTES {
            return Ok(None);
        }
        let mut tail = [0; TAIL_BYTES as usize];
        file.read_exact_at(&mut tail, length - TAIL_BYTES)?;
        let [a, b, c, d, e, f, g, h, magic @ ..] = tail;
        let json_bytes = u64::from(u32::from_le_bytes([a, b, c, d]));
        if &magic != MAGIC || json_bytes > length - TAIL_BYTES {
            return Ok(None);
        }
        let mut json = vec![0; json_bytes as usize];
        file.read_exact_at(&mut json, length - TAIL_BYTES - json_bytes)?;
        if crc32c::crc32c(&json) != u32::from_le_bytes([e, f, g, h]) {
            return Ok(None);
        }
        let meta: Option<Meta> = serde_json::from_slice(&json).ok();
        Ok(meta.filter(|meta| meta.bytes == length - TAIL_BYTES - json_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cut_anywhere_is_not_an_object() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("o");
        let meta = Meta {
            key: "k".into(),
            bytes: 3,
            etag: "\"e\"".into(),
            modified_ms: 5,
            headers: BTreeMap::from([("content-type".into(), "text/plain".into())]),
        };
        std::fs::write(&path, b"abc").unwrap();
        meta.write_to(&File::options().write(true).open(&path).unwrap())
            .unwrap();
        assert_eq!(Meta::read_from(&path).unwrap(), Some(meta));
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(Meta::read_from(&path).unwrap(), None, "cut at {length}");
        }
    }
}
