//! `/proc/diskstats`: what each disk has read and written, in sectors of 512 bytes and milliseconds.
//!
//! A line has 14 columns, 18 since Linux 4.18 (discards) and 20 since 5.5 (flushes); `procfs` reads
//! all three.

use procfs::DiskStat;

use crate::filter::Filter;
use crate::host::{Error, Host};
use crate::page::{Digits, Family, Page, Value, counter, gauge};
use crate::scan::{lines, words};

/// In the order of the file's columns.
const FAMILIES: [Family; 17] = [
    counter("node_disk_reads_completed_total", "The total number of reads completed successfully."),
    counter("node_disk_reads_merged_total", "The total number of reads merged."),
    counter("node_disk_read_bytes_total", "The total number of bytes read successfully."),
    counter("node_disk_read_time_seconds_total", "The total number of seconds spent by all reads."),
    counter("node_disk_writes_completed_total", "The total number of writes completed successfully."),
    counter("node_disk_writes_merged_total", "The number of writes merged."),
    counter("node_disk_written_bytes_total", "The total number of bytes written successfully."),
    counter("node_disk_write_time_seconds_total", "This is the total number of seconds spent by all writes."),
    gauge("node_disk_io_now", "The number of I/Os currently in progress."),
    counter("node_disk_io_time_seconds_total", "Total seconds spent doing I/Os."),
    counter("node_disk_io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os."),
    counter("node_disk_discards_completed_total", "The total number of discards completed successfully."),
    counter("node_disk_discards_merged_total", "The total number of discards merged."),
    counter("node_disk_discarded_sectors_total", "The total number of sectors discarded successfully."),
    counter("node_disk_discard_time_seconds_total", "This is the total number of seconds spent by all discards."),
    counter("node_disk_flush_requests_total", "The total number of flush requests completed successfully"),
    counter(
        "node_disk_flush_requests_time_seconds_total",
        "This is the total number of seconds spent by all flush requests.",
    ),
];

/// What the columns count.
const UNITS: [Unit; 17] = {
    use Unit::{Millisecond as Ms, One, Sector};
    [One, One, Sector, Ms, One, One, Sector, Ms, One, Ms, Ms, One, One, One, Ms, One, Ms]
};

const INFO: [Family; 1] = [gauge("node_disk_info", "Info of /sys/block/<block_device>.")];

/// Adds a row for each disk.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let text = host.proc(&[b"diskstats"])?;
    let mut disks = Vec::new();
    let told = |line: &&[u8]| {
        words(line).nth(2).is_none_or(|name| host.settings.filters.allows(Filter::DiskstatsDevice, name))
    };
    for line in lines(&text).filter(told) {
        match parse(line) {
            Some(disk) => disks.push(disk),
            None => text.skip(line),
        }
    }
    let mut table = page.table(&FAMILIES);
    for disk in &disks {
        table.row(&[("device", disk.name.as_bytes())], values(disk));
    }
    table.finish();
    let mut table = page.table(&INFO);
    for disk in &disks {
        let name = disk.name.as_bytes();
        // node_exporter says 0 wherever any of some thirty other attributes is missing.
        let rotational = host.sys_kept(&[b"block/", name, b"/queue/rotational"]);
        let number = |half: i32| Digits::new(half.unsigned_abs().into());
        let (major, minor) = (number(disk.major), number(disk.minor));
        let labels: [(_, &[u8]); 9] = [
            ("device", name),
            ("major", &major),
            ("minor", &minor),
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

// Called at two places, and 3 kB of machine code.
#[inline(never)]
fn parse(line: &[u8]) -> Option<DiskStat> {
    DiskStat::from_line(str::from_utf8(line).ok()?).ok()
}

/// What a column counts.
#[derive(Clone, Copy, Debug)]
enum Unit {
    One,
    Sector,
    Millisecond,
}

/// In the order and the units of [`FAMILIES`].
fn values(disk: &DiskStat) -> [Option<Value>; 17] {
    let figures = [
        Some(disk.reads),
        Some(disk.merged),
        Some(disk.sectors_read),
        Some(disk.time_reading),
        Some(disk.writes),
        Some(disk.writes_merged),
        Some(disk.sectors_written),
        Some(disk.time_writing),
        Some(disk.in_progress),
        Some(disk.time_in_progress),
        Some(disk.weighted_time_in_progress),
        disk.discards,
        disk.discards_merged,
        disk.sectors_discarded,
        disk.time_discarding,
        disk.flushes,
        disk.time_flushing,
    ];
    let mut units = UNITS.iter();
    figures.map(|figure| {
        let unit = units.next();
        figure.map(|figure| match unit {
            Some(Unit::Sector) => figure.wrapping_mul(512).into(),
            Some(Unit::Millisecond) => Value::decimal(figure, 3),
            _ => figure.into(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(number: u64) -> Option<Value> {
        Some(number.into())
    }

    fn milliseconds(number: u64) -> Option<Value> {
        Some(Value::decimal(number, 3))
    }

    #[test]
    fn real() {
        let disk = parse(b"   8       0 sda 1203 4 9600 5120 301 44 3008 10230 0 6000 15350").unwrap();
        assert_eq!((disk.major, disk.minor, disk.name.as_str()), (8, 0, "sda"));
        let values = values(&disk);
        assert_eq!(values[..4], [count(1203), count(4), count(9600 * 512), milliseconds(5120)]);
        assert_eq!(values[8..], [count(0), milliseconds(6000), milliseconds(15350), None, None, None, None, None, None]);
    }

    #[test]
    fn discards_and_flushes() {
        let line = b" 254 0 vda 29297 6637 2200042 6004 7772 32641 3215784 4422 0 5956 10701 4142 22 375672 240 1012 34";
        let values = values(&parse(line).unwrap());
        let rest = [count(4142), count(22), count(375672), milliseconds(240), count(1012), milliseconds(34)];
        assert_eq!(values[11..], rest);
    }

    #[test]
    fn units_fit_the_names() {
        for (family, unit) in FAMILIES.iter().zip(UNITS) {
            assert_eq!(family.name.contains("_bytes"), matches!(unit, Unit::Sector), "{}", family.name);
            assert_eq!(family.name.contains("_seconds"), matches!(unit, Unit::Millisecond), "{}", family.name);
        }
    }

    #[test]
    fn truncated_and_odd() {
        for odd in [&b""[..], b"8 0", b"8 0 sda", b"x 0 sda 1", b"8 0 sda 1 -2 3 x 5 6 7 8 9 10 11", b"8 0 s\xff 1 2 3 4 5 6 7 8 9 10 11"] {
            assert!(parse(odd).is_none(), "{odd:?}");
        }
    }
}
