//! The header of a record batch (format 2). Records stay opaque, except for a search by time in an uncompressed batch.

use kafka_protocol::ResponseError;

/// Bytes of a batch header; the records follow.
pub const HEADER_BYTES: usize = 61;
/// Bytes before the counted length: base offset (8) and the length itself (4).
const LENGTH_PREFIX_BYTES: usize = 12;
/// The checksum covers everything from here on.
const CHECKED_FROM: usize = 21;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;
const COMPRESSION: i16 = 0x07;

/// What the broker needs to know of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub base_offset: i64,
    /// Of the whole batch, this header included.
    pub bytes: usize,
    pub attributes: i16,
    pub last_offset_delta: i32,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub records: i32,
}

impl Header {
    /// Reads the header at the start of `bytes`, which may be shorter than the batch. `None`: not a batch of format 2.
    pub fn parse(bytes: &[u8]) -> Option<Header> {
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        let length = i32_at(header, 8);
        if header[16] != 2 || length < (HEADER_BYTES - LENGTH_PREFIX_BYTES) as i32 {
            return None;
        }
        Some(Header {
            base_offset: i64_at(header, 0),
            bytes: length as usize + LENGTH_PREFIX_BYTES,
            attributes: i16_at(header, 21),
            last_offset_delta: i32_at(header, 23),
            base_timestamp: i64_at(header, 27),
            max_timestamp: i64_at(header, 35),
            producer_id: i64_at(header, 43),
            producer_epoch: i16_at(header, 51),
            base_sequence: i32_at(header, 53),
            records: i32_at(header, 57),
        })
    }

    pub fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    pub fn is_compressed(&self) -> bool {
        self.attributes & COMPRESSION != 0
    }

    pub fn is_idempotent(&self) -> bool {
        self.producer_id >= 0
    }
}

/// Checks one batch as a client sent it: exactly one, whole, intact, not larger than `max_bytes`, no control batch.
pub fn validate(bytes: &[u8], max_bytes: usize) -> Result<Header, ResponseError> {
    let header = Header::parse(bytes).ok_or(ResponseError::CorruptMessage)?;
    if header.bytes > bytes.len() {
        return Err(ResponseError::CorruptMessage);
    }
    if header.bytes < bytes.len() || header.is_control() {
        return Err(ResponseError::InvalidRecord);
    }
    if header.bytes > max_bytes {
        return Err(ResponseError::MessageTooLarge);
    }
    if !checksum_matches(bytes) {
        return Err(ResponseError::CorruptMessage);
    }
    if header.records < 1 || header.last_offset_delta != header.records - 1 {
        return Err(ResponseError::InvalidRecord);
    }
    if header.attributes & COMPRESSION > 4 {
        return Err(ResponseError::UnsupportedCompressionType);
    }
    if header.is_transactional() && !header.is_idempotent() {
        return Err(ResponseError::InvalidRecord);
    }
    Ok(header)
}

/// Whether the CRC32C of a whole batch is right.
pub fn checksum_matches(batch: &[u8]) -> bool {
    batch.len() >= HEADER_BYTES && i32_at(batch, 17) as u32 == crc32c::crc32c(&batch[CHECKED_FROM..])
}

/// Writes what the broker decides, the base offset and the leader epoch (0: there is one leader); neither is checksummed.
pub fn assign_offset(batch: &mut [u8], base_offset: i64) {
    batch[0..8].copy_from_slice(&base_offset.to_be_bytes());
    batch[12..16].copy_from_slice(&0i32.to_be_bytes());
}

