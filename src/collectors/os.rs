//! `/etc/os-release`, else `/usr/lib/os-release`: which distribution this is, as a shell would read
//! it.
//!
//! Firmware such as Padavan's has neither; OpenWrt has the one as a link to the other.

use crate::format::{Family, Page, Value, gauge};
use crate::machine::timezone;
use crate::machine::{Error, Machine};
use crate::text::scan::{decimal, fixed, split_once};
use crate::text::shell::value;

const INFO: [Family; 1] = [gauge!(
    "node_os_info",
    "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, name, pretty_name, variant, variant_id, version, version_codename, version_id.",
)];
const VERSION: [Family; 1] = [gauge!("node_os_version", "Metric containing the major.minor part of the OS version.")];
const SUPPORT_END: Family =
    gauge!("node_os_support_end_timestamp_seconds", "Metric containing the end-of-life date timestamp of the OS.",);

/// The label and the variable it shows, in the order of the labels.
const LABELS: [(&str, &str); 12] = [
    ("build_id", "BUILD_ID"),
    ("id", "ID"),
    ("id_like", "ID_LIKE"),
    ("image_id", "IMAGE_ID"),
    ("image_version", "IMAGE_VERSION"),
    ("name", "NAME"),
    ("pretty_name", "PRETTY_NAME"),
    ("variant", "VARIANT"),
    ("variant_id", "VARIANT_ID"),
    ("version", "VERSION"),
    ("version_codename", "VERSION_CODENAME"),
    ("version_id", "VERSION_ID"),
];

/// Adds the names, the version as a number and the day on which support ends.
///
/// # Errors
/// If neither file is there or can be read.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let text = machine.file(&[b"etc/os-release"]).or_else(|_| machine.file(&[b"usr/lib/os-release"]))?;
    let mut table = page.table(&INFO);
    table.row();
    for (label, variable) in &LABELS {
        table.label(label, &value(&text, variable));
    }
    table.count(Some(1));
    table.finish();
    if let Some(version) = major_minor(&value(&text, "VERSION_ID")) {
        let mut table = page.table(&VERSION);
        table.row();
        for (label, variable) in &[("id", "ID"), ("id_like", "ID_LIKE"), ("name", "NAME")] {
            table.label(label, &value(&text, variable));
        }
        table.cell(Some(version));
        table.finish();
    }
    if let Some(seconds) = midnight(&value(&text, "SUPPORT_END")) {
        page.single(&SUPPORT_END, seconds);
    }
    Ok(())
}

/// The first two numbers of a version: 24.10 of `24.10.2`, 12 of `12`.
fn major_minor(version: &[u8]) -> Option<Value> {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let major = digits(version);
    let minor = version.get(major..)?.strip_prefix(b".").map_or(0, digits);
    let end = if minor == 0 { major } else { major.checked_add(1)?.checked_add(minor)? };
    let places = minor.max(1);
    Some(Value::decimal(fixed(version.get(..end)?, places)?, places.try_into().ok()?))
}

/// When the day `2029-10-31` begins, in seconds since 1970.
fn midnight(day: &[u8]) -> Option<i64> {
    let (year, rest) = split_once(day, b'-')?;
    let (month, day) = split_once(rest, b'-')?;
    let number = |text: &[u8], digits| decimal(text).filter(|_| text.len() == digits)?.try_into().ok();
    timezone::midnight(number(year, 4)?, number(month, 2)?, number(day, 2)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(major_minor(b"24.10.2"), Some(Value::decimal(2410_u64, 2)));
        assert_eq!(major_minor(b"12"), Some(Value::decimal(120_u64, 1)));
        assert_eq!(major_minor(b"12."), Some(Value::decimal(120_u64, 1)));
        assert_eq!(major_minor(b"3.4.3.9-099"), Some(Value::decimal(34_u64, 1)));
        for odd in [&b""[..], b"rolling", b".1", b"99999999999999999999.1", b"1.99999999999999999999"] {
            assert_eq!(major_minor(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn days() {
        assert_eq!(midnight(b"1970-01-01"), Some(0));
        assert_eq!(midnight(b"2025-05-13"), Some(1_747_094_400));
        for odd in [&b""[..], b"2025", b"2025-13-01", b"2025-02-29", b"25-01-01", b"2025-1-1", b"2025-00-10"] {
            assert_eq!(midnight(odd), None, "{odd:?}");
        }
    }
}
