//! Keyed state, as an operator sees it, and the layout of its keys.
//!
//! A row's key is `table ∥ group (big-endian) ∥ length of key (big-endian) ∥ key ∥ namespace`, so one key group of a table is
//! one contiguous range everywhere: in memory, in sled, in a segment.

use crate::key::KeyGroup;
use crate::{Error, Result};

/// Which of an operator's own tables; an operator numbers them as it likes and never changes the numbers.
pub type Table = u8;

/// The state of one operator in one subtask. Rows written before a barrier belong to its checkpoint.
pub trait KeyedState: Send {
    fn get(&self, key: RowKey<'_>) -> Result<Option<Vec<u8>>>;
    fn put(&mut self, key: RowKey<'_>, value: &[u8]) -> Result<()>;
    fn delete(&mut self, key: RowKey<'_>) -> Result<()>;
    /// All rows of a table, in the order of their encoded keys: what an operator reads when it opens.
    fn scan(&self, table: Table, visit: &mut dyn FnMut(RowKey<'_>, &[u8]) -> Result<()>) -> Result<()>;
}

/// The address of one row of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowKey<'a> {
    pub table: Table,
    pub group: KeyGroup,
    pub key: &'a [u8],
    /// What one key has several of: a window, a pane, a chunk. Write numbers big-endian so that order is kept.
    pub namespace: &'a [u8],
}

const PREFIX_BYTES: usize = 7;

impl<'a> RowKey<'a> {
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PREFIX_BYTES + self.key.len() + self.namespace.len());
        bytes.push(self.table);
        bytes.extend_from_slice(&self.group.0.to_be_bytes());
        bytes.extend_from_slice(&(self.key.len() as u32).to_be_bytes());
        bytes.extend_from_slice(self.key);
        bytes.extend_from_slice(self.namespace);
        bytes
    }

    pub fn decode(bytes: &'a [u8]) -> Result<Self> {
        let damaged = || {
            Error::damaged(
                "state key",
                format_args!("{} bytes that are not a state key", bytes.len()),
            )
        };
        if bytes.len() < PREFIX_BYTES {
            return Err(damaged());
        }
        let (prefix, rest) = bytes.split_at(PREFIX_BYTES);
        let length = u32::from_be_bytes([prefix[3], prefix[4], prefix[5], prefix[6]]) as usize;
        if length > rest.len() {
            return Err(damaged());
        }
        let (key, namespace) = rest.split_at(length);
        Ok(Self {
            table: prefix[0],
            group: KeyGroup(u16::from_be_bytes([prefix[1], prefix[2]])),
            key,
            namespace,
        })
    }

    /// The group in an encoded key, without decoding the rest.
    pub fn group_of(bytes: &[u8]) -> Result<KeyGroup> {
        Ok(RowKey::decode(bytes)?.group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_round_trip(table: u8, group: u16, key: Vec<u8>, namespace: Vec<u8>) {
            let row = RowKey { table, group: KeyGroup(group), key: &key, namespace: &namespace };
            let bytes = row.encode();
            prop_assert_eq!(RowKey::decode(&bytes).unwrap(), row);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = RowKey::decode(&bytes);
        }
    }
}
