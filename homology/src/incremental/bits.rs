//! Sets of slots as words of 64 bits.

/// Slots in one word.
pub(super) const WORD: usize = 64;

/// The elements of `set`, ascending.
pub(super) fn elements(set: &[u64]) -> impl Iterator<Item = u32> {
    set.iter()
        .enumerate()
        .flat_map(|(word, bits)| ones(*bits).map(move |bit| (word * WORD) as u32 + bit))
}

/// The positions of the bits that are set, ascending.
#[inline]
pub(super) fn ones(mut bits: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = (bits != 0).then(|| bits.trailing_zeros());
        bits &= bits.wrapping_sub(1);
        bit
    })
}

#[inline]
pub(super) fn contains(set: &[u64], element: u32) -> bool {
    set[element as usize / WORD] >> (element as usize % WORD) & 1 == 1
}

#[inline]
pub(super) fn insert(set: &mut [u64], element: u32) {
    set[element as usize / WORD] |= 1 << (element as usize % WORD);
}

#[inline]
pub(super) fn remove(set: &mut [u64], element: u32) {
    set[element as usize / WORD] &= !(1 << (element as usize % WORD));
}

#[inline]
pub(super) fn toggle(set: &mut [u64], element: u32) {
    set[element as usize / WORD] ^= 1 << (element as usize % WORD);
}

#[inline]
pub(super) fn first(set: &[u64]) -> Option<u32> {
    let word = set.iter().position(|bits| *bits != 0)?;
    Some((word * WORD) as u32 + set[word].trailing_zeros())
}

#[inline]
pub(super) fn last(set: &[u64]) -> Option<u32> {
    let word = set.iter().rposition(|bits| *bits != 0)?;
    Some((word * WORD) as u32 + 63 - set[word].leading_zeros())
}

pub(super) fn count(set: &[u64]) -> usize {
    set.iter().map(|bits| bits.count_ones() as usize).sum()
}

/// Whether `set`, apart from its elements outside of `within`, is a part of `larger`.
#[inline]
pub(super) fn is_part(set: &[u64], within: &[u64], larger: &[u64]) -> bool {
    set.iter()
        .zip(within)
        .zip(larger)
        .all(|((bits, within), larger)| bits & within & !larger == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_back_ascending() {
        let mut set = vec![0; 3];
        [5, 64, 63, 190].iter().for_each(|element| insert(&mut set, *element));
        assert_eq!(elements(&set).collect::<Vec<_>>(), [5, 63, 64, 190]);
        assert_eq!((first(&set), last(&set), count(&set)), (Some(5), Some(190), 4));
        remove(&mut set, 5);
        toggle(&mut set, 190);
        assert!(!contains(&set, 5) && contains(&set, 64) && last(&set) == Some(64));
        assert_eq!(first(&[0, 0]), None);
    }
}
