//! Netlink's messages: what the kernel answers in one piece that files hold one by one.
//!
//! A message is its length, type, flags, sequence number and port, 16 bytes, and a body; a body is
//! a fixed head and attributes, each its length, type and value. All begin at multiples of four, in
//! the machine's own byte order.

use rustix::io::Errno;

use crate::text::scan::split_once;

/// The type of the message that ends a dump.
const DONE: u16 = 3;
/// The type of the message that says what went wrong.
const ERROR: u16 = 2;
/// The first type that is not one of netlink's own.
pub const FIRST_KIND: u16 = 16;
/// The flags of a request: a request, and all there is.
pub(super) const DUMP: u16 = 0x301;
/// The flag of a request that one message answers.
pub(super) const ONE: u16 = 1;
/// The flag of an answer that changed while it was given.
pub(super) const INTERRUPTED: u16 = 0x10;
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
    pub(super) flags: u16,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All was reported.
    Whole,
    /// What it is about changed meanwhile, so that it may be neither the old nor the new.
    Interrupted,
    /// The kernel refuses.
    Refused(Errno),
}

impl Message<'_> {
    /// How the answer ends, if it does with this message: an error may come alone, or where a dump
    /// ends.
    pub fn end(&self) -> Option<End> {
        if self.kind != DONE && self.kind != ERROR {
            return None;
        }
        let error = u32_at(self.body, 0).unwrap_or_default().wrapping_neg();
        Some(match i32::try_from(error) {
            Ok(errno @ 1..4096) => End::Refused(Errno::from_raw_os_error(errno)),
            _ => End::Whole,
        })
    }
}

/// Adds the blank bytes that follow so many others up to a multiple of four.
pub(super) fn pad(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice([0; 3].get(..length.wrapping_neg() & 3).unwrap_or_default());
}

/// A request.
#[derive(Debug)]
pub struct Query<'r> {
    /// Such as RTM_GETLINK.
    pub kind: u16,
    /// [`DUMP`] or [`ONE`].
    pub flags: u16,
    /// The fixed head and the attributes, each part up to a multiple of four.
    pub body: &'r [&'r [u8]],
}

impl Query<'_> {
    /// Adds the message to what is in `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; HEAD]);
        for part in self.body {
            out.extend_from_slice(part);
            pad(out, part.len());
        }
        let length = u32::try_from(out.len().saturating_sub(start)).unwrap_or_default();
        let head = [length.to_ne_bytes(), pair(self.kind, self.flags)];
        for (place, byte) in out.iter_mut().skip(start).zip(head.as_flattened()) {
            *place = *byte;
        }
    }
}

/// Two numbers of 16 bits, such as the length and the kind of an attribute.
pub fn pair(low: u16, high: u16) -> [u8; 4] {
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

/// The messages of an answer that are none of netlink's own, such as the one that ends it.
pub fn things(answer: &[u8]) -> impl Iterator<Item = Message<'_>> {
    messages(answer).filter(|message| message.kind >= FIRST_KIND)
}

/// The value of the first attribute of a kind.
pub fn find(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(known, _)| *known == kind).map(|(_, value)| value)
}

/// An unsigned number as wide as its attribute.
pub fn number(value: &[u8]) -> Option<u64> {
    match value.len() {
        1 => value.first().map(|byte| u64::from(*byte)),
        2 => u16_at(value, 0).map(u64::from),
        4 => u32_at(value, 0).map(u64::from),
        _ => u64_at(value, 0),
    }
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

    /// What a kernel answered to `question` of generic netlink, in this machine's byte order. The
    /// attributes of the kinds `nested` hold attributes, and others are numbers if they are as long
    /// as one.
    pub fn captured(question: &str, nested: &[u16]) -> Vec<u8> {
        let text = include_str!("../../tests/netlink/linux-6.1-mipsel.hex");
        let mut lines = text.lines().skip_while(|line| line.rsplit_once(' ').is_none_or(|(name, _)| name != question));
        let hex = lines.nth(1).expect(question).as_bytes();
        let digit = |byte: u8| char::from(byte).to_digit(16).unwrap();
        let mut bytes: Vec<u8> =
            hex.chunks(2).map(|pair| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).unwrap()).collect();
        if cfg!(target_endian = "big") {
            let mut rest = bytes.as_mut_slice();
            while !rest.is_empty() {
                let length = u32::from_le_bytes(*rest.first_chunk().unwrap()) as usize;
                let (message, after) = rest.split_at_mut(length.next_multiple_of(4));
                [0..4, 4..6, 6..8, 8..12, 12..16].into_iter().for_each(|number| message[number].reverse());
                let is_done = message.len() == 20;
                if is_done {
                    message[16..20].reverse()
                } else {
                    swap(&mut message[20..length], nested)
                }
                rest = after;
            }
        }
        bytes
    }

    fn swap(mut attributes: &mut [u8], nested: &[u16]) {
        while attributes.len() >= 4 {
            let length = usize::from(u16::from_le_bytes([attributes[0], attributes[1]]));
            let kind = u16::from_le_bytes([attributes[2], attributes[3]]) & 0x3fff;
            let end = length.next_multiple_of(4).min(attributes.len());
            let (attribute, after) = attributes.split_at_mut(end);
            [0..2, 2..4].into_iter().for_each(|number| attribute[number].reverse());
            let value = &mut attribute[4..length];
            if nested.contains(&kind) {
                swap(value, nested);
            } else if matches!(value.len(), 2 | 4 | 8) {
                value.reverse();
            }
            attributes = after;
        }
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
        assert_eq!(all.iter().map(Message::end).collect::<Vec<_>>(), [None, Some(End::Whole)]);
        assert_eq!(things(&answer).collect::<Vec<_>>(), all[..1]);
    }

    #[test]
    fn an_answer_may_end_with_an_error() {
        let end = |kind, body: &[u8]| messages(&message(kind, 2, body)).next().unwrap().end();
        for errno in [Errno::NODEV, Errno::OPNOTSUPP] {
            let body = errno.raw_os_error().wrapping_neg().to_ne_bytes();
            assert_eq!(end(ERROR, &body), Some(End::Refused(errno)));
            assert_eq!(end(DONE, &body), Some(End::Refused(errno)));
            assert_eq!(end(16, &body), None);
        }
        for body in
            [&[][..], &[0; 3], &[0; 4], &5_i32.to_ne_bytes(), &i32::MIN.to_ne_bytes(), &(-4096_i32).to_ne_bytes()]
        {
            assert_eq!(end(DONE, body), Some(End::Whole), "{body:?}");
        }
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
        let mut out = b"before".to_vec();
        Query { kind: 18, flags: DUMP, body: &[&[7; 4], &[8; 5]] }.write(&mut out);
        assert_eq!(out.len(), 6 + 16 + 4 + 8);
        let body = [7, 7, 7, 7, 8, 8, 8, 8, 8, 0, 0, 0];
        assert_eq!(messages(&out[6..]).collect::<Vec<_>>(), [Message { kind: 18, body: &body, flags: DUMP }]);
    }
}
