//! `/sys/class/watchdog`: the hardware that restarts a machine which no longer answers.
//!
//! The files came with Linux 4.5, `pretimeout` with 4.9; a driver of its own, such as that of Linux
//! 3.4 for Ralink's chips, is not in the class.

use crate::host::{Error, Host};
use crate::page::{Family, Page, gauge};

const FAMILIES: [Family; 7] = [
    gauge("node_watchdog_access_cs0", "Value of /sys/class/watchdog/<watchdog>/access_cs0"),
    gauge("node_watchdog_bootstatus", "Value of /sys/class/watchdog/<watchdog>/bootstatus"),
    gauge("node_watchdog_fw_version", "Value of /sys/class/watchdog/<watchdog>/fw_version"),
    gauge("node_watchdog_nowayout", "Value of /sys/class/watchdog/<watchdog>/nowayout"),
    gauge("node_watchdog_pretimeout_seconds", "Value of /sys/class/watchdog/<watchdog>/pretimeout"),
    gauge("node_watchdog_timeleft_seconds", "Value of /sys/class/watchdog/<watchdog>/timeleft"),
    gauge("node_watchdog_timeout_seconds", "Value of /sys/class/watchdog/<watchdog>/timeout"),
];
/// In the order of the families.
const FILES: [&[u8]; 7] =
    [b"access_cs0", b"bootstatus", b"fw_version", b"nowayout", b"pretimeout", b"timeleft", b"timeout"];
const INFO: [Family; 1] = [gauge("node_watchdog_info", "Info of /sys/class/watchdog/<watchdog>")];
/// The labels, which but for the name are files.
const LABELS: [&str; 6] = ["identity", "name", "options", "pretimeout_governor", "state", "status"];
const CLASS: &[u8] = b"class/watchdog/";

/// Adds a row for each watchdog.
///
/// # Errors
/// If there is no such class.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let names = host.sys_names(&[CLASS])?;
    let mut table = page.table(&FAMILIES);
    for name in names.iter() {
        table.begin_row().label("name", name);
        for file in &FILES {
            table.count(host.sys_decimal(&[CLASS, name, b"/", file]));
        }
    }
    table.finish();
    let mut table = page.table(&INFO);
    for name in names.iter() {
        table.begin_row();
        for label in &LABELS {
            match *label {
                "name" => table.label(label, name),
                file => {
                    let text = host.sys(&[CLASS, name, b"/", file.as_bytes()]);
                    table.label(label, text.as_deref().unwrap_or_default())
                }
            };
        }
        table.count(Some(1));
    }
    table.finish();
    Ok(())
}
