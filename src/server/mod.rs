//! The HTTP server: one thread, one `poll`, and a bound on everything a client can make it hold.
//!
//! `tiny_http::Server` starts a thread for each connection, waits for ever, and ends the process
//! at some requests, so of that package only the response is used. Here the table of connections
//! is fixed; whoever is slowest leaves it when somebody new comes, and among the slow the one
//! whose machine holds the most connections, so that no machine can shut out another. Each state
//! of a connection has a deadline for the whole of it. Renderings are rendered into a few buffers that
//! are used again, and read from there by all who ask for the same at once.

pub mod access;
mod admission;
mod connection;
pub mod health;
mod interfaces;
mod landing;
mod listen;
mod renderings;
pub mod request;
mod response;
mod routes;

use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::Resource;
use tiny_http::StatusCode;

use crate::format::Sorted;
use crate::process::syscalls;
use crate::server::access::Access;
use connection::Connection;
pub use listen::{Listen, Listener, bind};
use renderings::Renderings;

/// Milliseconds since the server began, by the clock that nobody sets: no sum of them overflows.
type Milliseconds = u64;

/// The most connections that are open at once.
const CONNECTIONS: usize = 64;
/// The most sockets that listen.
const LISTENERS: usize = 16;
/// Connections accepted before the others get their turn again.
const ACCEPTED_AT_ONCE: usize = 32;
/// How long a listener rests when the kernel has no descriptor or memory for its next connection.
const REST: Milliseconds = 100;

/// The path that says that the process answers.
pub const HEALTH_PATH: &str = "/-/healthy";

/// What the server asks of the program behind it.
pub trait Exporter {
    /// Writes a page in the Prometheus text format in place of `page`. `query` is the raw query string
    /// of the URL, still percent-encoded, without `?`.
    ///
    /// # Errors
    /// The body of an answer with status 400.
    fn render(&mut self, query: &str, handler: &HandlerMetrics, page: &mut Sorted) -> Result<(), String>;
}

/// By reference, so that the server's exporter has no end of its own and no code for it.
impl<E: Exporter> Exporter for &mut E {
    fn render(&mut self, query: &str, handler: &HandlerMetrics, page: &mut Sorted) -> Result<(), String> {
        (**self).render(query, handler, page)
    }
}

/// `promhttp_metric_handler_*`: scrapes answered by status since the start, and those under way.
#[derive(Clone, Copy, Debug, Default)]
pub struct HandlerMetrics {
    /// Answered with 200.
    pub ok: u64,
    /// Answered with 500.
    pub internal_error: u64,
    /// Answered with 503.
    pub unavailable: u64,
    /// Begun and not yet answered whole.
    pub in_flight: u64,
}

/// What the options say to the server.
#[derive(Debug)]
pub struct Policy {
    /// The path of the page, `/metrics` by default.
    pub telemetry_path: &'static str,
    /// The most scrapes that are answered at once; 0 is no limit.
    pub max_requests: usize,
    /// Who may ask.
    pub access: Access,
}

/// Serves `exporter`'s page for ever.
///
/// # Errors
/// An interface that was listened on by its name has come again, and the process may not listen on
/// the new one. Nothing else ends it: what clients and kernel do to it is survived.
pub fn serve(mut listeners: Vec<Listener>, policy: &mut Policy, exporter: &mut dyn Exporter) -> Result<(), String> {
    let watcher = interfaces::watch(&listeners);
    let mut server = Server::new(listeners.len(), policy, exporter);
    loop {
        let ready = server.wait(&listeners, watcher.as_ref());
        if let Some(watcher) = watcher.as_ref().filter(|_| ready.watcher) {
            interfaces::drain(watcher);
            for listener in &mut listeners {
                listener.follow_interface()?;
            }
        }
        server.turn(&listeners, &ready);
    }
}

/// What a wait has found to be ready.
struct Ready {
    connections: [bool; CONNECTIONS],
    /// Whether one of the listeners is.
    listeners: bool,
    watcher: bool,
}

struct Server<'a> {
    policy: &'a mut Policy,
    exporter: &'a mut dyn Exporter,
    began: Instant,
    connections: Vec<Connection>,
    /// Those accepted in this turn.
    newcomers: Vec<Connection>,
    /// The most connections that the limit of descriptors leaves room for.
    capacity: usize,
    renderings: Renderings,
    handler: HandlerMetrics,
    /// Until when no connections are accepted.
    rest: Option<Milliseconds>,
}

