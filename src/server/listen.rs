//! The addresses that the server listens on.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use super::LISTENERS;
use crate::process::syscalls;
use crate::text::errno::Meaning;
use crate::text::scan::{decimal, find};

/// How many connections the kernel holds that were not accepted yet, if it does not hold fewer. With
/// one more, a client hears nothing and tries again a second later.
const BACKLOG: i32 = 4096;

/// Bytes that the kernel may hold for each connection, which it doubles. They bound what slow
/// readers cost in memory that no figure of this process shows.
const SEND_BUFFER: usize = 65_536;
const RECEIVE_BUFFER: usize = 8192;

/// Milliseconds after which the kernel gives up on a client that does not confirm what it was sent.
const CONFIRM_TIMEOUT: u32 = 30_000;

/// The longest name of an interface, in bytes.
const INTERFACE_NAME: usize = 15;

/// What `--web.listen-address` may say: a host and a port.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Listen<'a> {
    host: &'a str,
    port: u16,
}

/// What the host of a [`Listen`] is.
#[derive(PartialEq)]
enum Host {
    /// `:9100`: every address of the machine, of both families.
    Everywhere,
    /// `192.168.1.1:9100` or `[fd00::1]:9100`.
    Address(IpAddr),
    /// `localhost:9100`: 127.0.0.1 and ::1.
    Localhost,
    /// `br0:9100`: what arrives on one interface, whatever its addresses are now or become.
    Interface,
}

impl<'a> Listen<'a> {
    /// Every address of the machine.
    #[must_use]
    pub fn everywhere(port: u16) -> Self {
        Self { host: "", port }
    }

    /// Reads the value of `--web.listen-address`.
    ///
    /// # Errors
    /// One line that names the text and says what is taken.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        Self::read(text).map_err(|why| ["'", text, "' cannot be listened on: ", why].concat())
    }

    pub(super) fn read(text: &'a str) -> Result<Self, &'static str> {
        if text.starts_with("vsock://") {
            return Err("vsock is not supported, only TCP");
        }
        if find(text.as_bytes(), b"://").is_some() {
            return Err("give an address without a scheme, as 192.168.1.1:9100");
        }
        let colon = text.bytes().rposition(|byte| byte == b':').and_then(|at| text.split_at_checked(at));
        let (host, port) = colon.ok_or("the port is missing, as in 192.168.1.1:9100 or :9100")?;
        let port = decimal(port.as_bytes().get(1..).unwrap_or_default()).and_then(|port| port.try_into().ok());
        Self::at(host, port.ok_or("the port is not a number from 0 to 65535")?)
    }

    pub(super) fn at(host: &'a str, port: u16) -> Result<Self, &'static str> {
        if !host.is_empty() && host_address(host).is_none() {
            if host.starts_with('[') {
                return Err("what the brackets hold is no IPv6 address");
            }
            if host.as_bytes().contains(&b':') {
                return Err("an IPv6 address goes in brackets, as [fd00::1]:9100");
            }
            if !is_interface_name(host) {
                return Err("names of hosts are not resolved: give an address or the name of an interface");
            }
        }
        Ok(Self { host, port })
    }

    fn host(&self) -> Host {
        match (self.host, host_address(self.host)) {
            (_, Some(address)) => Host::Address(address),
            ("", None) => Host::Everywhere,
            ("localhost", None) => Host::Localhost,
            (_, None) => Host::Interface,
        }
    }

    /// Where a client on this machine finds the server: an address.
    #[must_use]
    pub fn local(&self) -> Self {
        let host = match self.host() {
            Host::Address(address) if !address.is_unspecified() => self.host,
            Host::Address(IpAddr::V6(_)) => "[::1]",
            _ => "127.0.0.1",
        };
        Self { host, port: self.port }
    }

    /// The address, if the host is one.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        Some((host_address(self.host)?, self.port).into())
    }

    /// Why it could not be listened on, in one line.
    fn fault(&self, error: Errno) -> String {
        let is_interface = matches!(self.host(), Host::Interface);
        let why = match error {
            Errno::ADDRINUSE => "the port is taken, perhaps by another exporter",
            Errno::ADDRNOTAVAIL => "this machine does not have the address",
            Errno::NODEV if is_interface => "there is no such interface (names of hosts are not resolved)",
            Errno::PERM if is_interface => "before Linux 5.7, only root may bind to an interface",
            _ => &Meaning(error).to_string(),
        };
        format!("cannot listen on {self}: {why}")
    }
}

