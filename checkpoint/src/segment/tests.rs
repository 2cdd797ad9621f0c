use std::collections::BTreeMap;

use proptest::prelude::*;
use streaming::key::{KeyGroup, KeyGroupRange};
use streaming::state::RowKey;
use streaming::{Attempt, Epoch, JobId};

use super::read::visit_bytes;
use super::*;
use crate::manifest::SegmentRef;
use crate::path::{Cluster, ObjectPath, SegmentKind, StateObject};
use crate::restore::write_segments;
use crate::store::{Store, StoreOptions};

const GROUPS: u16 = 16;
type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

fn rows() -> impl Strategy<Value = Rows> {
    let key = (0u8..3, 0..GROUPS, any::<[u8; 3]>()).prop_map(|(table, group, key)| {
        let row = RowKey {
            table,
            group: KeyGroup(group),
            key: &key,
            namespace: b"",
        };
        row.encode()
    });
    let value = proptest::option::of((any::<u8>(), 0usize..3000).prop_map(|(byte, length)| vec![byte; length]));
    proptest::collection::btree_map(key, value, 0..200)
}

fn encode(rows: &Rows) -> Encoded {
    let mut writer = SegmentWriter::new(SegmentKind::Delta);
    for (key, value) in rows {
        writer.push(key, value.as_deref()).unwrap();
    }
    writer.finish()
}

fn decode(bytes: &[u8], crc32c: u32, groups: KeyGroupRange) -> crate::Result<Rows> {
    let mut rows = Rows::new();
    visit_bytes(&ObjectPath::new("segment"), bytes, crc32c, groups, &mut |key, value| {
        rows.insert(key.to_vec(), value.map(<[u8]>::to_vec));
        Ok(())
    })?;
    Ok(rows)
}

fn all() -> KeyGroupRange {
    KeyGroupRange::of_subtask(GROUPS, 1, 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_come_back(rows in rows()) {
        let encoded = encode(&rows);
        prop_assert_eq!(decode(&encoded.bytes, encoded.crc32c, all()).unwrap(), rows);
    }

    #[test]
    fn the_ranges_of_all_subtasks_together_are_the_whole(rows in rows(), parallelism in 1u16..20) {
        let encoded = encode(&rows);
        let mut together = Rows::new();
        for subtask in 0..parallelism {
            let groups = KeyGroupRange::of_subtask(GROUPS, parallelism, subtask);
            let part = decode(&encoded.bytes, encoded.crc32c, groups).unwrap();
            for (key, value) in part {
                prop_assert!(groups.contains(RowKey::group_of(&key).unwrap()));
                prop_assert!(together.insert(key, value).is_none());
            }
        }
        prop_assert_eq!(together, rows);
    }

    #[test]
    fn any_truncation_is_refused(rows in rows(), cut in any::<prop::sample::Index>()) {
        let encoded = encode(&rows);
        let length = cut.index(encoded.bytes.len());
        prop_assert!(decode(&encoded.bytes[..length], encoded.crc32c, all()).is_err());
    }

    #[test]
    fn any_flipped_bit_behind_the_header_is_refused(rows in rows(), at in any::<prop::sample::Index>(), bit in 0..8u32) {
        let encoded = encode(&rows);
        let mut bytes = encoded.bytes.to_vec();
        let at = HEADER_BYTES + at.index(bytes.len() - HEADER_BYTES);
        bytes[at] ^= 1u8 << bit;
        prop_assert!(decode(&bytes, encoded.crc32c, all()).is_err());
    }

    #[test]
    fn arbitrary_bytes_with_a_matching_checksum_never_panic(mut bytes: Vec<u8>, header: bool) {
        // What an attacker who can compute checksums could write.
        bytes.resize(bytes.len().max(TRAILER_BYTES + HEADER_BYTES), 7);
        let end = bytes.len();
        if header {
            bytes[end - 16..end - 12].copy_from_slice(MAGIC);
            bytes[end - 12..end - 8].copy_from_slice(&[VERSION, 1, 0, 0]);
        }
        let crc32c = crc32c::crc32c(&bytes[end - TRAILER_BYTES..end - 8]);
        bytes[end - 8..end - 4].copy_from_slice(&crc32c.to_le_bytes());
        bytes[end - 4..].copy_from_slice(END_MAGIC);
        let _ = decode(&bytes, crc32c, all());
    }
}

#[test]
fn rows_out_of_order_and_deletes_in_a_base_are_refused() {
    let key = |group| {
        let (table, key, namespace) = (0, b"k".as_slice(), b"".as_slice());
        RowKey {
            table,
            group: KeyGroup(group),
            key,
            namespace,
        }
        .encode()
    };
    let mut writer = SegmentWriter::new(SegmentKind::Base);
    writer.push(&key(2), Some(b"v")).unwrap();
    assert!(writer.push(&key(2), Some(b"v")).is_err());
    assert!(writer.push(&key(1), Some(b"v")).is_err());
    assert!(writer.push(&key(3), None).is_err());
    assert!(writer.push(b"short", Some(b"v")).is_err());
}

#[tokio::test]
async fn a_stored_segment_is_read_by_ranges_and_a_mix_up_is_noticed() {
    let store = Store::open("memory:", &StoreOptions::default()).unwrap();
    let cluster = Cluster::new("c");
    let rows = |length: usize| {
        let row = move |i: u32| {
            let (table, namespace) = (0, b"".as_slice());
            let key = RowKey {
                table,
                group: KeyGroup((i / 500) as u16),
                key: &i.to_be_bytes(),
                namespace,
            }
            .encode();
            (key, Some(vec![i as u8; length]))
        };
        (0..500 * u32::from(GROUPS)).map(row)
    };
    let name = |nonce| StateObject {
        job: JobId(1),
        attempt: Attempt(1),
        epoch: Epoch(1),
        operator: "o".into(),
        subtask: 0,
        kind: SegmentKind::Base,
        nonce,
    };
    // 8000 rows of 1 KiB: more blocks than the first read of the footer... and several reads of blocks.
    let mut nonces = 1u64;
    let mut next = || {
        nonces += 1;
        name(nonces)
    };
    let segments = write_segments(&store, &cluster, all(), &mut next, rows(1024))
        .await
        .unwrap();
    assert_eq!(segments.len(), 1);
    let mut count = 0;
    let groups = KeyGroupRange::of_subtask(GROUPS, 4, 1);
    let visit = &mut |key: &[u8], _: Option<&[u8]>| {
        count += 1;
        assert!(groups.contains(RowKey::group_of(key).unwrap()));
        Ok(())
    };
    read_rows(&store, &segments[0], groups, visit).await.unwrap();
    assert_eq!(count, 2000);

    let other = write_segments(&store, &cluster, all(), &mut next, rows(1024).take(7999))
        .await
        .unwrap();
    let mixed_up = SegmentRef {
        path: other[0].path.clone(),
        ..segments[0].clone()
    };
    assert!(read_rows(&store, &mixed_up, all(), &mut |_, _| Ok(())).await.is_err());
}
