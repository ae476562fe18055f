//! `/sys/class/net/<interface>`: what each interface is and how it is doing, an attribute a file.
//!
//! Most of it comes with one RTM_GETLINK dump instead, at a tenth of the cost: opening a file of
//! /sys is what costs a router most. What the dump does not tell (on an old kernel, of another
//! root, or where the kernel's differs from the file's) is read from the files, and so the page is
//! the same either way. An attribute that the driver refuses is left out, alone.

use std::ops::Deref;

use crate::filter::Filter;
use crate::host::{Error, Host, Text};
use crate::netlink::{Message, NEWLINK, attributes, messages, u16_at, u32_at, u64_at};
use crate::page::{Family, Page, Value, counter, gauge};
use crate::scan::{hex, signed};

const INFO: [Family; 1] =
    [gauge("node_network_info", "Non-numeric data from /sys/class/net/<iface>, value is always 1.")];
const FAMILIES: [Family; 19] = [
    gauge("node_network_address_assign_type", "Network device property: address_assign_type"),
    gauge("node_network_carrier", "Network device property: carrier"),
    counter("node_network_carrier_changes_total", "Network device property: carrier_changes_total"),
    counter("node_network_carrier_down_changes_total", "Network device property: carrier_down_changes_total"),
    counter("node_network_carrier_up_changes_total", "Network device property: carrier_up_changes_total"),
    gauge("node_network_device_id", "Network device property: device_id"),
    gauge("node_network_dormant", "Network device property: dormant"),
    gauge("node_network_flags", "Network device property: flags"),
    gauge("node_network_iface_id", "Network device property: iface_id"),
    gauge("node_network_iface_link", "Network device property: iface_link"),
    gauge("node_network_iface_link_mode", "Network device property: iface_link_mode"),
    gauge("node_network_mtu_bytes", "Network device property: mtu_bytes"),
    gauge("node_network_name_assign_type", "Network device property: name_assign_type"),
    gauge("node_network_net_dev_group", "Network device property: net_dev_group"),
    gauge("node_network_protocol_type", "Network device property: protocol_type"),
    // netdev's in node_exporter, where it also comes with the dump alone.
    counter("node_network_receive_nohandler_total", "Network device statistic receive_nohandler."),
    gauge("node_network_speed_bytes", "Network device property: speed_bytes"),
    gauge("node_network_transmit_queue_length", "Network device property: transmit_queue_length"),
    gauge("node_network_up", "Value is 1 if operstate is 'up', 0 otherwise."),
];

const CLASS: &[u8] = b"class/net/";
/// The one file among the interfaces.
const NO_INTERFACE: &[u8] = b"bonding_masters";
/// What the files call the numbers of an interface's state.
const STATES: [&[u8]; 7] = [b"unknown", b"notpresent", b"down", b"lowerlayerdown", b"testing", b"dormant", b"up"];

/// The flags of an interface that is set up, has a carrier, waits for its peer.
const UP: u32 = 1;
const LOWER_UP: u32 = 0x10000;
const DORMANT: u32 = 0x20000;
/// The longest address that the kernel has, in bytes.
const LONGEST_ADDRESS: usize = 32;

/// Where `rtnl_link_stats64` has what came for no protocol, since Linux 4.6.
const NO_HANDLER: usize = 184;

/// Adds a row for each interface.
///
/// # Errors
/// If the class of interfaces cannot be listed.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let dump = if host.settings.paths.sysfs == "/sys" { host.links() } else { None };
    let names = if dump.is_none() { Some(host.sys_names(&[CLASS])?) } else { None };
    let links = || {
        let told = messages(dump.as_deref().unwrap_or_default()).filter_map(|message| parse(&message));
        let listed = names.iter().flat_map(|names| names.iter()).map(|name| Link { name, told: None });
        told.chain(listed).filter(|link| {
            link.name != NO_INTERFACE && host.settings.filters.allows(Filter::NetclassDevice, link.name)
        })
    };
    let mut table = page.table(&FAMILIES);
    for link in links() {
        table.row(&[("device", link.name)], link.numbers(host));
    }
    table.finish();
    let mut table = page.table(&INFO);
    for link in links() {
        let alias = link.word(host, |told| Word::Told(told.alias), b"ifalias");
        let duplex = link.if_driver_tells(host, || link.file(host, b"duplex"));
        let labels: [(&str, &[u8]); 7] = [
            ("address", &link.word(host, |told| Word::address(told.address), b"address")),
            ("adminstate", link.admin_state(host)),
            ("broadcast", &link.word(host, |told| Word::address(told.broadcast), b"broadcast")),
            ("device", link.name),
            ("duplex", duplex.as_deref().unwrap_or_default()),
            ("ifalias", alias.trim_ascii()),
            ("operstate", &link.word(host, |told| Word::Told(told.state), b"operstate")),
        ];
        table.counts(&labels, [Some(1)]);
    }
    table.finish();
    Ok(())
}

/// An interface, and what the dump tells of it.
#[derive(Debug)]
struct Link<'t> {
    name: &'t [u8],
    told: Option<Told<'t>>,
}

