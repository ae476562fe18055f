//! `--health`: asks a running exporter whether it is well, as routers often have no curl.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::server::{HEALTH_PATH, Listen};

/// The time for all of it: the watchdog that asks has others to look after.
const TIME: Duration = Duration::from_secs(3);

/// What is asked, of whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    address: SocketAddr,
    path: String,
}

impl Target {
    /// Reads `http://127.0.0.1:9100/-/healthy`, of which the scheme and the path may be left out.
    ///
    /// # Errors
    /// One line that names the text.
    pub fn parse(url: &str) -> Result<Self, String> {
        let wrong = || format!("'{url}' is no URL such as http://127.0.0.1:9100{HEALTH_PATH}");
        if url.starts_with("https:") {
            return Err(format!("'{url}': only http is spoken"));
        }
        let rest = url.strip_prefix("http://").unwrap_or(url);
        let (host, path) = match rest.find('/').and_then(|slash| rest.split_at_checked(slash)) {
            Some((host, path)) => (host, path),
            None => (rest, HEALTH_PATH),
        };
        if host.is_empty() || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong());
        }
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
        let host = if has_port { host.to_owned() } else { format!("{host}:80") };
        let listen = Listen::parse(&host).map_err(|_| wrong())?;
        Ok(Self { address: listen.local(), path: path.to_owned() })
    }

    /// The exporter that listens at this address.
    #[must_use]
    pub fn of(listen: &Listen) -> Self {
        Self { address: listen.local(), path: HEALTH_PATH.to_owned() }
    }
}

/// Asks, and is content with status 200 within three seconds.
///
/// # Errors
/// One line on what went wrong.
pub fn check(target: &Target) -> Result<(), String> {
    let Target { address, path } = target;
    let began = Instant::now();
    // A timeout of zero would mean none.
    let left = || Some(TIME.saturating_sub(began.elapsed()).max(Duration::from_millis(1)));
    let mut head = [0_u8; 32];
    let mut length = 0_usize;
    let mut ask = || -> std::io::Result<()> {
        let mut stream = TcpStream::connect_timeout(address, TIME)?;
        stream.set_write_timeout(left())?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
        while let Some(room) = head.get_mut(length..).filter(|room| !room.is_empty()) {
            stream.set_read_timeout(left())?;
            match stream.read(room)? {
                0 => break,
                read => length = length.saturating_add(read),
            }
            if began.elapsed() > TIME {
                return Err(std::io::ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    };
    let failed = |why: String| Err(format!("http://{address}{path}: {why}"));
    if let Err(error) = ask() {
        return failed(match error.kind() {
            std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock => "no answer within 3 seconds".to_owned(),
            _ => error.to_string(),
        });
    }
    let head = head.get(..length).unwrap_or_default();
    match (head.starts_with(b"HTTP/1."), head.get(9..12)) {
        (true, Some(b"200")) => Ok(()),
        (true, Some(status)) => failed(format!("status {}", String::from_utf8_lossy(status))),
        _ => failed("the answer is not HTTP's".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
            let target = Target { address: address.parse().unwrap(), path: path.to_owned() };
            assert_eq!(Target::parse(url), Ok(target), "{url}");
        }
        for wrong in ["", "https://127.0.0.1", "http://a b/", "http://x/\r\nA: b", "router.example.org:9100"] {
            let error = Target::parse(wrong).unwrap_err();
            assert!(error.contains(wrong), "{error}");
        }
    }

    fn answered(answer: &'static [u8]) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target { address: listener.local_addr().unwrap(), path: HEALTH_PATH.to_owned() };
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
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = check(&Target { address, path: "/".to_owned() }).unwrap_err();
        assert!(error.contains(&address.to_string()), "{error}");
    }
}
