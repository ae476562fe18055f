//! `/proc/net/arp`: the IPv4 neighbours that the kernel has seen or looks for.
//!
//! One that does not answer stands there too, with an address of zeros; that of a tunnel has no
//! address, and the column is blank. A device may have any name without blanks, and it is the last
//! column, behind a mask that is always `*`.

use crate::filter::Subject;
use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::scan::{lines, words};

const ENTRIES: [Family; 1] = [gauge!("node_arp_entries", "ARP entries by device")];

/// Adds the number of neighbours of each device.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(settings: &Settings, machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let devices = settings.filters.of(Subject::ArpDevice);
    let text = machine.proc(&[b"net/arp"])?;
    let entries = || {
        let mut lines = lines(&text);
        // The heads of the columns.
        lines.next();
        lines
    };
    let mut table = page.table(&ENTRIES);
    for (at, line) in entries().enumerate() {
        let Some(device) = parse(line) else {
            text.skip(line);
            continue;
        };
        // The kernel shows its hash table, where a device's lines stand here and there; there are
        // few devices, so each is counted where it comes first.
        let mut count = 0_u32;
        for (place, other) in entries().enumerate() {
            if !other.strip_suffix(device).is_some_and(|rest| rest.ends_with(b" ")) {
                continue;
            }
            if place < at {
                break;
            }
            count = count.wrapping_add(1);
        }
        if count != 0 && devices.allows(device) {
            table.row().label("device", device).count(Some(count.into()));
        }
    }
    table.finish();
    Ok(())
}

/// The device of a neighbour.
fn parse(line: &[u8]) -> Option<&[u8]> {
    let mut words = words(line).skip(3);
    let first = words.next()?;
    let mask = if first == b"*" { first } else { words.next()? };
    words.next().filter(|device| mask == b"*" && line.ends_with(device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real() {
        assert_eq!(
            parse(b"192.168.1.10     0x1         0x2         00:11:22:33:44:55     *        br0"),
            Some(&b"br0"[..])
        );
        assert_eq!(
            parse(b"10.0.0.1         0x1         0x0         00:00:00:00:00:00     *        w\xc3\xa4n:1"),
            Some("w\u{e4}n:1".as_bytes())
        );
        assert_eq!(
            parse(b"10.0.0.7         0x30a       0x2                               *        gre1"),
            Some(&b"gre1"[..])
        );
        assert_eq!(
            parse(b"10.3.3.170       0x20        0x2         00:00:00:66:fe:80:00:00:00     *        ib0"),
            Some(&b"ib0"[..])
        );
        assert_eq!(
            parse(b"192.0.2.77       0x1         0xc         00:00:00:00:00:00     *        *"),
            Some(&b"*"[..])
        );
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(parse(b"192.168.1.10     0x1         0x2         00:11:22:33:44:55     *        "), None);
        assert_eq!(parse(b"192.168.1.10     0x1         0x2         00:11:22:33:44:55     *"), None);
        assert_eq!(parse(b"192.168.1.10     0x1         0x2                               *"), None);
        assert_eq!(parse(b"192.168"), None);
        assert_eq!(parse(b""), None);
    }
}
