//! `/proc/sys/net/netfilter` and `/proc/net/stat/nf_conntrack`: the connections that the firewall
//! tracks.
//!
//! The table of connections itself is never read, for it grows with them. The statistics are a line
//! of hexadecimal numbers for each processor. Their columns keep their places from kernel to
//! kernel, those that were given up are 0; the file is missing without CONFIG_NF_CONNTRACK_PROCFS.

use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine};
use crate::text::scan::{hex, lines, words};

const FIGURES: [(&str, Family); 2] = [
    (
        "net/netfilter/nf_conntrack_count",
        gauge!("node_nf_conntrack_entries", "Number of currently allocated flow entries for connection tracking."),
    ),
    (
        "net/netfilter/nf_conntrack_max",
        gauge!("node_nf_conntrack_entries_limit", "Maximum size of connection tracking table."),
    ),
];

/// The columns that are reported.
const STATISTICS: [(usize, Family); 8] = [
    (2, gauge!("node_nf_conntrack_stat_found", "Number of searched entries which were successful.")),
    (4, gauge!("node_nf_conntrack_stat_invalid", "Number of packets seen which can not be tracked.")),
    (
        5,
        gauge!(
            "node_nf_conntrack_stat_ignore",
            "Number of packets seen which are already connected to a conntrack entry.",
        ),
    ),
    (8, gauge!("node_nf_conntrack_stat_insert", "Number of entries inserted into the list.")),
    (
        9,
        gauge!(
            "node_nf_conntrack_stat_insert_failed",
            "Number of entries for which list insertion was attempted but failed.",
        ),
    ),
    (10, gauge!("node_nf_conntrack_stat_drop", "Number of packets dropped due to conntrack failure.")),
    (
        11,
        gauge!(
            "node_nf_conntrack_stat_early_drop",
            "Number of dropped conntrack entries to make room for new ones, if maximum table size was reached.",
        ),
    ),
    (
        16,
        gauge!(
            "node_nf_conntrack_stat_search_restart",
            "Number of conntrack table lookups which had to be restarted due to hashtable resizes.",
        ),
    ),
];

/// Adds the number of connections, its limit, and what became of packets.
///
/// # Errors
/// If the number or its limit cannot be read.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    for (path, family) in &FIGURES {
        page.single(family, machine.sysctl_decimal(path)?);
    }
    if let Ok(text) = machine.proc(&[b"net/stat/nf_conntrack"]) {
        let mut sums = [None; 8];
        let mut lines = lines(&text);
        // The heads of the columns.
        lines.next();
        for line in lines {
            if !add(&mut sums, line) {
                text.skip(line);
            }
        }
        for ((_, family), sum) in STATISTICS.iter().zip(&sums) {
            if let Some(sum) = sum {
                page.single(family, *sum);
            }
        }
    }
    Ok(())
}

/// Adds what a processor has counted to the sums of [`STATISTICS`], and says whether there was any.
fn add(sums: &mut [Option<u64>; 8], line: &[u8]) -> bool {
    let mut found = false;
    for (at, word) in words(line).enumerate() {
        let column = STATISTICS.iter().position(|(column, _)| *column == at);
        if let Some(sum) = column.and_then(|column| sums.get_mut(column))
            && let Some(count) = hex(word)
        {
            *sum = Some(sum.unwrap_or_default().wrapping_add(count));
            found = true;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real() {
        let line = b"0000002c  00000b51 0001a7a0 000005c2 00000060 00001fa1 00000596 00000596 000005c2 00000001 00000002 00000003 00000005  00000000 00000000 00000000 00000004";
        let mut sums = [None; 8];
        assert!(add(&mut sums, line));
        assert_eq!(sums, [0x1a7a0, 0x60, 0x1fa1, 0x5c2, 1, 2, 3, 4].map(Some));
        assert!(add(&mut sums, line));
        assert_eq!(sums, [2 * 0x1a7a0, 2 * 0x60, 2 * 0x1fa1, 2 * 0x5c2, 2, 4, 6, 8].map(Some));
    }

    #[test]
    fn truncated_and_odd() {
        let mut sums = [None; 8];
        assert!(add(&mut sums, b"0000002c  00000b51 0001a7a0 000005c2 zz"));
        assert_eq!(sums, [Some(0x1a7a0), None, None, None, None, None, None, None]);
        sums = [Some(1); 8];
        assert!(add(&mut sums, b"0000002c  00000b51 0001a7a0 000005c2 zz"));
        assert_eq!(sums[..2], [Some(0x1a7a1), Some(1)]);
        assert!(!add(&mut sums, b"0000002c"));
        assert!(!add(&mut sums, b""));
    }
}
