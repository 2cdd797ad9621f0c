//! Tumbling and sliding windows over time.
//!
//! Points lie in panes of `gcd(size, slide)`, by key; a window is the concatenation of its panes. A window fires when the
//! watermark passes its last instant. Panes stay until `allowed-lateness` later: a row that comes in between fires the
//! windows of its key again, with what they hold then. A row whose windows are all gone is late.

use std::collections::BTreeSet;

use streaming::batch::{Keys, Points, WindowKind};
use streaming::operator::OperatorContext;
use streaming::state::RowKey;
use streaming::{Result, Timestamp, key};

use super::assign::Aligned;
use super::clock::Clock;
use super::output::{Dropped, DroppedPoint, Fired, FiredWindows, Letters};
use super::over_time::{TimeWindows, WINDOWS};
use super::pane::{Address, Pane, read_scope};

/// Windows of one length at equal distances.
pub struct AlignedWindows {
    windows: Aligned,
    kind: WindowKind,
    lateness: i64,
    keeps_points: bool,
    max_points: u64,
    /// Sorted by start.
    panes: Vec<Pane>,
    /// Windows that have fired and got a row since: `(end, key, dimension)`.
    again: BTreeSet<(i64, Vec<u8>, u16)>,
}

/// The run of rows that lie in one pane.
struct Run {
    start: i64,
    end: i64,
    /// Time at which the first of its windows fires.
    first_fires: i64,
    /// Time at which the last of its windows is forgotten.
    gone: i64,
    /// Where it stands among the panes, and which part of it; found when the first row is added.
    at: Option<(usize, usize)>,
}

impl AlignedWindows {
    pub fn new(windows: Aligned, kind: WindowKind, lateness: i64, keeps_points: bool, max_points: u64) -> Self {
        Self {
            windows,
            kind,
            lateness,
            keeps_points,
            max_points,
            panes: Vec::new(),
            again: BTreeSet::new(),
        }
    }

    fn run_at(&self, time: i64) -> Run {
        let start = self.windows.pane_of(time);
        Run {
            start,
            end: start.saturating_add(self.windows.pane_width()),
            first_fires: self.windows.first_end(start).saturating_sub(1),
            gone: self.gone(start),
            at: None,
        }
    }

    fn gone(&self, pane: i64) -> i64 {
        self.windows
            .last_end(pane)
            .saturating_sub(1)
            .saturating_add(self.lateness)
    }

    fn pane_at(&mut self, start: i64) -> usize {
        match self.panes.binary_search_by_key(&start, |pane| pane.start) {
            Ok(at) => at,
            Err(at) => {
                let keys = self.panes.get(at.wrapping_sub(1)).map_or(0, Pane::keys);
                self.panes.insert(at, Pane::new(start, keys));
                at
            }
        }
    }

    /// Notes the windows of a key that have fired already, are not forgotten, and have just got a row.
    #[cold]
    fn note_again(&mut self, pane: i64, now: i64, key: &[u8], dim: u16) {
        let mut after = i64::MIN;
        while let Some(end) = self.windows.next_end(pane, after) {
            let last = end.saturating_sub(1);
            if last > now {
                break;
            }
            if last.saturating_add(self.lateness) > now {
                self.again.insert((end, key.to_vec(), dim));
            }
            after = end;
        }
    }

    fn fire_again(&mut self, cx: &mut OperatorContext<'_>) {
        let mut fired = FiredWindows::new(self.kind);
        for (end, key, dim) in std::mem::take(&mut self.again) {
            let (start, hash) = (end - self.windows.size(), key::hash(&key));
            let panes = self.panes.iter().filter(|pane| start <= pane.start && pane.start < end);
            let parts = panes.filter_map(|pane| {
                let part = pane.parts.iter().find(|part| part.dim == dim)?;
                let at = part.index.find(hash, &key)?;
                Some((part.count(at), part.coords(at)))
            });
            fired.push(Fired::over_time(hash, &key, start, end, dim), parts, cx);
        }
        fired.flush(cx);
    }

    /// The first end after `after` of a window that may hold points.
    fn next_end_after(&self, after: i64) -> Option<i64> {
        let ends = self
            .panes
            .iter()
            .filter_map(|pane| self.windows.next_end(pane.start, after));
        ends.min()
    }

    /// Emits the window that ends at `end` for all keys, sorted by key.
    fn fire(&self, end: i64, clock: &Clock, fired: &mut FiredWindows, cx: &mut OperatorContext<'_>) {
        let start = end - self.windows.size();
        let first = self.panes.partition_point(|pane| pane.start < start);
        let behind = self.panes.partition_point(|pane| pane.start < end);
        let panes = &self.panes[first..behind];
        let cells = sorted_cells(panes);
        let row = |cell: &Cell| {
            let part = &panes[cell.pane as usize].parts[cell.part as usize];
            (part, cell.at as usize)
        };
        let same = |left: &Cell, right: &Cell| {
            let ((left, l), (right, r)) = (row(left), row(right));
            left.dim == right.dim && left.index.key(l) == right.index.key(r)
        };
        for cells in cells.chunk_by(same) {
            let (part, at) = row(&cells[0]);
            let (hash, key) = (part.index.hash(at), part.index.key(at));
            if end.saturating_sub(1) <= clock.of(hash) {
                // Fired before the restore, for this key's group.
                continue;
            }
            let parts = cells.iter().map(|cell| {
                let (part, at) = row(cell);
                (part.count(at), part.coords(at))
            });
            fired.push(Fired::over_time(hash, key, start, end, part.dim), parts, cx);
        }
    }

