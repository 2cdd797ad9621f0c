//! One file of a partition: consecutive batches, with a sparse index in memory.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::batch::{self, HEADER_BYTES, Header};
use crate::kafka::error::{Error, Result};

/// At least this many bytes lie between two entries of the index.
const INDEX_INTERVAL_BYTES: u64 = 4096;

/// A file named by the offset of its first record.
pub struct Segment {
    pub base_offset: i64,
    /// The offset after the last record.
    pub end_offset: i64,
    pub bytes: u64,
    /// The latest timestamp of any record; `i64::MIN` if there is none.
    pub max_timestamp: i64,
    path: PathBuf,
    index: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    offset: i64,
    position: u64,
    /// The latest timestamp before `position`.
    max_timestamp_before: i64,
}

impl Segment {
    /// A new, empty file in `dir`.
    pub fn create(dir: &Path, base_offset: i64) -> Result<Segment> {
        let path = dir.join(format!("{base_offset:020}.log"));
        File::create(&path).map_err(Error::file("create", &path))?;
        Ok(Segment {
            base_offset,
            end_offset: base_offset,
            bytes: 0,
            max_timestamp: i64::MIN,
            path,
            index: Vec::new(),
        })
    }

    /// Reads a file that an earlier process wrote, handing every batch's header and bytes to `visit`.
    ///
    /// Only the last segment may end in a torn write (`cut_tail`); everything after the first bad byte is cut off there.
    pub fn recover(
        path: &Path,
        base_offset: i64,
        cut_tail: bool,
        mut visit: impl FnMut(&Header, &[u8]),
    ) -> Result<Segment> {
        let mut segment = Segment {
            base_offset,
            end_offset: base_offset,
            bytes: 0,
            max_timestamp: i64::MIN,
            path: path.to_path_buf(),
            index: Vec::new(),
        };
        let file = segment.open_for_append()?;
        let length = file.metadata().map_err(Error::file("inspect", path))?.len();
        let mut buffer = Vec::new();
        while segment.bytes < length {
            match read_batch(&file, segment.bytes, length, &mut buffer) {
                Some(header) if header.base_offset == segment.end_offset => {
                    visit(&header, &buffer);
                    segment.note(&header);
                }
                _ if cut_tail => {
                    tracing::warn!(path = %path.display(), kept = segment.bytes, cut = length - segment.bytes, "torn tail cut off");
                    file.set_len(segment.bytes).map_err(Error::file("truncate", path))?;
                    break;
                }
                _ => {
                    return Err(Error::Damaged {
                        path: path.to_path_buf(),
                        position: segment.bytes,
                    });
                }
            }
        }
        Ok(segment)
    }

    /// The handle through which the partition appends.
    pub fn open_for_append(&self) -> Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.path)
            .map_err(Error::file("open", &self.path))
    }

    /// Writes one batch at the end. After an error the file may be longer than `bytes`; the next append overwrites that.
    pub fn append(&mut self, file: &File, header: &Header, batch: &[u8]) -> Result<()> {
        debug_assert_eq!(header.base_offset, self.end_offset);
        file.write_all_at(batch, self.bytes)
            .map_err(Error::file("append to", &self.path))?;
        self.note(header);
        Ok(())
    }

    fn note(&mut self, header: &Header) {
        if self
            .index
            .last()
            .is_none_or(|last| self.bytes - last.position >= INDEX_INTERVAL_BYTES)
        {
            self.index.push(Entry {
                offset: header.base_offset,
                position: self.bytes,
                max_timestamp_before: self.max_timestamp,
            });
        }
        self.bytes += header.bytes as u64;
        self.end_offset = header.last_offset() + 1;
        self.max_timestamp = self.max_timestamp.max(header.max_timestamp);
    }

    /// Whole batches from the one that holds `offset`, below `upper_offset`, at most `max_bytes` but at least one batch.
    pub fn read(&self, offset: i64, upper_offset: i64, max_bytes: usize) -> Result<Vec<u8>> {
        let file = File::open(&self.path).map_err(Error::file("open", &self.path))?;
        let floor = self
            .index
            .partition_point(|entry| entry.offset <= offset)
            .saturating_sub(1);
        let mut position = self.index.get(floor).map_or(0, |entry| entry.position);
        let first = loop {
            let Some(header) = self.header_at(&file, position)? else {
                return Ok(Vec::new());
            };
            if header.last_offset() >= offset {
                break header;
            }
            position += header.bytes as u64;
        };
        let available = (self.bytes - position) as usize;
        let mut bytes = vec![0; available.min(max_bytes.max(first.bytes))];
        file.read_exact_at(&mut bytes, position)
            .map_err(Error::file("read", &self.path))?;
        bytes.truncate(whole_batches_below(&bytes, upper_offset));
        Ok(bytes)
    }

    /// Offset and timestamp of the first data record at or after `timestamp`.
    pub fn first_at_or_after(&self, timestamp: i64) -> Result<Option<(i64, i64)>> {
        let file = File::open(&self.path).map_err(Error::file("open", &self.path))?;
        let floor = self
            .index
            .partition_point(|entry| entry.max_timestamp_before < timestamp)
            .saturating_sub(1);
        let mut position = self.index.get(floor).map_or(0, |entry| entry.position);
        let mut bytes = Vec::new();
        while let Some(header) = self.header_at(&file, position)? {
            if header.max_timestamp >= timestamp && !header.is_control() {
                bytes.resize(header.bytes, 0);
                file.read_exact_at(&mut bytes, position)
                    .map_err(Error::file("read", &self.path))?;
                if let Some(found) = batch::first_at_or_after(&bytes, timestamp) {
                    return Ok(Some(found));
                }
            }
            position += header.bytes as u64;
        }
        Ok(None)
    }

    /// `None` at the end of the segment.
    fn header_at(&self, file: &File, position: u64) -> Result<Option<Header>> {
        if position >= self.bytes {
            return Ok(None);
        }
        let mut header = [0; HEADER_BYTES];
        file.read_exact_at(&mut header, position)
            .map_err(Error::file("read", &self.path))?;
        match Header::parse(&header) {
            Some(header) => Ok(Some(header)),
            None => Err(Error::Damaged {
                path: self.path.clone(),
                position,
            }),
        }
    }

    /// Deletes the file; one that is gone already is no error.
    pub fn delete(&self) -> Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(Error::file("delete", &self.path)(source)),
            _ => Ok(()),
        }
    }
}

/// The intact batch at `position`, left in `buffer`; `None` if there is none.
fn read_batch(file: &File, position: u64, length: u64, buffer: &mut Vec<u8>) -> Option<Header> {
    let mut bytes = [0; HEADER_BYTES];
    file.read_exact_at(&mut bytes, position).ok()?;
    let header = Header::parse(&bytes)?;
    if position + header.bytes as u64 > length {
        return None;
    }
    buffer.resize(header.bytes, 0);
    file.read_exact_at(buffer, position).ok()?;
    batch::checksum_matches(buffer).then_some(header)
}

/// How many bytes of `bytes` are whole batches that begin below `upper_offset`.
fn whole_batches_below(bytes: &[u8], upper_offset: i64) -> usize {
    let mut end = 0;
    while let Some(header) = Header::parse(&bytes[end..]) {
        if header.base_offset >= upper_offset || end + header.bytes > bytes.len() {
            break;
        }
        end += header.bytes;
    }
    end
}
