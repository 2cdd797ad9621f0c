//! Small lists of states: the splits of a source, the seals of a sink.
//!
//! ```text
//! "BFLS" version:u8 0:u8[3] items:u32 (bytes:u32 item)* crc32c:u32
//! ```
//! A short list stands in the manifest itself, a long one in an object of its own.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use streaming::connector::SplitState;

use crate::error::{Error, Result};
use crate::path::{Cluster, Object, ObjectPath, StateObject};
use crate::store::Store;

const MAGIC: &[u8; 8] = b"BFLS\x01\0\0\0";
/// Longer lists get an object of their own.
const MAX_INLINE_BYTES: usize = 2048;

/// Where a list is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListRef {
    Inline(Hex),
    Object { path: ObjectPath, bytes: u64, crc32c: u32 },
}

impl ListRef {
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Inline(Hex(bytes)) => bytes.len() as u64,
            Self::Object { bytes, .. } => *bytes,
        }
    }

    pub fn path(&self) -> Option<&ObjectPath> {
        match self {
            Self::Inline(_) => None,
            Self::Object { path, .. } => Some(path),
        }
    }
}

/// Bytes that JSON shows as hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Hex(pub Bytes);

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
        match bytes {
            Some(bytes) if text.len().is_multiple_of(2) => Ok(Self(bytes.into())),
            _ => Err(serde::de::Error::custom("expected pairs of hexadecimal digits")),
        }
    }
}

/// Stores a list: in the result if it is short, else as the object `name` (of kind `List`).
pub async fn write_list(store: &Store, cluster: &Cluster, name: StateObject, items: &[Vec<u8>]) -> Result<ListRef> {
    let encoded = encode(items)?;
    if encoded.len() <= MAX_INLINE_BYTES {
        return Ok(ListRef::Inline(Hex(encoded)));
    }
    let path = cluster.path(&Object::State(name));
    let (bytes, crc32c) = (encoded.len() as u64, crc32c::crc32c(&encoded));
    store.write_own(&path, encoded).await?;
    Ok(ListRef::Object { path, bytes, crc32c })
}

pub async fn read_list(store: &Store, list: &ListRef) -> Result<Vec<Vec<u8>>> {
    match list {
        ListRef::Inline(Hex(bytes)) => decode(bytes).map_err(|reason| Error::damaged(&ObjectPath::new("list"), reason)),
        ListRef::Object { path, bytes, crc32c } => {
            let read = store.read(path).await?;
            if read.len() as u64 != *bytes || crc32c::crc32c(&read) != *crc32c {
                return Err(Error::damaged(path, "it is not what the manifest describes"));
            }
            decode(&read).map_err(|reason| Error::damaged(path, reason))
        }
    }
}

/// One item per split.
pub fn encode_splits(splits: &[SplitState]) -> Vec<Vec<u8>> {
    let encode = |split: &SplitState| {
        let name = split.split.as_bytes();
        [&(name.len() as u32).to_le_bytes(), name, &split.position].concat()
    };
    splits.iter().map(encode).collect()
}

pub fn decode_splits(items: &[Vec<u8>]) -> Result<Vec<SplitState>> {
    let decode = |item: &Vec<u8>| {
        let (length, rest) = item.split_first_chunk()?;
        let (name, position) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        Some(SplitState {
            split: std::str::from_utf8(name).ok()?.to_owned(),
            position: position.to_vec(),
        })
    };
    let splits: Option<Vec<_>> = items.iter().map(decode).collect();
    splits.ok_or_else(|| Error::damaged(&ObjectPath::new("list of splits"), "an item is not a split"))
}

fn encode(items: &[Vec<u8>]) -> Result<Bytes> {
    let count = |length: usize| u32::try_from(length).map_err(|_| Error::internal("list", "more than 4 GiB"));
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&count(items.len())?.to_le_bytes());
    for item in items {
        bytes.extend_from_slice(&count(item.len())?.to_le_bytes());
        bytes.extend_from_slice(item);
    }
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    Ok(bytes.into())
}

fn decode(bytes: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let (content, crc32c) = bytes.split_last_chunk().ok_or("too short for a list")?;
    if crc32c::crc32c(content) != u32::from_le_bytes(*crc32c) {
        return Err("another checksum");
    }
    let rest = content.strip_prefix(MAGIC).ok_or("it does not begin like a list")?;
    let (count, mut rest) = rest.split_first_chunk().ok_or("too short for a list")?;
    let mut items = Vec::new();
    for _ in 0..u32::from_le_bytes(*count) {
        let (length, tail) = rest.split_first_chunk().ok_or("fewer items than it should have")?;
        let length = u32::from_le_bytes(*length) as usize;
        let (item, tail) = tail.split_at_checked(length).ok_or("an item longer than the list")?;
        items.push(item.to_vec());
        rest = tail;
    }
    match rest {
        [] => Ok(items),
        _ => Err("more bytes than items"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use streaming::{Attempt, Epoch, JobId};

    use super::*;
    use crate::path::SegmentKind;
    use crate::store::StoreOptions;

    proptest! {
        #[test]
        fn lists_come_back_and_damage_is_refused(items: Vec<Vec<u8>>, at: prop::sample::Index, bit in 0..8u32) {
            let mut bytes = encode(&items).unwrap().to_vec();
            prop_assert_eq!(decode(&bytes), Ok(items));
            let at = at.index(bytes.len());
            prop_assert!(decode(&bytes[..at]).is_err());
            bytes[at] ^= 1u8 << bit;
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn splits_come_back(names: Vec<String>, position: Vec<u8>) {
            let split = |split| SplitState { split, position: position.clone() };
            let splits: Vec<_> = names.into_iter().map(split).collect();
            prop_assert_eq!(decode_splits(&encode_splits(&splits)).unwrap(), splits);
        }

        #[test]
        fn arbitrary_items_never_panic(items: Vec<Vec<u8>>) {
            let _ = decode_splits(&items);
        }
    }

    #[tokio::test]
    async fn long_lists_become_objects() {
        let store = Store::open("memory:", &StoreOptions::default()).unwrap();
        for (length, inline) in [(10, true), (10_000, false)] {
            let name = StateObject {
                job: JobId(1),
                attempt: Attempt(1),
                epoch: Epoch(1),
                operator: "o".into(),
                subtask: 0,
                kind: SegmentKind::List,
                nonce: length,
            };
            let items = vec![vec![7; length as usize]];
            let list = write_list(&store, &Cluster::new("c"), name, &items).await.unwrap();
            assert_eq!(list.path().is_none(), inline);
            let json = serde_json::to_string(&list).unwrap();
            let list: ListRef = serde_json::from_str(&json).unwrap();
            assert_eq!(read_list(&store, &list).await.unwrap(), items);
        }
    }
}