/// The batch that ends a producer's transaction in one partition.
pub fn control_batch(producer_id: i64, epoch: i16, committed: bool, now_ms: i64) -> Vec<u8> {
    // Lengths are zigzag varints; all of these fit one byte.
    let mut record = vec![32, 0, 0, 0, 8, 0, 0, 0, u8::from(committed), 12];
    record.extend([0; 6]); // value: version 0, coordinator epoch 0
    record.push(0); // no headers

    let mut batch = Vec::with_capacity(HEADER_BYTES + record.len());
    batch.extend(0i64.to_be_bytes());
    batch.extend(((HEADER_BYTES - LENGTH_PREFIX_BYTES + record.len()) as i32).to_be_bytes());
    batch.extend(0i32.to_be_bytes());
    batch.push(2);
    batch.extend(0u32.to_be_bytes());
    batch.extend((TRANSACTIONAL | CONTROL).to_be_bytes());
    batch.extend(0i32.to_be_bytes());
    batch.extend(now_ms.to_be_bytes());
    batch.extend(now_ms.to_be_bytes());
    batch.extend(producer_id.to_be_bytes());
    batch.extend(epoch.to_be_bytes());
    batch.extend((-1i32).to_be_bytes());
    batch.extend(1i32.to_be_bytes());
    batch.extend(record);
    let crc = crc32c::crc32c(&batch[CHECKED_FROM..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch
}

/// Whether a control batch commits; `None` if it is not one.
pub fn control_commits(batch: &[u8]) -> Option<bool> {
    let header = Header::parse(batch)?;
    // Record: length, attributes, two deltas, key length (one byte each), then key version and type.
    let key = batch.get(HEADER_BYTES + 5..HEADER_BYTES + 9)?;
    header.is_control().then(|| i16_at(key, 2) == 1)
}

/// Offset and timestamp of the first record at or after `timestamp`.
///
/// Records of a compressed batch are not looked into: its first offset is the answer, which is never too late.
pub fn first_at_or_after(batch: &[u8], timestamp: i64) -> Option<(i64, i64)> {
    let header = Header::parse(batch)?;
    if header.max_timestamp < timestamp {
        return None;
    }
    if header.is_compressed() {
        return Some((header.base_offset, header.max_timestamp));
    }
    let mut rest = batch.get(HEADER_BYTES..header.bytes)?;
    for _ in 0..header.records {
        let length = varint(&mut rest)?;
        let (mut record, next) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        record = record.get(1..)?;
        let at = header.base_timestamp + varint(&mut record)?;
        let offset = header.base_offset + varint(&mut record)?;
        if at >= timestamp {
            return Some((offset, at));
        }
        rest = next;
    }
    None
}

/// A zigzag varint, taken from the front of `bytes`.
fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

fn i16_at(bytes: &[u8], at: usize) -> i16 {
    i16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    i32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    (i64::from(i32_at(bytes, at)) << 32) | i64::from(i32_at(bytes, at + 4) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_batch_reads_back_and_its_checksum_holds() {
        for committed in [true, false] {
            let mut batch = control_batch(7, 3, committed, 1_000);
            assign_offset(&mut batch, 42);
            let header = Header::parse(&batch).unwrap();
            assert_eq!(
                (header.base_offset, header.last_offset(), header.bytes),
                (42, 42, batch.len())
            );
            assert_eq!((header.producer_id, header.producer_epoch), (7, 3));
            assert!(header.is_control() && header.is_transactional() && checksum_matches(&batch));
            assert_eq!(control_commits(&batch), Some(committed));
        }
    }

    #[test]
    fn every_flipped_bit_behind_the_checksum_is_noticed() {
        let batch = control_batch(1, 0, true, 5);
        for at in CHECKED_FROM..batch.len() {
            let mut damaged = batch.clone();
            damaged[at] ^= 1;
            assert!(!checksum_matches(&damaged), "byte {at}");
        }
    }

    #[test]
    fn a_batch_that_is_cut_or_doubled_is_refused() {
        let batch = control_batch(1, 0, true, 5);
        assert_eq!(
            validate(&batch[..batch.len() - 1], 1_000),
            Err(ResponseError::CorruptMessage)
        );
        assert_eq!(
            validate(&[batch.clone(), batch.clone()].concat(), 1_000),
            Err(ResponseError::InvalidRecord)
        );
        assert_eq!(
            validate(&batch, 1_000),
            Err(ResponseError::InvalidRecord),
            "clients may not send control batches"
        );
        assert_eq!(validate(b"short", 1_000), Err(ResponseError::CorruptMessage));
    }
}
