//! RTM_GETROUTE: where packets are sent, by IPv4 and IPv6 and all tables.
//!
//! Only routes that lead somewhere: not those to the machine itself, to many, or to nowhere. One
//! with several next hops is told once for each.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Deref;

use crate::host::{Error, Host};
use crate::netlink::{Message, attributes, link_name, links, messages, u16_at, u32_at};
use crate::page::{Digits, Family, Page, gauge};

const INFO: [Family; 1] = [gauge("node_network_route_info", "network routing table information")];
const ROUTES: [Family; 1] = [gauge("node_network_routes", "network routes by interface")];

const GETROUTE: u16 = 26;
const NEWROUTE: u16 = 24;
const UNICAST: u8 = 1;
/// The flag of a route that old kernels made for one packet's destination.
const CLONED: u32 = 0x200;

/// Who set a route.
const PROTOCOLS: [(u8, &str); 21] = [
    (0, "unspec"),
    (1, "redirect"),
    (2, "kernel"),
    (3, "boot"),
    (4, "static"),
    (8, "gated"),
    (9, "ra"),
    (10, "mrt"),
    (11, "zebra"),
    (12, "bird"),
    (13, "dnrouted"),
    (14, "xorp"),
    (15, "ntk"),
    (16, "dhcp"),
    (17, "mrouted"),
    (42, "babel"),
    (186, "bgp"),
    (187, "isis"),
    (188, "ospf"),
    (189, "rip"),
    (192, "eigrp"),
];

/// Adds a row for each route, and how many each interface has.
///
/// # Errors
/// If the kernel does not answer.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let dump = host.dump(GETROUTE, &[0; 12]).ok_or(Error::Absent)?;
    let names = host.links().ok_or(Error::Absent)?;
    let hops = || messages(&dump).filter_map(|message| parse(&message)).flat_map(|route| route.hops().map(move |hop| (route, hop)));
    let mut table = page.table(&INFO);
    for (route, hop) in hops() {
        let Some(device) = link_name(&names, hop.index) else { continue };
        let weight = hop.weight.map(Digits::new);
        let labels: [(&str, &[u8]); 7] = [
            ("dest", &route.destination()),
            ("device", device),
            ("gw", &Address::of(hop.gateway)),
            ("priority", &Digits::new(route.priority.into())),
            ("proto", route.protocol()),
            ("src", &Address::of(route.source)),
            ("weight", weight.as_deref().unwrap_or_default()),
        ];
        table.counts(&labels, [Some(1)]);
    }
    table.finish();
    let mut table = page.table(&ROUTES);
    for (index, device) in links(&names) {
        let count = u64::try_from(hops().filter(|(_, hop)| hop.index == index).count()).ok();
        table.counts(&[("device", device)], [count.filter(|count| *count > 0)]);
    }
    table.finish();
    Ok(())
}

/// A route; addresses are empty where there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Route<'t> {
    protocol: u8,
    priority: u32,
    destination: &'t [u8],
    prefix: u8,
    source: &'t [u8],
    only: Hop<'t>,
    /// The next hops, if there are several.
    several: &'t [u8],
}

/// Where a route leads next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Hop<'t> {
    index: u32,
    gateway: &'t [u8],
    weight: Option<u64>,
}

impl<'t> Route<'t> {
    /// An interface for each next hop.
    fn hops(self) -> impl Iterator<Item = Hop<'t>> {
        let only = self.several.is_empty().then_some(self.only);
        let mut rest = self.several;
        only.into_iter().chain(std::iter::from_fn(move || {
            // A `rtnexthop`: its length, flags, weight less 1 and interface, and attributes.
            let length = usize::from(u16_at(rest, 0)?);
            let (weight, index) = (u64::from(*rest.get(3)?).saturating_add(1), u32_at(rest, 4)?);
            let gateway = attributes(rest.get(8..length)?).find(|(kind, _)| *kind == 5).map_or(&b""[..], |(_, value)| value);
            rest = length.checked_next_multiple_of(4).and_then(|next| rest.get(next..)).unwrap_or_default();
            Some(Hop { index, gateway, weight: Some(weight) })
        }))
    }

    fn destination(&self) -> Address {
        if self.destination.is_empty() {
            return Address::text(format_args!("default"));
        }
        let mut address = Address::of(self.destination);
        let _ = write!(address, "/{}", self.prefix);
        address
    }

    fn protocol(&self) -> &'static [u8] {
        PROTOCOLS.iter().find(|(number, _)| *number == self.protocol).map_or(b"unknown", |(_, name)| name.as_bytes())
    }
}

/// An address as people write it; empty if there is none.
struct Address {
    text: [u8; 64],
    length: usize,
}

impl Address {
    fn of(bytes: &[u8]) -> Self {
        if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
            Self::text(format_args!("{}", Ipv4Addr::from(octets)))
        } else if let Ok(octets) = <[u8; 16]>::try_from(bytes) {
            Self::text(format_args!("{}", Ipv6Addr::from(octets)))
        } else {
            Self::text(format_args!(""))
        }
    }

    fn text(arguments: std::fmt::Arguments<'_>) -> Self {
        let mut address = Self { text: [0; 64], length: 0 };
        // The longest has 43 characters.
        let _ = address.write_fmt(arguments);
        address
    }
}

