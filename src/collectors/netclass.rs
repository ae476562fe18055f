//! `/sys/class/net/<interface>`: what each interface is and how it is doing, an attribute a file.
//!
//! Most of it comes with one RTM_GETLINK dump instead, at a tenth of the cost: opening a file of
//! /sys is what costs a router most. What the dump does not report (on an old kernel, of another
//! root, or where the kernel's differs from the file's) is read from the files, and so the page is
//! the same either way. An attribute that the driver refuses is left out, alone.

use crate::collectors::Collect;
use crate::collectors::remembered::{Facts, Remembered};
use crate::filter::{Filter, Subject};
use crate::format::{Family, Page, Table, Value, counter, gauge};
use crate::machine::netlink::{Message, NEWLINK, by_type, messages, text, u32_at, u64_at};
use crate::machine::{Error, Machine, Text};
use crate::settings::Settings;
use crate::text::address::{LONGEST, hardware};
use crate::text::scan::{hex, signed};

const INFO: [Family; 1] =
    [gauge!("node_network_info", "Non-numeric data from /sys/class/net/<iface>, value is always 1.")];
const FAMILIES: [Family; 19] = [
    gauge!("node_network_address_assign_type", "Network device property: address_assign_type"),
    gauge!("node_network_carrier", "Network device property: carrier"),
    counter!("node_network_carrier_changes_total", "Network device property: carrier_changes_total"),
    counter!("node_network_carrier_down_changes_total", "Network device property: carrier_down_changes_total"),
    counter!("node_network_carrier_up_changes_total", "Network device property: carrier_up_changes_total"),
    gauge!("node_network_device_id", "Network device property: device_id"),
    gauge!("node_network_dormant", "Network device property: dormant"),
    gauge!("node_network_flags", "Network device property: flags"),
    gauge!("node_network_iface_id", "Network device property: iface_id"),
    gauge!("node_network_iface_link", "Network device property: iface_link"),
    gauge!("node_network_iface_link_mode", "Network device property: iface_link_mode"),
    gauge!("node_network_mtu_bytes", "Network device property: mtu_bytes"),
    gauge!("node_network_name_assign_type", "Network device property: name_assign_type"),
    gauge!("node_network_net_dev_group", "Network device property: net_dev_group"),
    gauge!("node_network_protocol_type", "Network device property: protocol_type"),
    // netdev's in node_exporter, where it also comes with the dump alone.
    counter!("node_network_receive_nohandler_total", "Network device statistic receive_nohandler."),
    gauge!("node_network_speed_bytes", "Network device property: speed_bytes"),
    gauge!("node_network_transmit_queue_length", "Network device property: transmit_queue_length"),
    gauge!("node_network_up", "Value is 1 if operstate is 'up', 0 otherwise."),
];

/// Where a dump has what a file says.
enum Source {
    /// As the attribute of this number.
    As(usize),
    /// As a flag, which means something only while the interface is set up.
    Flag(u32),
    /// Nowhere; it changes only when the interface's number, address or name does.
    Fact(usize),
    /// Nowhere.
    Nowhere,
    /// As an attribute that is younger than the file.
    Group,
    /// In the statistics; there is no file.
    NoHandler,
    /// Nowhere, and the driver need not know.
    Speed,
    /// As a number of [`STATES`].
    State,
}

/// In the order of the families.
const FILES: [(&[u8], Source); 19] = [
    (b"addr_assign_type", Source::Fact(0)),
    (b"carrier", Source::Flag(LOWER_UP)),
    (b"carrier_changes", Source::As(CARRIER_CHANGES)),
    (b"carrier_down_count", Source::As(48)),
    (b"carrier_up_count", Source::As(47)),
    (b"dev_id", Source::Fact(1)),
    (b"dormant", Source::Flag(DORMANT)),
    // Who asked for promiscuity is not in the flags that a dump reports.
    (b"flags", Source::Nowhere),
    (b"ifindex", Source::As(INDEX)),
    (b"iflink", Source::As(BELOW)),
    (b"link_mode", Source::As(17)),
    (b"mtu", Source::As(4)),
    (b"name_assign_type", Source::Fact(2)),
    (b"netdev_group", Source::Group),
    (b"type", Source::As(PROTOCOL)),
    (b"", Source::NoHandler),
    (SPEED, Source::Speed),
    (b"tx_queue_len", Source::As(13)),
    (b"operstate", Source::State),
];
/// The files of each [`Source::Fact`].
const FACTS: [&[u8]; 3] = [b"addr_assign_type", b"dev_id", b"name_assign_type"];
const SPEED: &[u8] = b"speed";

