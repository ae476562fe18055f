//! `/proc/net/sockstat` and `sockstat6`: how many sockets there are, and what their buffers hold.
//!
//! `mem` is in pages and told a second time in bytes. A kernel without IPv6 has but the first file.

use crate::host::{Error, Host};
use crate::page::{Family, Kind, Page, gauge};
use crate::scan::{decimal, lines, split_once, words};

const USED: Family = gauge("node_sockstat_sockets_used", "Number of IPv4 sockets in use.");

/// Adds a family for each protocol and state.
///
/// # Errors
/// If the first file cannot be read.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let page_size = u64::try_from(rustix::param::page_size()).unwrap_or_default();
    for (at, path) in [&b"net/sockstat"[..], b"net/sockstat6"].into_iter().enumerate() {
        let text = match host.proc_record(&[path]) {
            Err(Error::Absent) if at != 0 => break,
            text => text?,
        };
        for line in lines(&text) {
            let Some((protocol, states)) = parse(line) else {
                text.skip(line);
                continue;
            };
            for (state, count) in states {
                if (protocol, state) == (b"sockets", b"used") {
                    page.single(&USED, count);
                    continue;
                }
                write(page, protocol, state, count);
                if state == b"mem" {
                    write(page, protocol, b"mem_bytes", count.saturating_mul(page_size));
                }
            }
        }
    }
    Ok(())
}

fn write(page: &mut Page, protocol: &[u8], state: &[u8], count: u64) {
    let name = [&b"node_sockstat_"[..], protocol, b"_", state];
    let help = [&b"Number of "[..], protocol, b" sockets in state ", state, b"."];
    page.named_family(&name, &help, Kind::Gauge).sample(&[], count);
}

/// A state and the number of sockets in it.
type Count<'t> = (&'t [u8], u64);

/// A protocol, and its sockets by state; a state without a number is left out.
fn parse(line: &[u8]) -> Option<(&[u8], impl Iterator<Item = Count<'_>>)> {
    let (protocol, states) = split_once(line, b':')?;
    let mut words = words(states);
    let pairs = std::iter::from_fn(move || Some((words.next()?, words.next()?)));
    Some((protocol, pairs.filter_map(|(state, count)| Some((state, decimal(count)?)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &[u8]) -> Option<(&[u8], Vec<Count<'_>>)> {
        parse(line).map(|(protocol, states)| (protocol, states.collect()))
    }

    #[test]
    fn real() {
        assert_eq!(
            parsed(b"TCP: inuse 6 orphan 0 tw 1 alloc 7 mem 2"),
            Some((&b"TCP"[..], vec![(&b"inuse"[..], 6), (b"orphan", 0), (b"tw", 1), (b"alloc", 7), (b"mem", 2)]))
        );
        assert_eq!(parsed(b"sockets: used 45"), Some((&b"sockets"[..], vec![(&b"used"[..], 45)])));
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(parsed(b"TCP: inuse 6 orphan"), Some((&b"TCP"[..], vec![(&b"inuse"[..], 6)])));
        assert_eq!(parsed(b"TCP: inuse -6 tw 1"), Some((&b"TCP"[..], vec![(&b"tw"[..], 1)])));
        assert_eq!(parsed(b"TCP"), None);
        assert_eq!(parsed(b""), None);
    }
}
