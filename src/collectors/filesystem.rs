//! `/proc/1/mountinfo`, and `statfs(2)` of each mount: how full the file systems are.
//!
//! Process 1's list rather than our own, which may be a container's; before Linux 2.6.26 there is
//! only `/proc/mounts`. Both write a blank in a name as `\040`. A mount that is not answered for,
//! such as that of an unplugged disk or a dead server, tells `node_filesystem_device_error` and
//! whether it is read-only, and nothing else.

use std::borrow::Cow;
use std::time::Instant;

use rustix::io::Errno;

use crate::filter::Filter;
use crate::host::{Error, Host};
use crate::page::{Family, Page, Value, gauge};
use crate::scan::{decimal, lines, split_once, words};
use crate::statfs::{PATIENCE, Question};

const FAMILIES: [Family; 7] = [
    gauge("node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes."),
    gauge("node_filesystem_device_error", "Whether an error occurred while getting statistics for the given device."),
    gauge("node_filesystem_files", "Filesystem total file nodes."),
    gauge("node_filesystem_files_free", "Filesystem total free file nodes."),
    gauge("node_filesystem_free_bytes", "Filesystem free space in bytes."),
    gauge("node_filesystem_readonly", "Filesystem read-only status."),
    gauge("node_filesystem_size_bytes", "Filesystem size in bytes."),
];
const MOUNT_INFO: [Family; 1] = [gauge("node_filesystem_mount_info", "Filesystem mount information.")];

/// The beginnings of the types of file systems that ask another machine or a program, and sleep
/// until they are answered.
const MAY_HANG: [&[u8]; 11] =
    [b"9p", b"afs", b"autofs", b"ceph", b"cifs", b"coda", b"fuse", b"ncp", b"nfs", b"smb", b"virtiofs"];

/// What Go calls the errors that a mount may answer with.
const ERRORS: [(Errno, &str); 12] = [
    (Errno::ACCESS, "permission denied"),
    (Errno::PERM, "operation not permitted"),
    (Errno::NOENT, "no such file or directory"),
    (Errno::NOTDIR, "not a directory"),
    (Errno::IO, "input/output error"),
    (Errno::NXIO, "no such device or address"),
    (Errno::NODEV, "no such device"),
    (Errno::NOSYS, "function not implemented"),
    (Errno::NOTCONN, "transport endpoint is not connected"),
    (Errno::TIMEDOUT, "connection timed out"),
    (Errno::HOSTDOWN, "host is down"),
    (Errno::STALE, "stale NFS file handle"),
];