impl<'a> Server<'a> {
    fn new(listeners: usize, policy: &'a mut Policy, exporter: &'a mut dyn Exporter) -> Self {
        let descriptors = syscalls::limits(Resource::Nofile)[0];
        Self {
            policy,
            exporter,
            began: Instant::now(),
            connections: Vec::with_capacity(CONNECTIONS),
            newcomers: Vec::with_capacity(ACCEPTED_AT_ONCE),
            capacity: admission::capacity(descriptors, listeners),
            renderings: Renderings::default(),
            handler: HandlerMetrics::default(),
            rest: None,
        }
    }

    fn now(&self) -> Milliseconds {
        let elapsed = self.began.elapsed();
        elapsed.as_secs().wrapping_mul(1000).wrapping_add(elapsed.subsec_millis().into())
    }

    /// Deals with what has happened.
    fn turn(&mut self, listeners: &[Listener], ready: &Ready) {
        if syscalls::reload_requested() {
            self.reload();
        }
        let now = self.now();
        // All who are served in this turn have come before the first of them is, so that none is shown
        // a page from before it asked.
        if ready.listeners {
            for listener in listeners {
                self.accept(listener, now);
            }
        }
        let mut newcomers = std::mem::take(&mut self.newcomers);
        // Downwards, as a connection that was dealt with goes to the end.
        for at in (0..self.connections.len()).rev() {
            let is_ready = ready.connections.get(at).copied().unwrap_or_default();
            let Some(connection) = self.connections.get(at) else { continue };
            let due = connection.deadline() <= now;
            if is_ready || due || connection.unread || connection.is_closed() {
                let mut connection = self.connections.swap_remove(at);
                self.attend(&mut connection, is_ready, due, now);
                self.connections.push(connection);
            }
        }
        self.connections.retain(|connection| !connection.is_closed());
        // Others wait to be accepted, who came together with these.
        let is_flooded = newcomers.len() >= self.capacity.min(ACCEPTED_AT_ONCE);
        for connection in newcomers.drain(..) {
            self.seat(connection, now);
        }
        self.newcomers = newcomers;
        if !is_flooded {
            self.renderings.end_turn();
        }
        self.renderings.trim();
    }

    /// Waits until a connection, a listener or the watcher of interfaces is ready, or a deadline has
    /// come: for ever if there is none.
    fn wait(&mut self, listeners: &[Listener], watcher: Option<&OwnedFd>) -> Ready {
        let mut ready = Ready { connections: [false; CONNECTIONS], listeners: false, watcher: false };
        let resting = self.rest.is_some_and(|until| self.now() < until);
        if !resting {
            self.rest = None;
        }
        let timeout = self.timeout();
        let awaited = if resting { PollFlags::empty() } else { PollFlags::IN };
        let mut waiting = self
            .connections
            .iter()
            .map(|connection| PollFd::new(connection, connection.interest()))
            .chain(listeners.iter().map(|listener| PollFd::new(listener, awaited)))
            .chain(watcher.map(|watcher| PollFd::new(watcher, PollFlags::IN)));
        let Some(first) = listeners.first() else { return ready };
        let mut count = 0_usize;
        let mut polled: [PollFd<'_>; CONNECTIONS + LISTENERS + 1] = std::array::from_fn(|_| match waiting.next() {
            Some(one) => {
                count = count.saturating_add(1);
                one
            }
            None => PollFd::new(first, PollFlags::empty()),
        });
        drop(waiting);
        let polled = polled.get_mut(..count).unwrap_or_default();
        match syscalls::poll(polled, timeout) {
            Ok(_) => {}
            // A signal, which is looked at before the next wait.
            Err(Errno::INTR) => return ready,
            // No memory: the kernel's, for this call. Rest rather than ask at once; for nothing, it takes none.
            Err(_) => {
                let _ = syscalls::poll(&mut [], Some(REST));
                return ready;
            }
        }
        let mut happened = polled.iter().map(|one| !one.revents().is_empty());
        for (to, from) in ready.connections.iter_mut().zip(happened.by_ref().take(self.connections.len())) {
            *to = from;
        }
        ready.listeners = happened.by_ref().take(listeners.len()).fold(false, |any, one| any | one);
        ready.watcher = happened.next().unwrap_or_default();
        ready
    }

    /// How long to wait, in milliseconds.
    fn timeout(&self) -> Option<Milliseconds> {
        if self.connections.iter().any(|connection| connection.unread && connection.is_listening()) {
            return Some(0);
        }
        let next = self.connections.iter().map(Connection::deadline).chain(self.rest).min()?;
        Some(next.saturating_sub(self.now()))
    }

    /// Deals with one connection: a step of what it is doing, and at most one request.
    fn attend(&mut self, connection: &mut Connection, ready: bool, due: bool, now: Milliseconds) {
        if connection.is_closed() {
            return;
        }
        if ready && connection.is_sending() {
            connection.send(now);
        } else if ready && !connection.unread {
            if connection.needs_room() {
                self.make_room_for_input(now);
            }
            connection.receive(now);
        }
        if connection.unread && connection.is_listening() {
            self.read_request(connection, now);
        }
        if due && !connection.is_closed() && connection.deadline() <= now {
            if connection.has_begun() {
                routes::refuse(connection, StatusCode(408), now);
            } else if connection.is_sending() {
                connection.abort();
            } else {
                connection.close();
            }
        }
    }
}

