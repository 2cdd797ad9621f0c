//! Witnesses shared out among threads.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::map::Ground;
use super::table::Table;
use crate::limits::{Limits, Meter, Usage};
use crate::{PointCloud, Result};

/// Witnesses that a thread takes at a time.
const BLOCK: usize = 256;

/// Lowers the values in `tables` by the words of all witnesses, with at most `threads` threads, each with tables of its
/// own at first. The least value of each simplex does not depend on who found it.
pub(super) fn lower(
    ground: &Ground,
    witnesses: PointCloud<'_>,
    threads: usize,
    tables: &mut [Table],
    meter: &mut Meter,
) -> Result<()> {
    /// Fewer blocks for each thread do not pay for its tables.
    const LEAST_BLOCKS: usize = 8;
    let next = AtomicUsize::new(0);
    let next_block = || next_block(&next, witnesses.len());
    let threads = threads.min(witnesses.len() / (LEAST_BLOCKS * BLOCK));
    if threads <= 1 {
        return ground.lower(witnesses, next_block, tables, meter);
    }
    let share = meter.share(threads);
    let part = || {
        // A failure leaves nothing to do for the others.
        lower_part(ground, witnesses, next_block, &share)
            .inspect_err(|_| next.store(witnesses.len(), Ordering::Relaxed))
    };
    let parts: Vec<Result<(Vec<Table>, Usage)>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(part)).collect();
        let own = part();
        let joined = others.into_iter().map(|thread| match thread.join() {
            Ok(part) => part,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        std::iter::once(own).chain(joined).collect()
    });
    let parts = parts.into_iter().collect::<Result<Vec<_>>>()?;
    for (_, usage) in &parts {
        meter.absorb(*usage)?;
    }
    for (part, usage) in parts {
        for (table, part) in tables.iter_mut().zip(&part) {
            table.merge(part, meter)?;
        }
        meter.release(usage.memory_bytes);
    }
    Ok(())
}

fn lower_part(
    ground: &Ground,
    witnesses: PointCloud<'_>,
    next_block: impl Fn() -> Option<Range<usize>>,
    limits: &Limits,
) -> Result<(Vec<Table>, Usage)> {
    let mut meter = Meter::new(limits);
    let mut tables = ground.empty_tables(&mut meter)?;
    ground.lower(witnesses, next_block, &mut tables, &mut meter)?;
    Ok((tables, meter.usage()))
}

/// The next block of rows, if one is left.
fn next_block(next: &AtomicUsize, rows: usize) -> Option<Range<usize>> {
    let start = next.fetch_add(BLOCK, Ordering::Relaxed);
    (start < rows).then(|| start..rows.min(start + BLOCK))
}
