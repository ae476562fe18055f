//! `/proc/buddyinfo`: how many blocks of 2^size pages are free in each zone of memory.

use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine};
use crate::text::digits::Digits;
use crate::text::scan::{decimal, lines, words};

const BLOCKS: [Family; 1] = [gauge!("node_buddyinfo_blocks", "Count of free blocks according to size.")];

/// Adds a sample for each node, zone and size.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let text = machine.proc(&[b"buddyinfo"])?;
    let mut table = page.table(&BLOCKS);
    for line in lines(&text) {
        let Some((node, zone, counts)) = parse(line) else {
            text.skip(line);
            continue;
        };
        for (size, count) in (0_u32..).zip(counts) {
            table.row().label("node", node).label("size", &Digits::new(size.into())).label("zone", zone);
            table.count(decimal(count));
        }
    }
    table.finish();
    Ok(())
}

/// The node, the zone, and the numbers of blocks by size, from `Node 0, zone   Normal   5   3 …`.
fn parse(line: &[u8]) -> Option<(&[u8], &[u8], impl Iterator<Item = &[u8]>)> {
    let mut words = words(line);
    words.next().filter(|word| *word == b"Node")?;
    let node = words.next()?.strip_suffix(b",")?;
    words.next().filter(|word| *word == b"zone")?;
    Some((node, words.next()?, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real() {
        let (node, zone, counts) = parse(b"Node 0, zone   Normal   4381   1093      0 ").unwrap();
        assert_eq!((node, zone), (&b"0"[..], &b"Normal"[..]));
        assert!(counts.eq([&b"4381"[..], b"1093", b"0"]));
    }

    #[test]
    fn truncated_and_odd() {
        for odd in [&b""[..], b"Node", b"Node 0", b"Node 0, zone", b"Node 0 zone Normal 1", b"Knot 0, zone Normal 1"] {
            assert!(parse(odd).is_none(), "{odd:?}");
        }
        assert_eq!(parse(b"Node 0, zone Normal").unwrap().2.count(), 0);
    }
}
