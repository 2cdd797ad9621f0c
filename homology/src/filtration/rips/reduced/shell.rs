//! The edges of a shell of lengths that matter, vertex by vertex, on several threads.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use super::cloud::Cloud;
use super::edge::Edge;
use super::horizon::Horizon;
use super::kernel::Kernel;
use super::lune::{Lune, Neighborhood};
use crate::Result;
use crate::limits::{Meter, Usage};

/// What is looked for. Edges are given by ranges of ordinals.
#[derive(Debug, Clone, Copy)]
pub(super) enum Task {
    /// All edges with empty lunes up to a limit.
    Roots { limit: f64 },
    /// All edges with split lunes longer than `low` and up to `high`.
    Splits { low: f64, high: f64 },
}

/// Edges that matter.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// With empty lunes.
    pub roots: Vec<Edge>,
    /// With split lunes.
    pub splits: Vec<Split>,
    /// One vertex per component of each split lune.
    pub apexes: Vec<u32>,
    /// Edges looked at from one of their ends or both.
    pub looked: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Split {
    pub edge: Edge,
    pub start: usize,
    pub count: u32,
}

/// Looks at the lunes of the edges that are asked for.
pub(super) fn look<K: Kernel>(cloud: &Cloud<K>, task: Task, threads: usize, meter: &mut Meter) -> Result<Found> {
    /// Vertices that a thread takes at a time.
    const BLOCK: u32 = 256;
    let blocks = (cloud.len() as u32).div_ceil(BLOCK);
    let block = |at: u32| at * BLOCK..(cloud.len() as u32).min((at + 1) * BLOCK);
    let threads = threads.clamp(1, blocks.max(1) as usize);
    if threads == 1 {
        let mut worker = Worker::new(cloud, task);
        (0..blocks).try_for_each(|at| worker.look_at(block(at), meter))?;
        return Ok(worker.finish(meter));
    }
    let next = AtomicU32::new(0);
    let share = meter.share(threads);
    let part = || {
        let mut meter = Meter::new(&share);
        let mut worker = Worker::new(cloud, task);
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && at < blocks
        {
            let looked = worker.look_at(block(at), &mut meter);
            // A failure leaves nothing to do for the others.
            looked.inspect_err(|_| next.store(blocks, Ordering::Relaxed))?;
        }
        Ok((worker.finish(&mut meter), meter.usage()))
    };
    let parts: Vec<Result<(Found, Usage)>> = std::thread::scope(|scope| {
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
    let mut found = Found::default();
    for (part, usage) in parts {
        found.append(&part, meter)?;
        meter.release(usage.memory_bytes);
    }
    Ok(found)
}

impl Found {
    fn append(&mut self, other: &Self, meter: &mut Meter) -> Result<()> {
        let start = self.apexes.len();
        self.looked += other.looked;
        append(&mut self.roots, &other.roots, meter)?;
        append(&mut self.apexes, &other.apexes, meter)?;
        meter.reserve(&mut self.splits, other.splits.len())?;
        let shifted = |split: &Split| Split {
            start: start + split.start,
            ..*split
        };
        self.splits.extend(other.splits.iter().map(shifted));
        Ok(())
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.roots);
        meter.free(self.splits);
        meter.free(self.apexes);
    }
}

fn append<T: Copy>(items: &mut Vec<T>, others: &[T], meter: &mut Meter) -> Result<()> {
    meter.reserve(items, others.len())?;
    items.extend_from_slice(others);
    Ok(())
}

/// Neighbours from which on it pays to ask first whether there are new ones.
const CROWD: usize = 256;

/// One thread's part of a task.
#[derive(Debug)]
struct Worker<'a, K> {
    cloud: &'a Cloud<K>,
    task: Task,
    found: Found,
    neighborhood: Neighborhood<'a, K>,
    /// How far the nearest neighbours of the last vertex were.
    radius: f64,
    far: FarRoots,
}

impl<'a, K: Kernel> Worker<'a, K> {
    fn new(cloud: &'a Cloud<K>, task: Task) -> Self {
        Self {
            cloud,
            task,
            found: Found::default(),
            neighborhood: Neighborhood::new(cloud),
            radius: 0.0,
            far: FarRoots::new(cloud),
        }
    }

    fn finish(self, meter: &mut Meter) -> Found {
        self.neighborhood.free(meter);
        self.found
    }

    /// Looks at the edges from some vertices to larger ones.
    fn look_at(&mut self, mut vertices: Range<u32>, meter: &mut Meter) -> Result<()> {
        match self.task {
            Task::Roots { limit } => vertices.try_for_each(|vertex| self.find_roots(vertex, limit, meter)),
            Task::Splits { low, high } => vertices.try_for_each(|vertex| {
                meter.work(1)?;
                // In a dense cluster there is much to fetch and, beyond its own size, nothing new. The vertex before this
                // one, which is near, tells.
                let is_crowded = self.neighborhood.neighbors().len() > CROWD;
                if is_crowded && !self.cloud.has_between(vertex, low, high) {
                    return Ok(());
                }
                self.find_splits(vertex, (low, high), meter)
            }),
        }
    }

