//! The addresses that the server listens on.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, netlink, sockopt};

use super::LISTENERS;
use crate::system;

/// How many connections the kernel holds that were not accepted yet, if it does not hold fewer. With
/// one more, a client hears nothing and tries again a second later.
const BACKLOG: i32 = 4096;

/// Bytes that the kernel may hold for each connection, which it doubles. They bound what slow
/// readers cost in memory that no figure of this process shows.
const SEND_BUFFER: usize = 65_536;
const RECEIVE_BUFFER: usize = 8192;

/// Milliseconds after which the kernel gives up on a client that does not confirm what it was sent.
const CONFIRM_TIMEOUT: u32 = 30_000;

/// The group of messages on interfaces that come, change and go.
const RTMGRP_LINK: u32 = 1;

/// The longest name of an interface, in bytes.
const INTERFACE_NAME: usize = 15;

/// What `--web.listen-address` may say.
#[derive(Clone, Debug, PartialEq)]
pub enum Listen {
    /// `:9100`: every address of the machine, of both families.
    Everywhere(u16),
    /// `192.168.1.1:9100` or `[fd00::1]:9100`.
    Address(SocketAddr),
    /// `localhost:9100`: 127.0.0.1 and ::1.
    Localhost(u16),
    /// `br0:9100`: what arrives on one interface, whatever its addresses are now or become.
    Interface(String, u16),
}

impl Listen {
    /// Reads the value of `--web.listen-address`.
    ///
    /// # Errors
    /// One line that names the text and says what is taken.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("'{text}' cannot be listened on: {why}"));
        if text.starts_with("vsock://") {
            return wrong("vsock is not supported, only TCP");
        }
        if text.contains("://") {
            return wrong("give an address without a scheme, as 192.168.1.1:9100");
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return wrong("the port is missing, as in 192.168.1.1:9100 or :9100");
        };
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let Some(port) = digits.then(|| port.parse().ok()).flatten() else {
            return wrong("the port is not a number from 0 to 65535");
        };
        if let Some(inner) = host.strip_prefix('[') {
            return match inner.strip_suffix(']').map(str::parse::<Ipv6Addr>) {
                Some(Ok(address)) => Ok(Self::Address((address, port).into())),
                _ => wrong("what the brackets hold is no IPv6 address"),
            };
        }
        if let Ok(address) = host.parse::<Ipv4Addr>() {
            return Ok(Self::Address((address, port).into()));
        }
        match host {
            "" => Ok(Self::Everywhere(port)),
            "localhost" => Ok(Self::Localhost(port)),
            _ if host.contains(':') => wrong("an IPv6 address goes in brackets, as [fd00::1]:9100"),
            _ if is_interface_name(host) => Ok(Self::Interface(host.to_owned(), port)),
            _ => wrong("names of hosts are not resolved: give an address or the name of an interface"),
        }
    }

    /// Where a client on this machine finds the server.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        match self {
            Self::Address(address) if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
                (Ipv6Addr::LOCALHOST, address.port()).into()
            }
            Self::Address(address) if !address.ip().is_unspecified() => *address,
            Self::Address(address) => (Ipv4Addr::LOCALHOST, address.port()).into(),
            Self::Everywhere(port) | Self::Localhost(port) | Self::Interface(_, port) => {
                (Ipv4Addr::LOCALHOST, *port).into()
            }
        }
    }
}

impl Display for Listen {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere(port) => write!(out, ":{port}"),
            Self::Address(address) => write!(out, "{address}"),
            Self::Localhost(port) => write!(out, "localhost:{port}"),
            Self::Interface(name, port) => write!(out, "{name}:{port}"),
        }
    }
}

fn is_interface_name(text: &str) -> bool {
    (1..=INTERFACE_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'[' | b']'))
}

/// An address that could not be listened on.
#[derive(Debug)]
pub struct Error {
    listen: Listen,
    error: io::Error,
}

impl Display for Error {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self { listen, error } = self;
        let code = error.raw_os_error().map(Errno::from_raw_os_error);
        match (code, listen) {
            (Some(Errno::ADDRINUSE), _) => {
                write!(out, "cannot listen on {listen}: the port is taken, perhaps by another exporter")
            }
            (Some(Errno::ADDRNOTAVAIL), _) => {
                write!(out, "cannot listen on {listen}: this machine does not have the address")
            }
            (Some(Errno::NODEV), Listen::Interface(name, _)) => {
                write!(
                    out,
                    "cannot listen on {listen}: there is no interface named {name} (names of hosts are not resolved)"
                )
            }
            (Some(Errno::PERM), Listen::Interface(..)) => {
                write!(out, "cannot listen on {listen}: before Linux 5.7, only root may bind to an interface")
            }
            _ => write!(out, "cannot listen on {listen}: {error}"),
        }
    }
}

impl std::error::Error for Error {}

/// A socket that listens.
#[derive(Debug)]
pub struct Listener {
    socket: OwnedFd,
    /// The interface that it is bound to, and the number that the interface had then.
    interface: Option<(String, u32)>,
    address: SocketAddr,
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
    pub fn follow_interface(&mut self) -> Result<(), Error> {
        let Some((name, index)) = &self.interface else { return Ok(()) };
        match rustix::net::netdevice::name_to_index(&self.socket, name) {
            Ok(now) if now != *index => {
                let port = self.address.port();
                let failed = |error| Error { listen: Listen::Interface(name.clone(), port), error };
                *self = Self::everywhere(port, Some(name)).map_err(failed)?;
                log::info!("msg=\"Listening on the interface that has come again\" address={}", self.address);
                Ok(())
            }
            // It is still the same, or gone for now.
            _ => Ok(()),
        }
    }

