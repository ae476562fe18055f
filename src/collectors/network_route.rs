//! RTM_GETROUTE: where packets are sent, by IPv4 and IPv6 and all tables.
//!
//! Only routes that lead somewhere: not those to the machine itself, to many, or to nowhere. One
//! with several next hops is reported once for each.

use crate::format::{Family, Page, gauge};
use crate::machine::netlink::{Message, after, by_type, link_name, links, messages, u16_at, u32_at};
use crate::machine::{Error, Machine};
use crate::text::address::write_ip;
use crate::text::digits::Digits;

const INFO: [Family; 1] = [gauge!("node_network_route_info", "network routing table information")];
const ROUTES: [Family; 1] = [gauge!("node_network_routes", "network routes by interface")];

const GETROUTE: u16 = 26;
const NEWROUTE: u16 = 24;
const UNICAST: u8 = 1;
/// The flag of a route that old kernels made for one packet's destination.
const CLONED: u32 = 0x200;

/// The attributes' numbers.
const DESTINATION: usize = 1;
const INTERFACE: usize = 4;
const GATEWAY: usize = 5;
const PRIORITY: usize = 6;
const SOURCE: usize = 7;
/// The next hops, if there are several.
const SEVERAL: usize = 9;

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
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let dump = machine.dump(GETROUTE, &[0; 12])?;
    let names = machine.links()?;
    let each_hop = |add: &mut dyn FnMut(&Route<'_>, &Hop<'_>)| {
        for route in messages(&dump).filter_map(|message| parse(&message)) {
            route.each_hop(&mut |hop| add(&route, hop));
        }
    };
    let mut text = Vec::with_capacity(64);
    let mut table = page.table(&INFO);
    each_hop(&mut |route, hop| {
        let Some(device) = link_name(&names, hop.index) else { return };
        route.write_destination(&mut text);
        table.row().label("dest", &text).label("device", device);
        write_ip(&mut text, hop.gateway);
        table.label("gw", &text).label("priority", &Digits::new(route.priority().into()));
        write_ip(&mut text, route.reported[SOURCE]);
        table.label("proto", route.protocol()).label("src", &text);
        let weight = hop.weight.map(|weight| Digits::new(weight.into()));
        table.label("weight", weight.as_deref().unwrap_or_default()).count(Some(1));
    });
    table.finish();
    let mut table = page.table(&ROUTES);
    for (index, device) in links(&names) {
        let mut count = 0_u32;
        each_hop(&mut |_, hop| count = count.wrapping_add((hop.index == index).into()));
        if count > 0 {
            table.row().label("device", device).count(Some(count.into()));
        }
    }
    table.finish();
    Ok(())
}

/// A route.
#[derive(Debug, PartialEq, Eq)]
struct Route<'t> {
    protocol: u8,
    prefix: u8,
    /// What is known of it, by the attributes' numbers.
    reported: [&'t [u8]; 52],
}

/// Where a route leads next.
#[derive(Debug, PartialEq, Eq)]
struct Hop<'t> {
    index: u32,
    gateway: &'t [u8],
    weight: Option<u32>,
}

impl Route<'_> {
    /// Calls `add` with each next hop.
    fn each_hop(&self, add: &mut dyn FnMut(&Hop<'_>)) {
        let mut rest = self.reported[SEVERAL];
        if rest.is_empty() {
            let index = u32_at(self.reported[INTERFACE], 0).unwrap_or_default();
            return add(&Hop { index, gateway: self.reported[GATEWAY], weight: None });
        }
        // A `rtnexthop`: its length, flags, weight less 1 and interface, and attributes.
        while let (Some(length), Some(index)) = (u16_at(rest, 0), u32_at(rest, 4)) {
            let Some(attributes) = rest.get(8..length.into()) else { break };
            let weight = rest.get(3).map(|weight| u32::from(*weight).wrapping_add(1));
            add(&Hop { index, gateway: by_type(attributes)[GATEWAY], weight });
            rest = after(rest, length.into());
        }
    }

    fn write_destination(&self, text: &mut Vec<u8>) {
        write_ip(text, self.reported[DESTINATION]);
        if text.is_empty() {
            text.extend_from_slice(b"default");
        } else {
            text.push(b'/');
            text.extend_from_slice(&Digits::new(self.prefix.into()));
        }
    }

    fn priority(&self) -> u32 {
        u32_at(self.reported[PRIORITY], 0).unwrap_or_default()
    }

    fn protocol(&self) -> &'static [u8] {
        PROTOCOLS.iter().find(|(number, _)| *number == self.protocol).map_or(b"unknown", |(_, name)| name.as_bytes())
    }
}

