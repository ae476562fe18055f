//! `/sys/class/hwmon`: temperatures, fans, voltages and what else the board measures.
//!
//! The files are `<type><number>_<property>`, such as `temp1_input`; in old kernels they are in the
//! chip's `device` directory, today beside it. hwmon0 and hwmon1 may change places at each boot, so
//! a chip is named after its device, as node_exporter does: `platform_coretemp_0`.

use std::borrow::Cow;

use crate::filter::Filter;
use crate::host::{Error, Host, Names};
use crate::page::{Family, Kind, Page, Value, gauge};
use crate::scan::signed;

const CHIP_NAMES: Family = gauge("node_hwmon_chip_names", "Annotation metric for human-readable chip names");
const SENSOR_LABEL: Family = gauge("node_hwmon_sensor_label", "Label for given chip and sensor");
const CLASS: &[u8] = b"class/hwmon/";

/// The types of sensors, and the name of the sensor that has no number.
const TYPES: [(&str, &[u8]); 14] = [
    ("beep_enable", b"beep_enable0"),
    ("cpu", b"cpu0"),
    ("curr", b"curr0"),
    ("energy", b"energy0"),
    ("fan", b"fan0"),
    ("freq", b"freq0"),
    ("humidity", b"humidity0"),
    ("in", b"in0"),
    ("intrusion", b"intrusion0"),
    ("power", b"power0"),
    ("pwm", b"pwm0"),
    ("temp", b"temp0"),
    ("update_interval", b"update_interval0"),
    ("vrm", b"vrm0"),
];

/// The types of which the file is the chip's rather than a sensor's: their family and its decimal
/// places.
const WHOLE: [(&str, Family, u8); 3] = [
    ("beep_enable", gauge("node_hwmon_beep_enabled", "Hardware beep enabled"), 0),
    ("update_interval", gauge("node_hwmon_update_interval_seconds", "Hardware monitor update interval"), 3),
    ("vrm", gauge("node_hwmon_voltage_regulator_version", "Hardware voltage regulator"), 0),
];

/// A type and a property, of which none means any; the unit, the help with the type for `%` and the
/// property for `*`, and the decimal places. The first that fits holds.
const MEANINGS: [(&str, &str, &str, &str, u8); 20] = [
    ("", "fault", "", "Hardware sensor fault status (%)", 0),
    ("", "alarm", "", "Hardware sensor alarm status (%)", 0),
    ("", "beep", "_enabled", "Hardware monitor sensor has beeping enabled", 0),
    ("in", "", "_volts", "Hardware monitor for voltage (*)", 3),
    ("cpu", "", "_volts", "Hardware monitor for voltage (*)", 3),
    ("temp", "type", "", "Hardware monitor temp element type", 0),
    ("temp", "", "_celsius", "Hardware monitor for temperature (*)", 3),
    ("curr", "", "_amps", "Hardware monitor for current (*)", 3),
    ("energy", "", "_joule_total", "Hardware monitor for joules used so far (*)", 6),
    ("power", "accuracy", "", "Hardware monitor power meter accuracy, as a ratio", 6),
    ("power", "average_interval", "_seconds", "Hardware monitor power usage update interval (*)", 3),
    ("power", "average_interval_max", "_seconds", "Hardware monitor power usage update interval (*)", 3),
    ("power", "average_interval_min", "_seconds", "Hardware monitor power usage update interval (*)", 3),
    ("power", "", "_watt", "Hardware monitor for power usage in watts (*)", 6),
    (
        "humidity",
        "",
        "",
        "Hardware monitor for humidity, as a ratio (multiply with 100.0 to get the humidity as a percentage) (*)",
        6,
    ),
    ("fan", "input", "_rpm", "Hardware monitor for fan revolutions per minute (*)", 0),
    ("fan", "max", "_rpm", "Hardware monitor for fan revolutions per minute (*)", 0),
    ("fan", "min", "_rpm", "Hardware monitor for fan revolutions per minute (*)", 0),
    ("fan", "target", "_rpm", "Hardware monitor for fan revolutions per minute (*)", 0),
    ("", "", "", "Hardware monitor % element *", 0),
];

