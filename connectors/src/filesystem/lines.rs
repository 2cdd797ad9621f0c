//! Cutting the bytes of an object into lines, whatever the pieces they come in.

/// The lines of one object, from some offset on.
#[derive(Debug, Default)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Bytes of `buffer` that were given out.
    taken: usize,
    /// Bytes of `buffer` that are known to hold no line end, counted from its start.
    searched: usize,
    /// Offset in the object of the first byte of `buffer`.
    start: u64,
}

/// A line without its end, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    pub offset: u64,
    pub bytes: &'a [u8],
}

impl Lines {
    /// Lines from `offset`, which is the start of one.
    pub fn at(offset: u64) -> Self {
        Self {
            start: offset,
            ..Self::default()
        }
    }

    /// The offset of the bytes that are wanted next.
    pub fn wanted(&self) -> u64 {
        self.start + self.buffer.len() as u64
    }

    /// The offset of the line that is given next.
    pub fn position(&self) -> u64 {
        self.start + self.taken as u64
    }

    /// Bytes of the line that has no end yet.
    pub fn unfinished_bytes(&self) -> usize {
        self.buffer.len() - self.taken
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken);
        self.start += self.taken as u64;
        self.searched = self.searched.saturating_sub(self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next line that has an end; with `is_last`, also what is left at the end of the object. Empty lines are passed over.
    pub fn next(&mut self, is_last: bool) -> Option<Line<'_>> {
        loop {
            let from = self.searched.max(self.taken);
            let end = self.buffer[from..]
                .iter()
                .position(|&byte| byte == b'\n')
                .map(|at| from + at);
            let (start, end, next) = match end {
                Some(end) => (self.taken, end, end + 1),
                None if is_last && self.taken < self.buffer.len() => (self.taken, self.buffer.len(), self.buffer.len()),
                None => {
                    self.searched = self.buffer.len();
                    return None;
                }
            };
            self.taken = next;
            self.searched = next;
            let line = self.buffer[start..end].trim_ascii();
            if !line.is_empty() {
                // Borrowed anew: the loop has an end for every line, but the compiler does not see it.
                return Some(Line {
                    offset: self.start + start as u64,
                    bytes: self.buffer[start..end].trim_ascii(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All lines of `text`, which comes in pieces of `piece` bytes.
    fn read(text: &[u8], from: usize, piece: usize) -> Vec<(u64, Vec<u8>)> {
        let mut lines = Lines::at(from as u64);
        let mut found = Vec::new();
        loop {
            let wanted = lines.wanted() as usize;
            let is_last = wanted == text.len();
            while let Some(line) = lines.next(is_last) {
                found.push((line.offset, line.bytes.to_vec()));
            }
            if is_last {
                assert_eq!(lines.position(), text.len() as u64);
                return found;
            }
            lines.push(&text[wanted..text.len().min(wanted + piece)]);
        }
    }

    #[test]
    fn lines_have_offsets_and_the_last_needs_no_end() {
        let found = read(b"a\r\n\n  \nbc\nd", 0, 3);
        let expected: Vec<(u64, Vec<u8>)> = vec![(0, b"a".to_vec()), (7, b"bc".to_vec()), (10, b"d".to_vec())];
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn pieces_and_restarts_do_not_change_the_lines(
            text in "[ab\n]{0,60}", piece in 1usize..20, restart in any::<prop::sample::Index>()
        ) {
            let text = text.as_bytes();
            let whole = read(text, 0, text.len().max(1));
            prop_assert_eq!(&whole, &read(text, 0, piece));
            if !whole.is_empty() {
                let from = restart.index(whole.len());
                prop_assert_eq!(&whole[from..], &read(text, whole[from].0 as usize, piece)[..]);
            }
        }
    }
}
