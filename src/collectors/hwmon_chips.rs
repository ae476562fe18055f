//! The names of the chips of `/sys/class/hwmon`.
//!
//! hwmon0 and hwmon1 may change places at each boot, so a chip is named after its device, as
//! node_exporter does: `platform_coretemp_0`. Several chips of one device, such as those of a radio,
//! have their own names behind it, or else the directories'.

use crate::machine::Machine;
use crate::text::scan::split_once;

/// The class of the chips.
pub const CLASS: &[u8] = b"class/hwmon/";

/// A chip: its name on the page, and its directory in the class.
pub type Chip<'n> = (Vec<u8>, &'n [u8]);

/// The chips of these directories, in the order of their names; what is no directory is left out.
pub fn chips<'n>(machine: &Machine, directories: impl Iterator<Item = &'n [u8]>) -> Vec<Chip<'n>> {
    let mut chips = Vec::<Chip<'n>>::new();
    for directory in directories {
        if let Some(name) = name_of(machine, directory) {
            let chip = (name, directory);
            let at = chips.iter().position(|known| *known > chip).unwrap_or(chips.len());
            chips.insert(at, chip);
        }
    }
    for namesakes in chips.chunk_by_mut(|(one, _), (other, _)| one == other).filter(|chips| chips.len() > 1) {
        let mut own_names = vec![Vec::new(); namesakes.len()];
        for ((_, directory), own_name) in namesakes.iter().zip(&mut own_names) {
            add_own_name(machine, directory, own_name);
        }
        for ((name, directory), own_name) in namesakes.iter_mut().zip(&own_names) {
            tell_apart(name, directory, own_name, &own_names);
        }
    }
    chips
}

/// Adds the chip's own name to one that several have, or the directory's if others have that too.
fn tell_apart(name: &mut Vec<u8>, directory: &[u8], own_name: &Vec<u8>, own_names: &[Vec<u8>]) {
    name.push(b'_');
    if own_name.is_empty() || own_names.iter().filter(|other| *other == own_name).count() > 1 {
        add_clean(directory, name);
    } else {
        name.extend_from_slice(own_name);
    }
}

/// Appends what the driver calls the chip, if it calls it anything.
pub fn add_own_name(machine: &Machine, directory: &[u8], name: &mut Vec<u8>) {
    if let Some(own) = machine.sys(&[CLASS, directory, b"/name"]) {
        add_clean(&own, name);
    }
}

/// The name of the chip's device and of what the device is on, else its own, else the directory's;
/// `None` if it is no directory.
fn name_of(machine: &Machine, directory: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(64);
    if let Some(path) = machine.sys_real_path(&[CLASS, directory, b"/device"]) {
        add_name_of_device(&path, &mut name);
    }
    if name.is_empty() {
        machine.sys_names(&[CLASS, directory]).ok()?;
        add_own_name(machine, directory, &mut name);
    }
    if name.is_empty() {
        add_clean(directory, &mut name);
    }
    Some(name)
}

/// `platform_coretemp_0` of `/sys/devices/platform/coretemp.0`.
fn add_name_of_device(path: &[u8], name: &mut Vec<u8>) {
    let (mut bus, mut device) = (&b""[..], path);
    while let Some((part, rest)) = split_once(device, b'/') {
        (bus, device) = (part, rest);
    }
    add_clean(bus, name);
    if !name.is_empty() {
        name.push(b'_');
    }
    let start = name.len();
    add_clean(device, name);
    if name.len() == start {
        name.clear();
    }
}

/// Appends `name` in lower case, what a metric's name cannot have as `_`, and none of that before and
/// behind.
pub fn add_clean(name: &[u8], cleaned: &mut Vec<u8>) {
    let start = cleaned.len();
    for byte in name {
        match byte.to_ascii_lowercase() {
            byte @ (b'a'..=b'z' | b'0'..=b'9' | b':') => cleaned.push(byte),
            // What continues a character of UTF-8.
            0x80..=0xbf => {}
            _ if cleaned.len() == start => {}
            _ => cleaned.push(b'_'),
        }
    }
    while cleaned.len() > start && cleaned.last() == Some(&b'_') {
        cleaned.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let mut cleaned = b"_".to_vec();
            add_clean(name, &mut cleaned);
            assert_eq!(cleaned, [b"_", expected].concat());
        }
    }

    #[test]
    fn chips_are_named_after_their_devices() {
        let name = |path| {
            let mut name = Vec::new();
            add_name_of_device(path, &mut name);
            name
        };
        assert_eq!(name(b"/sys/devices/platform/coretemp.0"), b"platform_coretemp_0");
        assert_eq!(name(b"/sys/devices/pci0000:00/0000:00:18.3"), b"pci0000:00_0000:00:18_3");
        assert_eq!(name(b"/device"), b"device");
        assert_eq!(name(b"/bus/-"), b"");
    }

    #[test]
    fn chips_of_one_device_are_reported_apart() {
        let names = |own_names: &[&str]| {
            let own_names: Vec<_> = own_names.iter().map(|name| name.as_bytes().to_vec()).collect();
            let told_apart = |own_name| {
                let mut name = b"phy0".to_vec();
                tell_apart(&mut name, b"hwmon7", own_name, &own_names);
                String::from_utf8(name).unwrap()
            };
            own_names.iter().map(told_apart).collect::<Vec<_>>()
        };
        assert_eq!(names(&["b", "a"]), ["phy0_b", "phy0_a"]);
        assert_eq!(names(&["a", "b", "a"]), ["phy0_hwmon7", "phy0_b", "phy0_hwmon7"]);
        assert_eq!(names(&["a", ""]), ["phy0_a", "phy0_hwmon7"]);
    }
}
