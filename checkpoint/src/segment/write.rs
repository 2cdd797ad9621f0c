//! Rows to bytes.

use bytes::Bytes;
use streaming::state::{RowKey, Table};

use super::{
    Block, DELETE, END_MAGIC, ENTRY_BYTES, HEADER_BYTES, MAGIC, PUT, ROW_HEADER_BYTES, TRAILER_BYTES, VERSION,
};
use crate::error::{Error, Result};
use crate::path::SegmentKind;

/// Where a segment is full and the next one begins.
pub const MAX_SEGMENT_BYTES: usize = 64 << 20;
const BLOCK_BYTES: usize = 64 << 10;

/// A finished segment.
#[derive(Debug, Clone)]
pub struct Encoded {
    pub bytes: Bytes,
    pub rows: u64,
    /// The trailer's checksum, which covers all of it.
    pub crc32c: u32,
}

/// Writes one segment, row by row in the order of keys.
#[derive(Debug)]
pub struct SegmentWriter {
    kind: SegmentKind,
    bytes: Vec<u8>,
    blocks: Vec<Block>,
    open: Option<Block>,
    last_key: Vec<u8>,
    rows: u64,
}

impl SegmentWriter {
    /// `kind` is `Base` or `Delta`; only a delta may delete rows.
    pub fn new(kind: SegmentKind) -> Self {
        let mut bytes = Vec::with_capacity(BLOCK_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[VERSION, kind as u8, 0, 0]);
        Self {
            kind,
            bytes,
            blocks: Vec::new(),
            open: None,
            last_key: Vec::new(),
            rows: 0,
        }
    }

    /// Appends a row; `None` deletes it. `key` is an encoded [`RowKey`] greater than the one before.
    pub fn push(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let refuse = |reason: &dyn std::fmt::Display| Error::internal("segment", reason);
        let RowKey { table, group, .. } = RowKey::decode(key).map_err(|error| refuse(&error))?;
        if self.rows > 0 && key <= self.last_key.as_slice() {
            return Err(refuse(&format_args!("key {key:x?} after {:x?}", self.last_key)));
        }
        if value.is_none() && self.kind == SegmentKind::Base {
            return Err(refuse(&"a base deletes nothing"));
        }
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| refuse(&"a row of more than 4 GiB"));
        let (key_bytes, value_bytes) = (length(key)?, length(value.unwrap_or_default())?);

        let row_bytes = ROW_HEADER_BYTES + key.len() + value.map_or(0, <[u8]>::len);
        let mut block = self.block_for(table, group.0, row_bytes);
        self.bytes.push(if value.is_some() { PUT } else { DELETE });
        self.bytes.extend_from_slice(&key_bytes.to_le_bytes());
        self.bytes.extend_from_slice(&value_bytes.to_le_bytes());
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        block.rows += 1;
        block.last_group = group.0;
        self.open = Some(block);
        self.rows += 1;
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        Ok(())
    }

    /// The open block if it has the table and room, else a new one.
    fn block_for(&mut self, table: Table, group: u16, row_bytes: usize) -> Block {
        if let Some(block) = self.open.take() {
            let used = self.bytes.len() - block.offset as usize;
            if block.table == table && used + row_bytes <= BLOCK_BYTES {
                return block;
            }
            self.close(block);
        }
        Block {
            offset: self.bytes.len() as u64,
            bytes: 0,
            rows: 0,
            crc32c: 0,
            table,
            first_group: group,
            last_group: group,
        }
    }

    fn close(&mut self, mut block: Block) {
        let content = &self.bytes[block.offset as usize..];
        block.bytes = u32::try_from(content.len()).expect("a block is one row or at most BLOCK_BYTES");
        block.crc32c = crc32c::crc32c(content);
        self.blocks.push(block);
    }

    /// Whether it is time to finish this segment and begin another of the same kind.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= MAX_SEGMENT_BYTES
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    pub fn finish(mut self) -> Encoded {
        if let Some(block) = self.open.take() {
            self.close(block);
        }
        let footer_offset = self.bytes.len();
        self.bytes.reserve(self.blocks.len() * ENTRY_BYTES + TRAILER_BYTES);
        for block in &self.blocks {
            self.bytes.extend_from_slice(&block.offset.to_le_bytes());
            self.bytes.extend_from_slice(&block.bytes.to_le_bytes());
            self.bytes.extend_from_slice(&block.rows.to_le_bytes());
            self.bytes.extend_from_slice(&block.crc32c.to_le_bytes());
            self.bytes.push(block.table);
            self.bytes.extend_from_slice(&block.first_group.to_le_bytes());
            self.bytes.extend_from_slice(&block.last_group.to_le_bytes());
        }
        let footer = &self.bytes[footer_offset..];
        let mut trailer = Vec::with_capacity(TRAILER_BYTES);
        trailer.extend_from_slice(&(footer_offset as u64).to_le_bytes());
        trailer.extend_from_slice(&(footer.len() as u32).to_le_bytes());
        trailer.extend_from_slice(&crc32c::crc32c(footer).to_le_bytes());
        trailer.extend_from_slice(&self.rows.to_le_bytes());
        trailer.extend_from_slice(&self.bytes[..HEADER_BYTES]);
        let crc32c = crc32c::crc32c(&trailer);
        trailer.extend_from_slice(&crc32c.to_le_bytes());
        trailer.extend_from_slice(END_MAGIC);
        self.bytes.extend_from_slice(&trailer);
        Encoded {
            bytes: self.bytes.into(),
            rows: self.rows,
            crc32c,
        }
    }
}

/// Writes sorted rows into as many segments as their size asks for; none if there are no rows.
pub fn encode_segments<K: AsRef<[u8]>, V: AsRef<[u8]>>(
    kind: SegmentKind,
    rows: impl IntoIterator<Item = (K, Option<V>)>,
) -> Result<Vec<Encoded>> {
    let mut segments = Vec::new();
    let mut writer = SegmentWriter::new(kind);
    for (key, value) in rows {
        if writer.is_full() {
            let full = std::mem::replace(&mut writer, SegmentWriter::new(kind));
            segments.push(full.finish());
        }
        writer.push(key.as_ref(), value.as_ref().map(AsRef::as_ref))?;
    }
    if writer.rows() > 0 {
        segments.push(writer.finish());
    }
    Ok(segments)
}
