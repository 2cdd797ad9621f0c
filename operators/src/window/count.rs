//! Windows that count points: the last `size` points of a key, every `slide` points; and the global window, which is all
//! points of a key, shown every so many points and at the end.
//!
//! A first sliding window has fewer points than `size`, as in Flink. What a key has when no point came for `timeout`
//! (processing time), or when the input ends, fires as it is, and the key begins anew.

use std::collections::BTreeSet;

use streaming::batch::{Batch, WindowKind};
use streaming::key::{self, KeyGroup};
use streaming::operator::{Operator, OperatorContext, Timer};
use streaming::state::{KeyedState, Table};
use streaming::{Epoch, Result, Timestamp};

use super::chunk::{Chunks, Place, Reader, damaged, put_floats};
use super::key_map::{CloudKey, KeyMap};
use super::options::CountSpec;
use super::output::{Dropped, DroppedPoint, Fired, FiredWindows, Letters, points_of};
use super::wake::Wake;

const POINTS: Table = 0;

/// Windows of so many points.
pub struct CountWindows {
    spec: CountSpec,
    kind: WindowKind,
    keeps_points: bool,
    max_points: u64,
    keys: KeyMap<Counted>,
    /// When to look at a key again. A key that got points since is put off then, not at every point.
    due: BTreeSet<(Timestamp, CloudKey)>,
    wake: Wake,
}

/// The points of one key that a coming window can still contain.
#[derive(Debug, Default)]
struct Counted {
    times: Vec<i64>,
    /// Row-major; empty where the job only counts.
    coords: Vec<f64>,
    /// Points since the last window.
    unfired: u64,
    chunks: Chunks,
    last_seen: Timestamp,
    /// Whether it stands in the queue of timeouts.
    is_watched: bool,
}

impl Counted {
    fn push(&mut self, time: Timestamp, point: &[f64], now: Timestamp) {
        self.times.push(time.0);
        self.coords.extend_from_slice(point);
        self.unfired += 1;
        self.last_seen = now;
    }

    /// The window of the last `size` points. It ends at its last point, so its last instant is that end.
    fn window(&self, hash: u64, key: &CloudKey, size: Option<u64>) -> (Fired<'static>, (u64, &[f64])) {
        let skipped = self.times.len() - size.map_or(self.times.len(), |size| self.times.len().min(size as usize));
        let times = &self.times[skipped..];
        let width = if self.coords.is_empty() {
            0
        } else {
            usize::from(key.dim)
        };
        let (start, end) = (
            times.iter().min().copied().unwrap_or(0),
            times.iter().max().copied().unwrap_or(0),
        );
        let fired = Fired {
            hash,
            key: b"",
            start,
            end,
            event_time: end,
            dim: key.dim,
        };
        (fired, (times.len() as u64, &self.coords[skipped * width..]))
    }

    /// Forgets the first `points` points. What is left is written anew at the next barrier.
    fn trim(&mut self, points: usize, place: Place<'_>, state: &mut dyn KeyedState) -> Result<()> {
        if points == 0 {
            return Ok(());
        }
        let width = self.coords.len() / self.times.len();
        self.times.drain(..points);
        self.coords.drain(..points * width);
        place.delete(state, self.chunks.starts())?;
        self.chunks = Chunks::default();
        Ok(())
    }

    fn persist(&mut self, place: Place<'_>, state: &mut dyn KeyedState) -> Result<()> {
        let rows = self.times.len();
        let Some(plan) = self.chunks.extend_to(rows as u64) else {
            return Ok(());
        };
        let first = plan.write_from as usize;
        let mut value = ((rows - first) as u64).to_le_bytes().to_vec();
        value.extend_from_slice(&self.unfired.to_le_bytes());
        self.times[first..]
            .iter()
            .for_each(|time| value.extend_from_slice(&time.to_le_bytes()));
        put_floats(&mut value, &self.coords[first * (self.coords.len() / rows)..]);
        place.put(state, plan.write_from, &value)?;
        place.delete(state, plan.delete)
    }

    fn restore(&mut self, dim: u16, keeps_points: bool, value: &[u8]) -> Result<()> {
        let mut reader = Reader(value);
        let rows = reader.u64()?;
        self.unfired = reader.u64()?;
        for _ in 0..rows {
            self.times.push(reader.i64()?);
        }
        let coords = reader.coords(rows, dim, keeps_points)?;
        self.coords.extend_from_slice(&coords);
        self.chunks.restored(rows);
        Ok(())
    }
}

impl CountWindows {
    pub fn new(spec: CountSpec, kind: WindowKind, keeps_points: bool, max_points: u64) -> Self {
        Self {
            spec,
            kind,
            keeps_points,
            max_points,
            keys: KeyMap::default(),
            due: BTreeSet::new(),
            wake: Wake::default(),
        }
    }

