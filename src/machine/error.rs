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
        path: String,
        /// What the kernel answered.
        errno: Errno,
    },
    /// The file does not say what it should.
    Odd {
        /// The file.
        path: String,
        /// What was found there, shortened.
        found: String,
    },
}

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
            Self::Unreadable { path, errno } => write!(f, "{path}: {}", Meaning(*errno)),
            Self::Odd { path, found } => write!(f, "{path}: unexpected '{found}'"),
        }
    }
}

impl Error {
    /// The error that the kernel answers `errno` where `path` is to be read.
    pub fn unreadable(path: &[u8], errno: Errno) -> Self {
        Self::Fault(Box::new(Fault::Unreadable { path: printable(path), errno }))
    }

    pub(super) fn from_errno(path: &[u8], errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR | Errno::NODEV | Errno::NXIO => Self::Absent,
            _ => Self::unreadable(path, errno),
        }
    }
}

/// What the kernel said, for a line of the log: a file may hold line ends, quotes and any other byte.
pub(super) fn printable(bytes: &[u8]) -> String {
    bytes.escape_ascii().map(char::from).collect()
}
