//! What the exporter asks of the system for itself, and all the unsafe code but the allocator's: calls
//! that rustix has no safe name for. `signal-hook` would wrap the first, with a registry of
//! handlers, locks and a pipe, to the same end: one flag.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use rustix::process::Resource;

use crate::text::errno::Meaning;

/// No process of ours has a descriptor above this: [`privileges`](crate::process::privileges) sees to that.
pub const MOST_DESCRIPTORS: i32 = 512;

static RELOAD: AtomicBool = AtomicBool::new(false);

extern "C" fn ask_for_reload(_signal: libc::c_int) {
    // A store to an atomic is all that happens here, and that is safe in a signal's handler.
    RELOAD.store(true, Ordering::Relaxed);
}

#[allow(unsafe_code)]
extern "C" fn end(_signal: libc::c_int) {
    // SAFETY: _exit() may be called from a signal's handler, and runs nothing of the program's.
    unsafe { libc::_exit(0) }
}

/// From here on SIGHUP asks for the credentials to be read again; SIGTERM and SIGINT end the
/// process with status 0, at once, as nothing has to be saved, and even where it is the first
/// process of a container; and children that have ended leave nothing behind.
#[allow(unsafe_code)]
pub fn handle_signals() {
    let handlers: [(libc::c_int, extern "C" fn(libc::c_int)); 3] =
        [(libc::SIGHUP, ask_for_reload), (libc::SIGTERM, end), (libc::SIGINT, end)];
    for (signal, handler) in handlers {
        // SAFETY: the handlers have the type that signal() calls, live as long as the program, and
        // do nothing but store to an atomic and end the process.
        unsafe { libc::signal(signal, handler as libc::sighandler_t) };
    }
    // SAFETY: no handler is set; the kernel reaps children by itself.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
}

/// A limit of this process, in the kernel's unit, and the most that it may be made.
#[must_use]
pub fn limits(resource: Resource) -> [u64; 2] {
    prlimit(resource, None)
}

/// Lowers a limit for good. One that is lower already stays.
pub fn limit(resource: Resource, most: u64) {
    let [_, hard] = limits(resource);
    prlimit(resource, Some([hard.min(most); 2]));
}

/// What the limits were before they were set. The C library's setrlimit() would do, but is made for
/// processes with threads, at 2 kB.
#[allow(unsafe_code)]
fn prlimit(resource: Resource, new: Option<[u64; 2]>) -> [u64; 2] {
    let new = new.as_ref().map_or(std::ptr::null(), |new| new.as_ptr());
    let mut old = [u64::MAX; 2];
    // SAFETY: the kernel reads two numbers at the first pointer if it is one, writes two at the other,
    // and keeps none.
    unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource as libc::c_int, new, old.as_mut_ptr()) };
    old
}

/// Whether SIGHUP has come since this was asked last. One that comes just before the server waits
/// does not wake it, so this is asked again before credentials are compared.
#[must_use]
pub fn reload_requested() -> bool {
    RELOAD.load(Ordering::Relaxed) && RELOAD.swap(false, Ordering::Relaxed)
}

/// Binds a socket to the interface of this name: it hears what arrives there and nothing else.
///
/// # Errors
/// ENODEV if there is no such interface, EPERM without CAP_NET_RAW before Linux 5.7.
#[allow(unsafe_code)]
pub fn bind_to_device(socket: BorrowedFd<'_>, name: &str) -> Result<(), Errno> {
    let length = libc::socklen_t::try_from(name.len()).map_err(|_| Errno::NODEV)?;
    // SAFETY: the kernel reads `length` bytes at the pointer, which the name has; it keeps no
    // pointer, and ends the name itself.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_BINDTODEVICE, name.as_ptr().cast(), length)
    };
    if result == 0 { Ok(()) } else { Err(last_error()) }
}

/// Why the last of libc's calls failed.
fn last_error() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// What is asked about an interface: the requests' numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Its hardware address, behind two bytes.
    Address = 0x8927,
    /// Its number, which nothing else ever gets while it is there.
    Number = 0x8933,
    /// Of wifi without nl80211: what the driver calls itself, up to a NUL.
    Driver = 0x8b01,
    /// The number of the channel.
    Channel = 0x8b05,
    /// The network's name, into the buffer.
    Network = 0x8b1b,
    /// Ralink's own, which none but its driver may be asked: the stations, into the buffer.
    Stations = 0x8bff,
}

