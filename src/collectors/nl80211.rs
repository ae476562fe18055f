//! nl80211: what the kernel knows of radios, their interfaces and who is on them. Three collectors
//! take it from here: wifi_network, wifi and wifi_stations.
//!
//! Nobody needs a right to ask. Kernels before 3.5 or so say no more of an interface than its name
//! and type; a driver leaves out what it does not measure.

use crate::collectors::ralink;
use crate::format::{Family, Page, Table, Value};
use crate::machine::generic_netlink::{self, HEAD};
use crate::machine::netlink::{Message, attributes, find, number, text, things, u16_at, u32_at};
use crate::machine::{Error, Machine, absent_is_nothing};
use crate::text::address::{LONGEST, hardware};

/// Who answers a command about an interface, by its number: the kernel, or a test.
pub type Ask<'a> = &'a mut dyn FnMut(u8, u32, &mut dyn FnMut(Option<&[u8]>)) -> Result<(), Error>;

/// Who adds the interfaces of an answer to the page.
pub type Add<'a> = &'a mut dyn FnMut(&[u8], Ask<'_>) -> Result<(), Error>;

/// The commands.
const GET_INTERFACE: u8 = 5;
/// All stations of an interface.
pub const GET_STATION: u8 = 17;
/// All networks that an interface has found.
pub const GET_SCAN: u8 = 32;
/// All channels of an interface's radio.
pub const GET_SURVEY: u8 = 50;

/// The attributes' numbers.
pub(super) const WIPHY: u16 = 1;
pub(super) const INTERFACE_INDEX: u16 = 3;
pub(super) const INTERFACE_NAME: u16 = 4;
pub(super) const INTERFACE_TYPE: u16 = 5;
pub(super) const ADDRESS: u16 = 6;
pub(super) const STATION_INFO: u16 = 21;
pub(super) const FREQUENCY: u16 = 38;
pub(super) const SSID: u16 = 52;
/// Of a station.
pub(super) const SIGNAL: u16 = 7;

/// The types of interfaces that others are on: their numbers and OpenWrt's names.
const MODES: [(u32, &str); 5] =
    [(1, "Ad-Hoc"), (2, "Client"), (ACCESS_POINT, "Master"), (4, "Master (VLAN)"), (7, "Mesh Point")];
/// The type of an access point.
pub const ACCESS_POINT: u32 = 3;
/// The types that are on a network of somebody else's.
const OF_OTHERS: [u32; 2] = [1, 2];

/// More rows, most of them stations', than a router has: no more are on the page.
const MOST_ROWS: usize = 256;

/// An interface of a radio.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Interface<'t> {
    /// Its number.
    pub index: u32,
    /// Its radio's number.
    pub wiphy: u32,
    /// Its type.
    pub kind: u32,
    /// That of its channel, in MHz; 0 if it has none.
    pub frequency: u32,
    /// Its name.
    pub name: &'t [u8],
    /// Its hardware address.
    pub address: &'t [u8],
    /// The network's name, up to 32 bytes of any kind.
    pub ssid: &'t [u8],
}

impl Interface<'_> {
    /// What OpenWrt calls its type; `None` if nobody is ever on such an interface.
    pub fn mode(&self) -> Option<&'static str> {
        MODES.iter().find(|(kind, _)| *kind == self.kind).map(|(_, mode)| *mode)
    }

    /// Whether it is on a network that it found by a scan.
    pub fn is_of_others(&self) -> bool {
        OF_OTHERS.contains(&self.kind)
    }
}

