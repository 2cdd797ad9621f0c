//! The incremental algorithm: windows of one key are computed one after another, each from what the one before has left.
//!
//! What is left is a cache. A window holds all its points, so a restored operator computes the first window of each key
//! from nothing and goes on from there; nothing of it needs to be in a checkpoint.

use std::collections::{BTreeMap, VecDeque};

use homology::incremental::{PointId, RipsWindow};
use homology::{Diagram, Limits, Result, VietorisRips};
use rustc_hash::FxHashMap;
use streaming::batch::Batch;

use super::compute::points;
use crate::window::{CloudKey, KeyMap};

/// What is left of the last window of a key.
pub struct Kept {
    window: RipsWindow,
    /// The points in it, by the bits of their coordinates; equal points have an id each.
    ids: FxHashMap<Box<[u64]>, Vec<PointId>>,
}

impl Kept {
    pub fn new(rips: &VietorisRips, dim: usize) -> Result<Self> {
        Ok(Self {
            window: RipsWindow::new(rips.clone(), dim)?,
            ids: FxHashMap::default(),
        })
    }

    /// The diagram of the points `coords`. Those of the last window that are not among them leave, new ones come.
    pub fn diagram(&mut self, coords: &[f64], dim: usize, limits: &Limits) -> Result<Diagram> {
        let mut old = std::mem::take(&mut self.ids);
        let mut new = Vec::new();
        for row in coords.chunks_exact(dim) {
            let bits: Box<[u64]> = row.iter().map(|coordinate| coordinate.to_bits()).collect();
            match old.get_mut(&bits).and_then(Vec::pop) {
                Some(id) => self.ids.entry(bits).or_default().push(id),
                None => new.push((bits, row)),
            }
        }
        for id in old.into_values().flatten() {
            self.window.remove(id)?;
        }
        for (bits, row) in new {
            let id = self.window.insert(row)?;
            self.ids.entry(bits).or_default().push(id);
        }
        self.window.diagram(limits)
    }

    fn memory_bytes(&self) -> usize {
        let per_point = size_of::<(Box<[u64]>, Vec<PointId>)>() + 64;
        self.window.memory_bytes() + self.ids.len() * per_point
    }
}

/// The windows of one key.
#[derive(Default)]
struct Lane {
    kept: Option<Box<Kept>>,
    kept_bytes: usize,
    /// A window is being computed.
    in_work: bool,
    /// Windows that wait for it.
    waiting: VecDeque<u64>,
    /// When it was used last, in windows.
    used: u64,
}

/// All keys of an operator.
#[derive(Default)]
pub struct Lanes {
    lanes: KeyMap<Lane>,
    /// Keys with something kept, the least recently used first.
    recent: BTreeMap<u64, CloudKey>,
    clock: u64,
    kept_bytes: usize,
}

impl Lanes {
    /// Whether the window `number` may be computed now, and what it may start from. It waits if another one of its key is
    /// being computed; [`Lanes::leave`] says when it may go.
    pub fn enter(&mut self, window: &Batch, number: u64) -> Option<Option<Box<Kept>>> {
        let (hash, key, dim) = address(window);
        let (_, lane) = self.lanes.get_or_default(hash, key, dim);
        if lane.in_work {
            lane.waiting.push_back(number);
            return None;
        }
        lane.in_work = true;
        let kept = lane.kept.take();
        self.kept_bytes -= std::mem::take(&mut lane.kept_bytes);
        self.recent.remove(&lane.used);
        Some(kept)
    }

    /// The window has been computed and has left `kept`. Gives the number of the next one of its key that may be computed.
    /// At most `limit` bytes are kept; the least recently used go first.
    pub fn leave(&mut self, window: &Batch, kept: Option<Box<Kept>>, limit: u64) -> Option<u64> {
        let (hash, key, dim) = address(window);
        let (key, lane) = self.lanes.get_or_default(hash, key, dim);
        let key = key.clone();
        lane.in_work = false;
        let next = lane.waiting.pop_front();
        match kept {
            Some(kept) => {
                self.clock += 1;
                lane.used = self.clock;
                lane.kept_bytes = kept.memory_bytes();
                lane.kept = Some(kept);
                self.kept_bytes += lane.kept_bytes;
                self.recent.insert(self.clock, key);
            }
            None if next.is_none() => {
                self.lanes.remove(&key);
            }
            None => {}
        }
        self.shrink_to(limit);
        next
    }

    fn shrink_to(&mut self, limit: u64) {
        while self.kept_bytes as u64 > limit
            && let Some((_, key)) = self.recent.pop_first()
        {
            let Some(lane) = self.lanes.get_mut(&key) else {
                continue;
            };
            lane.kept = None;
            self.kept_bytes -= std::mem::take(&mut lane.kept_bytes);
            if lane.waiting.is_empty() && !lane.in_work {
                self.lanes.remove(&key);
            }
        }
    }

    pub fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }
}

fn address(window: &Batch) -> (u64, &[u8], u16) {
    (window.keys.hashes[0], window.keys.row(0), points(window).1 as u16)
}
