//! `/sys/class/hwmon`: temperatures, fans, voltages and what else the board measures.
//!
//! The files are `<type><number>_<property>`, such as `temp1_input`; in old kernels they are in the
//! chip's `device` directory, today beside it.

use crate::collectors::hwmon_chips::{CLASS, add_clean, add_own_name, chips};
use crate::filter::{Filter, Subject};
use crate::format::{Family, Kind, Page, Value, gauge};
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::scan::{signed, split_once};

const CHIP_NAMES: Family = gauge!("node_hwmon_chip_names", "Annotation metric for human-readable chip names");
const SENSOR_LABEL: Family = gauge!("node_hwmon_sensor_label", "Label for given chip and sensor");

/// The sensors of each type that have no number: the type, and a zero in place of one.
const TYPES: [&[u8]; 14] = [
    b"beep_enable0",
    b"cpu0",
    b"curr0",
    b"energy0",
    b"fan0",
    b"freq0",
    b"humidity0",
    b"in0",
    b"intrusion0",
    b"power0",
    b"pwm0",
    b"temp0",
    b"update_interval0",
    b"vrm0",
];

/// A type and a property, of which none means any; the family's name, or else its unit; the help with
/// the type for `%` and the property for `*`, and the decimal places. The first that fits holds.
const MEANINGS: [(&str, &str, &str, &str, u8); 24] = [
    ("beep_enable", "", "node_hwmon_beep_enabled", "Hardware beep enabled", 0),
    ("update_interval", "", "node_hwmon_update_interval_seconds", "Hardware monitor update interval", 3),
    ("vrm", "", "node_hwmon_voltage_regulator_version", "Hardware voltage regulator", 0),
    ("freq", "input", "node_hwmon_freq_freq_mhz", "Hardware monitor for GPU frequency in MHz", 6),
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
pub fn collect(settings: &Settings, machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let wanted = settings.filters.of(Subject::HwmonChip);
    let sensors = settings.filters.of(Subject::HwmonSensor);
    let names = machine.sys_names(&[CLASS])?;
    // For names that are cleaned.
    let mut buffer = Vec::with_capacity(64);
    for (chip, directory) in &chips(machine, names.iter()) {
        if !wanted.allows(chip) {
            continue;
        }
        buffer.clear();
        add_own_name(machine, directory, &mut buffer);
        if !buffer.is_empty() {
            page.family(&CHIP_NAMES).sample(&[("chip", chip), ("chip_name", &buffer)], true);
        }
        add_sensors(&sensors, machine, page, chip, directory, &mut buffer);
    }
    Ok(())
}

/// A file of a sensor.
#[derive(Clone, Copy, Debug)]
struct Attribute<'n> {
    /// The type and its number, such as `temp1`.
    sensor: &'n [u8],
    /// What of the sensor it reports, such as `input`; may be empty.
    property: &'n [u8],
    kind: &'static [u8],
    /// The chip's own directory or its device's.
    place: &'static [u8],
    file: &'n [u8],
}

impl<'n> Attribute<'n> {
    fn key(&self) -> (&'n [u8], &'n [u8]) {
        (self.sensor, self.property)
    }
}

/// Takes a file's name apart; `None` if it is not a sensor's.
fn parse<'n>(place: &'static [u8], file: &'n [u8]) -> Option<Attribute<'n>> {
    let start = file.iter().position(u8::is_ascii_digit).unwrap_or(file.len());
    let (kind, rest) = file.split_at_checked(start)?;
    let without_number = TYPES.iter().find(|known| known.strip_suffix(b"0") == Some(kind))?;
    let kind = without_number.strip_suffix(b"0")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (sensor, rest) = file.split_at_checked(start.wrapping_add(digits))?;
    let property = match rest {
        [] => rest,
        [b'_', property @ ..] if !property.is_empty() => property,
        _ => return None,
    };
    let sensor = if digits == 0 { without_number } else { sensor };
    Some(Attribute { sensor, property, kind, place, file })
}

