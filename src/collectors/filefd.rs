//! `/proc/sys/fs/file-nr`: how many files the machine has open, and how many it may have.
//!
//! The figure between the two has been zero since Linux 2.6.

use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine};
use crate::text::scan::{decimal, words};

const ALLOCATED: Family = gauge!("node_filefd_allocated", "File descriptor statistics: allocated.");
const MAXIMUM: Family = gauge!("node_filefd_maximum", "File descriptor statistics: maximum.");

/// Adds the two figures.
///
/// # Errors
/// If the file cannot be read or is not three numbers.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let text = machine.sysctl("fs/file-nr")?;
    let (allocated, maximum) = parse(&text).ok_or_else(|| text.odd(&text))?;
    page.single(&ALLOCATED, allocated);
    page.single(&MAXIMUM, maximum);
    Ok(())
}

/// The numbers of files that are open and that may be.
fn parse(text: &[u8]) -> Option<(u64, u64)> {
    let mut words = words(text);
    let mut number = || words.next().and_then(decimal);
    let (allocated, _, maximum) = (number()?, number()?, number()?);
    Some((allocated, maximum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real() {
        assert_eq!(parse(b"640\t0\t5928"), Some((640, 5928)));
        assert_eq!(parse(b"2016\t0\t9223372036854775807"), Some((2016, 9223372036854775807)));
    }

    #[test]
    fn truncated_and_odd() {
        for odd in [&b""[..], b"640", b"640\t0", b"640\t0\t-1", b"640\tx\t1"] {
            assert_eq!(parse(odd), None, "{odd:?}");
        }
    }
}
