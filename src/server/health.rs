//! `--health`: asks a running exporter whether it is well, as routers often have no curl.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

use crate::process::syscalls::is_ready;
use crate::server::{HEALTH_PATH, Listen};
use crate::text::errno::Meaning;

/// The time for all of it: the watchdog that asks has others to look after.
const TIME: Duration = Duration::from_secs(3);

const NO_HTTP: &str = "the answer is not HTTP's";

/// What is asked, of whom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target<'a> {
    listen: Listen<'a>,
    path: &'a str,
}

impl<'a> Target<'a> {
    /// Reads `http://127.0.0.1:9100/-/healthy`, of which the scheme and the path may be left out.
    ///
    /// # Errors
    /// One line that names the text.
    pub fn parse(url: &'a str) -> Result<Self, String> {
        if url.starts_with("https:") {
            return Err(["'", url, "': only http is spoken"].concat());
        }
        let rest = url.strip_prefix("http://").unwrap_or(url);
        let slash = rest.bytes().position(|byte| byte == b'/').unwrap_or(rest.len());
        let (host, path) = rest.split_at_checked(slash).unwrap_or_default();
        let last = host.bytes().rev().find(|byte| matches!(byte, b':' | b']'));
        let listen = if last == Some(b':') { Listen::read(host) } else { Listen::at(host, 80) };
        match listen {
            Ok(listen) if !host.is_empty() && path.bytes().all(|byte| byte.is_ascii_graphic()) => {
                let path = if path.is_empty() { HEALTH_PATH } else { path };
                Ok(Self { listen: listen.local(), path })
            }
            _ => Err(["'", url, "' is no URL such as http://127.0.0.1:9100", HEALTH_PATH].concat()),
        }
    }

    /// The exporter that listens at this address.
    #[must_use]
    pub fn of(listen: &Listen<'a>) -> Self {
        Self { listen: listen.local(), path: HEALTH_PATH }
    }
}

/// Asks, and is content with status 200 within three seconds.
///
/// # Errors
/// One line on what went wrong.
pub fn check(target: &Target) -> Result<(), String> {
    let mut head = [0_u8; 32];
    let why = match ask(target, &mut head) {
        Ok(12..) => match head.split_at_checked(9) {
            Some((b"HTTP/1.0 " | b"HTTP/1.1 ", [b'2', b'0', b'0', ..])) => return Ok(()),
            Some((b"HTTP/1.0 " | b"HTTP/1.1 ", rest)) => {
                ["status ", &String::from_utf8_lossy(rest.get(..3).unwrap_or_default())].concat()
            }
            _ => NO_HTTP.to_owned(),
        },
        Ok(_) => NO_HTTP.to_owned(),
        Err(Errno::TIMEDOUT) => "no answer within 3 seconds".to_owned(),
        Err(error) => Meaning(error).to_string(),
    };
    Err(format!("http://{}{}: {why}", target.listen, target.path))
}

/// Fills `head` with the beginning of the answer, and gives its length.
fn ask(target: &Target, head: &mut [u8]) -> Result<usize, Errno> {
    let began = Instant::now();
    let address = target.listen.address().ok_or(Errno::ADDRNOTAVAIL)?;
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    let wait = |readiness| match is_ready(socket.as_fd(), readiness, TIME.saturating_sub(began.elapsed()))? {
        true => Ok(()),
        false => Err(Errno::TIMEDOUT),
    };
    match connect(&socket, &address) {
        // The next call says whether it has come about.
        Err(Errno::INPROGRESS) => wait(PollFlags::OUT)?,
        other => other?,
    }
    let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", target.path, target.listen);
    rustix::io::write(&socket, request.as_bytes())?;
    let mut length = 0_usize;
    while let Some(room) = head.get_mut(length..).filter(|room| !room.is_empty()) {
        wait(PollFlags::IN)?;
        match rustix::io::read(&socket, room)? {
            0 => break,
            read => length = length.saturating_add(read),
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    #[test]
    fn urls() {
        for (url, address, path) in [
            ("http://127.0.0.1:9100/-/healthy", "127.0.0.1:9100", "/-/healthy"),
            ("http://127.0.0.1:9100", "127.0.0.1:9100", "/-/healthy"),
            ("192.168.1.1:9100", "192.168.1.1:9100", "/-/healthy"),
            (":9101", "127.0.0.1:9101", "/-/healthy"),
            ("http://localhost:9100/metrics?x", "127.0.0.1:9100", "/metrics?x"),
            ("http://[::1]:9100/", "[::1]:9100", "/"),
            ("http://[::1]", "[::1]:80", "/-/healthy"),
            ("http://10.0.0.1/", "10.0.0.1:80", "/"),
        ] {
            let target = Target { listen: Listen::parse(address).unwrap(), path };
            assert_eq!(Target::parse(url), Ok(target), "{url}");
        }
        for wrong in ["", "https://127.0.0.1", "http://a b/", "http://x/\r\nA: b", "router.example.org:9100"] {
            let error = Target::parse(wrong).unwrap_err();
            assert!(error.contains(wrong), "{error}");
        }
    }

    fn listen(listener: &TcpListener) -> Listen<'static> {
        Listen::parse(listener.local_addr().unwrap().to_string().leak()).unwrap()
    }

    #[allow(clippy::disallowed_methods)]
    fn answered(answer: &'static [u8]) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target { listen: listen(&listener), path: HEALTH_PATH };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut client, _) = listener.accept().unwrap();
                let mut request = [0; 512];
                let read = client.read(&mut request).unwrap();
                assert!(request[..read].starts_with(b"GET /-/healthy HTTP/1.1\r\nHost: 127.0.0.1:"));
                client.write_all(answer).unwrap();
            });
            check(&target)
        })
    }

    #[test]
    fn only_200_is_well() {
        assert_eq!(answered(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Ok(()));
        assert!(answered(b"HTTP/1.1 503 No\r\n\r\n").unwrap_err().ends_with("status 503"));
        assert!(answered(b"HTTP/1.1 20").unwrap_err().ends_with("not HTTP's"));
        assert!(answered(b"SSH-2.0-dropbear 200 200 200 200 200\r\n").unwrap_err().ends_with("not HTTP's"));
        assert!(answered(b"").is_err());
    }

    #[test]
    fn nobody_there_is_said() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = listen(&listener);
        drop(listener);
        let error = check(&Target { listen, path: "/" }).unwrap_err();
        assert!(error.contains(&listen.to_string()), "{error}");
    }
}
