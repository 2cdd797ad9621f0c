//! The links of all edges of a window, kept while points come and go.
//!
//! A point that comes or goes changes only the lunes that contain it. Of those whose link is a cone, most stay cones: a
//! new point is joined to the hub, and a point that goes was not the hub. So little is looked at again.

use super::bits::{self, WORD};
use super::hollow::Shape;
use super::lanes::{Lanes, compare, compare_both};
use super::lengths::{Bound, Edge, Lengths, Put};
use super::lune::{Lune, LuneScan};
use super::marks::{MAX_SLOTS, Mark, Marks};
use crate::Result;
use crate::limits::Meter;

/// An edge with an empty lune: it joins two components or gives birth to a cycle.
#[derive(Debug, Clone, Copy)]
pub(super) struct RelativeEdge {
    pub length: f64,
    pub edge: Edge,
}

/// An edge whose lune has no hub.
#[derive(Debug)]
pub(super) struct OpenEdge {
    pub length: f64,
    pub edge: Edge,
    /// One point of each component of the lune but the first.
    pub others: Box<[u32]>,
    /// Computed when it is asked for.
    pub shape: Option<Box<Shape>>,
}

#[derive(Debug)]
pub(super) struct Links {
    pub lengths: Lengths,
    pub marks: Marks,
    /// Sorted like the edges of the filtration, after [`Self::refresh`].
    pub relative: Vec<RelativeEdge>,
    /// Sorted like the edges of the filtration, after [`Self::refresh`].
    pub open: Vec<OpenEdge>,
    live: Vec<u64>,
    free: Vec<u32>,
    /// Slots filled since the last refresh.
    fresh: Vec<u32>,
    newest: u32,
    /// How many points each live slot stands for, less one: repeated rows share a slot.
    repetitions: Vec<u32>,
    /// Edges that have lost their hub or witness since the last refresh.
    pending: Vec<Edge>,
    /// Edges without a hub whose lunes have changed since the last refresh.
    reopened: Vec<Edge>,
    /// Whether a hub may be of use to an edge that had none before.
    prefers_hubs: bool,
    /// No edge up to this length is unknown.
    settled: f32,
    /// Every edge up to this length has a hub or is listed; hubs of longer ones may have ceased to be.
    certified: f32,
    scan: LuneScan,
}

impl Links {
    /// Without points. A link that is not a cone may become one; only if `prefers_hubs` is that looked for.
    pub fn new(lengths: Lengths, prefers_hubs: bool) -> Self {
        Self {
            lengths,
            marks: Marks::default(),
            relative: Vec::new(),
            open: Vec::new(),
            live: Vec::new(),
            free: Vec::new(),
            fresh: Vec::new(),
            newest: 0,
            repetitions: Vec::new(),
            pending: Vec::new(),
            reopened: Vec::new(),
            prefers_hubs,
            settled: f32::NEG_INFINITY,
            certified: f32::NEG_INFINITY,
            scan: LuneScan::new(0),
        }
    }

    pub fn live(&self) -> &[u64] {
        &self.live
    }

    pub fn certified(&self) -> f32 {
        self.certified
    }

    pub fn memory_bytes(&self) -> usize {
        let listed = size_of::<RelativeEdge>() * self.relative.capacity()
            + size_of::<OpenEdge>() * self.open.capacity()
            + self.open.iter().map(OpenEdge::memory_bytes).sum::<usize>();
        let small = size_of::<u32>() * (self.free.capacity() + self.fresh.capacity() + 8 * self.live.capacity())
            + size_of::<u32>() * self.repetitions.capacity()
            + size_of::<Edge>() * (self.pending.capacity() + self.reopened.capacity());
        self.lengths.memory_bytes() + self.marks.memory_bytes() + listed + small
    }

    /// Takes away one point of each of `slots`, and frees those that have no other.
    pub fn retire(&mut self, slots: &[u32], meter: &mut Meter) -> Result<()> {
        let is_last = |slot: &u32| match &mut self.repetitions[*slot as usize] {
            0 => true,
            others => {
                *others -= 1;
                false
            }
        };
        let gone: Vec<u32> = slots.iter().copied().filter(is_last).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let mut is_gone = vec![false; MAX_SLOTS.min(self.lengths.slots())];
        gone.iter().for_each(|slot| is_gone[*slot as usize] = true);
        let stays = |edge: Edge| !is_gone[edge.high as usize] && !is_gone[edge.low as usize];
        self.relative.retain(|relative| stays(relative.edge));
        self.open.retain(|open| stays(open.edge));
        self.reopen(&gone, meter)?;
        for slot in gone {
            self.lengths.take(slot);
            bits::remove(&mut self.live, slot);
            self.free.push(slot);
        }
        let Self {
            marks, pending, live, ..
        } = self;
        for high in bits::elements(live) {
            meter.work(high as usize / WORD + 1)?;
            meter.reserve(pending, high as usize)?;
            marks.forget(high, &is_gone, |low| {
                if bits::contains(live, low) {
                    pending.push(Edge { high, low });
                }
            });
        }
        Ok(())
    }

