//! `/proc/1/mountinfo`, and `statfs(2)` of each mount: how full the file systems are.
//!
//! Process 1's list rather than our own, which may be a container's; before Linux 2.6.26 there is
//! only `/proc/mounts`. Both write a blank in a name as `\040`. A mount that is not answered for,
//! such as that of an unplugged disk or a dead server, tells `node_filesystem_device_error` and
//! whether it is read-only, and nothing else.

use std::ops::Range;
use std::time::Instant;

use crate::collectors::Collect;
use crate::filter::{Filter, Subject};
use crate::format::{Family, Page, gauge};
use crate::machine::statfs::{PATIENCE, Question, Questions};
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::errno;
use crate::text::scan::{decimal, lines, split_once, words};

const FAMILIES: [Family; 7] = [
    gauge!("node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes."),
    gauge!("node_filesystem_device_error", "Whether an error occurred while getting statistics for the given device."),
    gauge!("node_filesystem_files", "Filesystem total file nodes."),
    gauge!("node_filesystem_files_free", "Filesystem total free file nodes."),
    gauge!("node_filesystem_free_bytes", "Filesystem free space in bytes."),
    gauge!("node_filesystem_readonly", "Filesystem read-only status."),
    gauge!("node_filesystem_size_bytes", "Filesystem size in bytes."),
];
const MOUNT_INFO: [Family; 1] = [gauge!("node_filesystem_mount_info", "Filesystem mount information.")];

/// The beginnings of the types of file systems that ask another machine or a program, and sleep
/// until they are answered.
const MAY_HANG: [&[u8]; 11] =
    [b"9p", b"afs", b"autofs", b"ceph", b"cifs", b"coda", b"fuse", b"ncp", b"nfs", b"smb", b"virtiofs"];

/// The mounts, and what their file systems were asked.
#[derive(Debug)]
pub struct Filesystem {
    points: Filter,
    types: Filter,
    questions: Questions,
    /// In the order of the kernel's list.
    asked: Vec<Asked>,
    /// Room for a device's name, and for a mount point.
    device: Vec<u8>,
    point: Vec<u8>,
}

/// A mount, and what its file system was asked.
#[derive(Debug)]
struct Asked {
    /// Where its line stands in the list of mounts.
    line: Range<usize>,
    /// Whether its file system may hang.
    may_hang: bool,
    /// `None` if the mount is not reported.
    question: Option<Question>,
}

impl Filesystem {
    /// The collector as the options say.
    pub fn new(settings: &Settings) -> Self {
        Self {
            points: settings.filters.of(Subject::FilesystemMountPoint),
            types: settings.filters.of(Subject::FilesystemType),
            questions: Questions::default(),
            asked: Vec::new(),
            device: Vec::new(),
            point: Vec::new(),
        }
    }
}

impl Collect for Filesystem {
    /// Adds a row for each mount that the options let through.
    ///
    /// # Errors
    /// If there is no list of mounts.
    fn collect(&mut self, machine: &Machine, page: &mut Page) -> Result<(), Error> {
        let mountinfo = machine.proc(&[b"1/mountinfo"]).or_else(|_| machine.proc(&[b"self/mountinfo"]));
        let parse = if mountinfo.is_ok() { parse_mountinfo } else { parse_mounts };
        let text = mountinfo.or_else(|_| machine.proc(&[b"mounts"]))?;

        let root = machine.paths.rootfs.trim_end_matches('/').as_bytes();
        let Self { points, types, questions, asked, device, point } = self;
        questions.forget_late();
        asked.clear();
        let mut next = 0_usize;
        for line in lines(&text) {
            let start = next;
            let end = start.saturating_add(line.len());
            next = end.saturating_add(1);
            let Some(mount) = parse(line) else {
                text.skip(line);
                continue;
            };
            let above = asked.iter().filter(|other| other.may_hang);
            let mut above = above.filter_map(|other| parse(text.get(other.line.clone())?));
            let may_hang = mount.may_hang() || above.any(|other| mount.is_below(&other));
            let point = strip(unescape(mount.point, point), root);
            let is_told = points.allows(point) && types.allows(mount.fs_type);
            if is_told || may_hang {
                let question = is_told.then(|| machine.statfs(questions, point, may_hang));
                asked.push(Asked { line: start..end, may_hang, question });
            }
        }

        let began = Instant::now();
        let mut table = page.table(&FAMILIES);
        for Asked { line, question, .. } in &mut *asked {
            let (Some(mount), Some(question)) = (text.get(line.clone()).and_then(parse), question) else { continue };
            questions.wait(question, began, PATIENCE);
            let mut values = [None; 7];
            let error = tell(question, &mut values);
            let [.., read_only, _] = &mut values;
            *read_only = Some(u64::from(mount.is_read_only()));
            let labels = [
                ("device", unescape(mount.device, device)),
                ("device_error", error.as_bytes()),
                ("fstype", mount.fs_type),
                ("mountpoint", strip(unescape(mount.point, point), root)),
            ];
            table.counts(&labels, values);
        }
        table.finish();

        let mut table = page.table(&MOUNT_INFO);
        for Asked { line, question, .. } in asked {
            let (Some(mount), Some(Question::Answered(Ok(_)))) = (text.get(line.clone()).and_then(parse), question)
            else {
                continue;
            };
            if let Some((major, minor)) = mount.number {
                table.begin_row().label("device", unescape(mount.device, device)).label("major", major);
                table
                    .label("minor", minor)
                    .label("mountpoint", strip(unescape(mount.point, point), root))
                    .count(Some(1));
            }
        }
        table.finish();
        Ok(())
    }
}

