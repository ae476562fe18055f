//! `/proc/stat`: how the processors spent their time, in hundredths of a second.
//!
//! The kernel's first line is the sum of the others, and processors that are off have no line. The
//! time a processor was idle or waited for a disk may jump back a little, since the kernel estimates
//! it; that is held back, for it would look like a restart. What else is reported stands below
//! `/sys/devices/system/cpu`, and with `--collector.cpu.info` in `/proc/cpuinfo`.

use crate::collectors::Collect;
use crate::collectors::cpu_info::CpuInfo;
use crate::format::{Family, Page, Value, counter, gauge};
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::digits::Digits;
use crate::text::scan::{decimal, lines, split_once, words};

const SECONDS: [Family; 1] = [counter!("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.")];
/// In the order of the file's columns.
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];
const IDLE: usize = 3;

const GUEST_SECONDS: [Family; 1] =
    [counter!("node_cpu_guest_seconds_total", "Seconds the CPUs spent in guests (VMs) for each mode.")];
/// In the order of the columns that follow.
const GUEST_MODES: [&str; 2] = ["user", "nice"];

const ISOLATED: [Family; 1] =
    [gauge!("node_cpu_isolated", "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.",)];
const ONLINE: [Family; 1] = [gauge!("node_cpu_online", "CPUs that are online and being scheduled.")];
/// Families, their files, and whether they are a core's rather than a package's.
const THROTTLES: [([Family; 1], &[u8], bool); 2] = [
    (
        [counter!("node_cpu_core_throttles_total", "Number of times this CPU core has been throttled.")],
        b"core_throttle_count",
        true,
    ),
    (
        [counter!("node_cpu_package_throttles_total", "Number of times this CPU package has been throttled.")],
        b"package_throttle_count",
        false,
    ),
];

/// More processors than any kernel is built for.
const MOST: u64 = 8192;

/// Where the kernel describes processors.
const CPUS: &[u8] = b"devices/system/cpu/";

/// The processors.
#[derive(Debug)]
pub struct Cpu {
    /// Whether the time of guests is reported.
    guest: bool,
    /// What reports what the processors are, if anybody wants to know.
    info: Option<CpuInfo>,
    /// The ticks that were reported last, by the processors' numbers.
    ticks: Vec<[u64; 10]>,
}

impl Cpu {
    /// The collector as the options say.
    pub fn new(settings: &Settings) -> Self {
        Self { guest: settings.cpu_guest, info: CpuInfo::new(settings), ticks: Vec::new() }
    }
}

impl Collect for Cpu {
    /// Adds the seconds of each processor and mode, and what else the kernel has on processors.
    ///
    /// # Errors
    /// If `/proc/stat` cannot be read or has no processor.
    fn collect(&mut self, machine: &Machine, page: &mut Page) -> Result<(), Error> {
        let text = machine.proc_record(&[b"stat"])?;
        let seen = &mut self.ticks;
        if !seconds(&text, seen, page, &SECONDS, &MODES, 0) {
            return Err(text.odd(&text));
        }
        if self.guest {
            seconds(&text, seen, page, &GUEST_SECONDS, &GUEST_MODES, MODES.len());
        }
        isolated(machine, page);
        online(machine, page);
        throttles(machine, page);
        if let Some(info) = &self.info {
            info.collect(machine, page)?;
        }
        Ok(())
    }
}

/// Adds a family of seconds, whose first mode has the column `first`; whether there was a processor.
fn seconds(
    text: &[u8],
    seen: &mut Vec<[u64; 10]>,
    page: &mut Page,
    family: &[Family],
    modes: &[&str],
    first: usize,
) -> bool {
    let mut table = page.table(family);
    // The processors come first, and behind them may be thousands of interrupts.
    for line in lines(text).take_while(|line| line.starts_with(b"cpu")) {
        let Some((number, cpu)) = parse(line) else { continue };
        if seen.len() <= number {
            seen.resize(number.saturating_add(1), [0; 10]);
        }
        let Some(last) = seen.get_mut(number) else { continue };
        begin_anew(last, line);
        let mut columns = words(line).skip(first.saturating_add(1));
        for (mode, last) in modes.iter().zip(last.get_mut(first..).unwrap_or_default()) {
            let Some(ticks) = columns.next().and_then(decimal) else { continue };
            *last = ticks.max(*last);
            table.row().label("cpu", cpu).label("mode", mode.as_bytes()).cell(Some(Value::decimal(*last, 2)));
        }
    }
    let any = !table.is_empty();
    table.finish();
    any
}

