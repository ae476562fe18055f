//! The wall clock, its zone, and what it ticks by: `/sys/devices/system/clocksource/clocksource0`.
//!
//! The kernel has one clock source device, so that its directory need not be listed. A router
//! without a battery lives in 1970, or the year of its firmware, until NTP answers.

use crate::collectors::Collect;
use crate::format::{Family, Page, Value, gauge};
use crate::machine::timezone;
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::scan::words;

const SECONDS: Family = gauge!("node_time_seconds", "System time in seconds since epoch (1970).");
const ZONE: Family = gauge!("node_time_zone_offset_seconds", "System time zone offset in seconds.");
const AVAILABLE: Family = gauge!(
    "node_time_clocksource_available_info",
    "Available clocksources read from '/sys/devices/system/clocksource'.",
);
const CURRENT: Family =
    gauge!("node_time_clocksource_current_info", "Current clocksource read from '/sys/devices/system/clocksource'.",);

/// The clock.
#[derive(Debug, Default)]
pub struct Time {
    /// The machine's time zone, which is looked for once, as libc does; empty for UTC.
    zone: Option<Vec<u8>>,
}

impl Time {
    /// The collector, which has no options.
    pub fn new(_: &Settings) -> Self {
        Self::default()
    }
}

impl Collect for Time {
    /// Adds the time, the zone's offset and the clock sources.
    ///
    /// # Errors
    /// None: there always is a time.
    fn collect(&mut self, machine: &Machine, page: &mut Page) -> Result<(), Error> {
        let now = machine.now();
        page.single(&SECONDS, Value::decimal(now, 9));
        let seconds = i64::try_from(now / 1_000_000_000).unwrap_or(i64::MAX);
        let zone = self.zone.get_or_insert_with(|| timezone::find(machine).unwrap_or_default());
        let utc = timezone::Offset { name: b"UTC", seconds: 0 };
        let offset = timezone::offset(zone, seconds).unwrap_or(utc);
        page.family(&ZONE).sample(&[("time_zone", offset.name)], i64::from(offset.seconds));
        let source = |name: &'static [u8]| machine.sys_kept(&[b"devices/system/clocksource/clocksource0/", name]);
        if let Some(text) = source(b"available_clocksource") {
            let mut table = page.table(&[AVAILABLE]);
            for name in words(&text) {
                table.row().label("clocksource", name).label("device", b"0").count(Some(1));
            }
            table.finish();
        }
        if let Some(name) = source(b"current_clocksource") {
            page.family(&CURRENT).sample(&[("clocksource", &name), ("device", b"0")], true);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Sorted;

    #[test]
    fn a_machine_without_anything_has_a_time() {
        let mut machine = Machine::default();
        machine.paths.sysfs = "/nowhere";
        machine.paths.rootfs = "/nowhere";
        let (mut page, mut out) = (Page::default(), Sorted::default());
        Time::default().collect(&machine, &mut page).unwrap();
        page.write(&mut out, |name| name != SECONDS.name());
        let out = out.to_vec();
        let zone = out.split(|&byte| byte == b'\n').nth(2).unwrap();
        assert!(zone.starts_with(b"node_time_zone_offset_seconds{time_zone=\""), "{}", String::from_utf8_lossy(&out));
    }
}
