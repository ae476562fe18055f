//! `/proc/schedstat`: how long tasks ran on each processor and waited for it, in nanoseconds.
//!
//! The file has lines of other kinds, and the kernel's version says how many columns a processor
//! has; the three that are told have been the last ones since Linux 2.6.23.

use crate::host::{Error, Host};
use crate::page::{Family, Page, Value, counter};
use crate::scan::{columns, decimal, lines, words};

const FAMILIES: [Family; 3] = [
    counter("node_schedstat_running_seconds_total", "Number of seconds CPU spent running a process."),
    counter(
        "node_schedstat_waiting_seconds_total",
        "Number of seconds spent by processing waiting for this CPU.",
    ),
    counter("node_schedstat_timeslices_total", "Number of timeslices executed by CPU."),
];

/// Adds a row for each processor.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let text = host.proc(&[b"schedstat"])?;
    let mut table = page.table(&FAMILIES);
    for line in lines(&text) {
        if let Some((cpu, [running, waiting, timeslices])) = parse(line) {
            let seconds = |nanoseconds: Option<u64>| nanoseconds.map(|nanoseconds| Value::decimal(nanoseconds, 9));
            table.row(&[("cpu", cpu)], [seconds(running), seconds(waiting), timeslices.map(Value::from)]);
        }
    }
    table.finish();
    Ok(())
}

/// A processor's number, the nanoseconds that tasks ran and waited, and how often one ran.
fn parse(line: &[u8]) -> Option<(&[u8], [Option<u64>; 3])> {
    let mut words = words(line);
    let cpu = words.next()?.strip_prefix(b"cpu")?;
    decimal(cpu)?;
    let [_, _, _, _, _, _, running, waiting, timeslices] = columns(&mut words);
    Some((cpu, [running, waiting, timeslices]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real() {
        let line = b"cpu12 498494191 0 3533438552 2553969831 3853684107 2465731542 2045936778163039 343796328169361 4767485306";
        assert_eq!(
            parse(line),
            Some((&b"12"[..], [2045936778163039, 343796328169361, 4767485306].map(Some)))
        );
    }

    #[test]
    fn other_lines_are_none() {
        for line in [&b"version 15"[..], b"timestamp 15819019232", b"domain0 00000000,00000003 1 2", b"cpu 1", b""] {
            assert_eq!(parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(parse(b"cpu0 1 2 3 4 5 6 7"), Some((&b"0"[..], [Some(7), None, None])));
        assert_eq!(parse(b"cpu0 1 2 3 4 5 6 -7 x 9"), Some((&b"0"[..], [None, None, Some(9)])));
    }
}