    fn find_roots(&mut self, vertex: u32, limit: f64, meter: &mut Meter) -> Result<()> {
        let radius = self.fetch_nearest(vertex, limit, meter)?;
        for at in 0..self.neighborhood.neighbors().len() {
            if self.neighborhood.neighbors()[at].1 > vertex && self.neighborhood.is_root(at) {
                meter.push(&mut self.found.roots, self.neighborhood.edge(at))?;
            }
        }
        if radius < limit {
            let roots = &mut self.found.roots;
            let range = (radius, limit);
            self.far
                .find(self.cloud, &self.neighborhood, vertex, range, roots, meter)?;
        }
        Ok(())
    }

    /// Fetches the nearest neighbours of `vertex`, not too few and not too many, and returns up to where they are
    /// complete.
    fn fetch_nearest(&mut self, vertex: u32, limit: f64, meter: &mut Meter) -> Result<f64> {
        let wanted = Self::wanted(self.cloud);
        // Near vertices have near indices.
        let radius = self.radius.min(limit);
        self.neighborhood.fetch(vertex, radius, meter)?;
        let count = self.neighborhood.neighbors().len();
        if (radius == limit || count >= wanted) && count <= 3 * wanted {
            return Ok(radius);
        }
        meter.work(2 * wanted)?;
        // A little more than are needed, for the next vertices.
        self.radius = self.cloud.nearest_positive(vertex, wanted + wanted / 2);
        let radius = self.radius.min(limit);
        self.neighborhood.fetch(vertex, radius, meter)?;
        Ok(radius)
    }

    /// So many neighbours hide what is behind them, for most vertices.
    fn wanted(cloud: &Cloud<K>) -> usize {
        8 * cloud.dimension().min(4)
    }

    fn find_splits(&mut self, vertex: u32, (low, high): (f64, f64), meter: &mut Meter) -> Result<()> {
        let Self {
            found, neighborhood, ..
        } = self;
        neighborhood.fetch(vertex, high, meter)?;
        let count = neighborhood.neighbors().len();
        found.looked += count;
        for at in neighborhood.neighbors().partition_point(|neighbor| neighbor.0 <= low)..count {
            if neighborhood.neighbors()[at].1 > vertex && neighborhood.lune(at, meter)? == Lune::Split {
                let split = Split {
                    edge: neighborhood.edge(at),
                    start: found.apexes.len(),
                    count: neighborhood.apexes.len() as u32,
                };
                meter.push(&mut found.splits, split)?;
                append(&mut found.apexes, &neighborhood.apexes, meter)?;
            }
        }
        Ok(())
    }
}

/// The search for edges with empty lunes that are longer than those to the neighbours, with its buffers.
#[derive(Debug, Default)]
struct FarRoots {
    horizon: Option<Horizon>,
    reach: Vec<f64>,
    screen: Vec<f64>,
    candidates: Vec<u32>,
    points: [Vec<f64>; 2],
}

impl FarRoots {
    fn new<K: Kernel>(cloud: &Cloud<K>) -> Self {
        let farthest = K::squared(cloud.largest_ordinal());
        Self {
            horizon: farthest.and_then(|farthest| Horizon::new(cloud.dimension(), farthest)),
            ..Self::default()
        }
    }

    /// Appends those that lead from `vertex` to larger vertices and are in the range `(above, up to)`.
    fn find<K: Kernel>(
        &mut self,
        cloud: &Cloud<K>,
        neighborhood: &Neighborhood<'_, K>,
        vertex: u32,
        range: (f64, f64),
        roots: &mut Vec<Edge>,
        meter: &mut Meter,
    ) -> Result<()> {
        /// Nearest neighbours that hide what is behind them.
        const SCREEN: usize = 32;
        neighborhood.screen(SCREEN, &mut self.screen);
        if let (Some(horizon), Some(limit)) = (&self.horizon, K::squared(range.0))
            && horizon.is_covered(&self.screen, limit, &mut self.reach)
        {
            return meter.work(SCREEN);
        }
        self.candidates.clear();
        let looks = cloud.unhidden(vertex, range, &self.screen, &mut self.candidates);
        meter.work(looks)?;
        for other in &self.candidates {
            if *other > vertex {
                meter.work(1)?;
                let edge = cloud.edge(vertex, *other);
                if cloud.is_root(&edge, &mut self.points) {
                    meter.push(roots, edge)?;
                }
            }
        }
        Ok(())
    }
}
