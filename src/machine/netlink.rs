//! Netlink's messages: what the kernel answers in one piece that files tell one by one.
//!
//! A message is its length, type, flags, sequence number and port, 16 bytes, and a body; a body is
//! a fixed head and attributes, each its length, type and value. All begin at multiples of four, in
//! the machine's own byte order.

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

use super::files::LONGEST;
use crate::text::scan::split_once;

/// The type of the message that ends a dump.
const DONE: u16 = 3;
/// The type of the message that says what went wrong.
const ERROR: u16 = 2;
/// The flags of a request: a request, and all there is.
const REQUEST_DUMP: u16 = 0x301;
/// The flag of an answer that changed while it was given.
const INTERRUPTED: u16 = 0x10;
/// The length of a message's head.
const HEAD: usize = 16;

/// The request for all interfaces, which an `ifinfomsg` and attributes follow.
pub const GETLINK: u16 = 18;
/// An interface.
pub const NEWLINK: u16 = 16;
/// An `ifinfomsg` that asks for any.
pub const ALL_LINKS: [u8; 16] = [0; 16];

/// One message of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Such as RTM_NEWLINK.
    pub kind: u16,
    /// The fixed head and the attributes.
    pub body: &'a [u8],
    flags: u16,
}

impl Message<'_> {
    /// Whether the answer is whole, once this message has come; `None` if it is of no use.
    pub fn ends(&self) -> Option<bool> {
        match self.kind {
            ERROR => None,
            _ if self.flags & INTERRUPTED != 0 => None,
            kind => Some(kind == DONE),
        }
    }
}

/// Reads an answer to its end; false if it is of no use.
pub(super) fn dump(out: &mut Vec<u8>, kind: u16, body: &[u8]) -> Result<bool, Errno> {
    // The kernel makes its messages as long as the longest buffer that it was given, up to this,
    // and one that does not fit is lost.
    const LONGEST_MESSAGE: usize = 32 << 10;
    // No protocol is NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    let (request, length) = dump_request(kind, body);
    send(&socket, request.get(..length).unwrap_or_default(), SendFlags::empty())?;
    loop {
        let start = out.len();
        if start > LONGEST {
            return Ok(false);
        }
        // Not twice as much as it has, which would be too much to keep.
        out.reserve_exact(LONGEST_MESSAGE);
        // The answer is there before its request has returned.
        let flags = RecvFlags::TRUNC | RecvFlags::DONTWAIT;
        let (_, length) = recv(&socket, spare_capacity(out), flags)?;
        let Some(answer) = out.get(start..).filter(|answer| answer.len() == length && length > 0) else {
            return Ok(false);
        };
        for message in messages(answer) {
            match message.ends() {
                Some(false) => {}
                Some(true) => return Ok(true),
                None => return Ok(false),
            }
        }
        let padding = length.next_multiple_of(4).saturating_sub(length);
        out.resize(out.len().saturating_add(padding), 0);
    }
}

/// The request for all things of a kind, such as RTM_GETLINK; `body` is the fixed head and the
/// attributes, up to 48 bytes.
pub fn dump_request(kind: u16, body: &[u8]) -> ([u8; 64], usize) {
    let mut request = [0; 64];
    let length = HEAD.saturating_add(body.len()).min(request.len());
    let head = [u32::try_from(length).unwrap_or_default().to_ne_bytes(), pair(kind, REQUEST_DUMP)];
    for (place, byte) in request.iter_mut().zip(head.as_flattened()) {
        *place = *byte;
    }
    for (place, byte) in request.iter_mut().skip(HEAD).zip(body) {
        *place = *byte;
    }
    (request, length)
}

fn pair(low: u16, high: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (low.to_ne_bytes(), high.to_ne_bytes());
    [a, b, c, d]
}

/// The messages of an answer; what is cut off at its end is left out.
pub fn messages(mut answer: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(answer, 0)?).ok()?;
        let (kind, flags) = (u16_at(answer, 4)?, u16_at(answer, 6)?);
        let body = answer.get(HEAD..length)?;
        answer = after(answer, length);
        Some(Message { kind, body, flags })
    })
}

/// The attributes in `bytes`: their types, without the bits that say how they are nested, and
/// their values.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        let (kind, value) = (u16_at(bytes, 2)? & 0x3fff, bytes.get(4..length)?);
        bytes = after(bytes, length);
        Some((kind, value))
    })
}

/// The values of the attributes in `bytes` by their types, up to the highest that any collector
/// wants; empty where there are none.
pub fn by_type(bytes: &[u8]) -> [&[u8]; 52] {
    let mut values = [&b""[..]; 52];
    for (kind, value) in attributes(bytes) {
        if let Some(place) = values.get_mut(usize::from(kind)) {
            *place = value;
        }
    }
    values
}

