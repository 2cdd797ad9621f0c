//! The edges of a shell of lengths that matter, vertex by vertex, on several threads.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use super::cloud::Cloud;
use super::edge::Edge;
use super::kernel::Kernel;
use super::lune::{Lune, Neighborhood};
use crate::Result;
use crate::limits::{Meter, Usage};

/// Edges by their ordinals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shell {
    /// Edges must be longer. `None` for the first shell, which also has to find all roots, the edges with empty lunes.
    pub low: Option<f64>,
    /// They must not be longer.
    pub high: f64,
    /// The first shell looks for roots beyond itself up to this.
    pub roots_to: f64,
    /// Whether edges with split lunes are wanted.
    pub cycles: bool,
}

/// Edges of one shell that matter.
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

/// Looks at the lunes of all edges of a shell.
pub(super) fn look<K: Kernel>(cloud: &Cloud<K>, shell: &Shell, threads: usize, meter: &mut Meter) -> Result<Found> {
    /// Vertices that a thread takes at a time.
    const BLOCK: u32 = 256;
    let blocks = (cloud.len() as u32).div_ceil(BLOCK);
    let block = |at: u32| at * BLOCK..(cloud.len() as u32).min((at + 1) * BLOCK);
    let threads = threads.clamp(1, blocks.max(1) as usize);
    if threads == 1 {
        let mut worker = Worker::new(cloud, shell);
        (0..blocks).try_for_each(|at| worker.look_at(block(at), meter))?;
        return Ok(worker.finish(meter));
    }
    let next = AtomicU32::new(0);
    let share = meter.share(threads);
    let part = || {
        let mut meter = Meter::new(&share);
        let mut worker = Worker::new(cloud, shell);
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

/// One thread's part of a shell.
#[derive(Debug)]
struct Worker<'a, K> {
    cloud: &'a Cloud<K>,
    shell: &'a Shell,
    found: Found,
    neighborhood: Neighborhood<'a, K>,
    far: FarRoots,
}

impl<'a, K: Kernel> Worker<'a, K> {
    fn new(cloud: &'a Cloud<K>, shell: &'a Shell) -> Self {
        Self {
            cloud,
            shell,
            found: Found::default(),
            neighborhood: Neighborhood::new(cloud),
            far: FarRoots::default(),
        }
    }

    fn finish(self, meter: &mut Meter) -> Found {
        self.neighborhood.free(meter);
        self.found
    }

    /// Looks at the edges from some vertices to larger ones.
    fn look_at(&mut self, vertices: Range<u32>, meter: &mut Meter) -> Result<()> {
        let Shell {
            low, high, roots_to, ..
        } = *self.shell;
        for vertex in vertices {
            self.neighborhood.fetch(vertex, high, meter)?;
            self.look_near(vertex, meter)?;
            if low.is_none() && roots_to > high {
                let roots = &mut self.found.roots;
                self.far
                    .find(self.cloud, &self.neighborhood, vertex, (high, roots_to), roots, meter)?;
            }
        }
        Ok(())
    }

    fn look_near(&mut self, vertex: u32, meter: &mut Meter) -> Result<()> {
        let Self {
            shell,
            found,
            neighborhood,
            ..
        } = self;
        let count = neighborhood.neighbors().len();
        found.looked += count;
        let is_shorter = |neighbor: &(f64, u32)| shell.low.is_some_and(|low| neighbor.0 <= low);
        for at in neighborhood.neighbors().partition_point(is_shorter)..count {
            if neighborhood.neighbors()[at].1 < vertex {
                continue;
            }
            match neighborhood.lune(at, meter)? {
                Lune::Empty if shell.low.is_none() => meter.push(&mut found.roots, neighborhood.edge(at))?,
                Lune::Split if shell.cycles => {
                    let split = Split {
                        edge: neighborhood.edge(at),
                        start: found.apexes.len(),
                        count: neighborhood.apexes.len() as u32,
                    };
                    meter.push(&mut found.splits, split)?;
                    append(&mut found.apexes, &neighborhood.apexes, meter)?;
                }
                // After the first shell the roots are known.
                Lune::Empty | Lune::Split | Lune::Connected => {}
            }
        }
        Ok(())
    }
}

/// The search for edges with empty lunes that are longer than the first shell, with its buffers.
#[derive(Debug, Default)]
struct FarRoots {
    screen: Vec<f64>,
    candidates: Vec<u32>,
    points: [Vec<f64>; 2],
}

impl FarRoots {
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
        self.candidates.clear();
        let looks = cloud.unhidden(vertex, range, &self.screen, &mut self.candidates);
        meter.work(looks)?;
        for other in &self.candidates {
            if *other > vertex {
                meter.work(1)?;
                let edge = cloud.edge(vertex, *other);
                if cloud.apex(&edge, &mut self.points).is_none() {
                    meter.push(roots, edge)?;
                }
            }
        }
        Ok(())
    }
}
