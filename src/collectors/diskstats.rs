//! `/proc/diskstats`: what each disk has read and written, in sectors of 512 bytes and milliseconds.
//!
//! A line has 14 columns, 18 since Linux 4.18 (discards) and 20 since 5.5 (flushes).

use procfs::DiskStat;

use crate::filter::Subject;
use crate::format::{Family, Page, Value, counter, gauge};
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::scan::{lines, words};

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

const INFO: [Family; 1] = [gauge!("node_disk_info", "Info of /sys/block/<block_device>.")];

/// Adds a row for each disk.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(settings: &Settings, machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let devices = settings.filters.of(Subject::DiskstatsDevice);
    let text = machine.proc(&[b"diskstats"])?;
    let mut disks = Vec::new();
    for line in lines(&text).filter(|line| devices.allows(name(line))) {
        match parse(line) {
            Some(disk) => disks.push((line, disk)),
            None => text.skip(line),
        }
    }
    let mut table = page.table(&FAMILIES);
    for (line, disk) in &disks {
        table.row().label("device", name(line));
        for value in values(disk) {
            table.cell(value);
        }
    }
    table.finish();
    let mut table = page.table(&INFO);
    for (line, _) in &disks {
        let [major, minor, name] = first_columns(line);
        let rotational = machine.sys_kept(&[b"block/", name, b"/queue/rotational"]);
        let is_rotational = rotational.is_some_and(|said| *said == *b"1");
        // What is empty is udev's to say, and routers have no udev.
        table
            .row()
            .label("device", name)
            .label("major", major)
            .label("minor", minor)
            .label("model", b"")
            .label("path", b"")
            .label("revision", b"")
            .label("rotational", if is_rotational { b"1" } else { b"0" })
            .label("serial", b"")
            .label("wwn", b"")
            .count(Some(1));
    }
    table.finish();
    Ok(())
}

/// A line of the file; `None` if it makes no sense, as those of partitions before Linux 2.6.25.
fn parse(line: &[u8]) -> Option<DiskStat> {
    let disk = DiskStat::from_line(&String::from_utf8_lossy(line)).ok()?;
    (disk.major >= 0 && disk.minor >= 0).then_some(disk)
}

/// The numbers and the name as the kernel wrote them; a name need not be UTF-8.
fn first_columns(line: &[u8]) -> [&[u8]; 3] {
    let mut words = words(line);
    std::array::from_fn(|_| words.next().unwrap_or_default())
}

fn name(line: &[u8]) -> &[u8] {
    let [.., name] = first_columns(line);
    name
}

/// The values of [`FAMILIES`].
fn values(disk: &DiskStat) -> [Option<Value>; 17] {
    let count = |figure: u64| Some(figure.into());
    let bytes = |sectors: u64| Some(sectors.wrapping_mul(512).into());
    let seconds = |milliseconds: u64| Some(Value::decimal(milliseconds, 3));
    [
        count(disk.reads),
        count(disk.merged),
        bytes(disk.sectors_read),
        seconds(disk.time_reading),
        count(disk.writes),
        count(disk.writes_merged),
        bytes(disk.sectors_written),
        seconds(disk.time_writing),
        count(disk.in_progress),
        seconds(disk.time_in_progress),
        seconds(disk.weighted_time_in_progress),
        disk.discards.and_then(count),
        disk.discards_merged.and_then(count),
        disk.sectors_discarded.and_then(count),
        disk.time_discarding.and_then(seconds),
        disk.flushes.and_then(count),
        disk.time_flushing.and_then(seconds),
    ]
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
        let line = b"   8       0 sda 1203 4 9600 5120 301 44 3008 10230 0 6000 15350";
        assert_eq!(first_columns(line), [&b"8"[..], b"0", b"sda"]);
        let values = values(&parse(line).unwrap());
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
        let rest = [count(4142), count(22), count(375672), milliseconds(240), count(1012), milliseconds(34)];
        assert_eq!(values(&parse(line).unwrap())[11..], rest);
    }

    #[test]
    fn units_fit_the_names() {
        let line = b"8 0 sda 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2";
        for (family, value) in FAMILIES.iter().zip(values(&parse(line).unwrap())) {
            let name = str::from_utf8(family.name()).unwrap();
            assert_eq!(name.contains("_bytes"), value == count(1024), "{name}");
            assert_eq!(name.contains("_seconds"), value == milliseconds(2), "{name}");
        }
    }

    #[test]
    fn truncated_and_odd() {
        for odd in [
            &b""[..],
            b"8 0",
            b"8 0 sda",
            b"x 0 sda 1 2 3 4 5 6 7 8 9 10 11",
            b"8 -1 sda 1 2 3 4 5 6 7 8 9 10 11",
            b"8 0 sda 1 2 3 4 5 6 7 8 9 10",
            b"8 0 sda 1 -2 3 x 5 6 7 8 9 10 11",
        ] {
            assert!(parse(odd).is_none(), "{odd:?}");
        }
        let disk = parse(b"8 0 s\xffa 1 2 3 4 5 6 7 8 9 10 11 x 13").unwrap();
        assert_eq!(values(&disk)[10..14], [milliseconds(11), None, count(13), None]);
        assert_eq!(name(b"8 0 s\xffa 1"), b"s\xffa");
    }
}