/// Has the interfaces of all radios added, by whoever knows them: nl80211, or where that is not there a
/// driver that answers in its place.
///
/// # Errors
/// [`Error::Absent`] if there is no radio, at the cost of two failing calls.
pub fn collect(machine: &Machine, add: Add<'_>) -> Result<(), Error> {
    // Netlink knows this machine alone, not one whose files are somewhere else.
    if machine.paths.sysfs != "/sys" {
        return Err(Error::Absent);
    }
    if machine.sys_names(&[b"class/ieee80211"]).is_err() {
        return ralink::collect(machine, add);
    }
    let family = generic_netlink::GenericFamily::Nl80211;
    let answer = machine.generic(family, GET_INTERFACE, None, None)?;
    add(&answer, &mut |command, index, take| {
        let mut attributes_of = |message: Option<Message<'_>>| {
            take(message.map(|message| message.body.get(HEAD..).unwrap_or_default()));
        };
        machine.generic(family, command, Some((INTERFACE_INDEX, index)), Some(&mut attributes_of)).map(drop)
    })
}

/// The interfaces of an answer that have a name: a device of Wi-Fi Direct is none.
pub fn interfaces(answer: &[u8]) -> impl Iterator<Item = Interface<'_>> {
    things(answer).filter_map(|message| {
        let mut interface = Interface::default();
        for (kind, value) in attributes(message.body.get(HEAD..)?) {
            let number = || u32_at(value, 0).unwrap_or_default();
            match kind {
                WIPHY => interface.wiphy = number(),
                INTERFACE_INDEX => interface.index = number(),
                INTERFACE_NAME => interface.name = text(value),
                INTERFACE_TYPE => interface.kind = number(),
                ADDRESS => interface.address = value,
                FREQUENCY => interface.frequency = number(),
                SSID => interface.ssid = value,
                _ => {}
            }
        }
        (!interface.name.is_empty() && interface.index != 0).then_some(interface)
    })
}

/// A figure of a station: the number of its attribute, and what stands there.
#[derive(Clone, Copy, Debug)]
pub struct Figure(pub u16, pub Encoding);

/// What an attribute holds.
#[derive(Clone, Copy, Debug)]
pub enum Encoding {
    /// A signed byte.
    Signed,
    /// A number.
    Count,
    /// A number of 32 bits, if there is none of 64 bits at this attribute.
    Wide(u16),
    /// Thousandths.
    Thousandths,
    /// A number that is unknown if it is 0.
    Known,
    /// A rate, in so many of what it is reported in, which is 100 kbit/s.
    Rate(u32),
}

impl Figure {
    /// What a station's attributes have for it.
    pub fn of(&self, station: &[u8]) -> Option<Value> {
        let value = find(station, self.0);
        let count = value.and_then(number);
        match self.1 {
            Encoding::Signed => value?.first().map(|byte| i64::from(byte.cast_signed()).into()),
            Encoding::Count => count.map(Value::from),
            Encoding::Wide(wide) => find(station, wide).and_then(number).or(count).map(Value::from),
            Encoding::Thousandths => Some(Value::decimal(count?, 3)),
            Encoding::Known => count.filter(|count| *count != 0).map(Value::from),
            Encoding::Rate(unit) => Some(u64::from(rate(value?)?).wrapping_mul(unit.into()).into()),
        }
    }
}

/// A rate, in 100 kbit/s: of 32 bits, or of 16 on an old kernel.
pub fn rate(nest: &[u8]) -> Option<u32> {
    let reported = find(nest, 5).or_else(|| find(nest, 1))?;
    u32_at(reported, 0).or_else(|| u16_at(reported, 0).map(u32::from))
}

/// The hardware address and the figures of a station.
pub fn station(attributes: &[u8]) -> Option<(&[u8], &[u8])> {
    find(attributes, ADDRESS).zip(find(attributes, STATION_INFO))
}

