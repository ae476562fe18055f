//! The HTTP server: one thread, one `poll`, and a bound on everything a client can make it hold.
//!
//! `tiny_http::Server` starts a thread for each connection, waits for ever, and ends the process
//! at some requests, so of that package only the response is used. Here the table of connections
//! is fixed; whoever is slowest leaves it when somebody new comes, and among the slow the one
//! whose machine holds the most connections, so that no machine can shut out another. Each state
//! of a connection has a deadline for the whole of it. Pages are rendered into a few buffers that
//! are used again, and read from there by all who ask for the same at once.

pub mod access;
mod connection;
pub mod health;
mod listen;
mod pages;
pub mod request;
mod response;

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::SocketFlags;
use rustix::process::Resource;
use tiny_http::StatusCode;

use crate::format::page::Sorted;
use crate::process::syscalls;
use crate::server::access::Access;
use connection::Connection;
pub use listen::{Listen, Listener, bind};
use pages::{Page, Pages};
use request::{Method, Parsed, Request};
use response::{Afterwards, Head};

/// Milliseconds since the server began, by the clock that nobody sets.
type Milliseconds = u64;

/// The most connections that are open at once.
const CONNECTIONS: usize = 64;
/// The most sockets that listen.
const LISTENERS: usize = 16;
/// Connections of the table that may have sent more than fits into a small buffer.
const LARGE_INPUTS: usize = 8;
/// Connections accepted before the others get their turn again.
const ACCEPTED_AT_ONCE: usize = 32;
/// How long a listener rests when the kernel has no descriptor or memory for its next connection.
const REST: Milliseconds = 100;
/// How long a new connection has its place for sure: its request follows it.
const GRACE: Milliseconds = 10;
/// A reader that takes nothing for longer makes room when `max_requests` is reached.
const STALLED: Milliseconds = 250;

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
pub struct Settings {
    /// The path of the page, `/metrics` by default.
    pub telemetry_path: String,
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
pub fn serve(mut listeners: Vec<Listener>, settings: Settings, exporter: &mut dyn Exporter) -> Result<(), String> {
    let watcher = listen::watch_interfaces(&listeners);
    let mut server = Server::new(listeners.len(), settings, exporter);
    loop {
        let ready = server.wait(&listeners, watcher.as_ref());
        if let Some(watcher) = watcher.as_ref().filter(|_| ready.watcher) {
            listen::drain(watcher);
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
    settings: Settings,
    exporter: &'a mut dyn Exporter,
    began: Instant,
    connections: Vec<Connection>,
    /// Those accepted in this turn.
    newcomers: Vec<Connection>,
    /// The most connections that the limit of descriptors leaves room for.
    capacity: usize,
    pages: Pages,
    handler: HandlerMetrics,
    metrics_head: Head,
    landing: String,
    /// Until when no connections are accepted.
    rest: Option<Milliseconds>,
}

impl<'a> Server<'a> {
    fn new(listeners: usize, settings: Settings, exporter: &'a mut dyn Exporter) -> Self {
        let descriptors = syscalls::limits(Resource::Nofile)[0];
        let landing = landing_page(&settings.telemetry_path);
        Self {
            settings,
            exporter,
            began: Instant::now(),
            connections: Vec::with_capacity(CONNECTIONS),
            newcomers: Vec::with_capacity(ACCEPTED_AT_ONCE),
            capacity: capacity(descriptors, listeners),
            pages: Pages::default(),
            handler: HandlerMetrics::default(),
            metrics_head: Head::new(StatusCode(200), response::METRICS, &[]),
            landing,
            rest: None,
        }
    }

    fn now(&self) -> Milliseconds {
        let elapsed = self.began.elapsed();
        elapsed.as_secs().saturating_mul(1000).saturating_add(elapsed.subsec_millis().into())
    }

    /// Deals with what has happened.
    fn turn(&mut self, listeners: &[Listener], ready: &Ready) {
        if syscalls::hung_up() {
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
            self.pages.end_turn();
        }
        self.pages.trim();
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
        match poll(polled, timeout.as_ref()) {
            Ok(_) => {}
            // A signal, which is looked at before the next wait.
            Err(Errno::INTR) => return ready,
            // No memory: the kernel's, for this call. Rest rather than ask at once; for nothing, it takes none.
            Err(_) => {
                let _ = poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: (REST * 1_000_000) as _ }));
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

    fn timeout(&self) -> Option<Timespec> {
        if self.connections.iter().any(|connection| connection.unread && connection.is_listening()) {
            return Some(Timespec { tv_sec: 0, tv_nsec: 0 });
        }
        let next = self.connections.iter().map(Connection::deadline).chain(self.rest).min()?;
        let left = next.saturating_sub(self.now()).min(86_400_000);
        Timespec::try_from(Duration::from_millis(left)).ok()
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
                refuse(connection, StatusCode(408), now);
            } else if connection.is_sending() {
                connection.abort();
            } else {
                connection.close();
            }
        }
    }

    fn read_request(&mut self, connection: &mut Connection, now: Milliseconds) {
        connection.unread = false;
        // Taken out, as the request borrows it while the answer is written beside it.
        let input = std::mem::take(&mut connection.input);
        let parsed = request::parse(&input);
        let taken = match parsed {
            Parsed::Partial => None,
            Parsed::Whole(ref request, used) => {
                let close = self.answer(connection, request, now);
                Some((used, request.body, close))
            }
            Parsed::Refused(status) => {
                if connection.admitted {
                    write_text(connection, status, &[], &reason(status), Afterwards::Close, Method::Get);
                }
                Some((0, 0, true))
            }
        };
        connection.input = input;
        if let Some((head, body, close)) = taken {
            connection.consume(head, body);
            if connection.output.is_empty() {
                connection.close();
            } else {
                connection.answer(close, now);
                connection.send(now);
            }
        }
    }

    /// Writes the answer to `request` beside the connection's input, or nothing if it gets none.
    /// Returns whether the connection ends with it.
    fn answer(&mut self, connection: &mut Connection, request: &Request<'_>, now: Milliseconds) -> bool {
        let method = request.method;
        // A client that waits to be asked for its body is not asked, and may send it or not.
        let close = !request.keep_alive || request.waits;
        let afterwards = match (close, request.old) {
            (true, _) => Afterwards::Close,
            (false, true) => Afterwards::KeepOld,
            (false, false) => Afterwards::Keep,
        };
        let health = request.path == HEALTH_PATH;
        if !(health && connection.local) {
            if !connection.admitted {
                return true;
            }
            if syscalls::hung_up() {
                self.reload();
            }
            if !self.settings.access.authorizes(request.authorization) {
                let challenge = [("WWW-Authenticate", self.settings.access.challenge())];
                write_text(connection, StatusCode(401), &challenge, "Unauthorized\n", afterwards, method);
                return close;
            }
        }
        if method == Method::Other {
            let allow = [("Allow", "GET, HEAD")];
            write_text(connection, StatusCode(405), &allow, "Method Not Allowed\n", afterwards, method);
        } else if request.path == self.settings.telemetry_path {
            self.scrape(connection, request, afterwards, now);
        } else if health {
            write_text(connection, StatusCode(200), &[], "router_exporter is healthy.\n", afterwards, method);
        } else if request.path == "/" {
            let head = Head::new(StatusCode(200), response::HTML, &[]);
            write(connection, &head, self.landing.as_bytes(), afterwards, method);
        } else {
            write_text(connection, StatusCode(404), &[], "404 page not found\n", afterwards, method);
        }
        close
    }

    fn scrape(
        &mut self,
        connection: &mut Connection,
        request: &Request<'_>,
        afterwards: Afterwards,
        now: Milliseconds,
    ) {
        let limit = self.settings.max_requests;
        if limit > 0 && self.in_flight() >= limit && !self.make_room_for_scrape(connection.peer, now) {
            self.handler.unavailable = self.handler.unavailable.wrapping_add(1);
            let text = format!("Limit of concurrent requests reached ({limit}), try again later.\n");
            return write_text(connection, StatusCode(503), &[], &text, afterwards, request.method);
        }
        match self.page(request.query, now) {
            Ok(page) => {
                self.handler.ok = self.handler.ok.wrapping_add(1);
                self.metrics_head.write(page.text.len(), afterwards, &mut connection.output);
                connection.page = (request.method == Method::Get).then_some(page);
            }
            Err(mut text) => {
                text.push('\n');
                write_text(connection, StatusCode(400), &[], &text, afterwards, request.method);
            }
        }
    }

    fn page(&mut self, query: &str, now: Milliseconds) -> Result<Rc<Page>, String> {
        if let Some(page) = self.pages.shared(query, now) {
            return Ok(page);
        }
        while !self.pages.has_room() {
            // All who read the page of the slowest reader go with it.
            let Some(page) = self.slowest(now, &|reader| reader.page.is_some()).and_then(|reader| reader.page.clone())
            else {
                break;
            };
            for reader in &mut self.connections {
                if reader.page.as_ref().is_some_and(|other| Rc::ptr_eq(other, &page)) {
                    reader.abort();
                }
            }
        }
        let mut handler = self.handler;
        handler.in_flight = u64::try_from(self.in_flight()).unwrap_or_default().saturating_add(1);
        let Self { pages, exporter, .. } = self;
        pages.render(query, now, |text| exporter.render(query, &handler, text))
    }

    /// Scrapes that are being sent.
    fn in_flight(&self) -> usize {
        self.connections.iter().filter(|connection| connection.page.is_some()).count()
    }

    /// Drops a scrape of a client that has more of them under way than `peer`, or one that does not
    /// move, when as many are under way as may be.
    fn make_room_for_scrape(&mut self, peer: u64, now: Milliseconds) -> bool {
        match self.slowest(now, &|reader| reader.page.is_some()) {
            Some(reader) if reader.peer != peer || reader.stalled(now) > STALLED => {
                reader.abort();
                true
            }
            _ => false,
        }
    }

    /// Drops the slowest of those with a large request if there are as many as may be.
    fn make_room_for_input(&mut self, now: Milliseconds) {
        let large = self.connections.iter().filter(|one| one.has_large_input() && !one.is_closed()).count();
        if large >= LARGE_INPUTS
            && let Some(slowest) = self.slowest(now, &Connection::has_large_input)
        {
            slowest.abort();
            slowest.input = Vec::new();
        }
    }

    /// Of the connections that `counts` picks: of those whose client has the most of them, the
    /// one that has been waited for longest.
    fn slowest(&mut self, now: Milliseconds, counts: &dyn Fn(&Connection) -> bool) -> Option<&mut Connection> {
        let picked = |one: &Connection| !one.is_closed() && counts(one);
        let rank = |one: &Connection| {
            let same = self.connections.iter().filter(|other| picked(other) && other.peer == one.peer).count();
            (same, one.waiting(now))
        };
        let at = self
            .connections
            .iter()
            .enumerate()
            .filter(|(_, one)| picked(one))
            .max_by_key(|(_, one)| rank(one))
            .map(|(at, _)| at)?;
        self.connections.get_mut(at)
    }

    /// How many newcomers find a place: all but those of others who are as new.
    fn room(&self, now: Milliseconds) -> usize {
        let new = self.connections.iter().filter(|one| one.is_new(now, GRACE)).count();
        self.capacity.saturating_sub(new)
    }

    /// Accepts some of the connections that wait at a listener.
    fn accept(&mut self, listener: &Listener, now: Milliseconds) {
        let most = self.room(now).min(ACCEPTED_AT_ONCE);
        if most == 0 {
            self.rest = Some(now.saturating_add(GRACE));
        }
        while self.newcomers.len() < most {
            let accepted = rustix::net::acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK);
            let (socket, peer) = match accepted {
                Ok((socket, peer)) => (socket, peer),
                Err(Errno::AGAIN) => return,
                // The client has gone again, or a signal came.
                Err(Errno::CONNABORTED | Errno::INTR | Errno::PROTO | Errno::PERM) => return,
                // No descriptor or no memory is left: the slowest client gives back its own.
                Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) if self.drop_slowest(now) => continue,
                Err(_) => {
                    // Asking again at once would keep the processor busy for nothing.
                    self.rest = Some(now.saturating_add(REST));
                    return;
                }
            };
            let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok()).map(|peer| peer.ip().to_canonical());
            let Some(peer) = peer else { continue };
            self.welcome(socket, peer, now);
        }
    }

    fn welcome(&mut self, socket: OwnedFd, peer: IpAddr, now: Milliseconds) {
        let access = &self.settings.access;
        let admitted = access.admits(peer);
        let open = admitted && access.credentials.is_empty();
        // This machine's own question whether the exporter is well is always answered.
        let local = !open && Connection::is_from_here(&socket, peer);
        if !admitted && !local {
            return;
        }
        self.newcomers.push(Connection::new(socket, peer, admitted, local, now));
    }

    /// Serves a new connection and gives it a place in the table.
    fn seat(&mut self, mut connection: Connection, now: Milliseconds) {
        // Its request is often here already. Answered at once, it cannot be pushed out of the table
        // by whoever opens connections faster.
        self.attend(&mut connection, true, false, now);
        if connection.is_closed() {
            return;
        }
        if self.connections.len() >= self.capacity {
            self.drop_slowest(now);
        }
        self.connections.push(connection);
    }

    /// Drops the slowest client; false if there is none.
    fn drop_slowest(&mut self, now: Milliseconds) -> bool {
        let Some(slowest) = self.slowest(now, &|_| true) else { return false };
        slowest.abort();
        self.connections.retain(|connection| !connection.is_closed());
        true
    }

    fn reload(&mut self) {
        if self.settings.access.credentials.is_empty() {
            return;
        }
        match self.settings.access.reload() {
            Ok(()) => log::info!("msg=\"credentials read again\""),
            Err(error) => log::error!("msg=\"credentials not read again, the old ones stay\" err=\"{error}\""),
        }
    }
}

