//! WireGuard's tunnels and their peers, and AmneziaWG's, under the names of OpenWrt's exporters.
//!
//! The kernel answers with the private key too, and only to who may set tunnels up: the collector is off
//! by default. No byte of an answer is kept but what stands on the page; netlink.rs wipes each piece.

use crate::format::{Family, Page, Table, counter, gauge};
use crate::machine::generic_netlink::{self, HEAD};
use crate::machine::netlink::{NEWLINK, attributes, find, messages, text, u16_at, u32_at, u64_at};
use crate::machine::{Error, Machine, absent_is_nothing};
use crate::text::address::write_ip;
use crate::text::base64::base64;
use crate::text::digits::Digits;

/// The families, of which the first are a peer's.
pub const FAMILIES: [Family; 5] = [
    gauge!("wireguard_latest_handshake_seconds", "Time of a peer's last handshake, 0 if none."),
    counter!("wireguard_received_bytes_total", "Bytes received from a peer."),
    counter!("wireguard_sent_bytes_total", "Bytes sent to a peer."),
    // The rows of these two have labels of their own.
    gauge!("wireguard_interface_info", "A tunnel."),
    gauge!("wireguard_peer_info", "A peer."),
];

const GET_DEVICE: u8 = 0;

/// The attributes of a tunnel.
const INTERFACE_INDEX: u16 = 1;
const TUNNEL_KEY: u16 = 4;
const LISTEN_PORT: u16 = 6;
const PEERS: u16 = 8;

/// Those of a peer.
const PEER_KEY: u16 = 1;
const ENDPOINT: u16 = 4;
const HANDSHAKE: u16 = 6;
const RECEIVED: u16 = 7;
const SENT: u16 = 8;
const ALLOWED: u16 = 9;

/// Those of an interface: its name, and within what is known of links the kind that it is.
const NAME: u16 = 3;
const LINK_INFO: u16 = 18;
const LINK_KIND: u16 = 1;

/// More rows than a router has, two for each peer: no more are on the page.
const MOST_ROWS: usize = 512;
/// How long the text of a peer's networks grows before it is left at that.
const LONG: usize = 1024;

/// Adds a row for each tunnel and each peer.
///
/// # Errors
/// If there is no tunnel, the exporter lacks CAP_NET_ADMIN, or the kernel descriptors or memory.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    // Netlink knows this machine alone, not one whose files are somewhere else.
    if machine.paths.sysfs != "/sys" {
        return Err(Error::Absent);
    }
    let links = machine.links()?;
    let mut found = Err(Error::Absent);
    let mut table = page.table(&FAMILIES);
    for (index, name, family) in tunnels(&links) {
        let (start, mut last) = (table.len(), Last::default());
        let result = machine.generic(
            family,
            GET_DEVICE,
            Some((INTERFACE_INDEX, index)),
            Some(&mut |message| {
                if let Some(message) = message {
                    add(name, message.body.get(HEAD..).unwrap_or_default(), &mut last, &mut table);
                } else {
                    table.cut(start);
                }
            }),
        );
        // What is half reported is not reported.
        if absent_is_nothing(result.map(drop))?.is_none() {
            table.cut(start);
        }
        found = Ok(());
    }
    table.finish();
    found
}

/// The tunnels among all interfaces: their numbers and names, and who knows of them. Only of such an
/// interface is it certain that the family is there.
pub fn tunnels(links: &[u8]) -> impl Iterator<Item = (u32, &[u8], generic_netlink::GenericFamily)> {
    messages(links).filter(|message| message.kind == NEWLINK).filter_map(|message| {
        let (head, rest) = message.body.split_at_checked(16)?;
        let kind = text(find(find(rest, LINK_INFO)?, LINK_KIND)?);
        let family = [generic_netlink::GenericFamily::Wireguard, generic_netlink::GenericFamily::Amneziawg]
            .into_iter()
            .find(|family| family.name() == kind)?;
        Some((u32_at(head, 4)?, text(find(rest, NAME)?), family))
    })
}