/// Asks about an interface. Where root asks for one that is not there, the kernel looks for a module. The
/// length of what is in the buffer stands where the answer has it: behind a pointer.
///
/// # Errors
/// ENODEV if there is none of this name, and what the driver answers.
// As for `limit`, the C library's ioctl() would do, and knows requests of sound cards, at 1 kB.
#[allow(unsafe_code)]
pub fn interface(socket: BorrowedFd<'_>, what: About, name: &[u8], buffer: &mut [u8]) -> Result<[u8; 16], Errno> {
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct IwPoint(*mut u8, u16);
    /// The union of the kernel's `struct ifreq` and `struct iwreq`, of 24 bytes at most.
    #[repr(C)]
    union Ifru {
        buffer: IwPoint,
        bytes: [u8; 16],
        all: [u64; 3],
    }
    #[repr(C)]
    struct Ifreq([u8; libc::IFNAMSIZ], Ifru);
    let mut request = Ifreq([0; libc::IFNAMSIZ], Ifru { all: [0; 3] });
    request.1.buffer = IwPoint(buffer.as_mut_ptr(), u16::try_from(buffer.len()).unwrap_or(u16::MAX));
    // A byte of the name is the NUL's. Ralink's driver writes a network's name without a look at the length.
    if name.len() >= request.0.len() || (what == About::Network && buffer.len() < 64) {
        return Err(Errno::NODEV);
    }
    for (to, from) in request.0.iter_mut().zip(name) {
        *to = *from;
    }
    // SAFETY: the kernel reads and writes a request at the pointer, and fills no more of the buffer than
    // there is; it keeps no pointer.
    let result = unsafe { libc::syscall(libc::SYS_ioctl, socket.as_raw_fd(), what as libc::c_ulong, &raw mut request) };
    // SAFETY: all of its bytes have been set.
    if result == 0 { Ok(unsafe { request.1.bytes }) } else { Err(last_error()) }
}

/// The number of an interface.
///
/// # Errors
/// As [`interface`].
pub fn interface_number(socket: BorrowedFd<'_>, name: &str) -> Result<u32, Errno> {
    let [a, b, c, d, ..] = interface(socket, About::Number, name.as_bytes(), &mut [])?;
    Ok(u32::from_ne_bytes([a, b, c, d]))
}

/// The size of a page of memory, in bytes. The C library's sysconf() knows 250 other things, at 1 kB.
#[allow(clippy::useless_conversion, unsafe_code)]
#[must_use]
pub fn page_size() -> u64 {
    // SAFETY: it is read where the kernel has put it before the program began.
    unsafe { libc::getauxval(libc::AT_PAGESZ) }.into()
}

/// Whether a file is ready for `what` before `patience` ends.
///
/// # Errors
/// The kernel has no memory to spare, or a signal came.
pub fn is_ready(file: BorrowedFd<'_>, what: PollFlags, patience: Duration) -> Result<bool, Errno> {
    let begun = u64::from(patience.subsec_nanos().div_ceil(1_000_000));
    let milliseconds = patience.as_secs().saturating_mul(1000).saturating_add(begun);
    poll(&mut [PollFd::from_borrowed_fd(file, what)], Some(milliseconds)).map(|ready| ready > 0)
}

