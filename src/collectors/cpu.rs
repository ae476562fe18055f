//! `/proc/stat`: how the processors spent their time, in hundredths of a second.
//!
//! The kernel's first line is the sum of the others, and processors that are off have no line. The
//! time a processor was idle or waited for a disk may jump back a little, since the kernel estimates
//! it; that is held back, for it would look like a restart. What else is told stands below
//! `/sys/devices/system/cpu`, and with `--collector.cpu.info` in `/proc/cpuinfo`, which looks
//! different on each architecture.

use crate::host::{Error, Host};
use crate::page::{Digits, Family, Page, Value, counter, gauge};
use crate::scan::{columns, decimal, fixed, lines, split_once, words};

const SECONDS: [Family; 1] = [counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.")];
/// Modes sorted by name, and their columns.
const MODES: [(&str, usize); 8] = [
    ("idle", 3),
    ("iowait", 4),
    ("irq", 5),
    ("nice", 1),
    ("softirq", 6),
    ("steal", 7),
    ("system", 2),
    ("user", 0),
];

const GUEST_SECONDS: [Family; 1] =
    [counter("node_cpu_guest_seconds_total", "Seconds the CPUs spent in guests (VMs) for each mode.")];
const GUEST_MODES: [(&str, usize); 2] = [("nice", 9), ("user", 8)];

const ISOLATED: [Family; 1] = [gauge(
    "node_cpu_isolated",
    "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.",
)];
const ONLINE: [Family; 1] = [gauge("node_cpu_online", "CPUs that are online and being scheduled.")];
const CORE_THROTTLES: [Family; 1] =
    [counter("node_cpu_core_throttles_total", "Number of times this CPU core has been throttled.")];
const PACKAGE_THROTTLES: [Family; 1] =
    [counter("node_cpu_package_throttles_total", "Number of times this CPU package has been throttled.")];

const INFO: Family = gauge("node_cpu_info", "CPU information from /proc/cpuinfo.");
const FREQUENCY: Family = gauge("node_cpu_frequency_hertz", "CPU frequency in hertz from /proc/cpuinfo.");

/// Where the kernel tells of processors.
const CPUS: &[u8] = b"devices/system/cpu/";

/// Adds the seconds of each processor and mode, and what else the kernel tells of processors.
///
/// # Errors
/// If `/proc/stat` cannot be read or has no processor.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let text = host.proc_record(&[b"stat"])?;
    let seen = &mut *host.ticks.borrow_mut();
    if !seconds(&text, seen, page, &SECONDS, &MODES) {
        return Err(text.odd(&text));
    }
    if host.settings.cpu_guest {
        seconds(&text, seen, page, &GUEST_SECONDS, &GUEST_MODES);
    }
    // For the collector `stat`.
    text.leave();
    isolated(host, page);
    online(host, page);
    throttles(host, page);
    if host.settings.cpu_info {
        info(host, page)?;
    }
    Ok(())
}

/// Adds a family of seconds; whether there was a processor.
fn seconds(
    text: &[u8],
    seen: &mut Vec<(u64, [u64; 10])>,
    page: &mut Page,
    family: &[Family; 1],
    modes: &[(&str, usize)],
) -> bool {
    let mut table = page.table(family);
    // The processors come first, and behind them may be thousands of interrupts.
    for line in lines(text).take_while(|line| line.starts_with(b"cpu")) {
        if let Some((number, cpu, ticks)) = parse(line) {
            let ticks = hold_back(seen, number, ticks);
            for (mode, column) in modes {
                let ticks = ticks.get(*column).copied().flatten();
                table.row(
                    &[("cpu", cpu), ("mode", mode.as_bytes())],
                    [ticks.map(|ticks| Value::decimal(ticks, 2))],
                );
            }
        }
    }
    let any = !table.is_empty();
    table.finish();
    any
}

/// What the file says of a processor's modes, in the order of its columns.
type Ticks = [Option<u64>; 10];

/// A processor's number, the same as it stands there, and its ticks in each mode; `None` for the sum
/// of all.
fn parse(line: &[u8]) -> Option<(u64, &[u8], Ticks)> {
    let mut words = words(line);
    let cpu = words.next()?.strip_prefix(b"cpu")?;
    Some((decimal(cpu)?, cpu, columns(&mut words)))
}

