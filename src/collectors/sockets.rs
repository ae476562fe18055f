//! The lines of `/proc/net/tcp`, `udp` and the like: one for each socket.
//!
//! Its state is the fourth word and its queues are the fifth, `tx:rx`, all in hexadecimal.

use crate::machine::{Error, Machine};
use crate::text::scan::{hex, lines, split_once, words};

/// How many states a socket may be in.
pub const STATES: usize = 12;

/// What the lines of such files add up to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Queues {
    /// The bytes that wait to be sent.
    pub tx: u64,
    /// The bytes that wait to be read.
    pub rx: u64,
    /// How many sockets are in each state, by the kernel's numbers less 1.
    pub states: [u32; STATES],
}

impl Queues {
    /// Adds the sockets of a file, `net/tcp` or another of its kind.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn add(&mut self, machine: &Machine, path: &[u8]) -> Result<(), Error> {
        let text = machine.proc(&[path])?;
        let mut lines = lines(&text);
        // The heads of the columns.
        lines.next();
        for line in lines {
            if self.add_line(line).is_none() {
                text.skip(line);
            }
        }
        Ok(())
    }

    fn add_line(&mut self, line: &[u8]) -> Option<()> {
        let mut words = words(line);
        let state = hex(words.nth(3)?)?;
        let (tx, rx) = split_once(words.next()?, b':')?;
        let (tx, rx) = (hex(tx)?, hex(rx)?);
        self.tx = self.tx.wrapping_add(tx);
        self.rx = self.rx.wrapping_add(rx);
        let count = usize::try_from(state.wrapping_sub(1)).ok().and_then(|at| self.states.get_mut(at));
        if let Some(count) = count {
            *count = count.wrapping_add(1);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use procfs::net::TcpNetEntries;
    use procfs::{FromBufReadSI, LocalSystemInfo};

    use super::*;

    const LINE: &str = "   1: 0A000005:0016 0A000002:FFFF 0A 00000015:000001A0 02:000DBEBE 00000000     0        0 2740 2 ffff88003d3af3c0";

    /// The bytes to be sent and to be read, and the socket's state.
    fn parsed(line: &[u8]) -> Option<(u64, u64, usize)> {
        let mut sums = Queues::default();
        sums.add_line(line)?;
        Some((sums.tx, sums.rx, sums.states.iter().position(|count| *count == 1).map_or(0, |at| at + 1)))
    }

    #[test]
    fn real() {
        assert_eq!(parsed(LINE.as_bytes()), Some((0x15, 0x1a0, 10)));
    }

    #[test]
    fn truncated_and_odd() {
        for odd in [
            &b""[..],
            b"   1: 0A000005:0016 0A000002:FFFF 0A",
            b"1: 1 1 xx 1:1",
            b"1: 1 1 0A 00000015",
            b"1: 1 1 0A x:0",
        ] {
            assert_eq!(parsed(odd), None, "{odd:?}");
        }
        for unknown in [&b"1: 1 1 00 1:2"[..], b"1: 1 1 0D 1:2", b"1: 1 1 ffffffffffffffff 1:2"] {
            assert_eq!(parsed(unknown), Some((1, 2, 0)));
        }
    }

    #[test]
    fn as_procfs() {
        let theirs = TcpNetEntries::from_buf_read(format!("head\n{LINE}\n").as_bytes(), &LocalSystemInfo).unwrap().0;
        let (tx, rx, state) = parsed(LINE.as_bytes()).unwrap();
        assert_eq!(u8::try_from(state).unwrap(), theirs[0].state.to_u8());
        assert_eq!((tx, rx), (u64::from(theirs[0].tx_queue), u64::from(theirs[0].rx_queue)));
    }
}