const CLASS: &[u8] = b"class/net/";
/// The one file among the interfaces.
const NO_INTERFACE: &[u8] = b"bonding_masters";
/// What the files call the numbers of an interface's state.
const STATES: [&[u8]; 7] = [b"unknown", b"notpresent", b"down", b"lowerlayerdown", b"testing", b"dormant", b"up"];

/// The flags of an interface that is set up, has a carrier, waits for its peer.
const UP: u32 = 1;
const LOWER_UP: u32 = 0x10000;
const DORMANT: u32 = 0x20000;

/// The attributes' numbers.
const ADDRESS: usize = 1;
const BROADCAST: usize = 2;
const NAME: usize = 3;
/// The interface below, such as a VLAN's; not reported if it is the interface itself.
const BELOW: usize = 5;
const OPERATING_STATE: usize = 16;
const ALIAS: usize = 20;
const STATISTICS: usize = 23;
const GROUP: usize = 27;
const CARRIER_CHANGES: usize = 35;
/// What stands in the `ifinfomsg`, in the places of attributes that are not reported.
const PROTOCOL: usize = 49;
const INDEX: usize = 50;
const FLAGS: usize = 51;
/// What is known of an interface that only the files describe.
const UNREPORTED: [&[u8]; 52] = [b""; 52];

/// Where the statistics have what came for no protocol, since Linux 4.6.
const NO_HANDLER: usize = 184;

/// The interfaces.
#[derive(Debug)]
pub struct Netclass {
    devices: Filter,
    /// Whose packets for no protocol are reported: node_exporter has them from its collector netdev.
    counted: Filter,
    ignore_invalid_speed: bool,
    facts: Remembered,
}

impl Netclass {
    /// The collector as the options say.
    pub fn new(settings: &Settings) -> Self {
        Self {
            devices: settings.filters.of(Subject::NetclassDevice),
            counted: settings.filters.of(Subject::NetdevDevice),
            ignore_invalid_speed: settings.netclass_ignore_invalid_speed,
            facts: Remembered::default(),
        }
    }
}

impl Collect for Netclass {
    /// Adds a row for each interface.
    ///
    /// # Errors
    /// If the class of interfaces cannot be listed.
    fn collect(&mut self, machine: &Machine, page: &mut Page) -> Result<(), Error> {
        let dump = if machine.paths.sysfs == "/sys" { machine.links().ok() } else { None };
        let names = if dump.is_none() { Some(machine.sys_names(&[CLASS])?) } else { None };
        let each_link = |add: &mut dyn FnMut(&Link<'_>)| {
            let mut add = |name: &[u8], reported: &[&[u8]; 52]| {
                if !name.is_empty() && name != NO_INTERFACE && self.devices.allows(name) {
                    add(&Link { name, reported, machine, collector: self });
                }
            };
            for message in messages(dump.as_deref().unwrap_or_default()) {
                let reported = parse(&message);
                add(text(reported[NAME]), &reported);
            }
            if let Some(names) = &names {
                names.iter().for_each(|name| add(name, &UNREPORTED));
            }
        };
        let mut table = page.table(&FAMILIES);
        each_link(&mut |link| link.add_numbers(&mut table));
        table.finish();
        let mut table = page.table(&INFO);
        each_link(&mut |link| link.add_words(&mut table));
        table.finish();
        Ok(())
    }
}

/// An interface.
#[derive(Debug)]
struct Link<'t> {
    name: &'t [u8],
    /// What a dump has on it, by the attributes' numbers; all empty if only the files do.
    reported: &'t [&'t [u8]; 52],
    machine: &'t Machine,
    collector: &'t Netclass,
}