impl Display for Listen<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.host, self.port)
    }
}

/// The address that a host is; that of IPv6 stands in brackets.
fn host_address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?.parse().ok().map(IpAddr::V6),
        None => host.parse().ok().map(IpAddr::V4),
    }
}

fn is_interface_name(text: &str) -> bool {
    (1..=INTERFACE_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'[' | b']'))
}

/// A socket that listens.
#[derive(Debug)]
pub struct Listener {
    socket: OwnedFd,
    /// The interface that it is bound to, and the number that the interface had then.
    pub(super) interface: Option<(&'static str, u32)>,
    address: SocketAddr,
    /// The host of the address as it was given.
    host: &'static str,
    /// Whether an option asks for it.
    pub is_given: bool,
}

/// As [`Listen`] is given, with the port that the kernel chose if 0 was asked for.
impl Display for Listener {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let host = self.interface.map_or(self.host, |(name, _)| name);
        write!(out, "{host}:{}", self.address.port())
    }
}

impl Listener {
    /// The address, with the port that the kernel chose if 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens anew if the interface that this one is bound to was taken down and made again: the
    /// new one has the old one's name and another number, and a socket is bound to the number.
    ///
    /// # Errors
    /// Before Linux 5.7, whoever is not root any more cannot bind to the new one.
    pub fn follow_interface(&mut self) -> Result<(), String> {
        let Some((host, index)) = self.interface else { return Ok(()) };
        match syscalls::interface_number(self.socket.as_fd(), host) {
            Ok(now) if now != index => {
                let listen = Listen { host, port: self.address.port() };
                *self = Self::open("", listen.port, Some(host)).map_err(|error| listen.fault(error))?;
                log::info!("msg=\"Listening on the interface that has come again\" address={self}");
                Ok(())
            }
            // It is still the same, or gone for now.
            _ => Ok(()),
        }
    }