    /// Drops the panes that no window needs.
    fn drop_panes(&mut self, now: i64, cx: &mut OperatorContext<'_>) -> Result<()> {
        let gone = self.panes.partition_point(|pane| self.gone(pane.start) <= now);
        let at = Address {
            table: WINDOWS,
            key_groups: cx.place.key_groups,
        };
        for pane in self.panes.drain(..gone) {
            for part in &pane.parts {
                part.forget(pane.start, at, cx.state)?;
            }
        }
        Ok(())
    }
}

impl TimeWindows for AlignedWindows {
    fn restore(&mut self, row: RowKey<'_>, value: &[u8]) -> Result<()> {
        let (start, dim) = read_scope(row.namespace)?;
        let pane = self.pane_at(start);
        let part = self.panes[pane].part(dim, self.keeps_points);
        self.panes[pane].parts[part].restore(key::hash(row.key), row.key, value)
    }

    fn add(
        &mut self,
        times: &[Timestamp],
        keys: &Keys,
        points: &Points,
        clock: &Clock,
        cx: &mut OperatorContext<'_>,
    ) -> Result<()> {
        let mut letters = Letters::default();
        let mut run = self.run_at(times.first().map_or(0, |time| time.0));
        for (row, time) in times.iter().enumerate() {
            if !(run.start <= time.0 && time.0 < run.end) {
                run = self.run_at(time.0);
            }
            let (hash, key) = (keys.hashes[row], keys.row(row));
            let point = DroppedPoint {
                key,
                event_time: *time,
                point: points.row(row),
            };
            let now = clock.of(hash);
            if run.gone <= now {
                letters.push(Dropped::Late { watermark: now }, point, cx);
                continue;
            }
            let (pane, part) = *run.at.get_or_insert_with(|| {
                let pane = self.pane_at(run.start);
                (pane, self.panes[pane].part(points.dim, self.keeps_points))
            });
            let max_points = self.max_points;
            let added = self.panes[pane].parts[part].add(hash, key, point.point, max_points);
            if added.is_none() {
                letters.push(Dropped::Overflow { max_points }, point, cx);
            } else if run.first_fires <= now {
                self.note_again(run.start, now, key, points.dim);
            }
        }
        letters.flush(cx);
        self.fire_again(cx);
        Ok(())
    }

    fn advance(&mut self, to: i64, clock: &mut Clock, cx: &mut OperatorContext<'_>) -> Result<()> {
        let mut fired = FiredWindows::new(self.kind);
        // A window that ends at `e` has fired when time has come to `e - 1`.
        let mut after = clock.now().saturating_add(1);
        while let Some(end) = self.next_end_after(after) {
            if end.saturating_sub(1) > to {
                break;
            }
            self.fire(end, clock, &mut fired, cx);
            after = end;
        }
        fired.flush(cx);
        clock.advance(to);
        self.drop_panes(clock.now(), cx)
    }

    fn next_end(&self, clock: &Clock) -> Option<Timestamp> {
        self.next_end_after(clock.now().saturating_add(1)).map(Timestamp)
    }

    fn persist(&mut self, cx: &mut OperatorContext<'_>) -> Result<usize> {
        let at = Address {
            table: WINDOWS,
            key_groups: cx.place.key_groups,
        };
        let mut retained = 0;
        for pane in &mut self.panes {
            for part in &mut pane.parts {
                part.persist(pane.start, at, cx.state)?;
                retained += part.size_bytes();
            }
        }
        Ok(retained)
    }
}

/// One key in one part of one pane.
struct Cell {
    /// The bytes of the key behind what all keys begin with, big-endian: most comparisons end here.
    prefix: u64,
    pane: u32,
    part: u16,
    at: u32,
}

/// All keys of some panes, by key, dimension, and time.
fn sorted_cells(panes: &[Pane]) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(
        panes
            .iter()
            .flat_map(|pane| &pane.parts)
            .map(|part| part.index.len())
            .sum(),
    );
    let common = common_prefix(panes);
    for (pane, parts) in panes.iter().enumerate() {
        for (part, keys) in parts.parts.iter().enumerate() {
            for at in 0..keys.index.len() {
                let prefix = prefix(&keys.index.key(at)[common..]);
                cells.push(Cell {
                    prefix,
                    pane: pane as u32,
                    part: part as u16,
                    at: at as u32,
                });
            }
        }
    }
    cells.sort_unstable_by(|left, right| {
        left.prefix.cmp(&right.prefix).then_with(|| {
            let part = |cell: &Cell| &panes[cell.pane as usize].parts[cell.part as usize];
            let (l, r) = (part(left), part(right));
            let keys = l.index.key(left.at as usize).cmp(r.index.key(right.at as usize));
            keys.then(l.dim.cmp(&r.dim)).then(left.pane.cmp(&right.pane))
        })
    });
    cells
}

/// How many bytes all keys begin with.
fn common_prefix(panes: &[Pane]) -> usize {
    let indices = || panes.iter().flat_map(|pane| &pane.parts).map(|part| &part.index);
    let Some(first) = indices().find(|index| index.len() > 0) else {
        return 0;
    };
    let first = first.key(0);
    let mut common = first.len();
    for index in indices() {
        for at in 0..index.len() {
            let key = index.key(at);
            if !key.starts_with(&first[..common]) {
                common = first.iter().zip(key).take_while(|(left, right)| left == right).count();
            }
        }
    }
    common
}

fn prefix(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = key.len().min(8);
    bytes[..length].copy_from_slice(&key[..length]);
    u64::from_be_bytes(bytes)
}
