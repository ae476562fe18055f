//! Who is on the wifi and how well each is heard, under the names of OpenWrt's exporters.
//!
//! A row has the hardware address of a person's device: the collector is off by default.

use crate::collectors::nl80211::{Encoding, Figure, Stations};
use crate::format::{Family, Page, counter, gauge};
use crate::machine::{Error, Machine};

const FAMILIES: [Family; 9] = [
    gauge!("wifi_station_expected_throughput_kilobits_per_second", "Throughput to expect of a station."),
    gauge!("wifi_station_inactive_milliseconds", "Time since it was last heard."),
    counter!("wifi_station_receive_bytes_total", "Bytes received from a station."),
    gauge!("wifi_station_receive_kilobits_per_second", "Bitrate from a station."),
    counter!("wifi_station_receive_packets_total", "Packets received from a station."),
    gauge!("wifi_station_signal_dbm", "Signal of a station."),
    counter!("wifi_station_transmit_bytes_total", "Bytes sent to a station."),
    gauge!("wifi_station_transmit_kilobits_per_second", "Bitrate to a station."),
    counter!("wifi_station_transmit_packets_total", "Packets sent to a station."),
];
/// In the order of the families.
const FIGURES: [Figure; 9] = [
    Figure(27, Encoding::Known),
    Figure(1, Encoding::Count),
    Figure(2, Encoding::Wide(23)),
    Figure(14, Encoding::Rate(100)),
    Figure(9, Encoding::Count),
    Figure(7, Encoding::Signed),
    Figure(3, Encoding::Wide(24)),
    Figure(8, Encoding::Rate(100)),
    Figure(10, Encoding::Count),
];

/// What there is of stations.
pub const STATIONS: Stations =
    Stations { labels: ["ifname", "mac"], families: &FAMILIES, figures: &FIGURES, more: |_, _, _| Ok(()) };

/// Adds a row for each station.
///
/// # Errors
/// If there is no radio, or the kernel has no descriptor or memory to spare.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    STATIONS.collect(machine, page)
}

#[cfg(test)]
mod tests {
    use super::super::nl80211::sample;
    use super::*;
    use crate::format::sample::written;

    #[test]
    fn real() {
        let mut page = Page::default();
        STATIONS.add(&sample::interfaces(), &mut sample::ask, &mut page).unwrap();
        let page = written(&mut page);
        let samples: Vec<_> = page.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples.len(), 9 * 3, "{page}");
        for sample in [
            r#"wifi_station_inactive_milliseconds{ifname="wlan0",mac="02:00:00:00:01:00"} 2084"#,
            r#"wifi_station_receive_bytes_total{ifname="wlan0",mac="02:00:00:00:01:00"} 1287"#,
            r#"wifi_station_signal_dbm{ifname="wlan1",mac="02:00:00:00:00:00"} -30"#,
        ] {
            assert!(samples.contains(&sample), "{sample} is not in:\n{page}");
        }
    }
}