/// Fills in what a file system said of itself, and answers what was wrong with it.
fn tell(question: &Question, values: &mut [Option<u64>; 7]) -> &'static str {
    let [available, device_error, files, files_free, free, _, size] = values;
    *device_error = Some(1);
    match question {
        Question::Answered(Ok(usage)) => {
            *device_error = Some(0);
            *files = Some(usage.files);
            *files_free = Some(usage.files_free);
            *available = usage.bytes(usage.available);
            *free = usage.bytes(usage.free);
            *size = usage.bytes(usage.blocks);
            ""
        }
        Question::Answered(Err(errno)) => errno::text(*errno).unwrap_or("error"),
        Question::Asked(_) | Question::Open => "mountpoint timeout",
    }
}

/// A mounted file system, its names as the kernel writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mount<'t> {
    device: &'t [u8],
    point: &'t [u8],
    fs_type: &'t [u8],
    /// The device's numbers, major and minor.
    number: Option<(&'t [u8], &'t [u8])>,
    /// Those of the mount, and those of its file system.
    options: [&'t [u8]; 2],
}

impl Mount<'_> {
    /// Whether it may hang by itself.
    fn may_hang(&self) -> bool {
        MAY_HANG.iter().any(|start| self.fs_type.starts_with(start))
    }

    fn is_read_only(&self) -> bool {
        // It is the first of the options, or `rw` is.
        self.options.iter().any(|options| split_once(options, b',').map_or(*options, |(first, _)| first) == b"ro")
    }

    /// Whether it is mounted below another one that is not the root.
    fn is_below(&self, other: &Mount) -> bool {
        self.point.strip_prefix(other.point).is_some_and(|rest| rest.starts_with(b"/"))
    }
}

/// The mount point without what stands for the root of the machine.
fn strip<'p>(point: &'p [u8], root: &[u8]) -> &'p [u8] {
    match point.strip_prefix(root) {
        Some(b"") => b"/",
        Some(rest) if rest.starts_with(b"/") => rest,
        _ => point,
    }
}

/// A line of mountinfo: `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`,
/// with any number of words before the dash.
fn parse_mountinfo(line: &[u8]) -> Option<Mount<'_>> {
    let mut words = words(line);
    let number = split_once(words.nth(2)?, b':')?;
    decimal(number.0)?;
    decimal(number.1)?;
    let point = words.nth(1)?;
    let options = words.next()?;
    words.find(|word| *word == b"-")?;
    let (fs_type, device) = (words.next()?, words.next()?);
    Some(Mount { device, point, fs_type, number: Some(number), options: [options, words.next().unwrap_or_default()] })
}

/// A line of mounts: `/dev/root / squashfs ro,relatime 0 0`.
fn parse_mounts(line: &[u8]) -> Option<Mount<'_>> {
    let mut words = words(line);
    let (device, point, fs_type) = (words.next()?, words.next()?, words.next()?);
    Some(Mount { device, point, fs_type, number: None, options: [words.next()?, b""] })
}

/// The name that the kernel wrote with `\040` for a blank and the like, put together in `plain`.
fn unescape<'p>(name: &[u8], plain: &'p mut Vec<u8>) -> &'p [u8] {
    plain.clear();
    let mut rest = name;
    while let Some((before, after)) = split_once(rest, b'\\') {
        plain.extend_from_slice(before);
        let (byte, after) = octal(after).unwrap_or((b'\\', after));
        plain.push(byte);
        rest = after;
    }
    plain.extend_from_slice(rest);
    plain
}