/// Adds a row for each mount that the options let through.
///
/// # Errors
/// If there is no list of mounts.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let mountinfo = host.proc(&[b"1/mountinfo"]).or_else(|_| host.proc(&[b"self/mountinfo"]));
    let parse = if mountinfo.is_ok() { parse_mountinfo } else { parse_mounts };
    let text = mountinfo.or_else(|_| host.proc(&[b"mounts"]))?;

    let root = host.settings.paths.rootfs.trim_end_matches('/').as_bytes();
    let filters = &host.settings.filters;
    let (mut mounts, mut may_hang) = (Vec::new(), Vec::new());
    for line in lines(&text) {
        let Some(mut mount) = parse(line) else {
            text.skip(line);
            continue;
        };
        mount.strip(root);
        let hangs = mount.may_hang(&may_hang);
        let allowed = filters.allows(Filter::FilesystemMountPoint, &mount.point)
            && filters.allows(Filter::FilesystemType, mount.fs_type);
        if hangs {
            may_hang.push(mount.point.clone());
        }
        if allowed {
            let question = host.statfs(&mount.point, hangs);
            mounts.push((mount, question));
        }
    }

    let deadline = Instant::now().checked_add(PATIENCE).unwrap_or_else(Instant::now);
    let mut table = page.table(&FAMILIES);
    for (mount, question) in &mut mounts {
        host.wait_for_statfs(question, deadline);
        let usage = match question {
            Question::Answered(Ok(usage)) => Ok(usage),
            Question::Answered(Err(errno)) => {
                Err(ERRORS.iter().find(|(known, _)| known == errno).map_or("error", |(_, text)| text))
            }
            Question::Asked(_) | Question::Open => Err("mountpoint timeout"),
        };
        let labels: [(&str, &[u8]); 4] = [
            ("device", &mount.device),
            ("device_error", usage.as_ref().map_or_else(|error| error.as_bytes(), |_| b"")),
            ("fstype", mount.fs_type),
            ("mountpoint", &mount.point),
        ];
        let read_only = Some(Value::from(mount.is_read_only));
        let Ok(usage) = usage else {
            table.row(&labels, [None, Some(true.into()), None, None, None, read_only, None]);
            continue;
        };
        let bytes = |blocks: u64| blocks.checked_mul(usage.block_size).map(Value::from);
        table.row(
            &labels,
            [
                bytes(usage.available),
                Some(false.into()),
                Some(usage.files.into()),
                Some(usage.files_free.into()),
                bytes(usage.free),
                read_only,
                bytes(usage.blocks),
            ],
        );
    }
    table.finish();

    let mut table = page.table(&MOUNT_INFO);
    for (mount, question) in &mounts {
        if let (Some((major, minor)), Question::Answered(Ok(_))) = (mount.number, question) {
            let labels: [(&str, &[u8]); 4] =
                [("device", &mount.device), ("major", major), ("minor", minor), ("mountpoint", &mount.point)];
            table.counts(&labels, [Some(1)]);
        }
    }
    table.finish();
    Ok(())
}

/// A mounted file system.
#[derive(Debug, PartialEq, Eq)]
struct Mount<'t> {
    device: Cow<'t, [u8]>,
    point: Cow<'t, [u8]>,
    fs_type: &'t [u8],
    /// The device's numbers, major and minor.
    number: Option<(&'t [u8], &'t [u8])>,
    is_read_only: bool,
}

impl Mount<'_> {
    /// Takes from the mount point what stands for the root of the machine.
    fn strip(&mut self, root: &[u8]) {
        match self.point.strip_prefix(root) {
            Some(b"") => self.point = Cow::Borrowed(b"/"),
            Some(rest) if !root.is_empty() && rest.starts_with(b"/") => self.point = Cow::Owned(rest.to_vec()),
            _ => {}
        }
    }

    /// Whether it may hang, or is mounted below one of `others` that may.
    fn may_hang(&self, others: &[Cow<[u8]>]) -> bool {
        let below = |other: &Cow<[u8]>| self.point.strip_prefix(&**other).is_some_and(|rest| rest.starts_with(b"/"));
        MAY_HANG.iter().any(|start| self.fs_type.starts_with(start)) || others.iter().any(below)
    }
}

/// A line of mountinfo: `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`,
/// with any number of words before the dash.
fn parse_mountinfo(line: &[u8]) -> Option<Mount<'_>> {
    let mut words = words(line).skip(2);
    let number = split_once(words.next()?, b':')?;
    decimal(number.0)?;
    decimal(number.1)?;
    let point = unescape(words.nth(1)?);
    let options = words.next()?;
    words.by_ref().find(|word| *word == b"-")?;
    let fs_type = words.next()?;
    let device = unescape(words.next()?);
    let is_read_only = has_ro(options) || words.next().is_some_and(has_ro);
    Some(Mount { device, point, fs_type, number: Some(number), is_read_only })
}

/// A line of mounts: `/dev/root / squashfs ro,relatime 0 0`.
fn parse_mounts(line: &[u8]) -> Option<Mount<'_>> {
    let mut words = words(line);
    let (device, point) = (unescape(words.next()?), unescape(words.next()?));
    let (fs_type, options) = (words.next()?, words.next()?);
    Some(Mount { device, point, fs_type, number: None, is_read_only: has_ro(options) })
}

fn has_ro(options: &[u8]) -> bool {
    options.split(|&byte| byte == b',').any(|option| option == b"ro")
}

