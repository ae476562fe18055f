//! What the exporter asks of the system for itself, and all the unsafe code there is: two calls
//! that rustix has no safe name for. `signal-hook` would wrap the first, with a registry of
//! handlers, locks and a pipe, to the same end: one flag.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FileType, Mode, OFlags};

static RELOAD: AtomicBool = AtomicBool::new(false);

extern "C" fn ask_for_reload(_signal: libc::c_int) {
    // A store to an atomic is all that happens here, and that is safe in a signal's handler.
    RELOAD.store(true, Ordering::Relaxed);
}

/// From here on SIGHUP asks for the credentials to be read again rather than ending the process.
#[allow(unsafe_code)]
pub fn catch_hangup() {
    let handler: extern "C" fn(libc::c_int) = ask_for_reload;
    // SAFETY: the handler has the type that signal() calls, lives as long as the program, and
    // touches nothing but an atomic.
    unsafe { libc::signal(libc::SIGHUP, handler as libc::sighandler_t) };
}

/// Whether SIGHUP has come since this was asked last.
#[must_use]
pub fn hung_up() -> bool {
    RELOAD.load(Ordering::Relaxed) && RELOAD.swap(false, Ordering::Relaxed)
}

/// Binds a socket to the interface of this name: it hears what arrives there and nothing else.
///
/// # Errors
/// ENODEV if there is no such interface, EPERM without CAP_NET_RAW before Linux 5.7.
#[allow(unsafe_code)]
pub fn bind_to_device(socket: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    let length = libc::socklen_t::try_from(name.len()).map_err(io::Error::other)?;
    // SAFETY: the kernel reads `length` bytes at the pointer, which the name has; it keeps no
    // pointer, and ends the name itself.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_BINDTODEVICE, name.as_ptr().cast(), length)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Reads a small file of the exporter's own, rather than one that tells of the machine, and the
/// permissions on it.
///
/// # Errors
/// It is missing or unreadable, larger than `limit` bytes, or no plain file.
#[allow(clippy::disallowed_methods)]
pub fn read_own(path: &Path, limit: usize) -> io::Result<(Mode, Vec<u8>)> {
    // Not blocking: a FIFO in the file's place must not hold anything up.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    let mode = rustix::fs::fstat(&file)?.st_mode;
    if FileType::from_raw_mode(mode) != FileType::RegularFile {
        return Err(io::Error::other("not a plain file"));
    }
    let mut text = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    File::from(file).take(most).read_to_end(&mut text)?;
    if text.len() > limit {
        return Err(io::Error::other(format!("larger than {limit} bytes")));
    }
    Ok((Mode::from_raw_mode(mode), text))
}
