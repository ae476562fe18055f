//! The kernel's lists of mounts: `/proc/<pid>/mountinfo` and `/proc/mounts`.
//!
//! Both write a blank in a name as `\040`, and may have nothing at all for a source: two blanks in a
//! row in the one, and one at the line's beginning in the other.

use crate::text::scan::{decimal, split_once, words};

/// The beginnings of the types of file systems that ask another machine or a program, and sleep
/// until they are answered.
const MAY_HANG: [&[u8]; 11] =
    [b"9p", b"afs", b"autofs", b"ceph", b"cifs", b"coda", b"fuse", b"ncp", b"nfs", b"smb", b"virtiofs"];

/// A mounted file system, its names as the kernel writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mount<'t> {
    /// What is mounted; may be empty.
    pub device: &'t [u8],
    /// Where.
    pub point: &'t [u8],
    /// The type of file system.
    pub fs_type: &'t [u8],
    /// The device's numbers, major and minor.
    pub number: Option<(&'t [u8], &'t [u8])>,
    /// Those of the mount, and those of its file system.
    pub options: [&'t [u8]; 2],
}

impl Mount<'_> {
    /// Whether it may hang by itself.
    pub fn may_hang(&self) -> bool {
        MAY_HANG.iter().any(|start| self.fs_type.starts_with(start))
    }

    /// Whether nothing can be written, also if that is because of a fault.
    pub fn is_read_only(&self) -> bool {
        self.options.iter().any(|options| {
            let mut options = options.split(|&byte| byte == b',');
            // `ro` is the first of the options, or `rw` is.
            options.next() == Some(b"ro") || options.any(|option| option == b"emergency_ro")
        })
    }

    /// Whether it is mounted below another one that is not the root.
    pub fn is_below(&self, other: &Mount) -> bool {
        self.point.strip_prefix(other.point).is_some_and(|rest| rest.starts_with(b"/"))
    }
}

/// A line of mountinfo: `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`,
/// with any number of words before the dash.
pub fn parse_mountinfo(line: &[u8]) -> Option<Mount<'_>> {
    let file_system = behind_dash(line)?;
    let mut words = words(line);
    let number = split_once(words.nth(2)?, b':')?;
    decimal(number.0)?;
    decimal(number.1)?;
    let (point, options) = (words.nth(1)?, words.next()?);
    let (fs_type, rest) = split_once(file_system, b' ')?;
    let (device, more) = split_once(rest, b' ')?;
    Some(Mount { device, point, fs_type, number: Some(number), options: [options, more] })
}

/// What follows ` - `.
fn behind_dash(line: &[u8]) -> Option<&[u8]> {
    let mut rest = line;
    loop {
        let (before, after) = split_once(rest, b'-')?;
        if let (Some(b' '), Some(behind)) = (before.last(), after.strip_prefix(b" ")) {
            return Some(behind);
        }
        rest = after;
    }
}

/// A line of mounts: `/dev/root / squashfs ro,relatime 0 0`.
pub fn parse_mounts(line: &[u8]) -> Option<Mount<'_>> {
    let (device, rest) = split_once(line, b' ')?;
    let mut words = words(rest);
    let (point, fs_type) = (words.next()?, words.next()?);
    Some(Mount { device, point, fs_type, number: None, options: [words.next()?, b""] })
}

/// The name that the kernel wrote with `\040` for a blank and the like, put together in `plain`.
pub fn unescape<'p>(name: &[u8], plain: &'p mut Vec<u8>) -> &'p [u8] {
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
            (b"36 35 98:0 / /mnt-a/-/b- rw - ext4 /dev/sda1 rw,emergency_ro,errors=remount-ro", true),
            (b"36 35 98:0 / /mnt rw - overlay overlay rw,lowerdir=ro,upperdir=emergency_ro.d", false),
        ] {
            assert_eq!(parse_mountinfo(line).map(|mount| mount.is_read_only()), Some(expected));
        }
        for (line, expected) in [
            (&b"/dev/root / squashfs ro 0 0"[..], true),
            (b"/dev/sda1 /mnt ext4 rw,emergency_ro 0 0", true),
            (b"/dev/sda1 /mnt ext4 rw 0 0", false),
        ] {
            assert_eq!(parse_mounts(line).map(|mount| mount.is_read_only()), Some(expected));
        }
    }

    #[test]
    fn before_mountinfo() {
        let expected = Mount { options: [b"rw,umask=0", b""], ..mount("/dev/sda1", "/media/My\\040Disk", "vfat") };
        assert_eq!(parse_mounts(b"/dev/sda1 /media/My\\040Disk vfat rw,umask=0 0 0"), Some(expected));
        assert_eq!(parse_mounts(b"/dev/root / squashfs"), None);
        assert_eq!(parse_mounts(b""), None);
    }

    #[test]
    fn a_source_may_be_blank() {
        let nameless = mount("", "/tmp/bb", "tmpfs");
        let line = b"242 45 0:66 / /tmp/bb rw,relatime shared:212 - tmpfs  rw,seclabel";
        let options: [&[u8]; 2] = [b"rw,relatime", b"rw,seclabel"];
        assert_eq!(parse_mountinfo(line), Some(Mount { number: Some((b"0", b"66")), options, ..nameless }));
        assert_eq!(parse_mounts(b" /tmp/bb tmpfs rw 0 0"), Some(nameless));
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
        let line = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root ";
        assert_eq!(parse_mountinfo(line).map(|mount| mount.point), Some(&b"/mnt2"[..]));
        for length in 0..line.len() {
            assert_eq!(parse_mountinfo(&line[..length]), None, "{length}");
        }
        for odd in
            [&b"36 35 98 / /mnt rw - ext3 /dev/root rw"[..], b"36 35 x:0 / /mnt rw - ext3 /dev/root rw", b"\xff\xfe"]
        {
            assert_eq!(parse_mountinfo(odd), None, "{odd:?}");
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
