//! Ralink's own driver of wifi, as Padavan's firmware has it: no nl80211, and one request of its own. What
//! it answers is put as nl80211 would, so that the same collectors read it; the radios are numbered as there.
//!
//! Nobody needs a right to ask. The driver counts no bytes and has no survey. It was written by what is known
//! of the driver: no device was at hand.

use std::os::fd::AsFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use crate::collectors::nl80211::{
    ACCESS_POINT, ADDRESS, Add, FREQUENCY, GET_STATION, INTERFACE_INDEX, INTERFACE_NAME, INTERFACE_TYPE, SIGNAL, SSID,
    STATION_INFO, WIPHY,
};
use crate::machine::generic_netlink::HEAD;
use crate::machine::netlink::{FIRST_KIND, Query, pair, u16_at, u32_at};
use crate::machine::{Error, Machine};
use crate::process::syscalls::{About, interface};
use crate::text::digits::Digits;

/// How the names of the radios' interfaces begin. Nothing is asked of the second radio where the first is
/// not there.
const RADIOS: [&[u8]; 2] = [b"ra", b"rai"];
/// The most networks of a radio.
const MOST_NETWORKS: u32 = 16;
/// The length that the firmware's own programs give for a table: of one that is longer nothing comes.
pub const TABLE: usize = 4096;
/// More stations than a table has.
const MOST_STATIONS: usize = 128;

/// Has the interfaces added that are up, as [`nl80211::collect`](super::nl80211::collect).
///
/// # Errors
/// [`Error::Absent`] if there is none, or of another driver.
pub fn collect(machine: &Machine, add: Add<'_>) -> Result<(), Error> {
    machine.sys(&[b"class/net/ra0/ifindex"]).ok_or(Error::Absent)?;
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
    let socket = socket.map_err(|_| Error::Absent)?;
    let mut interfaces = Vec::new();
    // What the driver leaves as it is is no table, nor anybody's station.
    let mut tables = vec![[0xff; TABLE]; RADIOS.len()];
    for ((wiphy, radio), table) in (0..).zip(&RADIOS).zip(&mut tables) {
        for number in 0..MOST_NETWORKS {
            let name = [radio, &*Digits::new(number.into())].concat();
            // Whether it is there and up. Of what is not there root must not ask: the kernel would run modprobe.
            if machine.sys(&[b"class/net/", &name, b"/carrier"]).is_none() {
                break;
            }
            let ask = |what, buffer: &mut [u8]| interface(socket.as_fd(), what, &name, buffer).unwrap_or_default();
            if number == 0 {
                // So it calls itself, and so in older versions.
                let driver = ask(About::Driver, &mut []);
                if !driver.starts_with(b"RTWIFI SoftAP\0") && !driver.starts_with(b"RT2860 SoftAP\0") {
                    break;
                }
                ask(About::Stations, table);
            }
            let channel = u32_at(&ask(About::Channel, &mut []), 0).unwrap_or_default();
            let address = ask(About::Address, &mut []);
            let mut ssid = [0; 64];
            let length = u16_at(&ask(About::Network, &mut ssid), size_of::<usize>()).unwrap_or_default();
            let ssid = ssid.get(..length.into()).unwrap_or_default();
            write_interface(&mut interfaces, [wiphy, number], &name, channel, &address, ssid);
        }
    }
    if interfaces.is_empty() {
        return Err(Error::Absent);
    }
    add(&interfaces, &mut |command, index, take| answer(tables.as_flattened(), command, index, take))
}

/// Adds an interface to an answer: the numbers of its radio and of itself there, its name, its channel, its
/// hardware address behind two bytes, and its network's name.
pub fn write_interface(
    out: &mut Vec<u8>,
    [wiphy, number]: [u32; 2],
    name: &[u8],
    channel: u32,
    address: &[u8; 16],
    ssid: &[u8],
) {
    let frequency = match channel {
        0 => 0,
        14 => 2484,
        _ => channel.wrapping_mul(5).wrapping_add(if channel < 14 { 2407 } else { 5000 }),
    };
    let index = MOST_NETWORKS.wrapping_mul(wiphy).wrapping_add(number).wrapping_add(1);
    let numbers = [
        [0; HEAD],
        pair(8, WIPHY),
        wiphy.to_ne_bytes(),
        pair(8, INTERFACE_INDEX),
        index.to_ne_bytes(),
        pair(8, INTERFACE_TYPE),
        ACCESS_POINT.to_ne_bytes(),
        pair(8, FREQUENCY),
        frequency.to_ne_bytes(),
        pair(10, ADDRESS),
    ];
    let head = |kind, value: &[u8]| pair(u16::try_from(value.len()).unwrap_or_default().wrapping_add(4), kind);
    let address = address.get(2..8).unwrap_or_default();
    let body: [&[u8]; 6] =
        [numbers.as_flattened(), address, &head(INTERFACE_NAME, name), name, &head(SSID, ssid), ssid];
    Query { kind: FIRST_KIND, flags: 0, body: &body }.write(out);
}