/// Adds the chips' sensors.
///
/// # Errors
/// If there is no such class.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let names = host.sys_names(&[CLASS])?;
    let mut chips: Vec<_> = names.iter().filter_map(|directory| Some((chip(host, directory)?, directory))).collect();
    chips.retain(|(chip, _)| host.settings.filters.allows(Filter::HwmonChip, chip));
    chips.sort_unstable();
    for (chip, directory) in &chips {
        if let Some(name) = host.sys(&[CLASS, directory, b"/name"]) {
            let name = clean(&name);
            if !name.is_empty() {
                page.family(&CHIP_NAMES).sample(&[("chip", chip), ("chip_name", &name)], true);
            }
        }
        // A chip may go while others are read.
        if let Ok(files) = host.sys_names(&[CLASS, directory]) {
            add_sensors(host, page, chip, directory, &files);
        }
    }
    Ok(())
}

/// The chip's name: that of its device and of what the device is on, else its own, else the
/// directory's; `None` if it is no directory.
fn chip(host: &Host, directory: &[u8]) -> Option<Vec<u8>> {
    let of_device = host.sys_real_path(&[CLASS, directory, b"/device"]).map(|path| name_of_device(&path));
    if let Some(name) = of_device.filter(|name| !name.is_empty()) {
        return Some(name);
    }
    host.sys_names(&[CLASS, directory]).ok()?;
    let own = host.sys(&[CLASS, directory, b"/name"]);
    let own = own.as_ref().map(|name| clean(name).into_owned()).filter(|name| !name.is_empty());
    Some(own.unwrap_or_else(|| clean(directory).into_owned()))
}

/// `platform_coretemp_0` of `/sys/devices/platform/coretemp.0`.
fn name_of_device(path: &[u8]) -> Vec<u8> {
    let mut parts = path.rsplit(|&byte| byte == b'/');
    let (device, bus) = (clean(parts.next().unwrap_or_default()), clean(parts.next().unwrap_or_default()));
    let separator: &[u8] = if device.is_empty() || bus.is_empty() { b"" } else { b"_" };
    if device.is_empty() { Vec::new() } else { [&*bus, separator, &*device].concat() }
}

/// In lower case, what a metric's name cannot have as `_`, and none of that before and behind.
fn clean(name: &[u8]) -> Cow<'_, [u8]> {
    let is_clean = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b':' | b'_');
    let trimmed = |name: &[u8]| {
        let start = name.iter().position(|&byte| byte != b'_').unwrap_or(name.len());
        let end = name.iter().rposition(|&byte| byte != b'_').map_or(start, |last| last.saturating_add(1));
        start..end
    };
    if name.iter().all(is_clean) {
        return name.get(trimmed(name)).unwrap_or_default().into();
    }
    let cleaned: Vec<_> = name
        .utf8_chunks()
        .flat_map(|chunk| chunk.valid().chars().chain((!chunk.invalid().is_empty()).then_some('_')))
        .map(|character| match u8::try_from(character.to_ascii_lowercase()) {
            Ok(byte) if is_clean(&byte) => byte,
            _ => b'_',
        })
        .collect();
    cleaned.get(trimmed(&cleaned)).unwrap_or_default().to_vec().into()
}

/// A file of a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Attribute<'n> {
    /// The type and its number, such as `temp1`.
    sensor: &'n [u8],
    /// What of the sensor it tells, such as `input`; may be empty.
    property: &'n [u8],
    kind: &'static str,
    /// In the chip's own directory, rather than its device's, which is preferred.
    is_own: bool,
    file: &'n [u8],
}

