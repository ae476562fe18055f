//! The radios and their networks: how many are on each and how well they are heard on the average, and
//! how full the air is. No client is named.
//!
//! The names are those of OpenWrt's exporters, and `wifi_survey_*` our own.

use crate::collectors::nl80211::{self, Ask, Encoding, Figure, GET_STATION, GET_SURVEY, Interface, SIGNAL};
use crate::format::{Family, Page, Table, counter, gauge};
use crate::machine::netlink::{find, number};
use crate::machine::{Error, Machine, absent_is_nothing};
use crate::text::address::{LONGEST, hardware};
use crate::text::digits::Digits;

const FAMILIES: [Family; 10] = [
    gauge!("wifi_network_bitrate", "Mean bitrate to the stations, in kbit/s."),
    gauge!("wifi_network_noise_dbm", "Noise on the channel."),
    gauge!("wifi_network_quality", "Quality of the mean signal, in percent."),
    gauge!("wifi_network_signal_dbm", "Mean signal of the stations."),
    gauge!("wifi_stations", "Number of stations."),
    // The rows of the others have labels of their own.
    gauge!("wifi_network_info", "A network of a radio."),
    counter!("wifi_survey_active_seconds_total", "Time on the channel."),
    counter!("wifi_survey_busy_seconds_total", "Time that it was busy."),
    counter!("wifi_survey_receive_seconds_total", "Time spent receiving."),
    counter!("wifi_survey_transmit_seconds_total", "Time spent sending."),
];
const OF_STATIONS: usize = 5;
const OF_NETWORK: usize = 6;

/// The attributes of a survey: a channel, its noise, whether it is the one in use, and the times.
const SURVEY: u16 = 84;
const CHANNEL: u16 = 1;
const NOISE: u16 = 2;
const IN_USE: u16 = 3;
const TIMES: [Figure; 4] = [
    Figure(4, Encoding::Thousandths),
    Figure(5, Encoding::Thousandths),
    Figure(7, Encoding::Thousandths),
    Figure(8, Encoding::Thousandths),
];

/// The attributes of a station.
const TRANSMIT_RATE: u16 = 8;

/// Adds a row for each network and each radio.
///
/// # Errors
/// If there is no radio, or the kernel has no descriptor or memory to spare.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    nl80211::collect(machine, &mut |answer, ask| add(answer, ask, page))
}

/// Adds the networks and radios of the interfaces of an answer.
///
/// # Errors
/// Those of `ask` that are faults.
pub fn add(answer: &[u8], ask: Ask<'_>, page: &mut Page) -> Result<(), Error> {
    let interfaces = || nl80211::interfaces(answer);
    let mut table = page.table(&FAMILIES);
    let mut radio = Vec::with_capacity(16);
    // Of the radio that was asked last: the kernel reports the interfaces of each together.
    let mut surveyed = None;
    let mut survey = Vec::with_capacity(64);
    for interface in interfaces() {
        let Some(mode) = interface.mode() else { continue };
        if surveyed != Some(interface.wiphy) {
            surveyed = Some(interface.wiphy);
            radio.clear();
            radio.extend_from_slice(b"phy");
            radio.extend_from_slice(&Digits::new(interface.wiphy.into()));
            let tuned = interfaces().find(|other| other.wiphy == interface.wiphy && other.frequency != 0);
            ask_survey(tuned.as_ref().unwrap_or(&interface), ask, &mut survey)?;
            let frequency = find(&survey, CHANNEL).and_then(number).unwrap_or_default();
            table.row().label("frequency", &Digits::new(frequency)).label("radio", &radio).skip(OF_NETWORK);
            for time in &TIMES {
                table.cell(time.of(&survey));
            }
        }
        add_info(&interface, mode, &radio, &mut table);
        if let Some(sums) = stations(&interface, ask)? {
            sums.add(interface.name, &radio, find(&survey, NOISE).and_then(signed_byte), &mut table);
        }
    }
    table.finish();
    Ok(())
}

/// Asks what a radio knows of its channel: the one in use, else the one of the interface, as some
/// drivers do not say which is in use.
fn ask_survey(interface: &Interface<'_>, ask: Ask<'_>, survey: &mut Vec<u8>) -> Result<(), Error> {
    survey.clear();
    let result = ask(GET_SURVEY, interface.index, &mut |attributes| {
        let reported = attributes.and_then(|attributes| find(attributes, SURVEY)).unwrap_or_default();
        let frequency = find(reported, CHANNEL).and_then(number);
        let is_used = find(reported, IN_USE).is_some();
        let is_own = interface.frequency != 0 && frequency == Some(interface.frequency.into());
        if attributes.is_none() || is_used || (is_own && find(survey, IN_USE).is_none()) {
            survey.clear();
            survey.extend_from_slice(reported);
        }
    });
    absent_is_nothing(result).map(drop)
}

