//! `/proc/schedstat`: how long tasks ran on each processor and waited for it, in nanoseconds.
//!
//! The file has lines of other kinds, and the kernel's version says how many columns a processor
//! has; the three that are reported have been the last ones since Linux 2.6.23.

use crate::format::{Family, Page, Value, counter};
use crate::machine::{Error, Machine};
use crate::text::scan::{decimal, lines, words};

const FAMILIES: [Family; 3] = [
    counter!("node_schedstat_running_seconds_total", "Number of seconds CPU spent running a process."),
    counter!("node_schedstat_waiting_seconds_total", "Number of seconds spent by processing waiting for this CPU.",),
    counter!("node_schedstat_timeslices_total", "Number of timeslices executed by CPU."),
];

/// The decimal places of each.
const PLACES: [u8; 3] = [9, 9, 0];

/// Adds a row for each processor.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let text = machine.proc(&[b"schedstat"])?;
    let mut table = page.table(&FAMILIES);
    for line in lines(&text) {
        let Some((cpu, mut columns)) = parse(line) else { continue };
        table.row().label("cpu", cpu);
        for places in &PLACES {
            table.cell(columns.next().and_then(decimal).map(|number| Value::decimal(number, *places)));
        }
    }
    table.finish();
    Ok(())
}

/// A processor's number, and the columns that are reported.
fn parse(line: &[u8]) -> Option<(&[u8], impl Iterator<Item = &[u8]>)> {
    let mut words = words(line);
    let cpu = words.next()?.strip_prefix(b"cpu")?;
    decimal(cpu)?;
    words.nth(5)?;
    Some((cpu, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real() {
        let line = b"cpu12 498494191 0 3533438552 2553969831 3853684107 2465731542 2045936778163039 343796328169361 4767485306";
        let (cpu, columns) = parse(line).unwrap();
        assert_eq!(cpu, b"12");
        assert!(columns.eq([&b"2045936778163039"[..], b"343796328169361", b"4767485306"]));
    }

    #[test]
    fn other_lines_are_none() {
        for line in [&b"version 15"[..], b"timestamp 15819019232", b"domain0 00000000,00000003 1 2", b"cpu 1", b""] {
            assert!(parse(line).is_none(), "{line:?}");
        }
    }

    #[test]
    fn truncated_and_odd() {
        assert!(parse(b"cpu0 1 2 3 4 5").is_none());
        assert_eq!(parse(b"cpu0 1 2 3 4 5 6").unwrap().1.count(), 0);
    }
}
