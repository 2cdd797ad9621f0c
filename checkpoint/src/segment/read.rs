//! Bytes to rows, all of them or those of some key groups.

use std::ops::Range;

use bytes::Bytes;
use streaming::key::KeyGroupRange;
use streaming::state::RowKey;

use super::{
    Block, DELETE, END_MAGIC, ENTRY_BYTES, HEADER_BYTES, MAGIC, PUT, ROW_HEADER_BYTES, TRAILER_BYTES, VERSION, Visit,
};
use crate::error::{Error, Result};
use crate::manifest::SegmentRef;
use crate::path::{ObjectPath, SegmentKind};
use crate::store::Store;

/// What is read from the end of a segment at first: enough for the footer of most.
const TAIL_BYTES: u64 = 64 << 10;
/// Neighbouring blocks are read together up to this size.
const READ_BYTES: u64 = 8 << 20;

/// The checked table of contents of a segment.
#[derive(Debug, Clone)]
pub struct Index {
    blocks: Vec<Block>,
    path: ObjectPath,
}

impl Index {
    /// Reads the table of contents from the last bytes of a segment of `total` bytes, with a trailer whose checksum is
    /// `crc32c`.
    ///
    /// Returns how many bytes are needed from the end where `tail` is too short.
    pub fn parse(path: &ObjectPath, tail: &[u8], total: u64, crc32c: u32) -> Result<Result<Self, u64>> {
        let damaged = |reason: &dyn std::fmt::Display| Error::damaged(path, reason);
        if total < (HEADER_BYTES + TRAILER_BYTES) as u64 || tail.len() < TRAILER_BYTES {
            return Err(damaged(&format_args!("{total} bytes are too few for a segment")));
        }
        let (before, trailer) = tail.split_at(tail.len() - TRAILER_BYTES);
        let (covered, end) = trailer.split_at(TRAILER_BYTES - 8);
        let mut end = Fields(end);
        let found = end.u32();
        if end.take(4) != END_MAGIC {
            return Err(damaged(&"it does not end like a segment"));
        }
        if found != crc32c || crc32c::crc32c(covered) != found {
            return Err(damaged(&format_args!("checksum {found:08x}, expected {crc32c:08x}")));
        }
        let mut fields = Fields(covered);
        let (offset, bytes, footer_crc32c, rows) = (fields.u64(), fields.u32(), fields.u32(), fields.u64());
        check_header(fields.take(HEADER_BYTES)).map_err(|reason| damaged(&reason))?;
        let from_end = u64::from(bytes) + TRAILER_BYTES as u64;
        if offset.checked_add(from_end) != Some(total) || !(bytes as usize).is_multiple_of(ENTRY_BYTES) {
            return Err(damaged(&"its footer is not where the trailer says"));
        }
        let Some(start) = before.len().checked_sub(bytes as usize) else {
            return Ok(Err(from_end));
        };
        let footer = &before[start..];
        if crc32c::crc32c(footer) != footer_crc32c {
            return Err(damaged(&"its footer has another checksum"));
        }
        let blocks: Vec<_> = footer.chunks_exact(ENTRY_BYTES).map(parse_block).collect();
        check_blocks(&blocks, offset, rows).map_err(|reason| damaged(&reason))?;
        let path = path.clone();
        Ok(Ok(Self { blocks, path }))
    }

    /// The byte ranges to read for `groups`, neighbours joined, with the blocks in each.
    fn plan(&self, groups: KeyGroupRange) -> Vec<(Range<u64>, &[Block])> {
        let mut reads: Vec<(Range<u64>, Range<usize>)> = Vec::new();
        for (index, block) in self.blocks.iter().enumerate() {
            if block.first_group >= groups.end() || block.last_group < groups.start() {
                continue;
            }
            let end = block.offset + u64::from(block.bytes);
            match reads.last_mut() {
                Some((bytes, blocks)) if bytes.end == block.offset && end - bytes.start <= READ_BYTES => {
                    bytes.end = end;
                    blocks.end = index + 1;
                }
                _ => reads.push((block.offset..end, index..index + 1)),
            }
        }
        let with_blocks = |(bytes, blocks): (Range<u64>, Range<usize>)| (bytes, &self.blocks[blocks]);
        reads.into_iter().map(with_blocks).collect()
    }

