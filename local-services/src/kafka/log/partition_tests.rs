//! A partition on disk: offsets, torn writes, retention.

use super::*;

const LIMITS: Limits = Limits {
    segment_bytes: 1000,
    retention_bytes: 3000,
    retention_ms: 10_000,
    max_message_bytes: 1000,
};

/// A batch of `records` empty records, the first at `timestamp`, each a millisecond after the last.
fn batch(records: i32, timestamp: i64, producer: Option<(i64, i16, i32)>, transactional: bool) -> Vec<u8> {
    let (id, epoch, sequence) = producer.unwrap_or((-1, -1, -1));
    let mut body = Vec::new();
    for i in 0..records {
        let delta = u8::try_from(2 * i).unwrap();
        body.extend([12, 0, delta, delta, 1, 1, 0]);
    }
    let mut bytes = vec![0; batch::HEADER_BYTES];
    let length = (bytes.len() - 12 + body.len()) as i32;
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    bytes[16] = 2;
    bytes[22] = if transactional { 0x10 } else { 0 };
    bytes[23..27].copy_from_slice(&(records - 1).to_be_bytes());
    bytes[27..35].copy_from_slice(&timestamp.to_be_bytes());
    bytes[35..43].copy_from_slice(&(timestamp + i64::from(records) - 1).to_be_bytes());
    bytes[43..51].copy_from_slice(&id.to_be_bytes());
    bytes[51..53].copy_from_slice(&epoch.to_be_bytes());
    bytes[53..57].copy_from_slice(&sequence.to_be_bytes());
    bytes[57..61].copy_from_slice(&records.to_be_bytes());
    bytes.extend(body);
    let crc = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// Base offsets of all batches that a reader gets from `from` on.
fn read(partition: &Partition, mut from: i64, committed: bool) -> Vec<i64> {
    let mut offsets = Vec::new();
    loop {
        let slice = partition.read(from, 300, committed).unwrap();
        if slice.records.is_empty() {
            return offsets;
        }
        let mut rest = slice.records.as_slice();
        while let Some(header) = Header::parse(rest) {
            offsets.push(header.base_offset);
            from = header.last_offset() + 1;
            rest = &rest[header.bytes..];
        }
    }
}

#[test]
fn offsets_are_dense_over_segments_and_any_offset_can_be_read_from() {
    let dir = tempfile::tempdir().unwrap();
    let partition = Partition::open(dir.path(), LIMITS).unwrap();
    for i in 0..100 {
        let appended = partition.append(&batch(3, 100 + i, None, false), false).unwrap();
        assert_eq!(appended.base_offset, 3 * i);
    }
    assert!(segment_files(dir.path()).unwrap().len() > 5);
    for from in 0..300 {
        let expected: Vec<i64> = (from / 3..100).map(|i| 3 * i).collect();
        assert_eq!(read(&partition, from, true), expected, "from {from}");
    }
    assert!(matches!(
        partition.read(301, 100, true),
        Err(ResponseError::OffsetOutOfRange)
    ));
}

#[test]
fn the_first_record_at_a_time_is_found_in_any_segment() {
    let dir = tempfile::tempdir().unwrap();
    let partition = Partition::open(dir.path(), LIMITS).unwrap();
    for i in 0..100 {
        partition.append(&batch(3, 1000 + 10 * i, None, false), false).unwrap();
    }
    for i in 0..100 {
        let find = |timestamp| partition.first_at_or_after(timestamp).unwrap();
        assert_eq!(find(1000 + 10 * i), Some((3 * i, 1000 + 10 * i)));
        assert_eq!(find(1002 + 10 * i), Some((3 * i + 2, 1002 + 10 * i)));
    }
    assert_eq!(partition.first_at_or_after(2000).unwrap(), None);
}

#[test]
fn a_torn_last_batch_is_cut_off_and_all_before_it_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("{:020}.log", 0));
    let partition = Partition::open(dir.path(), LIMITS).unwrap();
    partition.append(&batch(2, 1, Some((7, 0, 0)), false), false).unwrap();
    let first = fs::metadata(&path).unwrap().len() as usize;
    partition.append(&batch(3, 2, Some((7, 0, 2)), false), false).unwrap();
    drop(partition);
    let whole = fs::read(&path).unwrap();
    for length in first..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let partition = Partition::open(dir.path(), LIMITS).unwrap();
        let expected = if length == whole.len() { 5 } else { 2 };
        assert_eq!(partition.offsets().2, expected, "cut at {length}");
        // The producer's retry is told apart from a batch that was lost.
        let retried = partition.append(&batch(3, 2, Some((7, 0, 2)), false), false).unwrap();
        assert_eq!((retried.base_offset, partition.offsets().2), (2, 5));
    }
}