/// Waits until a file is ready, or for so many milliseconds; for ever without them. Gives the number of
/// files that are ready.
///
/// rustix's own hands 64 bits of seconds to a function of musl's that takes 32 on MIPS, where fractions
/// of a second are lost, and on a big-endian one the seconds.
///
/// # Errors
/// The kernel has no memory to spare, or a signal came.
#[allow(unsafe_code)]
pub fn poll(files: &mut [PollFd<'_>], milliseconds: Option<u64>) -> Result<usize, Errno> {
    let milliseconds = milliseconds.map_or(-1, |most| libc::c_int::try_from(most).unwrap_or(libc::c_int::MAX));
    let count = libc::nfds_t::try_from(files.len()).map_err(|_| Errno::INVAL)?;
    // SAFETY: a `PollFd` is laid out as the C library's `pollfd`, there are `count` of them, and none is
    // kept.
    match usize::try_from(unsafe { libc::poll(files.as_mut_ptr().cast(), count, milliseconds) }) {
        Ok(ready) => Ok(ready),
        Err(_) => Err(last_error()),
    }
}

/// Computes a message in a child process, which may never end, and gives the end of the pipe that
/// the message comes from.
///
/// # Errors
/// The kernel has no process or descriptor to spare.
#[allow(unsafe_code)]
pub fn by_child<const N: usize>(message: impl FnOnce() -> [[u8; 8]; N]) -> Result<OwnedFd, Errno> {
    let (receiver, sender) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    // SAFETY: the child does nothing but system calls between here and its end: `message` is one
    // by contract, and neither allocates nor takes a lock. So nothing is missed of what the C
    // library's fork() does for a child that goes on.
    match unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) } {
        -1 => Err(Errno::NOMEM),
        0 => {
            let keep = sender.as_raw_fd();
            for descriptor in (0..MOST_DESCRIPTORS).filter(|descriptor| *descriptor != keep) {
                // SAFETY: nothing of the child uses them. Held, they would keep the exporter's
                // port taken for as long as the child hangs.
                unsafe { libc::close(descriptor) };
            }
            let _ = rustix::io::write(&sender, message().as_flattened());
            // SAFETY: ends the child, without what the exporter does at its own end.
            unsafe { libc::_exit(0) }
        }
        _ => Ok(receiver),
    }
}

/// What the kernel's clock does and how it is corrected, and its state, as of adjtimex(2), which
/// changes nothing here.
///
/// # Errors
/// The kernel does not report, such as within a container.
#[allow(unsafe_code)]
pub fn clock() -> Result<(libc::timex, libc::c_int), Errno> {
    let mut clock = MaybeUninit::<libc::timex>::zeroed();
    // The kernel's struct is one of longs, whatever times the C library's has on 32 bits.
    const { assert!(size_of::<libc::timeval>() == 2 * size_of::<libc::c_long>()) };
    // SAFETY: the kernel writes a `timex` at the pointer and keeps none; `modes` is 0, so that it
    // sets nothing.
    let state = unsafe { libc::syscall(libc::SYS_adjtimex, clock.as_mut_ptr()) };
    // SAFETY: it is numbers, for which zeros will do, whether the kernel has written them or not.
    let clock = unsafe { clock.assume_init() };
    match libc::c_int::try_from(state) {
        Ok(state @ 0..) => Ok((clock, state)),
        _ => Err(last_error()),
    }
}

/// Nanoseconds since the machine began, those that it slept too. rustix looks for a faster way to ask
/// than the C library's, which Rust's own clocks have already, at 2 kB.
///
/// # Errors
/// EINVAL before Linux 2.6.39, which brought this clock.
#[allow(unsafe_code)]
pub fn since_boot() -> Result<u64, Errno> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the C library writes a `timespec` at the pointer and keeps none.
    if unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) } != 0 {
        return Err(last_error());
    }
    let [seconds, rest] = [time.tv_sec, time.tv_nsec].map(|part| u64::try_from(part).unwrap_or_default());
    Ok(seconds.saturating_mul(1_000_000_000).saturating_add(rest))
}

/// What is known of a file.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// Whether it is a plain file.
    pub is_file: bool,
    /// The permissions on it.
    pub mode: Mode,
    /// Its length, in bytes.
    pub length: u64,
    /// When it was changed last, in seconds since 1970.
    pub changed: i64,
}

