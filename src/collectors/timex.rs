//! `adjtimex(2)`: how NTP steers the kernel's clock, and how far off it may be.
//!
//! STA_NANO in the status says whether offset and jitter are in nanoseconds or microseconds;
//! frequencies are in 2^-16 parts per million. Where nothing steers the clock, the errors grow up to
//! 16 seconds, and `node_timex_sync_status` is 0.

use rustix::io::Errno;

use crate::format::{Family, Page, Value, counter, gauge};
use crate::machine::{Error, Machine};
use crate::process::syscalls;

const FAMILIES: [(Unit, Family); 17] = [
    (Unit::Microsecond, gauge!("node_timex_estimated_error_seconds", "Estimated error in seconds.")),
    (Unit::PartAhead, gauge!("node_timex_frequency_adjustment_ratio", "Local clock frequency adjustment.")),
    (Unit::One, gauge!("node_timex_loop_time_constant", "Phase-locked loop time constant.")),
    (Unit::Microsecond, gauge!("node_timex_maxerror_seconds", "Maximum error in seconds.")),
    (Unit::Fine, gauge!("node_timex_offset_seconds", "Time offset in between local system and reference clock.")),
    (Unit::One, counter!("node_timex_pps_calibration_total", "Pulse per second count of calibration intervals.")),
    (Unit::One, counter!("node_timex_pps_error_total", "Pulse per second count of calibration errors.")),
    (Unit::Part, gauge!("node_timex_pps_frequency_hertz", "Pulse per second frequency.")),
    (Unit::Fine, gauge!("node_timex_pps_jitter_seconds", "Pulse per second jitter.")),
    (Unit::One, counter!("node_timex_pps_jitter_total", "Pulse per second count of jitter limit exceeded events.")),
    (Unit::One, gauge!("node_timex_pps_shift_seconds", "Pulse per second interval duration.")),
    (
        Unit::One,
        counter!(
            "node_timex_pps_stability_exceeded_total",
            "Pulse per second count of stability limit exceeded events."
        ),
    ),
    (
        Unit::Part,
        gauge!("node_timex_pps_stability_hertz", "Pulse per second stability, average of recent frequency changes."),
    ),
    (Unit::One, gauge!("node_timex_status", "Value of the status array bits.")),
    (Unit::One, gauge!("node_timex_sync_status", "Is clock synchronized to a reliable server (1 = yes, 0 = no).")),
    (Unit::One, gauge!("node_timex_tai_offset_seconds", "International Atomic Time (TAI) offset.")),
    (Unit::Microsecond, gauge!("node_timex_tick_seconds", "Seconds between clock ticks.")),
];

/// What a figure counts.
#[derive(Clone, Copy, Debug)]
enum Unit {
    /// Whole things, or nothing at all.
    One,
    Microsecond,
    /// Microseconds or nanoseconds, by the status.
    Fine,
    /// 2^-16 parts per million.
    Part,
    /// The same, more than 1.
    PartAhead,
}

/// The state of a clock that nothing steers.
const TIME_ERROR: libc::c_int = 5;
/// The bit of the status that says that figures are in nanoseconds.
const STA_NANO: libc::c_int = 0x2000;

/// Adds what the kernel reports about its clock.
///
/// # Errors
/// If it does not report.
pub fn collect(_host: &Machine, page: &mut Page) -> Result<(), Error> {
    let (clock, state) = syscalls::clock().map_err(|errno| match errno {
        Errno::PERM | Errno::NOSYS => Error::Absent,
        errno => Error::unreadable(b"adjtimex", errno),
    })?;
    for ((unit, family), figure) in FAMILIES.iter().zip(&figures(&clock, state)) {
        page.single(family, value(*unit, long(*figure), clock.status));
    }
    Ok(())
}

/// A figure in its unit.
fn value(unit: Unit, figure: i64, status: libc::c_int) -> Value {
    match unit {
        Unit::One => figure.into(),
        Unit::Fine if status & STA_NANO != 0 => Value::decimal(figure, 9),
        Unit::Fine | Unit::Microsecond => Value::decimal(figure, 6),
        Unit::Part => ratio(0, figure),
        Unit::PartAhead => ratio(1, figure),
    }
}

