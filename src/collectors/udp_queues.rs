//! `/proc/net/udp` and `udp6`: the bytes of datagrams that wait to be sent or to be read.
//!
//! There is a line for each socket, whose queues are its fifth word, `tx:rx` in hexadecimal. A
//! kernel without IPv6 has but the first file.

use crate::host::{Error, Host};
use crate::page::{Family, Page, gauge};
use crate::scan::{hex, lines, split_once, words};

const QUEUES: [Family; 1] =
    [gauge("node_udp_queues", "Number of allocated memory in the kernel for UDP datagrams in bytes.")];

/// Adds the sums over all sockets of each protocol.
///
/// # Errors
/// If neither file can be read.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let mut found = Err(Error::Absent);
    let mut table = page.table(&QUEUES);
    for (ip, path) in [(b"v4", &b"net/udp"[..]), (b"v6", b"net/udp6")] {
        let text = match host.proc(&[path]) {
            Err(Error::Absent) => continue,
            text => text?,
        };
        found = Ok(());
        let (mut tx, mut rx) = (0_u64, 0_u64);
        // The first line is the heads of the columns.
        for line in lines(&text).skip(1) {
            match parse(line) {
                Some((socket_tx, socket_rx)) => {
                    tx = tx.saturating_add(socket_tx);
                    rx = rx.saturating_add(socket_rx);
                }
                None => text.skip(line),
            }
        }
        table.counts(&[("ip", ip), ("queue", b"tx")], [Some(tx)]);
        table.counts(&[("ip", ip), ("queue", b"rx")], [Some(rx)]);
    }
    table.finish();
    found
}

/// The bytes that a socket has to send and to be read.
fn parse(line: &[u8]) -> Option<(u64, u64)> {
    let (tx, rx) = split_once(words(line).nth(4)?, b':')?;
    Some((hex(tx)?, hex(rx)?))
}

#[cfg(test)]
mod tests {
    use procfs::{FromBufReadSI, LocalSystemInfo};
    use procfs::net::UdpNetEntries;

    use super::*;

    const LINE: &str = "    0: 0A000005:0016 0A000002:FFFF 01 00000015:000001A0 02:000DBEBE 00000000     0        0 2740 2 ffff88003d3af3c0 5";

    #[test]
    fn real() {
        assert_eq!(parse(LINE.as_bytes()), Some((0x15, 0x1a0)));
    }

    #[test]
    fn truncated_and_odd() {
        for odd in [&b""[..], b"  0: 0A000005:0016 0A000002:FFFF 01", b"0: 1 2 3 00000015", b"0: 1 2 3 x:0"] {
            assert_eq!(parse(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn as_procfs() {
        let theirs = UdpNetEntries::from_buf_read(format!("head\n{LINE}\n").as_bytes(), &LocalSystemInfo).unwrap().0;
        let queues = (u64::from(theirs[0].tx_queue), u64::from(theirs[0].rx_queue));
        assert_eq!(parse(LINE.as_bytes()), Some(queues));
    }
}