/// Asks about an open file. As for [`limit`], the C library's fstat() would do, and on 32 bits asks in
/// three ways, at 2 kB; rustix's looks for statx(2) by name, and brings 12 kB for that.
///
/// # Errors
/// The kernel has none: it knows every open file.
// The C library's type of times is about to be one of 64 bits, which the assertion would show.
#[allow(clippy::useless_conversion, deprecated, unsafe_code)]
pub fn status(file: BorrowedFd<'_>) -> Result<Status, Errno> {
    #[cfg(target_pointer_width = "64")]
    use libc::SYS_fstat as SYS_FSTAT;
    #[cfg(target_pointer_width = "32")]
    use libc::SYS_fstat64 as SYS_FSTAT;
    // The kernel's struct, as the C library had it before its times were of 64 bits everywhere.
    const { assert!(size_of::<libc::time_t>() == size_of::<libc::c_long>()) };
    let mut status = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the kernel writes a `stat` at the pointer and keeps none.
    if unsafe { libc::syscall(SYS_FSTAT, file.as_raw_fd(), status.as_mut_ptr()) } != 0 {
        return Err(last_error());
    }
    // SAFETY: it is numbers, and the kernel has written them.
    let status = unsafe { status.assume_init() };
    Ok(Status {
        is_file: status.st_mode & libc::S_IFMT == libc::S_IFREG,
        mode: Mode::from_raw_mode(status.st_mode),
        length: u64::try_from(status.st_size).unwrap_or_default(),
        changed: status.st_mtime.into(),
    })
}

/// Reads a small file of the exporter's own, rather than one about the machine, and the
/// permissions on it.
///
/// # Errors
/// It is missing or unreadable, larger than `limit` bytes, or no plain file.
pub fn read_own(path: &str, limit: usize) -> Result<(Mode, Vec<u8>), String> {
    // Not blocking: a FIFO in the file's place must not hold anything up.
    let flags = OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut text = Vec::new();
    let mut read = || -> Result<Option<Mode>, Errno> {
        let file = open(path, flags)?;
        let status = status(file.as_fd())?;
        if !status.is_file {
            return Ok(None);
        }
        while text.len() <= limit {
            text.reserve(4096);
            match rustix::io::read(&file, spare_capacity(&mut text)) {
                Ok(0) => break,
                Err(Errno::INTR) | Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(status.mode))
    };
    match read() {
        Ok(None) => Err("not a plain file".into()),
        Ok(Some(_)) if text.len() > limit => Err(format!("larger than {limit} bytes")),
        Ok(Some(mode)) => Ok((mode, text)),
        Err(error) => Err(Meaning(error).to_string()),
    }
}

/// Whether `path` names a directory that can be looked into.
#[must_use]
pub fn is_directory(path: &str) -> bool {
    open(path, OFlags::DIRECTORY | OFlags::CLOEXEC).is_ok()
}

/// Opens a file to be read.
#[allow(clippy::disallowed_methods)]
fn open(path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = [path, "\0"].concat();
    let path = CStr::from_bytes_with_nul(path.as_bytes()).map_err(|_| Errno::INVAL)?;
    rustix::fs::open(path, flags | OFlags::RDONLY, Mode::empty())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn a_child_holds_nothing_but_its_end_of_the_pipe() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let number = port.as_raw_fd();
        assert!(number < MOST_DESCRIPTORS);
        let is_open = |number| {
            // SAFETY: nothing is done with it but this request.
            let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
            rustix::io::fcntl_getfd(descriptor).is_ok()
        };
        let answer = by_child(|| {
            let [port, input] = [number, 0].map(|number| u8::from(is_open(number)));
            [[port, input, 1, 0, 0, 0, 0, 0]]
        });
        let mut message = [9; 8];
        let pipe = answer.unwrap();
        assert!(is_ready(pipe.as_fd(), PollFlags::IN, Duration::from_secs(60)).unwrap());
        assert_eq!(rustix::io::read(&pipe, &mut message), Ok(8));
        assert_eq!(message, [0, 0, 1, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn waits_for_as_long_as_it_is_reported() {
        let (receiver, sender) = rustix::pipe::pipe().unwrap();
        for milliseconds in [30, 1100] {
            let (began, patience) = (Instant::now(), Duration::from_millis(milliseconds));
            assert_eq!(is_ready(receiver.as_fd(), PollFlags::IN, patience), Ok(false));
            assert!(began.elapsed() >= patience, "{:?} of {milliseconds} ms", began.elapsed());
        }
        rustix::io::write(&sender, b"x").unwrap();
        let (began, patience) = (Instant::now(), Duration::from_secs(60));
        assert_eq!(is_ready(receiver.as_fd(), PollFlags::IN, patience), Ok(true));
        assert!(began.elapsed() < patience);
    }
}
