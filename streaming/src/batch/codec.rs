//! The encoding of a batch: a 16-byte header, then the raw little-endian buffers, each behind its length and 8-byte aligned.
//!
//! | bytes | header field |
//! |---|---|
//! | 0..2 | magic `BF` |
//! | 2 | version, 1 |
//! | 3 | kind of payload |
//! | 4..8 | rows |
//! | 8..12 | bytes behind the header |
//! | 12..16 | CRC32C of bytes 0..12 and of everything behind the header |

use super::{Batch, Column, Diagrams, Documents, Keys, Payload, Plain, Points, Windows};
use crate::{Error, Result, Timestamp};

#[cfg(target_endian = "big")]
compile_error!("buffers are written as they lie in memory, which must be little-endian");

pub const HEADER_BYTES: usize = 16;
const MAGIC: [u8; 2] = *b"BF";
const VERSION: u8 = 1;
const SUBJECT: &str = "batch";

/// Appends buffers to the bytes of a batch.
#[derive(Debug)]
pub struct Writer<'a> {
    bytes: &'a mut Vec<u8>,
}

impl Writer<'_> {
    pub(super) fn buffer<T: Plain>(&mut self, values: &[T]) {
        let raw: &[u8] = bytemuck::cast_slice(values);
        self.bytes.extend_from_slice(&(raw.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(raw);
        self.bytes.resize(self.bytes.len() + padding(raw.len()), 0);
    }
}

/// Takes buffers from the bytes of a batch.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn buffer<T: Plain>(&mut self) -> Result<Vec<T>> {
        let length = self.take(8)?;
        let length = u64::from_le_bytes(length.try_into().expect("eight bytes were taken"));
        let length = usize::try_from(length).map_err(|_| Error::damaged(SUBJECT, "a buffer longer than memory"))?;
        if length % size_of::<T>() != 0 {
            return Err(Error::damaged(
                SUBJECT,
                format_args!("a buffer of {length} bytes for values of {}", size_of::<T>()),
            ));
        }
        let raw = self.take(length)?;
        self.take(padding(length))?;
        Ok(bytemuck::pod_collect_to_vec(raw))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        if length > self.bytes.len() {
            return Err(Error::damaged(
                SUBJECT,
                format_args!("a buffer of {length} bytes in {} that are left", self.bytes.len()),
            ));
        }
        let (taken, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        Ok(taken)
    }

    pub(super) fn expect_rows(&self, found: usize, rows: usize) -> Result<()> {
        if found == rows {
            return Ok(());
        }
        Err(Error::damaged(
            SUBJECT,
            format_args!("a column of {found} values for {rows} rows"),
        ))
    }

    pub(super) fn expect_offsets(&self, offsets: &[u32], values: usize) -> Result<()> {
        let rising = offsets.windows(2).all(|pair| pair[0] <= pair[1]);
        if rising && offsets.first() == Some(&0) && offsets.last().map(|&last| last as usize) == Some(values) {
            return Ok(());
        }
        Err(Error::damaged(
            SUBJECT,
            format_args!("offsets that do not divide {values} values"),
        ))
    }

    pub(super) fn single(&self, values: &[u64]) -> Result<u16> {
        match values {
            [value] => u16::try_from(*value).map_err(|_| Error::damaged(SUBJECT, format_args!("dimension {value}"))),
            _ => Err(Error::damaged(
                SUBJECT,
                format_args!("{} dimensions instead of one", values.len()),
            )),
        }
    }
}

fn padding(length: usize) -> usize {
    length.wrapping_neg() % 8
}

pub fn encode(batch: &Batch) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + batch.size_bytes() + 256);
    encode_into(batch, &mut bytes);
    bytes
}

/// Appends the encoded batch to `bytes`.
pub fn encode_into(batch: &Batch, bytes: &mut Vec<u8>) {
    batch.assert_consistent();
    let start = bytes.len();
    bytes.extend_from_slice(&[0; HEADER_BYTES]);
    let mut writer = Writer { bytes };
    batch.event_time.encode(&mut writer);
    batch.keys.encode(&mut writer);
    let kind = match &batch.payload {
        Payload::Points(points) => (points.encode(&mut writer), 0).1,
        Payload::Windows(windows) => (windows.encode(&mut writer), 1).1,
        Payload::Diagrams(diagrams) => (diagrams.encode(&mut writer), 2).1,
        Payload::Documents(documents) => (documents.encode(&mut writer), 3).1,
    };
    let length = u32::try_from(bytes.len() - start - HEADER_BYTES).expect("a batch is far smaller than 4 GiB");
    let rows = u32::try_from(batch.rows()).expect("a batch is far smaller than 2^32 rows");
    bytes[start..start + 2].copy_from_slice(&MAGIC);
    bytes[start + 2] = VERSION;
    bytes[start + 3] = kind;
    bytes[start + 4..start + 8].copy_from_slice(&rows.to_le_bytes());
    bytes[start + 8..start + 12].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(&bytes[start..]);
    bytes[start + 12..start + 16].copy_from_slice(&checksum.to_le_bytes());
}

fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[HEADER_BYTES..])
}

/// Decodes the one batch that `bytes` must be, no more and no less. Never panics.
pub fn decode(bytes: &[u8]) -> Result<Batch> {
    if bytes.len() < HEADER_BYTES {
        return Err(Error::damaged(
            SUBJECT,
            format_args!("{} bytes, shorter than its header", bytes.len()),
        ));
    }
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    if bytes[..2] != MAGIC {
        return Err(Error::damaged(SUBJECT, "it does not start with BF"));
    }
    if bytes[2] != VERSION {
        return Err(Error::damaged(
            SUBJECT,
            format_args!("version {}; this program reads version {VERSION}", bytes[2]),
        ));
    }
    if word(8) as usize != bytes.len() - HEADER_BYTES {
        return Err(Error::damaged(
            SUBJECT,
            format_args!("{} bytes announced, {} there", word(8), bytes.len() - HEADER_BYTES),
        ));
    }
    let (found, expected) = (checksum(bytes), word(12));
    if found != expected {
        return Err(Error::damaged(
            SUBJECT,
            format_args!("checksum {found:08x}, expected {expected:08x}"),
        ));
    }
    let rows = word(4) as usize;
    let mut reader = Reader {
        bytes: &bytes[HEADER_BYTES..],
    };
    let event_time = Vec::<Timestamp>::decode(&mut reader, rows)?;
    let keys = Keys::decode(&mut reader, rows)?;
    let payload = match bytes[3] {
        0 => Payload::Points(Points::decode(&mut reader, rows)?),
        1 => Payload::Windows(Windows::decode(&mut reader, rows)?),
        2 => Payload::Diagrams(Diagrams::decode(&mut reader, rows)?),
        3 => Payload::Documents(Documents::decode(&mut reader, rows)?),
        kind => return Err(Error::damaged(SUBJECT, format_args!("kind of payload {kind}"))),
    };
    if !reader.bytes.is_empty() {
        return Err(Error::damaged(
            SUBJECT,
            format_args!("{} bytes too many", reader.bytes.len()),
        ));
    }
    Ok(Batch {
        event_time,
        keys,
        payload,
    })
}
