//! Sorted rows of keyed state in one immutable object.
//!
//! ```text
//! header    "BFSG" version:u8 kind:u8 0:u16
//! block*    row*, all of one table; row = op:u8 key_bytes:u32 value_bytes:u32 key value
//! footer    per block: offset:u64 bytes:u32 rows:u32 crc32c:u32 table:u8 first_group:u16 last_group:u16
//! trailer   footer_offset:u64 footer_bytes:u32 footer_crc32c:u32 rows:u64 header:8 bytes crc32c:u32 "GSFB"
//! ```
//! Integers are little-endian. The trailer's checksum covers the footer's, which covers every block's: whoever knows that
//! one number, as a manifest does, can tell damage and mix-ups of any part, also when only a part is read.

mod read;
mod write;

pub use read::{Index, read_rows};
pub use write::{Encoded, MAX_SEGMENT_BYTES, SegmentWriter, encode_segments};

const MAGIC: &[u8; 4] = b"BFSG";
const END_MAGIC: &[u8; 4] = b"GSFB";
const VERSION: u8 = 1;
const HEADER_BYTES: usize = 8;
const ENTRY_BYTES: usize = 25;
const TRAILER_BYTES: usize = 40;
const ROW_HEADER_BYTES: usize = 9;
const PUT: u8 = 1;
const DELETE: u8 = 0;

/// Where a block is and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    offset: u64,
    bytes: u32,
    rows: u32,
    crc32c: u32,
    table: u8,
    first_group: u16,
    last_group: u16,
}

/// Called for every row: its key, and its value or `None` where the row is deleted.
pub type Visit<'a> = dyn FnMut(&[u8], Option<&[u8]>) -> crate::Result<()> + Send + 'a;

#[cfg(test)]
mod tests;
