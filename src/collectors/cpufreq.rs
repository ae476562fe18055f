//! `/sys/devices/system/cpu/cpu<number>/cpufreq`: how fast each processor runs and may run.
//!
//! The kernel counts in kHz. `cpuinfo_cur_freq`, which asks the hardware, is for root alone and not
//! in all drivers; single-core MIPS routers have none of this.

use crate::format::{Family, Page, Value, gauge};
use crate::machine::{Error, Machine};
use crate::text::scan::{decimal, scaled, words};

const FAMILIES: [Family; 7] = [
    gauge!("node_cpu_frequency_avg_hertz", "Average CPU thread frequency in hertz."),
    gauge!("node_cpu_frequency_hertz", "Current CPU thread frequency in hertz."),
    gauge!("node_cpu_frequency_max_hertz", "Maximum CPU thread frequency in hertz."),
    gauge!("node_cpu_frequency_min_hertz", "Minimum CPU thread frequency in hertz."),
    gauge!("node_cpu_scaling_frequency_hertz", "Current scaled CPU thread frequency in hertz."),
    gauge!("node_cpu_scaling_frequency_max_hertz", "Maximum scaled CPU thread frequency in hertz."),
    gauge!("node_cpu_scaling_frequency_min_hertz", "Minimum scaled CPU thread frequency in hertz."),
];
/// In the order of the families.
const FILES: [&[u8]; 7] = [
    b"cpuinfo_avg_freq",
    b"cpuinfo_cur_freq",
    b"cpuinfo_max_freq",
    b"cpuinfo_min_freq",
    b"scaling_cur_freq",
    b"scaling_max_freq",
    b"scaling_min_freq",
];
const GOVERNOR: [Family; 1] = [gauge!("node_cpu_scaling_governor", "Current enabled CPU frequency governor.")];
const CPUS: &[u8] = b"devices/system/cpu/";

/// Adds a row for each processor, and one for each governor it may have.
///
/// # Errors
/// If the processors cannot be listed.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let names = machine.sys_names(&[CPUS])?;
    let file = |cpu: &[u8], file: &[u8]| machine.sys(&[CPUS, cpu, b"/cpufreq/", file]);
    let mut table = page.table(&FAMILIES);
    for cpu in names.iter() {
        // Every driver has this one, since it costs nothing.
        let Some(number) = number(cpu) else { continue };
        if file(cpu, b"cpuinfo_max_freq").is_some() || file(cpu, b"scaling_max_freq").is_some() {
            table.row().label("cpu", number);
            for attribute in &FILES {
                table.count(file(cpu, attribute).as_deref().and_then(hertz));
            }
        }
    }
    let is_empty = table.is_empty();
    table.finish();
    if is_empty {
        return Ok(());
    }
    let mut table = page.table(&GOVERNOR);
    for cpu in names.iter() {
        let Some(number) = number(cpu) else { continue };
        let Some(current) = file(cpu, b"scaling_governor") else { continue };
        let Some(available) = file(cpu, b"scaling_available_governors") else { continue };
        for governor in words(&available) {
            let is_current = Value::from(*governor == *current);
            table.row().label("cpu", number).label("governor", governor).cell(Some(is_current));
        }
    }
    table.finish();
    Ok(())
}

fn number(cpu: &[u8]) -> Option<&[u8]> {
    cpu.strip_prefix(b"cpu").filter(|number| decimal(number).is_some())
}

fn hertz(kilohertz: &[u8]) -> Option<u64> {
    scaled(kilohertz, 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kilohertz() {
        assert_eq!(hertz(b"716000"), Some(716_000_000));
        for odd in [&b""[..], b"<unknown>", b"-1", b"18446744073709551615"] {
            assert_eq!(hertz(odd), None, "{odd:?}");
        }
    }
}