/// What a dump tells of an interface.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told<'t> {
    protocol: u16,
    index: u32,
    flags: u32,
    /// The interface below this one, such as a VLAN's; not told if it is this one itself.
    below: Option<u32>,
    mtu: Option<u32>,
    queue_length: Option<u32>,
    link_mode: Option<u32>,
    group: Option<u32>,
    carrier_changes: Option<u32>,
    carrier_ups: Option<u32>,
    carrier_downs: Option<u32>,
    without_handler: Option<u64>,
    address: &'t [u8],
    broadcast: &'t [u8],
    alias: &'t [u8],
    state: &'t [u8],
}

impl Told<'_> {
    fn is_running(&self) -> bool {
        self.flags & UP != 0
    }

    /// A flag that only means something while the interface is set up.
    fn flag(&self, flag: u32) -> Option<u32> {
        self.is_running().then(|| u32::from(self.flags & flag != 0))
    }
}

impl Link<'_> {
    /// What the kernel's file says.
    fn file<'h>(&self, host: &'h Host, attribute: &[u8]) -> Option<Text<'h>> {
        host.sys(&[CLASS, self.name, b"/", attribute])
    }

    /// What a file says that the kernel refuses unless the interface is set up and its driver knows
    /// of speeds. One that was refused is not opened again before the interface's state changes.
    fn if_driver_tells<T>(&self, host: &Host, read: impl FnOnce() -> Option<T>) -> Option<T> {
        if let Some(told) = &self.told {
            let state = [told.index, told.flags, told.carrier_changes.unwrap_or_default()].map(u32::to_ne_bytes);
            let tells = || [self.file(host, b"speed").map(|_| 1), None, None];
            let [tells, ..] = host.once(&[b"speed", state.as_flattened(), self.name], tells);
            tells.filter(|_| told.is_running())?;
        }
        read()
    }

    /// The values of [`FAMILIES`]; the files hold whole numbers, in hexadecimal with `0x`.
    fn numbers(&self, host: &Host) -> [Option<Value>; 19] {
        let file = |attribute: &[u8]| number(&self.file(host, attribute)?);
        let either = |tell: fn(&Told<'_>) -> Option<u32>, attribute| match &self.told {
            Some(told) => tell(told).map(i64::from),
            None => file(attribute),
        };
        let without_handler = self.told.as_ref().and_then(|told| told.without_handler?.try_into().ok());
        let is_netdev = host.settings.filters.allows(Filter::NetdevDevice, self.name);
        let is_up = match &self.told {
            Some(told) => told.state == b"up",
            None => self.file(host, b"operstate").is_some_and(|state| *state == *b"up"),
        };
        let speed = self.if_driver_tells(host, || {
            let megabits = file(b"speed")?;
            let is_told = megabits >= 0 || !host.settings.netclass_ignore_invalid_speed;
            megabits.checked_mul(125_000).filter(|_| is_told)
        });
        let fixed = || [file(b"addr_assign_type"), file(b"dev_id"), file(b"name_assign_type")];
        let [address_assign_type, device_id, name_assign_type] = match &self.told {
            // They only change when one of these does, and each would be a file to open.
            Some(told) => host.once(&[&told.index.to_ne_bytes(), told.address, self.name], fixed),
            None => fixed(),
        };
        let numbers = [
            address_assign_type,
            either(|told| told.flag(LOWER_UP), b"carrier"),
            either(|told| told.carrier_changes, b"carrier_changes"),
            either(|told| told.carrier_downs, b"carrier_down_count"),
            either(|told| told.carrier_ups, b"carrier_up_count"),
            device_id,
            either(|told| told.flag(DORMANT), b"dormant"),
            // Who asked for promiscuity is not in the flags that a dump tells.
            file(b"flags"),
            either(|told| Some(told.index), b"ifindex"),
            either(|told| told.below.or(Some(told.index)), b"iflink"),
            either(|told| told.link_mode, b"link_mode"),
            either(|told| told.mtu, b"mtu"),
            name_assign_type,
            // The file is older than the attribute.
            either(|told| told.group, b"netdev_group").or_else(|| file(b"netdev_group")),
            either(|told| Some(told.protocol.into()), b"type"),
            without_handler.filter(|_| is_netdev),
            speed,
            either(|told| told.queue_length, b"tx_queue_len"),
            Some(is_up.into()),
        ];
        numbers.map(|number| number.map(Value::from))
    }

    fn admin_state(&self, host: &Host) -> &'static [u8] {
        let is_up = match &self.told {
            Some(told) => Some(told.is_running()),
            None => self.file(host, b"flags").and_then(|text| number(&text)).map(|flags| flags & i64::from(UP) != 0),
        };
        is_up.map_or(b"unknown", |is_up| if is_up { b"up" } else { b"down" })
    }

    /// A word that is told, or that is in a file.
    fn word<'a>(&'a self, host: &'a Host, tell: fn(&'a Told<'a>) -> Word<'a>, attribute: &[u8]) -> Word<'a> {
        match &self.told {
            Some(told) => tell(told),
            None => self.file(host, attribute).map_or(Word::Told(b""), Word::File),
        }
    }
}