/// Adds the files of the device and of the chip, by sensors and properties. Of two that report the same
/// the device's holds.
fn add_sensors(
    wanted: &Filter,
    machine: &Machine,
    page: &mut Page,
    chip: &[u8],
    directory: &[u8],
    buffer: &mut Vec<u8>,
) {
    let names_of = |place: &'static [u8]| (place, machine.sys_names(&[CLASS, directory, place]));
    let places = [names_of(b"/device/"), names_of(b"/")];
    // Few chips have more.
    let mut attributes = Vec::<Attribute>::with_capacity(32);
    for (place, names) in &places {
        // A chip may go while others are read.
        let Ok(names) = names else { continue };
        for file in names.iter() {
            let Some(attribute) = parse(place, file) else { continue };
            let at = attributes.iter().position(|known| known.key() >= attribute.key());
            let at = at.unwrap_or(attributes.len());
            if attributes.get(at).is_none_or(|known| known.key() != attribute.key()) {
                attributes.insert(at, attribute);
            }
        }
    }
    let (mut sensor, mut is_reported, mut has_bare) = (&b""[..], false, false);
    for attribute in &attributes {
        if attribute.sensor != sensor {
            sensor = attribute.sensor;
            is_reported = wanted.allows_parts(&[chip, b";", sensor]);
            has_bare = attribute.property.is_empty();
        }
        let read = |attribute: &Attribute| machine.sys(&[CLASS, directory, attribute.place, attribute.file]);
        let Some(text) = (if is_reported { read(attribute) } else { None }) else { continue };
        if attribute.property == b"label" {
            page.family(&SENSOR_LABEL).sample(&[("chip", chip), ("label", &text), ("sensor", sensor)], true);
            continue;
        }
        let Some(number) = signed(&text) else { continue };
        let places = begin_family(page, attribute, has_bare, buffer);
        let mut name = sensor;
        if attribute.kind == b"freq" && attribute.property == b"input" {
            // A graphics card's, which is named after what runs at that frequency.
            let label = attributes.iter().find(|other| other.key() == (sensor, b"label"));
            let Some(label) = label.and_then(read) else { continue };
            buffer.clear();
            add_clean(&label, buffer);
            name = buffer;
        }
        page.sample(&[("chip", chip), ("sensor", name)], Value::decimal(number, places));
    }
}

/// Begins the family of a sensor's file, and gives its decimal places.
fn begin_family(page: &mut Page, attribute: &Attribute<'_>, has_bare: bool, buffer: &mut Vec<u8>) -> u8 {
    let &Attribute { kind, property, .. } = attribute;
    let (name, help, places) = meaning(kind, property);
    let help = filled(help, kind, property);
    if name.starts_with(b"node_") {
        page.named_family(&[name], &help, Kind::Gauge);
        return places;
    }
    buffer.clear();
    // The input is the sensor's value, and is not called so.
    if property != b"input" || has_bare {
        add_clean(property, buffer);
    }
    let separator: &[u8] = if buffer.is_empty() { b"" } else { b"_" };
    let type_of = if name.ends_with(b"_total") { Kind::Counter } else { Kind::Gauge };
    page.named_family(&[b"node_hwmon_", kind, separator, buffer, name], &help, type_of);
    places
}

/// The family's name or unit, the help and the decimal places of a property of a sensor of this type.
fn meaning(kind: &[u8], property: &[u8]) -> (&'static [u8], &'static [u8], u8) {
    let is = |meant: &str, said: &[u8]| meant.is_empty() || meant.as_bytes() == said;
    let fits = MEANINGS.iter().find(|(of_kind, of_property, ..)| is(of_kind, kind) && is(of_property, property));
    fits.map_or((b"", b"", 0), |(_, _, name, help, places)| (name.as_bytes(), help.as_bytes(), *places))
}

/// The pieces of a help, with the type for `%` and the property for `*`.
fn filled<'p>(help: &'p [u8], kind: &'p [u8], property: &'p [u8]) -> [&'p [u8]; 5] {
    let property = if property.is_empty() && kind == b"temp" { b"input" } else { property };
    let (before, kind, rest) = match split_once(help, b'%') {
        Some((before, rest)) => (before, kind, rest),
        None => (&b""[..], &b""[..], help),
    };
    let (between, property, after) = match split_once(rest, b'*') {
        Some((between, after)) => (between, property, after),
        None => (rest, &b""[..], &b""[..]),
    };
    [before, kind, between, property, after]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(file: &str) -> Option<(&str, &str, &str)> {
        let Attribute { sensor, property, kind, .. } = parse(b"/", file.as_bytes())?;
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        Some((text(kind), text(sensor), text(property)))
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
        for other in
            ["", "name", "device", "uevent", "temp_x", "fan_div", "temp1x", "temp1_", "1", "beep_mask", "volt1_input"]
        {
            assert_eq!(parsed(other), None, "{other}");
        }
    }

    #[test]
    fn helps_are_filled() {
        let help = |kind: &str, property: &str| {
            let (unit, help, places) = meaning(kind.as_bytes(), property.as_bytes());
            let text = filled(help, kind.as_bytes(), property.as_bytes()).concat();
            (std::str::from_utf8(unit).unwrap(), String::from_utf8(text).unwrap(), places)
        };
        assert_eq!(help("temp", "crit"), ("_celsius", "Hardware monitor for temperature (crit)".into(), 3));
        assert_eq!(help("temp", ""), ("_celsius", "Hardware monitor for temperature (input)".into(), 3));
        assert_eq!(help("fan", "alarm"), ("", "Hardware sensor alarm status (fan)".into(), 0));
        assert_eq!(help("fan", "div"), ("", "Hardware monitor fan element div".into(), 0));
        assert_eq!(help("pwm", ""), ("", "Hardware monitor pwm element ".into(), 0));
        assert_eq!(help("temp", "type"), ("", "Hardware monitor temp element type".into(), 0));
    }
}
