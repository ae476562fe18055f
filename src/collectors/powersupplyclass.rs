//! `/sys/class/power_supply`: batteries and mains, as of a small uninterruptible supply on USB.
//!
//! The kernel counts in millionths of amperes, volts and watts, in tenths of degrees Celsius, and in
//! whole numbers otherwise. A supply has some of these files; its directory is listed, so that the
//! numbers that are not there cost nothing.

use crate::filter::Subject;
use crate::format::{Family, Kind, Page, Value, gauge};
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::scan::signed;

/// A file, what the family is called that shows it, and its decimal places.
const NUMBERS: [(&str, &str, u8); 49] = [
    ("authentic", "authentic", 0),
    ("calibrate", "calibrate", 0),
    ("capacity", "capacity", 0),
    ("capacity_alert_max", "capacity_alert_max", 0),
    ("capacity_alert_min", "capacity_alert_min", 0),
    ("charge_control_limit", "charge_control_limit", 6),
    ("charge_control_limit_max", "charge_control_limit_max", 6),
    ("charge_counter", "charge_counter", 6),
    ("charge_empty", "charge_empty", 6),
    ("charge_empty_design", "charge_empty_design", 6),
    ("charge_full", "charge_full", 6),
    ("charge_full_design", "charge_full_design", 6),
    ("charge_now", "charge_ampere", 6),
    ("charge_term_current", "charge_term_current", 6),
    ("constant_charge_current", "constant_charge_current", 6),
    ("constant_charge_current_max", "constant_charge_current_max", 6),
    ("constant_charge_voltage", "constant_charge_voltage", 6),
    ("constant_charge_voltage_max", "constant_charge_voltage_max", 6),
    ("current_boot", "current_boot", 6),
    ("current_max", "current_max", 6),
    ("current_now", "current_ampere", 6),
    ("cycle_count", "cyclecount", 0),
    ("energy_empty", "energy_empty", 6),
    ("energy_empty_design", "energy_empty_design", 6),
    ("energy_full", "energy_full", 6),
    ("energy_full_design", "energy_full_design", 6),
    ("energy_now", "energy_watthour", 6),
    ("input_current_limit", "input_current_limit", 6),
    ("online", "online", 0),
    ("power_now", "power_watt", 6),
    ("precharge_current", "precharge_current", 6),
    ("present", "present", 0),
    ("temp", "temp_celsius", 1),
    ("temp_alert_max", "temp_alert_max_celsius", 1),
    ("temp_alert_min", "temp_alert_min_celsius", 1),
    ("temp_ambient", "temp_ambient_celsius", 1),
    ("temp_ambient_max", "temp_ambient_max_celsius", 1),
    ("temp_ambient_min", "temp_ambient_min_celsius", 1),
    ("temp_max", "temp_max_celsius", 1),
    ("temp_min", "temp_min_celsius", 1),
    ("time_to_empty_now", "time_to_empty_seconds", 0),
    ("time_to_full_now", "time_to_full_seconds", 0),
    ("voltage_boot", "voltage_boot", 6),
    ("voltage_max", "voltage_max", 6),
    ("voltage_max_design", "voltage_max_design", 6),
    ("voltage_min", "voltage_min", 6),
    ("voltage_min_design", "voltage_min_design", 6),
    ("voltage_now", "voltage_volt", 6),
    ("voltage_ocv", "voltage_ocv", 6),
];
const INFO: [Family; 1] = [gauge!("node_power_supply_info", "info of /sys/class/power_supply/<power_supply>.")];
/// The labels, which but for the supply's name are files.
const LABELS: [&str; 12] = [
    "capacity_level",
    "charge_type",
    "health",
    "manufacturer",
    "model_name",
    SUPPLY,
    "scope",
    "serial_number",
    "status",
    "technology",
    "type",
    "usb_type",
];
const CLASS: &[u8] = b"class/power_supply/";
const SUPPLY: &str = "power_supply";

/// Adds a family for each file that a supply has, and what the supplies are.
///
/// # Errors
/// If there is no such class.
pub fn collect(settings: &Settings, machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let wanted = settings.filters.of(Subject::PowerSupply);
    let names = machine.sys_names(&[CLASS])?;
    let supplies = || names.iter().filter(|name| wanted.allows(name));
    let read = |supply: &[u8], file: &[u8]| machine.sys(&[CLASS, supply, b"/", file]);
    // In the order of their names, as a family has them.
    let mut last: &[u8] = b"";
    while let Some(supply) = supplies().filter(|name| *name > last).min() {
        last = supply;
        let Ok(files) = machine.sys_names(&[CLASS, supply]) else { continue };
        for file in files.iter() {
            let Some((_, name, places)) = NUMBERS.iter().find(|(known, ..)| known.as_bytes() == file) else {
                continue;
            };
            let Some(number) = read(supply, file).as_deref().and_then(signed) else { continue };
            let help = [name.as_bytes(), b" value of /sys/class/power_supply/<power_supply>."];
            page.named_family(&[b"node_power_supply_", name.as_bytes()], &help, Kind::Gauge)
                .sample(&[(SUPPLY, supply)], Value::decimal(number, *places));
        }
    }
    let mut table = page.table(&INFO);
    for supply in supplies() {
        table.row();
        for label in &LABELS {
            if *label == SUPPLY {
                table.label(label, supply);
            } else if let Some(text) = read(supply, label.as_bytes())
                && !text.is_empty()
            {
                // What the supply does not report has no label.
                table.label(label, &text);
            }
        }
        table.count(Some(1));
    }
    table.finish();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        assert!(NUMBERS.is_sorted_by(|one, other| one.0 < other.0));
        assert!(LABELS.is_sorted());
    }
}
