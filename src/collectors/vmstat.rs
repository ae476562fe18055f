//! `/proc/vmstat`: what the memory management has done.
//!
//! A kernel without CONFIG_VM_EVENT_COUNTERS, as a router's may be, has but the `nr_` lines, of
//! which none is reported by default.

use crate::filter::Subject;
use crate::format::{Kind, Page};
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::scan::{decimal, lines, split_once};

/// Adds a family for each line that `--collector.vmstat.fields` names.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(settings: &Settings, machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let fields = settings.filters.of(Subject::VmstatField);
    let text = machine.proc(&[b"vmstat"])?;
    for line in lines(&text) {
        match parse(line) {
            Some((name, value)) if fields.allows(name) => {
                let help = [&b"/proc/vmstat information field "[..], name, b"."];
                page.named_family(&[b"node_vmstat_", name], &help, Kind::Untyped).sample(&[], value);
            }
            Some(_) => {}
            None => text.skip(line),
        }
    }
    Ok(())
}

/// A name and its figure.
fn parse(line: &[u8]) -> Option<(&[u8], u64)> {
    let (name, value) = split_once(line, b' ')?;
    Some((name, decimal(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real() {
        assert_eq!(parse(b"pgfault 18446744073709551615"), Some((&b"pgfault"[..], u64::MAX)));
        assert_eq!(parse(b"nr_free_pages 2003"), Some((&b"nr_free_pages"[..], 2003)));
    }

    #[test]
    fn truncated_and_odd() {
        for odd in [&b""[..], b"pgfault", b"pgfault ", b"pgfault -1", b"pgfault 1 2"] {
            assert_eq!(parse(odd), None, "{odd:?}");
        }
    }
}