impl Link<'_> {
    fn is_reported(&self) -> bool {
        !self.reported[INDEX].is_empty()
    }

    fn reported_number(&self, attribute: usize) -> Option<i64> {
        match **self.reported.get(attribute)? {
            [byte] => Some(byte.into()),
            [low, high] => Some(u16::from_ne_bytes([low, high]).into()),
            ref value => u32_at(value, 0).map(i64::from),
        }
    }

    /// What the kernel's file says.
    fn file(&self, file: &[u8]) -> Option<Text<'_>> {
        self.machine.sys(&[CLASS, self.name, b"/", file])
    }

    fn number(&self, file: &[u8]) -> Option<i64> {
        number(&self.file(file)?)
    }

    /// The numbers in `files`, which are read when the dump first reports `key`.
    fn facts(&self, key: &[&[u8]], files: &[&[u8]]) -> Facts {
        let read = || {
            let mut facts = Facts::default();
            for (fact, file) in facts.iter_mut().zip(files) {
                *fact = self.number(file);
            }
            facts
        };
        if self.is_reported() { self.collector.facts.once(key, read) } else { read() }
    }

    fn is_running(&self) -> Option<bool> {
        let flags = if self.is_reported() { self.reported_number(FLAGS) } else { self.number(b"flags") };
        flags.map(|flags| flags & i64::from(UP) != 0)
    }

    /// Whether the files that the kernel refuses unless the interface is set up and its driver knows
    /// of speeds are worth opening: not when one was refused, before the interface's state changes.
    fn driver_reports(&self) -> bool {
        if !self.is_reported() {
            return true;
        }
        let key = [SPEED, self.reported[INDEX], self.reported[FLAGS], self.reported[CARRIER_CHANGES], self.name];
        let [speed, ..] = self.facts(&key, &[SPEED]);
        speed.is_some() && self.is_running() == Some(true)
    }

    /// Adds the values of [`FAMILIES`].
    fn add_numbers(&self, table: &mut Table<'_>) {
        let facts = self.facts(&[self.reported[INDEX], self.reported[ADDRESS], self.name], &FACTS);
        table.row().label("device", self.name);
        for (file, reported) in &FILES {
            let read = || self.number(file);
            let number = match reported {
                Source::NoHandler => self.without_handler(),
                Source::Speed => self.speed(),
                Source::State if self.is_reported() => Some((self.state() == b"up").into()),
                Source::State => Some(self.file(file).is_some_and(|state| *state == *b"up").into()),
                Source::Fact(place) => facts.get(*place).copied().flatten(),
                Source::Nowhere => read(),
                _ if !self.is_reported() => read(),
                Source::Group => self.reported_number(GROUP).or_else(read),
                Source::As(attribute) => self.reported_number(*attribute),
                Source::Flag(flag) => {
                    let flags = self.reported_number(FLAGS).filter(|flags| flags & i64::from(UP) != 0);
                    flags.map(|flags| (flags & i64::from(*flag) != 0).into())
                }
            };
            table.cell(number.map(Value::from));
        }
    }

    /// The number of packets that came for no protocol.
    fn without_handler(&self) -> Option<i64> {
        let count = u64_at(self.reported[STATISTICS], NO_HANDLER)?.try_into().ok();
        count.filter(|_| self.collector.counted.allows(self.name))
    }

    /// Bytes per second.
    fn speed(&self) -> Option<i64> {
        if !self.driver_reports() {
            return None;
        }
        let megabits = self.number(SPEED)?;
        let is_reported = megabits >= 0 || !self.collector.ignore_invalid_speed;
        is_reported.then(|| megabits.wrapping_mul(125_000))
    }

    /// What the state that a dump reports is called.
    fn state(&self) -> &'static [u8] {
        let number = self.reported[OPERATING_STATE].first().copied().unwrap_or_default();
        STATES.get(usize::from(number)).unwrap_or(&STATES[0])
    }

    /// Adds the labels of [`INFO`].
    fn add_words(&self, table: &mut Table<'_>) {
        let admin_state = self.is_running().map_or("unknown", |is_up| if is_up { "up" } else { "down" });
        let duplex = if self.driver_reports() { self.file(b"duplex") } else { None };
        let mut buffer = [0; 3 * LONGEST];
        table.row();
        self.add_word(table, "address", hardware(self.reported[ADDRESS], &mut buffer));
        table.label("adminstate", admin_state.as_bytes());
        self.add_word(table, "broadcast", hardware(self.reported[BROADCAST], &mut buffer));
        table.label("device", self.name).label("duplex", duplex.as_deref().unwrap_or_default());
        self.add_word(table, "ifalias", text(self.reported[ALIAS]));
        self.add_word(table, "operstate", self.state());
        table.count(Some(1));
    }

    /// Adds what is reported, or else what the file of the label's name says.
    fn add_word(&self, table: &mut Table<'_>, name: &str, reported: &[u8]) {
        let file = if self.is_reported() { None } else { self.file(name.as_bytes()) };
        let word = if self.is_reported() { reported } else { file.as_deref().unwrap_or_default() };
        table.label(name, word.trim_ascii());
    }
}

fn number(text: &[u8]) -> Option<i64> {
    if text.starts_with(b"0x") { hex(text)?.try_into().ok() } else { signed(text) }
}

