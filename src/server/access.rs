//! Who may ask: networks that are let in, and credentials that are asked for.

use std::net::IpAddr;

use rustix::fs::Mode;

use crate::process::syscalls;
use crate::text::base64::base64;
use crate::text::scan::{decimal, lines, split_once, split_text};

/// The most bytes that a file of credentials may have.
const FILE_LIMIT: usize = 4096;

/// A network whose machines may ask, such as `192.168.1.0/24`, `fd00::/8` or `192.168.1.7`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    address: [u8; 16],
    /// How many of its bits count.
    prefix: u32,
}

impl Network {
    /// Reads an address, or one with the length of a prefix behind a slash. Bits behind the
    /// prefix are ignored, as in `ip route`'s own notation of an interface's address.
    ///
    /// # Errors
    /// One line that names the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read = || {
            let (address, prefix) = match split_text(text, b'/') {
                Some((address, prefix)) => (address, Some(prefix)),
                None => (text, None),
            };
            let address: IpAddr = address.parse().ok()?;
            let bits: u32 = if address.is_ipv4() { 32 } else { 128 };
            let prefix = match prefix {
                // No leading zero: `/08` is written by nobody on purpose.
                Some(digits) if digits.len() > 1 && digits.starts_with('0') => return None,
                Some(digits) => decimal(digits.as_bytes())?.try_into().ok()?,
                None => bits,
            };
            Some(Self { address: comparable(address), prefix: 128_u32.checked_sub(bits.checked_sub(prefix)?)? })
        };
        read().ok_or_else(|| ["'", text, "' is no network: give one as 192.168.1.0/24 or fd00::/8"].concat())
    }

    /// Whether the network has this address.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let mut left = self.prefix;
        self.address.iter().zip(comparable(address)).all(|(ours, theirs)| {
            let [_, mask] = 0xff00_u16.wrapping_shr(left.min(8)).to_be_bytes();
            left = left.saturating_sub(8);
            (ours ^ theirs) & mask == 0
        })
    }
}

/// The same for both families: IPv4 as a dual-stack socket sees it, `::ffff:a.b.c.d`.
fn comparable(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(four) => four.to_ipv6_mapped(),
        IpAddr::V6(six) => six,
    }
    .octets()
}

/// What a file of credentials holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scheme {
    /// Lines of `user:password`.
    Basic,
    /// Lines of one token each.
    Bearer,
}

impl Scheme {
    fn name(self) -> &'static [u8] {
        match self {
            Scheme::Basic => b"Basic",
            Scheme::Bearer => b"Bearer",
        }
    }
}

/// A file of credentials and what it said when it was read last.
#[derive(Debug)]
pub struct Credentials {
    path: &'static str,
    scheme: Scheme,
    /// What a client sends behind the name of the scheme, for each line.
    expected: Vec<Vec<u8>>,
}

impl Credentials {
    /// Reads a file of credentials.
    ///
    /// # Errors
    /// One line that names the file: it is missing, unreadable, too large, not a plain file, open
    /// to other users, or holds no credentials.
    pub fn read(path: &'static str, scheme: Scheme) -> Result<Self, String> {
        let mut credentials = Self { path, scheme, expected: Vec::new() };
        credentials.reload().map(|()| credentials)
    }

    /// Reads the file again; if it cannot be used, what it said before stays in force.
    fn reload(&mut self) -> Result<(), String> {
        self.expected = self.lines().map_err(|why| ["credentials in ", self.path, ": ", &why].concat())?;
        Ok(())
    }