/// Takes a file's name apart; `None` if it is not a sensor's.
fn parse(file: &[u8], is_own: bool) -> Option<Attribute<'_>> {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let start = file.iter().position(is_digit).unwrap_or(file.len());
    let (kind, rest) = file.split_at_checked(start)?;
    let (kind, without_number) = TYPES.iter().find(|(known, _)| known.as_bytes() == kind)?;
    let digits = rest.iter().take_while(|byte| is_digit(byte)).count();
    let (sensor, rest) = file.split_at_checked(start.checked_add(digits)?)?;
    let property = match rest {
        [] => rest,
        [b'_', property @ ..] if !property.is_empty() => property,
        _ => return None,
    };
    let sensor = if digits == 0 { without_number } else { sensor };
    Some(Attribute { sensor, property, kind, is_own, file })
}

fn add_sensors(host: &Host, page: &mut Page, chip: &[u8], directory: &[u8], own: &Names) {
    let device = host.sys_names(&[CLASS, directory, b"/device"]).ok();
    let of_device = device.iter().flat_map(|names| names.iter()).filter_map(|file| parse(file, false));
    let mut attributes: Vec<_> = own.iter().filter_map(|file| parse(file, true)).chain(of_device).collect();
    attributes.sort_unstable();
    attributes.dedup_by_key(|attribute| (attribute.sensor, attribute.property));
    let read = |attribute: &Attribute| {
        let place: &[u8] = if attribute.is_own { b"/" } else { b"/device/" };
        host.sys(&[CLASS, directory, place, attribute.file])
    };
    for sensor in attributes.chunk_by(|one, other| one.sensor == other.sensor) {
        let Some(&Attribute { sensor: name, .. }) = sensor.first() else { continue };
        if !host.settings.filters.allows(Filter::HwmonSensor, &[chip, b";", name].concat()) {
            continue;
        }
        let label = sensor.iter().find(|attribute| attribute.property == b"label").and_then(read);
        if let Some(label) = &label {
            page.family(&SENSOR_LABEL).sample(&[("chip", chip), ("label", label), ("sensor", name)], true);
        }
        let has_bare = sensor.iter().any(|attribute| attribute.property.is_empty());
        for attribute in sensor.iter().filter(|attribute| attribute.property != b"label") {
            let Some(number) = read(attribute).and_then(|text| signed(&text)) else { continue };
            if attribute.kind == "freq" && attribute.property == b"input" {
                // A graphics card's, which is named after what runs at that frequency.
                if let Some(label) = &label {
                    let help = b"Hardware monitor for GPU frequency in MHz";
                    page.named_family(&[b"node_hwmon_freq_freq_mhz"], &[help], Kind::Gauge)
                        .sample(&[("chip", chip), ("sensor", &clean(label))], Value::decimal(number, 6));
                }
                continue;
            }
            if let Some((_, family, places)) = WHOLE.iter().find(|(kind, ..)| *kind == attribute.kind) {
                page.family(family).sample(&[("chip", chip), ("sensor", name)], Value::decimal(number, *places));
                continue;
            }
            let (unit, help, places) = meaning(attribute.kind, attribute.property);
            let kind = if unit.ends_with("_total") { Kind::Counter } else { Kind::Gauge };
            // The input is the sensor's value, and is not called so.
            let property = match attribute.property {
                b"input" if !has_bare => b"",
                property => property,
            };
            let property = clean(property);
            let separator: &[u8] = if property.is_empty() { b"" } else { b"_" };
            let family = [b"node_hwmon_", attribute.kind.as_bytes(), separator, &*property, unit.as_bytes()];
            page.named_family(&family, &filled(help, attribute.kind, attribute.property), kind)
                .sample(&[("chip", chip), ("sensor", name)], Value::decimal(number, places));
        }
    }
}

/// The unit, the help and the decimal places of a property of a sensor of this type.
fn meaning(kind: &str, property: &[u8]) -> (&'static str, &'static str, u8) {
    let is = |meant: &str, said: &[u8]| meant.is_empty() || meant.as_bytes() == said;
    MEANINGS
        .iter()
        .find(|(of_kind, of_property, ..)| is(of_kind, kind.as_bytes()) && is(of_property, property))
        .map_or(("", "", 0), |(_, _, unit, help, places)| (*unit, *help, *places))
}

