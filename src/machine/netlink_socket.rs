//! Asking the kernel over netlink, and reading its answer to the end.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

use super::files::LONGEST;
use super::netlink::{End, INTERRUPTED, Message, ONE, Query, messages, pad};

/// The kernel makes its messages as long as the longest buffer that it was given, up to this, and one
/// that does not fit is lost.
const LONGEST_MESSAGE: usize = 32 << 10;

/// Who takes an answer piece by piece: `None` when it begins, at first or anew, then each message.
pub type Taker<'t> = &'t mut dyn FnMut(Option<Message<'_>>);

/// The subsystems that are asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subsystem {
    Route,
    Generic,
}

/// The sockets that questions go through, one for each subsystem. They stay open.
#[derive(Debug, Default)]
pub(super) struct Netlink {
    sockets: [RefCell<Option<OwnedFd>>; 2],
    /// The numbers of the families of generic netlink, 0 where it is not known.
    pub families: [Cell<u16>; 3],
}

impl Netlink {
    /// Asks, and once more if the answer was interrupted. It is left in `out`, whole, unless somebody
    /// takes it: then each piece is gone from memory before the next is read, since a station takes
    /// 1.4 kB, and a tunnel's keys are in it.
    pub fn ask(
        &self,
        subsystem: Subsystem,
        request: &Query<'_>,
        out: &mut Vec<u8>,
        taker: &mut Option<Taker<'_>>,
    ) -> Result<(), Errno> {
        let (slot, protocol) = match subsystem {
            // Which is 0.
            Subsystem::Route => (&self.sockets[0], None),
            Subsystem::Generic => (&self.sockets[1], Some(netlink::GENERIC)),
        };
        let start = out.len();
        for _ in 0..2 {
            out.truncate(start);
            if let Some(taker) = taker {
                taker(None);
            }
            let kept = slot.take();
            let socket = match kept {
                Some(socket) => socket,
                None => open(protocol)?,
            };
            let end = exchange(&socket, request, out, taker)?;
            // One whose answer is not at its end is closed.
            slot.replace(Some(socket));
            match end {
                End::Whole => return Ok(()),
                End::Interrupted => {}
                End::Refused(errno) => return Err(errno),
            }
        }
        Err(Errno::AGAIN)
    }
}

fn open(protocol: Option<Protocol>) -> Result<OwnedFd, Errno> {
    socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)
}

/// Sends a request and reads its answer to the end.
fn exchange(
    socket: &OwnedFd,
    request: &Query<'_>,
    out: &mut Vec<u8>,
    taker: &mut Option<Taker<'_>>,
) -> Result<End, Errno> {
    let start = out.len();
    request.write(out);
    send(socket, out.get(start..).unwrap_or_default(), SendFlags::empty())?;
    out.truncate(start);
    let mut is_interrupted = false;
    loop {
        let start = out.len();
        if start > LONGEST {
            return Err(Errno::FBIG);
        }
        // Not twice as much as it has, which would be too much to keep.
        out.reserve_exact(LONGEST_MESSAGE);
        // The answer is there before its request has returned.
        let (_, length) = recv(socket, spare_capacity(out), RecvFlags::TRUNC | RecvFlags::DONTWAIT)?;
        let is_whole = out.len() == start.saturating_add(length) && length > 0;
        let mut end = None;
        for message in messages(out.get(start..).unwrap_or_default()) {
            is_interrupted |= message.flags & INTERRUPTED != 0;
            end = message.end();
            if end.is_some() {
                break;
            }
            if let Some(taker) = taker {
                taker(Some(message));
            }
        }
        if taker.is_some() {
            if let Some(piece) = out.get_mut(start..) {
                piece.fill(0);
                black_box(piece);
            }
            out.truncate(start);
        }
        match end {
            _ if !is_whole => return Err(Errno::MSGSIZE),
            Some(End::Whole) if is_interrupted => return Ok(End::Interrupted),
            Some(end) => return Ok(end),
            None if request.flags == ONE => return Ok(End::Whole),
            None => {}
        }
        if taker.is_none() {
            pad(out, length);
        }
    }
}
