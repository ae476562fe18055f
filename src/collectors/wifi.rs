//! Who is on the wifi, under node_exporter's names, and which network a client is on.
//!
//! A row has the hardware address of a person's device: the collector is off by default, as there.

use crate::collectors::nl80211::{self, Ask, Encoding, Figure, Interface, Stations};
use crate::format::{Family, Page, Table, counter, gauge};
use crate::machine::netlink::{find, u32_at};
use crate::machine::{Error, Machine, absent_is_nothing};
use crate::text::address::{LONGEST, hardware};

const FAMILIES: [Family; 14] = [
    counter!("node_wifi_station_beacon_loss_total", "The total number of times a station has detected a beacon loss."),
    counter!(
        "node_wifi_station_connected_seconds_total",
        "The total number of seconds a station has been connected to an access point."
    ),
    gauge!(
        "node_wifi_station_inactive_seconds",
        "The number of seconds since any wireless activity has occurred on a station."
    ),
    gauge!(
        "node_wifi_station_receive_bits_per_second",
        "The current WiFi receive bitrate of a station, in bits per second."
    ),
    counter!("node_wifi_station_receive_bytes_total", "The total number of bytes received by a WiFi station."),
    counter!("node_wifi_station_received_packets_total", "The total number of packets received by a WiFi station."),
    gauge!("node_wifi_station_signal_dbm", "The current WiFi signal strength, in decibel-milliwatts (dBm)."),
    gauge!(
        "node_wifi_station_transmit_bits_per_second",
        "The current WiFi transmit bitrate of a station, in bits per second."
    ),
    counter!("node_wifi_station_transmit_bytes_total", "The total number of bytes transmitted by a WiFi station."),
    counter!(
        "node_wifi_station_transmit_failed_total",
        "The total number of times a station has failed to send a packet."
    ),
    counter!(
        "node_wifi_station_transmit_retries_total",
        "The total number of times a station has had to retry while sending a packet."
    ),
    counter!(
        "node_wifi_station_transmitted_packets_total",
        "The total number of packets transmitted by a WiFi station."
    ),
    // The rows of these two have labels of their own.
    gauge!("node_wifi_interface_frequency_hertz", "The current frequency a WiFi interface is operating at, in hertz."),
    gauge!("node_wifi_station_info", "Labeled WiFi interface station information as provided by the operating system."),
];
/// In the order of the families.
const FIGURES: [Figure; 12] = [
    Figure(18, Encoding::Count),
    Figure(16, Encoding::Count),
    Figure(1, Encoding::Thousandths),
    Figure(14, Encoding::Rate(100_000)),
    Figure(2, Encoding::Wide(23)),
    Figure(9, Encoding::Count),
    Figure(7, Encoding::Signed),
    Figure(8, Encoding::Rate(100_000)),
    Figure(3, Encoding::Wide(24)),
    Figure(12, Encoding::Count),
    Figure(11, Encoding::Count),
    Figure(10, Encoding::Count),
];

/// The attributes' numbers.
const NETWORK: u16 = 47;
const BSSID: u16 = 1;
const ELEMENTS: u16 = 6;
const STATUS: u16 = 9;

/// What there is of stations.
pub const STATIONS: Stations =
    Stations { labels: ["device", "mac_address"], families: &FAMILIES, figures: &FIGURES, more: add_interface };

/// Adds a row for each station, and which network each client is on.
///
/// # Errors
/// If there is no radio, or the kernel has no descriptor or memory to spare.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    STATIONS.collect(machine, page)
}

/// Adds the frequency of an interface, and the network that it is on, of all that were found.
fn add_interface(interface: &Interface<'_>, ask: Ask<'_>, table: &mut Table<'_>) -> Result<(), Error> {
    if interface.frequency != 0 {
        let hertz = u64::from(interface.frequency).wrapping_mul(1_000_000);
        table.row().label("device", interface.name).skip(FIGURES.len()).count(Some(hertz));
    }
    if !interface.is_of_others() {
        return Ok(());
    }
    let start = table.len();
    let mut buffer = [0; 3 * LONGEST];
    let result = ask(nl80211::GET_SCAN, interface.index, &mut |attributes| {
        let Some(attributes) = attributes else { return table.cut(start) };
        let Some(network) = find(attributes, NETWORK).and_then(parse) else { return };
        table.row().label("bssid", hardware(network.address, &mut buffer)).label("device", interface.name);
        table.label("mode", network.mode).label("ssid", network.ssid);
        table.skip(FIGURES.len().saturating_add(1)).count(Some(1));
    });
    absent_is_nothing(result).map(drop)
}

