//! RTM_GETADDR: the addresses of the interfaces, which `--collector.netdev.address-info` asks for.

use crate::format::{Family, Page, gauge};
use crate::machine::Machine;
use crate::machine::netlink::{Message, by_type, link_name, messages, u32_at};
use crate::text::address::write_ip;
use crate::text::digits::Digits;

const INFO: [Family; 1] = [gauge!("node_network_address_info", "node network address by device")];

const GETADDR: u16 = 22;
const NEWADDR: u16 = 20;
/// The attributes' numbers: of a tunnel's address the other end's, and the machine's own.
const ADDRESS: usize = 1;
const LOCAL: usize = 2;

/// Adds a row for each address; none if the kernel does not answer.
pub fn add(machine: &Machine, page: &mut Page) {
    let (Ok(dump), Ok(names)) = (machine.dump(GETADDR, &[0; 8]), machine.links()) else { return };
    let mut text = Vec::with_capacity(64);
    let mut table = page.table(&INFO);
    for Address { ip, prefix, index } in messages(&dump).filter_map(|message| parse(&message)) {
        let Some(device) = link_name(&names, index) else { continue };
        write_ip(&mut text, ip);
        table.row().label("address", &text).label("device", device);
        table.label("netmask", &Digits::new(prefix.into())).label("scope", scope(ip)).count(Some(1));
    }
    table.finish();
}

/// An address of an interface.
#[derive(Debug, PartialEq, Eq)]
struct Address<'t> {
    /// Four bytes or sixteen.
    ip: &'t [u8],
    /// How many bits of it are the network's.
    prefix: u8,
    /// The interface's number.
    index: u32,
}

/// An RTM_NEWADDR: an `ifaddrmsg` and the attributes.
fn parse<'t>(message: &Message<'t>) -> Option<Address<'t>> {
    let (head, rest) = message.body.split_at_checked(8).filter(|_| message.kind == NEWADDR)?;
    let reported = by_type(rest);
    let ip = if reported[LOCAL].is_empty() { reported[ADDRESS] } else { reported[LOCAL] };
    Some(Address { ip, prefix: *head.get(1)?, index: u32_at(head, 4)? }).filter(|_| matches!(ip.len(), 4 | 16))
}

/// How far an address reaches, in node_exporter's words, to which a machine's own is `link-local`.
fn scope(ip: &[u8]) -> &'static [u8] {
    const LOOPBACK: [u8; 16] = 1_u128.to_be_bytes();
    match *ip {
        [127, ..] | [169, 254, _, _] | [224, 0, 0, _] => b"link-local",
        [0, 0, 0, 0] | [224..=239 | 255, _, _, _] => b"",
        [_, _, _, _] => b"global",
        _ if *ip == LOOPBACK => b"link-local",
        [0xfe, 0x80..=0xbf, ..] => b"link-local",
        [0xff, ..] => b"",
        _ if ip.iter().all(|byte| *byte == 0) => b"",
        _ => b"global",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::netlink::sample::{attribute, message};

    /// An answer with one address of a family and a prefix on the interface 4.
    fn answer(family: u8, prefix: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
        let head = [&[family, prefix, 0x80, 0][..], &4_u32.to_ne_bytes()].concat();
        message(NEWADDR, 2, &[head, attributes.concat()].concat())
    }

    #[test]
    fn real() {
        let lan = answer(2, 24, &[attribute(1, &[192, 168, 1, 1]), attribute(2, &[192, 168, 1, 1])]);
        let tunnel = answer(2, 32, &[attribute(1, &[10, 0, 0, 2]), attribute(2, &[10, 0, 0, 1])]);
        let six = answer(10, 64, &[attribute(1, &[0xfd; 16])]);
        for (answer, ip, prefix) in
            [(lan, &[192, 168, 1, 1][..], 24), (tunnel, &[10, 0, 0, 1], 32), (six, &[0xfd; 16], 64)]
        {
            let parsed = messages(&answer).next().and_then(|message| parse(&message));
            assert_eq!(parsed, Some(Address { ip, prefix, index: 4 }));
        }
    }

    #[test]
    fn truncated_and_odd() {
        let parsed = |answer: &[u8]| messages(answer).any(|message| parse(&message).is_some());
        assert!(!parsed(&answer(2, 24, &[])));
        assert!(!parsed(&answer(2, 24, &[attribute(2, &[1, 2, 3])])));
        assert!(!parsed(&message(NEWADDR, 2, &[2, 24, 0, 0])));
        assert!(!parsed(&message(16, 2, &[&[2, 24, 0, 0, 4, 0, 0, 0][..], &attribute(2, &[10, 0, 0, 1])].concat())));
    }

    #[test]
    fn scopes() {
        let six = |text: &str| text.parse::<std::net::Ipv6Addr>().unwrap().octets();
        for (ip, expected) in [
            (&[127, 0, 0, 1][..], "link-local"),
            (&[169, 254, 7, 1], "link-local"),
            (&[224, 0, 0, 1], "link-local"),
            (&[192, 168, 1, 1], "global"),
            (&[239, 1, 1, 1], ""),
            (&[255, 255, 255, 255], ""),
            (&[0, 0, 0, 0], ""),
            (&six("::1"), "link-local"),
            (&six("fe80::1"), "link-local"),
            (&six("fd00::1"), "global"),
            (&six("ff05::1"), ""),
            (&six("::"), ""),
        ] {
            assert_eq!(scope(ip), expected.as_bytes(), "{ip:?}");
        }
    }
}
