//! What one witness says about the simplices of the landmarks that it sees.

use super::WitnessKind;
use super::nearest::{Nearest, Seen};
use super::numbering::Numbering;
use super::table::{Raise, Table};
use crate::Result;
use crate::limits::Meter;

/// Values are not negative, so that their bits are ordered as they are. They are held *reversed*, all bits inverted: the
/// lower the value the larger the word, and none is 0.
#[inline]
pub(super) fn reversed(value: f64) -> u64 {
    !value.to_bits()
}

#[inline]
pub(super) fn value(reversed: u64) -> f64 {
    f64::from_bits(!reversed)
}

/// A landmark and the reversed value of the simplices in which it is the farthest.
#[derive(Debug, Clone, Copy)]
struct Member {
    landmark: u32,
    reversed: u64,
}

/// Lowers the values of simplices by the word of witnesses. Reused from witness to witness.
#[derive(Debug)]
pub(super) struct Lowering {
    kind: WitnessKind,
    max_alpha_square: f64,
    members: Vec<Member>,
    prefix: Vec<u32>,
}

impl Lowering {
    pub fn new(
        kind: WitnessKind,
        max_alpha_square: f64,
        landmarks: usize,
        ranked: usize,
        meter: &mut Meter,
    ) -> Result<Self> {
        Ok(Self {
            kind,
            max_alpha_square,
            members: meter.vec(landmarks)?,
            prefix: meter.vec(ranked)?,
        })
    }

    /// Lowers the value of each simplex σ to `max(0, max over σ − min over Q)` of the squared distances to the witness,
    /// where Q are the landmarks outside σ (weak) or all landmarks (strong); values above the relaxation are left out.
    ///
    /// * `nearest` — has looked from the witness, ranking as many landmarks as there are `tables`
    /// * `tables` — one for each dimension
    ///
    /// Costs one step for each simplex of landmarks near enough.
    pub fn witness(
        &mut self,
        nearest: &Nearest,
        numbering: &Numbering,
        tables: &mut [Table],
        meter: &mut Meter,
    ) -> Result<()> {
        match self.kind {
            WitnessKind::Strong => {
                let base = nearest.ranks()[0].squared;
                self.choose_members(nearest, base, |_| true);
                self.lower_subsets(numbering, tables, meter)
            }
            WitnessKind::Weak => self.lower_weakly(nearest, numbering, tables, meter),
        }
    }

    /// A simplex for which the first landmark outside is that of rank `missing` contains those of all ranks below. The
    /// others are farther.
    fn lower_weakly(
        &mut self,
        nearest: &Nearest,
        numbering: &Numbering,
        tables: &mut [Table],
        meter: &mut Meter,
    ) -> Result<()> {
        let ranks = nearest.ranks();
        for (missing, skipped) in ranks.iter().enumerate() {
            self.choose_members(nearest, skipped.squared, |seen| skipped.is_before(seen));
            if missing == 0 {
                self.lower_subsets(numbering, tables, meter)?;
            } else {
                self.choose_prefix(&ranks[..missing]);
                self.lower_joined(numbering, &mut tables[missing - 1..], meter)?;
            }
        }
        self.choose_prefix(ranks);
        self.members.clear();
        self.lower_joined(numbering, &mut tables[ranks.len() - 1..], meter)
    }

    pub fn free(self, meter: &mut Meter) {
        meter.free(self.members);
        meter.free(self.prefix);
    }

    /// Chooses the landmarks that exceed `base` by no more than the relaxation.
    fn choose_members(&mut self, nearest: &Nearest, base: f64, is_member: impl Fn(&Seen) -> bool) {
        self.members.clear();
        for seen in nearest.near() {
            let value = seen.squared - base;
            if value <= self.max_alpha_square && is_member(seen) {
                self.members.push(Member {
                    landmark: seen.landmark,
                    reversed: reversed(value),
                });
            }
        }
    }

    fn choose_prefix(&mut self, ranks: &[Seen]) {
        self.prefix.clear();
        self.prefix.extend(ranks.iter().map(|seen| seen.landmark));
        self.prefix.sort_unstable();
    }

    /// Every non-empty set of members.
    fn lower_subsets(&self, numbering: &Numbering, tables: &mut [Table], meter: &mut Meter) -> Result<()> {
        for (size, table) in (1..=self.members.len()).zip(tables) {
            let all = Part {
                number: 0,
                reversed: u64::MAX,
            };
            match table {
                Table::Dense(table) => subsets(&self.members, size, all, numbering, table, meter)?,
                Table::Sparse(table) => subsets(&self.members, size, all, numbering, table, meter)?,
            }
        }
        Ok(())
    }

