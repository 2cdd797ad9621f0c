//! A map from keys that come and go, by the hash that was computed once.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use streaming::key;

/// A key, with the dimension of its points: points of different dimension share no window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CloudKey {
    pub bytes: Arc<[u8]>,
    pub dim: u16,
}

/// A value per [`CloudKey`], made on first use.
pub struct KeyMap<V> {
    /// Nearly always one entry per hash.
    entries: FxHashMap<u64, Vec<(CloudKey, V)>>,
}

impl<V> Default for KeyMap<V> {
    fn default() -> Self {
        Self {
            entries: FxHashMap::default(),
        }
    }
}

impl<V: Default> KeyMap<V> {
    #[inline]
    pub fn get_or_default(&mut self, hash: u64, key: &[u8], dim: u16) -> (&CloudKey, &mut V) {
        let entries = self.entries.entry(hash).or_default();
        let at = entries
            .iter()
            .position(|(entry, _)| *entry.bytes == *key && entry.dim == dim)
            .unwrap_or_else(|| {
                entries.push((CloudKey { bytes: key.into(), dim }, V::default()));
                entries.len() - 1
            });
        let (key, value) = &mut entries[at];
        (key, value)
    }

    pub fn get_mut(&mut self, key: &CloudKey) -> Option<&mut V> {
        let entries = self.entries.get_mut(&key::hash(&key.bytes))?;
        entries
            .iter_mut()
            .find(|(entry, _)| entry == key)
            .map(|(_, value)| value)
    }

    pub fn remove(&mut self, key: &CloudKey) -> Option<V> {
        let hash = key::hash(&key.bytes);
        let entries = self.entries.get_mut(&hash)?;
        let at = entries.iter().position(|(entry, _)| entry == key)?;
        let (_, value) = entries.swap_remove(at);
        if entries.is_empty() {
            self.entries.remove(&hash);
        }
        Some(value)
    }

    /// All entries with the hash of their key, in no particular order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &CloudKey, &mut V)> {
        self.entries
            .iter_mut()
            .flat_map(|(hash, entries)| entries.iter_mut().map(|(key, value)| (*hash, &*key, value)))
    }

    /// All keys, sorted.
    pub fn sorted_keys(&self) -> Vec<CloudKey> {
        let mut keys: Vec<_> = self.entries.values().flatten().map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys
    }
}