/// The ticks of processor `number`, none of them less than was `seen` before; but one that is idle
/// for far less was off in the meantime, and begins anew.
fn hold_back(seen: &mut Vec<(u64, [u64; 10])>, number: u64, ticks: Ticks) -> Ticks {
    /// Three seconds, as node_exporter has it.
    const FAR: u64 = 300;
    let at = seen.binary_search_by_key(&number, |(known, _)| *known).unwrap_or_else(|at| {
        seen.insert(at, (number, [0; 10]));
        at
    });
    let Some((_, last)) = seen.get_mut(at) else { return ticks };
    let ([_, _, _, idle, ..], [_, _, _, last_idle, ..]) = (ticks, *last);
    let is_anew = idle.is_some_and(|idle| idle.saturating_add(FAR) < last_idle);
    let mut last = last.iter_mut();
    ticks.map(|ticks| {
        let last = last.next()?;
        let ticks = ticks?;
        *last = if is_anew { ticks } else { ticks.max(*last) };
        Some(*last)
    })
}

/// Adds the processors that the scheduler leaves alone.
fn isolated(host: &Host, page: &mut Page) {
    let Some(text) = host.sys_kept(&[CPUS, b"isolated"]) else { return };
    let mut table = page.table(&ISOLATED);
    for range in text.split(|&byte| byte == b',').filter_map(parse_range) {
        for cpu in range {
            table.counts(&[("cpu", &Digits::new(cpu))], [Some(1)]);
        }
    }
    table.finish();
}

/// A processor or several: `3` or `5-7`.
fn parse_range(range: &[u8]) -> Option<std::ops::RangeInclusive<u64>> {
    /// More than any kernel is built for.
    const MOST: u64 = 8192;
    let (first, last) = split_once(range, b'-').unwrap_or((range, range));
    let (first, last) = (decimal(first.trim_ascii())?, decimal(last.trim_ascii())?);
    (last < MOST).then_some(first..=last)
}

/// Adds whether each processor runs, where they can be switched off.
fn online(host: &Host, page: &mut Page) {
    if host.sys_kept(&[CPUS, b"cpu0/online"]).is_none() {
        return;
    }
    let mut table = page.table(&ONLINE);
    each(host, |cpu, number| {
        let online = host.sys(&[CPUS, cpu, b"/online"]).is_some_and(|text| *text == *b"1");
        table.row(&[("cpu", number)], [Some(online.into())]);
    });
    table.finish();
}

/// Adds how often heat made cores and packages slow, which only some x86 processors tell.
///
/// The threads of a core and the cores of a package tell the same, of which one is taken.
fn throttles(host: &Host, page: &mut Page) {
    if host.sys(&[CPUS, b"cpu0/thermal_throttle/core_throttle_count"]).is_none() {
        return;
    }
    let mut table = page.table(&CORE_THROTTLES);
    each(host, |cpu, _| {
        let count = host.sys_decimal(&[CPUS, cpu, b"/thermal_throttle/core_throttle_count"]);
        let core = host.sys(&[CPUS, cpu, b"/topology/core_id"]);
        let package = host.sys(&[CPUS, cpu, b"/topology/physical_package_id"]);
        if let (Some(core), Some(package)) = (core, package) {
            table.counts(&[("core", &core), ("package", &package)], [count]);
        }
    });
    table.finish();
    let mut table = page.table(&PACKAGE_THROTTLES);
    each(host, |cpu, _| {
        let count = host.sys_decimal(&[CPUS, cpu, b"/thermal_throttle/package_throttle_count"]);
        if let Some(package) = host.sys(&[CPUS, cpu, b"/topology/physical_package_id"]) {
            table.counts(&[("package", &package)], [count]);
        }
    });
    table.finish();
}

/// Calls `tell` with each processor's directory and number.
fn each(host: &Host, mut tell: impl FnMut(&[u8], &[u8])) {
    let Ok(names) = host.sys_names(&[CPUS]) else { return };
    for name in names.iter() {
        if let Some(number) = name.strip_prefix(b"cpu").filter(|number| decimal(number).is_some()) {
            tell(name, number);
        }
    }
}

