//! `/proc/net/sockstat` and `sockstat6`: how many sockets there are, and what their buffers hold.
//!
//! `mem` is in pages and reported a second time in bytes. A kernel without IPv6 has but the first file.

use crate::format::{Kind, Page};
use crate::machine::{Error, Machine};
use crate::process::syscalls;
use crate::text::scan::{decimal, lines, split_once, words};

const FILES: [&[u8]; 2] = [b"net/sockstat", b"net/sockstat6"];

/// Adds a family for each protocol and state.
///
/// # Errors
/// If the first file cannot be read.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let page_size = syscalls::page_size();
    for path in &FILES {
        let text = match machine.proc_record(&[path]) {
            Err(Error::Absent) if *path != FILES[0] => break,
            text => text?,
        };
        for line in lines(&text) {
            let Some((protocol, mut words)) = parse(line) else {
                text.skip(line);
                continue;
            };
            while let (Some(state), Some(count)) = (words.next(), words.next()) {
                let Some(count) = decimal(count) else { continue };
                write(page, protocol, state, count);
                if state == b"mem" {
                    write(page, protocol, b"mem_bytes", count.wrapping_mul(page_size));
                }
            }
        }
    }
    Ok(())
}

fn write(page: &mut Page, protocol: &[u8], state: &[u8], count: u64) {
    let name = [&b"node_sockstat_"[..], protocol, b"_", state];
    let mut help = [&b"Number of "[..], protocol, b" sockets in state ", state, b"."];
    if protocol == b"sockets" {
        help = [b"Number of ", b"IPv4", b" sockets in use", b"", b"."];
    }
    page.named_family(&name, &help, Kind::Gauge).sample(&[], count);
}

/// A protocol, and words: a state and the number of sockets in it, in turns.
fn parse(line: &[u8]) -> Option<(&[u8], impl Iterator<Item = &[u8]>)> {
    let (protocol, states) = split_once(line, b':')?;
    Some((protocol, words(states)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real() {
        let (protocol, words) = parse(b"TCP: inuse 6 orphan 0").unwrap();
        assert_eq!(protocol, b"TCP");
        assert!(words.eq([&b"inuse"[..], b"6", b"orphan", b"0"]));
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(parse(b"TCP:").unwrap().1.count(), 0);
        assert!(parse(b"TCP").is_none());
        assert!(parse(b"").is_none());
    }
}
