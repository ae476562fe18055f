//! A page as it is sent: what was written, in the order of the families' names.

use std::ops::Range;

use super::draft::Draft;

/// A place in a text, counted in bytes. No text here comes near the largest, and half a word of a
/// 64-bit machine will do.
pub(super) type Place = u32;

/// The place where the next text is added.
pub(super) fn end_of(text: &[u8]) -> Place {
    Place::try_from(text.len()).unwrap_or(Place::MAX)
}

/// What stands from one place to another.
pub(super) fn slice(text: &[u8], start: Place, end: Place) -> &[u8] {
    text.get(range(start, end)).unwrap_or_default()
}

pub(super) fn range(start: Place, end: Place) -> Range<usize> {
    start as usize..end as usize
}

/// Where the text stands that something is sorted by, and which thing that is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub start: Place,
    pub end: Place,
    pub of: usize,
}

impl Key {
    pub fn text<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        slice(text, self.start, self.end)
    }
}

/// Sorts by `text`, and what is the same there by `of`.
pub(super) fn sort(keys: &mut [Key], text: &[u8]) {
    let order = |one: &Key, other: &Key| one.text(text).cmp(other.text(text)).then(one.of.cmp(&other.of));
    if !keys.is_sorted_by(|one, other| order(one, other).is_le()) {
        keys.sort_by(order);
    }
}

/// So too, and leaves only the last of those with the same text.
pub(super) fn sort_once(keys: &mut Vec<Key>, text: &[u8]) {
    sort(keys, text);
    keys.dedup_by(|later, earlier| {
        let is_same = later.text(text) == earlier.text(text);
        if is_same {
            *earlier = *later;
        }
        is_same
    });
}

/// A page to be sent: its text as it was written, and the parts of that in the order in which they
/// go out. Nobody has to copy them into that order.
#[derive(Debug, Default)]
pub struct Sorted {
    pub(super) text: Draft,
    parts: Vec<Range<Place>>,
    length: usize,
}

impl Sorted {
    /// How long the page is, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is nothing on the page.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// What follows the first `sent` bytes, piece by piece.
    pub fn pieces(&self, sent: usize) -> impl Iterator<Item = &[u8]> {
        let mut ahead = sent;
        self.parts.iter().filter_map(move |part| {
            let piece = slice(&self.text, part.start, part.end);
            let skipped = ahead.min(piece.len());
            ahead = ahead.saturating_sub(skipped);
            piece.get(skipped..).filter(|piece| !piece.is_empty())
        })
    }

    /// All of it in one piece.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces(0).flatten().copied().collect()
    }

    /// Adds a text at the end.
    pub fn push(&mut self, text: &[u8]) {
        let start = self.text.end();
        self.text.append(text);
        self.add(start..self.text.end());
    }

    pub(super) fn add(&mut self, part: Range<Place>) {
        self.length = self.length.saturating_add(part.len());
        match self.parts.last_mut() {
            Some(last) if last.end == part.start => last.end = part.end,
            _ => self.parts.push(part),
        }
    }

    /// Empties the page.
    pub fn clear(&mut self) {
        self.text.truncate(0);
        self.parts.clear();
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::family::gauge;
    use super::super::page::{Page, SPARE};
    use super::*;

    #[test]
    fn a_page_that_was_huge_gives_its_memory_back() {
        let (mut page, mut out) = (Page::default(), Sorted::default());
        for count in [40_000, 1, 1] {
            page.begin(&mut out);
            page.family(&gauge!("a", "A."));
            for number in 0..count {
                page.sample(&[("k", number.to_string().as_bytes())], 1_u64);
            }
            page.write(&mut out, |_| true);
        }
        assert!(out.text.capacity() <= 4 * SPARE, "{}", out.text.capacity());
    }
}