    fn lines(&self) -> Result<Vec<Vec<u8>>, String> {
        let (mode, text) = syscalls::read_own(self.path, FILE_LIMIT)?;
        if mode.intersects(Mode::RWXO) {
            return Err("other users may read or change it: chmod 600 (or 640) it".into());
        }
        let mut expected = Vec::new();
        for line in lines(&text).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
            expected.push(match self.scheme {
                Scheme::Basic if !line.contains(&b':') => {
                    return Err("a line is not of the form user:password".into());
                }
                Scheme::Basic => base64(line),
                Scheme::Bearer if line.iter().any(|byte| !byte.is_ascii_graphic()) => {
                    return Err("a token has a space or a character that is not ASCII".into());
                }
                Scheme::Bearer => line.to_vec(),
            });
        }
        if expected.is_empty() { Err("the file is empty".into()) } else { Ok(expected) }
    }

    /// Whether `authorization`, a header's value, is one of the lines. It takes as long whether
    /// the first byte differs or the last.
    fn accept(&self, authorization: &[u8]) -> bool {
        let Some((scheme, sent)) = split_once(authorization, b' ') else { return false };
        let sent = sent.trim_ascii();
        let mut found = false;
        for line in &self.expected {
            found |= equal(sent, line);
        }
        found && scheme.eq_ignore_ascii_case(self.scheme.name())
    }
}

/// Compares in a time that depends on the lengths alone.
fn equal(sent: &[u8], expected: &[u8]) -> bool {
    let mut difference = u8::from(sent.len() != expected.len());
    for (left, right) in sent.iter().zip(expected.iter().cycle()) {
        difference |= std::hint::black_box(left ^ right);
    }
    difference == 0
}

/// All rules on who may ask. The default lets everybody in.
#[derive(Debug, Default)]
pub struct Access {
    /// The networks that may ask; all may if there are none.
    pub networks: &'static [Network],
    /// The credentials of which one is asked for; none are if there are none.
    pub credentials: Vec<Credentials>,
}