/// The figures of the families.
fn figures(clock: &libc::timex, state: libc::c_int) -> [libc::c_long; 17] {
    [
        clock.esterror,
        clock.freq,
        clock.constant,
        clock.maxerror,
        clock.offset,
        clock.calcnt,
        clock.errcnt,
        clock.ppsfreq,
        clock.jitter,
        clock.jitcnt,
        clock.shift.into(),
        clock.stbcnt,
        clock.stabil,
        clock.status.into(),
        (state != TIME_ERROR).into(),
        clock.tai.into(),
        clock.tick,
    ]
}

/// A number that has 32 bits on the routers where `long` has.
fn long(number: impl Into<i64>) -> i64 {
    number.into()
}

/// `whole` and `parts` of 2^-16 parts per million, to the last digit that a 64-bit float can hold.
fn ratio(whole: i64, parts: i64) -> Value {
    const PLACES: u8 = 17;
    const ONE: i64 = 10_i64.pow(PLACES as u32);
    // ONE / (65536 × 10^6) is 1525878.90625, so that hundred thousandths of it make it whole; the
    // kernel allows ±500 parts per million, which fits.
    let scaled = parts.wrapping_mul(152_587_890_625) / 100_000;
    Value::decimal(scaled.wrapping_add(whole.wrapping_mul(ONE)), PLACES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Sorted;

    fn text(value: Value) -> String {
        let mut page = Page::default();
        page.single(&gauge!("a", "A."), value);
        let mut out = Sorted::default();
        page.write(&mut out, |_| true);
        String::from_utf8(out.to_vec()).unwrap().lines().last().unwrap().trim_start_matches("a ").into()
    }

    fn clock() -> libc::timex {
        syscalls::clock().unwrap().0
    }

    #[test]
    fn ratios_are_what_floats_are() {
        for parts in [0_i64, 1, -1, 65_536, -65_536, 2_097_152, 32_768_000, -32_768_000, 1_234_567] {
            let float = 1.0 + parts as f64 / 65_536_000_000.0;
            let ours: f64 = text(ratio(1, parts)).parse().unwrap();
            assert!((ours - float).abs() <= f64::EPSILON, "{parts}: {ours} {float}");
        }
        assert_eq!(text(ratio(1, 65_536)), "1.000001");
        assert_eq!(text(ratio(0, -65_536)), "-0.000001");
    }

    #[test]
    fn the_status_says_the_unit() {
        assert_eq!(text(value(Unit::Fine, -1500, 0)), "-0.0015");
        assert_eq!(text(value(Unit::Fine, -1500, STA_NANO | 1)), "-0.0000015");
        assert_eq!(text(value(Unit::Microsecond, 2, STA_NANO)), "0.000002");
        assert_eq!(text(value(Unit::One, 8193, STA_NANO)), "8193");
    }

    #[test]
    fn figures_are_those_of_the_families() {
        let mut clock = clock();
        (clock.offset, clock.jitter, clock.status) = (-1500, 2, 64);
        let figure = |name: &str, state| {
            let at = FAMILIES.iter().position(|(_, family)| family.name() == name.as_bytes()).unwrap();
            figures(&clock, state)[at]
        };
        assert_eq!(figure("node_timex_offset_seconds", 0), -1500);
        assert_eq!(figure("node_timex_pps_jitter_seconds", 0), 2);
        assert_eq!(figure("node_timex_status", 0), 64);
        assert_eq!([0, TIME_ERROR].map(|state| figure("node_timex_sync_status", state)), [1, 0]);
    }

    #[test]
    fn this_machine() {
        let clock = clock();
        // 100 Hz of user space, within the tenth that the kernel lets it be adjusted.
        assert!((9_000..=11_000).contains(&clock.tick), "{}", clock.tick);
        assert!((0..=16_000_000).contains(&clock.maxerror), "{}", clock.maxerror);
    }
}
