//! Time zones as POSIX writes them: `CET-1CEST,M3.5.0,M10.5.0/3`.
//!
//! That is what routers hold in `/etc/TZ`, and what stands at the end of the files of the time zone
//! database, so that the tables before it, and a library that reads them, are not needed.

use super::Machine;
use crate::text::scan::{decimal, split_once};

const DAY: i32 = 86400;
/// What POSIX leaves open and everyone takes from the law of the United States.
const USUAL_RULES: &[u8] = b"M3.2.0,M11.1.0";

/// A time zone's name and how many seconds its clocks are ahead of UTC.
#[derive(Debug, PartialEq, Eq)]
pub struct Offset<'z> {
    /// Such as `CET`.
    pub name: &'z [u8],
    /// East of Greenwich is positive.
    pub seconds: i32,
}

/// The machine's time zone: that of the variable TZ, which the kernel shows in a file, else that of `/etc/TZ`,
/// where uClibc and OpenWrt have it, else that of `/etc/localtime`.
pub fn find(machine: &Machine) -> Option<Vec<u8>> {
    let database = |path: &[&[u8]]| Some(of_database(&machine.file(path).ok()?)?.to_vec());
    let environment = machine.own("self/environ").ok();
    let mut variables = environment.iter().flat_map(|text| text.split(|&byte| byte == 0));
    match variables.find_map(|variable| variable.strip_prefix(b"TZ=")) {
        Some(value) => {
            let value = value.strip_prefix(b":").unwrap_or(value);
            if offset(value, 0).is_some() {
                return Some(value.to_vec());
            }
            database(&[if value.starts_with(b"/") { b"" } else { b"usr/share/zoneinfo/" }, value])
        }
        None => match machine.file(&[b"etc/TZ"]) {
            Ok(text) => Some(text.trim_ascii().to_vec()),
            Err(_) => database(&[b"etc/localtime"]),
        },
    }
}

/// The name and the offset that `zone` has at `now`, seconds since 1970; `None` if it is no zone.
pub fn offset(zone: &[u8], now: i64) -> Option<Offset<'_>> {
    let (name, rest) = name(zone)?;
    let (west, rest) = time(rest)?;
    let standard = Offset { name, seconds: west.wrapping_neg() };
    if rest.is_empty() {
        return Some(standard);
    }
    let (name, rest) = self::name(rest)?;
    let (seconds, rest) = match time(rest) {
        Some((west, rest)) => (west.wrapping_neg(), rest),
        None => (standard.seconds.wrapping_add(3600), rest),
    };
    let summer = Offset { name, seconds };
    let rules = if rest.is_empty() { USUAL_RULES } else { rest.strip_prefix(b",")? };
    let (begin, end) = split_once(rules, b',')?;
    // The seconds of this year by standard time.
    let now = now.checked_add(standard.seconds.into())?;
    let day = i32::try_from(now.div_euclid(DAY.into())).ok()?;
    let year = year(day)?;
    let second = i32::try_from(now.rem_euclid(DAY.into())).ok()?;
    let second = day.wrapping_sub(month_start(year, 1)?).wrapping_mul(DAY).wrapping_add(second);
    let begin = change(begin, year)?;
    let end = change(end, year)?.wrapping_sub(summer.seconds).wrapping_add(standard.seconds);
    // South of the equator the year begins in summer.
    let is_summer = if begin < end { begin <= second && second < end } else { begin <= second || second < end };
    Some(if is_summer { summer } else { standard })
}

/// The zone at the end of a file of the time zone database: its last line, since the format's
/// second version.
pub fn of_database(file: &[u8]) -> Option<&[u8]> {
    let text = file.strip_prefix(b"TZif").filter(|rest| rest.first() >= Some(&b'2'))?.strip_suffix(b"\n")?;
    text.rsplit(|&byte| byte == b'\n').next()
}

/// When the day begins, in seconds since 1970; `None` if the calendar does not have it.
pub fn midnight(year: i32, month: i32, day: i32) -> Option<i64> {
    let start = month_start(year, month)?;
    let next = month_start(year, month.wrapping_add(1))?;
    let day = start.wrapping_add(day).wrapping_sub(1);
    (start <= day && day < next).then(|| i64::from(day).wrapping_mul(DAY.into()))
}