impl Access {
    /// Whether a machine of this address may ask.
    #[must_use]
    pub fn admits(&self, address: IpAddr) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|network| network.has(address))
    }

    /// Whether a request with this value of Authorization is answered.
    #[must_use]
    pub fn authorizes(&self, authorization: Option<&[u8]>) -> bool {
        let sent = authorization.unwrap_or_default();
        let mut accepted = self.credentials.is_empty();
        for credentials in &self.credentials {
            accepted |= credentials.accept(sent);
        }
        accepted
    }

    /// What a client without credentials is asked to send.
    #[must_use]
    pub fn challenge(&self) -> &'static str {
        if self.credentials.iter().any(|known| known.scheme == Scheme::Basic) {
            "Basic realm=\"router_exporter\", charset=\"UTF-8\""
        } else {
            "Bearer realm=\"router_exporter\""
        }
    }

    /// Reads the files of credentials again.
    ///
    /// # Errors
    /// One line for each file that cannot be used; what it said before stays in force.
    pub fn reload(&mut self) -> Result<(), String> {
        let mut errors = String::new();
        for credentials in &mut self.credentials {
            if let Err(error) = credentials.reload() {
                let separator = if errors.is_empty() { "" } else { "; " };
                errors = [&errors, separator, &error].concat();
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    /// A file of its own in a directory of its own, gone with the value.
    struct Secret(PathBuf);

    impl Secret {
        fn new(name: &str, text: &str, mode: u32) -> Self {
            let directory = std::env::temp_dir().join(format!("access-{}-{name}", std::process::id()));
            fs::create_dir_all(&directory).unwrap();
            let secret = Self(directory.join("secret"));
            secret.write(text);
            fs::set_permissions(&secret.0, fs::Permissions::from_mode(mode)).unwrap();
            secret
        }

        fn write(&self, text: &str) {
            fs::write(&self.0, text).unwrap();
        }

        fn read(&self, scheme: Scheme) -> Result<Credentials, String> {
            Credentials::read(self.0.to_str().unwrap().to_owned().leak(), scheme)
        }
    }

    impl Drop for Secret {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(self.0.parent().unwrap());
        }
    }

    fn access(credentials: Credentials) -> Access {
        Access { networks: &[], credentials: vec![credentials] }
    }

    #[test]
    fn networks() {
        for (network, inside, outside) in [
            ("192.168.1.0/24", "192.168.1.255", "192.168.2.0"),
            ("192.168.1.77/24", "192.168.1.1", "193.168.1.1"),
            ("10.0.0.7", "10.0.0.7", "10.0.0.6"),
            ("0.0.0.0/0", "8.8.8.8", "::1"),
            ("fd00::/8", "fd12::1", "fe80::1"),
            ("::1", "::1", "::2"),
            ("::/0", "8.8.8.8", ""),
        ] {
            let read = Network::parse(network).unwrap();
            assert!(read.has(inside.parse().unwrap()), "{network}");
            if !outside.is_empty() {
                assert!(!read.has(outside.parse().unwrap()), "{network}");
            }
        }
        let mapped: IpAddr = "::ffff:192.168.1.9".parse().unwrap();
        assert!(Network::parse("192.168.1.0/24").unwrap().has(mapped));
        for wrong in [
            "",
            "/",
            "192.168.1.0/33",
            "192.168.1.0/-1",
            "192.168.1.0/+8",
            "192.168.1.0/08",
            "192.168.1.0/",
            "192.168.1/24",
            "::/129",
            "br0",
            "192.168.1.0/24/8",
        ] {
            assert!(Network::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn everybody_is_let_in_unless_somebody_is_named() {
        let stranger: IpAddr = "203.0.113.1".parse().unwrap();
        let mut access = Access::default();
        assert!(access.admits(stranger) && access.authorizes(None));
        access.networks = vec![Network::parse("192.168.1.0/24").unwrap()].leak();
        assert!(!access.admits(stranger));
        assert!(access.admits("192.168.1.4".parse().unwrap()));
    }

    #[test]
    fn passwords() {
        let file = Secret::new("passwords", "Aladdin:open sesame\n\nb:c:d\r\n", 0o600);
        let access = access(file.read(Scheme::Basic).unwrap());
        let accepts = |value: &str| access.authorizes(Some(value.as_bytes()));
        assert!(accepts("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert!(accepts("basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ== "));
        assert!(accepts("Basic YjpjOmQ="));
        for wrong in [
            "",
            "Basic",
            "Basic ",
            "Basic =",
            "BasicYjpjOmQ=",
            "Bearer YjpjOmQ=",
            "Basic YjpjOmQ",
            "Basic YjpjOmQ=YjpjOmQ=",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=",
            "Basic yjpjOmQ=",
        ] {
            assert!(!accepts(wrong), "{wrong:?}");
        }
        assert!(!access.authorizes(None));
        assert!(access.challenge().starts_with("Basic"));
    }

    #[test]
    fn tokens_are_read_again() {
        let file = Secret::new("tokens", "old-token\n", 0o640);
        let mut access = access(file.read(Scheme::Bearer).unwrap());
        assert!(access.authorizes(Some(b"Bearer old-token")));
        assert!(access.challenge().starts_with("Bearer"));
        file.write("new-token\nsecond");
        access.reload().unwrap();
        assert!(!access.authorizes(Some(b"Bearer old-token")));
        assert!(access.authorizes(Some(b"Bearer new-token")));
        assert!(access.authorizes(Some(b"Bearer second")));
        file.write("");
        assert!(access.reload().unwrap_err().contains("secret"));
        assert!(access.authorizes(Some(b"Bearer new-token")));
    }

    #[test]
    fn files_that_hold_no_secret_are_refused() {
        for (name, text, mode, why) in [
            ("open", "a:b\n", 0o604, "other users"),
            ("writable", "a:b\n", 0o602, "other users"),
            ("empty", "\n\n", 0o600, "empty"),
            ("colon", "nobody\n", 0o600, "user:password"),
            ("large", &"a:b\n".repeat(1025), 0o600, "4096"),
        ] {
            let file = Secret::new(name, text, mode);
            let error = file.read(Scheme::Basic).unwrap_err();
            assert!(error.contains(why) && error.contains("secret"), "{error}");
        }
        let spaced = Secret::new("spaced", "a token\n", 0o600);
        assert!(spaced.read(Scheme::Bearer).unwrap_err().contains("space"));
        assert!(Credentials::read("/dev/null", Scheme::Bearer).unwrap_err().contains("plain file"));
        assert!(Credentials::read("/absent", Scheme::Bearer).is_err());
    }
}