fn signed_byte(value: &[u8]) -> Option<i32> {
    value.first().map(|byte| byte.cast_signed().into())
}

fn add_info(interface: &Interface<'_>, mode: &str, radio: &[u8], table: &mut Table<'_>) {
    let mut buffer = [0; 3 * LONGEST];
    let known = |number: u32| (number != 0).then(|| Digits::new(number.into()));
    table.row().label("bssid", hardware(interface.address, &mut buffer));
    table.label("channel", known(channel(interface.frequency)).as_deref().unwrap_or_default());
    table.label("frequency", known(interface.frequency).as_deref().unwrap_or_default());
    table.label("ifname", interface.name).label("mode", mode.as_bytes());
    table.label("radio", radio).label("ssid", interface.ssid).skip(OF_STATIONS).count(Some(1));
}

/// The number of a channel by its frequency in MHz; 0 if it has none.
fn channel(frequency: u32) -> u32 {
    let start = match frequency {
        2484 => return 14,
        2412..=2472 => 2407,
        5000..=5895 => 5000,
        5955..=7115 => 5950,
        _ => frequency,
    };
    frequency.saturating_sub(start) / 5
}

/// What the stations of a network add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    /// How many there are.
    count: u32,
    /// The sum of the signals in dBm, and how many are reported.
    signal: [i32; 2],
    /// The sum of the bitrates in 100 kbit/s, and how many are reported.
    rate: [i32; 2],
}

impl Sums {
    /// Adds a station.
    fn station(&mut self, signal: Option<i32>, rate: Option<i32>) {
        self.count = self.count.wrapping_add(1);
        for ([sum, reported], value) in [(&mut self.signal, signal), (&mut self.rate, rate)] {
            if let Some(value) = value {
                *sum = sum.wrapping_add(value);
                *reported = reported.wrapping_add(1);
            }
        }
    }

    /// Adds the row of a network.
    fn add(&self, name: &[u8], radio: &[u8], noise: Option<i32>, table: &mut Table<'_>) {
        let mean = |[sum, reported]: [i32; 2]| sum.checked_div(reported);
        let signal = mean(self.signal);
        let quality = signal.map(|signal| signal.clamp(-110, -40).wrapping_add(110).wrapping_mul(100) / 70);
        table.row().label("ifname", name).label("radio", radio);
        for value in [mean(self.rate).map(|rate| rate.wrapping_mul(100)), noise, quality, signal] {
            table.cell(value.map(|value| i64::from(value).into()));
        }
        table.count(Some(self.count.into()));
    }
}

/// What the stations of an interface add up to; `None` if the driver does not report.
fn stations(interface: &Interface<'_>, ask: Ask<'_>) -> Result<Option<Sums>, Error> {
    let mut sums = Sums::default();
    let result = ask(GET_STATION, interface.index, &mut |attributes| match attributes {
        None => sums = Sums::default(),
        Some(attributes) => {
            if let Some((_, reported)) = nl80211::station(attributes) {
                let rate = find(reported, TRANSMIT_RATE).and_then(nl80211::rate);
                sums.station(find(reported, SIGNAL).and_then(signed_byte), rate.map(u32::cast_signed));
            }
        }
    });
    Ok(absent_is_nothing(result)?.map(|()| sums))
}

#[cfg(test)]
mod tests {
    use super::super::nl80211::sample;
    use super::*;
    use crate::format::Sorted;
    use crate::machine::netlink::sample::attribute;

