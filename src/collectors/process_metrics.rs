//! `/proc/self`: this process, under the names that every client of Prometheus has.

use std::cell::Cell;

use procfs::process::LimitValue;
use rustix::io::Errno;

use crate::collectors::Collect;
use crate::collectors::process_stat;
use crate::format::{Family, Page, Value, counter, gauge};
use crate::machine::{Error, Machine};
use crate::process::syscalls;
use crate::text::scan::{decimal, lines, split_once, words};

/// The kernel counts a process's time in these, whatever its own tick.
const TICKS_PER_SECOND: u64 = 100;
/// Nanoseconds of a hundredth of a second.
const HUNDREDTH: u64 = 10_000_000;

const CPU: Family = counter!("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.");
const OPEN_FDS: Family = gauge!("process_open_fds", "Number of open file descriptors.");
const VIRTUAL: Family = gauge!("process_virtual_memory_bytes", "Virtual memory size in bytes.");
const RESIDENT: Family = gauge!("process_resident_memory_bytes", "Resident memory size in bytes.");
const START: Family = gauge!("process_start_time_seconds", "Start time of the process since unix epoch in seconds.");

/// From `/proc/self/limits`.
const LIMITS: [Family; 2] = [
    gauge!("process_max_fds", "Maximum number of open file descriptors."),
    gauge!("process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes."),
];

/// This process, from scrape to scrape.
#[derive(Debug, Default)]
pub struct ProcessMetrics {
    /// When it began, in hundredths of a second since 1970.
    started: Cell<u64>,
    /// The values of [`LIMITS`], once they were read.
    limits: Cell<Option<[u64; 2]>>,
}

impl Collect for ProcessMetrics {
    /// Adds the families of the process collector.
    ///
    /// # Errors
    /// If one of the files cannot be read.
    fn collect(&mut self, machine: &Machine, page: &mut Page) -> Result<(), Error> {
        let open = machine.own_open_files()?.iter().count();
        page.single(&OPEN_FDS, u64::try_from(open).unwrap_or_default());
        for (limit, family) in self.limits(machine)?.iter().zip(&LIMITS) {
            page.single(family, *limit);
        }
        let text = machine.own("self/stat")?;
        let stat = process_stat::parse(&text).ok_or_else(|| text.odd(&text))?;
        page.single(&CPU, Value::decimal(stat.utime.wrapping_add(stat.stime), 2));
        page.single(&VIRTUAL, stat.vsize);
        page.single(&RESIDENT, stat.rss.wrapping_mul(syscalls::page_size()));
        let up = since_boot(syscalls::since_boot(), machine)?;
        page.single(&START, Value::decimal(self.started(machine.now() / HUNDREDTH, up, stat.starttime), 2));
        Ok(())
    }
}

impl ProcessMetrics {
    /// The limits of [`LIMITS`]: the file is long, and they stay as they were when the exporter began.
    fn limits(&self, machine: &Machine) -> Result<[u64; 2], Error> {
        if let Some(limits) = self.limits.get() {
            return Ok(limits);
        }
        let text = machine.own("self/limits")?;
        let limits = parse_limits(&text).ok_or_else(|| text.odd(&text))?;
        self.limits.set(Some(limits));
        Ok(limits)
    }

    /// When the process began, in hundredths of a second since 1970, if it is `now` and the machine
    /// began `up` ago, and the process `ticks` after that. It moves when the wall clock is set, and
    /// not with the grain of two clocks read one after the other.
    fn started(&self, now: u64, up: u64, ticks: u64) -> u64 {
        let started = now.saturating_sub(up).saturating_add(ticks);
        if started.abs_diff(self.started.get()) > TICKS_PER_SECOND {
            self.started.set(started);
        }
        self.started.get()
    }
}

/// How long the machine has been up, in hundredths of a second: what the clock says, else
/// `/proc/uptime`. That counts the time asleep too, on a kernel whose clocks do not.
fn since_boot(clock: Result<u64, Errno>, machine: &Machine) -> Result<u64, Error> {
    if let Ok(nanoseconds) = clock {
        return Ok(nanoseconds / HUNDREDTH);
    }
    let text = machine.own("uptime")?;
    parse_uptime(&text).ok_or_else(|| text.odd(&text))
}

