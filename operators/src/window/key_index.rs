//! Keys to small numbers: one hash lookup per row, no allocation per row.

use std::hash::{BuildHasherDefault, Hasher};

use streaming::batch::{Column, List};

/// Numbers keys `0, 1, 2, …` in the order of their first appearance. What is kept per key stands in columns beside it.
#[derive(Default)]
pub struct KeyIndex {
    /// The newest entry of each hash.
    newest: std::collections::HashMap<u64, u32, BuildHasherDefault<Ready>>,
    hashes: Vec<u64>,
    /// The entry before with the same hash and another key: 64-bit hashes collide, if rarely.
    older: Vec<u32>,
    bytes: List<u8>,
}

const NONE: u32 = u32::MAX;

impl KeyIndex {
    pub fn with_capacity(keys: usize) -> Self {
        let mut index = Self::default();
        index.newest.reserve(keys);
        index.hashes.reserve(keys);
        index.older.reserve(keys);
        index
    }

    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// The number of the key, and whether it is new.
    #[inline]
    pub fn find_or_insert(&mut self, hash: u64, key: &[u8]) -> (usize, bool) {
        let next = self.hashes.len() as u32;
        let first = *self.newest.entry(hash).or_insert(next);
        let mut at = first;
        while at != next && at != NONE {
            if self.bytes.row(at as usize) == key {
                return (at as usize, false);
            }
            at = self.older[at as usize];
        }
        self.older.push(if first == next { NONE } else { first });
        if first != next {
            self.newest.insert(hash, next);
        }
        self.hashes.push(hash);
        self.bytes.push(key);
        (next as usize, true)
    }

    pub fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let mut at = *self.newest.get(&hash)?;
        while at != NONE {
            if self.bytes.row(at as usize) == key {
                return Some(at as usize);
            }
            at = self.older[at as usize];
        }
        None
    }

    pub fn key(&self, index: usize) -> &[u8] {
        self.bytes.row(index)
    }

    pub fn hash(&self, index: usize) -> u64 {
        self.hashes[index]
    }

    pub fn size_bytes(&self) -> usize {
        // Hash, number and control byte per slot of the map; hash and older entry per key.
        self.newest.capacity() * 17 + self.hashes.len() * 12 + self.bytes.size_bytes()
    }
}

/// Passes a 64-bit number on: the keys of the map are hashes already.
#[derive(Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("the keys of the map are u64");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_equal_hash_are_told_apart() {
        let mut index = KeyIndex::default();
        let numbers: Vec<_> = ["a", "b", "a", "c", "b", "c"]
            .iter()
            .map(|key| index.find_or_insert(7, key.as_bytes()))
            .collect();
        assert_eq!(
            numbers,
            [(0, true), (1, true), (0, false), (2, true), (1, false), (2, false)]
        );
        assert_eq!(
            (index.find(7, b"b"), index.find(7, b"d"), index.find(8, b"a")),
            (Some(1), None, None)
        );
        assert_eq!((index.key(2), index.hash(2)), (b"c".as_slice(), 7));
    }
}
