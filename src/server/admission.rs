//! Who gets a place, and who must go when all are taken.
//!
//! Of those that could go it is always one of the client that has the most, so that no client can
//! shut out another, and of these the one that has been waited for longest.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::SocketFlags;

use super::connection::Connection;
use super::listen::Listener;
use super::{ACCEPTED_AT_ONCE, CONNECTIONS, Milliseconds, REST, Server};

/// Connections of the table that may have sent more than fits into a small buffer.
const LARGE_INPUTS: usize = 8;
/// How long a new connection has its place for sure: its request follows it.
const GRACE: Milliseconds = 10;
/// A reader that takes nothing for longer makes room when `max_requests` is reached.
const STALLED: Milliseconds = 250;

impl Server<'_> {
    /// Drops a scrape of a client that has more of them under way than `peer`, or one that does not
    /// move, when as many are under way as may be.
    pub(super) fn make_room_for_scrape(&mut self, peer: u64, now: Milliseconds) -> bool {
        match self.slowest(now, &|reader| reader.page.is_some()) {
            Some(reader) if reader.peer != peer || reader.stalled(now) > STALLED => {
                reader.abort();
                true
            }
            _ => false,
        }
    }

    /// Drops the slowest of those with a large request if there are as many as may be.
    pub(super) fn make_room_for_input(&mut self, now: Milliseconds) {
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
    pub(super) fn slowest(
        &mut self,
        now: Milliseconds,
        counts: &dyn Fn(&Connection) -> bool,
    ) -> Option<&mut Connection> {
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
    pub(super) fn room(&self, now: Milliseconds) -> usize {
        let new = self.connections.iter().filter(|one| one.is_new(now, GRACE)).count();
        self.capacity.saturating_sub(new)
    }

    /// Accepts some of the connections that wait at a listener.
    pub(super) fn accept(&mut self, listener: &Listener, now: Milliseconds) {
        let most = self.room(now).min(ACCEPTED_AT_ONCE);
        if most == 0 {
            self.rest = Some(now.wrapping_add(GRACE));
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
                    self.rest = Some(now.wrapping_add(REST));
                    return;
                }
            };
            let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok()).map(|peer| peer.ip().to_canonical());
            let Some(peer) = peer else { continue };
            self.welcome(socket, peer, now);
        }
    }

    pub(super) fn welcome(&mut self, socket: OwnedFd, peer: IpAddr, now: Milliseconds) {
        let access = &self.policy.access;
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
    pub(super) fn seat(&mut self, mut connection: Connection, now: Milliseconds) {
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
    pub(super) fn drop_slowest(&mut self, now: Milliseconds) -> bool {
        let Some(slowest) = self.slowest(now, &|_| true) else { return false };
        slowest.abort();
        self.connections.retain(|connection| !connection.is_closed());
        true
    }
}

/// Connections that fit into a limit of descriptors: the collectors need some, and each listener
/// and standard stream has one.
pub(super) fn capacity(descriptors: u64, listeners: usize) -> usize {
    let free = usize::try_from(descriptors).unwrap_or(usize::MAX).saturating_sub(listeners).saturating_sub(3);
    (free / 4).clamp(1, CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::rc::Rc;

    use rustix::net::{AddressFamily, SocketType, bind, socket, sockopt};

    use super::super::access::Network;
    use super::super::connection::SMALL_INPUT;
    use super::super::sample::{Tiny, connection, server};
    use super::*;

    #[test]
    fn the_table_leaves_descriptors_to_the_collectors() {
        for (descriptors, capacity_then) in [(16, 3), (8, 1), (0, 1), (64, 15), (1024, 64), (u64::MAX, 64)] {
            assert_eq!(capacity(descriptors, 1), capacity_then, "{descriptors}");
        }
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

    /// A socket whose own address is of a network that is for documents only.
    fn elsewhere() -> OwnedFd {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        sockopt::set_ip_freebind(&socket, true).unwrap();
        bind(&socket, &SocketAddr::from(([192, 0, 2, 1], 0))).unwrap();
        socket
    }

    #[test]
    fn who_is_this_machine_may_ask_whether_it_is_well() {
        let mut tiny = Tiny;
        let mut server = server(&mut tiny);
        server.policy.access.networks = vec![Network::parse("198.51.100.0/24").unwrap()].leak();
        for (peer, admitted, local) in [
            ("127.0.0.1", false, true),
            ("127.9.9.9", false, true),
            ("::1", false, true),
            ("192.0.2.1", false, true),
            ("192.0.2.2", false, false),
            ("2001:db8::1", false, false),
            ("198.51.100.7", true, false),
        ] {
            server.welcome(elsewhere(), peer.parse().unwrap(), 0);
            let found = server.newcomers.pop().map(|one| (one.admitted, one.local));
            // Who is neither is not let in at all.
            assert_eq!(found, (admitted || local).then_some((admitted, local)), "{peer}");
        }
    }

    #[test]
    fn a_reader_that_takes_nothing_makes_room_for_the_next_of_the_same_client() {
        let mut tiny = Tiny;
        let mut server = server(&mut tiny);
        let (mut reader, _client) = connection("192.0.2.1");
        let (peer, other) = (reader.peer, connection("192.0.2.2").0.peer);
        reader.page = Some(Rc::default());
        reader.answer(false, 1000);
        server.connections.push(reader);
        // It has waited for long, and a moment ago it took a part.
        assert!(!server.make_room_for_scrape(peer, 1000 + STALLED));
        assert!(server.connections[0].page.is_some());
        assert!(server.make_room_for_scrape(peer, 1001 + STALLED));
        assert!(server.connections[0].is_closed());
        // There is nobody left to drop.
        assert!(!server.make_room_for_scrape(peer, 1001 + STALLED));
        // Another client need not wait for that.
        let (mut reader, _client) = connection("192.0.2.1");
        reader.page = Some(Rc::default());
        reader.answer(false, 1000);
        server.connections.push(reader);
        assert!(server.make_room_for_scrape(other, 1000));
    }

    #[test]
    fn few_may_send_large_requests_at_once() {
        let mut tiny = Tiny;
        let mut server = server(&mut tiny);
        let mut clients = Vec::new();
        for number in 0..LARGE_INPUTS {
            let (mut connection, client) = connection(&format!("192.0.2.{number}"));
            connection.input.reserve_exact(2 * SMALL_INPUT);
            server.connections.push(connection);
            clients.push(client);
            server.make_room_for_input(10);
            let open = server.connections.iter().filter(|one| !one.is_closed()).count();
            assert_eq!(open, (number + 1).min(LARGE_INPUTS - 1));
        }
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
}