/// An RTM_NEWROUTE that leads somewhere: a `rtmsg` and the attributes.
fn parse<'t>(message: &Message<'t>) -> Option<Route<'t>> {
    let (head, rest) = message.body.split_at_checked(12)?;
    let &[family, prefix, _, _, _, protocol, _, kind, ..] = head else { return None };
    let is_reported = message.kind == NEWROUTE && kind == UNICAST && u32_at(head, 8)? & CLONED == 0;
    // IPv4 and IPv6, rather than the routers' own of multicasts.
    (is_reported && matches!(family, 2 | 10)).then(|| Route { protocol, prefix, reported: by_type(rest) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::netlink::sample::{attribute, message};

    fn answer(family: u8, prefix: u8, kind: u8, more: &[Vec<u8>]) -> Vec<u8> {
        let head = [family, prefix, 0, 0, 254, 2, 0, kind, 0, 0, 0, 0].to_vec();
        message(NEWROUTE, 2, &[head, more.concat()].concat())
    }

    fn parsed(answer: &[u8]) -> Option<Route<'_>> {
        messages(answer).next().and_then(|message| parse(&message))
    }

    fn address(bytes: &[u8]) -> String {
        let mut text = Vec::new();
        write_ip(&mut text, bytes);
        String::from_utf8(text).unwrap()
    }

    fn destination(route: &Route<'_>) -> String {
        let mut text = Vec::new();
        route.write_destination(&mut text);
        String::from_utf8(text).unwrap()
    }

    /// The interface, the gateway and the weight of each hop.
    fn hops(route: &Route<'_>) -> Vec<(u32, String, Option<u32>)> {
        let mut hops = Vec::new();
        route.each_hop(&mut |hop| {
            hops.push((hop.index, address(hop.gateway), hop.weight));
        });
        hops
    }

    #[test]
    fn a_route_of_its_own_interface() {
        let answer = answer(
            2,
            24,
            1,
            &[attribute(1, &[192, 0, 2, 0]), attribute(7, &[192, 0, 2, 1]), attribute(4, &4_u32.to_ne_bytes())],
        );
        let route = parsed(&answer).unwrap();
        assert_eq!(destination(&route), "192.0.2.0/24");
        assert_eq!(route.protocol(), b"kernel");
        assert_eq!(address(route.reported[SOURCE]), "192.0.2.1");
        assert_eq!(hops(&route), [(4, String::new(), None)]);
    }

    #[test]
    fn a_route_by_default_and_one_of_several_hops() {
        let mut gateway = [0; 16];
        (gateway[0], gateway[1], gateway[15]) = (0xfd, 0, 1);
        let default = answer(
            10,
            0,
            1,
            &[attribute(5, &gateway), attribute(6, &1024_u32.to_ne_bytes()), attribute(4, &4_u32.to_ne_bytes())],
        );
        let route = parsed(&default).unwrap();
        assert_eq!((destination(&route), route.priority()), ("default".into(), 1024));
        assert_eq!(hops(&route), [(4, "fd00::1".into(), None)]);

        let hop = |weight: u8, index: u32, gateway: &[u8]| {
            let rest = attribute(5, gateway);
            let mut hop = u16::try_from(8 + rest.len()).unwrap().to_ne_bytes().to_vec();
            hop.extend_from_slice(&[0, weight]);
            hop.extend_from_slice(&index.to_ne_bytes());
            [hop, rest].concat()
        };
        let several = attribute(9, &[hop(2, 4, &[192, 0, 2, 7]), hop(0, 5, &[192, 0, 2, 8])].concat());
        let answer = answer(2, 16, 1, &[attribute(1, &[10, 9, 0, 0]), several]);
        let expected = [(4, "192.0.2.7".into(), Some(3)), (5, "192.0.2.8".into(), Some(1))];
        assert_eq!(hops(&parsed(&answer).unwrap()), expected);
    }

    #[test]
    fn others_and_odd() {
        assert_eq!(parsed(&answer(2, 8, 2, &[])), None);
        assert_eq!(parsed(&answer(128, 8, 1, &[])), None);
        // No interface has the number 0.
        assert_eq!(hops(&parsed(&answer(2, 8, 1, &[attribute(4, &[1])])).unwrap())[0].0, 0);
        assert_eq!(parsed(&message(NEWROUTE, 2, &[2; 11])), None);
        for odd in [&[][..], &[0], &[0; 8], &[7, 0, 0, 0, 0, 0, 0, 0], &[0xff; 8]] {
            let answer = answer(2, 8, 1, &[attribute(9, odd)]);
            assert!(hops(&parsed(&answer).unwrap()).len() <= 1, "{odd:?}");
        }
    }
}
