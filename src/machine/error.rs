//! Why a collector has nothing to report.

use std::fmt;

use rustix::io::Errno;

use crate::text::errno::Meaning;

/// Why a collector has nothing to report: a word in size, since every step of a collector may hand it on.
#[derive(Debug)]
pub enum Error {
    /// The hardware or the kernel's part is not here, which is no fault.
    Absent,
    /// Something is wrong, which the log says.
    Fault(Box<Fault>),
}

/// What is wrong with a file.
#[derive(Debug)]
pub enum Fault {
    /// The kernel did not let us read.
    Unreadable {
        /// The file.
        path: Box<[u8]>,
        /// What the kernel answered.
        errno: Errno,
    },
    /// The file does not say what it should.
    Odd {
        /// The file.
        path: Box<[u8]>,
        /// What was found there, shortened.
        found: Box<[u8]>,
    },
}

/// As it stands in a line of the log: a file may hold line ends, quotes and any other byte.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("not on this machine"),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, errno } => write!(f, "{}: {}", Escaped(path), Meaning(*errno)),
            Self::Odd { path, found } => write!(f, "{}: unexpected '{}'", Escaped(path), Escaped(found)),
        }
    }
}

/// Bytes to be written as ASCII: one at a time, as the log is short and `[u8]::escape_ascii` is 0.8 kB.
struct Escaped<'b>(&'b [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| byte.escape_ascii().fmt(f))
    }
}

impl Error {
    /// The error that the kernel answers `errno` where `path` is to be read.
    pub fn unreadable(path: &[u8], errno: Errno) -> Self {
        Self::Fault(Box::new(Fault::Unreadable { path: path.into(), errno }))
    }

    /// The error that `path` says `found`.
    pub(super) fn odd(path: &[u8], found: &[u8]) -> Self {
        Self::Fault(Box::new(Fault::Odd { path: path.into(), found: shown(found).into() }))
    }

    /// The error that the kernel answers `errno` where it is asked over netlink. It refuses what it has
    /// not, in many ways.
    pub(super) fn unanswered(path: &[u8], errno: Errno) -> Self {
        match errno {
            Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM => Self::unreadable(path, errno),
            // The one right that it ever asks for.
            Errno::PERM => Self::unreadable(&[path, b" without CAP_NET_ADMIN"].concat(), errno),
            _ => Self::Absent,
        }
    }

    pub(super) fn from_errno(path: &[u8], errno: Errno) -> Self {
        match errno {
            // The last is what a kernel answers that was built with a part and started without it.
            Errno::NOENT | Errno::NOTDIR | Errno::NODEV | Errno::NXIO | Errno::OPNOTSUPP => Self::Absent,
            _ => Self::unreadable(path, errno),
        }
    }

    /// Whether both are the same, whatever the figures are now.
    pub fn is_like(&self, other: &Self) -> bool {
        let (Self::Fault(this), Self::Fault(other)) = (self, other) else {
            return matches!((self, other), (Self::Absent, Self::Absent));
        };
        match (&**this, &**other) {
            (Fault::Unreadable { path, errno }, Fault::Unreadable { path: other, errno: answer }) => {
                path == other && errno == answer
            }
            (_, Fault::Odd { path, found }) => self.is_odd(path, found),
            _ => false,
        }
    }

    /// Whether it is that `path` says `found`, whatever the figures are now.
    pub(super) fn is_odd(&self, path: &[u8], found: &[u8]) -> bool {
        let Self::Fault(fault) = self else { return false };
        match &**fault {
            Fault::Odd { path: known, found: said } => **known == *path && names(said).eq(names(shown(found))),
            Fault::Unreadable { .. } => false,
        }
    }
}

/// As much of a line as the log has room for.
fn shown(found: &[u8]) -> &[u8] {
    found.get(..found.len().min(60)).unwrap_or(found)
}

/// What is not a figure in a line, which is what stays the same in it while the machine counts on.
fn names(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = line.split(|byte| byte.is_ascii_whitespace() || matches!(byte, b':' | b'=' | b','));
    words.filter(|word| !word.is_empty() && !is_figure(word))
}

/// Whether a word is a number, perhaps one of eight hexadecimal digits.
fn is_figure(word: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b'-');
    word.iter().all(is_part) && (word.len() == 8 || word.iter().any(u8::is_ascii_digit))
}

/// What is not on this machine, or what a driver does not report, is left out alone: that is `None`.
///
/// # Errors
/// Those that are faults.
pub fn absent_is_nothing(result: Result<(), Error>) -> Result<Option<()>, Error> {
    match result {
        Ok(()) => Ok(Some(())),
        Err(Error::Absent) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_stays_the_same_while_its_figures_change() {
        let odd = |found: &str| Error::odd(b"/proc/x", found.as_bytes());
        for (one, other) in [
            ("  eth0: 12 34 x 5", "  eth0: 13 35 x 5"),
            ("some avg10=0.00 total=5", "some avg10=0.12 total=6"),
            ("nr_free -5", "nr_free -6"),
            ("0a11b022 00000000", "fab1bedd 00000001"),
            ("", ""),
        ] {
            assert!(odd(one).is_like(&odd(other)), "{one}");
        }
        for (one, other) in [("  eth0: 12", "  eth1: 12"), ("a 1", "a 1 x"), ("a", ""), ("7 sda 3", "7 sdb 3")] {
            assert!(!odd(one).is_like(&odd(other)), "{one}");
        }
        assert!(!odd("a").is_like(&Error::odd(b"/proc/y", b"a")));
        assert!(!odd("a").is_like(&Error::Absent) && !Error::Absent.is_like(&odd("a")));
        assert!(Error::Absent.is_like(&Error::Absent));
        let unreadable = |errno| Error::unreadable(b"/proc/x", errno);
        assert!(unreadable(Errno::IO).is_like(&unreadable(Errno::IO)));
        assert!(!unreadable(Errno::IO).is_like(&unreadable(Errno::ACCESS)));
        assert!(!unreadable(Errno::IO).is_like(&odd("")) && !odd("").is_like(&unreadable(Errno::IO)));
    }

    #[test]
    fn the_log_has_one_line_of_it() {
        let found = [b"\"\xff\n", [b'x'; 100].as_slice()].concat();
        let reported = Error::odd(b"/proc/a\nb", &found).to_string();
        assert_eq!(reported, [r#"/proc/a\nb: unexpected '\"\xff\n"#, &"x".repeat(57), "'"].concat());
    }

    #[test]
    fn what_is_not_here_is_no_fault() {
        for errno in [Errno::NOENT, Errno::NOTDIR, Errno::NODEV, Errno::NXIO, Errno::OPNOTSUPP] {
            assert!(matches!(Error::from_errno(b"/sys/x", errno), Error::Absent), "{errno:?}");
        }
        for errno in [Errno::ACCESS, Errno::IO, Errno::MFILE, Errno::NOMEM] {
            assert!(matches!(Error::from_errno(b"/sys/x", errno), Error::Fault(_)), "{errno:?}");
        }
    }
}