/// The day on which a month begins, counted from 1970-01-01; the 13th begins the next year.
fn month_start(year: i32, month: i32) -> Option<i32> {
    /// Days of a year that is no leap year before each month.
    const BEFORE: [i32; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
    if !(1..=99_999).contains(&year) {
        return None;
    }
    let before = BEFORE.get(usize::try_from(month.wrapping_sub(1)).ok()?)?;
    // A leap day counts from March on.
    let years = if month > 2 { year } else { year.wrapping_sub(1) };
    let leap_days = (years / 4).wrapping_sub(years / 100).wrapping_add(years / 400);
    Some(year.wrapping_mul(365).wrapping_add(leap_days).wrapping_add(*before).wrapping_sub(719_527))
}

/// The year of a day, counted from 1970-01-01.
fn year(day: i32) -> Option<i32> {
    // No year is shorter than 365 days, so that this is never too early.
    let mut year = day.div_euclid(365).wrapping_add(1970);
    while month_start(year, 1)? > day {
        year = year.wrapping_sub(1);
    }
    Some(year)
}

/// The zone's name at the beginning of `text`, and what follows: letters, or anything in `<>`.
fn name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = match text.strip_prefix(b"<") {
        Some(rest) => split_once(rest, b'>')?,
        None => text.split_at_checked(text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count())?,
    };
    (name.len() >= 3).then_some((name, rest))
}

/// The seconds of `[+-]hh[:mm[:ss]]` at the beginning of `text`, and what follows.
fn time(text: &[u8]) -> Option<(i32, &[u8])> {
    let (is_negative, mut rest) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix(b"+").unwrap_or(text)),
    };
    let mut seconds = 0_i32;
    for (unit, most) in &[(3600, 167), (60, 59), (1, 59)] {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, after) = rest.split_at_checked(digits)?;
        seconds = seconds.wrapping_add(number(digits, 0, *most)?.wrapping_mul(*unit));
        rest = after;
        match rest.strip_prefix(b":") {
            Some(after) if *unit > 1 => rest = after,
            _ => break,
        }
    }
    Some((if is_negative { seconds.wrapping_neg() } else { seconds }, rest))
}

/// A number that is not out of its range.
fn number(text: &[u8], least: i32, most: i32) -> Option<i32> {
    i32::try_from(decimal(text)?).ok().filter(|number| least <= *number && *number <= most)
}