/// Connections that fit into a limit of descriptors: the collectors need some, and each listener
/// and standard stream has one.
fn capacity(descriptors: u64, listeners: usize) -> usize {
    let free = usize::try_from(descriptors).unwrap_or(usize::MAX).saturating_sub(listeners).saturating_sub(3);
    (free / 4).clamp(1, CONNECTIONS)
}

/// Answers a request that was not understood, or not sent whole, and ends the connection.
fn refuse(connection: &mut Connection, status: StatusCode, now: Milliseconds) {
    if !connection.admitted {
        return connection.close();
    }
    write_text(connection, status, &[], &reason(status), Afterwards::Close, Method::Get);
    connection.answer(true, now);
    connection.send(now);
}

fn reason(status: StatusCode) -> String {
    format!("{} {}\n", status.0, status.default_reason_phrase())
}

fn write_text(
    connection: &mut Connection,
    status: StatusCode,
    headers: &[(&str, &str)],
    text: &str,
    afterwards: Afterwards,
    method: Method,
) {
    let head = Head::new(status, response::TEXT, headers);
    write(connection, &head, text.as_bytes(), afterwards, method);
}

fn write(connection: &mut Connection, head: &Head, body: &[u8], afterwards: Afterwards, method: Method) {
    head.write(body.len(), afterwards, &mut connection.output);
    if method != Method::Head {
        connection.output.extend_from_slice(body);
    }
}

