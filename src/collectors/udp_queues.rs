//! `/proc/net/udp` and `udp6`: the bytes of datagrams that wait to be sent or to be read.
//!
//! Their lines are those of `/proc/net/tcp`. A kernel without IPv6 has but the first file.

use crate::collectors::sockets::Queues;
use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine};

const QUEUES: [Family; 1] =
    [gauge!("node_udp_queues", "Number of allocated memory in the kernel for UDP datagrams in bytes.")];

/// By the label `ip`.
const FILES: [(&[u8], &[u8]); 2] = [(b"v4", b"net/udp"), (b"v6", b"net/udp6")];

/// Adds the sums over all sockets of each protocol.
///
/// # Errors
/// If neither file can be read.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let mut found = Err(Error::Absent);
    let mut table = page.table(&QUEUES);
    for (ip, path) in &FILES {
        let mut sums = Queues::default();
        match sums.add(machine, path) {
            Err(Error::Absent) => continue,
            result => found = Ok(result?),
        }
        table.row().label("ip", ip).label("queue", b"tx").count(Some(sums.tx));
        table.row().label("ip", ip).label("queue", b"rx").count(Some(sums.rx));
    }
    table.finish();
    found
}