/// When a rule such as `M3.5.0/2`, `J60` or `59` says that clocks change, in seconds of the year by
/// the time until then.
fn change(rule: &[u8], year: i32) -> Option<i32> {
    let (day, time) = match split_once(rule, b'/') {
        Some((day, text)) => (day, time(text).filter(|(_, rest)| rest.is_empty())?.0),
        None => (rule, 7200),
    };
    let new_year = month_start(year, 1)?;
    let day = if let Some(rule) = day.strip_prefix(b"M") {
        let (month, rest) = split_once(rule, b'.')?;
        let (week, weekday) = split_once(rest, b'.')?;
        let month = number(month, 1, 12)?;
        let start = month_start(year, month)?;
        // 1970-01-01 was a Thursday.
        let wait = number(weekday, 0, 6)?.wrapping_sub(start).wrapping_sub(4).rem_euclid(7);
        let weeks = number(week, 1, 5)?.wrapping_sub(1);
        let mut day = start.wrapping_add(wait).wrapping_add(weeks.wrapping_mul(7));
        // The fifth week is the last one that the month has.
        if day >= month_start(year, month.wrapping_add(1))? {
            day = day.wrapping_sub(7);
        }
        day.wrapping_sub(new_year)
    } else if let Some(day) = day.strip_prefix(b"J") {
        // Counted from 1, and 29 February is not counted.
        let day = number(day, 1, 365)?;
        let is_leap = month_start(year, 3)?.wrapping_sub(new_year) == 60;
        if is_leap && day > 59 { day } else { day.wrapping_sub(1) }
    } else {
        number(day, 0, 365)?
    };
    Some(day.wrapping_mul(DAY).wrapping_add(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(zone: &str, now: i64) -> (&[u8], i32) {
        let Offset { name, seconds } = offset(zone.as_bytes(), now).unwrap();
        (name, seconds)
    }

    #[test]
    fn zones_without_summer() {
        assert_eq!(at("UTC0", 0), (&b"UTC"[..], 0));
        assert_eq!(at("<+0545>-5:45", 1_800_000_000), (&b"+0545"[..], 20_700));
        assert_eq!(at("EST5", 0), (&b"EST"[..], -18_000));
        assert_eq!(at("MSK-3", 0), (&b"MSK"[..], 10_800));
    }

    #[test]
    fn summer_begins_and_ends() {
        let berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
        // 2026-03-29 and 2026-10-25, both at 01:00 UTC.
        assert_eq!(at(berlin, 1_774_745_999), (&b"CET"[..], 3600));
        assert_eq!(at(berlin, 1_774_746_000), (&b"CEST"[..], 7200));
        assert_eq!(at(berlin, 1_792_889_999), (&b"CEST"[..], 7200));
        assert_eq!(at(berlin, 1_792_890_000), (&b"CET"[..], 3600));
        // 2026-03-08 and 2026-11-01 by the rules that are implied.
        for new_york in ["EST5EDT", "EST5EDT,M3.2.0,M11.1.0"] {
            assert_eq!(at(new_york, 1_772_953_199).1, -18_000);
            assert_eq!(at(new_york, 1_772_953_200).1, -14_400);
            assert_eq!(at(new_york, 1_793_512_799).1, -14_400);
            assert_eq!(at(new_york, 1_793_512_800).1, -18_000);
        }
        // South of the equator: 2026-04-05 and 2026-10-04 at 16:00 UTC the day before.
        let sydney = "AEST-10AEDT,M10.1.0,M4.1.0/3";
        assert_eq!(at(sydney, 1_767_225_600), (&b"AEDT"[..], 39_600));
        assert_eq!(at(sydney, 1_775_318_399).1, 39_600);
        assert_eq!(at(sydney, 1_775_318_400).1, 36_000);
        assert_eq!(at(sydney, 1_791_043_199).1, 36_000);
        assert_eq!(at(sydney, 1_791_043_200).1, 39_600);
    }

    #[test]
    fn days_of_the_year() {
        // 2024-03-01 is day 60 of those without a leap day, and day 60 counted from 0.
        for (rules, begin) in
            [("J60/0,J300", 1_709_251_200), ("60/0,J300", 1_709_251_200), ("59/0,J300", 1_709_164_800)]
        {
            let zone = format!("AAA0BBB,{rules}");
            assert_eq!(at(&zone, begin - 1).0, b"AAA", "{zone}");
            assert_eq!(at(&zone, begin).0, b"BBB", "{zone}");
        }
    }

    #[test]
    fn the_calendar() {
        assert_eq!(midnight(1970, 1, 1), Some(0));
        assert_eq!(midnight(2000, 2, 29), Some(951_782_400));
        assert_eq!(midnight(2100, 2, 29), None);
        assert_eq!(midnight(2026, 12, 31), Some(1_798_675_200));
        assert_eq!(midnight(2026, 4, 31), None);
        assert_eq!(midnight(2026, 1, 0), None);
        for (day, expected) in [(0, 1970), (-1, 1969), (20_818, 2026), (20_819, 2027), (2_932_896, 9999)] {
            assert_eq!(year(day), Some(expected), "{day}");
        }
        assert_eq!(year(i32::MAX), None);
    }

    #[test]
    fn odd() {
        for zone in [
            "",
            "UTC",
            "Europe/Berlin",
            "CE-1",
            "<+01-1",
            "CET-1CEST,",
            "CET-1CEST,M3.5.0",
            "CET-1CEST,M3.6.0,M10.5.0",
            "CET-1CEST,M13.1.0,M10.5.0",
            "CET-1CEST,M3.5.0,M10.5.0/3x",
            "CET-1CEST;M3.5.0,M10.5.0",
            "CET-999",
            "CET-1:60",
        ] {
            assert_eq!(offset(zone.as_bytes(), 1_800_000_000), None, "{zone}");
        }
        assert_eq!(offset(b"CET-1CEST", i64::MAX), None);
    }

    #[test]
    fn the_end_of_a_database_file() {
        assert_eq!(
            of_database(b"TZif2\0\0tables\nTZif2\0tables\nCET-1CEST,M3.5.0,M10.5.0/3\n"),
            Some(&b"CET-1CEST,M3.5.0,M10.5.0/3"[..])
        );
        for odd in [&b""[..], b"TZif\0\0tables\n", b"TZif2 cut", b"CET-1\n"] {
            assert_eq!(of_database(odd), None, "{odd:?}");
        }
    }
}