/// What an RTM_NEWLINK reports: its `ifinfomsg` and the attributes; nothing if it is none.
fn parse<'t>(message: &Message<'t>) -> [&'t [u8]; 52] {
    let mut reported = UNREPORTED;
    if message.kind == NEWLINK
        && let Some((head, rest)) = message.body.split_first_chunk::<16>()
    {
        reported = by_type(rest);
        (reported[PROTOCOL], reported[INDEX], reported[FLAGS]) = (&head[2..4], &head[4..8], &head[8..12]);
        if reported[BELOW].is_empty() {
            reported[BELOW] = reported[INDEX];
        }
    }
    reported
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::netlink::sample::{attribute, message};

    /// An `ifinfomsg` of Ethernet with index 4.
    fn head(flags: u32) -> Vec<u8> {
        let mut head = vec![0, 0, 1, 0, 4, 0, 0, 0];
        if cfg!(target_endian = "big") {
            head = vec![0, 0, 0, 1, 0, 0, 0, 4];
        }
        head.extend_from_slice(&flags.to_ne_bytes());
        head.extend_from_slice(&[0; 4]);
        head
    }

    fn answer(flags: u32, more: &[Vec<u8>]) -> Vec<u8> {
        message(NEWLINK, 2, &[vec![head(flags), attribute(3, b"eth0\0")], more.to_vec()].concat().concat())
    }

    fn reported(answer: &[u8]) -> [&[u8]; 52] {
        parse(&messages(answer).next().unwrap())
    }

    fn with_link<T>(answer: &[u8], ask: impl FnOnce(&Link<'_>) -> T) -> T {
        let (machine, collector) = (Machine::default(), Netclass::new(&Settings::default()));
        let reported = reported(answer);
        ask(&Link { name: text(reported[NAME]), reported: &reported, machine: &machine, collector: &collector })
    }

    #[test]
    fn a_link_of_a_dump() {
        let more = [
            attribute(1, &[2, 0xfc, 0, 0, 0, 1]),
            attribute(4, &1400_u32.to_ne_bytes()),
            attribute(16, &[6]),
            attribute(17, &[0]),
            attribute(20, b"to the street\0"),
            attribute(0x8000 | 26, &[0; 8]),
            attribute(35, &2_u32.to_ne_bytes()),
            attribute(50, &68_u32.to_ne_bytes()),
        ];
        with_link(&answer(0x11043, &more), |link| {
            assert!(link.is_reported());
            assert_eq!((link.name, link.state()), (&b"eth0"[..], &b"up"[..]));
            let words = (link.reported[ADDRESS], text(link.reported[ALIAS]));
            assert_eq!(words, (&[2, 0xfc, 0, 0, 0, 1][..], &b"to the street"[..]));
            let numbers = [PROTOCOL, INDEX, FLAGS, BELOW, 4, 17, CARRIER_CHANGES, 48];
            let numbers = numbers.map(|attribute| link.reported_number(attribute));
            assert_eq!(numbers, [Some(1), Some(4), Some(0x11043), Some(4), Some(1400), Some(0), Some(2), None]);
        });
    }

    #[test]
    fn statistics_of_old_kernels_are_shorter() {
        let without_handler =
            |statistics: &[u8]| with_link(&answer(1, &[attribute(23, statistics)]), |link| link.without_handler());
        let statistics: Vec<u8> = (0..25_u64).flat_map(u64::to_ne_bytes).collect();
        assert_eq!(without_handler(&statistics), Some(23));
        assert_eq!(without_handler(&statistics[..184]), None);
    }

    #[test]
    fn what_is_down_has_no_carrier() {
        let lines = |flags| {
            let mut page = Page::default();
            let mut table = page.table(&FAMILIES);
            with_link(&answer(flags, &[]), |link| link.add_numbers(&mut table));
            table.finish();
            [&b"node_network_carrier"[..], b"node_network_dormant", b"node_network_up"]
                .map(|name| page.samples(name).len())
        };
        assert_eq!(lines(0x1002), [0, 0, 1]);
        assert_eq!(lines(0x1003), [1, 1, 1]);
    }

    #[test]
    fn truncated_and_odd() {
        let parsed = |answer: &[u8]| with_link(answer, |link| !link.name.is_empty());
        assert!(parsed(&answer(1, &[])));
        assert!(!parsed(&message(NEWLINK, 2, &head(1))));
        assert!(!parsed(&message(NEWLINK, 2, &head(1)[..15])));
        assert!(!parsed(&message(99, 2, &[head(1), attribute(3, b"eth0\0")].concat())));
        assert!(parsed(&answer(1, &[attribute(16, &[]), attribute(4, &[1, 2, 3])])));
        assert!(parsed(&answer(1, &[attribute(16, &[200]), attribute(4, &[])])));
    }

    #[test]
    fn numbers_of_files() {
        assert_eq!(number(b"0x1003"), Some(0x1003));
        assert_eq!(number(b"-1"), Some(-1));
        for odd in [&b""[..], b"0x", b"up", b"1.5", b"0xffffffffffffffff"] {
            assert_eq!(number(odd), None, "{odd:?}");
        }
    }
}