/// A processor's number, and the same as it stands there; `None` for the sum of all.
fn parse(line: &[u8]) -> Option<(usize, &[u8])> {
    let cpu = words(line).next()?.strip_prefix(b"cpu")?;
    Some((usize::try_from(decimal(cpu).filter(|number| *number < MOST)?).ok()?, cpu))
}

/// Forgets what was reported `last` of a processor that is idle for far less: it was off in the meantime.
fn begin_anew(last: &mut [u64; 10], line: &[u8]) {
    /// Three seconds, as node_exporter has it.
    const FAR: u64 = 300;
    let last_idle = last.get(IDLE).copied().unwrap_or_default();
    if words(line)
        .nth(IDLE.saturating_add(1))
        .and_then(decimal)
        .is_some_and(|idle| idle.saturating_add(FAR) < last_idle)
    {
        *last = [0; 10];
    }
}

/// Adds the processors that the scheduler leaves alone.
fn isolated(machine: &Machine, page: &mut Page) {
    let Some(text) = machine.sys_kept(&[CPUS, b"isolated"]) else { return };
    let mut table = page.table(&ISOLATED);
    for (first, last) in text.split(|&byte| byte == b',').filter_map(parse_range) {
        for cpu in first..=last {
            table.row().label("cpu", &Digits::new(cpu)).count(Some(1));
        }
    }
    table.finish();
}

/// The first and the last of several processors, or twice the same: `5-7` or `3`.
fn parse_range(range: &[u8]) -> Option<(u64, u64)> {
    let (first, last) = split_once(range, b'-').unwrap_or((range, range));
    let (first, last) = (decimal(first.trim_ascii())?, decimal(last.trim_ascii())?);
    (last < MOST).then_some((first, last))
}

/// Adds whether each processor runs, where they can be switched off.
fn online(machine: &Machine, page: &mut Page) {
    if machine.sys_kept(&[CPUS, b"cpu0/online"]).is_none() {
        return;
    }
    let mut table = page.table(&ONLINE);
    each(machine, &mut |cpu, number| {
        let online = machine.sys_decimal(&[CPUS, cpu, b"/online"]) == Some(1);
        table.row().label("cpu", number).count(Some(online.into()));
    });
    table.finish();
}

/// Adds how often heat made cores and packages slow, which only some x86 processors report.
///
/// The threads of a core and the cores of a package report the same, of which one is taken.
fn throttles(machine: &Machine, page: &mut Page) {
    if machine.sys(&[CPUS, b"cpu0/thermal_throttle/core_throttle_count"]).is_none() {
        return;
    }
    for (families, file, with_core) in &THROTTLES {
        let mut table = page.table(families);
        each(machine, &mut |cpu, _| {
            let count = machine.sys_decimal(&[CPUS, cpu, b"/thermal_throttle/", file]);
            let core = machine.sys(&[CPUS, cpu, b"/topology/core_id"]);
            let package = machine.sys(&[CPUS, cpu, b"/topology/physical_package_id"]);
            if let (Some(core), Some(package)) = (core, package) {
                table.row();
                if *with_core {
                    table.label("core", &core);
                }
                table.label("package", &package).count(count);
            }
        });
        table.finish();
    }
}

/// Calls `report` with each processor's directory and number.
fn each(machine: &Machine, report: &mut dyn FnMut(&[u8], &[u8])) {
    let Ok(names) = machine.sys_names(&[CPUS]) else { return };
    for name in names.iter() {
        if let Some(number) = name.strip_prefix(b"cpu").filter(|number| decimal(number).is_some()) {
            report(name, number);
        }
    }
}

#[cfg(test)]
mod tests {
    use procfs::{FromReadSI, KernelStats, LocalSystemInfo};

    use super::*;
    use crate::format::Sorted;

