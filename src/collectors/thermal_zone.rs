//! `/sys/class/thermal`: the temperatures of the chips, and the fans and throttles that cool them.
//!
//! A zone whose sensor sleeps answers with an error and is left out. Linux 3.4 on MIPS has no such
//! class at all, which is no fault.

use crate::collectors::sysfs_class::Class;
use crate::format::{Page, Value, gauge};
use crate::machine::{Error, Machine};
use crate::text::scan::signed;

const ZONES: Class = Class {
    path: b"class/thermal/",
    prefix: b"thermal_zone",
    labels: &["type", "zone"],
    own_label: "zone",
    families: &[gauge!("node_thermal_zone_temp", "Zone temperature in Celsius")],
    files: &["temp"],
    value: celsius,
};
const COOLING: Class = Class {
    prefix: b"cooling_device",
    labels: &["name", "type"],
    own_label: "name",
    families: &[
        gauge!("node_cooling_device_cur_state", "Current throttle state of the cooling device"),
        gauge!("node_cooling_device_max_state", "Maximum throttle state of the cooling device"),
    ],
    files: &["cur_state", "max_state"],
    value: |text| signed(text).map(Value::from),
    ..ZONES
};

/// Adds a row for each zone, and for each device that cools.
///
/// # Errors
/// None: a machine without them reports nothing.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let _ = ZONES.add(machine, page).and_then(|()| COOLING.add(machine, page));
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
