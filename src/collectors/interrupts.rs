//! `/proc/interrupts`: how often each processor was interrupted by what.
//!
//! A line has a count for each processor that runs, and behind them for a numbered interrupt its
//! controller, its trigger and the drivers that wait for it, for another what it means. Lines with
//! fewer counts, such as `ERR:`, hold for the machine and are passed over, as node_exporter does.

use crate::collectors::processors::heads;
use crate::filter::Subject;
use crate::format::{Family, Page, counter};
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::scan::{decimal, lines, split_once, words};

const INTERRUPTS: [Family; 1] = [counter!("node_interrupts_total", "Interrupt details.")];

/// Adds a sample for each processor and interrupt.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(settings: &Settings, machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let names = settings.filters.of(Subject::InterruptsName);
    let text = machine.proc(&[b"interrupts"])?;
    let mut lines = lines(&text);
    let first = lines.next().unwrap_or_default();
    let cpus = heads(first).count();
    let mut table = page.table(&INTERRUPTS);
    let mut joined = Vec::new();
    for line in lines {
        let Some(interrupt) = parse(line, cpus, &mut joined) else { continue };
        let Interrupt { kind, info, devices, .. } = interrupt;
        if !names.allows_parts(&[kind, b";", info, b";", devices]) {
            continue;
        }
        for (cpu, count) in heads(first).zip(words(interrupt.counts)) {
            let count = decimal(count).filter(|&count| count != 0 || settings.interrupts_include_zeros);
            table.row().label("cpu", cpu).label("devices", devices);
            table.label("info", info).label("type", kind).count(count);
        }
    }
    table.finish();
    Ok(())
}

/// A line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interrupt<'t> {
    /// `26` or `NMI`.
    kind: &'t [u8],
    /// The counts, and what stands behind them.
    counts: &'t [u8],
    /// The controller, or what an interrupt without number means.
    info: &'t [u8],
    /// The trigger and the drivers, or nothing.
    devices: &'t [u8],
}

/// An interrupt that is counted on each of `cpus`, its words with one blank between them.
fn parse<'t>(line: &'t [u8], cpus: usize, joined: &'t mut Vec<u8>) -> Option<Interrupt<'t>> {
    let (kind, counts) = split_once(line, b':')?;
    let kind = kind.trim_ascii();
    let mut words = words(counts).skip(cpus);
    let first = words.next()?;
    joined.clear();
    let has_controller = decimal(kind).is_some();
    if !has_controller {
        joined.extend_from_slice(first);
    }
    for word in words {
        if !joined.is_empty() {
            joined.push(b' ');
        }
        joined.extend_from_slice(word);
    }
    let (info, devices) = if has_controller { (first, &joined[..]) } else { (&joined[..], &b""[..]) };
    Some(Interrupt { kind, counts, info, devices })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str, cpus: usize) -> Option<(String, String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        parse(line.as_bytes(), cpus, &mut Vec::new())
            .map(|interrupt| (text(interrupt.kind), text(interrupt.info), text(interrupt.devices)))
    }

    fn expected(kind: &str, info: &str, devices: &str) -> Option<(String, String, String)> {
        Some((kind.into(), info.into(), devices.into()))
    }

    #[test]
    fn real() {
        assert_eq!(parsed("  5:    4253172       MIPS  5  ra_eth", 1), expected("5", "MIPS", "5 ra_eth"));
        assert_eq!(
            parsed(" 19:          0          0   IO-APIC-fasteoi   ata_piix, eth3, eth4", 2),
            expected("19", "IO-APIC-fasteoi", "ata_piix, eth3, eth4")
        );
        assert_eq!(
            parsed("NMI:         47       5031   Non-maskable interrupts", 2),
            expected("NMI", "Non-maskable interrupts", "")
        );
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(parsed("ERR:          0", 2), None);
        assert_eq!(parsed(" 19:          0          0", 2), None);
        assert_eq!(parsed("19", 1), None);
        assert_eq!(parsed("", 0), None);
        assert_eq!(parsed("  7:  1  GIC", 1), expected("7", "GIC", ""));
    }
}
