//! The machine that is measured: its files, file systems, name and clock.
//!
//! The one module that opens files, and it knows no formats. Files of /proc are kept open and read
//! again from their start, which costs a router a fraction of opening them; buffers are used again,
//! so that a scrape allocates nothing once it has seen the longest file.

pub mod netlink;
pub mod statfs;
pub mod timezone;

use std::cell::{OnceCell, RefCell};
use std::ffi::{CStr, OsString};
use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rustix::buffer::spare_capacity;
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat, readlinkat_raw};
use rustix::io::{Errno, pread};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};
use rustix::process::Resource;
use rustix::system::{Uname, uname};

use crate::machine::netlink::{ALL_LINKS, GETLINK, dump_request, messages};
use crate::machine::statfs::{Mounts, PATIENCE, Question, Questions};
use crate::process::syscalls;
use crate::settings::Settings;
use crate::text::digits::Digits;
use crate::text::errno::Meaning;
use crate::text::scan::{decimal, split_once};

/// The longest file that is read: what /proc shows of a very busy router.
const LONGEST: usize = 4 << 20;
/// The longest file of another program's.
pub const LONGEST_GIVEN: u64 = 1 << 20;
/// A buffer longer than this is not kept for the next file.
const USUAL: usize = 64 << 10;
/// How many facts are kept: two for each of more interfaces than a router has.
const MOST_KNOWN: usize = 512;
/// How many scrapes in a row may do without a file that is kept open. Some scrape a part at a time.
const MOST_IDLE: u8 = 16;
/// How many files are kept open. Each holds some 3.4 kB of kernel memory.
const MOST_KEPT: usize = 96;

/// Why a collector has nothing to say: a word in size, since every step of a collector may hand it on.
#[derive(Debug)]
pub enum Error {
    /// The hardware or the kernel's part is not here, which is no fault.
    Absent,
    /// Something is wrong, which the log is told.
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

    fn from_errno(path: &[u8], errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR | Errno::NODEV | Errno::NXIO => Self::Absent,
            _ => Self::unreadable(path, errno),
        }
    }
}

/// What the kernel said, for a line of the log: a file may hold line ends, quotes and any other byte.
fn printable(bytes: &[u8]) -> String {
    bytes.escape_ascii().map(char::from).collect()
}

/// The machine that is measured.
#[derive(Debug, Default)]
pub struct Machine {
    /// What the options say to the collectors.
    pub settings: Settings,
    /// The ticks that the collector `cpu` told last, by the processors' numbers.
    pub ticks: RefCell<Vec<[u64; 10]>>,
    /// What the collector `filesystem` has asked.
    pub mounts: RefCell<Mounts>,
    kept: RefCell<Kept>,
    /// Buffers not in use: those for an attribute of a few bytes, and those for whole files. A long
    /// read of a file of /proc/sys costs the kernel ten times a short one.
    short: Pool,
    long: Pool,
    /// What was [left](Text::leave), with its path.
    left: RefCell<Option<Box<Buffer>>>,
    skipped: RefCell<Option<Error>>,
    zone: OnceCell<Vec<u8>>,
    questions: RefCell<Questions>,
    known: RefCell<Vec<(Vec<u8>, Facts)>>,
}

/// Buffers not in use. They are boxed, as a [`Text`] is to be small.
type Pool = RefCell<Vec<Box<Buffer>>>;

/// Numbers that belong together.
pub type Facts = [Option<i64>; 3];

/// Files kept open, in the order in which a scrape asks for them.
#[derive(Debug, Default)]
struct Kept {
    most: usize,
    files: Vec<KeptFile>,
    next: usize,
}

#[derive(Debug)]
struct KeptFile {
    path: Vec<u8>,
    file: OwnedFd,
    /// How many scrapes have begun since it was read.
    idle: u8,
}

