//! A pane: a stretch of time that all windows contain whole or not at all, and its points by key.

use streaming::Result;
use streaming::key::KeyGroup;
use streaming::state::{KeyedState, Table};

use super::chunk::{Place, damaged, from_sortable, sortable};
use super::cloud::Cloud;
use super::key_index::KeyIndex;

/// The points of one pane. Dropping a pane drops its whole index at once.
pub struct Pane {
    /// First instant, in microseconds.
    pub start: i64,
    /// Keys of the pane before: room for as many is made at once.
    expected_keys: usize,
    /// One per dimension of points; nearly always a single one.
    pub parts: Vec<Part>,
}

/// The points of one dimension.
pub struct Part {
    pub dim: u16,
    pub index: KeyIndex,
    cells: Cells,
}

/// What is kept per key, by its number in the index.
enum Cells {
    Counts { counts: Vec<u64>, written: Vec<u64> },
    Clouds(Vec<Cloud>),
}

impl Pane {
    pub fn new(start: i64, expected_keys: usize) -> Self {
        Self {
            start,
            expected_keys,
            parts: Vec::new(),
        }
    }

    /// The keys of its largest part.
    pub fn keys(&self) -> usize {
        self.parts.iter().map(|part| part.index.len()).max().unwrap_or(0)
    }

    /// The number of the part for points of `dim` coordinates.
    pub fn part(&mut self, dim: u16, keeps_points: bool) -> usize {
        if let Some(at) = self.parts.iter().position(|part| part.dim == dim) {
            return at;
        }
        let cells = if keeps_points {
            Cells::Clouds(Vec::new())
        } else {
            Cells::Counts {
                counts: Vec::new(),
                written: Vec::new(),
            }
        };
        self.parts.push(Part {
            dim,
            index: KeyIndex::with_capacity(self.expected_keys),
            cells,
        });
        self.parts.len() - 1
    }
}

impl Part {
    /// Adds a point and returns the number of its key; `None`, and nothing added, if the key has `max_points` already.
    #[inline]
    pub fn add(&mut self, hash: u64, key: &[u8], point: &[f64], max_points: u64) -> Option<usize> {
        let (at, is_new) = self.index.find_or_insert(hash, key);
        match &mut self.cells {
            Cells::Counts { counts, written } => {
                if is_new {
                    counts.push(0);
                    written.push(0);
                }
                counts[at] += 1;
            }
            Cells::Clouds(clouds) => {
                if is_new {
                    clouds.push(Cloud::default());
                }
                let cloud = &mut clouds[at];
                if cloud.count >= max_points {
                    return None;
                }
                cloud.push(point);
            }
        }
        Some(at)
    }

    pub fn count(&self, at: usize) -> u64 {
        match &self.cells {
            Cells::Counts { counts, .. } => counts[at],
            Cells::Clouds(clouds) => clouds[at].count,
        }
    }

    /// Row-major; empty where points are only counted.
    pub fn coords(&self, at: usize) -> &[f64] {
        match &self.cells {
            Cells::Counts { .. } => &[],
            Cells::Clouds(clouds) => &clouds[at].coords,
        }
    }

    /// Takes in one row of state.
    pub fn restore(&mut self, hash: u64, key: &[u8], value: &[u8]) -> Result<()> {
        let (at, is_new) = self.index.find_or_insert(hash, key);
        match &mut self.cells {
            Cells::Counts { counts, written } => {
                let mut cloud = Cloud::default();
                cloud.restore(self.dim, 0, false, value)?;
                if is_new {
                    counts.push(0);
                    written.push(0);
                }
                counts[at] += cloud.count;
                written[at] = counts[at];
            }
            Cells::Clouds(clouds) => {
                if is_new {
                    clouds.push(Cloud::default());
                }
                clouds[at].restore(self.dim, 0, true, value)?;
            }
        }
        Ok(())
    }

    /// Writes what is new since the last call.
    pub fn persist(&mut self, pane: i64, at: Address, state: &mut dyn KeyedState) -> Result<()> {
        let scope = scope(pane, self.dim);
        match &mut self.cells {
            Cells::Counts { counts, written } => {
                for (key, (count, written)) in counts.iter().zip(written).enumerate() {
                    if count != written {
                        at.place(&self.index, key, &scope).put(state, 0, &count.to_le_bytes())?;
                        *written = *count;
                    }
                }
            }
            Cells::Clouds(clouds) => {
                for (key, cloud) in clouds.iter_mut().enumerate() {
                    cloud.persist(self.dim, &[], at.place(&self.index, key, &scope), state)?;
                }
            }
        }
        Ok(())
    }

    /// Removes everything of this part from state.
    pub fn forget(&self, pane: i64, at: Address, state: &mut dyn KeyedState) -> Result<()> {
        let scope = scope(pane, self.dim);
        for key in 0..self.index.len() {
            let place = at.place(&self.index, key, &scope);
            match &self.cells {
                Cells::Counts { written, .. } if written[key] == 0 => {}
                Cells::Counts { .. } => place.delete(state, [0])?,
                Cells::Clouds(clouds) => clouds[key].forget(place, state)?,
            }
        }
        Ok(())
    }

    pub fn size_bytes(&self) -> usize {
        let cells = match &self.cells {
            Cells::Counts { counts, .. } => counts.capacity() * 16,
            Cells::Clouds(clouds) => {
                clouds.capacity() * size_of::<Cloud>() + clouds.iter().map(Cloud::heap_bytes).sum::<usize>()
            }
        };
        self.index.size_bytes() + cells
    }
}

/// Where the rows of panes stand in state.
#[derive(Clone, Copy)]
pub struct Address {
    pub table: Table,
    pub key_groups: u16,
}

impl Address {
    fn place<'a>(self, index: &'a KeyIndex, key: usize, scope: &'a [u8]) -> Place<'a> {
        let group = KeyGroup::of(index.hash(key), self.key_groups);
        Place {
            table: self.table,
            group,
            key: index.key(key),
            scope,
        }
    }
}

/// `start of the pane, or id of the session ∥ dimension`; the number of a chunk's first row follows.
pub fn scope(start: i64, dim: u16) -> [u8; 10] {
    let mut scope = [0; 10];
    scope[..8].copy_from_slice(&sortable(start));
    scope[8..].copy_from_slice(&dim.to_be_bytes());
    scope
}

/// Reads what [`scope`] wrote off the front of a namespace.
pub fn read_scope(namespace: &[u8]) -> Result<(i64, u16)> {
    let scope = namespace
        .split_first_chunk()
        .and_then(|(start, rest)| Some((start, rest.split_first_chunk()?.0)));
    let (start, dim) = scope.ok_or_else(|| damaged("a window without start or dimension"))?;
    Ok((from_sortable(*start), u16::from_be_bytes(*dim)))
}