    fn visit_block(&self, block: &Block, bytes: &[u8], groups: KeyGroupRange, visit: &mut Visit<'_>) -> Result<()> {
        let damaged = |reason: &str| Error::damaged(&self.path, format_args!("block at {}: {reason}", block.offset));
        if crc32c::crc32c(bytes) != block.crc32c {
            return Err(damaged("another checksum"));
        }
        let mut fields = Fields(bytes);
        for _ in 0..block.rows {
            if fields.0.len() < ROW_HEADER_BYTES {
                return Err(damaged("fewer rows than it should have"));
            }
            let (op, key_bytes, value_bytes) = (fields.take(1)[0], fields.u32() as usize, fields.u32() as usize);
            if key_bytes
                .checked_add(value_bytes)
                .is_none_or(|bytes| bytes > fields.0.len())
            {
                return Err(damaged("a row longer than its block"));
            }
            let (key, value) = (fields.take(key_bytes), fields.take(value_bytes));
            let value = match op {
                PUT => Some(value),
                DELETE if value.is_empty() => None,
                _ => return Err(damaged("a row that neither puts nor deletes")),
            };
            let group = RowKey::group_of(key).map_err(|_| damaged("a key that is not one"))?;
            if groups.contains(group) {
                visit(key, value)?;
            }
        }
        match fields.0 {
            [] => Ok(()),
            _ => Err(damaged("more bytes than rows")),
        }
    }
}

/// Visits the rows of a whole segment that belong to `groups`, in the order of keys.
#[cfg(test)]
pub(super) fn visit_bytes(
    path: &ObjectPath,
    bytes: &[u8],
    crc32c: u32,
    groups: KeyGroupRange,
    visit: &mut Visit<'_>,
) -> Result<()> {
    let Ok(index) = Index::parse(path, bytes, bytes.len() as u64, crc32c)? else {
        return Err(Error::damaged(path, "its footer is longer than itself"));
    };
    for block in index.plan(groups).into_iter().flat_map(|(_, blocks)| blocks) {
        let start = block.offset as usize;
        index.visit_block(block, &bytes[start..start + block.bytes as usize], groups, visit)?;
    }
    Ok(())
}

/// Visits the rows of a stored segment that belong to `groups`, in the order of keys. Reads the table of contents and the
/// blocks that hold such rows, at most [`READ_BYTES`] or one block at a time.
pub async fn read_rows(
    store: &Store,
    segment: &SegmentRef,
    groups: KeyGroupRange,
    visit: &mut Visit<'_>,
) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let index = read_index(store, segment).await?;
    for (range, blocks) in index.plan(groups) {
        let start = range.start;
        let bytes: Bytes = store.read_range(&segment.path, range).await?;
        for block in blocks {
            let at = (block.offset - start) as usize;
            index.visit_block(block, &bytes[at..at + block.bytes as usize], groups, visit)?;
        }
    }
    Ok(())
}

async fn read_index(store: &Store, segment: &SegmentRef) -> Result<Index> {
    let SegmentRef {
        path,
        bytes: total,
        crc32c,
        ..
    } = segment;
    let tail = |bytes: u64| store.read_range(path, total.saturating_sub(bytes)..*total);
    let first = tail(TAIL_BYTES).await?;
    let needed = match Index::parse(path, &first, *total, *crc32c)? {
        Ok(index) => return Ok(index),
        Err(needed) => needed,
    };
    let whole = tail(needed).await?;
    Index::parse(path, &whole, *total, *crc32c)?
        .map_err(|_| Error::damaged(path, "its footer changes while it is read"))
}

fn check_header(header: &[u8]) -> Result<(), String> {
    if &header[..4] != MAGIC {
        return Err("it does not begin like a segment".into());
    }
    if header[4] != VERSION {
        return Err(format!("version {} of segments is not known here", header[4]));
    }
    match SegmentKind::ALL.iter().any(|&kind| kind as u8 == header[5]) {
        true => Ok(()),
        false => Err(format!("kind {} of segments is not known here", header[5])),
    }
}

/// Blocks follow each other from the header to the footer, without a gap.
fn check_blocks(blocks: &[Block], footer_offset: u64, rows: u64) -> Result<(), &'static str> {
    let mut end = HEADER_BYTES as u64;
    for block in blocks {
        if block.offset != end || block.first_group > block.last_group {
            return Err("its blocks do not follow each other");
        }
        end += u64::from(block.bytes);
    }
    if end != footer_offset {
        return Err("its blocks do not fill it");
    }
    let counted: u64 = blocks.iter().map(|block| u64::from(block.rows)).sum();
    if counted != rows {
        return Err("its blocks have another number of rows");
    }
    Ok(())
}

fn parse_block(entry: &[u8]) -> Block {
    let mut fields = Fields(entry);
    Block {
        offset: fields.u64(),
        bytes: fields.u32(),
        rows: fields.u32(),
        crc32c: fields.u32(),
        table: fields.take(1)[0],
        first_group: fields.u16(),
        last_group: fields.u16(),
    }
}

/// Little-endian fields of a slice whose length the caller has checked.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, bytes: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(bytes);
        self.0 = rest;
        taken
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().expect("take returns what it is asked for")
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }
}
