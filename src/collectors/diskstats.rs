//! `/proc/diskstats`: what each disk has read and written, in sectors of 512 bytes and milliseconds.
//!
//! A line has 14 columns, 18 since Linux 4.18 (discards) and 20 since 5.5 (flushes). Very old
//! kernels tell of partitions in 7, without the times.

use crate::filter::Filter;
use crate::host::{Error, Host};
use crate::page::{Family, Page, Value, counter, gauge};
use crate::scan::{columns, decimal, lines, words};

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
    let told = |disk: &Disk| host.settings.filters.allows(Filter::DiskstatsDevice, disk.name);
    let mut table = page.table(&FAMILIES);
    for line in lines(&text) {
        match parse(line) {
            Some(disk) if told(&disk) => table.row(&[("device", disk.name)], disk.values()),
            Some(_) => {}
            None => text.skip(line),
        }
    }
    table.finish();
    let mut table = page.table(&INFO);
    for disk in lines(&text).filter_map(parse).filter(told) {
        // node_exporter says 0 wherever any of some thirty other attributes is missing.
        let rotational = host.sys_kept(&[b"block/", disk.name, b"/queue/rotational"]);
        let labels: [(_, &[u8]); 9] = [
            ("device", disk.name),
            ("major", disk.major),
            ("minor", disk.minor),
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

/// A line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Disk<'t> {
    major: &'t [u8],
    minor: &'t [u8],
    name: &'t [u8],
    /// In the order of [`FAMILIES`]: requests, sectors and milliseconds.
    figures: [Option<u64>; 17],
}

fn parse(line: &[u8]) -> Option<Disk<'_>> {
    let mut words = words(line);
    let (major, minor, name) = (words.next()?, words.next()?, words.next()?);
    decimal(major).and(decimal(minor))?;
    let figures = match columns::<17>(&mut words) {
        [reads, sectors_read, writes, sectors_written, rest @ ..] if rest == [None; 13] => {
            let mut figures = [reads, None, sectors_read, None, writes, None, sectors_written];
            std::array::from_fn(|at| figures.get_mut(at).and_then(Option::take))
        }
        figures => figures,
    };
    Some(Disk { major, minor, name, figures })
}

/// What a column counts.
#[derive(Clone, Copy, Debug)]
enum Unit {
    One,
    Sector,
    Millisecond,
}

impl Disk<'_> {
    /// In the order and the units of [`FAMILIES`].
    fn values(&self) -> [Option<Value>; 17] {
        let mut units = UNITS.iter();
        self.figures.map(|figure| {
            let unit = units.next();
            figure.map(|figure| match unit {
                Some(Unit::Sector) => figure.wrapping_mul(512).into(),
                Some(Unit::Millisecond) => Value::decimal(figure, 3),
                _ => figure.into(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use procfs::DiskStat;

    use super::*;

    #[test]
    fn real() {
        let disk = parse(b"   8       0 sda 1203 4 9600 5120 301 44 3008 10230 0 6000 15350").unwrap();
        assert_eq!((disk.major, disk.minor, disk.name), (&b"8"[..], &b"0"[..], &b"sda"[..]));
        assert_eq!(disk.figures[..11], [1203, 4, 9600, 5120, 301, 44, 3008, 10230, 0, 6000, 15350].map(Some));
        assert_eq!(disk.figures[11..], [None; 6]);
        let values = disk.values();
        assert_eq!(values[0], Some(1203_u64.into()));
        assert_eq!(values[2], Some((9600 * 512_u64).into()));
        assert_eq!(values[3], Some(Value::decimal(5120_u64, 3)));
        assert_eq!(values[11], None);
    }

    #[test]
    fn units_fit_the_names() {
        for (family, unit) in FAMILIES.iter().zip(UNITS) {
            assert_eq!(family.name.contains("_bytes"), matches!(unit, Unit::Sector), "{}", family.name);
            assert_eq!(family.name.contains("_seconds"), matches!(unit, Unit::Millisecond), "{}", family.name);
        }
    }

    #[test]
    fn a_partition_of_an_old_kernel() {
        let disk = parse(b"   8       1 sda1 1200 9590 300 3000").unwrap();
        assert_eq!(disk.figures[..7], [Some(1200), None, Some(9590), None, Some(300), None, Some(3000)]);
        assert_eq!(disk.figures[7..], [None; 10]);
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(parse(b"8 0 sda").unwrap().figures, [None; 17]);
        assert_eq!(parse(b"8 0 sda 1 -2 3 x 5 6 7").unwrap().figures[..5], [Some(1), None, Some(3), None, Some(5)]);
        for odd in [&b""[..], b"8 0", b"x 0 sda 1", b"8 -1 sda 1"] {
            assert_eq!(parse(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn as_procfs() {
        for line in [
            "  31       0 mtdblock0 12 3 96 40 1 0 0 0 0 40 40",
            "   8      16 sdb 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
            " 254       0 vda 29297 6637 2200042 6004 7772 32641 3215784 4422 0 5956 10701 4142 22 375672 240 1012 34",
        ] {
            let theirs = DiskStat::from_line(line).unwrap();
            let ours = parse(line.as_bytes()).unwrap();
            assert_eq!(ours.name, theirs.name.as_bytes());
            assert_eq!(decimal(ours.major), u64::try_from(theirs.major).ok());
            assert_eq!(decimal(ours.minor), u64::try_from(theirs.minor).ok());
            assert_eq!(
                ours.figures,
                [
                    Some(theirs.reads),
                    Some(theirs.merged),
                    Some(theirs.sectors_read),
                    Some(theirs.time_reading),
                    Some(theirs.writes),
                    Some(theirs.writes_merged),
                    Some(theirs.sectors_written),
                    Some(theirs.time_writing),
                    Some(theirs.in_progress),
                    Some(theirs.time_in_progress),
                    Some(theirs.weighted_time_in_progress),
                    theirs.discards,
                    theirs.discards_merged,
                    theirs.sectors_discarded,
                    theirs.time_discarding,
                    theirs.flushes,
                    theirs.time_flushing,
                ]
            );
        }
    }
}