impl Kept {
    /// Where `path` stands; it is nearly always the one after the last that was asked for.
    fn find(&mut self, path: &[u8]) -> Option<usize> {
        let here = |file: &KeptFile| file.path == path;
        let at = match self.files.get(self.next) {
            Some(file) if here(file) => self.next,
            _ => self.files.iter().position(here)?,
        };
        self.next = at.saturating_add(1);
        self.files.get_mut(at)?.idle = 0;
        Some(at)
    }

    /// Closes what nobody asks for any more, such as the files of a disk that is gone.
    fn begin(&mut self) {
        self.next = 0;
        self.files.retain_mut(|file| {
            file.idle = file.idle.saturating_add(1);
            file.idle <= MOST_IDLE
        });
    }
}

/// How a file is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// To its end, and kept open for the next time.
    Kept,
    /// As one record, which one read tells all of if it has the room, and kept open.
    KeptRecord,
    /// To its end.
    Whole,
    /// An attribute: one read tells all of it.
    Attribute,
    /// An attribute that is kept open.
    KeptAttribute,
}

impl Reading {
    fn keeps(self) -> bool {
        matches!(self, Self::Kept | Self::KeptRecord | Self::KeptAttribute)
    }

    fn is_short(self) -> bool {
        matches!(self, Self::Attribute | Self::KeptAttribute)
    }

    /// Whether a read that leaves room is the last.
    fn is_at_once(self) -> bool {
        self.is_short() || self == Self::KeptRecord
    }
}

impl Machine {
    /// The machine that `settings` speak of.
    pub fn new(settings: Settings) -> Self {
        // The rest is for connections, and for what is open for the time of a scrape only.
        let descriptors = syscalls::limits(Resource::Nofile)[0];
        let most = usize::try_from(descriptors / 4).map_or(MOST_KEPT, |most| most.min(MOST_KEPT));
        Self {
            settings,
            ticks: RefCell::default(),
            mounts: RefCell::default(),
            kept: RefCell::new(Kept { most, ..Kept::default() }),
            short: Pool::default(),
            long: Pool::default(),
            left: RefCell::default(),
            skipped: RefCell::default(),
            zone: OnceCell::default(),
            questions: RefCell::default(),
            known: RefCell::default(),
        }
    }

