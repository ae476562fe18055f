//! Generic netlink: the families that drivers and tunnels answer by, each under a number of its own.
//!
//! The kernel gives out the numbers as modules are loaded, and anew when one is loaded again. Asked for
//! the number of a name that it does not know, it runs modprobe: nobody may ask for a family that
//! need not be there.

use rustix::io::Errno;

use super::netlink::{DUMP, Message, ONE, Query, find, pair, u16_at};
use super::netlink_socket::{Netlink, Subsystem, Taker};

/// A family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenericFamily {
    /// Wifi, of every driver that is not its maker's own.
    Nl80211,
    /// WireGuard.
    Wireguard,
    /// AmneziaWG, which speaks as WireGuard does.
    Amneziawg,
}

impl GenericFamily {
    /// What the kernel calls it.
    pub fn name(self) -> &'static [u8] {
        self.name_with_end().strip_suffix(b"\0").unwrap_or_default()
    }

    fn name_with_end(self) -> &'static [u8] {
        match self {
            Self::Nl80211 => b"nl80211\0",
            Self::Wireguard => b"wireguard\0",
            Self::Amneziawg => b"amneziawg\0",
        }
    }
}

/// The family that knows the numbers of the others.
const CONTROL: u16 = 16;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// A `genlmsghdr`: the command, the version and two blank bytes.
pub const HEAD: usize = 4;

/// Asks a family for all that a command brings, as [`Netlink::ask`] does. Its number is looked up
/// first, and once more if it has changed.
pub(super) fn ask(
    netlink: &Netlink,
    family: GenericFamily,
    command: u8,
    about: Option<(u16, u32)>,
    out: &mut Vec<u8>,
    taker: &mut Option<Taker<'_>>,
) -> Result<(), Errno> {
    let (kind, number) = about.unwrap_or_default();
    let number = number.to_ne_bytes();
    let parts: [&[u8]; 3] = [&[command, 1, 0, 0], &pair(8, kind), &number];
    let body = if about.is_some() { &parts } else { parts.get(..1).unwrap_or_default() };
    let known = netlink.families.get(family as usize).ok_or(Errno::NOENT)?;
    for _ in 0..2 {
        if known.get() == 0 {
            known.set(look_up(netlink, family.name_with_end(), out)?);
        }
        let request = Query { kind: known.get(), flags: DUMP, body };
        match netlink.ask(Subsystem::Generic, &request, out, taker) {
            Err(Errno::NOENT) => known.set(0),
            result => return result,
        }
    }
    Err(Errno::NOENT)
}

/// The number of the family of a name.
fn look_up(netlink: &Netlink, name: &[u8], out: &mut Vec<u8>) -> Result<u16, Errno> {
    let mut found = None;
    let mut take = |message: Option<Message<'_>>| found = message.and_then(|message| id(message.body)).or(found);
    let length = u16::try_from(name.len()).unwrap_or_default().wrapping_add(4);
    let body: [&[u8]; 3] = [&[GET_FAMILY, 1, 0, 0], &pair(length, FAMILY_NAME), name];
    let request = Query { kind: CONTROL, flags: ONE, body: &body };
    netlink.ask(Subsystem::Generic, &request, out, &mut Some(&mut take))?;
    found.ok_or(Errno::NOENT)
}

/// The number of a family, of what its look-up brings.
fn id(body: &[u8]) -> Option<u16> {
    u16_at(find(body.get(HEAD..)?, FAMILY_ID)?, 0).filter(|id| *id >= CONTROL)
}

#[cfg(test)]
mod tests {
    use super::super::netlink::sample::{attribute, message};
    use super::super::netlink::{End, messages};
    use super::*;

    #[test]
    fn the_number_of_a_family() {
        let body = |more: &[Vec<u8>]| [vec![1, 2, 0, 0], more.concat()].concat();
        let name = attribute(2, b"nl80211\0");
        assert_eq!(id(&body(&[name.clone(), attribute(1, &30_u16.to_ne_bytes())])), Some(30));
        for odd in [&[name][..], &[], &[attribute(1, &[0; 2])], &[attribute(1, &[0])]] {
            assert_eq!(id(&body(odd)), None, "{odd:?}");
        }
        assert_eq!(id(&[]), None);
    }

    #[test]
    fn a_running_kernel_answers() {
        let netlink = Netlink::default();
        let mut out = Vec::new();
        // The family of the numbers is always there, and is found under its own. An emulator of one
        // program has no such socket.
        match look_up(&netlink, b"nlctrl\0", &mut out) {
            Ok(number) => assert_eq!(number, CONTROL),
            Err(errno) => {
                assert!(matches!(errno, Errno::PROTONOSUPPORT | Errno::AFNOSUPPORT | Errno::INVAL), "{errno}")
            }
        }
        assert!(out.is_empty());
    }

    #[test]
    fn a_number_that_has_changed_is_looked_up_once_more() {
        let netlink = Netlink::default();
        let mut out = Vec::new();
        if look_up(&netlink, b"nlctrl\0", &mut out).is_err() {
            return;
        }
        // No family has ever had so high a number.
        netlink.families[GenericFamily::Amneziawg as usize].set(1023);
        assert!(ask(&netlink, GenericFamily::Amneziawg, 0, None, &mut out, &mut None).is_err());
        assert_ne!(netlink.families[GenericFamily::Amneziawg as usize].get(), 1023);
    }

    #[test]
    fn an_unknown_number_is_refused() {
        let refused = message(2, 0, &(-2_i32).to_ne_bytes());
        assert_eq!(messages(&refused).next().unwrap().end(), Some(End::Refused(Errno::NOENT)));
    }
}
