//! A family that was begun more than once, each of its series once.

use std::ops::Range;

use super::sorted::{Key, Place, Sorted, end_of, slice, sort_once};
use crate::text::scan::{lines, rsplit_once};

/// Adds the `parts` of a family to `out`, samples in the order of the page. Of those with the same
/// labels, which no page may have, the last holds, and then all are sorted.
///
/// A family that was begun but once has its samples from a [table](super::Table), or each has labels
/// of its own; so nobody has to look at most of a page. `keys` is room for what is looked at.
pub(super) fn add_once(
    out: &mut Sorted,
    keys: &mut Vec<Key>,
    text: &[u8],
    parts: impl Iterator<Item = Range<Place>> + Clone,
) {
    keys.clear();
    for part in parts.clone() {
        let mut start = part.start;
        for line in lines(slice(text, part.start, part.end)) {
            let end = start.saturating_add(end_of(line)).saturating_add(1);
            let series = rsplit_once(line, b' ').map_or(line, |(series, _)| series);
            keys.push(Key { start, end: start.saturating_add(end_of(series)), of: end as usize });
            start = end;
        }
    }
    let count = keys.len();
    sort_once(keys, text);
    if keys.len() == count {
        parts.for_each(|part| out.add(part));
    } else {
        // What a key is of is the end of its line, which grows as the page does.
        keys.iter().for_each(|key| out.add(key.start..Place::try_from(key.of).unwrap_or(key.end)));
    }
}
