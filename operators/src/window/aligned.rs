//! Tumbling and sliding windows over time.
//!
//! Points lie in panes of `gcd(size, slide)`, by key; a window is the concatenation of its panes. A window fires when the
//! watermark passes its last instant. Panes stay until `allowed-lateness` later: a row that comes in between fires the
//! windows of its key again, with what they hold then. A row whose windows are all gone is late.

use std::collections::BTreeSet;

use streaming::batch::{Batch, Column, Payload, Points, WindowKind};
use streaming::operator::{Operator, OperatorContext, Timer};
use streaming::state::Table;
use streaming::{Epoch, Error, Result, Timestamp, key};

use super::assign::Aligned;
use super::chunk::{damaged, from_sortable};
use super::clock::Clock;
use super::options::Time;
use super::output::{Dropped, DroppedPoint, Fired, FiredWindows, Letters};
use super::pane::{Address, Pane};

const PANES: Table = 0;
const CLOCK: Table = 1;

/// Windows of one length at equal distances.
pub struct AlignedWindows {
    windows: Aligned,
    kind: WindowKind,
    time: Time,
    lateness: i64,
    keeps_points: bool,
    max_points: u64,
    clock: Clock,
    /// Sorted by start.
    panes: Vec<Pane>,
    /// Windows that have fired and got a row since: `(end, key, dimension)`.
    again: BTreeSet<(i64, Vec<u8>, u16)>,
    wake: Option<Timestamp>,
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
    pub fn new(
        windows: Aligned,
        kind: WindowKind,
        time: Time,
        lateness: i64,
        keeps_points: bool,
        max_points: u64,
    ) -> Self {
        Self {
            windows,
            kind,
            time,
            lateness,
            keeps_points,
            max_points,
            clock: Clock::default(),
            panes: Vec::new(),
            again: BTreeSet::new(),
            wake: None,
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

    fn add_rows(&mut self, event_time: &[Timestamp], batch: &Batch, points: &Points, cx: &mut OperatorContext<'_>) {
        let mut letters = Letters::default();
        let mut run = self.run_at(event_time.first().map_or(0, |time| time.0));
        for (row, time) in event_time.iter().enumerate() {
            if !(run.start <= time.0 && time.0 < run.end) {
                run = self.run_at(time.0);
            }
            let (hash, key, point) = (batch.keys.hashes[row], batch.keys.row(row), points.row(row));
            let clock = self.clock.of(hash);
            let dropped = |dropped, letters: &mut Letters, cx: &mut OperatorContext<'_>| {
                letters.push(
                    dropped,
                    DroppedPoint {
                        key,
                        event_time: *time,
                        point,
                    },
                    cx,
                );
            };
            if run.gone <= clock {
                dropped(Dropped::Late { watermark: clock }, &mut letters, cx);
                continue;
            }
            let (pane, part) = *run.at.get_or_insert_with(|| {
                let pane = self.pane_at(run.start);
                (pane, self.panes[pane].part(points.dim, self.keeps_points))
            });
            let added = self.panes[pane].parts[part].add(hash, key, point, self.max_points);
            if added.is_none() {
                dropped(
                    Dropped::Overflow {
                        max_points: self.max_points,
                    },
                    &mut letters,
                    cx,
                );
            } else if run.first_fires <= clock {
                self.note_again(run.start, clock, key, points.dim);
            }
        }
        letters.flush(cx);
    }

    /// Notes the windows of a key that have fired already, are not forgotten, and have just got a row.
    #[cold]
    fn note_again(&mut self, pane: i64, clock: i64, key: &[u8], dim: u16) {
        let mut after = i64::MIN;
        while let Some(end) = self.windows.next_end(pane, after) {
            let last = end.saturating_sub(1);
            if last > clock {
                break;
            }
            if last.saturating_add(self.lateness) > clock {
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
            fired.push(
                Fired {
                    hash,
                    key: &key,
                    start,
                    end,
                    event_time: end - 1,
                    dim,
                },
                parts,
                cx,
            );
        }
        fired.flush(cx);
    }

    /// Time has come to `to`: fires the windows that are over and drops the panes that no window needs.
    fn advance(&mut self, to: i64, cx: &mut OperatorContext<'_>) -> Result<()> {
        let mut fired = FiredWindows::new(self.kind);
        // A window that ends at `e` has fired when time has come to `e - 1`.
        let mut after = self.clock.now().saturating_add(1);
        while let Some(end) = self
            .panes
            .iter()
            .filter_map(|pane| self.windows.next_end(pane.start, after))
            .min()
        {
            if end.saturating_sub(1) > to {
                break;
            }
            self.fire(end, &mut fired, cx);
            after = end;
        }
        fired.flush(cx);
        self.clock.advance(to);
        self.drop_panes(cx)
    }

    /// Emits the window that ends at `end` for all keys, sorted by key.
    fn fire(&self, end: i64, fired: &mut FiredWindows, cx: &mut OperatorContext<'_>) {
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
            if end.saturating_sub(1) <= self.clock.of(hash) {
                // Fired before the restore, for this key's group.
                continue;
            }
            let parts = cells.iter().map(|cell| {
                let (part, at) = row(cell);
                (part.count(at), part.coords(at))
            });
            fired.push(
                Fired {
                    hash,
                    key,
                    start,
                    end,
                    event_time: end - 1,
                    dim: part.dim,
                },
                parts,
                cx,
            );
        }
    }

    fn drop_panes(&mut self, cx: &mut OperatorContext<'_>) -> Result<()> {
        let now = self.clock.now();
        let gone = self.panes.partition_point(|pane| self.gone(pane.start) <= now);
        let at = Address {
            table: PANES,
            key_groups: cx.place.key_groups,
        };
        for pane in self.panes.drain(..gone) {
            for part in &pane.parts {
                part.forget(pane.start, at, cx.state)?;
            }
        }
        Ok(())
    }

    /// Asks to be woken when the next window of processing time is over.
    fn set_wake(&mut self, cx: &mut OperatorContext<'_>) {
        if self.time == Time::Event {
            return;
        }
        let after = self.clock.now().saturating_add(1);
        let next = self
            .panes
            .iter()
            .filter_map(|pane| self.windows.next_end(pane.start, after))
            .min()
            .map(Timestamp);
        if let Some(at) = next
            && self.wake.is_none_or(|wake| at < wake)
        {
            self.wake = Some(at);
            cx.wake_at(Timer { at, token: 0 });
        }
    }
}

impl Operator for AlignedWindows {
    fn open(&mut self, cx: &mut OperatorContext<'_>) -> Result<()> {
        self.clock = Clock::open(CLOCK, cx)?;
        cx.state.scan(PANES, &mut |row, value| {
            let (start, rest) = row
                .namespace
                .split_first_chunk()
                .ok_or_else(|| damaged("a pane without start"))?;
            let (dim, _) = rest
                .split_first_chunk()
                .ok_or_else(|| damaged("a pane without dimension"))?;
            let pane = self.pane_at(from_sortable(*start));
            let part = self.panes[pane].part(u16::from_be_bytes(*dim), self.keeps_points);
            self.panes[pane].parts[part].restore(key::hash(row.key), row.key, value)
        })?;
        self.set_wake(cx);
        Ok(())
    }