#[cfg(test)]
mod sample {
    use std::os::unix::net::UnixStream;

    use super::*;

    /// A page of one byte.
    pub struct Tiny;

    impl Exporter for Tiny {
        fn render(&mut self, _: &str, _: &HandlerMetrics, page: &mut Sorted) -> Result<(), String> {
            page.push(b"\n");
            Ok(())
        }
    }

    /// A server without a listener, whose clock is the test's.
    pub fn server(exporter: &mut Tiny) -> Server<'_> {
        let policy = Policy { telemetry_path: "/metrics", max_requests: 40, access: Access::default() };
        Server::new(1, Box::leak(Box::new(policy)), exporter)
    }

    /// A connection that came at the time 0, and the client's end of it.
    pub fn connection(peer: &str) -> (Connection, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (Connection::new(ours.into(), peer.parse().unwrap(), true, false, 0), theirs)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::sample::{Tiny, connection, server};

    fn answer(mut client: UnixStream) -> String {
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_request_that_is_not_whole_in_time_is_reported_so() {
        let mut tiny = Tiny;
        let mut server = server(&mut tiny);
        let (mut slow, mut client) = connection("192.0.2.1");
        client.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
        server.attend(&mut slow, true, false, 1000);
        // More bytes do not buy more time.
        client.write_all(b"Host: ").unwrap();
        server.attend(&mut slow, true, false, 9000);
        assert_eq!(slow.deadline(), 10_000);
        server.attend(&mut slow, false, true, 10_000);
        // It is given a moment to read that.
        assert!(!slow.is_closed());
        server.attend(&mut slow, false, true, 11_000);
        assert!(slow.is_closed());
        drop(slow);
        assert!(answer(client).starts_with("HTTP/1.1 408 "));
    }

    #[test]
    fn silence_is_answered_by_silence() {
        let mut tiny = Tiny;
        let mut server = server(&mut tiny);
        let (mut silent, client) = connection("192.0.2.1");
        server.attend(&mut silent, false, true, 10_000);
        assert!(silent.is_closed());
        drop(silent);
        assert_eq!(answer(client), "");
    }

    #[test]
    fn a_kept_connection_outlasts_the_longest_interval_between_scrapes() {
        let mut tiny = Tiny;
        let mut server = server(&mut tiny);
        let (mut kept, mut client) = connection("192.0.2.1");
        for now in [0, 200_000, 400_000] {
            client.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            server.attend(&mut kept, true, false, now);
            assert_eq!(kept.deadline(), now + 300_000);
        }
        server.attend(&mut kept, false, true, 700_000);
        assert!(kept.is_closed());
        drop(kept);
        assert_eq!(answer(client).matches("HTTP/1.1 200 OK").count(), 3);
    }

    #[test]
    fn an_answer_that_is_not_taken_in_time_is_dropped() {
        let mut tiny = Tiny;
        let mut server = server(&mut tiny);
        let (mut slow, mut client) = connection("192.0.2.1");
        // Of the same page again and again, until no more of them fit.
        let mut now = 0;
        while !slow.is_sending() {
            client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            now += 1;
            server.attend(&mut slow, true, false, now);
        }
        server.attend(&mut slow, true, false, now + 29_999);
        assert!(slow.is_sending());
        server.attend(&mut slow, false, true, now + 30_000);
        assert!(slow.is_closed());
    }
}
