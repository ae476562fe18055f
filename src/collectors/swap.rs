//! `/proc/swaps`: the disks and files that the machine swaps to, in kibibytes.
//!
//! Names are reported as the kernel escapes them, `\040` for a blank.

use crate::format::{Family, Page, Value, gauge};
use crate::machine::{Error, Machine};
use crate::text::scan::{lines, scaled, signed, words};

const FAMILIES: [Family; 3] = [
    gauge!("node_swap_size_bytes", "Swap device size in bytes."),
    gauge!("node_swap_used_bytes", "Swap device used in bytes."),
    gauge!("node_swap_priority", "Swap device priority."),
];

/// Adds a row for each.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let text = machine.proc(&[b"swaps"])?;
    let mut table = page.table(&FAMILIES);
    let mut lines = lines(&text);
    // The heads of the columns.
    lines.next();
    for line in lines {
        let Some((device, kind, mut figures)) = parse(line) else {
            text.skip(line);
            continue;
        };
        table.row().label("device", device).label("swap_type", kind);
        let mut bytes = || scaled(figures.next()?, 1024);
        table.count(bytes()).count(bytes());
        // The kernel's own are negative.
        table.cell(figures.next().and_then(signed).map(Value::from));
    }
    table.finish();
    Ok(())
}

/// The device, `partition` or `file`, and the figures: its size, what is used, its priority.
fn parse(line: &[u8]) -> Option<(&[u8], &[u8], impl Iterator<Item = &[u8]>)> {
    let mut words = words(line);
    Some((words.next()?, words.next()?, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "/media/USB\\040STICK/swap                file\t\t8388604\t\t76\t\t-2";

    #[test]
    fn real() {
        let (device, kind, figures) = parse(LINE.as_bytes()).unwrap();
        assert_eq!((device, kind), (&b"/media/USB\\040STICK/swap"[..], &b"file"[..]));
        assert!(figures.eq([&b"8388604"[..], b"76", b"-2"]));
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(parse(b"/dev/zram0 partition").unwrap().2.count(), 0);
        assert!(parse(b"/dev/zram0").is_none());
        assert!(parse(b"").is_none());
    }
}
