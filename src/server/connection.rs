//! One client: what it has sent, and what it is still to be sent.

use std::io::IoSlice;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{Shutdown, sockopt};

use super::Milliseconds;
use super::renderings::Rendering;
use super::request::HEAD_LIMIT;

/// From the first byte of a request to its last, or from the connection to its first request.
const REQUEST_TIME: Milliseconds = 10_000;
/// From the first byte of an answer to its last.
const ANSWER_TIME: Milliseconds = 30_000;
/// From an answer to the next request: longer than anybody's interval between scrapes.
const IDLE_TIME: Milliseconds = 300_000;
/// From the last answer to the client's end of the connection.
const LINGER_TIME: Milliseconds = 1_000;

/// The most pieces of a page that the kernel is given at once.
const SLICES: usize = 128;

/// What a request takes with few exceptions; only some connections may hold more.
pub const SMALL_INPUT: usize = 1024;

/// Bytes that are thrown away from a client that was refused, so that it reads why: a socket that
/// is closed with bytes unread answers by a reset, and the reset overtakes the answer.
const LINGER_BYTES: usize = 262_144;

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Between requests.
    Idle,
    /// A request has begun, or is due since the connection has.
    Receiving,
    /// An answer is being sent.
    Sending,
    /// All is said; what the client still sends is thrown away.
    Lingering,
    /// To be closed.
    Closed,
}

/// A client.
pub struct Connection {
    socket: OwnedFd,
    /// The network of the client: its IPv4 address, or the first half of its IPv6 address.
    pub peer: u64,
    /// Whether the client's address is in one of the networks that may ask.
    pub admitted: bool,
    /// Whether the client is this machine itself.
    pub local: bool,
    state: State,
    /// When the state began.
    since: Milliseconds,
    /// When the client took a part of the answer last.
    moved: Milliseconds,
    deadline: Milliseconds,
    /// What was received and not yet read as a request.
    pub input: Vec<u8>,
    /// Whether `input` may hold a request that nobody has looked at.
    pub unread: bool,
    /// Bytes of a request's body that are still to be thrown away.
    skip: usize,
    /// The head of the answer, with its body where that is short.
    pub output: Vec<u8>,
    /// The rest of the answer.
    pub page: Option<Rc<Rendering>>,
    sent: usize,
    close: bool,
    /// Whether it was given an answer yet.
    answered: bool,
}

impl Connection {
    /// A client that has just been accepted.
    #[must_use]
    pub fn new(socket: OwnedFd, peer: IpAddr, admitted: bool, local: bool, now: Milliseconds) -> Self {
        Self {
            socket,
            peer: network(peer),
            admitted,
            local,
            state: State::Receiving,
            since: now,
            moved: now,
            deadline: now.wrapping_add(REQUEST_TIME),
            input: Vec::new(),
            unread: false,
            skip: 0,
            output: Vec::new(),
            page: None,
            sent: 0,
            close: false,
            answered: false,
        }
    }

    /// The events that the connection waits for.
    #[must_use]
    pub fn interest(&self) -> PollFlags {
        if self.state == State::Sending { PollFlags::OUT } else { PollFlags::IN }
    }

    /// When the connection's patience ends.
    #[must_use]
    pub fn deadline(&self) -> Milliseconds {
        self.deadline
    }

    /// How long the client has been at what it is doing.
    #[must_use]
    pub fn waiting(&self, now: Milliseconds) -> Milliseconds {
        now.saturating_sub(self.since)
    }

    /// How long the client has taken nothing of the answer.
    #[must_use]
    pub fn stalled(&self, now: Milliseconds) -> Milliseconds {
        now.saturating_sub(self.moved)
    }

    /// Whether the connection is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Whether the client has come within `time` and has asked for nothing yet.
    #[must_use]
    pub fn is_new(&self, now: Milliseconds, time: Milliseconds) -> bool {
        !self.answered && self.waiting(now) < time
    }