    /// The seconds that the collector reports for `text`.
    fn reported(seen: &mut Vec<[u64; 10]>, text: &str) -> String {
        let mut page = Page::default();
        let any = seconds(text.as_bytes(), seen, &mut page, &SECONDS, &MODES, 0);
        seconds(text.as_bytes(), seen, &mut page, &GUEST_SECONDS, &GUEST_MODES, MODES.len());
        let mut out = Sorted::default();
        page.write(&mut out, |_| true);
        let out = String::from_utf8(out.to_vec()).unwrap();
        assert_eq!(any, !out.is_empty());
        let samples = out.lines().filter(|line| !line.starts_with('#'));
        samples.map(|line| line.replace("node_cpu_", "").replace("seconds_total", "") + "\n").collect()
    }

    #[test]
    fn real() {
        assert_eq!(
            reported(&mut Vec::new(), "cpu  9 9 9\ncpu0 1175 1 3206 1047327 2 3 5530 4 5 6\nintr 1\n"),
            "guest_{cpu=\"0\",mode=\"nice\"} 0.06\nguest_{cpu=\"0\",mode=\"user\"} 0.05\n\
            {cpu=\"0\",mode=\"idle\"} 10473.27\n{cpu=\"0\",mode=\"iowait\"} 0.02\n{cpu=\"0\",mode=\"irq\"} 0.03\n\
            {cpu=\"0\",mode=\"nice\"} 0.01\n{cpu=\"0\",mode=\"softirq\"} 55.3\n{cpu=\"0\",mode=\"steal\"} 0.04\n\
            {cpu=\"0\",mode=\"system\"} 32.06\n{cpu=\"0\",mode=\"user\"} 11.75\n"
        );
    }

    #[test]
    fn the_sum_and_other_lines_are_none() {
        for line in [&b"cpu  1175 0 3206 1047327"[..], b"cpux 1 2 3", b"cpu8192 1", b"cp", b""] {
            assert_eq!(parse(line), None, "{line:?}");
        }
        assert_eq!(reported(&mut Vec::new(), "cpu 1 2 3\nintr 1\n"), "");
    }

    #[test]
    fn truncated_and_odd() {
        let line = "cpu12 1 -2 3";
        assert_eq!(parse(line.as_bytes()), Some((12, &b"12"[..])));
        assert_eq!(
            reported(&mut Vec::new(), line),
            "{cpu=\"12\",mode=\"system\"} 0.03\n{cpu=\"12\",mode=\"user\"} 0.01\n"
        );
    }

    #[test]
    fn what_jumps_back_is_held_back() {
        let seen = &mut Vec::new();
        let mut reported = |user, idle, iowait| {
            let text = reported(seen, &format!("cpu1 {user}00 x x {idle}00 {iowait}00"));
            text.replace("{cpu=\"1\",mode=", "").replace("} ", " ").replace('\n', ";")
        };
        assert_eq!(reported(10, 5000, 70), "\"idle\" 5000;\"iowait\" 70;\"user\" 10;");
        assert_eq!(reported(11, 4999, 60), "\"idle\" 5000;\"iowait\" 70;\"user\" 11;");
        assert_eq!(reported(12, 5001, 69), "\"idle\" 5001;\"iowait\" 70;\"user\" 12;");
        // It was off.
        assert_eq!(reported(2, 100, 3), "\"idle\" 100;\"iowait\" 3;\"user\" 2;");
    }

    #[test]
    fn idle_is_where_it_is_looked_for() {
        assert_eq!(MODES[IDLE], "idle");
    }

    #[test]
    fn ranges() {
        assert_eq!(parse_range(b"3"), Some((3, 3)));
        assert_eq!(parse_range(b"5-7"), Some((5, 7)));
        for odd in [&b""[..], b"-", b"1-", b"x", b"0-99999999999"] {
            assert_eq!(parse_range(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn as_procfs() {
        let stat = "cpu  3 0 0 0 0 0 0 0 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\nctxt 1\nbtime 1\nprocesses 1\n";
        let theirs = &KernelStats::from_read(stat.as_bytes(), &LocalSystemInfo).unwrap().cpu_time[0];
        let ours = reported(&mut Vec::new(), stat);
        for (mode, ticks) in [("user", theirs.user), ("idle", theirs.idle)] {
            assert!(ours.contains(&format!("\n{{cpu=\"0\",mode=\"{mode}\"}} 0.0{ticks}\n")), "{ours}");
        }
    }
}