/// Adds what the processors are.
fn info(host: &Host, page: &mut Page) -> Result<(), Error> {
    let text = host.proc(&[b"cpuinfo"])?;
    page.family(&INFO);
    for cpu in processors(&text) {
        page.sample(
            &[
                ("cachesize", cpu.cache_size),
                ("core", cpu.core),
                ("cpu", cpu.number),
                ("family", cpu.family),
                ("microcode", cpu.microcode),
                ("model", cpu.model),
                ("model_name", cpu.model_name),
                ("package", cpu.package),
                ("stepping", cpu.stepping),
                ("vendor", cpu.vendor),
            ],
            true,
        );
    }
    page.family(&FREQUENCY);
    for cpu in processors(&text) {
        if let Some(kilohertz) = fixed(cpu.megahertz, 3) {
            let labels = [("core", cpu.core), ("cpu", cpu.number), ("package", cpu.package)];
            page.sample(&labels, kilohertz.saturating_mul(1000));
        }
    }
    Ok(())
}

/// What `/proc/cpuinfo` says of a processor, in its own words; empty where it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Processor<'t> {
    number: &'t [u8],
    /// On MIPS the `system type`, which is the chip.
    vendor: &'t [u8],
    family: &'t [u8],
    /// On MIPS the `machine`, which is the board.
    model: &'t [u8],
    /// On MIPS the `cpu model`.
    model_name: &'t [u8],
    microcode: &'t [u8],
    stepping: &'t [u8],
    cache_size: &'t [u8],
    core: &'t [u8],
    package: &'t [u8],
    megahertz: &'t [u8],
}

/// The processors: what stands before the first holds for all (MIPS, and ARM before Linux 3.8).
fn processors(text: &[u8]) -> impl Iterator<Item = Processor<'_>> {
    let mut common = Processor::default();
    let mut lines = lines(text).peekable();
    while let Some(line) = lines.next_if(|line| !is_first(line)) {
        common.add(line);
    }
    std::iter::from_fn(move || {
        let mut cpu = common;
        cpu.add(lines.next()?);
        while let Some(line) = lines.next_if(|line| !is_first(line)) {
            cpu.add(line);
        }
        Some(cpu)
    })
}

/// Whether a processor begins with this line.
fn is_first(line: &[u8]) -> bool {
    split_once(line, b':').is_some_and(|(key, _)| key.trim_ascii() == b"processor")
}