impl Write for Address {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length.checked_add(text.len()).ok_or(std::fmt::Error)?;
        self.text.get_mut(self.length..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

impl Deref for Address {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or_default()
    }
}

/// An RTM_NEWROUTE that leads somewhere: a `rtmsg` and the attributes.
fn parse<'t>(message: &Message<'t>) -> Option<Route<'t>> {
    let (head, rest) = message.body.split_at_checked(12)?;
    let &[family, prefix, _, _, _, protocol, _, kind, ..] = head else { return None };
    let is_told = message.kind == NEWROUTE && kind == UNICAST && u32_at(head, 8)? & CLONED == 0;
    // IPv4 and IPv6, rather than the routers' own of multicasts.
    if !is_told || !matches!(family, 2 | 10) {
        return None;
    }
    let mut route = Route { protocol, priority: 0, destination: b"", prefix, source: b"", only: Hop::default(), several: b"" };
    for (kind, value) in attributes(rest) {
        match kind {
            1 => route.destination = value,
            4 => route.only.index = u32_at(value, 0)?,
            5 => route.only.gateway = value,
            6 => route.priority = u32_at(value, 0)?,
            7 => route.source = value,
            9 => route.several = value,
            _ => {}
        }
    }
    Some(route)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::sample::{attribute, message};

    fn answer(family: u8, prefix: u8, kind: u8, more: &[Vec<u8>]) -> Vec<u8> {
        let head = [family, prefix, 0, 0, 254, 2, 0, kind, 0, 0, 0, 0].to_vec();
        message(NEWROUTE, 2, &[head, more.concat()].concat())
    }

    fn parsed(answer: &[u8]) -> Option<Route<'_>> {
        messages(answer).next().and_then(|message| parse(&message))
    }

    #[test]
    fn a_route_of_its_own_interface() {
        let answer = answer(2, 24, 1, &[attribute(1, &[192, 0, 2, 0]), attribute(7, &[192, 0, 2, 1]), attribute(4, &4_u32.to_ne_bytes())]);
        let route = parsed(&answer).unwrap();
        assert_eq!(*route.destination(), *b"192.0.2.0/24");
        assert_eq!(route.protocol(), b"kernel");
        assert_eq!(*Address::of(route.source), *b"192.0.2.1");
        assert_eq!(route.hops().collect::<Vec<_>>(), [Hop { index: 4, gateway: b"", weight: None }]);
    }

    #[test]
    fn a_route_by_default_and_one_of_several_hops() {
        let mut gateway = [0; 16];
        (gateway[0], gateway[1], gateway[15]) = (0xfd, 0, 1);
        let default = answer(10, 0, 1, &[attribute(5, &gateway), attribute(6, &1024_u32.to_ne_bytes()), attribute(4, &4_u32.to_ne_bytes())]);
        let route = parsed(&default).unwrap();
        assert_eq!((&*route.destination(), route.priority), (&b"default"[..], 1024));
        assert_eq!(*Address::of(route.hops().next().unwrap().gateway), *b"fd00::1");

        let hop = |weight: u8, index: u32, gateway: &[u8]| {
            let rest = attribute(5, gateway);
            let mut hop = u16::try_from(8 + rest.len()).unwrap().to_ne_bytes().to_vec();
            hop.extend_from_slice(&[0, weight]);
            hop.extend_from_slice(&index.to_ne_bytes());
            [hop, rest].concat()
        };
        let several = attribute(9, &[hop(2, 4, &[192, 0, 2, 7]), hop(0, 5, &[192, 0, 2, 8])].concat());
        let answer = answer(2, 16, 1, &[attribute(1, &[10, 9, 0, 0]), several]);
        let hops: Vec<_> = parsed(&answer).unwrap().hops().map(|hop| (hop.index, Address::of(hop.gateway).to_vec(), hop.weight)).collect();
        assert_eq!(hops, [(4, b"192.0.2.7".to_vec(), Some(3)), (5, b"192.0.2.8".to_vec(), Some(1))]);
    }

    #[test]
    fn others_and_odd() {
        assert_eq!(parsed(&answer(2, 8, 2, &[])), None);
        assert_eq!(parsed(&answer(128, 8, 1, &[])), None);
        assert_eq!(parsed(&answer(2, 8, 1, &[attribute(4, &[1])])), None);
        assert_eq!(parsed(&message(NEWROUTE, 2, &[2; 11])), None);
        for odd in [&[][..], &[0], &[0; 8], &[7, 0, 0, 0, 0, 0, 0, 0], &[0xff; 8]] {
            let answer = answer(2, 8, 1, &[attribute(9, odd)]);
            assert!(parsed(&answer).unwrap().hops().count() <= 1, "{odd:?}");
        }
        assert_eq!(*Address::of(&[0xff; 16]), *b"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        assert_eq!(*Address::of(&[1, 2, 3]), *b"");
    }
}