    /// The prefix with every set of members, which may be empty; `tables` begins with that of the prefix alone.
    fn lower_joined(&self, numbering: &Numbering, tables: &mut [Table], meter: &mut Meter) -> Result<()> {
        let (prefix, members) = (&self.prefix[..], &self.members[..]);
        for (size, table) in (0..=members.len()).zip(tables) {
            let all = Part {
                number: 0,
                reversed: u64::MAX,
            };
            match table {
                Table::Dense(table) => joined(prefix, members, size, all, numbering, table, meter)?,
                Table::Sparse(table) => joined(prefix, members, size, all, numbering, table, meter)?,
            }
        }
        Ok(())
    }
}

/// The largest vertices of a simplex: their part in its number, and the highest of their values.
#[derive(Debug, Clone, Copy)]
struct Part {
    number: u64,
    reversed: u64,
}

impl Part {
    /// With the next vertex below, which is `position`th from below in the whole simplex.
    #[inline]
    fn with(self, member: &Member, position: usize, numbering: &Numbering) -> Self {
        Self {
            number: self.number + numbering.part(member.landmark, position),
            reversed: self.reversed.min(member.reversed),
        }
    }
}

/// Lowers `chosen` with every set of `open >= 1` of `members`.
fn subsets(
    members: &[Member],
    open: usize,
    chosen: Part,
    numbering: &Numbering,
    table: &mut impl Raise,
    meter: &mut Meter,
) -> Result<()> {
    /// Sets of two of fewer members take too little time to look for a cancellation in between.
    const FEW: usize = 128;
    match open {
        1 => {
            meter.work(members.len())?;
            singles(members, chosen, table, meter)
        }
        2 => {
            meter.work(members.len() * members.len().saturating_sub(1) / 2)?;
            for (at, member) in members.iter().enumerate() {
                if at > FEW {
                    meter.work(0)?;
                }
                singles(&members[..at], chosen.with(member, 2, numbering), table, meter)?;
            }
            Ok(())
        }
        _ => {
            for at in open - 1..members.len() {
                let chosen = chosen.with(&members[at], open, numbering);
                subsets(&members[..at], open - 1, chosen, numbering, table, meter)?;
            }
            Ok(())
        }
    }
}

/// Lowers `chosen` with each of `members` as the least vertex.
#[inline]
fn singles(members: &[Member], chosen: Part, table: &mut impl Raise, meter: &mut Meter) -> Result<()> {
    for member in members {
        // C(v, 1) = v
        let number = chosen.number + u64::from(member.landmark);
        table.raise(number, chosen.reversed.min(member.reversed), meter)?;
    }
    Ok(())
}

/// Lowers `chosen` with all of `prefix` and every set of `open` of `members`; neither holds a vertex of the other.
fn joined(
    prefix: &[u32],
    members: &[Member],
    open: usize,
    chosen: Part,
    numbering: &Numbering,
    table: &mut impl Raise,
    meter: &mut Meter,
) -> Result<()> {
    match open {
        0 => return table.raise(chosen.number + numbering.number(prefix), chosen.reversed, meter),
        1 => return joined_singles(prefix, members, chosen, numbering, table, meter),
        _ => {}
    }
    meter.work(members.len())?;
    for (at, member) in members.iter().enumerate().skip(open - 1) {
        // Vertices of the prefix above the member come before it.
        let below = prefix.iter().take_while(|vertex| **vertex < member.landmark).count();
        let mut chosen = chosen;
        for (position, vertex) in (below + open + 1..).zip(&prefix[below..]) {
            chosen.number += numbering.part(*vertex, position);
        }
        let chosen = chosen.with(member, below + open, numbering);
        joined(
            &prefix[..below],
            &members[..at],
            open - 1,
            chosen,
            numbering,
            table,
            meter,
        )?;
    }
    Ok(())
}

/// Lowers `chosen` with all of `prefix` and each of `members`.
fn joined_singles(
    prefix: &[u32],
    members: &[Member],
    mut chosen: Part,
    numbering: &Numbering,
    table: &mut impl Raise,
    meter: &mut Meter,
) -> Result<()> {
    meter.work(members.len())?;
    // With a member below the whole prefix, which is one position higher for it; then up, vertex by vertex.
    for (position, vertex) in (2..).zip(prefix) {
        chosen.number += numbering.part(*vertex, position);
    }
    let mut rest = members;
    for below in 0..=prefix.len() {
        let next = prefix.get(below).copied().unwrap_or(u32::MAX);
        let count = rest.iter().take_while(|member| member.landmark < next).count();
        for member in &rest[..count] {
            let simplex = chosen.with(member, below + 1, numbering);
            table.raise(simplex.number, simplex.reversed, meter)?;
        }
        rest = &rest[count..];
        if below < prefix.len() {
            chosen.number -= numbering.part(next, below + 2);
            chosen.number += numbering.part(next, below + 1);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_values_are_larger_words_and_none_is_zero() {
        let values = [0.0, 1e-300, 1.0, 1e300, f64::MAX, f64::INFINITY];
        assert!(values.map(reversed).is_sorted_by(|a, b| a > b));
        assert!(values.iter().all(|x| reversed(*x) > 0 && value(reversed(*x)) == *x));
    }
}
