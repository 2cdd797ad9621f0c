use proptest::prelude::*;

use super::*;

fn points_batch() -> impl Strategy<Value = Batch> {
    (
        1u16..5,
        prop::collection::vec((any::<i64>(), prop::collection::vec(any::<u8>(), 0..9)), 0..20),
    )
        .prop_map(|(dim, rows)| {
            let mut keys = Keys::default();
            rows.iter().for_each(|(_, key)| keys.push(key));
            let coords = (0..rows.len() * usize::from(dim)).map(|value| value as f64).collect();
            let event_time = rows.iter().map(|(time, _)| Timestamp(*time)).collect();
            Batch {
                event_time,
                keys,
                payload: Payload::Points(Points { dim, coords }),
            }
        })
}

fn diagram_batch() -> impl Strategy<Value = Batch> {
    prop::collection::vec(prop::collection::vec((any::<f64>(), any::<f64>(), 0u64..3), 0..6), 0..6).prop_map(|rows| {
        let mut diagrams = Diagrams::default();
        for pairs in &rows {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|&(birth, death, dimension)| Pair {
                    birth,
                    death,
                    dimension,
                })
                .collect();
            diagrams.start.push(Timestamp(1));
            diagrams.end.push(Timestamp(2));
            diagrams.kind.push(WindowKind::Sliding as u8);
            diagrams.count.push(pairs.len() as u64);
            diagrams.dim.push(2);
            diagrams.max_dimension.push(2);
            diagrams.algorithm.push(b"vietoris_rips");
            diagrams.pairs.push(&pairs);
            diagrams.error_bound.push(0.0);
            diagrams.seconds.push(0.5);
            diagrams.memory_bytes.push(7);
            diagrams.annotations.push(b"\"drift\":{}");
        }
        let event_time = vec![Timestamp(1); rows.len()];
        Batch {
            event_time,
            keys: Keys::absent(rows.len()),
            payload: Payload::Diagrams(diagrams),
        }
    })
}

fn any_batch() -> impl Strategy<Value = Batch> {
    prop_oneof![points_batch(), diagram_batch()]
}

/// Bytes rather than values, since NaN differs from itself.
fn same(left: &Batch, right: &Batch) -> bool {
    encode(left) == encode(right)
}

proptest! {
    #[test]
    fn a_batch_survives_its_encoding(batch in any_batch()) {
        prop_assert!(same(&decode(&encode(&batch)).unwrap(), &batch));
    }

    #[test]
    fn every_truncation_is_refused(batch in any_batch()) {
        let bytes = encode(&batch);
        for length in 0..bytes.len() {
            prop_assert!(decode(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn every_flipped_bit_is_refused(batch in any_batch(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = encode(&batch);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn garbage_behind_a_valid_checksum_is_refused_or_consistent(mut bytes in prop::collection::vec(any::<u8>(), 16..200)) {
        let length = (bytes.len() - HEADER_BYTES) as u32;
        bytes[..3].copy_from_slice(b"BF\x01");
        bytes[3] %= 4;
        bytes[8..12].copy_from_slice(&length.to_le_bytes());
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[HEADER_BYTES..]);
        bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
        if let Ok(batch) = decode(&bytes) {
            batch.assert_consistent();
        }
    }

    #[test]
    fn gathering_the_parts_and_appending_them_gives_the_rows_back(batch in points_batch(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(batch.rows() + 1) as u32;
        let rows: Vec<u32> = (0..batch.rows() as u32).collect();
        let mut joined = batch.gather(&rows[..cut as usize]);
        joined.append(&batch.gather(&rows[cut as usize..]));
        prop_assert!(same(&joined, &batch));
    }
}
