//! Which board this is and which OpenWrt runs on it, from the files that `ubus call system board` has it
//! from: `/etc/openwrt_release`, `/tmp/sysinfo` and `/proc/cpuinfo`.

use crate::collectors::Collect;
use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::scan::{decimal, lines, split_once};
use crate::text::shell;

const INFO: [Family; 1] = [gauge!("node_openwrt_info", "The board and its firmware.")];

/// The labels, and where their values are: in a file, in a variable of `/etc/openwrt_release`, or among
/// the processors.
const LABELS: [(&str, &str); 7] = [
    ("board_name", "tmp/sysinfo/board_name"),
    ("id", "DISTRIB_ID"),
    ("model", "tmp/sysinfo/model"),
    ("release", "DISTRIB_RELEASE"),
    ("revision", "DISTRIB_REVISION"),
    ("system", ""),
    ("target", "DISTRIB_TARGET"),
];

/// What the processors' lines that name the system begin with.
const NAMES: [&[u8]; 5] = [b"system type", b"Processor", b"processor", b"cpu", b"model name"];

/// The board, which does not change before the next start.
#[derive(Debug, Default)]
pub struct Openwrt {
    /// The labels' values, a line each, once they were looked for; none on other firmware.
    values: Option<Vec<u8>>,
}

impl Openwrt {
    /// The collector; it has no options.
    pub fn new(_: &Settings) -> Self {
        Self::default()
    }
}

impl Collect for Openwrt {
    /// Adds what the board is.
    ///
    /// # Errors
    /// If this is no OpenWrt.
    fn collect(&mut self, machine: &Machine, page: &mut Page) -> Result<(), Error> {
        let values = self.values.get_or_insert_with(|| read(machine).unwrap_or_default());
        if values.is_empty() {
            return Err(Error::Absent);
        }
        let mut table = page.table(&INFO);
        table.row();
        for ((label, _), value) in LABELS.iter().zip(lines(values)) {
            table.label(label, value);
        }
        table.count(Some(1));
        table.finish();
        Ok(())
    }
}

fn read(machine: &Machine) -> Result<Vec<u8>, Error> {
    let release = machine.file(&[b"etc/openwrt_release"])?;
    let mut values = Vec::new();
    for (_, source) in &LABELS {
        if source.starts_with("DISTRIB") {
            values.extend_from_slice(&shell::value(&release, source));
        } else if source.is_empty() {
            add_system(&mut values, &machine.proc_once(&[b"cpuinfo"])?);
        } else if let Ok(text) = machine.file(&[source.as_bytes()]) {
            values.extend_from_slice(lines(&text).next().unwrap_or_default());
        }
        values.push(b'\n');
    }
    Ok(values)
}

/// Adds what procd calls the system: the first of these lines whose value is not a processor's number.
pub fn add_system(values: &mut Vec<u8>, processors: &[u8]) {
    for line in lines(processors) {
        let Some((name, value)) = split_once(line, b':') else { continue };
        let (name, value) = (name.trim_ascii(), value.trim_ascii());
        // 64-bit ARM has no name of its own.
        let is_revision = name == b"CPU revision";
        if is_revision {
            values.extend_from_slice(b"ARMv8 Processor rev ");
        }
        if is_revision || (NAMES.contains(&name) && decimal(value).is_none()) {
            return values.extend_from_slice(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(processors: &[u8]) -> Vec<u8> {
        let mut values = Vec::new();
        add_system(&mut values, processors);
        values
    }

    #[test]
    fn systems() {
        let mips = b"system type\t\t: MediaTek MT7621 ver:1 eco:3\nmachine\t\t\t: Netgear\nprocessor\t\t: 0\n";
        assert_eq!(system(mips), b"MediaTek MT7621 ver:1 eco:3");
        let arm = b"processor\t: 0\nmodel name\t: ARMv7 Processor rev 5 (v7l)\nCPU revision\t: 5\n";
        assert_eq!(system(arm), b"ARMv7 Processor rev 5 (v7l)");
        let arm64 = b"processor\t: 0\nBogoMIPS\t: 26.00\nCPU implementer\t: 0x41\nCPU revision\t: 4\n";
        assert_eq!(system(arm64), b"ARMv8 Processor rev 4");
        for odd in [&b""[..], b"processor : 0", b"system type", b"\xff:\n:\n"] {
            assert_eq!(system(odd), b"", "{odd:?}");
        }
    }
}