/// The byte that `040` at the beginning of `text` stands for, and what follows.
fn octal(text: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high @ b'0'..=b'3', middle @ b'0'..=b'7', low @ b'0'..=b'7'], rest) = text.split_first_chunk()? else {
        return None;
    };
    // The digits end with the bits that they stand for.
    Some((high.wrapping_shl(6) | (middle & 7).wrapping_shl(3) | (low & 7), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount<'t>(device: &'t str, point: &'t str, fs_type: &'t str) -> Mount<'t> {
        Mount {
            device: device.as_bytes(),
            point: point.as_bytes(),
            fs_type: fs_type.as_bytes(),
            number: None,
            options: [b"rw", b""],
        }
    }

    #[test]
    fn real() {
        let line = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let options: [&[u8]; 2] = [b"rw,noatime", b"rw,errors=continue"];
        let expected = Mount { number: Some((b"98", b"0")), options, ..mount("/dev/root", "/mnt2", "ext3") };
        assert_eq!(parse_mountinfo(line), Some(expected));
    }

    #[test]
    fn read_only() {
        for (line, expected) in [
            (&b"1 1 31:4 / / ro,relatime - squashfs /dev/root ro"[..], true),
            (b"36 35 98:0 / /mnt rw shared:1 master:2 propagate_from:3 - vfat /dev/sda1 rw,errors=remount-ro", false),
            (b"36 35 98:0 / /mnt rw - ext4 /dev/sda1 ro,errors=remount-ro", true),
        ] {
            assert_eq!(parse_mountinfo(line).map(|mount| mount.is_read_only()), Some(expected));
        }
        assert_eq!(parse_mounts(b"/dev/root / squashfs ro 0 0").map(|mount| mount.is_read_only()), Some(true));
    }

    #[test]
    fn before_mountinfo() {
        let expected = Mount { options: [b"rw,umask=0", b""], ..mount("/dev/sda1", "/media/My\\040Disk", "vfat") };
        assert_eq!(parse_mounts(b"/dev/sda1 /media/My\\040Disk vfat rw,umask=0 0 0"), Some(expected));
        assert_eq!(parse_mounts(b"/dev/root / squashfs"), None);
        assert_eq!(parse_mounts(b""), None);
    }

    #[test]
    fn names_are_unescaped() {
        for (escaped, name) in [
            (&b"/a\\040b\\011\\012\\134"[..], &b"/a b\t\n\\"[..]),
            (b"\\303\\244\\377", b"\xc3\xa4\xff"),
            (b"/odd\\04", b"/odd\\04"),
            (b"/odd\\", b"/odd\\"),
            (b"/odd\\089", b"/odd\\089"),
            (b"/odd\\777", b"/odd\\777"),
        ] {
            assert_eq!(unescape(escaped, &mut Vec::new()), name);
        }
    }

    #[test]
    fn truncated_and_odd() {
        let line = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root";
        assert_eq!(parse_mountinfo(line).map(|mount| mount.point), Some(&b"/mnt2"[..]));
        for length in 0..line.len() - b" /dev/root".len() {
            assert_eq!(parse_mountinfo(&line[..length]), None, "{length}");
        }
        for odd in
            [&b"36 35 98 / /mnt rw - ext3 /dev/root rw"[..], b"36 35 x:0 / /mnt rw - ext3 /dev/root rw", b"\xff\xfe"]
        {
            assert_eq!(parse_mountinfo(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn the_root_of_the_machine_is_not_told() {
        for (point, root, expected) in [
            ("/host", "/host", "/"),
            ("/host/mnt", "/host", "/mnt"),
            ("/hostile", "/host", "/hostile"),
            ("/mnt", "", "/mnt"),
            ("/mnt", "/host", "/mnt"),
        ] {
            assert_eq!(strip(point.as_bytes(), root.as_bytes()), expected.as_bytes());
        }
    }

    #[test]
    fn what_may_hang() {
        for (fs_type, expected) in [("nfs4", true), ("fuse.sshfs", true), ("fuseblk", true), ("ext4", false)] {
            assert_eq!(mount("device", "/mnt", fs_type).may_hang(), expected, "{fs_type}");
        }
        for (point, above, expected) in
            [("/mnt/nfs/disk", "/mnt/nfs", true), ("/mnt/nfs2", "/mnt/nfs", false), ("/mnt", "/", false)]
        {
            assert_eq!(mount("device", point, "ext4").is_below(&mount("server", above, "nfs")), expected, "{point}");
        }
    }
}
