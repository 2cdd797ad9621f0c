//! Point clouds: lunes in growing shells of length, found vertex by vertex in a kd-tree.
//!
//! First the whole relative neighbourhood graph is found, each vertex looking as far as its own neighbours are. Then all
//! births are known, and the shells end with the last death: the cycle rank of the graph counts the classes. Within a
//! shell the lunes are looked at in the order of the vertices, near ones together, and only the edges that matter are
//! kept and sorted.

use super::Search;
use super::bitsets::{self, Ordinals};
use super::classes::Apexes;
use super::cloud::Cloud;
use super::edge::Edge;
use super::events::Events;
use super::kernel::Kernel;
use super::shell::{self, Found, Task};
use crate::Result;
use crate::field::Field;
use crate::limits::Meter;

/// A shell is so much longer than the one before.
const GROWTH: f64 = 1.15;
/// While vertices have so few neighbours that looking too far costs little.
const FIRST_GROWTH: f64 = 1.35;
const FEW_NEIGHBORS: usize = 24;

/// The pairs of a cloud as dimension, birth and death, the latter as ordinals.
///
/// * `limit` — the largest ordinal that counts
pub(super) fn pairs<K: Kernel, F: Field>(
    cloud: &Cloud<K>,
    field: F,
    limit: f64,
    search: &Search,
    meter: &mut Meter,
) -> Result<Vec<(u8, f64, f64)>> {
    let mut events = Events::new(cloud.len(), field, search.cycles, meter)?;
    let mut roots = shell::look(cloud, Task::Roots { limit }, search.threads, meter)?;
    roots.roots.sort_unstable_by(Edge::compare);
    for root in &roots.roots {
        meter.work(1)?;
        events.root(root, meter)?;
    }
    roots.free(meter);
    let mut source = TreeApexes {
        cloud,
        points: Default::default(),
    };
    let (mut low, mut high) = (-1.0, first_limit(cloud, meter)?.min(limit));
    while let Some(earliest) = events.classes.births_alive().reduce(f64::min)
        && low < limit
    {
        if earliest > high {
            // Edges before the birth of the first class kill nothing. One as long as that birth may come after it.
            low = earliest.next_down();
            high = K::scaled(earliest, GROWTH).min(limit);
        }
        let found = shell::look(cloud, Task::Splits { low, high }, search.threads, meter)?;
        let growth = if found.looked < FEW_NEIGHBORS * cloud.len() {
            FIRST_GROWTH
        } else {
            GROWTH
        };
        let is_crowded = prefers_bitsets(cloud.len(), found.looked);
        kill(found, &mut source, &mut events, meter)?;
        if cloud.len() <= search.most_bits && is_crowded {
            bitsets::enter(cloud, Some(high), limit, true, &mut events, meter)?;
            break;
        }
        low = high;
        high = K::scaled(low, growth).max(low.next_up()).min(limit);
    }
    events.finish(cloud.len(), meter)
}

/// Whether intersecting rows of bits is cheaper than walking the neighbours, of which there are `looked` in all.
fn prefers_bitsets(points: usize, looked: usize) -> bool {
    /// Bits of a row that cost as much as a neighbour.
    const BITS: usize = 16;
    looked * BITS > points * points
}

/// A length within which a quarter of the vertices have a few neighbours: shells begin where the points are dense.
fn first_limit<K: Kernel>(cloud: &Cloud<K>, meter: &mut Meter) -> Result<f64> {
    const SAMPLE: usize = 32;
    let wanted = 8 * cloud.dimension().clamp(1, 4);
    let points = cloud.len();
    let mut lengths = Vec::new();
    for at in 0..points.min(SAMPLE) {
        meter.work(wanted)?;
        let vertex = at * points / points.min(SAMPLE);
        lengths.push(cloud.nearest(vertex as u32, wanted));
    }
    lengths.sort_unstable_by(f64::total_cmp);
    let positive = lengths[lengths.len() / 4..].iter().find(|length| **length > 0.0);
    Ok(positive.copied().unwrap_or(f64::MAX))
}

/// Tells the split lunes in the order of their edges.
fn kill<K: Kernel, F: Field>(
    mut found: Found,
    source: &mut TreeApexes<'_, K>,
    events: &mut Events<F>,
    meter: &mut Meter,
) -> Result<()> {
    found.splits.sort_unstable_by(|a, b| a.edge.compare(&b.edge));
    for split in &found.splits {
        if events.classes.alive() == 0 {
            break;
        }
        let apexes = &found.apexes[split.start..split.start + split.count as usize];
        for other in &apexes[1..] {
            events.kill(&split.edge, [apexes[0], *other], source, meter)?;
        }
    }
    found.free(meter);
    Ok(())
}

/// Apexes from the tree.
#[derive(Debug)]
struct TreeApexes<'a, K> {
    cloud: &'a Cloud<K>,
    points: [Vec<f64>; 2],
}

impl<K: Kernel> Apexes for TreeApexes<'_, K> {
    fn edge(&self, a: u32, b: u32) -> Edge {
        self.cloud.edge(a, b)
    }

    fn apex(&mut self, edge: &Edge, meter: &mut Meter) -> Result<u32> {
        meter.work(16)?;
        let apex = self.cloud.apex(edge, &mut self.points);
        Ok(apex.expect("every edge with an empty lune is a root, and this edge is none"))
    }
}

impl<K: Kernel> Ordinals for Cloud<K> {
    fn len(&self) -> usize {
        Cloud::len(self)
    }

    fn ordinal(&self, i: u32, j: u32) -> f64 {
        Cloud::ordinal(self, i, j)
    }

    fn row(&self, i: u32, into: &mut Vec<f64>) {
        into.resize(i as usize, 0.0);
        self.ordinals_below(i, into);
    }
}
