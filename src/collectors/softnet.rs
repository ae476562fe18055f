//! `/proc/net/softnet_stat`: what the processors did with packets that came in, in hexadecimal.
//!
//! A line for each processor, whose number stands in it only since Linux 5.14; before that a line's
//! place is the number. There are 10 columns since 2.6.39, 11 since 4.18 and 13 since 5.14.

use crate::format::{Family, Page, counter, gauge};
use crate::machine::{Error, Machine};
use crate::text::digits::Digits;
use crate::text::scan::{hex, lines, words};

const FAMILIES: [Family; 7] = [
    counter!("node_softnet_processed_total", "Number of processed packets"),
    counter!("node_softnet_dropped_total", "Number of dropped packets"),
    counter!("node_softnet_times_squeezed_total", "Number of times processing packets ran out of quota"),
    counter!(
        "node_softnet_cpu_collision_total",
        "Number of collision occur while obtaining device lock while transmitting",
    ),
    counter!("node_softnet_received_rps_total", "Number of times cpu woken up received_rps"),
    counter!("node_softnet_flow_limit_count_total", "Number of times flow limit has been reached"),
    gauge!("node_softnet_backlog_len", "Softnet backlog status"),
];

/// Adds a row for each processor.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let text = machine.proc(&[b"net/softnet_stat"])?;
    let mut table = page.table(&FAMILIES);
    for (place, line) in (0_u64..).zip(lines(&text)) {
        let Some((number, mut counts)) = parse(line) else {
            text.skip(line);
            continue;
        };
        table.row().label("cpu", &Digits::new(number.unwrap_or(place)));
        for _ in &FAMILIES {
            table.count(counts.next().flatten());
        }
    }
    table.finish();
    Ok(())
}

/// The processor's number, where the kernel reports it, and its counts in the order of [`FAMILIES`].
fn parse(line: &[u8]) -> Option<(Option<u64>, impl Iterator<Item = Option<u64>>)> {
    // No kernel fills those from the fourth to the eighth.
    let counts = words(line).enumerate().filter(|(column, _)| !(3..8).contains(column));
    words(line).next().and_then(hex)?;
    Some((words(line).nth(12).and_then(hex), counts.map(|(_, count)| hex(count))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<(Option<u64>, Vec<Option<u64>>)> {
        let (number, counts) = parse(line.as_bytes())?;
        Some((number, counts.take(FAMILIES.len()).collect()))
    }

    #[test]
    fn ten_columns() {
        assert_eq!(
            parsed("0001f3a2 00000001 0000000a 00000000 00000000 00000000 00000000 00000000 00000002 00000003"),
            Some((None, [0x1f3a2, 1, 10, 2, 3].map(Some).to_vec()))
        );
    }

    #[test]
    fn eleven_columns() {
        assert_eq!(
            parsed(
                "00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000004"
            ),
            Some((None, [1, 0, 0, 0, 0, 4].map(Some).to_vec()))
        );
    }

    #[test]
    fn thirteen_and_fifteen_columns() {
        for more in ["", " 00000000 00000000"] {
            let line = format!(
                "00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000004 00000005 0000000c{more}"
            );
            assert_eq!(parsed(&line), Some((Some(12), [1, 0, 0, 0, 0, 4, 5].map(Some).to_vec())));
        }
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(parsed(""), None);
        assert_eq!(parsed("x 1"), None);
        assert_eq!(parsed("1 x 3"), Some((None, vec![Some(1), None, Some(3)])));
    }
}