/// The numbers and names of the interfaces of an answer to [`GETLINK`].
pub fn links(answer: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    messages(answer).filter(|message| message.kind == NEWLINK).filter_map(|message| {
        let (head, rest) = message.body.split_at_checked(16)?;
        let (_, name) = attributes(rest).find(|(kind, _)| *kind == 3)?;
        Some((u32_at(head, 4)?, text(name)))
    })
}

/// The name of the interface of that number.
pub fn link_name(answer: &[u8], index: u32) -> Option<&[u8]> {
    links(answer).find(|(number, _)| *number == index).map(|(_, name)| name)
}

/// What an attribute says that is text: all up to the NUL that ends it.
pub fn text(value: &[u8]) -> &[u8] {
    split_once(value, 0).map_or(value, |(text, _)| text)
}

/// What follows after `length` bytes, at the next multiple of four.
pub fn after(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(length.wrapping_add(3) & !3..).unwrap_or_default()
}

/// The number of 16 bits at a place.
pub fn u16_at(bytes: &[u8], place: usize) -> Option<u16> {
    bytes.get(place..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

/// The number of 32 bits at a place.
pub fn u32_at(bytes: &[u8], place: usize) -> Option<u32> {
    bytes.get(place..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

/// The number of 64 bits at a place, which need not be a multiple of eight.
pub fn u64_at(bytes: &[u8], place: usize) -> Option<u64> {
    bytes.get(place..)?.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes))
}

/// A message as the kernel would send it, for the tests of those who read them.
#[cfg(test)]
pub mod sample {
    use super::*;

    /// An attribute, with the blank bytes behind it.
    pub fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = pair(u16::try_from(value.len() + 4).unwrap(), kind).to_vec();
        bytes.extend_from_slice(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    /// A message of a kind.
    pub fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(HEAD + body.len()).unwrap().to_ne_bytes().to_vec();
        bytes.extend_from_slice(&pair(kind, flags));
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::sample::{attribute, message};
    use super::*;

    #[test]
    fn messages_follow_one_another() {
        let answer = [message(16, 2, b"abcde"), message(DONE, 2, &[0; 4])].concat();
        let all: Vec<_> = messages(&answer).collect();
        assert_eq!(all[0], Message { kind: 16, body: b"abcde", flags: 2 });
        assert_eq!(all.iter().map(Message::ends).collect::<Vec<_>>(), [Some(false), Some(true)]);
        assert_eq!(messages(&message(ERROR, 0, &[0; 4])).next().unwrap().ends(), None);
        assert_eq!(messages(&message(16, INTERRUPTED, b"")).next().unwrap().ends(), None);
    }

    #[test]
    fn interfaces_have_numbers_and_names() {
        let link = |index: u32, name: &[u8]| {
            let head = [0, index, 0, 0].map(u32::to_ne_bytes).concat();
            message(NEWLINK, 2, &[head, attribute(3, name)].concat())
        };
        let answer =
            [link(1, b"lo\0"), message(99, 2, &[0; 40]), message(NEWLINK, 2, &[0; 15]), link(7, b"eth0\0")].concat();
        assert_eq!(links(&answer).collect::<Vec<_>>(), [(1, &b"lo"[..]), (7, b"eth0")]);
        assert_eq!((link_name(&answer, 7), link_name(&answer, 2)), (Some(&b"eth0"[..]), None));
    }

    #[test]
    fn attributes_follow_one_another() {
        let bytes = [attribute(3, b"eth0\0"), attribute(0x8000 | 13, &[1, 0, 0, 0])].concat();
        let values = by_type(&bytes);
        assert_eq!((values[3], values[13], values[4]), (&b"eth0\0"[..], &[1, 0, 0, 0][..], &b""[..]));
        let all: Vec<_> = attributes(&bytes).collect();
        assert_eq!(all, [(3, &b"eth0\0"[..]), (13, &[1, 0, 0, 0])]);
    }

    #[test]
    fn cut_off_and_absurd() {
        let answer = message(16, 2, b"abcde");
        for length in 0..HEAD + 5 {
            assert_eq!(messages(&answer[..length]).count(), 0, "{length}");
        }
        for length in [0_u32, 1, 15, u32::MAX] {
            let mut answer = answer.clone();
            answer[..4].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(messages(&answer).count(), 0, "{length}");
        }
        for length in [0_u16, 3, 9, u16::MAX] {
            let mut bytes = attribute(3, b"eth0");
            bytes[..2].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(attributes(&bytes).count(), 0, "{length}");
        }
        assert_eq!(
            (u16_at(b"a", 0), u32_at(b"abc", 0), u64_at(b"abcdefgh", 1), u32_at(b"abcd", 9)),
            (None, None, None, None)
        );
    }

    #[test]
    fn a_request_says_how_long_it_is() {
        let (request, length) = dump_request(18, &[7; 4]);
        assert_eq!(length, 20);
        assert_eq!(messages(&request).next(), Some(Message { kind: 18, body: &[7; 4], flags: REQUEST_DUMP }));
    }
}