/// Answers a command about an interface from the tables of the radios.
///
/// # Errors
/// [`Error::Absent`] if there is no table, or of another command.
pub fn answer(tables: &[u8], command: u8, index: u32, take: &mut dyn FnMut(Option<&[u8]>)) -> Result<(), Error> {
    let index = index.wrapping_sub(1);
    let table = tables.get(TABLE.wrapping_mul((index / MOST_NETWORKS) as usize)..).filter(|_| command == GET_STATION);
    for entry in table.and_then(entries).ok_or(Error::Absent)? {
        if u32::from(entry[0]) == index % MOST_NETWORKS {
            take(Some(station(entry).as_flattened()));
        }
    }
    Ok(())
}

/// The stations of a table, which is their number, so many of them, and blank ones.
fn entries(table: &[u8]) -> Option<&[[u8; 28]]> {
    let count = u32_at(table, 0)? as usize;
    table.get(4..)?.as_chunks().0.get(..count).filter(|_| count <= MOST_STATIONS)
}

/// The attributes of a station.
fn station(entry: &[u8; 28]) -> [[u8; 4]; 6] {
    let [_, a, b, c, d, e, f, _, _, _, one, two, three, ..] = *entry;
    // In dBm. An antenna that is not there hears nothing, and what nobody hears is of no kind.
    let signals = [one, two, three];
    let signals = signals.iter().filter(|signal| **signal != 0);
    let signal = signals.copied().max_by_key(|signal| signal.cast_signed()).unwrap_or_default();
    let kind = if signal == 0 { 0 } else { SIGNAL };
    [pair(10, ADDRESS), [a, b, c, d], [e, f, 0, 0], pair(12, STATION_INFO), pair(5, kind), [signal, 0, 0, 0]]
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;
    use crate::collectors::{nl80211, wifi_network, wifi_stations};
    use crate::format::Page;
    use crate::format::sample::written;

    fn entry(network: u8, mac: u8, signals: [i8; 3]) -> [u8; 28] {
        let mut entry = [0x55; 28];
        entry[..7].copy_from_slice(&[network, 0xaa, 0xbb, 0xcc, 0, 0, mac]);
        entry[10..13].copy_from_slice(&signals.map(i8::cast_unsigned));
        entry
    }

    /// What the driver writes, over what was there.
    fn table(count: u32, entries: &[[u8; 28]]) -> Vec<u8> {
        let mut table = [&count.to_ne_bytes(), entries.as_flattened()].concat();
        table.resize(TABLE, 0xff);
        table
    }

    fn samples(tables: &[Vec<u8>]) -> Vec<String> {
        let tables = tables.concat();
        let mut interfaces = Vec::new();
        let address = |last| [1, 0, 2, 0, 0, 0, 0, last, 9, 9, 9, 9, 9, 9, 9, 9];
        write_interface(&mut interfaces, [0, 0], b"ra0", 13, &address(1), b"home \xff");
        write_interface(&mut interfaces, [0, 1], b"ra1", 14, &address(2), b"");
        write_interface(&mut interfaces, [1, 0], b"rai0", 36, &address(3), &[b'x'; 32]);
        write_interface(&mut interfaces, [1, 1], b"rai1", 0, &[0; 16], b"off");
        let ask: nl80211::Ask<'_> = &mut |command, index, take| answer(&tables, command, index, take);
        let mut page = Page::default();
        wifi_network::add(&interfaces, ask, &mut page).unwrap();
        wifi_stations::STATIONS.add(&interfaces, ask, &mut page).unwrap();
        written(&mut page).lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    const INFO: [&str; 4] = [
        r#"wifi_network_info{bssid="00:00:00:00:00:00",channel="",frequency="",ifname="rai1",mode="Master",radio="phy1",ssid="off"} 1"#,
        r#"wifi_network_info{bssid="02:00:00:00:00:01",channel="13",frequency="2472",ifname="ra0",mode="Master",radio="phy0",ssid="home �"} 1"#,
        r#"wifi_network_info{bssid="02:00:00:00:00:02",channel="14",frequency="2484",ifname="ra1",mode="Master",radio="phy0",ssid=""} 1"#,
        r#"wifi_network_info{bssid="02:00:00:00:00:03",channel="36",frequency="5180",ifname="rai0",mode="Master",radio="phy1",ssid="xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"} 1"#,
    ];

    #[test]
    fn stations_are_of_their_networks() {
        let first = [entry(0, 1, [-70, -55, 0]), entry(1, 2, [-40, 0, 0]), entry(0, 3, [0, 0, 0])];
        let second = [entry(1, 4, [-128, -127, 0])];
        let samples = samples(&[table(3, &first), table(1, &second)]);
        let others: Vec<_> =
            samples.iter().map(String::as_str).filter(|sample| !sample.starts_with("wifi_network_info")).collect();
        assert_eq!(samples.len() - others.len(), 4);
        assert_eq!(
            others,
            [
                r#"wifi_network_quality{ifname="ra0",radio="phy0"} 78"#,
                r#"wifi_network_quality{ifname="ra1",radio="phy0"} 100"#,
                r#"wifi_network_quality{ifname="rai1",radio="phy1"} 0"#,
                r#"wifi_network_signal_dbm{ifname="ra0",radio="phy0"} -55"#,
                r#"wifi_network_signal_dbm{ifname="ra1",radio="phy0"} -40"#,
                r#"wifi_network_signal_dbm{ifname="rai1",radio="phy1"} -127"#,
                r#"wifi_station_signal_dbm{ifname="ra0",mac="aa:bb:cc:00:00:01"} -55"#,
                r#"wifi_station_signal_dbm{ifname="ra1",mac="aa:bb:cc:00:00:02"} -40"#,
                r#"wifi_station_signal_dbm{ifname="rai1",mac="aa:bb:cc:00:00:04"} -127"#,
                r#"wifi_stations{ifname="ra0",radio="phy0"} 2"#,
                r#"wifi_stations{ifname="ra1",radio="phy0"} 1"#,
                r#"wifi_stations{ifname="rai0",radio="phy1"} 0"#,
                r#"wifi_stations{ifname="rai1",radio="phy1"} 1"#,
            ]
        );
    }

    #[test]
    fn what_makes_no_sense_is_no_table() {
        // Not written at all, and more stations than a table has.
        for odd in [vec![0xff; TABLE], table(129, &[entry(0, 1, [-50; 3]); 129])] {
            assert_eq!(samples(&[odd.clone(), odd]), INFO);
        }
        // What is beyond the end of what was written is nobody.
        let counts = samples(&[table(128, &[entry(0, 1, [-50; 3])]), table(0, &[])]);
        let counts: Vec<_> = counts.iter().filter(|sample| sample.starts_with("wifi_stations")).collect();
        assert!(counts[0].ends_with(" 1") && counts[1..].iter().all(|count| count.ends_with(" 0")), "{counts:?}");
        assert_eq!(samples(&[]), INFO);
        let whole = table(128, &[entry(0, 1, [-50; 3]); 128]);
        assert_eq!(entries(&whole).map(<[_]>::len), Some(128));
        for length in [0, 3, 4, 4 + 128 * 28 - 1] {
            assert_eq!(entries(&whole[..length]), None, "{length}");
        }
    }

    #[test]
    fn only_what_is_there_is_asked() {
        let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None).unwrap();
        let ask = |what, name: &[u8], buffer: &mut [u8]| interface(socket.as_fd(), what, name, buffer);
        let number = ask(About::Number, b"lo", &mut []).unwrap();
        let known = Machine::default().sys_decimal(&[b"class/net/lo/ifindex"]);
        assert_eq!(u32_at(&number, 0).map(u64::from), known);
        assert_eq!(ask(About::Address, b"lo", &mut []).unwrap()[2..8], [0; 6]);
        assert!(ask(About::Driver, b"lo", &mut []).is_err());
        // A name that is too long, and a buffer that is too short for what the driver writes.
        assert_eq!(ask(About::Number, &[b'a'; 16], &mut []), Err(Errno::NODEV));
        assert_eq!(ask(About::Network, b"lo", &mut [0; 63]), Err(Errno::NODEV));
        if Machine::default().sys_names(&[b"class/net/ra0"]).is_err() {
            let result = collect(&Machine::default(), &mut |_, _| panic!("nothing is there"));
            assert!(matches!(result, Err(Error::Absent)));
        }
    }
}
