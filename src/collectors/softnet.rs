//! `/proc/net/softnet_stat`: what the processors did with packets that came in, in hexadecimal.
//!
//! A line for each processor, whose number stands in it only since Linux 5.14; before that a line's
//! place is the number. There are 10 columns since 2.6.39, 11 since 4.18 and 13 since 5.14.

use crate::host::{Error, Host};
use crate::page::{Digits, Family, Page, counter, gauge};
use crate::scan::{hex, lines, words};

const FAMILIES: [Family; 7] = [
    counter("node_softnet_processed_total", "Number of processed packets"),
    counter("node_softnet_dropped_total", "Number of dropped packets"),
    counter("node_softnet_times_squeezed_total", "Number of times processing packets ran out of quota"),
    counter(
        "node_softnet_cpu_collision_total",
        "Number of collision occur while obtaining device lock while transmitting",
    ),
    counter("node_softnet_received_rps_total", "Number of times cpu woken up received_rps"),
    counter("node_softnet_flow_limit_count_total", "Number of times flow limit has been reached"),
    gauge("node_softnet_backlog_len", "Softnet backlog status"),
];

/// Adds a row for each processor.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let text = host.proc(&[b"net/softnet_stat"])?;
    let mut table = page.table(&FAMILIES);
    for (place, line) in (0_u64..).zip(lines(&text)) {
        match parse(line) {
            Some((number, counts)) => {
                table.counts(&[("cpu", &Digits::new(number.unwrap_or(place)))], counts);
            }
            None => text.skip(line),
        }
    }
    table.finish();
    Ok(())
}

/// The processor's number, where the kernel tells it, and its counts in the order of [`FAMILIES`].
fn parse(line: &[u8]) -> Option<(Option<u64>, [Option<u64>; 7])> {
    let mut words = words(line);
    let [processed, dropped, squeezed, _, _, _, _, _, collision, rps, flow_limit, backlog, number] =
        std::array::from_fn(|_| words.next().and_then(hex));
    processed.map(|_| (number, [processed, dropped, squeezed, collision, rps, flow_limit, backlog]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_columns() {
        assert_eq!(
            parse(b"0001f3a2 00000001 0000000a 00000000 00000000 00000000 00000000 00000000 00000002 00000003"),
            Some((None, [Some(0x1f3a2), Some(1), Some(10), Some(2), Some(3), None, None]))
        );
    }

    #[test]
    fn eleven_columns() {
        let (number, counts) =
            parse(b"00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000004")
                .unwrap();
        assert_eq!((number, counts[5], counts[6]), (None, Some(4), None));
    }

    #[test]
    fn thirteen_and_fifteen_columns() {
        for more in ["", " 00000000 00000000"] {
            let line = format!(
                "00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000004 00000005 0000000c{more}"
            );
            let (number, counts) = parse(line.as_bytes()).unwrap();
            assert_eq!((number, counts[5], counts[6]), (Some(12), Some(4), Some(5)));
        }
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"x 1"), None);
        assert_eq!(parse(b"1 x 3").unwrap().1, [Some(1), None, Some(3), None, None, None, None]);
    }
}