    /// Listens on a host: every address of the machine or of `interface` if it is empty, IPv4 alone
    /// where there is no IPv6.
    fn open(host: &'static str, port: u16, interface: Option<&'static str>) -> Result<Self, Errno> {
        if !host.is_empty() {
            return Self::open_address(host, port, interface);
        }
        match Self::open_address("[::]", port, interface) {
            Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL | Errno::PROTONOSUPPORT) => {
                Self::open_address("0.0.0.0", port, interface)
            }
            both => both,
        }
    }

    fn open_address(host: &'static str, port: u16, interface: Option<&'static str>) -> Result<Self, Errno> {
        let address = SocketAddr::new(host_address(host).ok_or(Errno::ADDRNOTAVAIL)?, port);
        let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        if address.is_ipv6() {
            // `[::]` is both families, as in node_exporter; elsewhere it makes no difference.
            sockopt::set_ipv6_v6only(&socket, false)?;
        }
        // Accepted sockets inherit all of these, which saves as many calls for each. A kernel
        // without one of them serves as well.
        let _ = sockopt::set_tcp_nodelay(&socket, true);
        let _ = sockopt::set_tcp_user_timeout(&socket, CONFIRM_TIMEOUT);
        let _ = sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER);
        let _ = sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER);
        let interface = match interface {
            Some(name) => {
                let index = syscalls::interface_number(socket.as_fd(), name)?;
                syscalls::bind_to_device(socket.as_fd(), name)?;
                Some((name, index))
            }
            None => None,
        };
        rustix::net::bind(&socket, &address)?;
        rustix::net::listen(&socket, BACKLOG)?;
        let address = rustix::net::getsockname(&socket)?.try_into()?;
        Ok(Self { socket, interface, address, host, is_given: true })
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Listens on all of `addresses`. Where one is an interface's name, its port is open on loopback
/// too: what this machine asks itself never arrives on another interface.
///
/// # Errors
/// One line that names the first address that could not be listened on.
pub fn bind(addresses: &[Listen<'static>]) -> Result<Vec<Listener>, String> {
    let by_interface =
        |port: u16| addresses.iter().any(|listen| listen.port == port && matches!(listen.host(), Host::Interface));
    let mut listeners: Vec<Listener> = Vec::new();
    for (at, listen) in addresses.iter().enumerate() {
        if addresses.iter().take(at).any(|earlier| earlier == listen) {
            continue;
        }
        let name = listen.host;
        let (mut port, mut is_needed) = (listen.port, true);
        let places: &[(&'static str, Option<&'static str>)] = match listen.host() {
            Host::Everywhere => &[("", None)],
            Host::Address(address) if address.is_loopback() && by_interface(port) => &[],
            Host::Address(_) => &[(name, None)],
            Host::Localhost if by_interface(port) => &[],
            Host::Localhost => &[("127.0.0.1", None), ("[::1]", None)],
            Host::Interface => &[("", Some(name)), ("", Some("lo"))],
        };
        for (host, interface) in places {
            let is_open = |other: &Listener| {
                interface.is_some()
                    && other.address.port() == port
                    && other.interface.map(|(name, _)| name) == *interface
            };
            if listeners.iter().any(is_open) {
                continue;
            }
            match Listener::open(host, port, *interface) {
                Ok(mut listener) => {
                    listener.is_given = *interface != Some("lo") || addresses.iter().any(|given| given.host == "lo");
                    if matches!(listen.host(), Host::Localhost) {
                        // A machine without IPv6 has no ::1, and nobody misses it.
                        (port, is_needed) = (listener.address.port(), false);
                    }
                    listeners.push(listener);
                }
                Err(error) if is_needed => return Err(listen.fault(error)),
                Err(_) => {}
            }
        }
    }
    match addresses.first() {
        Some(listen) if listeners.len() > LISTENERS => Err(format!("cannot listen on {listen}: too many addresses")),
        _ => Ok(listeners),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, host, port) in [
            (":9100", Host::Everywhere, 9100),
            (":0", Host::Everywhere, 0),
            ("192.168.1.1:9100", Host::Address([192, 168, 1, 1].into()), 9100),
            ("0.0.0.0:9100", Host::Address([0; 4].into()), 9100),
            ("[::1]:9100", Host::Address("::1".parse().unwrap()), 9100),
            ("localhost:65535", Host::Localhost, 65_535),
            ("br0:9100", Host::Interface, 9100),
            ("eth0.1:9100", Host::Interface, 9100),
        ] {
            let listen = Listen::parse(text).unwrap();
            assert!(listen.host() == host && listen.port == port, "{text}");
            assert_eq!(listen.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, why) in [
            ("", "port is missing"),
            ("9100", "port is missing"),
            ("192.168.1.1", "port is missing"),
            (":", "0 to 65535"),
            (":65536", "0 to 65535"),
            (":+80", "0 to 65535"),
            (":http", "0 to 65535"),
            ("::1:9100", "brackets"),
            ("[::1:9100", "no IPv6 address"),
            ("[br0]:9100", "no IPv6 address"),
            ("vsock://:9100", "vsock"),
            ("http://192.168.1.1:9100", "without a scheme"),
            ("router.example.org:9100", "not resolved"),
            ("a b:9100", "not resolved"),
        ] {
            let error = Listen::parse(text).unwrap_err();
            assert!(error.contains(why) && error.contains(text), "{error}");
        }
    }

    #[test]
    fn a_client_on_the_machine_finds_the_server() {
        for (text, local) in [
            (":9100", "127.0.0.1:9100"),
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("br0:1", "127.0.0.1:1"),
            ("192.168.1.1:1", "192.168.1.1:1"),
        ] {
            assert_eq!(Listen::parse(text).unwrap().local().to_string(), local);
        }
    }

    #[test]
    fn a_taken_port_says_so() {
        let first = bind(&[Listen::parse("127.0.0.1:0").unwrap()]).unwrap();
        let taken = Listen::parse(first[0].to_string().leak()).unwrap();
        let error = bind(&[taken]).unwrap_err();
        assert!(error.contains(&first[0].address().to_string()) && error.contains("taken"), "{error}");
    }

    #[test]
    fn an_address_that_is_given_twice_is_bound_once() {
        let port = bind(&[Listen::parse("127.0.0.1:0").unwrap()]).unwrap()[0].address().port();
        let listen = Listen::parse(format!("127.0.0.1:{port}").leak()).unwrap();
        assert_eq!(bind(&[listen; 2]).unwrap().len(), 1);
    }

    #[test]
    fn an_interface_that_is_not_there_is_named() {
        let error = bind(&[Listen::parse("nosuch0:9").unwrap()]).unwrap_err();
        assert!(error.contains("nosuch0:9: there is no such interface"), "{error}");
    }
}
