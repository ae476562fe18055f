//! Reading files, over and over.
//!
//! Files of /proc are kept open and read again from their start, which costs a router a fraction of
//! opening them; buffers are used again, so that a scrape allocates nothing once it has seen the
//! longest file.

use std::cell::RefCell;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};
use rustix::io::{Errno, pread};

use super::error::Error;
use super::kept::{Kept, KeptFile};
use super::reading::Reading;
use crate::process::syscalls;
use crate::text::scan::split_once;

/// The longest file that is read: what /proc shows of a very busy router.
pub(super) const LONGEST: usize = 4 << 20;
/// The longest file of another program's.
pub const LONGEST_GIVEN: u64 = 1 << 20;
/// A buffer longer than this is not kept for the next file.
const USUAL: usize = 64 << 10;
/// How many faults of what a collector passed over are reported.
const MOST_SKIPPED: usize = 16;

/// The files that are kept open, and room for what files say.
#[derive(Debug, Default)]
pub(super) struct Files {
    kept: RefCell<Kept>,
    /// Buffers not in use: those for an attribute of a few bytes, and those for whole files. A long
    /// read of a file of /proc/sys costs the kernel ten times a short one.
    short: Pool,
    long: Pool,
    skipped: RefCell<Vec<Error>>,
}

/// Buffers not in use. They are boxed, as a [`Text`] is to be small.
type Pool = RefCell<Vec<Box<Buffer>>>;

impl Files {
    /// A scrape begins: closes what is not asked for any more.
    pub fn begin(&self) {
        self.kept.borrow_mut().begin();
    }

    /// Passes over what an error was found in.
    pub fn skip(&self, error: Error) {
        let mut skipped = self.skipped.borrow_mut();
        if skipped.len() < MOST_SKIPPED && !skipped.iter().any(|known| known.is_like(&error)) {
            skipped.push(error);
        }
    }

    /// What was passed over since the last call.
    pub fn skipped(&self) -> Vec<Error> {
        self.skipped.take()
    }

    /// Closes the files that are kept open, if there are any.
    pub fn close_kept(&self) -> bool {
        let files = &mut self.kept.borrow_mut().files;
        let has_any = !files.is_empty();
        files.clear();
        has_any
    }

    pub fn read(&self, root: &str, path: &[&[u8]], reading: Reading) -> Result<Text<'_>, Error> {
        let mut text = self.open_text(root, path, reading.is_short());
        match text.buffer().fill(self, reading) {
            Ok(()) => Ok(text),
            Err(errno) => Err(Error::from_errno(text.path(), errno)),
        }
    }

    /// The names in a directory; an error is what `error` makes of the path and the kernel's answer.
    pub fn names(&self, root: &str, path: &[&[u8]], error: fn(&[u8], Errno) -> Error) -> Result<Names<'_>, Error> {
        let mut text = self.open_text(root, path, false);
        match text.buffer().list(self) {
            Ok(()) => Ok(Names(text)),
            Err(errno) => Err(error(text.path(), errno)),
        }
    }

    /// An empty text with its path, in a buffer that was used before.
    pub fn open_text(&self, root: &str, path: &[&[u8]], is_short: bool) -> Text<'_> {
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
        Text { files: self, buffer }
    }

    fn pool(&self, is_short: bool) -> &Pool {
        if is_short { &self.short } else { &self.long }
    }
}

/// What a file said: two words in size, as collectors hand it about.
#[derive(Debug)]
pub struct Text<'m> {
    files: &'m Files,
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
            self.files.pool(buffer.is_short).borrow_mut().push(buffer);
        }
    }
}

impl Text<'_> {
    pub(super) fn buffer(&mut self) -> &mut Buffer {
        self.buffer.get_or_insert_default()
    }

    /// The error that the file says `found`.
    pub fn odd(&self, found: &[u8]) -> Error {
        Error::odd(self.path(), found)
    }

    /// Passes over a line that makes no sense, which costs that line and nothing else, and the log
    /// a line.
    pub fn skip(&self, line: &[u8]) {
        let mut skipped = self.files.skipped.borrow_mut();
        if skipped.len() < MOST_SKIPPED && !skipped.iter().any(|error| error.is_odd(self.path(), line)) {
            skipped.push(self.odd(line));
        }
    }

    pub(super) fn path(&self) -> &[u8] {
        self.buffer.as_ref().map_or(&[], |buffer| buffer.path())
    }
}

/// A path, a NUL, and what the file of that path said from `start` on.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    pub bytes: Vec<u8>,
    start: usize,
    is_short: bool,
}

impl Buffer {
    pub(super) fn path(&self) -> &[u8] {
        self.bytes.get(..self.start.saturating_sub(1)).unwrap_or_default()
    }

