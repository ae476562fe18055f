//! The machine that is measured: its files, file systems, name and clock.
//!
//! The one module that opens files, and it knows no formats and no collector.

mod error;
mod files;
pub mod generic_netlink;
mod kept;
pub mod netlink;
mod netlink_socket;
mod reading;
pub mod statfs;
pub mod timezone;

use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{CWD, OFlags, readlinkat_raw};
use rustix::io::Errno;
use rustix::system::{Uname, uname};

pub use error::{Error, Fault, absent_is_nothing};
use files::Files;
pub use files::{LONGEST_GIVEN, Names, Text};
use generic_netlink::GenericFamily;
use netlink::{ALL_LINKS, DUMP, GETLINK, Query};
use netlink_socket::{Netlink, Subsystem, Taker};
use reading::Reading;
use statfs::{Question, Questions};

use crate::text::digits::Digits;
use crate::text::scan::decimal;

/// Where the kernel's file systems are mounted: `--path.procfs`, `--path.sysfs`, `--path.rootfs`.
#[derive(Clone, Copy, Debug)]
pub struct Paths {
    /// The proc file system.
    pub procfs: &'static str,
    /// The sys file system.
    pub sysfs: &'static str,
    /// The root of the machine's own file systems.
    pub rootfs: &'static str,
}

impl Default for Paths {
    fn default() -> Self {
        Self { procfs: "/proc", sysfs: "/sys", rootfs: "/" }
    }
}

/// The machine that is measured.
#[derive(Debug)]
pub struct Machine {
    /// Where its file systems are mounted.
    pub paths: Paths,
    /// Whether the files of [`Paths::procfs`] and [`Paths::sysfs`] are the kernel's. Of others, such as
    /// copies, each may be replaced, so that none is kept open.
    is_proc: bool,
    is_sys: bool,
    files: Files,
    netlink: Netlink,
}

impl Default for Machine {
    fn default() -> Self {
        Self::new(Paths::default())
    }
}

impl Machine {
    /// The machine whose file systems are mounted at `paths`.
    pub fn new(paths: Paths) -> Self {
        let files = Files::default();
        let [is_proc, is_sys] = [paths.procfs, paths.sysfs]
            .map(|root| files.open_text(root, &[], true).buffer().c_path().is_some_and(statfs::is_kernels));
        Self { paths, is_proc, is_sys, files, netlink: Netlink::default() }
    }

