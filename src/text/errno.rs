//! What the kernel's errors mean, in the words that node_exporter has from Go: its label
//! `device_error` has them, and so have the messages here. The C library knows them all, in 2.5 kB.

use std::fmt;

use rustix::io::Errno;

/// Those that a router's kernel may answer the exporter with.
const TEXTS: [(Errno, &str); 37] = [
    (Errno::ACCESS, "permission denied"),
    (Errno::ADDRINUSE, "address already in use"),
    (Errno::ADDRNOTAVAIL, "cannot assign requested address"),
    (Errno::AFNOSUPPORT, "address family not supported by protocol"),
    (Errno::AGAIN, "resource temporarily unavailable"),
    (Errno::BADF, "bad file descriptor"),
    (Errno::BUSY, "device or resource busy"),
    (Errno::CONNREFUSED, "connection refused"),
    (Errno::CONNRESET, "connection reset by peer"),
    (Errno::FBIG, "file too large"),
    (Errno::HOSTDOWN, "host is down"),
    (Errno::HOSTUNREACH, "no route to host"),
    (Errno::INTR, "interrupted system call"),
    (Errno::INVAL, "invalid argument"),
    (Errno::IO, "input/output error"),
    (Errno::ISDIR, "is a directory"),
    (Errno::LOOP, "too many levels of symbolic links"),
    (Errno::MFILE, "too many open files"),
    (Errno::NAMETOOLONG, "file name too long"),
    (Errno::NETUNREACH, "network is unreachable"),
    (Errno::NFILE, "too many open files in system"),
    (Errno::NODEV, "no such device"),
    (Errno::NOENT, "no such file or directory"),
    (Errno::NODATA, "no data available"),
    (Errno::NOMEDIUM, "no medium found"),
    (Errno::NOMEM, "cannot allocate memory"),
    (Errno::NOSPC, "no space left on device"),
    (Errno::NOSYS, "function not implemented"),
    (Errno::NOTCONN, "transport endpoint is not connected"),
    (Errno::NOTDIR, "not a directory"),
    (Errno::NXIO, "no such device or address"),
    (Errno::OPNOTSUPP, "operation not supported"),
    (Errno::PERM, "operation not permitted"),
    (Errno::PIPE, "broken pipe"),
    (Errno::STALE, "stale NFS file handle"),
    (Errno::TIMEDOUT, "connection timed out"),
    (Errno::UCLEAN, "structure needs cleaning"),
];

/// The words for an error; `None` for one that is not expected.
#[must_use]
pub fn text(errno: Errno) -> Option<&'static str> {
    TEXTS.iter().find(|(known, _)| *known == errno).map(|(_, text)| *text)
}

/// An error to be written: its words, else its number.
#[derive(Debug)]
pub struct Meaning(pub Errno);

impl fmt::Display for Meaning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match text(self.0) {
            Some(text) => out.write_str(text),
            None => write!(out, "errno {}", self.0.raw_os_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_words_or_by_number() {
        assert_eq!(Meaning(Errno::NOENT).to_string(), "no such file or directory");
        assert_eq!(Meaning(Errno::OPNOTSUPP).to_string(), "operation not supported");
        assert_eq!(Meaning(Errno::from_raw_os_error(133)).to_string(), "errno 133");
    }
}
