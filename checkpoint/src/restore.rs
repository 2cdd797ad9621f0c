//! Writing keyed rows as segments, and reading them back for one subtask.

use std::collections::BTreeMap;

use streaming::key::KeyGroupRange;

use crate::error::Result;
use crate::manifest::{KeyedChain, SegmentRef};
use crate::path::{Cluster, Object, StateObject};
use crate::segment::{Visit, encode_segments, read_rows};
use crate::store::Store;

/// Writes sorted rows as one segment, or several if they are many; none if there are no rows.
///
/// * `groups` — the key groups of the writing subtask
/// * `name` — a new name for every segment, with a nonce of its own; its kind says whether rows may be deletes
pub async fn write_segments<K: AsRef<[u8]>, V: AsRef<[u8]>>(
    store: &Store,
    cluster: &Cluster,
    groups: KeyGroupRange,
    name: &mut (dyn FnMut() -> StateObject + Send),
    rows: impl IntoIterator<Item = (K, Option<V>)>,
) -> Result<Vec<SegmentRef>> {
    let first = name();
    let kind = first.kind;
    let encoded = encode_segments(kind, rows)?;
    let mut first = Some(first);
    let mut written = Vec::with_capacity(encoded.len());
    for segment in encoded {
        let object = first.take().unwrap_or_else(&mut *name);
        let path = cluster.path(&Object::State(object));
        let bytes = segment.bytes.len() as u64;
        store.write_own(&path, segment.bytes).await?;
        written.push(SegmentRef {
            path,
            kind,
            bytes,
            rows: segment.rows,
            crc32c: segment.crc32c,
            groups,
        });
    }
    Ok(written)
}

/// Visits the rows of a chain, segment by segment in the order in which they are applied: a later row of the same key
/// replaces an earlier one, and `None` deletes it.
pub async fn visit_chain(store: &Store, chain: &KeyedChain, visit: &mut Visit<'_>) -> Result<()> {
    for part in chain.parts() {
        for segment in &part.segments {
            read_rows(store, segment, part.groups, visit).await?;
        }
    }
    Ok(())
}

/// The rows of a chain, deletes applied.
pub async fn read_chain(store: &Store, chain: &KeyedChain) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut rows = BTreeMap::new();
    let visit = &mut |key: &[u8], value: Option<&[u8]>| {
        match value {
            Some(value) => rows.insert(key.to_vec(), value.to_vec()),
            None => rows.remove(key),
        };
        Ok(())
    };
    visit_chain(store, chain, visit).await?;
    Ok(rows)
}