    fn said(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// The path for a system call; `None` if it has a NUL within.
    pub(super) fn c_path(&self) -> Option<&CStr> {
        CStr::from_bytes_with_nul(self.bytes.get(..self.start)?).ok()
    }

    pub(super) fn open(&self, files: &Files, flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = self.c_path().ok_or(Errno::INVAL)?;
        let open = || openat(CWD, path, flags | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty());
        match open() {
            Err(Errno::MFILE | Errno::NFILE) if files.close_kept() => open(),
            result => result,
        }
    }

    pub(super) fn fill(&mut self, files: &Files, reading: Reading) -> Result<(), Errno> {
        if reading.keeps() {
            let mut kept = files.kept.borrow_mut();
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
        let file = self.open(files, OFlags::empty())?;
        self.read_from(&file, reading)?;
        if reading.keeps() {
            files.kept.borrow_mut().keep(self.path(), file);
        }
        Ok(())
    }

    pub(super) fn fill_given(&mut self, files: &Files) -> Result<i64, Errno> {
        let file = self.open(files, OFlags::empty())?;
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
            // Some drivers pad on the left.
            if self.said().first().is_some_and(u8::is_ascii_whitespace) {
                let padding = self.said().len().saturating_sub(self.said().trim_ascii_start().len());
                self.bytes.drain(self.start..self.start.saturating_add(padding));
            }
        }
        Ok(())
    }

    pub(super) fn list(&mut self, files: &Files) -> Result<(), Errno> {
        let directory = self.open(files, OFlags::DIRECTORY)?;
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
    use super::super::Machine;
    use super::super::kept::MOST_IDLE;
    use super::*;

    #[test]
    fn blanks_around_an_attribute_mean_nothing() {
        let directory = std::env::temp_dir().join(format!("router_exporter-{}-padded", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let sysfs = directory.to_str().unwrap().to_owned().leak();
        let machine = Machine::new(super::super::Paths { sysfs, ..Default::default() });
        for (said, meant) in
            [(" 3658\n", "3658"), ("\t -5 \n\n", "-5"), ("two words\n", "two words"), (" \n", ""), ("", "")]
        {
            std::fs::write(directory.join("file"), said).unwrap();
            let kept = (0..2).map(|_| machine.sys_kept(&[b"file"]).unwrap().to_vec());
            assert!(kept.chain([machine.sys(&[b"file"]).unwrap().to_vec()]).all(|text| text == meant.as_bytes()));
        }
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn files_that_nobody_asks_for_are_closed() {
        let machine = Machine::default();
        for _ in 0..=MOST_IDLE {
            machine.begin();
            machine.proc(&[b"uptime"]).unwrap();
        }
        machine.proc(&[b"loadavg"]).unwrap();
        let kept = || machine.files.kept.borrow().files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
        assert_eq!(kept(), [b"/proc/uptime".to_vec(), b"/proc/loadavg".to_vec()]);
        for _ in 0..=MOST_IDLE {
            machine.begin();
            machine.proc(&[b"uptime"]).unwrap();
        }
        assert_eq!(kept(), [b"/proc/uptime".to_vec()]);
    }

    #[test]
    fn what_is_passed_over_is_bounded_and_named_once() {
        let machine = Machine::default();
        let text = machine.proc(&[b"uptime"]).unwrap();
        for round in 0..2 {
            text.skip(format!("line {round}").as_bytes());
            machine.skip(Error::unreadable(b"/a", Errno::IO));
        }
        assert_eq!(machine.skipped().len(), 2);
        for number in 0..100_u8 {
            text.skip(&[b'x'; 60][..usize::from(number % 60)]);
            machine.skip(Error::unreadable(&[number], Errno::IO));
        }
        assert_eq!(machine.skipped().len(), MOST_SKIPPED);
        assert!(machine.skipped().is_empty());
    }

    #[test]
    fn a_file_that_is_kept_is_read_anew() {
        let machine = Machine::default();
        let ticks = || machine.proc(&[b"uptime"]).unwrap().to_vec();
        let first = ticks();
        std::thread::sleep(std::time::Duration::from_millis(30));
        assert_ne!(ticks(), first);
        assert_eq!(machine.files.kept.borrow().files.len(), 1);
    }

    #[test]
    fn a_buffer_that_was_huge_is_given_back() {
        let files = Files::default();
        files.open_text("", &[], false).buffer().bytes.reserve(USUAL / 2);
        assert_eq!(files.long.borrow().len(), 1);
        files.open_text("", &[], false).buffer().bytes.reserve(2 * USUAL);
        assert_eq!(files.long.borrow().len(), 0);
    }
}
