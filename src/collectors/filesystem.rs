//! `/proc/1/mountinfo`, and `statfs(2)` of each mount: how full the file systems are.
//!
//! Process 1's list rather than our own, which may be a container's; before Linux 2.6.26 there is
//! only `/proc/mounts`. A mount that is not answered for, such as that of an unplugged disk or a dead
//! server, reports `node_filesystem_device_error` and whether it is read-only, and nothing else.

use std::ops::Range;
use std::time::Instant;

use crate::collectors::Collect;
use crate::collectors::mounts::{parse_mountinfo, parse_mounts, unescape};
use crate::filter::{Filter, Subject};
use crate::format::{Family, Page, gauge};
use crate::machine::statfs::{PATIENCE, Question, Questions};
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::errno;
use crate::text::scan::lines;

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
            let is_reported = points.allows(point) && types.allows(mount.fs_type);
            if is_reported || may_hang {
                let question = is_reported.then(|| machine.statfs(questions, point, may_hang));
                asked.push(Asked { line: start..end, may_hang, question });
            }
        }

        let began = Instant::now();
        let mut table = page.table(&FAMILIES);
        for Asked { line, may_hang, question, .. } in &mut *asked {
            let (Some(mount), Some(question)) = (text.get(line.clone()).and_then(parse), question) else { continue };
            let point = strip(unescape(mount.point, point), root);
            if *may_hang && matches!(question, Question::Open) {
                // There was no room for it, or the same was asked already.
                *question = machine.statfs(questions, point, true);
            }
            questions.wait(question, began, PATIENCE);
            let mut values = [None; 7];
            let error = report(question, &mut values);
            let [.., read_only, _] = &mut values;
            *read_only = Some(u64::from(mount.is_read_only()));
            table.row().label("device", unescape(mount.device, device));
            table.label("device_error", error.as_bytes()).label("fstype", mount.fs_type).label("mountpoint", point);
            for value in values {
                table.count(value);
            }
        }
        table.finish();

        let mut table = page.table(&MOUNT_INFO);
        for Asked { line, question, .. } in asked {
            let (Some(mount), Some(Question::Answered(Ok(_)))) = (text.get(line.clone()).and_then(parse), question)
            else {
                continue;
            };
            if let Some((major, minor)) = mount.number {
                table.row().label("device", unescape(mount.device, device)).label("major", major);
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
fn report(question: &Question, values: &mut [Option<u64>; 7]) -> &'static str {
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

/// The mount point without what stands for the root of the machine.
fn strip<'p>(point: &'p [u8], root: &[u8]) -> &'p [u8] {
    match point.strip_prefix(root) {
        Some(b"") => b"/",
        Some(rest) if rest.starts_with(b"/") => rest,
        _ => point,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Sorted;
    use crate::machine::Paths;

    #[test]
    fn the_root_of_the_machine_is_not_reported() {
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
    fn mounts_that_may_hang_are_answered_for_however_many() {
        let root = std::env::temp_dir().join(format!("router_exporter-{}-mounts", std::process::id()));
        let mut mountinfo = String::new();
        for number in 0..20 {
            std::fs::create_dir_all(root.join(format!("mnt/{number}"))).unwrap();
            mountinfo += &format!("{number} 1 0:{number} / /mnt/{number} rw - nfs server:/{number} rw\n");
        }
        // It stands there twice, and with another server's above it.
        mountinfo += "30 1 0:1 / /mnt/1 rw - nfs server:/1 rw\n31 1 0:31 / /mnt/1 rw - nfs other:/1 rw\n";
        std::fs::create_dir_all(root.join("1")).unwrap();
        std::fs::write(root.join("1/mountinfo"), mountinfo).unwrap();
        let path: &str = root.to_str().unwrap().to_owned().leak();
        let machine = Machine::new(Paths { procfs: path, sysfs: path, rootfs: path });
        let mut filesystem = Filesystem::new(&Settings::default());
        let mut errors = || {
            let (mut page, mut out) = (Page::default(), Sorted::default());
            filesystem.collect(&machine, &mut page).unwrap();
            page.write(&mut out, |name| name == b"node_filesystem_device_error");
            let text = String::from_utf8(out.to_vec()).unwrap();
            text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
        };
        // A machine that has much to do may answer late.
        let answered = (0..40).map(|_| errors()).find(|errors| errors.iter().all(|sample| sample.ends_with(" 0")));
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(answered.map(|errors| errors.len()), Some(21));
    }
}
