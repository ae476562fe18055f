//! `/proc/net/tcp` and `tcp6`: how many connections are in each state, and what their queues hold.
//!
//! There is a line for each socket, whose state is its fourth word and whose queues are its fifth,
//! `tx:rx`, all in hexadecimal. The kernel walks its whole table to write them, which costs a router
//! milliseconds: the collector is off by default.

use crate::host::{Error, Host};
use crate::page::{Family, Page, gauge};
use crate::scan::{hex, lines, split_once, words};

const STATES: [Family; 1] = [gauge("node_tcp_connection_states", "Number of connection states.")];

/// By the kernel's numbers, the first of which is 1.
const NAMES: [&str; 12] = [
    "established",
    "syn_sent",
    "syn_recv",
    "fin_wait1",
    "fin_wait2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
    "new_syn_recv",
];

/// Adds the number of sockets in each state that any is in, and the bytes in their queues.
///
/// # Errors
/// If neither file can be read.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let mut found = Err(Error::Absent);
    let mut sockets = [0_u64; NAMES.len()];
    let (mut tx, mut rx) = (0_u64, 0_u64);
    for path in [&b"net/tcp"[..], b"net/tcp6"] {
        let text = match host.proc(&[path]) {
            Err(Error::Absent) => continue,
            text => text?,
        };
        found = Ok(());
        // The first line is the heads of the columns.
        for line in lines(&text).skip(1) {
            let Some(socket) = parse(line) else {
                text.skip(line);
                continue;
            };
            tx = tx.saturating_add(socket.tx);
            rx = rx.saturating_add(socket.rx);
            if let Some(count) = socket.state.checked_sub(1).and_then(|at| sockets.get_mut(at)) {
                *count = count.saturating_add(1);
            }
        }
    }
    let mut table = page.table(&STATES);
    for (name, count) in NAMES.iter().zip(sockets).filter(|(_, count)| *count != 0) {
        table.counts(&[("state", name.as_bytes())], [Some(count)]);
    }
    table.counts(&[("state", b"rx_queued_bytes")], [Some(rx)]);
    table.counts(&[("state", b"tx_queued_bytes")], [Some(tx)]);
    table.finish();
    found
}

/// A line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Socket {
    /// The kernel's number.
    state: usize,
    /// The bytes that wait to be sent.
    tx: u64,
    /// The bytes that wait to be read.
    rx: u64,
}

fn parse(line: &[u8]) -> Option<Socket> {
    let mut words = words(line).skip(3);
    let state = usize::try_from(hex(words.next()?)?).ok()?;
    let (tx, rx) = split_once(words.next()?, b':')?;
    Some(Socket { state, tx: hex(tx)?, rx: hex(rx)? })
}

#[cfg(test)]
mod tests {
    use procfs::net::TcpNetEntries;
    use procfs::{FromBufReadSI, LocalSystemInfo};

    use super::*;

    const LINE: &str = "   1: 0A000005:0016 0A000002:FFFF 0A 00000015:000001A0 02:000DBEBE 00000000     0        0 2740 2 ffff88003d3af3c0";

    #[test]
    fn real() {
        assert_eq!(parse(LINE.as_bytes()), Some(Socket { state: 10, tx: 0x15, rx: 0x1a0 }));
    }

    #[test]
    fn truncated_and_odd() {
        for odd in [&b""[..], b"   1: 0A000005:0016 0A000002:FFFF 0A", b"1: 1 1 xx 1:1", b"1: 1 1 0A 00000015"] {
            assert_eq!(parse(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn as_procfs() {
        let theirs = TcpNetEntries::from_buf_read(format!("head\n{LINE}\n").as_bytes(), &LocalSystemInfo).unwrap().0;
        let ours = parse(LINE.as_bytes()).unwrap();
        assert_eq!(u8::try_from(ours.state).unwrap(), theirs[0].state.to_u8());
        assert_eq!((ours.tx, ours.rx), (u64::from(theirs[0].tx_queue), u64::from(theirs[0].rx_queue)));
    }
}
