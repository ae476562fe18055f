//! The two calls that rustix has no safe name for: all the unsafe code there is.
//!
//! `signal-hook` would wrap the first, with a registry of handlers, locks and a pipe, to the same
//! end: one flag.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

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