/// The page at `/`, for a person who tries the port in a browser.
fn landing_page(telemetry_path: &str) -> String {
    let mut path = String::new();
    for letter in telemetry_path.chars() {
        match letter {
            '&' => path.push_str("&amp;"),
            '<' => path.push_str("&lt;"),
            '"' => path.push_str("&quot;"),
            _ => path.push(letter),
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "<!DOCTYPE html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Router Exporter</title>\n\
         <style>body {{ font-family: sans-serif; margin: 1rem; }}</style>\n\
         </head>\n\
         <body>\n\
         <h1>Router Exporter</h1>\n\
         <p>A router's own metrics, for Prometheus. Version {version}.</p>\n\
         <ul>\n\
         <li><a href=\"{path}\">Metrics</a></li>\n\
         <li><a href=\"{HEALTH_PATH}\">Health</a></li>\n\
         </ul>\n\
         </body>\n\
         </html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    #[test]
    fn the_table_leaves_descriptors_to_the_collectors() {
        for (descriptors, capacity_then) in [(16, 3), (8, 1), (0, 1), (64, 15), (1024, 64), (u64::MAX, 64)] {
            assert_eq!(capacity(descriptors, 1), capacity_then, "{descriptors}");
        }
    }

    /// A page of one byte.
    struct Tiny;

    impl Exporter for Tiny {
        fn render(&mut self, _: &str, _: &HandlerMetrics, page: &mut Sorted) -> Result<(), String> {
            page.push(b"\n");
            Ok(())
        }
    }

    /// A server without a listener, whose clock is the test's.
    fn server(exporter: &mut Tiny) -> Server<'_> {
        let settings = Settings { telemetry_path: "/metrics".into(), max_requests: 40, access: Access::default() };
        Server::new(1, settings, exporter)
    }

    /// A connection that came at the time 0, and the client's end of it.
    fn connection(peer: &str) -> (Connection, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (Connection::new(ours.into(), peer.parse().unwrap(), true, false, 0), theirs)
    }

    fn answer(mut client: UnixStream) -> String {
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_request_that_is_not_whole_in_time_is_told_so() {
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

    #[test]
    fn whoever_has_the_most_connections_makes_room_first() {
        let mut tiny = Tiny;
        let mut server = server(&mut tiny);
        let mut clients = Vec::new();
        for (peer, since) in
            [("192.0.2.1", 0), ("192.0.2.2", 1), ("192.0.2.2", 2), ("2001:db8::1", 3), ("2001:db8::2", 4)]
        {
            let (ours, theirs) = UnixStream::pair().unwrap();
            clients.push(theirs);
            let peer: IpAddr = peer.parse().unwrap();
            server.connections.push(Connection::new(ours.into(), peer, true, false, since));
        }
        let mut dropped = Vec::new();
        while let Some(slowest) = server.slowest(10, &|_| true) {
            dropped.push(10 - slowest.waiting(10));
            slowest.abort();
        }
        // One of each pair, older first; an IPv6 network is one client. Then the oldest.
        assert_eq!(dropped, [1, 3, 0, 2, 4]);
    }

    #[test]
    fn a_new_connection_has_time_to_ask() {
        let mut tiny = Tiny;
        let mut server = server(&mut tiny);
        server.capacity = 3;
        let mut clients = Vec::new();
        for _ in 0..3 {
            let (connection, client) = connection("192.0.2.1");
            server.connections.push(connection);
            clients.push(client);
        }
        assert_eq!((server.room(GRACE - 1), server.room(GRACE)), (0, 3));
        // Whoever was answered has had what it came for.
        clients[0].write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut asked = server.connections.remove(0);
        server.attend(&mut asked, true, false, 1);
        server.connections.push(asked);
        assert_eq!(server.room(GRACE - 1), 1);
    }

    #[test]
    fn the_landing_page_links_to_any_path() {
        let page = landing_page("/a\"<b>&c");
        assert!(page.contains("<a href=\"/a&quot;&lt;b>&amp;c\">"), "{page}");
    }
}
