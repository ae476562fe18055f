//! `/proc/diskstats`: what each disk has read and written, in sectors of 512 bytes and milliseconds.
//!
//! A line has 14 columns, 18 since Linux 4.18 (discards) and 20 since 5.5 (flushes).

use crate::collectors::Collect;
use crate::filter::{Filter, Subject};
use crate::format::{Family, Page, Value, counter, gauge};
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::scan::{decimal, lines, words};

/// In the order of the file's columns.
const FAMILIES: [Family; 17] = [
    counter!("node_disk_reads_completed_total", "The total number of reads completed successfully."),
    counter!("node_disk_reads_merged_total", "The total number of reads merged."),
    counter!("node_disk_read_bytes_total", "The total number of bytes read successfully."),
    counter!("node_disk_read_time_seconds_total", "The total number of seconds spent by all reads."),
    counter!("node_disk_writes_completed_total", "The total number of writes completed successfully."),
    counter!("node_disk_writes_merged_total", "The number of writes merged."),
    counter!("node_disk_written_bytes_total", "The total number of bytes written successfully."),
    counter!("node_disk_write_time_seconds_total", "This is the total number of seconds spent by all writes."),
    gauge!("node_disk_io_now", "The number of I/Os currently in progress."),
    counter!("node_disk_io_time_seconds_total", "Total seconds spent doing I/Os."),
    counter!("node_disk_io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os."),
    counter!("node_disk_discards_completed_total", "The total number of discards completed successfully."),
    counter!("node_disk_discards_merged_total", "The total number of discards merged."),
    counter!("node_disk_discarded_sectors_total", "The total number of sectors discarded successfully."),
    counter!("node_disk_discard_time_seconds_total", "This is the total number of seconds spent by all discards."),
    counter!("node_disk_flush_requests_total", "The total number of flush requests completed successfully"),
    counter!(
        "node_disk_flush_requests_time_seconds_total",
        "This is the total number of seconds spent by all flush requests.",
    ),
];

/// How many of them every kernel tells.
const ALWAYS: usize = 11;

/// What the columns count.
const UNITS: [Unit; 17] = {
    use Unit::{Millisecond as Ms, One, Sector};
    [One, One, Sector, Ms, One, One, Sector, Ms, One, Ms, Ms, One, One, One, Ms, One, Ms]
};

const INFO: [Family; 1] = [gauge!("node_disk_info", "Info of /sys/block/<block_device>.")];

/// The disks.
#[derive(Debug)]
pub struct Diskstats {
    devices: Filter,
}

impl Diskstats {
    /// The collector as the options say.
    pub fn new(settings: &Settings) -> Self {
        Self { devices: settings.filters.of(Subject::DiskstatsDevice) }
    }
}

impl Collect for Diskstats {
    /// Adds a row for each disk.
    ///
    /// # Errors
    /// If the file cannot be read.
    fn collect(&mut self, machine: &Machine, page: &mut Page) -> Result<(), Error> {
        let text = machine.proc(&[b"diskstats"])?;
        let is_told = |disk: &Disk| self.devices.allows(disk.name);
        let mut table = page.table(&FAMILIES);
        for line in lines(&text) {
            let disk = parse(line);
            if disk.as_ref().is_some_and(|disk| !is_told(disk)) {
                continue;
            }
            match disk.zip(values(line)) {
                Some((disk, values)) => table.row(&[("device", disk.name)], values),
                None => text.skip(line),
            }
        }
        table.finish();
        let mut table = page.table(&INFO);
        for line in lines(&text) {
            let Some(Disk { major, minor, name }) = parse(line).filter(is_told) else { continue };
            if values(line).is_none() {
                continue;
            }
            // node_exporter says 0 wherever any of some thirty other attributes is missing.
            let rotational = machine.sys_kept(&[b"block/", name, b"/queue/rotational"]);
            let labels: [(_, &[u8]); 9] = [
                ("device", name),
                ("major", major),
                ("minor", minor),
                // What is empty is udev's to tell, and routers have no udev.
                ("model", b""),
                ("path", b""),
                ("revision", b""),
                ("rotational", rotational.as_deref().unwrap_or(b"0")),
                ("serial", b""),
                ("wwn", b""),
            ];
            table.counts(&labels, [Some(1)]);
        }
        table.finish();
        Ok(())
    }
}