impl<'t> Processor<'t> {
    fn add(&mut self, line: &'t [u8]) {
        let Some((key, value)) = split_once(line, b':') else { return };
        let value = value.trim_ascii();
        match key.trim_ascii() {
            b"processor" => self.number = value,
            b"vendor_id" | b"system type" => self.vendor = value,
            b"cpu family" => self.family = value,
            b"model" | b"machine" => self.model = value,
            b"model name" | b"cpu model" | b"Processor" => self.model_name = value,
            b"microcode" => self.microcode = value,
            b"stepping" => self.stepping = value,
            b"cache size" => self.cache_size = value,
            b"core id" => self.core = value,
            b"physical id" => self.package = value,
            b"cpu MHz" => self.megahertz = value,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use procfs::{CpuInfo, FromRead, FromReadSI, KernelStats, LocalSystemInfo};

    use super::*;

    const X86: &str = "\
processor	: 0
vendor_id	: GenuineIntel
cpu family	: 6
model		: 55
model name	: Intel(R) Celeron(R) CPU  J1900  @ 1.99GHz
stepping	: 8
microcode	: 0x838
cpu MHz		: 1332.800
cache size	: 1024 KB
physical id	: 0
core id		: 0

processor	: 1
vendor_id	: GenuineIntel
cpu MHz		: 2400
core id		: 2

";

    #[test]
    fn real() {
        let (_, cpu, ticks) = parse(b"cpu0 1175 1 3206 1047327 2 3 5530 4 5 6").unwrap();
        assert_eq!(cpu, b"0");
        assert_eq!(ticks, [1175, 1, 3206, 1047327, 2, 3, 5530, 4, 5, 6].map(Some));
    }

    #[test]
    fn the_sum_and_other_lines_are_none() {
        for line in [&b"cpu  1175 0 3206 1047327"[..], b"cpux 1 2 3", b"cp", b""] {
            assert_eq!(parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn truncated_and_odd() {
        let (number, _, ticks) = parse(b"cpu12 1 -2 3").unwrap();
        assert_eq!(number, 12);
        assert_eq!(ticks[..4], [Some(1), None, Some(3), None]);
    }

    #[test]
    fn what_jumps_back_is_held_back() {
        let mut seen = Vec::new();
        let ticks = |user, idle, iowait| [Some(user), None, None, Some(idle), Some(iowait), None, None, None, None, None];
        let mut hold = |number, now| hold_back(&mut seen, number, now);
        assert_eq!(hold(1, ticks(10, 5000, 70)), ticks(10, 5000, 70));
        assert_eq!(hold(0, ticks(1, 1, 1)), ticks(1, 1, 1));
        assert_eq!(hold(1, ticks(11, 4999, 60)), ticks(11, 5000, 70));
        assert_eq!(hold(1, ticks(12, 5001, 69)), ticks(12, 5001, 70));
        // It was off.
        assert_eq!(hold(1, ticks(2, 100, 3)), ticks(2, 100, 3));
    }

    #[test]
    fn modes_are_sorted() {
        assert!(MODES.is_sorted() && GUEST_MODES.is_sorted());
    }

    #[test]
    fn ranges() {
        assert_eq!(parse_range(b"3"), Some(3..=3));
        assert_eq!(parse_range(b"5-7"), Some(5..=7));
        for odd in [&b""[..], b"-", b"1-", b"x", b"0-99999999999"] {
            assert_eq!(parse_range(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn mips() {
        let text = b"system type\t\t: MediaTek MT7620\nmachine\t\t\t: Asus RT-N14U\nprocessor\t\t: 0\ncpu model\t\t: MIPS 24KEc V5.0\nBogoMIPS\t\t: 385.84\n\n";
        let cpus: Vec<_> = processors(text).collect();
        assert_eq!(
            cpus,
            [Processor {
                number: b"0",
                vendor: b"MediaTek MT7620",
                model: b"Asus RT-N14U",
                model_name: b"MIPS 24KEc V5.0",
                ..Processor::default()
            }]
        );
    }

    #[test]
    fn old_arm() {
        let text = b"Processor\t: ARMv7 Processor rev 0 (v7l)\nprocessor\t: 0\nBogoMIPS\t: 1599.07\n\nprocessor\t: 1\nBogoMIPS\t: 1595.80\n\nHardware\t: Northstar Prototype\n";
        let numbers: Vec<_> = processors(text).map(|cpu| (cpu.number, cpu.model_name)).collect();
        let name = &b"ARMv7 Processor rev 0 (v7l)"[..];
        assert_eq!(numbers, [(&b"0"[..], name), (b"1", name)]);
    }

    #[test]
    fn no_processors() {
        assert_eq!(processors(b"").count(), 0);
        assert_eq!(processors(b"\xff\xfe: \xff\nmodel: 1").count(), 0);
    }

    #[test]
    fn as_procfs() {
        let theirs = CpuInfo::from_read(X86.as_bytes()).unwrap();
        assert_eq!(processors(X86.as_bytes()).count(), theirs.num_cores());
        for (at, cpu) in processors(X86.as_bytes()).enumerate() {
            let field = |name| theirs.get_field(at, name).unwrap_or("").as_bytes();
            assert_eq!(cpu.model_name, field("model name"));
            assert_eq!(cpu.vendor, field("vendor_id"));
            assert_eq!(cpu.megahertz, field("cpu MHz"));
            assert_eq!(cpu.core, field("core id"));
        }
        let stat = b"cpu  3 0 0 0 0 0 0 0 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\nctxt 1\nbtime 1\nprocesses 1\n";
        let theirs = &KernelStats::from_read(&stat[..], &LocalSystemInfo).unwrap().cpu_time[0];
        let (_, _, ticks) = lines(stat).find_map(parse).unwrap();
        assert_eq!(ticks[..4], [theirs.user, theirs.nice, theirs.system, theirs.idle].map(Some));
        assert_eq!(ticks[4..], [theirs.iowait, theirs.irq, theirs.softirq, theirs.steal, theirs.guest, theirs.guest_nice]);
    }
}
