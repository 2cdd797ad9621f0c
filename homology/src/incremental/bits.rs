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

/// Bit `i` is set if `test` holds for `values[i]`.
#[inline(always)]
pub(super) fn compare(values: &[f32], test: impl Fn(f32) -> bool) -> u64 {
    let (blocks, []) = values.as_chunks::<BLOCK>() else {
        unreachable!("rows are padded to whole blocks")
    };
    blocks
        .iter()
        .enumerate()
        .fold(0, |bits, (at, block)| bits | compare_block(block, &test) << (at * BLOCK))
}

/// Bit `i` is set if `test` holds for `a[i]` and `b[i]`.
#[inline(always)]
pub(super) fn compare_both(a: &[f32], b: &[f32], test: impl Fn(f32, f32) -> bool) -> u64 {
    let ((a, []), (b, [])) = (a.as_chunks::<BLOCK>(), b.as_chunks::<BLOCK>()) else {
        unreachable!("rows are padded to whole blocks")
    };
    a.iter().zip(b).enumerate().fold(0, |bits, (at, (a, b))| {
        let flags: [u8; BLOCK] = std::array::from_fn(|i| u8::from(test(a[i], b[i])));
        bits | pack(flags) << (at * BLOCK)
    })
}

/// Rows are padded to a multiple of this.
pub(super) const BLOCK: usize = 16;

#[inline(always)]
fn compare_block(values: &[f32; BLOCK], test: impl Fn(f32) -> bool) -> u64 {
    pack(std::array::from_fn(|i| u8::from(test(values[i]))))
}

/// One bit of each byte, which is 0 or 1. Written so that the comparisons before it become vector instructions.
#[inline(always)]
fn pack(flags: [u8; BLOCK]) -> u64 {
    /// Brings the lowest bit of each byte to the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (halves, _) = flags.as_chunks::<8>();
    let [low, high] = [halves[0], halves[1]].map(|half| u64::from_le_bytes(half).wrapping_mul(GATHER) >> 56);
    low | high << 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_set_where_the_test_holds() {
        let values: Vec<f32> = (0..64).map(|at| ((at * 37) % 64) as f32).collect();
        let expected: Vec<u32> = (0..64).filter(|at| values[*at as usize] < 20.0).collect();
        assert_eq!(ones(compare(&values, |value| value < 20.0)).collect::<Vec<_>>(), expected);
        let reversed: Vec<f32> = values.iter().rev().copied().collect();
        let expected: Vec<u32> = (0..64).filter(|at| values[*at as usize] < reversed[*at as usize]).collect();
        assert_eq!(ones(compare_both(&values, &reversed, |a, b| a < b)).collect::<Vec<_>>(), expected);
    }

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