/// The name that the kernel wrote with `\040` for a blank and the like.
fn unescape(name: &[u8]) -> Cow<'_, [u8]> {
    if !name.contains(&b'\\') {
        return name.into();
    }
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after.split_at_checked(3).filter(|_| byte == b'\\').and_then(|(digits, after)| {
            let value = digits.iter().try_fold(0_u32, |sum, &digit| {
                Some(sum.wrapping_mul(8).wrapping_add(char::from(digit).to_digit(8)?))
            })?;
            Some((u8::try_from(value).ok()?, after))
        });
        let (byte, after) = escaped.unwrap_or((byte, after));
        plain.push(byte);
        rest = after;
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount<'t>(device: &'t str, point: &'t str, fs_type: &'t str) -> Mount<'t> {
        Mount {
            device: device.as_bytes().into(),
            point: point.as_bytes().into(),
            fs_type: fs_type.as_bytes(),
            number: None,
            is_read_only: false,
        }
    }

    #[test]
    fn real() {
        let line = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let expected = Mount { number: Some((b"98", b"0")), ..mount("/dev/root", "/mnt2", "ext3") };
        assert_eq!(parse_mountinfo(line), Some(expected));
        let line = b"1 1 31:4 / / ro,relatime - squashfs /dev/root ro";
        let expected = Mount { number: Some((b"31", b"4")), is_read_only: true, ..mount("/dev/root", "/", "squashfs") };
        assert_eq!(parse_mountinfo(line), Some(expected));
        let line = b"36 35 98:0 / /mnt rw shared:1 master:2 propagate_from:3 - vfat /dev/sda1 rw,errors=remount-ro";
        assert_eq!(parse_mountinfo(line).map(|mount| mount.is_read_only), Some(false));
        let line = b"36 35 98:0 / /mnt rw - ext4 /dev/sda1 ro,errors=remount-ro";
        assert_eq!(parse_mountinfo(line).map(|mount| mount.is_read_only), Some(true));
    }

    #[test]
    fn before_mountinfo() {
        assert_eq!(parse_mounts(b"/dev/sda1 /media/My\\040Disk vfat rw,umask=0 0 0"), Some(mount("/dev/sda1", "/media/My Disk", "vfat")));
        assert_eq!(parse_mounts(b"/dev/root / squashfs ro 0 0").map(|mount| mount.is_read_only), Some(true));
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
            assert_eq!(*unescape(escaped), *name);
        }
    }

    #[test]
    fn truncated_and_odd() {
        let line = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root";
        let full = parse_mountinfo(line).map(|mount| mount.point.into_owned());
        assert_eq!(full.as_deref(), Some(&b"/mnt2"[..]));
        for length in 0..line.len() - b" /dev/root".len() {
            assert_eq!(parse_mountinfo(&line[..length]), None, "{length}");
        }
        for odd in [&b"36 35 98 / /mnt rw - ext3 /dev/root rw"[..], b"36 35 x:0 / /mnt rw - ext3 /dev/root rw", b"\xff\xfe"] {
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
            let mut mount = mount("/dev/sda1", point, "ext4");
            mount.strip(root.as_bytes());
            assert_eq!(*mount.point, *expected.as_bytes());
        }
    }

    #[test]
    fn what_may_hang() {
        for (point, fs_type, others, expected) in [
            ("/mnt", "nfs4", &[][..], true),
            ("/mnt", "fuse.sshfs", &[], true),
            ("/mnt", "fuseblk", &[], true),
            ("/mnt", "ext4", &[], false),
            ("/mnt/nfs/disk", "ext4", &["/mnt/nfs"], true),
            ("/mnt/nfs2", "ext4", &["/mnt/nfs"], false),
            ("/mnt", "tmpfs", &["/"], false),
        ] {
            let others: Vec<_> = others.iter().map(|other| Cow::from(other.as_bytes())).collect();
            assert_eq!(mount("device", point, fs_type).may_hang(&others), expected, "{point}");
        }
    }
}
