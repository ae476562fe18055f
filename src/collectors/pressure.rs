//! `/proc/pressure`: how long tasks have waited for what there was too little of, in microseconds.
//!
//! Since Linux 4.20, and `irq` since 6.1; where the kernel was started with `psi=0` the files are
//! there and cannot be read.

use crate::format::{Family, Page, Value, counter};
use crate::machine::{Error, Machine};
use crate::text::scan::{decimal, lines, words};

/// A file, the first word of a line in it, and its family.
const LINES: [(&[u8], &[u8], Family); 6] = [
    (
        b"cpu",
        b"some",
        counter!(
            "node_pressure_cpu_waiting_seconds_total",
            "Total time in seconds that processes have waited for CPU time",
        ),
    ),
    (
        b"io",
        b"some",
        counter!(
            "node_pressure_io_waiting_seconds_total",
            "Total time in seconds that processes have waited due to IO congestion",
        ),
    ),
    (
        b"io",
        b"full",
        counter!(
            "node_pressure_io_stalled_seconds_total",
            "Total time in seconds no process could make progress due to IO congestion",
        ),
    ),
    (
        b"memory",
        b"some",
        counter!(
            "node_pressure_memory_waiting_seconds_total",
            "Total time in seconds that processes have waited for memory",
        ),
    ),
    (
        b"memory",
        b"full",
        counter!(
            "node_pressure_memory_stalled_seconds_total",
            "Total time in seconds no process could make progress due to memory congestion",
        ),
    ),
    (
        b"irq",
        b"full",
        counter!(
            "node_pressure_irq_stalled_seconds_total",
            "Total time in seconds no process could make progress due to IRQ congestion",
        ),
    ),
];

/// Adds the time that was waited for each.
///
/// # Errors
/// If a file that is there cannot be read, or the first is not there.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let mut found = false;
    for resource in LINES.chunk_by(|(one, ..), (other, ..)| one == other) {
        let Some((file, ..)) = resource.first() else { continue };
        let text = match machine.proc_record(&[b"pressure/", file]) {
            // A kernel that has any of the files has the first.
            Err(Error::Absent) if found => continue,
            text => text?,
        };
        found = true;
        for (_, kind, family) in resource {
            match lines(&text).find_map(|line| parse(line, kind)) {
                Some(microseconds) => page.single(family, Value::decimal(microseconds, 6)),
                None => text.skip(&text),
            }
        }
    }
    Ok(())
}

/// The microseconds in all, if the line is of this kind.
fn parse(line: &[u8], kind: &[u8]) -> Option<u64> {
    let mut words = words(line);
    words.next().filter(|first| *first == kind)?;
    words.find_map(|word| word.strip_prefix(b"total=")).and_then(decimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "full avg10=2.10 avg60=0.12 avg300=0.00 total=391926";

    #[test]
    fn real() {
        assert_eq!(parse(LINE.as_bytes(), b"full"), Some(391926));
        assert_eq!(parse(LINE.as_bytes(), b"some"), None);
    }

    #[test]
    fn truncated_and_odd() {
        for odd in
            [&b""[..], b"full", b"full avg10=2.10 avg60=0.12", b"full total=", b"full total=-1", b"fullest total=1"]
        {
            assert_eq!(parse(odd, b"full"), None, "{odd:?}");
        }
    }

    #[test]
    fn as_procfs() {
        let theirs = procfs::parse_pressure_record(LINE).unwrap();
        assert_eq!(parse(LINE.as_bytes(), b"full"), Some(theirs.total));
    }
}
