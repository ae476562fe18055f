//! `adjtimex(2)`: how NTP steers the kernel's clock, and how far off it may be.
//!
//! STA_NANO in the status says whether offset and jitter are in nanoseconds or microseconds;
//! frequencies are in 2^-16 parts per million. Where nothing steers the clock, the errors grow up to
//! 16 seconds, and `node_timex_sync_status` is 0.

use rustix::io::Errno;

use crate::host::{Error, Host};
use crate::page::{Family, Page, Value, counter, gauge};
use crate::system;

const FAMILIES: [Family; 17] = [
    gauge("node_timex_estimated_error_seconds", "Estimated error in seconds."),
    gauge("node_timex_frequency_adjustment_ratio", "Local clock frequency adjustment."),
    gauge("node_timex_loop_time_constant", "Phase-locked loop time constant."),
    gauge("node_timex_maxerror_seconds", "Maximum error in seconds."),
    gauge("node_timex_offset_seconds", "Time offset in between local system and reference clock."),
    counter("node_timex_pps_calibration_total", "Pulse per second count of calibration intervals."),
    counter("node_timex_pps_error_total", "Pulse per second count of calibration errors."),
    gauge("node_timex_pps_frequency_hertz", "Pulse per second frequency."),
    gauge("node_timex_pps_jitter_seconds", "Pulse per second jitter."),
    counter("node_timex_pps_jitter_total", "Pulse per second count of jitter limit exceeded events."),
    gauge("node_timex_pps_shift_seconds", "Pulse per second interval duration."),
    counter("node_timex_pps_stability_exceeded_total", "Pulse per second count of stability limit exceeded events."),
    gauge("node_timex_pps_stability_hertz", "Pulse per second stability, average of recent frequency changes."),
    gauge("node_timex_status", "Value of the status array bits."),
    gauge("node_timex_sync_status", "Is clock synchronized to a reliable server (1 = yes, 0 = no)."),
    gauge("node_timex_tai_offset_seconds", "International Atomic Time (TAI) offset."),
    gauge("node_timex_tick_seconds", "Seconds between clock ticks."),
];

/// The state of a clock that nothing steers.
const TIME_ERROR: libc::c_int = 5;
/// The bit of the status that says that figures are in nanoseconds.
const STA_NANO: libc::c_int = 0x2000;

/// Adds what the kernel tells of its clock.
///
/// # Errors
/// If it does not tell.
pub fn collect(_host: &Host, page: &mut Page) -> Result<(), Error> {
    let (clock, state) = system::clock().map_err(|errno| match errno {
        Errno::PERM | Errno::NOSYS => Error::Absent,
        errno => Error::unreadable(b"adjtimex", errno),
    })?;
    for (family, value) in FAMILIES.iter().zip(values(&clock, state)) {
        page.single(family, value);
    }
    Ok(())
}

/// The values of the families.
fn values(clock: &libc::timex, state: libc::c_int) -> [Value; 17] {
    let count = |number: libc::c_long| Value::from(long(number));
    let fine = if clock.status & STA_NANO == 0 { 6 } else { 9 };
    [
        Value::decimal(long(clock.esterror), 6),
        ratio(1, long(clock.freq)),
        count(clock.constant),
        Value::decimal(long(clock.maxerror), 6),
        Value::decimal(long(clock.offset), fine),
        count(clock.calcnt),
        count(clock.errcnt),
        ratio(0, long(clock.ppsfreq)),
        Value::decimal(long(clock.jitter), fine),
        count(clock.jitcnt),
        i64::from(clock.shift).into(),
        count(clock.stbcnt),
        ratio(0, long(clock.stabil)),
        i64::from(clock.status).into(),
        (state != TIME_ERROR).into(),
        i64::from(clock.tai).into(),
        Value::decimal(long(clock.tick), 6),
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
    let scaled = parts.checked_mul(152_587_890_625).unwrap_or_default() / 100_000;
    let sum = scaled.saturating_add(whole.saturating_mul(ONE));
    Value::decimal(sum, PLACES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Sorted;

    fn text(value: Value) -> String {
        let mut page = Page::default();
        page.single(&gauge("a", "A."), value);
        let mut out = Sorted::default();
        page.write(&mut out, |_| true);
        String::from_utf8(out.to_vec()).unwrap().lines().last().unwrap().trim_start_matches("a ").into()
    }

    fn clock() -> libc::timex {
        system::clock().unwrap().0
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
        assert_eq!(text(ratio(1, i64::MAX)), "1");
    }

    #[test]
    fn the_status_says_the_unit() {
        let mut clock = clock();
        (clock.offset, clock.jitter, clock.status) = (-1500, 2, 0);
        assert_eq!(text(values(&clock, 0)[4]), "-0.0015");
        clock.status = STA_NANO | 1;
        assert_eq!(text(values(&clock, 0)[4]), "-0.0000015");
        assert_eq!(text(values(&clock, 0)[8]), "0.000000002");
        assert_eq!(text(values(&clock, 0)[13]), "8193");
        assert_eq!(["1", "0"], [0, TIME_ERROR].map(|state| text(values(&clock, state)[14])));
    }

    #[test]
    fn this_machine() {
        let clock = clock();
        // 100 Hz of user space, within the tenth that the kernel lets it be adjusted.
        assert!((9_000..=11_000).contains(&clock.tick), "{}", clock.tick);
        assert!((0..=16_000_000).contains(&clock.maxerror), "{}", clock.maxerror);
    }
}
