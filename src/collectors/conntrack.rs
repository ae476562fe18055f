//! `/proc/sys/net/netfilter` and `/proc/net/stat/nf_conntrack`: the connections that the firewall
//! tracks.
//!
//! The table of connections itself is never read, for it grows with them. The statistics are a line
//! of hexadecimal numbers for each processor. Their columns keep their places from kernel to
//! kernel, those that were given up are 0; the file is missing without CONFIG_NF_CONNTRACK_PROCFS.

use crate::host::{Error, Host};
use crate::page::{Family, Page, gauge};
use crate::scan::{decimal, hex, lines, words};

const ENTRIES: Family =
    gauge("node_nf_conntrack_entries", "Number of currently allocated flow entries for connection tracking.");
const LIMIT: Family = gauge("node_nf_conntrack_entries_limit", "Maximum size of connection tracking table.");

/// The columns that are told.
const STATISTICS: [(usize, Family); 8] = [
    (2, gauge("node_nf_conntrack_stat_found", "Number of searched entries which were successful.")),
    (4, gauge("node_nf_conntrack_stat_invalid", "Number of packets seen which can not be tracked.")),
    (
        5,
        gauge(
            "node_nf_conntrack_stat_ignore",
            "Number of packets seen which are already connected to a conntrack entry.",
        ),
    ),
    (8, gauge("node_nf_conntrack_stat_insert", "Number of entries inserted into the list.")),
    (
        9,
        gauge(
            "node_nf_conntrack_stat_insert_failed",
            "Number of entries for which list insertion was attempted but failed.",
        ),
    ),
    (10, gauge("node_nf_conntrack_stat_drop", "Number of packets dropped due to conntrack failure.")),
    (
        11,
        gauge(
            "node_nf_conntrack_stat_early_drop",
            "Number of dropped conntrack entries to make room for new ones, if maximum table size was reached.",
        ),
    ),
    (
        16,
        gauge(
            "node_nf_conntrack_stat_search_restart",
            "Number of conntrack table lookups which had to be restarted due to hashtable resizes.",
        ),
    ),
];

/// Adds the number of connections, its limit, and what became of packets.
///
/// # Errors
/// If the number or its limit cannot be read.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    for (family, path) in
        [(ENTRIES, "net/netfilter/nf_conntrack_count"), (LIMIT, "net/netfilter/nf_conntrack_max")]
    {
        let text = host.sysctl(path)?;
        page.single(&family, decimal(&text).ok_or_else(|| text.odd(&text))?);
    }
    if let Ok(text) = host.proc(&[b"net/stat/nf_conntrack"]) {
        let mut sums = [None; 8];
        // The first line is the heads of the columns.
        for line in lines(&text).skip(1) {
            match parse(line) {
                Some(row) => add(&mut sums, row),
                None => text.skip(line),
            }
        }
        for ((_, family), sum) in STATISTICS.iter().zip(sums) {
            if let Some(sum) = sum {
                page.single(family, sum);
            }
        }
    }
    Ok(())
}

/// What a processor has counted, in the order of [`STATISTICS`].
fn parse(line: &[u8]) -> Option<[Option<u64>; 8]> {
    let mut words = words(line).enumerate();
    let row = STATISTICS.map(|(column, _)| words.find(|(at, _)| *at == column).and_then(|(_, word)| hex(word)));
    row.iter().any(Option::is_some).then_some(row)
}

fn add(sums: &mut [Option<u64>; 8], row: [Option<u64>; 8]) {
    for (sum, count) in sums.iter_mut().zip(row) {
        *sum = count.map(|count| sum.unwrap_or_default().wrapping_add(count)).or(*sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real() {
        let row = parse(b"0000002c  00000b51 0001a7a0 000005c2 00000060 00001fa1 00000596 00000596 000005c2 00000001 00000002 00000003 00000005  00000000 00000000 00000000 00000004").unwrap();
        assert_eq!(row, [0x1a7a0, 0x60, 0x1fa1, 0x5c2, 1, 2, 3, 4].map(Some));
        let mut sums = [None; 8];
        add(&mut sums, row);
        add(&mut sums, row);
        assert_eq!(sums, [2 * 0x1a7a0, 2 * 0x60, 2 * 0x1fa1, 2 * 0x5c2, 2, 4, 6, 8].map(Some));
    }

    #[test]
    fn truncated_and_odd() {
        let row = parse(b"0000002c  00000b51 0001a7a0 000005c2 zz").unwrap();
        assert_eq!(row, [Some(0x1a7a0), None, None, None, None, None, None, None]);
        let mut sums = [Some(1); 8];
        add(&mut sums, row);
        assert_eq!(sums[..2], [Some(0x1a7a1), Some(1)]);
        assert_eq!(parse(b"0000002c"), None);
        assert_eq!(parse(b""), None);
    }
}
