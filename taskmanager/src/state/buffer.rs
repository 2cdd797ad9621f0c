//! Write buffers over a table: the active one takes writes; a frozen one belongs to a checkpoint that is being stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use streaming::state::{KeyedState, RowKey, Table};
use streaming::{Epoch, Result};

use super::table::{Changes, StateTable};

/// The state of one operator in one subtask.
pub struct StateBuffer {
    active: Changes,
    /// Oldest first. More than one only while a failed checkpoint waits to be stored with the next.
    frozen: Vec<(Epoch, Arc<Changes>)>,
    table: Arc<dyn StateTable>,
    /// Without checkpoints nothing would ever empty the buffers: writes go to the table at once.
    write_through: bool,
}

impl StateBuffer {
    pub fn new(table: Arc<dyn StateTable>, checkpointing: bool) -> Self {
        Self {
            active: Changes::new(),
            frozen: Vec::new(),
            table,
            write_through: !checkpointing,
        }
    }

    pub fn table(&self) -> &Arc<dyn StateTable> {
        &self.table
    }

    /// Ends the active buffer as part of `epoch`; O(1). The flusher stores it and applies it to the table.
    pub fn freeze(&mut self, epoch: Epoch) -> Arc<Changes> {
        let changes = Arc::new(std::mem::take(&mut self.active));
        self.frozen.push((epoch, Arc::clone(&changes)));
        changes
    }

    /// Everything frozen up to `epoch` is in the table now.
    pub fn applied(&mut self, epoch: Epoch) {
        self.frozen.retain(|(frozen, _)| *frozen > epoch);
    }

    fn write(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) -> Result<()> {
        if self.write_through {
            return self.table.apply(&Changes::from([(key, value)]));
        }
        self.active.insert(key, value);
        Ok(())
    }

    /// Buffers from the newest to the oldest.
    fn buffers(&self) -> impl Iterator<Item = &Changes> {
        std::iter::once(&self.active).chain(self.frozen.iter().rev().map(|(_, changes)| changes.as_ref()))
    }
}

impl KeyedState for StateBuffer {
    fn get(&self, key: RowKey<'_>) -> Result<Option<Vec<u8>>> {
        let key = key.encode();
        match self.buffers().find_map(|changes| changes.get(&key)) {
            Some(value) => Ok(value.clone()),
            None => self.table.get(&key),
        }
    }

    fn put(&mut self, key: RowKey<'_>, value: &[u8]) -> Result<()> {
        self.write(key.encode(), Some(value.to_vec()))
    }

    fn delete(&mut self, key: RowKey<'_>) -> Result<()> {
        self.write(key.encode(), None)
    }

    fn scan(&self, table: Table, visit: &mut dyn FnMut(RowKey<'_>, &[u8]) -> Result<()>) -> Result<()> {
        let prefix = [table];
        let mut buffered: BTreeMap<&[u8], Option<&[u8]>> = BTreeMap::new();
        for changes in self.buffers() {
            for (key, value) in changes
                .range(prefix.to_vec()..)
                .take_while(|(key, _)| key.starts_with(&prefix))
            {
                buffered.entry(key).or_insert(value.as_deref());
            }
        }
        let mut buffered = buffered.into_iter().peekable();
        self.table.scan(&prefix, &mut |key, value| {
            while let Some((newer, change)) = buffered.next_if(|(newer, _)| *newer < key) {
                if let Some(value) = change {
                    visit(RowKey::decode(newer)?, value)?;
                }
            }
            match buffered.next_if(|(newer, _)| *newer == key) {
                Some((_, None)) => Ok(()),
                Some((_, Some(value))) => visit(RowKey::decode(key)?, value),
                None => visit(RowKey::decode(key)?, value),
            }
        })?;
        for (key, change) in buffered {
            if let Some(value) = change {
                visit(RowKey::decode(key)?, value)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Backend, MemoryTable};
    use proptest::prelude::*;
    use streaming::key::KeyGroup;
    use streaming::testing::MemoryState;

    #[derive(Debug, Clone)]
    enum Step {
        Put(u8, u8),
        Delete(u8),
        Freeze,
        Apply,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (any::<u8>(), any::<u8>()).prop_map(|(key, value)| Step::Put(key % 16, value)),
            2 => any::<u8>().prop_map(|key| Step::Delete(key % 16)),
            1 => Just(Step::Freeze),
            1 => Just(Step::Apply),
        ];
        prop::collection::vec(step, 0..60)
    }

    fn rows(state: &dyn KeyedState, table: u8) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut rows = Vec::new();
        let visit = &mut |key: RowKey<'_>, value: &[u8]| {
            rows.push((key.encode(), value.to_vec()));
            Ok(())
        };
        state.scan(table, visit).unwrap();
        rows
    }

    /// Runs the steps on a buffer over `table` and on a plain map; both must always show the same rows.
    fn check(steps: &[Step], table: Arc<dyn StateTable>) {
        let mut buffer = StateBuffer::new(Arc::clone(&table), true);
        let mut model = MemoryState::default();
        let mut waiting: Vec<(Epoch, Arc<Changes>)> = Vec::new();
        let mut epoch = Epoch(0);
        for step in steps {
            let row = |key: &u8| [*key % 2, *key];
            match step {
                Step::Put(key, value) => {
                    let [table, byte] = row(key);
                    let key = RowKey {
                        table,
                        group: KeyGroup(u16::from(byte) % 3),
                        key: &[byte],
                        namespace: b"n",
                    };
                    buffer.put(key, &[*value]).unwrap();
                    model.put(key, &[*value]).unwrap();
                }
                Step::Delete(key) => {
                    let [table, byte] = row(key);
                    let key = RowKey {
                        table,
                        group: KeyGroup(u16::from(byte) % 3),
                        key: &[byte],
                        namespace: b"n",
                    };
                    buffer.delete(key).unwrap();
                    model.delete(key).unwrap();
                }
                Step::Freeze => {
                    epoch = epoch.next();
                    waiting.push((epoch, buffer.freeze(epoch)));
                }
                Step::Apply => {
                    if !waiting.is_empty() {
                        let (epoch, changes) = waiting.remove(0);
                        table.apply(&changes).unwrap();
                        assert_eq!(rows(&buffer, 0), rows(&model, 0), "applied and still frozen");
                        buffer.applied(epoch);
                    }
                }
            }
            for table in 0..2 {
                assert_eq!(rows(&buffer, table), rows(&model, table));
            }
        }
    }

    proptest! {
        #[test]
        fn a_buffer_over_memory_reads_like_one_map(steps in steps()) {
            check(&steps, Arc::new(MemoryTable::default()));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn a_buffer_over_sled_reads_like_one_map(steps in steps()) {
            let directory = tempfile::tempdir().unwrap();
            let backend = Backend::Sled { directory: directory.path().to_owned(), cache_bytes: 1 << 20 };
            check(&steps, backend.table("test").unwrap());
        }
    }
}