    /// A file of /proc, by the parts of its path, such as `&["net/dev"]`.
    ///
    /// # Errors
    /// [`Error::Absent`] if there is no such file, else [`Fault::Unreadable`].
    pub fn proc(&self, path: &[&[u8]]) -> Result<Text<'_>, Error> {
        self.read(&self.settings.paths.procfs, path, Reading::Kept)
    }

    /// A file of /proc that the kernel writes in one go, such as `&["stat"]`, whatever its length:
    /// it is read without asking whether there is more. (Those it writes line by line, such as
    /// `net/dev`, come a page at a time.)
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn proc_record(&self, path: &[&[u8]]) -> Result<Text<'_>, Error> {
        self.read(&self.settings.paths.procfs, path, Reading::KeptRecord)
    }

    /// A file of /proc that may be gone the next time, such as a process's.
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn proc_once(&self, path: &[&[u8]]) -> Result<Text<'_>, Error> {
        self.read(&self.settings.paths.procfs, path, Reading::Whole)
    }

    /// A setting or figure below /proc/sys, without the end of its line.
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn sysctl(&self, path: &str) -> Result<Text<'_>, Error> {
        self.read(&self.settings.paths.procfs, &[b"sys/", path.as_bytes()], Reading::KeptAttribute)
    }

    /// A number below /proc/sys.
    ///
    /// # Errors
    /// As [`Machine::proc`], and [`Fault::Odd`] if it is none.
    pub fn sysctl_decimal(&self, path: &str) -> Result<u64, Error> {
        let text = self.sysctl(path)?;
        crate::text::scan::decimal(&text).ok_or_else(|| text.odd(&text))
    }

    /// An attribute below /sys, without the end of its line; `None` if it is not there or the
    /// driver does not tell, which is the same to a collector.
    pub fn sys(&self, path: &[&[u8]]) -> Option<Text<'_>> {
        self.read(&self.settings.paths.sysfs, path, Reading::Attribute).ok()
    }

    /// An attribute of what never goes away nor changes its name, kept open.
    pub fn sys_kept(&self, path: &[&[u8]]) -> Option<Text<'_>> {
        self.read(&self.settings.paths.sysfs, path, Reading::KeptAttribute).ok()
    }

    /// A number below /sys.
    pub fn sys_decimal(&self, path: &[&[u8]]) -> Option<u64> {
        decimal(&self.sys(path)?)
    }

    /// A file of the machine's own file systems.
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn file(&self, path: &[&[u8]]) -> Result<Text<'_>, Error> {
        self.read(&self.settings.paths.rootfs, path, Reading::Whole)
    }

    /// A file of this very process, whatever `--path.procfs` says.
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn own(&self, path: &str) -> Result<Text<'_>, Error> {
        self.read("/proc/self", &[path.as_bytes()], Reading::KeptRecord)
    }

    /// A file that an option names, and when it was last changed, in seconds since 1970.
    ///
    /// # Errors
    /// [`Fault::Unreadable`], also if it is no regular file (opening a pipe would wait for who
    /// writes into it, a device may have no end) or is longer than [`LONGEST_GIVEN`].
    pub fn given_file(&self, directory: &[u8], name: &[u8]) -> Result<(Text<'_>, i64), Error> {
        let (root, directory) = given(directory);
        let mut text = self.open_text(root, &[directory, b"/", name], false);
        match text.buffer().fill_given(self) {
            Ok(changed) => Ok((text, changed)),
            Err(errno) => Err(Error::unreadable(text.path(), errno)),
        }
    }

    /// The names in a directory that an option names.
    ///
    /// # Errors
    /// [`Fault::Unreadable`], also if there is none: somebody said that there is.
    pub fn given_names(&self, directory: &[u8]) -> Result<Names<'_>, Error> {
        let (root, directory) = given(directory);
        let mut text = self.open_text(root, &[directory], false);
        match text.buffer().list(self) {
            Ok(()) => Ok(Names(text)),
            Err(errno) => Err(Error::unreadable(text.path(), errno)),
        }
    }

    /// The numbers of this process's open files.
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn own_open_files(&self) -> Result<Names<'_>, Error> {
        self.names("/proc/self", &[b"fd"])
    }

    /// The names in a directory below /sys, in the kernel's order.
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn sys_names(&self, path: &[&[u8]]) -> Result<Names<'_>, Error> {
        self.names(&self.settings.paths.sysfs, path)
    }

    /// The names in a directory below /proc, in the kernel's order.
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn proc_names(&self, path: &[&[u8]]) -> Result<Names<'_>, Error> {
        self.names(&self.settings.paths.procfs, path)
    }

    /// The last part of where a symbolic link below /sys points.
    pub fn sys_link(&self, path: &[&[u8]]) -> Option<Text<'_>> {
        let mut text = self.open_text(&self.settings.paths.sysfs, path, true);
        let mut target = [MaybeUninit::uninit(); 1024];
        let buffer = text.buffer();
        let (target, _) = readlinkat_raw(CWD, buffer.c_path()?, &mut target).ok()?;
        let name = target.rsplit(|&byte| byte == b'/').next()?;
        buffer.bytes.extend_from_slice(name);
        Some(text)
    }

    /// Where a directory below /sys is when all links are followed.
    pub fn sys_real_path(&self, path: &[&[u8]]) -> Option<Text<'_>> {
        let directory =
            self.open_text(&self.settings.paths.sysfs, path, true).buffer().open(self, OFlags::DIRECTORY).ok()?;
        let number = Digits::new(directory.as_raw_fd().unsigned_abs().into());
        let mut text = self.open_text("/proc/self/fd", &[&number], true);
        let mut target = [MaybeUninit::uninit(); 1024];
        let buffer = text.buffer();
        let (target, _) = readlinkat_raw(CWD, buffer.c_path()?, &mut target).ok()?;
        buffer.bytes.extend_from_slice(target);
        Some(text)
    }

    /// Asks for the state of the file system that is mounted at `mount_point` of the machine; see
    /// [`statfs`](crate::machine::statfs) for one that `may_hang`.
    pub fn statfs(&self, mount_point: &[u8], may_hang: bool) -> Question {
        let root = self.settings.paths.rootfs.trim_end_matches('/');
        let mut text = self.open_text(root, &[mount_point.strip_prefix(b"/").unwrap_or(mount_point)], true);
        match text.buffer().c_path() {
            Some(path) => self.questions.borrow_mut().ask(path, may_hang),
            None => Question::Answered(Err(Errno::INVAL)),
        }
    }

    /// The kernel's answer to a netlink request for all things of a `kind`, whole; `None` if it has
    /// none, or an odd one.
    pub fn dump(&self, kind: u16, body: &[u8]) -> Option<Text<'_>> {
        let mut text = self.open_text("netlink:", &[], false);
        text.buffer().dump(kind, body).ok()?.then_some(text)
    }

    /// Waits for the answer to such a question, if all were asked when the wait `began`.
    pub fn wait_for_statfs(&self, question: &mut Question, began: Instant) {
        self.questions.borrow_mut().wait(question, began, PATIENCE);
    }

    /// The kernel's answer that tells all interfaces, for [`netlink`](crate::machine::netlink).
    pub fn links(&self) -> Option<Text<'_>> {
        self.dump(GETLINK, &ALL_LINKS)
    }

    /// What `read` gave when it was first asked about `key`: for what changes with the key alone.
    pub fn once(&self, key: &[&[u8]], read: impl FnOnce() -> Facts) -> Facts {
        let is_it = |(known, _): &&(Vec<u8>, _)| {
            let mut rest = Some(known.as_slice());
            for part in key {
                rest = rest.and_then(|rest| rest.strip_prefix(*part));
            }
            rest.is_some_and(<[u8]>::is_empty)
        };
        if let Some((_, facts)) = self.known.borrow().iter().find(is_it) {
            return *facts;
        }
        let facts = read();
        let mut known = self.known.borrow_mut();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.push((key.concat(), facts));
        facts
    }

    /// What the kernel calls itself.
    pub fn uname(&self) -> Uname {
        uname()
    }

    /// Nanoseconds since 1970 by the wall clock, which may be years off on a router without a
    /// battery.
    pub fn now(&self) -> u64 {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        time.as_secs().saturating_mul(1_000_000_000).saturating_add(time.subsec_nanos().into())
    }

    /// The machine's time zone as POSIX writes it; empty if it is not told, which means UTC. It is
    /// looked for once, as libc does.
    pub fn zone(&self) -> &[u8] {
        self.zone.get_or_init(|| self.find_zone(std::env::var_os("TZ")).unwrap_or_default())
    }

    /// The zone of the variable TZ, else that of `/etc/TZ`, where uClibc and OpenWrt have it, else
    /// that of `/etc/localtime`.
    fn find_zone(&self, variable: Option<OsString>) -> Option<Vec<u8>> {
        let database = |path: &[&[u8]]| Some(timezone::of_database(&self.file(path).ok()?)?.to_vec());
        match variable.map(OsString::into_vec) {
            Some(value) => {
                let value = value.strip_prefix(b":").unwrap_or(&value);
                if timezone::offset(value, 0).is_some() {
                    return Some(value.to_vec());
                }
                database(&[if value.starts_with(b"/") { b"" } else { b"usr/share/zoneinfo/" }, value])
            }
            None => match self.file(&[b"etc/TZ"]) {
                Ok(text) => Some(text.trim_ascii().to_vec()),
                Err(_) => database(&[b"etc/localtime"]),
            },
        }
    }

    /// Tells the log what a collector did without, if it is the first of it.
    pub fn skip(&self, error: Error) {
        self.skipped.borrow_mut().get_or_insert(error);
    }

    /// A scrape begins: forgets what was [left](Text::leave) and not read, and what is not asked for
    /// any more.
    pub fn begin(&self) {
        self.kept.borrow_mut().begin();
        self.questions.borrow_mut().forget_late();
        drop(Text { machine: self, buffer: self.left.take() });
    }

    /// What was [skipped](Text::skip) since the last call.
    pub fn skipped(&self) -> Option<Error> {
        self.skipped.take()
    }

    fn read(&self, root: &str, path: &[&[u8]], reading: Reading) -> Result<Text<'_>, Error> {
        let mut text = self.open_text(root, path, reading.is_short());
        let left = self.left.borrow_mut().take_if(|left| left.path() == text.path());
        if left.is_some() {
            return Ok(Text { machine: self, buffer: left });
        }
        match text.buffer().fill(self, reading) {
            Ok(()) => Ok(text),
            Err(errno) => Err(Error::from_errno(text.path(), errno)),
        }
    }

    fn names(&self, root: &str, path: &[&[u8]]) -> Result<Names<'_>, Error> {
        let mut text = self.open_text(root, path, false);
        match text.buffer().list(self) {
            Ok(()) => Ok(Names(text)),
            Err(errno) => Err(Error::from_errno(text.path(), errno)),
        }
    }

    /// An empty text with its path, in a buffer that was used before.
    fn open_text(&self, root: &str, path: &[&[u8]], is_short: bool) -> Text<'_> {
        let mut buffer = self.pool(is_short).borrow_mut().pop();
        let Buffer { bytes, start, .. } = &mut **buffer.get_or_insert_with(|| {
            Box::new(Buffer { bytes: Vec::with_capacity(if is_short { 512 } else { 8192 }), start: 0, is_short })
        });
        bytes.clear();
        bytes.extend_from_slice(root.as_bytes());
        bytes.push(b'/');
        for part in path {
            bytes.extend_from_slice(part);
        }
        bytes.push(0);
        *start = bytes.len();
        Text { machine: self, buffer }
    }

    fn pool(&self, is_short: bool) -> &Pool {
        if is_short { &self.short } else { &self.long }
    }
}

