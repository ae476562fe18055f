//! `/sys/class/thermal`: the temperatures of the chips, and the fans and throttles that cool them.
//!
//! A zone whose sensor sleeps answers with an error and is left out. Linux 3.4 on MIPS has no such
//! class at all, which is no fault.

use crate::host::{Error, Host};
use crate::page::{Family, Page, Value, gauge};
use crate::scan::signed;

const ZONES: [Family; 1] = [gauge("node_thermal_zone_temp", "Zone temperature in Celsius")];
const COOLING: [Family; 2] = [
    gauge("node_cooling_device_cur_state", "Current throttle state of the cooling device"),
    gauge("node_cooling_device_max_state", "Maximum throttle state of the cooling device"),
];
/// In the order of the families.
const STATES: [&[u8]; 2] = [b"cur_state", b"max_state"];
const CLASS: &[u8] = b"class/thermal/";

/// Adds a row for each zone, and for each device that cools.
///
/// # Errors
/// None: a machine without them tells nothing.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let Ok(names) = host.sys_names(&[CLASS]) else { return Ok(()) };
    let attribute = |name: &[u8], file: &[u8]| host.sys(&[CLASS, name, b"/", file]);
    let mut table = page.table(&ZONES);
    for zone in names.iter() {
        if let Some(number) = zone.strip_prefix(b"thermal_zone")
            && let Some(kind) = attribute(zone, b"type")
        {
            let temperature = attribute(zone, b"temp").as_deref().and_then(celsius);
            table.begin_row().label("type", &kind).label("zone", number).cell(temperature);
        }
    }
    table.finish();
    let mut table = page.table(&COOLING);
    for device in names.iter() {
        if let Some(number) = device.strip_prefix(b"cooling_device")
            && let Some(kind) = attribute(device, b"type")
        {
            table.begin_row().label("name", number).label("type", &kind);
            for file in &STATES {
                table.cell(attribute(device, file).as_deref().and_then(signed).map(Value::from));
            }
        }
    }
    table.finish();
    Ok(())
}

/// The kernel counts in thousandths of a degree Celsius.
fn celsius(text: &[u8]) -> Option<Value> {
    Some(Value::decimal(signed(text)?, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperatures() {
        assert_eq!(celsius(b"52500"), Some(Value::decimal(52_500_i64, 3)));
        assert_eq!(celsius(b"-5000"), Some(Value::decimal(-5_000_i64, 3)));
        for odd in [&b""[..], b"52.5", b"hot", b"\xff"] {
            assert_eq!(celsius(odd), None, "{odd:?}");
        }
    }
}
