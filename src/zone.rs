//! Time zones as POSIX writes them: `CET-1CEST,M3.5.0,M10.5.0/3`.
//!
//! That is what routers hold in `/etc/TZ`, and what stands at the end of the files of the time zone
//! database, so that the tables before it, and a library that reads them, are not needed.

use crate::scan::{decimal, split_once};

const DAY: i64 = 86400;
/// What POSIX leaves open and everyone takes from the law of the United States.
const USUAL_RULES: &[u8] = b"M3.2.0,M11.1.0";

/// A time zone's name and how many seconds its clocks are ahead of UTC.
#[derive(Debug, PartialEq, Eq)]
pub struct Offset<'z> {
    /// Such as `CET`.
    pub name: &'z [u8],
    /// East of Greenwich is positive.
    pub seconds: i64,
}

/// The name and the offset that `zone` has at `now`, seconds since 1970; `None` if it is no zone.
pub fn offset(zone: &[u8], now: i64) -> Option<Offset<'_>> {
    let (name, rest) = name(zone)?;
    let (west, rest) = time(rest)?;
    let standard = Offset { name, seconds: west.checked_neg()? };
    if rest.is_empty() {
        return Some(standard);
    }
    let (name, rest) = self::name(rest)?;
    let (seconds, rest) = match time(rest) {
        Some((west, rest)) => (west.checked_neg()?, rest),
        None => (standard.seconds.checked_add(3600)?, rest),
    };
    let summer = Offset { name, seconds };
    let rules = if rest.is_empty() { USUAL_RULES } else { rest.strip_prefix(b",")? };
    let (begin, end) = split_once(rules, b',')?;
    let year = year(now.checked_add(standard.seconds)?)?;
    let begin = change(begin, year)?.checked_sub(standard.seconds)?;
    let end = change(end, year)?.checked_sub(summer.seconds)?;
    // South of the equator the year begins in summer.
    let is_summer = if begin < end { (begin..end).contains(&now) } else { !(end..begin).contains(&now) };
    Some(if is_summer { summer } else { standard })
}

/// The zone at the end of a file of the time zone database: its last line, since the format's
/// second version.
pub fn of_database(file: &[u8]) -> Option<&[u8]> {
    let text = file.strip_prefix(b"TZif").filter(|rest| rest.first() >= Some(&b'2'))?.strip_suffix(b"\n")?;
    text.rsplit(|&byte| byte == b'\n').next()
}

/// When the day begins, in seconds since 1970; `None` if the calendar does not have it.
pub fn midnight(year: i64, month: i64, day: i64) -> Option<i64> {
    let next =
        if month == 12 { month_start(year.checked_add(1)?, 1) } else { month_start(year, month.checked_add(1)?) }?;
    let start = month_start(year, month)?;
    let days = start.checked_add(day.checked_sub(1)?)?;
    (start..next).contains(&days).then(|| days.checked_mul(DAY))?
}

/// The day on which a month begins, counted from 1970-01-01.
fn month_start(year: i64, month: i64) -> Option<i64> {
    /// Days of a year that is no leap year before each month.
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    if !(1..=99_999).contains(&year) {
        return None;
    }
    let before = BEFORE.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    // A leap day counts from March on.
    let years = if month > 2 { year } else { year.checked_sub(1)? };
    let leap_days = (years / 4).checked_sub(years / 100)?.checked_add(years / 400)?;
    year.checked_mul(365)?.checked_add(leap_days)?.checked_add(*before)?.checked_sub(719_527)
}

/// The year at `seconds` since 1970.
fn year(seconds: i64) -> Option<i64> {
    let day = seconds.div_euclid(DAY);
    // No year is shorter than 365 days, so that this is never too early.
    let mut year = day.div_euclid(365).checked_add(1970)?;
    while month_start(year, 1)? > day {
        year = year.checked_sub(1)?;
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
fn time(text: &[u8]) -> Option<(i64, &[u8])> {
    let unsigned = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let (mut seconds, mut rest) = (0_i64, unsigned);
    for (unit, most) in [(3600, 167), (60, 59), (1, 59)] {
        let (number, after) = rest.split_at_checked(rest.iter().take_while(|byte| byte.is_ascii_digit()).count())?;
        let number = i64::try_from(decimal(number)?).ok().filter(|number| *number <= most)?;
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = after;
        match rest.strip_prefix(b":") {
            Some(after) if unit > 1 => rest = after,
            _ => break,
        }
    }
    Some((if text.starts_with(b"-") { seconds.checked_neg()? } else { seconds }, rest))
}

/// When a rule such as `M3.5.0/2`, `J60` or `59` says that clocks change, in seconds since 1970 as
/// if the zone were UTC.
fn change(rule: &[u8], year: i64) -> Option<i64> {
    let (day, time) = match split_once(rule, b'/') {
        Some((day, text)) => (day, time(text).filter(|(_, rest)| rest.is_empty())?.0),
        None => (rule, 7200),
    };
    let number =
        |text: &[u8], least, most| i64::try_from(decimal(text)?).ok().filter(|number| (least..=most).contains(number));
    let days = if let Some(rule) = day.strip_prefix(b"M") {
        let (month, rest) = split_once(rule, b'.')?;
        let (week, weekday) = split_once(rest, b'.')?;
        let (month, week, weekday) = (number(month, 1, 12)?, number(week, 1, 5)?, number(weekday, 0, 6)?);
        let start = month_start(year, month)?;
        // 1970-01-01 was a Thursday.
        let wait = weekday.checked_sub(start.checked_add(4)?)?.rem_euclid(7);
        let day = wait.checked_add(week.checked_sub(1)?.checked_mul(7)?)?;
        // The fifth week is the last one that the month has.
        let last = midnight(year, month, day.checked_add(1)?).is_none();
        start.checked_add(if last { day.checked_sub(7)? } else { day })?
    } else if let Some(day) = day.strip_prefix(b"J") {
        // Counted from 1, and 29 February is not counted.
        let day = number(day, 1, 365)?;
        let leap = i64::from(day > 59 && midnight(year, 2, 29).is_some());
        month_start(year, 1)?.checked_add(day.checked_sub(1)?)?.checked_add(leap)?
    } else {
        month_start(year, 1)?.checked_add(number(day, 0, 365)?)?
    };
    days.checked_mul(DAY)?.checked_add(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(zone: &str, now: i64) -> (&[u8], i64) {
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
        // 2026-03-08 and 2026-11-01 by the rules that are not told.
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
        for (seconds, expected) in
            [(0, 1970), (-1, 1969), (1_798_761_599, 2026), (1_798_761_600, 2027), (253_402_300_799, 9999)]
        {
            assert_eq!(year(seconds), Some(expected), "{seconds}");
        }
        assert_eq!(year(i64::MAX), None);
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
