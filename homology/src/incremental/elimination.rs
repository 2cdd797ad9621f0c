//! Gaussian elimination over Z/2, column by column.

use super::bits::{self, WORD};
use crate::Result;
use crate::limits::Meter;

/// Reduced columns. Rows are classes in the order of their births; the last row of a column is its pivot.
#[derive(Debug)]
pub(super) struct Elimination {
    words: usize,
    columns: Vec<u64>,
    /// The column that has each row as its pivot.
    owners: Vec<Option<u32>>,
    unpaired: usize,
}

impl Elimination {
    pub fn new(rows: usize, meter: &mut Meter) -> Result<Self> {
        let mut owners = meter.vec(rows)?;
        owners.resize(rows, None);
        Ok(Self {
            words: rows.div_ceil(WORD),
            columns: Vec::new(),
            owners,
            unpaired: rows,
        })
    }

    /// The number of rows that are not the pivot of a column.
    pub fn unpaired(&self) -> usize {
        self.unpaired
    }

    pub fn is_paired(&self, row: usize) -> bool {
        self.owners[row].is_some()
    }

    pub fn empty_column(&self) -> Vec<u64> {
        vec![0; self.words]
    }

    /// Reduces a column by those before it and keeps it, unless nothing is left. Returns its pivot.
    pub fn reduce(&mut self, column: &mut [u64], meter: &mut Meter) -> Result<Option<u32>> {
        while let Some(pivot) = bits::last(column) {
            let Some(owner) = self.owners[pivot as usize] else {
                meter.reserve(&mut self.columns, self.words)?;
                self.owners[pivot as usize] = Some((self.columns.len() / self.words) as u32);
                self.columns.extend_from_slice(column);
                self.unpaired -= 1;
                return Ok(Some(pivot));
            };
            meter.work(1)?;
            let other = &self.columns[owner as usize * self.words..][..self.words];
            column.iter_mut().zip(other).for_each(|(a, b)| *a ^= b);
        }
        Ok(None)
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.columns);
        meter.free(self.owners);
    }
}

/// Replaces cells by smaller ones until none is left. `replace(cell, into)` appends what stands for `cell`; cells that
/// occur twice may cancel, because over Z/2 they do.
///
/// Depth first at first; if that takes long, the greatest cell first, so that none is replaced twice.
pub(super) fn replace_all<C: Copy, K: Ord + Copy>(
    mut cells: Vec<C>,
    key: impl Fn(C) -> K,
    cell: impl Fn(K) -> C,
    mut replace: impl FnMut(C, &mut Vec<C>) -> Result<()>,
    meter: &mut Meter,
) -> Result<()> {
    /// Steps after which cells are expected to repeat themselves.
    const PATIENCE: usize = 2000;
    let mut steps = 0;
    while let Some(next) = cells.pop() {
        replace(next, &mut cells)?;
        steps += 1;
        if steps == PATIENCE {
            break;
        }
    }
    meter.work(steps / 8)?;
    let mut greatest: std::collections::BinaryHeap<K> = cells.drain(..).map(&key).collect();
    while let Some(next) = greatest.pop() {
        meter.work(1)?;
        let mut odd = true;
        while greatest.peek() == Some(&next) {
            greatest.pop();
            odd = !odd;
        }
        if odd {
            replace(cell(next), &mut cells)?;
            greatest.extend(cells.drain(..).map(&key));
        }
    }
    Ok(())
}