/// The peer of a tunnel whose rows were added last, as its networks may go on in the next message.
#[derive(Debug, Default)]
pub struct Last {
    key: Vec<u8>,
    endpoint: Vec<u8>,
    networks: Vec<u8>,
}

/// Adds what a message reports about a tunnel. The first one of an answer has what is the tunnel's own, and
/// peers; the others have the peers that did not fit.
pub fn add(name: &[u8], reported: &[u8], last: &mut Last, table: &mut Table<'_>) {
    let port = find(reported, LISTEN_PORT).and_then(|value| u16_at(value, 0));
    if let Some(port) = port {
        let key = find(reported, TUNNEL_KEY).unwrap_or_default();
        table.row().label("listen_port", &Digits::new(port.into())).label("name", name);
        table.label("public_key", &base64(key)).skip(3).count(Some(1));
    }
    for (_, peer) in attributes(find(reported, PEERS).unwrap_or_default()) {
        let key = base64(find(peer, PEER_KEY).unwrap_or_default());
        if let Some(received) = find(peer, RECEIVED) {
            if table.len() >= MOST_ROWS {
                break;
            }
            table.row().label("interface", name).label("public_key", &key);
            for value in [find(peer, HANDSHAKE).unwrap_or_default(), received, find(peer, SENT).unwrap_or_default()] {
                table.count(u64_at(value, 0));
            }
            write_endpoint(&mut last.endpoint, find(peer, ENDPOINT).unwrap_or_default());
            last.networks.clear();
            last.key.clear();
            last.key.extend_from_slice(&key);
        } else if last.key == key {
            // Of a peer whose networks did not fit the next message has its key and the rest of them.
            table.cut(table.len().saturating_sub(1));
        } else {
            continue;
        }
        add_networks(find(peer, ALLOWED).unwrap_or_default(), &mut last.networks);
        table.row().label("allowed_ips", &last.networks).label("endpoint", &last.endpoint);
        table.label("interface", name).label("public_key", &key).skip(4).count(Some(1));
    }
}

/// Writes the address and port of a `sockaddr`, in place of what is in `text`.
fn write_endpoint(text: &mut Vec<u8>, endpoint: &[u8]) {
    const IPV4: usize = 16;
    let (address, is_ipv6) = if endpoint.len() == IPV4 { (4..8, false) } else { (8..24, true) };
    write_ip(text, endpoint.get(address).unwrap_or_default());
    let Some(port) = endpoint.get(2..4).and_then(|port| port.try_into().ok()).filter(|_| !text.is_empty()) else {
        return;
    };
    if is_ipv6 {
        text.insert(0, b'[');
        text.push(b']');
    }
    text.push(b':');
    text.extend_from_slice(&Digits::new(u16::from_be_bytes(port).into()));
}