/// A word of an interface's, and where it is held.
enum Word<'a> {
    File(Text<'a>),
    Told(&'a [u8]),
    Address([u8; 3 * LONGEST_ADDRESS], usize),
}

impl Word<'_> {
    /// An address as the files have it: hexadecimal bytes with colons between.
    fn address(bytes: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |value: u8| DIGITS.get(usize::from(value & 15)).copied().unwrap_or_default();
        let mut text = [b':'; 3 * LONGEST_ADDRESS];
        for (place, byte) in text.chunks_exact_mut(3).zip(bytes) {
            if let [high, low, _] = place {
                (*high, *low) = (digit(byte >> 4), digit(*byte));
            }
        }
        let length = bytes.len().min(LONGEST_ADDRESS).saturating_mul(3).saturating_sub(1);
        Self::Address(text, length)
    }
}

impl Deref for Word<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::File(text) => text,
            Self::Told(bytes) => bytes,
            Self::Address(text, length) => text.get(..*length).unwrap_or_default(),
        }
    }
}

fn number(text: &[u8]) -> Option<i64> {
    if text.starts_with(b"0x") { hex(text)?.try_into().ok() } else { signed(text) }
}

/// An RTM_NEWLINK: an `ifinfomsg` and the attributes.
fn parse<'t>(message: &Message<'t>) -> Option<Link<'t>> {
    if message.kind != NEWLINK {
        return None;
    }
    let (head, attributes_of) = message.body.split_at_checked(16)?;
    let mut told =
        Told { protocol: u16_at(head, 2)?, index: u32_at(head, 4)?, flags: u32_at(head, 8)?, ..Told::default() };
    let mut name = None;
    let mut state = 0;
    for (kind, value) in attributes(attributes_of) {
        let number = u32_at(value, 0);
        let text = value.split(|&byte| byte == 0).next().unwrap_or_default();
        match kind {
            1 => told.address = value,
            2 => told.broadcast = value,
            3 => name = Some(text),
            4 => told.mtu = number,
            5 => told.below = number,
            13 => told.queue_length = number,
            16 => state = *value.first()?,
            17 => told.link_mode = value.first().map(|&mode| mode.into()),
            20 => told.alias = text,
            23 => told.without_handler = u64_at(value, NO_HANDLER),
            27 => told.group = number,
            35 => told.carrier_changes = number,
            47 => told.carrier_ups = number,
            48 => told.carrier_downs = number,
            _ => {}
        }
    }
    told.state = STATES.get(usize::from(state)).copied().unwrap_or(b"unknown");
    Some(Link { name: name?, told: Some(told) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::sample::{attribute, message};

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
        ];
        let answer = answer(0x11043, &more);
        let link = parse(&messages(&answer).next().unwrap()).unwrap();
        assert_eq!(link.name, b"eth0");
        let told = link.told.unwrap();
        assert_eq!(told.flag(LOWER_UP), Some(1));
        assert_eq!(told.flag(DORMANT), Some(0));
        let expected = Told {
            protocol: 1,
            index: 4,
            flags: 0x11043,
            mtu: Some(1400),
            link_mode: Some(0),
            carrier_changes: Some(2),
            address: &[2, 0xfc, 0, 0, 0, 1],
            alias: b"to the street",
            state: b"up",
            ..Told::default()
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn statistics_of_old_kernels_are_shorter() {
        let told = |statistics: &[u8]| {
            let answer = answer(1, &[attribute(23, statistics)]);
            parse(&messages(&answer).next().unwrap()).unwrap().told.unwrap().without_handler
        };
        let statistics: Vec<u8> = (0..25_u64).flat_map(u64::to_ne_bytes).collect();
        assert_eq!(told(&statistics), Some(23));
        assert_eq!(told(&statistics[..184]), None);
    }

    #[test]
    fn what_is_down_has_no_carrier() {
        let answer = answer(0x1002, &[]);
        let told = parse(&messages(&answer).next().unwrap()).unwrap().told.unwrap();
        assert_eq!((told.flag(LOWER_UP), told.flag(DORMANT), told.state), (None, None, &b"unknown"[..]));
    }

    #[test]
    fn truncated_and_odd() {
        let parsed = |answer: &[u8]| messages(answer).next().and_then(|message| parse(&message)).is_some();
        assert!(parsed(&answer(1, &[])));
        assert!(!parsed(&message(NEWLINK, 2, &head(1))));
        assert!(!parsed(&message(NEWLINK, 2, &head(1)[..15])));
        assert!(!parsed(&message(99, 2, &[head(1), attribute(3, b"eth0\0")].concat())));
        assert!(!parsed(&answer(1, &[attribute(16, &[])])));
        assert!(parsed(&answer(1, &[attribute(16, &[200]), attribute(4, &[1])])));
    }

    #[test]
    fn addresses() {
        assert_eq!(*Word::address(&[2, 0xfc, 0, 0, 0x9a, 1]), *b"02:fc:00:00:9a:01");
        assert_eq!(*Word::address(&[]), *b"");
        assert_eq!(Word::address(&[0xff; 40]).len(), 95);
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
