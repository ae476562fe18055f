//! `/proc/swaps`: the disks and files that the machine swaps to, in kibibytes.
//!
//! Names are told as the kernel escapes them, `\040` for a blank.

use crate::host::{Error, Host};
use crate::page::{Family, Page, Value, gauge};
use crate::scan::{decimal, lines, signed, words};

const FAMILIES: [Family; 3] = [
    gauge("node_swap_size_bytes", "Swap device size in bytes."),
    gauge("node_swap_used_bytes", "Swap device used in bytes."),
    gauge("node_swap_priority", "Swap device priority."),
];

/// Adds a row for each.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let text = host.proc(&[b"swaps"])?;
    let mut table = page.table(&FAMILIES);
    // The first line is the heads of the columns.
    for line in lines(&text).skip(1) {
        match parse(line) {
            Some(Swap { device, kind, size_bytes, used_bytes, priority }) => table.row(
                &[("device", device), ("swap_type", kind)],
                [size_bytes.map(Value::from), used_bytes.map(Value::from), priority.map(Value::from)],
            ),
            None => text.skip(line),
        }
    }
    table.finish();
    Ok(())
}

/// A line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Swap<'t> {
    device: &'t [u8],
    /// `partition` or `file`.
    kind: &'t [u8],
    size_bytes: Option<u64>,
    used_bytes: Option<u64>,
    /// The kernel's own are negative.
    priority: Option<i64>,
}

fn parse(line: &[u8]) -> Option<Swap<'_>> {
    let mut words = words(line);
    let (device, kind) = (words.next()?, words.next()?);
    let mut bytes = || words.next().and_then(decimal)?.checked_mul(1024);
    let (size_bytes, used_bytes) = (bytes(), bytes());
    Some(Swap { device, kind, size_bytes, used_bytes, priority: words.next().and_then(signed) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "/media/USB\\040STICK/swap                file\t\t8388604\t\t76\t\t-2";

    #[test]
    fn real() {
        assert_eq!(
            parse(LINE.as_bytes()),
            Some(Swap {
                device: b"/media/USB\\040STICK/swap",
                kind: b"file",
                size_bytes: Some(8_589_930_496),
                used_bytes: Some(77_824),
                priority: Some(-2)
            })
        );
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(
            parse(b"/dev/zram0 partition -1 x"),
            Some(Swap { device: b"/dev/zram0", kind: b"partition", size_bytes: None, used_bytes: None, priority: None })
        );
        assert_eq!(parse(b"/dev/zram0"), None);
        assert_eq!(parse(b""), None);
    }
}
