//! `/proc/stat`: how often the kernel was interrupted, switched tasks and made new ones.
//!
//! The times of its processors are the collector `cpu`'s.

use crate::format::{Family, Page, counter, gauge};
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::scan::{decimal, lines, words};

/// The lines of one number that are reported, by their first word.
const FIGURES: [(&[u8], Family); 6] = [
    (b"intr", counter!("node_intr_total", "Total number of interrupts serviced.")),
    (b"ctxt", counter!("node_context_switches_total", "Total number of context switches.")),
    (b"btime", gauge!("node_boot_time_seconds", "Node boot time, in unixtime.")),
    (b"processes", counter!("node_forks_total", "Total number of forks.")),
    (b"procs_running", gauge!("node_procs_running", "Number of processes in runnable state.")),
    (b"procs_blocked", gauge!("node_procs_blocked", "Number of processes blocked waiting for I/O to complete.")),
];

const SOFTIRQS: [Family; 1] = [counter!("node_softirqs_total", "Number of softirq calls.")];

/// In the order of the kernel's numbers.
const VECTORS: [&str; 10] =
    ["hi", "timer", "net_tx", "net_rx", "block", "block_iopoll", "tasklet", "sched", "hrtimer", "rcu"];

/// Adds a family for each figure.
///
/// # Errors
/// If the file cannot be read or has none of the figures.
pub fn collect(settings: &Settings, machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let text = machine.proc_record(&[b"stat"])?;
    let mut found = false;
    for line in lines(&text) {
        let (name, numbers) = parse(line);
        if let Some((_, family)) = FIGURES.iter().find(|(figure, _)| *figure == name) {
            match numbers.map(decimal).next().flatten() {
                Some(number) => page.single(family, number),
                None => text.skip(line),
            }
            found = true;
        } else if name == b"softirq" && settings.stat_softirq {
            let mut table = page.table(&SOFTIRQS);
            // The first is the sum of the others.
            for (vector, number) in VECTORS.iter().zip(numbers.skip(1)) {
                table.row().label("vector", vector.as_bytes()).count(decimal(number));
            }
            table.finish();
        }
    }
    if found { Ok(()) } else { Err(text.odd(&text)) }
}

/// The name of a line and the words after it.
fn parse(line: &[u8]) -> (&[u8], impl Iterator<Item = &[u8]>) {
    let mut words = words(line);
    (words.next().unwrap_or_default(), words)
}

#[cfg(test)]
mod tests {
    use procfs::{FromReadSI, KernelStats, LocalSystemInfo};

    use super::*;

    const ROUTER: &[u8] = b"\
cpu  1175 0 3206 1047327 0 0 5530 0 0 0
cpu0 1175 0 3206 1047327 0 0 5530 0 0 0
intr 4253172 0 0 0 5
ctxt 5087120
btime 1420070412
processes 2410
procs_running 1
procs_blocked 0
softirq 2353120 0 1047327 3 4 0 0 6 7 8 9
";

    fn number(name: &[u8]) -> Option<u64> {
        lines(ROUTER).map(parse).find(|(found, _)| *found == name)?.1.map(decimal).next()?
    }

    #[test]
    fn real() {
        assert_eq!(number(b"intr"), Some(4253172));
        let (name, numbers) = parse(b"softirq 2353120 0 1047327");
        assert_eq!(name, b"softirq");
        assert!(numbers.eq([&b"2353120"[..], b"0", b"1047327"]));
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(parse(b"").0, b"");
        assert_eq!(parse(b"ctxt").1.map(decimal).next(), None);
        assert_eq!(parse(b"ctxt -5").1.map(decimal).next(), Some(None));
    }

    #[test]
    fn as_procfs() {
        let theirs = KernelStats::from_read(ROUTER, &LocalSystemInfo).unwrap();
        assert_eq!(number(b"ctxt"), Some(theirs.ctxt));
        assert_eq!(number(b"btime"), Some(theirs.btime));
        assert_eq!(number(b"processes"), Some(theirs.processes));
        assert_eq!(number(b"procs_running").unwrap(), u64::from(theirs.procs_running.unwrap()));
        assert_eq!(number(b"procs_blocked").unwrap(), u64::from(theirs.procs_blocked.unwrap()));
    }
}