    fn add_row(
        &mut self,
        hash: u64,
        row: DroppedPoint<'_>,
        fired: &mut FiredWindows,
        cx: &mut OperatorContext<'_>,
    ) -> Result<Option<Dropped>> {
        let now = cx.now();
        let (key, counted) = self.keys.get_or_default(hash, row.key, row.point.len() as u16);
        if self.spec.size.is_none() && counted.times.len() as u64 >= self.max_points {
            return Ok(Some(Dropped::Overflow {
                max_points: self.max_points,
            }));
        }
        counted.push(row.event_time, if self.keeps_points { row.point } else { &[] }, now);
        if let Some(timeout) = self.spec.timeout
            && !counted.is_watched
        {
            counted.is_watched = true;
            self.due.insert((now.saturating_add(timeout), key.clone()));
        }
        if self.spec.slide.is_some_and(|slide| counted.unfired >= slide) {
            let (window, points) = counted.window(hash, key, self.spec.size);
            fired.push(Fired { key: row.key, ..window }, [points], cx);
            counted.unfired = 0;
            if let (Some(size), Some(slide)) = (self.spec.size, self.spec.slide) {
                let kept = counted.times.len().min((size - slide) as usize);
                let scope = key.dim.to_be_bytes();
                let group = KeyGroup::of(hash, cx.place.key_groups);
                let place = Place {
                    table: POINTS,
                    group,
                    key: row.key,
                    scope: &scope,
                };
                counted.trim(counted.times.len() - kept, place, cx.state)?;
                if kept == 0 && self.spec.timeout.is_none() {
                    let key = key.clone();
                    self.keys.remove(&key);
                }
            }
        }
        Ok(None)
    }

    /// Fires what a key has, and forgets the key.
    fn close(&mut self, key: &CloudKey, fired: &mut FiredWindows, cx: &mut OperatorContext<'_>) -> Result<()> {
        let Some(counted) = self.keys.remove(key) else {
            return Ok(());
        };
        let hash = key::hash(&key.bytes);
        if counted.unfired > 0 {
            let (window, points) = counted.window(hash, key, self.spec.size);
            fired.push(
                Fired {
                    key: &key.bytes,
                    ..window
                },
                [points],
                cx,
            );
        }
        let scope = key.dim.to_be_bytes();
        let group = KeyGroup::of(hash, cx.place.key_groups);
        Place {
            table: POINTS,
            group,
            key: &key.bytes,
            scope: &scope,
        }
        .delete(cx.state, counted.chunks.starts())
    }

    fn set_wake(&mut self, cx: &mut OperatorContext<'_>) {
        self.wake.ask(self.due.first().map(|(at, _)| *at), cx);
    }
}

impl Operator for CountWindows {
    fn open(&mut self, cx: &mut OperatorContext<'_>) -> Result<()> {
        let now = cx.now();
        cx.state.scan(POINTS, &mut |row, value| {
            let (dim, _) = row
                .namespace
                .split_first_chunk()
                .ok_or_else(|| damaged("a window without dimension"))?;
            let dim = u16::from_be_bytes(*dim);
            let (key, counted) = self.keys.get_or_default(key::hash(row.key), row.key, dim);
            counted.restore(dim, self.keeps_points, value)?;
            counted.last_seen = now;
            if let Some(timeout) = self.spec.timeout {
                counted.is_watched = true;
                self.due.insert((now.saturating_add(timeout), key.clone()));
            }
            Ok(())
        })?;
        self.set_wake(cx);
        Ok(())
    }

    fn process(&mut self, _port: u8, batch: Batch, cx: &mut OperatorContext<'_>) -> Result<()> {
        let points = points_of(&batch, cx)?;
        let mut fired = FiredWindows::new(self.kind);
        let mut letters = Letters::default();
        for (row, &event_time) in batch.event_time.iter().enumerate() {
            let point = DroppedPoint {
                key: batch.keys.row(row),
                event_time,
                point: points.row(row),
            };
            if let Some(dropped) = self.add_row(batch.keys.hashes[row], point, &mut fired, cx)? {
                letters.push(dropped, point, cx);
            }
        }
        fired.flush(cx);
        letters.flush(cx);
        self.set_wake(cx);
        Ok(())
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut OperatorContext<'_>) -> Result<()> {
        self.wake.rang();
        let now = cx.now();
        let mut fired = FiredWindows::new(self.kind);
        while self.due.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, key)) = self.due.pop_first() else { break };
            let timeout = self.spec.timeout.unwrap_or_default();
            match self
                .keys
                .get_mut(&key)
                .map(|counted| counted.last_seen.saturating_add(timeout))
            {
                Some(later) if later > now => {
                    self.due.insert((later, key));
                }
                _ => self.close(&key, &mut fired, cx)?,
            }
        }
        fired.flush(cx);
        self.set_wake(cx);
        Ok(())
    }

    fn on_watermark(&mut self, watermark: Timestamp, cx: &mut OperatorContext<'_>) -> Result<()> {
        if watermark == Timestamp::MAX {
            let mut fired = FiredWindows::new(self.kind);
            self.keys
                .sorted_keys()
                .iter()
                .try_for_each(|key| self.close(key, &mut fired, cx))?;
            fired.flush(cx);
            self.due.clear();
        }
        cx.forward_watermark(watermark);
        Ok(())
    }

    fn on_barrier(&mut self, _epoch: Epoch, cx: &mut OperatorContext<'_>) -> Result<()> {
        let mut retained = 0;
        for (hash, key, counted) in self.keys.iter_mut() {
            let scope = key.dim.to_be_bytes();
            let group = KeyGroup::of(hash, cx.place.key_groups);
            counted.persist(
                Place {
                    table: POINTS,
                    group,
                    key: &key.bytes,
                    scope: &scope,
                },
                cx.state,
            )?;
            retained += size_of::<Counted>() + counted.times.capacity() * 8 + counted.coords.capacity() * 8;
        }
        cx.services.gauge("retainedBytes", retained as u64);
        Ok(())
    }
}