    fn open(address: SocketAddr, interface: Option<&str>) -> io::Result<Self> {
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
                let index = rustix::net::netdevice::name_to_index(&socket, name)?;
                system::bind_to_device(socket.as_fd(), name)?;
                Some((name.to_owned(), index))
            }
            None => None,
        };
        rustix::net::bind(&socket, &address)?;
        rustix::net::listen(&socket, BACKLOG)?;
        let address = rustix::net::getsockname(&socket)?.try_into()?;
        Ok(Self { socket, interface, address })
    }

    /// Every address of the machine, or of one interface; IPv4 alone where there is no IPv6.
    fn everywhere(port: u16, interface: Option<&str>) -> io::Result<Self> {
        let both = Self::open((Ipv6Addr::UNSPECIFIED, port).into(), interface);
        match both.as_ref().map_err(|error| error.raw_os_error().map(Errno::from_raw_os_error)) {
            Err(Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL | Errno::PROTONOSUPPORT)) => {
                Self::open((Ipv4Addr::UNSPECIFIED, port).into(), interface)
            }
            _ => both,
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A socket that the kernel writes to when an interface comes or goes, if a listener depends on one.
#[must_use]
pub fn watch_interfaces(listeners: &[Listener]) -> Option<OwnedFd> {
    listeners.iter().find(|listener| listener.interface.is_some())?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    // No protocol is 0, and 0 is NETLINK_ROUTE.
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None).ok()?;
    rustix::net::bind(&socket, &netlink::SocketAddrNetlink::new(0, RTMGRP_LINK)).ok()?;
    Some(socket)
}

/// Takes what the kernel has written. What it says is not read: whoever asks looks for himself.
pub fn drain(watcher: &OwnedFd) {
    let mut message = [0_u8; 512];
    // An overrun is told as an error, and the next read goes on; what is left after so many wakes
    // the server again.
    for _ in 0..256 {
        if let Err(Errno::AGAIN) = rustix::net::recv(watcher, &mut message, RecvFlags::empty()) {
            return;
        }
    }
}

/// Listens on all of `addresses`. Where one is an interface's name, its port is open on loopback
/// too: what this machine asks itself never arrives on another interface.
///
/// # Errors
/// The first address that could not be listened on.
pub fn bind(addresses: &[Listen]) -> Result<Vec<Listener>, Error> {
    let by_interface =
        |port: u16| addresses.iter().any(|listen| matches!(listen, Listen::Interface(_, other) if *other == port));
    let mut listeners: Vec<Listener> = Vec::new();
    let mut seen: Vec<&Listen> = Vec::new();
    for listen in addresses {
        if seen.contains(&listen) {
            continue;
        }
        seen.push(listen);
        let failed = |error| Error { listen: listen.clone(), error };
        match listen {
            Listen::Everywhere(port) => listeners.push(Listener::everywhere(*port, None).map_err(failed)?),
            Listen::Address(address) if address.ip().is_loopback() && by_interface(address.port()) => {}
            Listen::Localhost(port) if by_interface(*port) => {}
            Listen::Address(address) => listeners.push(Listener::open(*address, None).map_err(failed)?),
            Listen::Localhost(port) => {
                let four = Listener::open((Ipv4Addr::LOCALHOST, *port).into(), None).map_err(failed)?;
                let port = four.address().port();
                listeners.push(four);
                // A machine without IPv6 has no ::1, and nobody misses it.
                listeners.extend(Listener::open((Ipv6Addr::LOCALHOST, port).into(), None));
            }
            Listen::Interface(name, port) => {
                listeners.push(Listener::everywhere(*port, Some(name)).map_err(failed)?);
                let looped = listeners.iter().any(|other| {
                    other.address.port() == *port && other.interface.as_ref().is_some_and(|(name, _)| name == "lo")
                });
                if !looped {
                    listeners.push(Listener::everywhere(*port, Some("lo")).map_err(failed)?);
                }
            }
        }
    }
    match addresses.first() {
        Some(listen) if listeners.len() > LISTENERS => {
            let error = io::Error::other("too many addresses");
            Err(Error { listen: listen.clone(), error })
        }
        _ => Ok(listeners),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let address = |text: &str| Listen::Address(text.parse().unwrap());
        for (text, listen) in [
            (":9100", Listen::Everywhere(9100)),
            (":0", Listen::Everywhere(0)),
            ("192.168.1.1:9100", address("192.168.1.1:9100")),
            ("0.0.0.0:9100", address("0.0.0.0:9100")),
            ("[::1]:9100", address("[::1]:9100")),
            ("localhost:65535", Listen::Localhost(65_535)),
            ("br0:9100", Listen::Interface("br0".to_owned(), 9100)),
            ("eth0.1:9100", Listen::Interface("eth0.1".to_owned(), 9100)),
        ] {
            assert_eq!(Listen::parse(text).as_ref(), Ok(&listen), "{text}");
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
        let taken = Listen::Address(first[0].address());
        let error = bind(&[taken]).unwrap_err().to_string();
        assert!(error.contains(&first[0].address().to_string()) && error.contains("taken"), "{error}");
    }

    #[test]
    fn an_address_that_is_given_twice_is_bound_once() {
        let port = bind(&[Listen::parse("127.0.0.1:0").unwrap()]).unwrap()[0].address().port();
        let listen = Listen::parse(&format!("127.0.0.1:{port}")).unwrap();
        assert_eq!(bind(&[listen.clone(), listen]).unwrap().len(), 1);
    }

    #[test]
    fn an_interface_that_is_not_there_is_named() {
        let error = bind(&[Listen::parse("nosuch0:9").unwrap()]).unwrap_err().to_string();
        assert!(error.contains("no interface named nosuch0"), "{error}");
    }
}
