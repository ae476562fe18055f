//! What the kernel answers about radios, stations and tunnels, through the collectors: the input is
//! the answer to every question, and what Ralink's driver writes.

#![no_main]

mod page;

use libfuzzer_sys::fuzz_target;
use router_exporter::collectors::{openwrt, ralink, wifi, wifi_network, wifi_stations, wireguard};
use router_exporter::format::{Page, Sorted};
use router_exporter::machine::generic_netlink::HEAD;
use router_exporter::machine::netlink::things;

fuzz_target!(|input: &[u8]| {
    let tell = &mut |command: u8, _: u32, take: &mut dyn FnMut(Option<&[u8]>)| {
        take(None);
        for message in things(input) {
            take(Some(message.body.get(HEAD..).unwrap_or_default()));
        }
        // Some drivers refuse, even once they have begun.
        if command == input.first().copied().unwrap_or_default() {
            Err(router_exporter::machine::Error::Absent)
        } else {
            Ok(())
        }
    };
    let mut interfaces = Vec::new();
    for index in [[0, 0], [0, 1], [1, 0]] {
        let (address, ssid) =
            (input.first_chunk().unwrap_or(&[0; 16]), input.get(..input.len().min(32)).unwrap_or(input));
        let channel = input.iter().map(|byte| u32::from(*byte)).sum();
        ralink::write_interface(
            &mut interfaces,
            index,
            &[b'r', b'a' + index[0] as u8, b'0' + index[1] as u8],
            channel,
            address,
            ssid,
        );
    }
    let mut tables = vec![0xff; 2 * ralink::TABLE];
    tables.iter_mut().zip(input).for_each(|(place, byte)| *place = *byte);
    let ask = &mut |command: u8, index: u32, take: &mut dyn FnMut(Option<&[u8]>)| {
        ralink::answer(&tables, command, index, take)
    };
    let mut page = Page::default();
    wifi_network::add(&interfaces, ask, &mut page).unwrap();
    wifi_stations::STATIONS.add(&interfaces, ask, &mut page).unwrap();
    let mut out = Sorted::default();
    page.write(&mut out, |_| true);
    page::check(&out.to_vec());

    let mut text = Page::default();
    wifi_network::add(input, tell, &mut text).unwrap();
    wifi::STATIONS.add(input, tell, &mut text).unwrap();
    wifi_stations::STATIONS.add(input, tell, &mut text).unwrap();
    let mut table = text.table(&wireguard::FAMILIES);
    let mut last = wireguard::Last::default();
    for message in things(input) {
        wireguard::add(b"wg0", message.body.get(HEAD..).unwrap_or_default(), &mut last, &mut table);
    }
    assert!(table.len() <= 513 + input.len() / 16);
    table.finish();
    assert!(wireguard::tunnels(input).count() <= input.len());
    openwrt::add_system(&mut Vec::new(), input);
    let mut out = Sorted::default();
    text.write(&mut out, |_| true);
    if !out.is_empty() {
        // No series stands on the page twice.
        page::check(&out.to_vec());
    }
});