/// The pieces of a help, with the type for `%` and the property for `*`.
fn filled<'p>(help: &'p str, kind: &'p str, property: &'p [u8]) -> [&'p [u8]; 5] {
    let property = if property.is_empty() && kind == "temp" { b"input" } else { property };
    let mut pieces = [&b""[..]; 5];
    let told = help.as_bytes().split_inclusive(|byte| b"%*".contains(byte)).flat_map(|piece| match piece {
        [before @ .., b'%'] => [before, kind.as_bytes()],
        [before @ .., b'*'] => [before, property],
        rest => [rest, b""],
    });
    for (place, piece) in pieces.iter_mut().zip(told) {
        *place = piece;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(file: &str) -> Option<(&str, &str, &str)> {
        let Attribute { sensor, property, kind, .. } = parse(file.as_bytes(), true)?;
        Some((kind, std::str::from_utf8(sensor).unwrap(), std::str::from_utf8(property).unwrap()))
    }

    #[test]
    fn files() {
        assert_eq!(parsed("temp1_input"), Some(("temp", "temp1", "input")));
        assert_eq!(parsed("temp10_crit_alarm"), Some(("temp", "temp10", "crit_alarm")));
        assert_eq!(parsed("in0_min"), Some(("in", "in0", "min")));
        assert_eq!(parsed("pwm1"), Some(("pwm", "pwm1", "")));
        assert_eq!(parsed("pwm1_auto_point1_pwm"), Some(("pwm", "pwm1", "auto_point1_pwm")));
        assert_eq!(parsed("vrm"), Some(("vrm", "vrm0", "")));
        assert_eq!(parsed("update_interval"), Some(("update_interval", "update_interval0", "")));
        for other in ["", "name", "device", "uevent", "temp_x", "fan_div", "temp1x", "temp1_", "1", "beep_mask", "volt1_input"] {
            assert_eq!(parsed(other), None, "{other}");
        }
    }

    #[test]
    fn names_are_cleaned() {
        for (name, expected) in [
            (&b"coretemp"[..], &b"coretemp"[..]),
            (b"0000:00:1f.3", b"0000:00:1f_3"),
            (b"CPU-Thermal.", b"cpu_thermal"),
            (b"_a_", b"a"),
            (b"__", b""),
            (b"", b""),
            ("gr\u{f6}\u{df}e".as_bytes(), b"gr__e"),
            (b"a\xffb", b"a_b"),
        ] {
            assert_eq!(*clean(name), *expected);
        }
    }

    #[test]
    fn chips_are_named_after_their_devices() {
        assert_eq!(name_of_device(b"/sys/devices/platform/coretemp.0"), b"platform_coretemp_0");
        assert_eq!(name_of_device(b"/sys/devices/pci0000:00/0000:00:18.3"), b"pci0000:00_0000:00:18_3");
        assert_eq!(name_of_device(b"/device"), b"device");
        assert_eq!(name_of_device(b"/bus/-"), b"");
    }

    #[test]
    fn helps_are_filled() {
        let help = |kind, property: &str| {
            let (unit, help, places) = meaning(kind, property.as_bytes());
            let text = filled(help, kind, property.as_bytes()).concat();
            (unit, String::from_utf8(text).unwrap(), places)
        };
        assert_eq!(help("temp", "crit"), ("_celsius", "Hardware monitor for temperature (crit)".into(), 3));
        assert_eq!(help("temp", ""), ("_celsius", "Hardware monitor for temperature (input)".into(), 3));
        assert_eq!(help("fan", "alarm"), ("", "Hardware sensor alarm status (fan)".into(), 0));
        assert_eq!(help("fan", "div"), ("", "Hardware monitor fan element div".into(), 0));
        assert_eq!(help("pwm", ""), ("", "Hardware monitor pwm element ".into(), 0));
        assert_eq!(help("temp", "type"), ("", "Hardware monitor temp element type".into(), 0));
    }
}
