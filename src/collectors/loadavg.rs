//! `/proc/loadavg`: how many tasks ran or waited for a disk, averaged over 1, 5 and 15 minutes.
//!
//! The kernel gives two decimals, which stay hundredths: reading floats would cost 18 kB.

use crate::format::{Family, Page, Value, gauge};
use crate::machine::{Error, Machine};
use crate::text::scan::{fixed, words};

const FAMILIES: [Family; 3] = [
    gauge!("node_load1", "1m load average."),
    gauge!("node_load5", "5m load average."),
    gauge!("node_load15", "15m load average."),
];

/// Adds the three averages.
///
/// # Errors
/// If the file cannot be read, or is not three numbers and more.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let text = machine.proc(&[b"loadavg"])?;
    let mut averages = parse(&text);
    for family in &FAMILIES {
        let hundredths = averages.next().flatten().ok_or_else(|| text.odd(&text))?;
        page.single(family, Value::decimal(hundredths, 2));
    }
    Ok(())
}

/// The averages over 1, 5 and 15 minutes, in hundredths of a task, and what is not one.
fn parse(text: &[u8]) -> impl Iterator<Item = Option<u64>> {
    words(text).map(|word| fixed(word, 2))
}

#[cfg(test)]
mod tests {
    use procfs::{FromRead, LoadAverage};

    use super::*;

    fn three(text: &[u8]) -> Option<Vec<u64>> {
        parse(text).take(3).collect::<Option<Vec<_>>>().filter(|three| three.len() == 3)
    }

    #[test]
    fn real() {
        assert_eq!(three(b"0.42 1.05 12.34 1/123 4567"), Some(vec![42, 105, 1234]));
        assert_eq!(three(b"1234.56 0.00 99999.99 1/123 4567"), Some(vec![123456, 0, 9999999]));
    }

    #[test]
    fn truncated_and_odd() {
        for odd in
            [&b""[..], b"0.42", b"0.42 1.05", b"-1.00 0.0 0.0 1/2 3", b"NaN 0.0 0.0 1/2 3", b"\xff\xfe 1 2 3/4 5"]
        {
            assert_eq!(three(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn as_procfs() {
        let text = b"0.42 1.05 12.34 1/123 4567\n";
        let theirs = LoadAverage::from_read(&text[..]).unwrap();
        let theirs = [theirs.one, theirs.five, theirs.fifteen].map(|average| (average * 100.0).round() as u64);
        assert_eq!(three(text), Some(theirs.to_vec()));
    }
}