    /// Whether an answer is under way.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.state == State::Sending
    }

    /// Whether a request would be read: nothing is under way.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        matches!(self.state, State::Idle | State::Receiving)
    }

    /// Whether some bytes of a request have come.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.state == State::Receiving && !self.input.is_empty()
    }

    /// Whether the small buffer is full, and the request not whole.
    #[must_use]
    pub fn needs_room(&self) -> bool {
        self.input.len() >= SMALL_INPUT && !self.has_large_input()
    }

    /// Whether the buffer is a large one.
    #[must_use]
    pub fn has_large_input(&self) -> bool {
        self.input.capacity() > SMALL_INPUT
    }

    fn enter(&mut self, state: State, now: Milliseconds, time: Milliseconds) {
        self.state = state;
        self.since = now;
        self.deadline = now.wrapping_add(time);
    }

    /// Ends the connection as if it had never been: the kernel forgets what it still holds for
    /// the client, which a slow client would make it hold for minutes.
    pub fn abort(&mut self) {
        let _ = sockopt::set_socket_linger(&self.socket, Some(Duration::ZERO));
        self.close();
    }

    /// Ends the connection.
    pub fn close(&mut self) {
        self.state = State::Closed;
        self.page = None;
    }

    /// Takes what the client has sent.
    pub fn receive(&mut self, now: Milliseconds) {
        if self.state == State::Lingering {
            return self.discard();
        }
        if self.input.len() == self.input.capacity() {
            let limit = if self.input.capacity() < SMALL_INPUT { SMALL_INPUT } else { HEAD_LIMIT };
            self.input.reserve_exact(limit.saturating_sub(self.input.len()));
        }
        match rustix::io::read(&self.socket, spare_capacity(&mut self.input)) {
            Ok(0) => self.close(),
            Ok(_) => {
                let skipped = self.skip.min(self.input.len());
                self.input.drain(..skipped);
                self.skip = self.skip.saturating_sub(skipped);
                self.unread = !self.input.is_empty();
                if self.state == State::Idle {
                    self.enter(State::Receiving, now, REQUEST_TIME);
                } else if skipped > 0 && self.skip == 0 && !self.unread {
                    self.enter(State::Idle, now, IDLE_TIME);
                }
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.close(),
        }
    }

    /// Takes a request of `head` bytes and its body off the input.
    pub fn consume(&mut self, head: usize, body: usize) {
        let whole = head.saturating_add(body);
        let here = whole.min(self.input.len());
        self.input.drain(..here);
        self.skip = whole.saturating_sub(here);
        self.unread = !self.input.is_empty();
    }

    /// Begins to send what `output` and `page` hold, and closes the connection after that if
    /// `close` is set.
    pub fn answer(&mut self, close: bool, now: Milliseconds) {
        self.sent = 0;
        self.close = close;
        self.answered = true;
        self.moved = now;
        self.enter(State::Sending, now, ANSWER_TIME);
    }

    /// Sends as much as the client takes.
    pub fn send(&mut self, now: Milliseconds) {
        while self.state == State::Sending {
            let head = self.output.get(self.sent..).filter(|head| !head.is_empty());
            let sent = self.sent.saturating_sub(self.output.len());
            let page = self.page.iter().flat_map(|page| page.text.pieces(sent));
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut count = 0_usize;
            for (slice, piece) in slices.iter_mut().zip(head.into_iter().chain(page)) {
                *slice = IoSlice::new(piece);
                count = count.saturating_add(1);
            }
            if count == 0 {
                return self.finish(now);
            }
            match rustix::io::writev(&self.socket, slices.get(..count).unwrap_or_default()) {
                Ok(sent) => {
                    self.sent = self.sent.saturating_add(sent);
                    self.moved = now;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.close(),
            }
        }
    }

    /// The answer was taken.
    fn finish(&mut self, now: Milliseconds) {
        self.page = None;
        self.output.clear();
        if self.output.capacity() > SMALL_INPUT {
            self.output = Vec::new();
        }
        if self.close {
            return self.hang_up(now);
        }
        if self.input.is_empty() && self.has_large_input() {
            self.input = Vec::new();
        }
        if self.input.is_empty() && self.skip == 0 {
            self.enter(State::Idle, now, IDLE_TIME);
        } else {
            self.enter(State::Receiving, now, REQUEST_TIME);
        }
    }

    /// Closes the connection, or waits a moment for the client's end of it where a client may
    /// still be sending.
    fn hang_up(&mut self, now: Milliseconds) {
        if self.input.is_empty() && self.skip == 0 {
            return self.close();
        }
        self.input = Vec::new();
        self.unread = false;
        self.skip = LINGER_BYTES;
        match rustix::net::shutdown(&self.socket, Shutdown::Write) {
            Ok(()) => self.enter(State::Lingering, now, LINGER_TIME),
            Err(_) => self.close(),
        }
    }

    fn discard(&mut self) {
        let mut bytes = [0_u8; 1024];
        // A few at a time: there are others to be served.
        for _ in 0..8 {
            match rustix::io::read(&self.socket, &mut bytes) {
                Ok(read) if read > 0 && read < self.skip => self.skip = self.skip.saturating_sub(read),
                Err(Errno::AGAIN | Errno::INTR) => return,
                Ok(_) | Err(_) => return self.close(),
            }
        }
    }

    /// Whether the client's address is one of this machine's own.
    #[must_use]
    pub fn is_from_here(socket: &OwnedFd, peer: IpAddr) -> bool {
        peer.is_loopback()
            || rustix::net::getsockname(socket)
                .and_then(SocketAddr::try_from)
                .is_ok_and(|own| own.ip().to_canonical() == peer)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// One client, as far as fairness goes: whoever has an IPv6 address has 2^64 of them.
fn network(peer: IpAddr) -> u64 {
    match peer {
        IpAddr::V4(four) => four.to_bits().into(),
        IpAddr::V6(six) => u64::try_from(six.to_bits() >> 64).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::super::sample::{Tiny, connection, server};

    #[test]
    fn a_body_that_comes_late_is_no_request() {
        let mut tiny = Tiny;
        let mut server = server(&mut tiny);
        let (mut kept, mut client) = connection("192.0.2.1");
        let body = ["GET /abse", "nt HTTP/1.1\r\nHost: a\r\n\r\n"];
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.concat().len());
        for part in [&head, body[0], body[1], "GET /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"] {
            client.write_all(part.as_bytes()).unwrap();
            server.attend(&mut kept, true, false, 1);
        }
        assert!(kept.is_closed());
        drop(kept);
        let mut answers = String::new();
        client.read_to_string(&mut answers).unwrap();
        assert_eq!((answers.matches("HTTP/1.1 200 OK").count(), answers.matches("HTTP/1.1 ").count()), (2, 2));
    }

    #[test]
    fn the_room_of_a_large_request_is_given_back() {
        let mut tiny = Tiny;
        let mut server = server(&mut tiny);
        let (mut kept, mut client) = connection("192.0.2.1");
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(4000));
        client.write_all(request.as_bytes()).unwrap();
        server.attend(&mut kept, true, false, 1);
        server.attend(&mut kept, true, false, 1);
        assert!(!kept.is_closed() && kept.input.is_empty() && !kept.has_large_input());
    }
}
