//! One mark for each pair of slots, in two bytes.

use super::lengths::Edge;
use crate::Result;
use crate::limits::Meter;

/// What is known of the lune of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// This point is joined to all others of the lune.
    Hub(u32),
    /// This point is in the lune; nothing else is known.
    Witness(u32),
    /// There is no hub; this point is in the first component of the lune. The edge is listed.
    Open(u32),
    /// The lune is empty. The edge is listed.
    Empty,
    Unknown,
}

/// Slots have 14 bits.
pub(super) const MAX_SLOTS: usize = 1 << 14;

const SLOT: u16 = MAX_SLOTS as u16 - 1;
const WITNESS: u16 = 1 << 14;
const OPEN: u16 = 2 << 14;
const EMPTY: u16 = 3 << 14;
const UNKNOWN: u16 = EMPTY | 1;

impl Mark {
    #[inline]
    fn pack(self) -> u16 {
        match self {
            Mark::Hub(slot) => slot as u16,
            Mark::Witness(slot) => slot as u16 | WITNESS,
            Mark::Open(slot) => slot as u16 | OPEN,
            Mark::Empty => EMPTY,
            Mark::Unknown => UNKNOWN,
        }
    }

    #[inline]
    fn unpack(packed: u16) -> Self {
        let slot = u32::from(packed & SLOT);
        match packed & !SLOT {
            0 => Mark::Hub(slot),
            WITNESS => Mark::Witness(slot),
            OPEN => Mark::Open(slot),
            _ if packed == EMPTY => Mark::Empty,
            _ => Mark::Unknown,
        }
    }

    /// A point of the lune, if one is known.
    #[inline]
    pub fn point(self) -> Option<u32> {
        match self {
            Mark::Hub(slot) | Mark::Witness(slot) | Mark::Open(slot) => Some(slot),
            Mark::Empty | Mark::Unknown => None,
        }
    }
}

/// The marks of all pairs, a lower triangle row by row.
#[derive(Debug, Default)]
pub(super) struct Marks {
    packed: Vec<u16>,
}

impl Marks {
    pub fn memory_bytes(&self) -> usize {
        size_of::<u16>() * self.packed.capacity()
    }

    /// Makes room for `slots` slots; new pairs are unknown.
    pub fn grow(&mut self, slots: usize, meter: &mut Meter) -> Result<()> {
        let pairs = slots * slots.saturating_sub(1) / 2;
        let more = pairs - self.packed.len();
        meter.reserve_exact(&mut self.packed, more)?;
        self.packed.resize(pairs, UNKNOWN);
        Ok(())
    }

    #[inline]
    pub fn get(&self, edge: Edge) -> Mark {
        Mark::unpack(self.packed[edge.index()])
    }

    #[inline]
    pub fn set(&mut self, edge: Edge, mark: Mark) {
        self.packed[edge.index()] = mark.pack();
    }

    /// Forgets those hubs and witnesses, of the pairs of `high` with lower slots, that are in `gone`, and calls
    /// `forgotten(low)` for each.
    pub fn forget(&mut self, high: u32, gone: &[bool], mut forgotten: impl FnMut(u32)) {
        let start = Edge { high, low: 0 }.index();
        for (low, packed) in (0..).zip(&mut self.packed[start..start + high as usize]) {
            if *packed < OPEN && gone[usize::from(*packed & SLOT)] {
                *packed = UNKNOWN;
                forgotten(low);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_back_as_they_were_packed() {
        let last = MAX_SLOTS as u32 - 1;
        for mark in [
            Mark::Hub(0),
            Mark::Hub(last),
            Mark::Witness(7),
            Mark::Open(last),
            Mark::Empty,
            Mark::Unknown,
        ] {
            assert_eq!(Mark::unpack(mark.pack()), mark);
        }
    }
}