/// Adds the networks that a peer may send from, with commas between.
fn add_networks(allowed: &[u8], all: &mut Vec<u8>) {
    const ADDRESS: u16 = 2;
    const LENGTH: u16 = 3;
    let mut one = Vec::new();
    for (_, network) in attributes(allowed) {
        if all.len() > LONG {
            break;
        }
        write_ip(&mut one, find(network, ADDRESS).unwrap_or_default());
        let Some(length) = find(network, LENGTH).and_then(<[u8]>::first).filter(|_| !one.is_empty()) else { continue };
        if !all.is_empty() {
            all.push(b',');
        }
        all.extend_from_slice(&one);
        all.push(b'/');
        all.extend_from_slice(&Digits::new((*length).into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Sorted;
    use crate::machine::netlink::sample::{attribute, message};
    #[cfg(target_endian = "little")]
    use crate::machine::netlink::{sample::captured, things};

    fn samples(reported: &[&[u8]]) -> Vec<String> {
        let mut page = Page::default();
        let mut table = page.table(&FAMILIES);
        let mut last = Last::default();
        for reported in reported {
            add(b"wg0", reported, &mut last, &mut table);
        }
        table.finish();
        let mut out = Sorted::default();
        page.write(&mut out, |_| true);
        let page = String::from_utf8(out.to_vec()).unwrap();
        page.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn real() {
        let answer = captured("WG_CMD_GET_DEVICE wg0", &[]);
        let message = things(&answer).next().unwrap();
        let samples = samples(&[&message.body[HEAD..]]);
        let [tunnel, handshake, peer, received, sent] = samples.as_slice() else { panic!("{samples:#?}") };
        assert!(
            tunnel.starts_with("wireguard_interface_info{listen_port=\"51820\",name=\"wg0\",public_key=\"bwI+aPv1"),
            "{tunnel}"
        );
        assert!(peer.starts_with("wireguard_peer_info{allowed_ips=\"10."), "{peer}");
        let key = peer.rsplit_once("public_key=\"").unwrap().1.split_once('"').unwrap().0;
        assert_eq!(key.len(), 44);
        let labels = format!("{{interface=\"wg0\",public_key=\"{key}\"}}");
        assert!(handshake.starts_with(&format!("wireguard_latest_handshake_seconds{labels} 17")), "{handshake}");
        assert!(received.starts_with(&format!("wireguard_received_bytes_total{labels} ")), "{received}");
        assert!(sent.starts_with(&format!("wireguard_sent_bytes_total{labels} ")), "{sent}");
        // The private key and the shared one are in the answer and nowhere else.
        let page = format!("{samples:?}");
        for secret in [3, 2] {
            let secret = find(&message.body[HEAD..], secret).into_iter().chain(
                attributes(find(&message.body[HEAD..], PEERS).unwrap()).filter_map(|(_, peer)| find(peer, secret)),
            );
            for secret in secret.filter(|secret| secret.len() == 32) {
                assert!(!page.contains(&base64(secret)[..40].iter().map(|byte| char::from(*byte)).collect::<String>()));
            }
        }
    }

    fn peer(number: u8, more: &[Vec<u8>]) -> Vec<u8> {
        attribute(0, &[vec![attribute(PEER_KEY, &[number; 32])], more.to_vec()].concat().concat())
    }

    fn counts(received: u64) -> Vec<Vec<u8>> {
        let time = [1_800_000_000_i64.to_ne_bytes(), 5_i64.to_ne_bytes()].concat();
        vec![attribute(HANDSHAKE, &time), attribute(RECEIVED, &received.to_ne_bytes()), attribute(SENT, &[0; 8])]
    }

    fn allowed(address: &[u8], length: u8) -> Vec<u8> {
        attribute(0, &[attribute(1, &2_u16.to_ne_bytes()), attribute(2, address), attribute(3, &[length])].concat())
    }

    #[test]
    fn peers_over_two_messages() {
        let ipv4 = [&2_u16.to_ne_bytes()[..], &[0xca, 0x6c, 192, 0, 2, 1], &[0; 8]].concat();
        let networks = [allowed(&[10, 0, 0, 2], 32), allowed(&[0; 3], 1), allowed(&[0; 16], 0)].concat();
        let more = [counts(5_000_000_000), vec![attribute(ENDPOINT, &ipv4), attribute(ALLOWED, &networks)]].concat();
        let first = [attribute(LISTEN_PORT, &51820_u16.to_ne_bytes()), attribute(PEERS, &peer(1, &more))].concat();
        let of_nobody = peer(3, &[attribute(ALLOWED, &allowed(&[10, 0, 0, 9], 32))]);
        let rest = peer(1, &[attribute(ALLOWED, &allowed(&[10, 0, 0, 3], 32))]);
        let rest = [rest, of_nobody, peer(2, &counts(0))].concat();
        let one = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
        let two = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
        assert_eq!(
            samples(&[&first, &attribute(PEERS, &rest)]),
            [
                format!("wireguard_latest_handshake_seconds{{interface=\"wg0\",public_key=\"{one}\"}} 1800000000"),
                format!("wireguard_latest_handshake_seconds{{interface=\"wg0\",public_key=\"{two}\"}} 1800000000"),
                "wireguard_interface_info{listen_port=\"51820\",name=\"wg0\",public_key=\"\"} 1".into(),
                format!(
                    "wireguard_peer_info{{allowed_ips=\"10.0.0.2/32,::/0,10.0.0.3/32\",endpoint=\"192.0.2.1:51820\",interface=\"wg0\",public_key=\"{one}\"}} 1"
                ),
                format!("wireguard_peer_info{{allowed_ips=\"\",endpoint=\"\",interface=\"wg0\",public_key=\"{two}\"}} 1"),
                format!("wireguard_received_bytes_total{{interface=\"wg0\",public_key=\"{one}\"}} 5000000000"),
                format!("wireguard_received_bytes_total{{interface=\"wg0\",public_key=\"{two}\"}} 0"),
                format!("wireguard_sent_bytes_total{{interface=\"wg0\",public_key=\"{one}\"}} 0"),
                format!("wireguard_sent_bytes_total{{interface=\"wg0\",public_key=\"{two}\"}} 0"),
            ]
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
        );
    }

    #[test]
    fn bounded() {
        let peers: Vec<u8> = (0..=u8::MAX).chain(0..100).flat_map(|number| peer(number, &counts(1))).collect();
        // Their nest would not fit one attribute's length: as many messages.
        let messages: Vec<_> = peers.chunks(peer(0, &counts(1)).len()).map(|peer| attribute(PEERS, peer)).collect();
        let reported: Vec<_> = messages.iter().map(Vec::as_slice).collect();
        assert_eq!(samples(&reported).len(), 256 * 4);
        let many: Vec<u8> = (0..1000).flat_map(|_| allowed(&[192, 168, 100, 0], 24)).collect();
        let mut all = Vec::new();
        add_networks(&many, &mut all);
        add_networks(&many, &mut all);
        assert!(all.len() <= LONG + 64 && all.ends_with(b"192.168.100.0/24"));
    }

    #[test]
    fn endpoints() {
        let written = |endpoint: &[u8]| {
            let mut text = b"before".to_vec();
            write_endpoint(&mut text, endpoint);
            String::from_utf8(text).unwrap()
        };
        let ipv6 = [&10_u16.to_ne_bytes()[..], &[0, 80, 0, 0, 0, 0], &[0xfd, 0], &[0; 13], &[1], &[0; 4]].concat();
        assert_eq!(written(&ipv6), "[fd00::1]:80");
        for odd in [&b""[..], &[2], &[0; 15], &ipv6[..23]] {
            assert_eq!(written(odd), "", "{odd:?}");
        }
    }

    #[test]
    fn only_tunnels_are_asked_about() {
        let link = |index: u32, kind: &[u8]| {
            let head = [0, index, 0, 0].map(u32::to_ne_bytes).concat();
            let info = attribute(LINK_INFO, &attribute(LINK_KIND, kind));
            message(NEWLINK, 2, &[head, attribute(NAME, b"wg0\0"), info].concat())
        };
        let links =
            [link(1, b"bridge\0"), link(2, b"wireguard\0"), link(3, b"wireguardian\0"), link(4, b"amneziawg\0")];
        let found: Vec<_> =
            tunnels(&links.concat()).map(|(index, name, family)| (index, name.to_vec(), family)).collect();
        let name = b"wg0".to_vec();
        assert_eq!(
            found,
            [
                (2, name.clone(), generic_netlink::GenericFamily::Wireguard),
                (4, name, generic_netlink::GenericFamily::Amneziawg)
            ]
        );
        assert_eq!(tunnels(&message(NEWLINK, 2, &[0; 15])).count(), 0);
    }
}