    fn read_proc(&self, path: &[&[u8]], reading: Reading) -> Result<Text<'_>, Error> {
        self.files.read(self.paths.procfs, path, if self.is_proc { reading } else { reading.anew() })
    }

    /// A file of /proc, by the parts of its path, such as `&["net/dev"]`.
    ///
    /// # Errors
    /// [`Error::Absent`] if there is no such file, else [`Fault::Unreadable`].
    pub fn proc(&self, path: &[&[u8]]) -> Result<Text<'_>, Error> {
        self.read_proc(path, Reading::Kept)
    }

    /// A file of /proc that the kernel writes in one go, such as `&["stat"]`, whatever its length:
    /// it is read without asking whether there is more. (Those it writes line by line, such as
    /// `net/dev`, come a page at a time.)
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn proc_record(&self, path: &[&[u8]]) -> Result<Text<'_>, Error> {
        self.read_proc(path, Reading::KeptRecord)
    }

    /// A file of /proc that may be gone the next time, such as a process's.
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn proc_once(&self, path: &[&[u8]]) -> Result<Text<'_>, Error> {
        self.read_proc(path, Reading::Whole)
    }

    /// A setting or figure below /proc/sys, without the end of its line.
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn sysctl(&self, path: &str) -> Result<Text<'_>, Error> {
        self.read_proc(&[b"sys/", path.as_bytes()], Reading::KeptAttribute)
    }

    /// A number below /proc/sys.
    ///
    /// # Errors
    /// As [`Machine::proc`], and [`Fault::Odd`] if it is none.
    pub fn sysctl_decimal(&self, path: &str) -> Result<u64, Error> {
        let text = self.sysctl(path)?;
        decimal(&text).ok_or_else(|| text.odd(&text))
    }

    /// An attribute below /sys, without the end of its line; `None` if it is not there or the
    /// driver does not report, which is the same to a collector.
    pub fn sys(&self, path: &[&[u8]]) -> Option<Text<'_>> {
        self.files.read(self.paths.sysfs, path, Reading::Attribute).ok()
    }

    /// An attribute of what never goes away nor changes its name, kept open.
    pub fn sys_kept(&self, path: &[&[u8]]) -> Option<Text<'_>> {
        let reading = Reading::KeptAttribute;
        self.files.read(self.paths.sysfs, path, if self.is_sys { reading } else { reading.anew() }).ok()
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
        self.files.read(self.paths.rootfs, path, Reading::Whole)
    }

    /// A file of the /proc that the exporter itself is in, such as `self/stat`, whatever `--path.procfs` says.
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn own(&self, path: &str) -> Result<Text<'_>, Error> {
        self.files.read("/proc", &[path.as_bytes()], Reading::KeptRecord)
    }

    /// A file that an option names, and when it was last changed, in seconds since 1970.
    ///
    /// # Errors
    /// [`Fault::Unreadable`], also if it is no regular file (opening a pipe would wait for who
    /// writes into it, a device may have no end) or is longer than [`LONGEST_GIVEN`].
    pub fn given_file(&self, directory: &[u8], name: &[u8]) -> Result<(Text<'_>, i64), Error> {
        let (root, directory) = given(directory);
        let mut text = self.files.open_text(root, &[directory, b"/", name], false);
        match text.buffer().fill_given(&self.files) {
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
        self.files.names(root, &[directory], Error::unreadable)
    }

    /// The numbers of this process's open files.
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn own_open_files(&self) -> Result<Names<'_>, Error> {
        self.files.names("/proc/self", &[b"fd"], Error::from_errno)
    }

    /// The names in a directory below /sys, in the kernel's order.
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn sys_names(&self, path: &[&[u8]]) -> Result<Names<'_>, Error> {
        self.files.names(self.paths.sysfs, path, Error::from_errno)
    }

    /// The names in a directory below /proc, in the kernel's order.
    ///
    /// # Errors
    /// As [`Machine::proc`].
    pub fn proc_names(&self, path: &[&[u8]]) -> Result<Names<'_>, Error> {
        self.files.names(self.paths.procfs, path, Error::from_errno)
    }

    /// Where a directory below /sys is when all links are followed.
    pub fn sys_real_path(&self, path: &[&[u8]]) -> Option<Text<'_>> {
        let directory =
            self.files.open_text(self.paths.sysfs, path, true).buffer().open(&self.files, OFlags::DIRECTORY).ok()?;
        let number = Digits::new(directory.as_raw_fd().unsigned_abs().into());
        let mut text = self.files.open_text("/proc/self/fd", &[&number], true);
        let mut target = [MaybeUninit::uninit(); 1024];
        let buffer = text.buffer();
        let (target, _) = readlinkat_raw(CWD, buffer.c_path()?, &mut target).ok()?;
        buffer.bytes.extend_from_slice(target);
        Some(text)
    }

    /// Asks for the state of the file system that is mounted at `mount_point` of the machine; see
    /// [`statfs`] for one that `may_hang`.
    pub fn statfs(&self, questions: &mut Questions, mount_point: &[u8], may_hang: bool) -> Question {
        let root = self.paths.rootfs.trim_end_matches('/');
        let mut text = self.files.open_text(root, &[mount_point.strip_prefix(b"/").unwrap_or(mount_point)], true);
        match text.buffer().c_path() {
            Some(path) => questions.ask(path, may_hang),
            None => Question::Answered(Err(Errno::INVAL)),
        }
    }

    /// The kernel's answer to a netlink request for all things of a `kind`, whole.
    ///
    /// # Errors
    /// [`Error::Absent`] if the kernel knows of no such things, or they change too fast to be reported;
    /// [`Fault::Unreadable`] if it has no descriptor or memory to spare.
    pub fn dump(&self, kind: u16, body: &[u8]) -> Result<Text<'_>, Error> {
        let mut text = self.files.open_text("netlink:", &[b"route"], false);
        let request = Query { kind, flags: DUMP, body: &[body] };
        let ask = &mut |bytes: &mut Vec<u8>| self.netlink.ask(Subsystem::Route, &request, bytes, &mut None);
        self.answered(&mut text, ask).map(|()| text)
    }

    /// The kernel's answer that reports all interfaces, for [`netlink`](crate::machine::netlink).
    ///
    /// # Errors
    /// As [`Machine::dump`].
    pub fn links(&self) -> Result<Text<'_>, Error> {
        self.dump(GETLINK, &ALL_LINKS)
    }

    /// Hands each message of a family of generic netlink to `taker` that a command brings, `None`
    /// before the first; without one the answer is kept, whole. `about` is an attribute that says what
    /// is asked about, an interface's number. The family must be one that is there: of any other the
    /// kernel would load a module.
    ///
    /// # Errors
    /// As [`Machine::dump`], and [`Fault::Unreadable`] without the right to ask.
    pub fn generic(
        &self,
        family: GenericFamily,
        command: u8,
        about: Option<(u16, u32)>,
        mut taker: Option<Taker<'_>>,
    ) -> Result<Text<'_>, Error> {
        let mut text = self.files.open_text("netlink:", &[family.name()], false);
        let ask =
            &mut |bytes: &mut Vec<u8>| generic_netlink::ask(&self.netlink, family, command, about, bytes, &mut taker);
        self.answered(&mut text, ask).map(|()| text)
    }

    /// Asks over netlink, and once more if the files that are kept open had taken all descriptors.
    fn answered(
        &self,
        text: &mut Text<'_>,
        ask: &mut dyn FnMut(&mut Vec<u8>) -> Result<(), Errno>,
    ) -> Result<(), Error> {
        let mut result = ask(&mut text.buffer().bytes);
        if matches!(result, Err(Errno::MFILE | Errno::NFILE)) && self.files.close_kept() {
            result = ask(&mut text.buffer().bytes);
        }
        result.map_err(|errno| Error::unanswered(text.path(), errno))
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

    /// Passes over what an error was found in, which the log says.
    pub fn skip(&self, error: Error) {
        self.files.skip(error);
    }

    /// A scrape begins: closes the files that are not asked for any more.
    pub fn begin(&self) {
        self.files.begin();
    }

    /// What was [skipped](Text::skip) since the last call: up to 16 faults, each once.
    pub fn skipped(&self) -> Vec<Error> {
        self.files.skipped()
    }
}

/// The root of a path that an option names, which may be a relative one, and what stands below.
fn given(path: &[u8]) -> (&'static str, &[u8]) {
    path.strip_prefix(b"/").map_or((".", path), |below| ("", below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_has_not_is_no_fault() {
        for errno in [Errno::NOENT, Errno::NODEV, Errno::OPNOTSUPP] {
            assert!(matches!(Error::from_errno(b"/proc/pressure/cpu", errno), Error::Absent), "{errno}");
        }
        let denied = Error::from_errno(b"/proc/pressure/cpu", Errno::ACCESS);
        assert_eq!(denied.to_string(), "/proc/pressure/cpu: permission denied");
    }

    #[test]
    fn a_given_path_is_reported_as_it_was_given() {
        let machine = Machine::default();
        for (directory, reported) in [("/nowhere", "/nowhere/file: "), ("nowhere", "./nowhere/file: ")] {
            let error = machine.given_file(directory.as_bytes(), b"file").map(drop).unwrap_err().to_string();
            assert!(error.starts_with(reported), "{error}");
        }
    }
}