/// The root of a path that an option names, which may be a relative one, and what stands below.
fn given(path: &[u8]) -> (&'static str, &[u8]) {
    path.strip_prefix(b"/").map_or((".", path), |below| ("", below))
}

/// What a file said: two words in size, as collectors hand it about.
#[derive(Debug)]
pub struct Text<'m> {
    machine: &'m Machine,
    /// There until it is given back.
    buffer: Option<Box<Buffer>>,
}

impl Deref for Text<'_> {
    type Target = [u8];

    #[inline(never)]
    fn deref(&self) -> &[u8] {
        self.buffer.as_ref().map_or(&[], |buffer| buffer.said())
    }
}

impl Drop for Text<'_> {
    /// Puts the buffer where it will be used again.
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take_if(|buffer| buffer.bytes.capacity() <= USUAL) {
            self.machine.pool(buffer.is_short).borrow_mut().push(buffer);
        }
    }
}

impl Text<'_> {
    fn buffer(&mut self) -> &mut Buffer {
        self.buffer.get_or_insert_default()
    }

    /// Leaves what the file said to the collector of this scrape that reads it next.
    pub fn leave(mut self) {
        self.machine.left.replace(self.buffer.take());
    }

    /// The error that the file says `found`.
    pub fn odd(&self, found: &[u8]) -> Error {
        let shown = found.get(..found.len().min(60)).unwrap_or_default();
        Error::Fault(Box::new(Fault::Odd { path: printable(self.path()), found: printable(shown) }))
    }

    /// Passes over a line that makes no sense, which costs that line and nothing else. The first
    /// one of a collector is told in the log.
    pub fn skip(&self, line: &[u8]) {
        self.machine.skipped.borrow_mut().get_or_insert_with(|| self.odd(line));
    }

    fn path(&self) -> &[u8] {
        self.buffer.as_ref().map_or(&[], |buffer| buffer.path())
    }
}