    /// Takes those edges off the list of open ones that have one of `changed` in their lunes.
    fn reopen(&mut self, changed: &[u32], meter: &mut Meter) -> Result<()> {
        meter.work(self.open.len())?;
        meter.reserve(&mut self.reopened, self.open.len())?;
        let Self {
            open,
            lengths,
            marks,
            reopened,
            ..
        } = self;
        open.retain(|open| {
            let bound = lengths.bound(open.edge);
            let stays = !changed.iter().any(|slot| lengths.in_lune(*slot, bound));
            if !stays {
                marks.set(open.edge, Mark::Unknown);
                reopened.push(open.edge);
            }
            stays
        });
        Ok(())
    }

    /// Gives each row a slot, in order. `None` if a length does not fit in 32 bits; nothing can be done with these links
    /// then.
    pub fn admit<'a>(
        &mut self,
        rows: impl ExactSizeIterator<Item = &'a [f64]>,
        meter: &mut Meter,
    ) -> Result<Option<Vec<u32>>> {
        self.make_room(rows.len(), meter)?;
        let mut slots = Vec::with_capacity(rows.len());
        for row in rows {
            let slot = self.free.pop().expect("room was made for all rows");
            meter.work(self.lengths.slots())?;
            match self.lengths.put(slot, row, &self.live) {
                Put::TooFar => return Ok(None),
                Put::Repeated(first) => {
                    self.free.push(slot);
                    self.repetitions[first as usize] += 1;
                    slots.push(first);
                }
                Put::Measured => {
                    bits::elements(&self.live).for_each(|other| self.marks.set(Edge::new(slot, other), Mark::Unknown));
                    bits::insert(&mut self.live, slot);
                    self.fresh.push(slot);
                    self.newest = slot;
                    slots.push(slot);
                }
            }
        }
        self.challenge(&self.fresh.clone(), meter)?;
        Ok(Some(slots))
    }

    fn make_room(&mut self, rows: usize, meter: &mut Meter) -> Result<()> {
        let (slots, missing) = (self.lengths.slots(), rows.saturating_sub(self.free.len()));
        if missing > 0 {
            // A window that fills up grows step by step.
            let spare = if slots == 0 { 0 } else { slots / 8 };
            let more = missing.max(spare);
            self.lengths.grow(slots + more, meter)?;
            self.marks.grow(slots + more, meter)?;
            self.free.extend((slots as u32..(slots + more) as u32).rev());
            self.live.resize(self.lengths.words(), 0);
            self.repetitions.resize(slots + more, 0);
            self.scan = LuneScan::new(self.lengths.words());
        }
        Ok(())
    }

    /// Lowers the marks that the new points of `slots` made wrong.
    fn challenge(&mut self, slots: &[u32], meter: &mut Meter) -> Result<()> {
        meter.reserve(&mut self.pending, self.relative.len())?;
        let Self {
            relative,
            lengths,
            marks,
            pending,
            ..
        } = self;
        relative.retain(|relative| {
            let bound = lengths.bound(relative.edge);
            let inside = slots.iter().find(|slot| lengths.in_lune(**slot, bound));
            if let Some(slot) = inside {
                marks.set(relative.edge, Mark::Witness(*slot));
                pending.push(relative.edge);
            }
            inside.is_none()
        });
        self.reopen(slots, meter)?;
        if self.certified >= 0.0 {
            for high in bits::elements(&self.live.clone()) {
                self.challenge_hubs(high, slots, meter)?;
            }
        }
        Ok(())
    }

    /// Lowers the marks of edges from `high` whose hubs are not joined to a new point.
    fn challenge_hubs(&mut self, high: u32, slots: &[u32], meter: &mut Meter) -> Result<()> {
        let Self {
            lengths,
            marks,
            pending,
            certified,
            ..
        } = self;
        let (words, most) = (high as usize / WORD + 1, Lanes::all(*certified));
        meter.work(words * slots.len())?;
        for slot in slots.iter().filter(|slot| **slot != high) {
            let near = Lanes::all(lengths.rounded(Edge::new(*slot, high)));
            for word in 0..words {
                let (row, others) = (lengths.part(high, word), lengths.part(*slot, word));
                let reached = compare_both(row, others, |length, other| {
                    near.max(other).not_above(length).and(length.not_above(most))
                });
                for low in bits::ones(reached).map(|bit| (word * WORD) as u32 + bit) {
                    if low >= high {
                        break;
                    }
                    let edge = Edge { high, low };
                    let Mark::Hub(hub) = marks.get(edge) else { continue };
                    let bound = lengths.bound(edge);
                    if !lengths.precedes(Edge::new(hub, *slot), bound) && lengths.in_lune(*slot, bound) {
                        marks.set(edge, Mark::Witness(hub));
                        meter.push(pending, edge)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Finds a point in every lune up to the length `settled`, or that it is empty; and a hub of every edge up to the
    /// length `certified`, which is not larger, or the components of its lune.
    pub fn refresh(&mut self, settled: f32, certified: f32, meter: &mut Meter) -> Result<()> {
        let (pending, reopened) = (std::mem::take(&mut self.pending), std::mem::take(&mut self.reopened));
        for edge in &pending {
            self.renew(*edge, settled, certified, true, meter)?;
        }
        for edge in &reopened {
            self.renew(*edge, settled, certified, self.prefers_hubs, meter)?;
        }
        meter.free(pending);
        meter.free(reopened);
        let fresh = std::mem::take(&mut self.fresh);
        for slot in fresh {
            for word in 0..self.live.len() {
                for bit in bits::ones(self.live[word]) {
                    let other = (word * WORD) as u32 + bit;
                    if other != slot {
                        self.renew(Edge::new(slot, other), settled, certified, true, meter)?;
                    }
                }
            }
        }
        // What was pending beyond the bounds has been passed over.
        self.settled = self.settled.min(settled);
        self.certified = self.certified.min(certified);
        self.settle_to(settled, meter)?;
        self.certify_to(certified, meter)
    }

    /// Looks at an edge whose mark says too little for its length.
    fn renew(&mut self, edge: Edge, settled: f32, certified: f32, seek_hub: bool, meter: &mut Meter) -> Result<()> {
        let bound = self.lengths.bound(edge);
        match self.marks.get(edge) {
            Mark::Unknown | Mark::Witness(_) if bound.length <= certified => self.examine(bound, seek_hub, meter),
            Mark::Unknown if bound.length <= settled => self.settle(bound, meter),
            _ => Ok(()),
        }
    }

    fn settle(&mut self, bound: Bound, meter: &mut Meter) -> Result<()> {
        meter.work(1)?;
        match LuneScan::witness(&self.lengths, bound, self.newest) {
            Some(slot) => self.marks.set(bound.edge, Mark::Witness(slot)),
            None => self.list_relative(bound, meter)?,
        }
        Ok(())
    }

    fn examine(&mut self, bound: Bound, seek_hub: bool, meter: &mut Meter) -> Result<()> {
        meter.work(self.live.len())?;
        let edge = bound.edge;
        match self.scan.examine(&self.lengths, bound, seek_hub) {
            Lune::Empty => self.list_relative(bound, meter),
            Lune::Hub(hub) => {
                self.marks.set(edge, Mark::Hub(hub));
                Ok(())
            }
            Lune::Open { components } => {
                let length = self.lengths.exact(edge);
                meter.push(
                    &mut self.open,
                    OpenEdge {
                        length,
                        edge,
                        others: components[1..].into(),
                        shape: None,
                    },
                )?;
                self.marks.set(edge, Mark::Open(components[0]));
                Ok(())
            }
        }
    }

    fn list_relative(&mut self, bound: Bound, meter: &mut Meter) -> Result<()> {
        let (edge, length) = (bound.edge, self.lengths.exact(bound.edge));
        meter.push(&mut self.relative, RelativeEdge { length, edge })?;
        self.marks.set(edge, Mark::Empty);
        Ok(())
    }

    fn settle_to(&mut self, settled: f32, meter: &mut Meter) -> Result<()> {
        if settled > self.settled {
            self.for_each_between(self.settled, settled, meter, |links, bound, meter| {
                match links.marks.get(bound.edge) {
                    Mark::Unknown => links.settle(bound, meter),
                    _ => Ok(()),
                }
            })?;
            self.settled = settled;
        }
        Ok(())
    }

    fn certify_to(&mut self, certified: f32, meter: &mut Meter) -> Result<()> {
        if certified > self.certified {
            self.for_each_between(self.certified, certified, meter, |links, bound, meter| {
                match links.marks.get(bound.edge) {
                    Mark::Open(_) | Mark::Empty => Ok(()),
                    Mark::Hub(_) | Mark::Witness(_) | Mark::Unknown => links.examine(bound, true, meter),
                }
            })?;
            self.certified = certified;
        }
        // Mostly sorted already: what is new is at the end.
        self.relative
            .sort_by(|a, b| a.length.total_cmp(&b.length).then(a.edge.cmp(&b.edge)));
        self.open
            .sort_by(|a, b| a.length.total_cmp(&b.length).then(a.edge.cmp(&b.edge)));
        Ok(())
    }

    /// Visits the edges longer than `above` and not longer than `most`.
    fn for_each_between(
        &mut self,
        above: f32,
        most: f32,
        meter: &mut Meter,
        mut visit: impl FnMut(&mut Self, Bound, &mut Meter) -> Result<()>,
    ) -> Result<()> {
        for high in bits::elements(&self.live.clone()) {
            for word in 0..=high as usize / WORD {
                meter.work(1)?;
                let part = self.lengths.part(high, word);
                let (above, most) = (Lanes::all(above), Lanes::all(most));
                let between = compare(part, |length| above.below(length).and(length.not_above(most)));
                for low in bits::ones(between)
                    .map(|bit| (word * WORD) as u32 + bit)
                    .take_while(|low| *low < high)
                {
                    let bound = self.lengths.bound(Edge { high, low });
                    visit(self, bound, meter)?;
                }
            }
        }
        Ok(())
    }
}

impl OpenEdge {
    fn memory_bytes(&self) -> usize {
        size_of_val(&*self.others) + self.shape.as_ref().map_or(0, |shape| shape.memory_bytes())
    }
}