    fn samples(ask: Ask<'_>) -> Vec<String> {
        let mut page = Page::default();
        add(&sample::interfaces(), ask, &mut page).unwrap();
        let mut out = Sorted::default();
        page.write(&mut out, |_| true);
        let page = String::from_utf8(out.to_vec()).unwrap();
        page.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    #[test]
    fn real() {
        let bssid = |number| format!("02:00:00:00:0{number}:00");
        let info = |number, mode, ssid| {
            let bssid = bssid(number);
            format!(
                "wifi_network_info{{bssid=\"{bssid}\",channel=\"6\",frequency=\"2437\",ifname=\"wlan{number}\",mode=\"{mode}\",radio=\"phy{number}\",ssid=\"{ssid}\"}} 1"
            )
        };
        let samples = samples(&mut sample::ask);
        for sample in [
            info(0, "Master", "lab net"),
            info(1, "Client", ""),
            info(2, "Client", ""),
            r#"wifi_network_noise_dbm{ifname="wlan1",radio="phy1"} -92"#.into(),
            r#"wifi_network_quality{ifname="wlan0",radio="phy0"} 100"#.into(),
            r#"wifi_network_signal_dbm{ifname="wlan0",radio="phy0"} -30"#.into(),
            r#"wifi_stations{ifname="wlan0",radio="phy0"} 2"#.into(),
            r#"wifi_stations{ifname="wlan1",radio="phy1"} 1"#.into(),
        ] {
            assert!(samples.contains(&sample), "{sample} is not in {samples:#?}");
        }
        // A driver without a survey, and an interface that has just gone.
        assert!(!samples.iter().any(|sample| sample.contains("noise") && sample.contains("phy0")));
        assert!(!samples.iter().any(|sample| sample.starts_with("wifi_stations") && sample.contains("wlan2")));
        let survey: Vec<_> = samples.iter().filter(|sample| sample.starts_with("wifi_survey")).collect();
        assert_eq!(survey.len(), 2, "{survey:?}");
        assert!(survey[0].starts_with(r#"wifi_survey_active_seconds_total{frequency="2437",radio="phy1"} 0.0"#));
    }

    #[test]
    fn an_answer_that_begins_anew_is_not_counted_twice() {
        let once = samples(&mut sample::ask);
        let twice = samples(&mut |command, index, take| {
            sample::ask(command, index, take)?;
            sample::ask(command, index, take)
        });
        assert_eq!(once, twice);
    }

    #[test]
    fn the_channel_in_use_counts() {
        let channel = |frequency: u32, noise: u8, more: &[u8]| {
            let body = [&attribute(1, &frequency.to_ne_bytes()), &attribute(2, &[noise]), more].concat();
            attribute(84, &body)
        };
        let survey = |channels: &[Vec<u8>]| {
            let interface = Interface { frequency: 5180, ..Interface::default() };
            let answer = &mut |_: u8, _: u32, take: &mut dyn FnMut(Option<&[u8]>)| {
                take(None);
                channels.iter().for_each(|channel| take(Some(channel)));
                Ok(())
            };
            let mut survey = Vec::new();
            ask_survey(&interface, answer, &mut survey).unwrap();
            find(&survey, NOISE).and_then(signed_byte)
        };
        let (mine, other) = (channel(5180, 0xa0, &[]), channel(5200, 0xa1, &attribute(3, &[])));
        assert_eq!(survey(&[mine.clone(), other.clone()]), Some(-95));
        assert_eq!(survey(&[other, mine.clone()]), Some(-95));
        assert_eq!(survey(&[channel(5220, 1, &[]), mine]), Some(-96));
        assert_eq!(survey(&[channel(5220, 1, &[]), vec![], vec![1]]), None);
    }

    #[test]
    fn channels() {
        let known = [(2412, 1), (2472, 13), (2484, 14), (5180, 36), (5825, 165), (5955, 1), (7115, 233)];
        for (frequency, number) in known.into_iter().chain([(0, 0), (2300, 0), (60_480, 0), (u32::MAX, 0)]) {
            assert_eq!(channel(frequency), number, "{frequency}");
        }
    }

    #[test]
    fn means() {
        let mut sums = Sums::default();
        for (signal, rate) in [(Some(-50), Some(60)), (Some(-61), None), (None, Some(541))] {
            sums.station(signal, rate);
        }
        assert_eq!(sums, Sums { count: 3, signal: [-111, 2], rate: [601, 2] });
        let mut page = Page::default();
        let mut table = page.table(&FAMILIES);
        sums.add(b"wlan0", b"phy0", None, &mut table);
        Sums::default().add(b"wlan1", b"phy0", None, &mut table);
        table.finish();
        let mut out = Sorted::default();
        page.write(&mut out, |_| true);
        let page = String::from_utf8(out.to_vec()).unwrap();
        let samples: Vec<_> = page.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                r#"wifi_network_bitrate{ifname="wlan0",radio="phy0"} 30000"#,
                r#"wifi_network_quality{ifname="wlan0",radio="phy0"} 78"#,
                r#"wifi_network_signal_dbm{ifname="wlan0",radio="phy0"} -55"#,
                r#"wifi_stations{ifname="wlan0",radio="phy0"} 3"#,
                r#"wifi_stations{ifname="wlan1",radio="phy0"} 0"#,
            ]
        );
    }
}