    fn process(&mut self, _port: u8, batch: Batch, cx: &mut OperatorContext<'_>) -> Result<()> {
        let Payload::Points(points) = &batch.payload else {
            return Err(Error::internal(
                &cx.place.operator,
                format_args!("windows of {}", batch.payload.name()),
            ));
        };
        match self.time {
            Time::Event => self.add_rows(&batch.event_time, &batch, points, cx),
            Time::Processing => {
                // A moment that is over already, as a clock that went back would tell, belongs to the present.
                let now = cx.now().0.max(self.clock.now().saturating_add(1));
                self.add_rows(&vec![Timestamp(now); points.rows()], &batch, points, cx);
            }
        }
        self.fire_again(cx);
        self.set_wake(cx);
        Ok(())
    }

    fn on_watermark(&mut self, watermark: Timestamp, cx: &mut OperatorContext<'_>) -> Result<()> {
        if self.time == Time::Event || watermark == Timestamp::MAX {
            self.advance(watermark.0, cx)?;
        }
        cx.forward_watermark(watermark);
        Ok(())
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut OperatorContext<'_>) -> Result<()> {
        self.wake = None;
        let now = cx.now().0;
        self.advance(now.saturating_sub(1), cx)?;
        self.set_wake(cx);
        Ok(())
    }

    fn on_barrier(&mut self, _epoch: Epoch, cx: &mut OperatorContext<'_>) -> Result<()> {
        let at = Address {
            table: PANES,
            key_groups: cx.place.key_groups,
        };
        let mut retained = 0;
        for pane in &mut self.panes {
            for part in &mut pane.parts {
                part.persist(pane.start, at, cx.state)?;
                retained += part.size_bytes();
            }
        }
        cx.services.gauge("retainedBytes", retained as u64);
        self.clock.persist(CLOCK, cx)
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
