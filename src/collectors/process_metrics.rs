//! `/proc/self`: this process, under the names that every client of Prometheus has.

use std::cell::Cell;

use procfs::process::LimitValue;

use crate::collectors::Collect;
use crate::format::{Family, Page, Value, counter, gauge};
use crate::machine::{Error, Machine};
use crate::process::syscalls;
use crate::text::scan::{decimal, lines, rsplit_once, words};

/// The kernel counts a process's time in these, whatever its own tick.
const TICKS_PER_SECOND: u64 = 100;

const CPU: Family = counter!("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.");
const OPEN_FDS: Family = gauge!("process_open_fds", "Number of open file descriptors.");
const VIRTUAL: Family = gauge!("process_virtual_memory_bytes", "Virtual memory size in bytes.");
const RESIDENT: Family = gauge!("process_resident_memory_bytes", "Resident memory size in bytes.");
const START: Family = gauge!("process_start_time_seconds", "Start time of the process since unix epoch in seconds.");

/// What `/proc/self/limits` calls them.
const LIMITS: [(&[u8], Family); 2] = [
    (b"Max open files ", gauge!("process_max_fds", "Maximum number of open file descriptors.")),
    (
        b"Max address space ",
        gauge!("process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes."),
    ),
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
        for (limit, (_, family)) in self.limits(machine)?.iter().zip(&LIMITS) {
            page.single(family, *limit);
        }
        let text = machine.own("stat")?;
        let stat = parse(&text).ok_or_else(|| text.odd(&text))?;
        page.single(&CPU, Value::decimal(stat.ticks, 2));
        page.single(&VIRTUAL, stat.virtual_bytes);
        page.single(&RESIDENT, stat.resident_pages.wrapping_mul(syscalls::page_size()));
        page.single(&START, Value::decimal(self.started(machine, stat.started), 2));
        Ok(())
    }
}

impl ProcessMetrics {
    /// The limits of [`LIMITS`]: the file is long, and they stay as they were when the exporter began.
    fn limits(&self, machine: &Machine) -> Result<[u64; 2], Error> {
        if let Some(limits) = self.limits.get() {
            return Ok(limits);
        }
        let text = machine.own("limits")?;
        let mut limits = [0; 2];
        for (limit, (name, _)) in limits.iter_mut().zip(&LIMITS) {
            *limit = parse_limit(&text, name).ok_or_else(|| text.odd(&text))?;
        }
        self.limits.set(Some(limits));
        Ok(limits)
    }

    /// When the process began, in hundredths of a second since 1970, if that was `ticks` after the
    /// machine did. It moves when the wall clock is set, and not with the grain of two clocks read
    /// one after the other.
    fn started(&self, machine: &Machine, ticks: u64) -> u64 {
        let hundredth = 10_000_000;
        let up = syscalls::since_boot() / hundredth;
        let started = (machine.now() / hundredth).saturating_sub(up).saturating_add(ticks);
        if started.abs_diff(self.started.get()) > TICKS_PER_SECOND {
            self.started.set(started);
        }
        self.started.get()
    }
}

/// `/proc/self/stat`, as far as it is told. `procfs` reads all of it, and is 14 kB larger for that.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    /// Processor time, the kernel's and its own, in hundredths of a second.
    ticks: u64,
    /// When it began, in hundredths of a second since the machine did.
    started: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

fn parse(text: &[u8]) -> Option<Stat> {
    // The name is in brackets, and may have some of its own.
    let (_, figures) = rsplit_once(text, b')')?;
    let mut figures = words(figures);
    let mut next = |passed_over| figures.nth(passed_over).and_then(decimal);
    let (user, system) = (next(11)?, next(0)?);
    Some(Stat {
        ticks: user.wrapping_add(system),
        started: next(6)?,
        virtual_bytes: next(0)?,
        resident_pages: next(0)?,
    })
}

/// The limit that holds, of a line of its name, its soft value, its hard value and a unit.
fn parse_limit(text: &[u8], name: &[u8]) -> Option<u64> {
    let values = lines(text).find_map(|line| line.strip_prefix(name))?;
    match str::from_utf8(words(values).next()?).ok()?.parse() {
        Ok(LimitValue::Value(limit)) => Some(limit),
        Ok(LimitValue::Unlimited) => Some(u64::MAX),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use procfs::FromRead;

    use super::*;

    #[test]
    fn as_procfs() {
        let text = b"77 (a) b (x) S 1 77 77 0 -1 4194560 90 0 0 0 123 45 0 0 25 5 1 0 6789 1077248 83 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
        let theirs = procfs::process::Stat::from_read(&text[..]).unwrap();
        let theirs = Stat {
            ticks: theirs.utime + theirs.stime,
            started: theirs.starttime,
            virtual_bytes: theirs.vsize,
            resident_pages: theirs.rss,
        };
        assert_eq!(parse(text), Some(theirs));
    }

    #[test]
    fn limits() {
        let text = b"Limit                     Soft Limit           Hard Limit           Units     \n\
            Max open files            1024                 524288               files     \n\
            Max address space         unlimited            unlimited            bytes     \n";
        let limits = |text: &[u8]| LIMITS.map(|(name, _)| parse_limit(text, name));
        assert_eq!(limits(text), [Some(1024), Some(u64::MAX)]);
        assert_eq!(limits(b"Max open files            10x\nMax address space "), [None, None]);
    }

    #[test]
    fn truncated_and_odd() {
        for odd in [&b""[..], b"77 (a", b"77 (a) S 1 77 77 0 -1 4194560 90 0 0 0 123", b"77 (a) \xff"] {
            assert_eq!(parse(odd), None, "{odd:?}");
        }
    }
}
