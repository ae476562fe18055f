//! `/proc/net/tcp` and `tcp6`: how many connections are in each state, and what their queues hold.
//!
//! There is a line for each socket. The kernel walks its whole table to write them, which costs a router
//! milliseconds: the collector is off by default.

use crate::collectors::sockets::{Queues, STATES};
use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine};

const COUNTS: [Family; 1] = [gauge!("node_tcp_connection_states", "Number of connection states.")];

const FILES: [&[u8]; 2] = [b"net/tcp", b"net/tcp6"];
/// By the kernel's numbers, the first of which is 1.
const NAMES: [&str; STATES] = [
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
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let mut found = Err(Error::Absent);
    let mut sums = Queues::default();
    for path in &FILES {
        match sums.add(machine, path) {
            Err(Error::Absent) => {}
            result => found = Ok(result?),
        }
    }
    let mut table = page.table(&COUNTS);
    for (name, count) in NAMES.iter().zip(&sums.states).filter(|(_, count)| **count != 0) {
        table.row().label("state", name.as_bytes()).count(Some((*count).into()));
    }
    table.row().label("state", b"rx_queued_bytes").count(Some(sums.rx));
    table.row().label("state", b"tx_queued_bytes").count(Some(sums.tx));
    table.finish();
    found
}