/// Hundredths of a second of `/proc/uptime`, which has two digits behind the point on every kernel.
fn parse_uptime(text: &[u8]) -> Option<u64> {
    let (seconds, hundredths) = split_once(words(text).next()?, b'.')?;
    decimal(seconds)?.checked_mul(100)?.checked_add(decimal(hundredths).filter(|_| hundredths.len() == 2)?)
}

/// The values of [`LIMITS`]; `None` if a limit is missing.
fn parse_limits(text: &[u8]) -> Option<[u64; 2]> {
    Some([parse_limit(text, b"Max open files ")?, parse_limit(text, b"Max address space ")?])
}

/// The limit that holds, of a line of its name, its soft value, its hard value and a unit.
fn parse_limit(text: &[u8], name: &[u8]) -> Option<u64> {
    let values = lines(text).find_map(|line| line.strip_prefix(name))?;
    match str::from_utf8(words(values).next()?).ok()?.parse().ok()? {
        LimitValue::Value(limit) => Some(limit),
        LimitValue::Unlimited => Some(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        let machine = Machine::default();
        let text = machine.own("self/limits").unwrap();
        let text = str::from_utf8(&text).unwrap();
        let with = |name: &str, soft: &str| {
            let lines = text.lines().map(|line| match line.strip_prefix(name) {
                Some(_) => format!("{name}   {soft}   524288   files\n"),
                None => format!("{line}\n"),
            });
            lines.collect::<String>()
        };
        let files = with("Max open files", "1024");
        assert_eq!(parse_limits(files.as_bytes()).map(|[files, _]| files), Some(1024));
        let space = with("Max address space", "unlimited");
        assert_eq!(parse_limits(space.as_bytes()).map(|[_, space]| space), Some(u64::MAX));
        assert_eq!(parse_limits(with("Max open files", "10x").as_bytes()), None);
    }

    #[test]
    fn a_kernel_without_the_clock_says_how_long_it_is_up_in_a_file() {
        let machine = Machine::default();
        assert_eq!(since_boot(Ok(25 * HUNDREDTH + 9), &machine).ok(), Some(25));
        let file = parse_uptime(&machine.proc(&[b"uptime"]).unwrap()).unwrap();
        let up = since_boot(Err(Errno::INVAL), &machine).unwrap();
        assert!((file..file + 6000).contains(&up), "{file} {up}");
    }

    #[test]
    fn uptime() {
        assert_eq!(parse_uptime(b"19.34 12.07\n"), Some(1934));
        assert_eq!(parse_uptime(b"1000000.00 0.00"), Some(100_000_000));
        for odd in [&b""[..], b"19 12", b"19.3 12", b"19.345 12", b"x.34", b"-1.34", b"18446744073709551615.00"] {
            assert_eq!(parse_uptime(odd), None, "{odd:?}");
        }
    }

    /// 13:00:00 of some day; 100 hundredths are a second.
    const NOW: u64 = 170_000_000_000;

    #[test]
    fn the_start_stays_where_it_is() {
        let process = ProcessMetrics::default();
        let start = NOW - 5000 + 4200;
        assert_eq!(process.started(NOW, 5000, 4200), start);
        // The grain of two clocks, and the time that passes.
        for (passed, grain) in [(1, 1), (1500, 0), (1500, 1), (8_640_000, 99), (8_640_000, 100)] {
            assert_eq!(process.started(NOW + passed, 5000 + passed - grain, 4200), start, "{passed} {grain}");
            assert_eq!(process.started(NOW + passed, 5000 + passed + grain, 4200), start, "{passed} {grain}");
        }
        // Somebody sets the wall clock, by more than a second.
        assert_eq!(process.started(NOW + 360_000, 5000, 4200), start + 360_000);
        assert_eq!(process.started(NOW + 360_000 + 700, 5700, 4200), start + 360_000);
    }

    #[test]
    fn truncated_and_odd() {
        for odd in [
            &b""[..],
            b"Max",
            b"\n",
            b"Max open files 1",
            b"Max open files \xff 2048 files\nMax address space 1 1 bytes",
        ] {
            assert_eq!(parse_limits(odd), None, "{odd:?}");
        }
    }
}
