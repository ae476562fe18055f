//! `/proc/meminfo`: what the memory is used for.
//!
//! Which lines there are depends on the kernel, so the names of the families are the kernel's own.
//! `kB` is 1024 bytes. Before Linux 3.14 there was no `MemAvailable`, without which dashboards are
//! blank.

use crate::format::{Kind, Page};
use crate::machine::{Error, Machine};
use crate::text::scan::{decimal, lines, split_once, words};

const HELP: &[u8] = b"Memory information field ";
const ESTIMATED: &[u8] = b", estimated as MemFree + Buffers + Cached + Slab, since this kernel does not tell.";

/// Adds a family for each line.
///
/// # Errors
/// If the file cannot be read or has no figure.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let text = machine.proc_record(&[b"meminfo"])?;
    let mut available = Estimate::default();
    let mut found = false;
    for line in lines(&text) {
        match parse(line) {
            Some(field) => {
                found = true;
                available.add(&field);
                write(page, &field, b".");
            }
            None => text.skip(line),
        }
    }
    if !found {
        return Err(text.odd(&text));
    }
    if let Some(bytes) = available.bytes() {
        write(page, &Field { name: b"MemAvailable", part: b"", unit: b"_bytes", value: bytes }, ESTIMATED);
    }
    Ok(())
}

fn write(page: &mut Page, field: &Field, end: &[u8]) {
    let separator: &[u8] = if field.part.is_empty() { b"" } else { b"_" };
    let name = [b"node_memory_", field.name, separator, field.part, field.unit];
    let help = [HELP, field.name, separator, field.part, field.unit, end];
    page.named_family(&name, &help, Kind::Gauge).sample(&[], field.value);
}

/// A line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Field<'t> {
    /// `Active` of `Active(anon)`.
    name: &'t [u8],
    /// `anon` of `Active(anon)`, or nothing.
    part: &'t [u8],
    /// `_bytes`, or nothing if the line has no unit.
    unit: &'t [u8],
    /// In bytes if the line has a unit.
    value: u64,
}

fn parse(line: &[u8]) -> Option<Field<'_>> {
    let (name, value) = split_once(line, b':')?;
    let (name, part) = match split_once(name.trim_ascii(), b'(') {
        Some((name, part)) => (name, part.strip_suffix(b")")?),
        None => (name.trim_ascii(), &b""[..]),
    };
    let mut value = words(value);
    let number = decimal(value.next()?)?;
    let (unit, value): (&[u8], _) = match value.next() {
        Some(b"kB") => (b"_bytes", number.checked_mul(1024)?),
        Some(_) => return None,
        None => (b"", number),
    };
    (!name.is_empty()).then_some(Field { name, part, unit, value })
}

/// How much memory may be used before the kernel must swap, as far as an old kernel reports.
#[derive(Debug, Default)]
struct Estimate {
    reported: bool,
    /// [`PARTS`] in bytes; a line that is there twice holds as it is there last.
    parts: [Option<u64>; 4],
}

/// What may be used.
const PARTS: [&[u8]; 4] = [b"MemFree", b"Buffers", b"Cached", b"Slab"];

impl Estimate {
    fn add(&mut self, field: &Field) {
        self.reported |= field.name == b"MemAvailable";
        for (name, value) in PARTS.iter().zip(&mut self.parts) {
            if *name == field.name {
                *value = Some(field.value);
            }
        }
    }

    /// The sum, unless the kernel reports better or not enough.
    fn bytes(&self) -> Option<u64> {
        if self.reported {
            return None;
        }
        self.parts.iter().try_fold(0_u64, |sum, part| Some(sum.saturating_add((*part)?)))
    }
}

#[cfg(test)]
mod tests {
    use procfs::{FromRead, Meminfo};

    use super::*;

    const OPENWRT: &str = "\
MemTotal:         508668 kB
MemFree:          402532 kB
MemAvailable:     406416 kB
Buffers:            6524 kB
Cached:            27720 kB
SwapCached:            0 kB
Active:            18324 kB
Inactive:          21332 kB
Active(anon):        144 kB
Inactive(file):    15824 kB
SwapTotal:             0 kB
SwapFree:              0 kB
Dirty:                 0 kB
Writeback:             0 kB
AnonPages:          5452 kB
Mapped:             8840 kB
Slab:              27352 kB
SReclaimable:       6544 kB
PageTables:          400 kB
NFS_Unstable:          0 kB
Bounce:                0 kB
WritebackTmp:          0 kB
CommitLimit:      254332 kB
Committed_AS:      13096 kB
VmallocTotal:     507904 kB
VmallocUsed:        7044 kB
VmallocChunk:          0 kB
HugePages_Total:       3
";

    fn estimated(text: &str) -> Option<u64> {
        let mut available = Estimate::default();
        lines(text.as_bytes()).filter_map(parse).for_each(|field| available.add(&field));
        available.bytes()
    }

    #[test]
    fn real() {
        assert_eq!(
            parse(b"MemTotal:          60188 kB"),
            Some(Field { name: b"MemTotal", part: b"", unit: b"_bytes", value: 61632512 })
        );
        assert_eq!(
            parse(b"Active(anon):       2100 kB"),
            Some(Field { name: b"Active", part: b"anon", unit: b"_bytes", value: 2150400 })
        );
        assert_eq!(
            parse(b"HugePages_Total:       3"),
            Some(Field { name: b"HugePages_Total", part: b"", unit: b"", value: 3 })
        );
    }

    #[test]
    fn truncated_and_odd() {
        for odd in [
            &b""[..],
            b"MemTotal",
            b"MemTotal:",
            b"MemTotal: -1 kB",
            b"MemTotal: 1 MB",
            b"MemTotal: 18446744073709551615 kB",
            b"Active(anon: 1 kB",
            b": 1 kB",
        ] {
            assert_eq!(parse(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn available_memory_is_estimated_only_where_the_kernel_does_not_tell() {
        let old = "MemTotal: 60188 kB\nMemFree: 8012 kB\nBuffers: 2636 kB\nCached: 11840 kB\nSwapCached: 9 kB\nSlab: 17404 kB\n";
        assert_eq!(estimated(old), Some((8012 + 2636 + 11840 + 17404) * 1024));
        assert_eq!(estimated(&format!("{old}MemFree: 8012 kB\n")), estimated(old));
        assert_eq!(estimated(&format!("{}MemFree: 8012 kB\n", old.replace("Slab", "Slob"))), None);
        assert_eq!(estimated(&format!("{old}MemAvailable: 1 kB\n")), None);
        assert_eq!(estimated(&old.replace("Slab", "Slob")), None);
    }

    #[test]
    fn as_procfs() {
        let theirs = Meminfo::from_read(OPENWRT.as_bytes()).unwrap();
        let ours = |name: &[u8], part: &[u8]| {
            lines(OPENWRT.as_bytes())
                .filter_map(parse)
                .find(|field| field.name == name && field.part == part)
                .map(|field| field.value)
        };
        assert_eq!(ours(b"MemTotal", b""), Some(theirs.mem_total));
        assert_eq!(ours(b"MemAvailable", b""), theirs.mem_available);
        assert_eq!(ours(b"Active", b""), Some(theirs.active));
        assert_eq!(ours(b"Active", b"anon"), theirs.active_anon);
        assert_eq!(ours(b"Inactive", b"file"), theirs.inactive_file);
        assert_eq!(ours(b"Committed_AS", b""), Some(theirs.committed_as));
        assert_eq!(ours(b"HugePages_Total", b""), theirs.hugepages_total);
    }
}