#[test]
fn damage_before_the_last_segment_is_reported_not_cut() {
    let dir = tempfile::tempdir().unwrap();
    let partition = Partition::open(dir.path(), LIMITS).unwrap();
    for i in 0..50 {
        partition.append(&batch(3, i, None, false), false).unwrap();
    }
    drop(partition);
    let path = dir.path().join(format!("{:020}.log", 0));
    let mut bytes = fs::read(&path).unwrap();
    bytes[200] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(
        Partition::open(dir.path(), LIMITS),
        Err(Error::Damaged { .. })
    ));
}

#[test]
fn old_segments_go_by_size_and_by_age_but_not_under_an_open_transaction() {
    let dir = tempfile::tempdir().unwrap();
    let partition = Partition::open(dir.path(), LIMITS).unwrap();
    partition.begin_transaction(1, 0);
    partition.append(&batch(1, 1000, Some((1, 0, 0)), true), true).unwrap();
    for i in 1..=200 {
        partition.append(&batch(1, 1000 + i, None, false), false).unwrap();
    }
    partition.retain(1000).unwrap();
    assert_eq!(partition.offsets().0, 0, "the open transaction holds everything");
    partition.end_transaction(1, 0, true, 1200).unwrap();
    partition.retain(1000).unwrap();
    let (start, _, end) = partition.offsets();
    let kept: u64 = segment_files(dir.path())
        .unwrap()
        .iter()
        .map(|(_, path)| fs::metadata(path).unwrap().len())
        .sum();
    assert!(start > 0 && (3000..5000).contains(&kept), "from {start}, {kept} bytes");
    assert!(matches!(
        partition.read(start - 1, 100, true),
        Err(ResponseError::OffsetOutOfRange)
    ));
    partition.retain(20_000).unwrap();
    assert_eq!(partition.offsets(), (end, end, end), "all is too old");
    drop(partition);
    let again = Partition::open(dir.path(), LIMITS).unwrap();
    assert_eq!(again.offsets(), (end, end, end), "offsets go on where they were");
}

#[test]
fn open_and_aborted_transactions_are_known_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let partition = Partition::open(dir.path(), LIMITS).unwrap();
    partition.begin_transaction(1, 0);
    partition.append(&batch(2, 1, Some((1, 0, 0)), true), true).unwrap();
    partition.end_transaction(1, 0, false, 5).unwrap();
    partition.begin_transaction(2, 0);
    partition.append(&batch(2, 1, Some((2, 0, 0)), true), true).unwrap();
    drop(partition);

    let partition = Partition::open(dir.path(), LIMITS).unwrap();
    assert_eq!(partition.offsets(), (0, 3, 5));
    let slice = partition.read(0, 1000, true).unwrap();
    assert_eq!(
        slice.aborted,
        [Aborted {
            producer_id: 1,
            first_offset: 0,
            marker_offset: 2
        }]
    );
    partition.begin_transaction(2, 0);
    partition.abort_orphans(9).unwrap();
    assert_eq!(partition.offsets(), (0, 3, 5), "what the coordinator knows stays open");
    drop(partition);

    let partition = Partition::open(dir.path(), LIMITS).unwrap();
    partition.abort_orphans(9).unwrap();
    assert_eq!(partition.offsets(), (0, 6, 6), "what nobody knows is aborted");
}