/// A path, a NUL, and what the file of that path said from `start` on.
#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    is_short: bool,
}

impl Buffer {
    fn path(&self) -> &[u8] {
        self.bytes.get(..self.start.saturating_sub(1)).unwrap_or_default()
    }

    fn said(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// The path for a system call; `None` if it has a NUL within.
    fn c_path(&self) -> Option<&CStr> {
        CStr::from_bytes_with_nul(self.bytes.get(..self.start)?).ok()
    }

    fn open(&self, machine: &Machine, flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = self.c_path().ok_or(Errno::INVAL)?;
        let open = || openat(CWD, path, flags | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty());
        match open() {
            Err(Errno::MFILE | Errno::NFILE) if !machine.kept.borrow().files.is_empty() => {
                machine.kept.borrow_mut().files.clear();
                open()
            }
            result => result,
        }
    }

    fn fill(&mut self, machine: &Machine, reading: Reading) -> Result<(), Errno> {
        if reading.keeps() {
            let mut kept = machine.kept.borrow_mut();
            let at = kept.find(self.path());
            if let Some((at, KeptFile { file, .. })) = at.and_then(|at| Some((at, kept.files.get(at)?))) {
                if self.read_from(file, reading).is_ok() {
                    return Ok(());
                }
                // What it showed has gone; something new may have come under the same name.
                self.bytes.truncate(self.start);
                kept.files.remove(at);
            }
        }
        let file = self.open(machine, OFlags::empty())?;
        self.read_from(&file, reading)?;
        if reading.keeps() {
            let mut kept = machine.kept.borrow_mut();
            if kept.files.len() < kept.most {
                let next = kept.next.min(kept.files.len());
                kept.files.insert(next, KeptFile { path: self.path().to_vec(), file, idle: 0 });
                kept.next = next.saturating_add(1);
            }
        }
        Ok(())
    }

    fn fill_given(&mut self, machine: &Machine) -> Result<i64, Errno> {
        let file = self.open(machine, OFlags::empty())?;
        let status = syscalls::status(file.as_fd())?;
        if !status.is_file {
            return Err(Errno::INVAL);
        }
        if status.length > LONGEST_GIVEN {
            return Err(Errno::FBIG);
        }
        self.read_from(&file, Reading::Whole)?;
        Ok(status.changed)
    }

    fn read_from(&mut self, file: &OwnedFd, reading: Reading) -> Result<(), Errno> {
        loop {
            if self.bytes.len() > LONGEST {
                return Err(Errno::FBIG);
            }
            if self.bytes.capacity().saturating_sub(self.bytes.len()) < 128 {
                self.bytes.reserve(self.bytes.capacity());
            }
            let offset = u64::try_from(self.said().len()).unwrap_or(u64::MAX);
            let count = match pread(file, spare_capacity(&mut self.bytes), offset) {
                Err(Errno::INTR) => continue,
                result => result?,
            };
            if count == 0 || (reading.is_at_once() && self.bytes.len() < self.bytes.capacity()) {
                break;
            }
        }
        if reading.is_short() {
            let trimmed = self.said().trim_ascii_end().len();
            self.bytes.truncate(self.start.saturating_add(trimmed));
        }
        Ok(())
    }

    /// Reads an answer to its end; false if it is of no use.
    fn dump(&mut self, kind: u16, body: &[u8]) -> Result<bool, Errno> {
        // The kernel makes its messages as long as the longest buffer that it was given, up to this,
        // and one that does not fit is lost.
        const LONGEST_MESSAGE: usize = 32 << 10;
        // No protocol is NETLINK_ROUTE.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
        let (request, length) = dump_request(kind, body);
        send(&socket, request.get(..length).unwrap_or_default(), SendFlags::empty())?;
        loop {
            let start = self.bytes.len();
            if start > LONGEST {
                return Ok(false);
            }
            // Not twice as much as it has, which would be too much to keep.
            self.bytes.reserve_exact(LONGEST_MESSAGE);
            // The answer is there before its request has returned.
            let flags = RecvFlags::TRUNC | RecvFlags::DONTWAIT;
            let (_, length) = recv(&socket, spare_capacity(&mut self.bytes), flags)?;
            let Some(answer) = self.bytes.get(start..).filter(|answer| answer.len() == length && length > 0) else {
                return Ok(false);
            };
            for message in messages(answer) {
                match message.ends() {
                    Some(false) => {}
                    Some(true) => return Ok(true),
                    None => return Ok(false),
                }
            }
            let padding = length.next_multiple_of(4).saturating_sub(length);
            self.bytes.resize(self.bytes.len().saturating_add(padding), 0);
        }
    }

    fn list(&mut self, machine: &Machine) -> Result<(), Errno> {
        let directory = self.open(machine, OFlags::DIRECTORY)?;
        let mut buffer = [MaybeUninit::uninit(); 2048];
        let mut entries = RawDir::new(directory, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes_with_nul();
            if name != b".\0" && name != b"..\0" {
                self.bytes.extend_from_slice(name);
            }
            if self.bytes.len() > LONGEST {
                return Err(Errno::FBIG);
            }
        }
        Ok(())
    }
}

/// The names in a directory.
#[derive(Debug)]
pub struct Names<'m>(Text<'m>);