/// What a collector has of stations.
#[derive(Debug)]
pub struct Stations {
    /// The labels of the interface and of the station's hardware address.
    pub labels: [&'static str; 2],
    /// The families: one for each figure, and perhaps more.
    pub families: &'static [Family],
    /// The figures.
    pub figures: &'static [Figure],
    /// Adds what else there is to report of an interface.
    pub more: fn(&Interface<'_>, Ask<'_>, &mut Table<'_>) -> Result<(), Error>,
}

impl Stations {
    /// Adds a row for each station, up to the most that a page has.
    ///
    /// # Errors
    /// If there is no radio, or the kernel has no descriptor or memory to spare.
    pub fn collect(&self, machine: &Machine, page: &mut Page) -> Result<(), Error> {
        collect(machine, &mut |answer, ask| self.add(answer, ask, page))
    }

    /// Adds the stations of the interfaces of an answer.
    ///
    /// # Errors
    /// Those of `ask` that are faults.
    pub fn add(&self, answer: &[u8], ask: Ask<'_>, page: &mut Page) -> Result<(), Error> {
        let [device, address] = self.labels;
        let mut table = page.table(self.families);
        let mut buffer = [0; 3 * LONGEST];
        for interface in interfaces(answer).filter(|interface| interface.mode().is_some()) {
            (self.more)(&interface, ask, &mut table)?;
            let start = table.len();
            let result = ask(GET_STATION, interface.index, &mut |attributes| {
                let Some(attributes) = attributes else { return table.cut(start) };
                let Some((mac, reported)) = station(attributes).filter(|_| table.len() < MOST_ROWS) else { return };
                table.row().label(device, interface.name).label(address, hardware(mac, &mut buffer));
                for figure in self.figures {
                    table.cell(figure.of(reported));
                }
            });
            // What is half reported is not reported.
            if absent_is_nothing(result)?.is_none() {
                table.cut(start);
            }
        }
        table.finish();
        Ok(())
    }
}

/// A captured machine: an access point with two stations, and these.
#[cfg(test)]
pub mod sample {
    use super::*;
    use crate::machine::netlink::messages;
    use crate::machine::netlink::sample::captured;

    /// Its interfaces.
    pub fn interfaces() -> Vec<u8> {
        captured("GET_INTERFACE", &[])
    }

    /// What it answers about an interface; the third has just gone.
    pub fn ask(command: u8, index: u32, take: &mut dyn FnMut(Option<&[u8]>)) -> Result<(), Error> {
        take(None);
        let answer = match (command, index) {
            (GET_STATION, 2) => captured("GET_STATION ifindex 2", &[21, 8, 14]),
            (GET_STATION, 3) => captured("GET_STATION ifindex 3", &[21, 8, 14]),
            (GET_SURVEY, 3) => captured("GET_SURVEY ifindex 3", &[84]),
            (GET_SCAN, 3) => captured("GET_SCAN ifindex 3", &[47]),
            _ => return Err(Error::Absent),
        };
        assert!(messages(&answer).last().unwrap().end().is_some());
        things(&answer).for_each(|message| take(Some(&message.body[HEAD..])));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Sorted, gauge};
    use crate::machine::netlink::sample::{attribute, message};

    #[test]
    fn interfaces_real() {
        let answer = sample::interfaces();
        let found: Vec<_> = interfaces(&answer).collect();
        let reported: Vec<_> =
            found.iter().map(|found| (found.index, found.wiphy, found.kind, found.frequency)).collect();
        // Two devices of Wi-Fi Direct are left out.
        assert_eq!(reported, [(4, 2, 2, 2437), (3, 1, 2, 2437), (2, 0, 3, 2437)]);
        assert_eq!((found[2].name, found[2].ssid, found[2].mode()), (&b"wlan0"[..], &b"lab net"[..], Some("Master")));
        assert_eq!(found[2].address, [2, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn interfaces_cut_off_and_odd() {
        let name = attribute(4, b"wlan0\0");
        for body in [&b""[..], &[7], &[7, 1, 0, 0], &[&[7, 1, 0, 0], name.as_slice()].concat()] {
            assert_eq!(interfaces(&message(30, 2, body)).count(), 0, "{body:?}");
        }
        let odd =
            [vec![7, 1, 0, 0], name, attribute(3, &2_u32.to_ne_bytes()), attribute(5, &[3]), attribute(38, &[1, 2])];
        let answer = message(30, 2, &odd.concat());
        let expected = Interface { index: 2, name: b"wlan0", ..Interface::default() };
        assert_eq!(interfaces(&answer).collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn figures() {
        let of = |kind, unit, attributes: &[u8]| Figure(kind, unit).of(attributes);
        let number = |number: u64| Some(Value::from(number));
        let narrow = attribute(2, &7_u32.to_ne_bytes());
        let wide = attribute(23, &5_000_000_000_u64.to_ne_bytes());
        assert_eq!(of(2, Encoding::Wide(23), &[narrow.clone(), wide].concat()), number(5_000_000_000));
        assert_eq!(of(2, Encoding::Wide(23), &narrow), number(7));
        assert_eq!(of(2, Encoding::Thousandths, &narrow), Some(Value::decimal(7_u64, 3)));
        assert_eq!(of(2, Encoding::Known, &narrow), number(7));
        assert_eq!(of(2, Encoding::Known, &attribute(2, &[0; 4])), None);
        assert_eq!(of(7, Encoding::Signed, &attribute(7, &[0xc8])), Some(Value::from(-56_i64)));
        let rate = |more: &[Vec<u8>]| of(8, Encoding::Rate(100), &attribute(8, &more.concat()));
        let (old, new) = (attribute(1, &540_u16.to_ne_bytes()), attribute(5, &12_010_u32.to_ne_bytes()));
        assert_eq!(rate(&[new, old.clone()]), number(1_201_000));
        assert_eq!(rate(&[old]), number(54_000));
        // Empty, too short, and not there.
        assert_eq!(rate(&[]), None);
        assert_eq!(rate(&[attribute(5, &[1])]), None);
        assert_eq!(rate(&[attribute(1, &[1])]), None);
        assert_eq!(of(7, Encoding::Signed, &attribute(7, &[])), None);
        assert_eq!(of(2, Encoding::Count, &attribute(2, &[1, 2, 3])), None);
        assert_eq!(of(2, Encoding::Wide(23), b""), None);
    }

    #[test]
    fn stations_are_bounded_and_reported_once() {
        const STATIONS: Stations = Stations {
            labels: ["device", "mac"],
            families: &[gauge!("a", "A.")],
            figures: &[Figure(1, Encoding::Count)],
            more: |_, _, _| Ok(()),
        };
        let interfaces = [1_u32, 2, 3].map(|index| {
            let reported =
                [attribute(3, &index.to_ne_bytes()), attribute(4, b"wlan0\0"), attribute(5, &3_u32.to_ne_bytes())];
            message(30, 2, &[vec![7, 1, 0, 0], reported.concat()].concat())
        });
        let station = |index: u32, number: u16| {
            let [high, low] = number.to_be_bytes();
            let reported = attribute(21, &attribute(1, &u32::from(number).to_ne_bytes()));
            [attribute(6, &[2, 0, 0, u8::try_from(index).unwrap(), high, low]), reported].concat()
        };
        let lines = |of_each: [u16; 3], error: Option<u32>| {
            let mut page = Page::default();
            let ask: Ask<'_> = &mut |_, index, take| {
                // Interrupted, and begun anew.
                for _ in 0..2 {
                    take(None);
                    (0..of_each[index as usize - 1]).for_each(|number| take(Some(&station(index, number))));
                    take(Some(&attribute(6, &[0; 6])));
                }
                if error == Some(index) { Err(Error::Absent) } else { Ok(()) }
            };
            STATIONS.add(&interfaces.concat(), ask, &mut page).unwrap();
            let mut out = Sorted::default();
            page.write(&mut out, |_| true);
            out.to_vec().split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"a{")).count()
        };
        assert_eq!(lines([3, 10, 5], None), 18);
        assert_eq!(lines([3, 10, 5], Some(2)), 8);
        assert_eq!(lines([3, 300, 5], None), 256);
        assert_eq!(lines([3, 300, 5], Some(2)), 8);
    }
}
