//! `/proc/net/dev`: what each interface received and sent.
//!
//! Old kernels print no blank after the colon when the number is long (`eth0:1234567890`), and an
//! alias's name has a colon of its own (`eth0:1: 0 …`), so the name ends at the last one. On a
//! 32-bit kernel the counters wrap at 4 GB; what the router's hardware NAT forwards is not counted.

use crate::collectors::netdev_addresses;
use crate::filter::Subject;
use crate::format::{Family, Page, counter};
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::scan::{decimal, lines, rsplit_once, words};

/// In the order of the file's columns.
const FAMILIES: [Family; 16] = [
    counter!("node_network_receive_bytes_total", "Network device statistic receive_bytes."),
    counter!("node_network_receive_packets_total", "Network device statistic receive_packets."),
    counter!("node_network_receive_errs_total", "Network device statistic receive_errs."),
    counter!("node_network_receive_drop_total", "Network device statistic receive_drop."),
    counter!("node_network_receive_fifo_total", "Network device statistic receive_fifo."),
    counter!("node_network_receive_frame_total", "Network device statistic receive_frame."),
    counter!("node_network_receive_compressed_total", "Network device statistic receive_compressed."),
    counter!("node_network_receive_multicast_total", "Network device statistic receive_multicast."),
    counter!("node_network_transmit_bytes_total", "Network device statistic transmit_bytes."),
    counter!("node_network_transmit_packets_total", "Network device statistic transmit_packets."),
    counter!("node_network_transmit_errs_total", "Network device statistic transmit_errs."),
    counter!("node_network_transmit_drop_total", "Network device statistic transmit_drop."),
    counter!("node_network_transmit_fifo_total", "Network device statistic transmit_fifo."),
    counter!("node_network_transmit_colls_total", "Network device statistic transmit_colls."),
    counter!("node_network_transmit_carrier_total", "Network device statistic transmit_carrier."),
    counter!("node_network_transmit_compressed_total", "Network device statistic transmit_compressed."),
];

/// Adds a row for each interface, and for each address if they are asked for.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(settings: &Settings, machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let devices = settings.filters.of(Subject::NetdevDevice);
    let text = machine.proc(&[b"net/dev"])?;
    let mut table = page.table(&FAMILIES);
    // The first two lines are the heads of the columns.
    for line in lines(&text).skip(2) {
        match parse(line) {
            Some((device, counters)) if devices.allows(device) => {
                table.row().label("device", device);
                let mut counters = words(counters);
                for _ in &FAMILIES {
                    table.count(counters.next().and_then(decimal));
                }
            }
            Some(_) => {}
            None => text.skip(line),
        }
    }
    table.finish();
    if settings.netdev_address_info {
        netdev_addresses::add(machine, page);
    }
    Ok(())
}

/// An interface's name and its counters: bytes, packets and events since it came up.
fn parse(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (device, counters) = rsplit_once(line, b':')?;
    let device = device.trim_ascii();
    (!device.is_empty()).then_some((device, counters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real() {
        let text = b"  eth0: 256176535    5373    0    1    2     3          4         5   258865    3175    6    7    8     9      10         11";
        let (device, counters) = parse(text).unwrap();
        assert_eq!(device, b"eth0");
        assert_eq!(words(counters).last(), Some(&b"11"[..]));
    }

    #[test]
    fn old_and_odd_names() {
        let (device, counters) = parse(b"  eth2:4294967295 1 0 0 0 0 0 0 2 3 0 0 0 0 0 0").unwrap();
        assert_eq!((device, words(counters).next()), (&b"eth2"[..], Some(&b"4294967295"[..])));
        assert_eq!(parse(b"br0:1: 1 2").unwrap().0, b"br0:1");
        assert_eq!(parse(b"w\xc3\xa4n: 1 2").unwrap().0, "wän".as_bytes());
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(parse(b"eth0: 1 -2 x"), Some((&b"eth0"[..], &b" 1 -2 x"[..])));
        assert_eq!(parse(b"eth0"), None);
        assert_eq!(parse(b" : 1 2"), None);
        assert_eq!(parse(b""), None);
    }
}