impl Names<'_> {
    /// The names, in the kernel's order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let (name, after) = split_once(rest, 0)?;
            rest = after;
            Some(name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_read_once_and_in_the_same_scrape() {
        let machine = Machine::default();
        let leave = || {
            let mut text = machine.proc_record(&[b"stat"]).unwrap();
            text.buffer().bytes.extend_from_slice(b"left");
            text.leave();
        };
        let is_left = |path: &[u8]| machine.proc_record(&[path]).unwrap().ends_with(b"left");
        leave();
        assert!(!is_left(b"meminfo"));
        assert!(is_left(b"stat"));
        assert!(!is_left(b"stat"));
        leave();
        machine.begin();
        assert!(!is_left(b"stat"));
    }

    #[test]
    fn a_given_path_is_told_as_it_was_given() {
        let machine = Machine::default();
        for (directory, told) in [("/nowhere", "/nowhere/file: "), ("nowhere", "./nowhere/file: ")] {
            let error = machine.given_file(directory.as_bytes(), b"file").map(drop).unwrap_err().to_string();
            assert!(error.starts_with(told), "{error}");
        }
    }

    #[test]
    fn files_that_nobody_asks_for_are_closed() {
        let machine = Machine::new(Settings::default());
        for _ in 0..=MOST_IDLE {
            machine.begin();
            machine.proc(&[b"uptime"]).unwrap();
        }
        machine.proc(&[b"loadavg"]).unwrap();
        let kept = || machine.kept.borrow().files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
        assert_eq!(kept(), [b"/proc/uptime".to_vec(), b"/proc/loadavg".to_vec()]);
        for _ in 0..=MOST_IDLE {
            machine.begin();
            machine.proc(&[b"uptime"]).unwrap();
        }
        assert_eq!(kept(), [b"/proc/uptime".to_vec()]);
    }

    #[test]
    fn facts_are_read_once_for_a_key() {
        let machine = Machine::default();
        let facts = |number| [Some(number), None, None];
        assert_eq!(machine.once(&[b"4", b"eth0"], || facts(1)), facts(1));
        assert_eq!(machine.once(&[b"4", b"eth0"], || facts(2)), facts(1));
        assert_eq!(machine.once(&[b"5", b"eth0"], || facts(3)), facts(3));
        for number in 0..2 * MOST_KNOWN {
            machine.once(&[number.to_string().as_bytes()], || facts(4));
            assert!(machine.known.borrow().len() <= MOST_KNOWN);
        }
        assert_eq!(machine.once(&[b"4", b"eth0"], || facts(5)), facts(5));
    }
}