/// A disk's numbers and name, the first three columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Disk<'t> {
    major: &'t [u8],
    minor: &'t [u8],
    name: &'t [u8],
}

fn parse(line: &[u8]) -> Option<Disk<'_>> {
    let mut words = words(line);
    let (major, minor) = (words.next()?, words.next()?);
    decimal(major)?;
    decimal(minor)?;
    Some(Disk { major, minor, name: words.next()? })
}

/// What a column counts.
#[derive(Clone, Copy, Debug)]
enum Unit {
    One,
    Sector,
    Millisecond,
}

/// The other columns in the order and the units of [`FAMILIES`]; `None` if one of those is missing
/// that are [`ALWAYS`] there.
fn values(line: &[u8]) -> Option<[Option<Value>; 17]> {
    let mut words = words(line).skip(3);
    let mut values = [None; 17];
    for (value, unit) in values.iter_mut().zip(&UNITS) {
        let Some(figure) = words.next().and_then(decimal) else { continue };
        *value = Some(match unit {
            Unit::One => figure.into(),
            Unit::Sector => figure.wrapping_mul(512).into(),
            Unit::Millisecond => Value::decimal(figure, 3),
        });
    }
    values.iter().take(ALWAYS).all(Option::is_some).then_some(values)
}

#[cfg(test)]
mod tests {
    use procfs::DiskStat;

    use super::*;

    fn count(number: u64) -> Option<Value> {
        Some(number.into())
    }

    fn milliseconds(number: u64) -> Option<Value> {
        Some(Value::decimal(number, 3))
    }

    #[test]
    fn real() {
        let line = b"   8       0 sda 1203 4 9600 5120 301 44 3008 10230 0 6000 15350";
        assert_eq!(parse(line), Some(Disk { major: b"8", minor: b"0", name: b"sda" }));
        let values = values(line).unwrap();
        assert_eq!(values[..4], [count(1203), count(4), count(9600 * 512), milliseconds(5120)]);
        assert_eq!(
            values[8..],
            [count(0), milliseconds(6000), milliseconds(15350), None, None, None, None, None, None]
        );
    }

    #[test]
    fn discards_and_flushes() {
        let line =
            b" 254 0 vda 29297 6637 2200042 6004 7772 32641 3215784 4422 0 5956 10701 4142 22 375672 240 1012 34";
        let values = values(line).unwrap();
        let rest = [count(4142), count(22), count(375672), milliseconds(240), count(1012), milliseconds(34)];
        assert_eq!(values[11..], rest);
    }

    #[test]
    fn as_procfs() {
        let line = "   8       0 sda 1203 4 9600 5120 301 44 3008 10230 7 6000 15350 1 2 3 4";
        let theirs = DiskStat::from_line(line).unwrap();
        let ours = values(line.as_bytes()).unwrap();
        assert_eq!(ours[..2], [count(theirs.reads), count(theirs.merged)]);
        assert_eq!(ours[2..4], [count(theirs.sectors_read * 512), milliseconds(theirs.time_reading)]);
        assert_eq!(ours[8..10], [count(theirs.in_progress), milliseconds(theirs.time_in_progress)]);
        assert_eq!(ours[14], theirs.time_discarding.and_then(milliseconds));
        assert_eq!(ours[15], theirs.flushes.and_then(count));
    }

    #[test]
    fn units_fit_the_names() {
        for (family, unit) in FAMILIES.iter().zip(UNITS) {
            let name = str::from_utf8(family.name()).unwrap();
            assert_eq!(name.contains("_bytes"), matches!(unit, Unit::Sector), "{name}");
            assert_eq!(name.contains("_seconds"), matches!(unit, Unit::Millisecond), "{name}");
        }
    }

    #[test]
    fn truncated_and_odd() {
        for odd in [&b""[..], b"8 0", b"x 0 sda 1", b"8 -1 sda 1"] {
            assert_eq!(parse(odd), None, "{odd:?}");
        }
        let line = b"8 0 sda 1 2 3 4 5 6 7 8 9 10 11 x 13";
        assert_eq!(values(line).unwrap()[10..14], [milliseconds(11), None, count(13), None]);
        for odd in [&b"8 0 sda"[..], b"8 0 sda 1 2 3 4 5 6 7 8 9 10", b"8 0 sda 1 -2 3 x 5 6 7 8 9 10 11"] {
            assert_eq!(values(odd), None, "{odd:?}");
        }
    }
}
