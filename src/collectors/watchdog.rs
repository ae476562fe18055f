//! `/sys/class/watchdog`: the hardware that restarts a machine which no longer answers.
//!
//! The files came with Linux 4.5, `pretimeout` with 4.9; a driver of its own, such as that of Linux
//! 3.4 for Ralink's chips, is not in the class.

use crate::collectors::sysfs_class::Class;
use crate::format::{Page, Value, gauge};
use crate::machine::{Error, Machine};
use crate::text::scan::decimal;

const CLASS: &[u8] = b"class/watchdog/";
const NUMBERS: Class = Class {
    path: CLASS,
    prefix: b"",
    labels: &["name"],
    own_label: "name",
    families: &[
        gauge!("node_watchdog_access_cs0", "Value of /sys/class/watchdog/<watchdog>/access_cs0"),
        gauge!("node_watchdog_bootstatus", "Value of /sys/class/watchdog/<watchdog>/bootstatus"),
        gauge!("node_watchdog_fw_version", "Value of /sys/class/watchdog/<watchdog>/fw_version"),
        gauge!("node_watchdog_nowayout", "Value of /sys/class/watchdog/<watchdog>/nowayout"),
        gauge!("node_watchdog_pretimeout_seconds", "Value of /sys/class/watchdog/<watchdog>/pretimeout"),
        gauge!("node_watchdog_timeleft_seconds", "Value of /sys/class/watchdog/<watchdog>/timeleft"),
        gauge!("node_watchdog_timeout_seconds", "Value of /sys/class/watchdog/<watchdog>/timeout"),
    ],
    files: &["access_cs0", "bootstatus", "fw_version", "nowayout", "pretimeout", "timeleft", "timeout"],
    value: |text| decimal(text).map(Value::from),
};
const INFO: Class = Class {
    labels: &["identity", "name", "options", "pretimeout_governor", "state", "status"],
    families: &[gauge!("node_watchdog_info", "Info of /sys/class/watchdog/<watchdog>")],
    files: &[],
    ..NUMBERS
};

/// Adds a row for each watchdog.
///
/// # Errors
/// If there is no such class.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    NUMBERS.add(machine, page)?;
    INFO.add(machine, page)
}