/// A network that an interface is on.
#[derive(Debug, PartialEq, Eq)]
struct Bss<'t> {
    address: &'t [u8],
    mode: &'static [u8],
    ssid: &'t [u8],
}

/// A network, if the interface is on it.
fn parse(network: &[u8]) -> Option<Bss<'_>> {
    let mode: &[u8] = match u32_at(find(network, STATUS)?, 0)? {
        0 | 1 => b"client",
        2 => b"ad-hoc",
        _ => b"unknown",
    };
    let address = find(network, BSSID)?;
    Some(Bss { address, mode, ssid: ssid(find(network, ELEMENTS).unwrap_or_default()) })
}

/// The network's name among the elements of a beacon, each of which is its number, its length and
/// so many bytes.
fn ssid(mut elements: &[u8]) -> &[u8] {
    while let [number, length, rest @ ..] = elements {
        let Some((value, after)) = rest.split_at_checked(usize::from(*length)) else { break };
        if *number == 0 {
            return value;
        }
        elements = after;
    }
    b""
}

#[cfg(test)]
mod tests {
    use super::super::nl80211::sample;
    use super::*;
    use crate::format::sample::written;
    use crate::machine::netlink::sample::attribute;

    #[test]
    fn real() {
        let mut page = Page::default();
        STATIONS.add(&sample::interfaces(), &mut sample::ask, &mut page).unwrap();
        let page = written(&mut page);
        let samples: Vec<_> = page.lines().filter(|line| !line.starts_with('#')).collect();
        let of = |start: &str| samples.iter().filter(|line| line.starts_with(start)).count();
        // An access point misses no beacons of its stations.
        assert_eq!((of("node_wifi_station_"), of("node_wifi_interface_")), (12 * 3 - 2 + 1, 3));
        let station = r#"{device="wlan0",mac_address="02:00:00:00:01:00"}"#;
        for sample in [
            r#"node_wifi_interface_frequency_hertz{device="wlan1"} 2437000000"#.to_owned(),
            r#"node_wifi_station_info{bssid="02:00:00:00:00:00",device="wlan1",mode="client",ssid="lab net"} 1"#.into(),
            r#"node_wifi_station_beacon_loss_total{device="wlan1",mac_address="02:00:00:00:00:00"} 0"#.into(),
            format!("node_wifi_station_connected_seconds_total{station} 18"),
            format!("node_wifi_station_inactive_seconds{station} 2.084"),
            format!("node_wifi_station_receive_bytes_total{station} 1287"),
            format!("node_wifi_station_signal_dbm{station} -30"),
        ] {
            assert!(samples.contains(&sample.as_str()), "{sample} is not in:\n{page}");
        }
    }

    #[test]
    fn networks() {
        let network = |status: u32, elements: &[u8]| {
            [attribute(1, &[2, 0, 0, 0, 0, 1]), attribute(6, elements), attribute(9, &status.to_ne_bytes())].concat()
        };
        let mode_and_name = |status, elements: &[u8]| {
            let network = network(status, elements);
            parse(&network).map(|network| (network.mode.to_vec(), network.ssid.to_vec()))
        };
        assert_eq!(mode_and_name(1, b"\x01\x02ab\0\x03\xffb\n"), Some((b"client".to_vec(), b"\xffb\n".to_vec())));
        assert_eq!(mode_and_name(0, b"\0\0"), Some((b"client".to_vec(), Vec::new())));
        // Cut off, and nothing.
        assert_eq!(mode_and_name(2, b"\0\x09abc"), Some((b"ad-hoc".to_vec(), Vec::new())));
        assert_eq!(mode_and_name(7, b"\0"), Some((b"unknown".to_vec(), Vec::new())));
        assert_eq!(parse(&attribute(1, &[0; 6])), None);
        assert_eq!(parse(b""), None);
    }
}
