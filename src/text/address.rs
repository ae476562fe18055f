//! Addresses as text: those of hardware, such as an interface's, and those of the Internet Protocol.

use crate::text::digits::Digits;
use crate::text::scan::hex_digit;

/// The longest address that the kernel has, in bytes.
pub const LONGEST: usize = 32;

/// An address as the files have it, hexadecimal bytes with colons between, at the beginning of
/// `text`.
pub fn hardware<'t>(bytes: &[u8], text: &'t mut [u8; 3 * LONGEST]) -> &'t [u8] {
    for (place, byte) in text.chunks_exact_mut(3).zip(bytes) {
        if let [high, low, after] = place {
            (*high, *low, *after) = (hex_digit(byte >> 4), hex_digit(*byte), b':');
        }
    }
    let length = bytes.len().min(LONGEST).saturating_mul(3).saturating_sub(1);
    text.get(..length).unwrap_or_default()
}

/// Writes an address as people do; nothing if there is none.
pub fn write_ip(text: &mut Vec<u8>, address: &[u8]) {
    text.clear();
    if let Ok(groups) = <&[[u8; 2]; 8]>::try_from(address.as_chunks().0) {
        return write_groups(text, groups);
    }
    if address.len() == 4 {
        for byte in address {
            if !text.is_empty() {
                text.push(b'.');
            }
            text.extend_from_slice(&Digits::new((*byte).into()));
        }
    }
}

/// Writes an address of IPv6, `::` for the longest run of zeros.
fn write_groups(text: &mut Vec<u8>, groups: &[[u8; 2]; 8]) {
    let (mut start, mut length) = (0, 1);
    for at in 0..groups.len() {
        let zeros = groups.iter().skip(at).take_while(|group| **group == [0, 0]).count();
        if zeros > length {
            (start, length) = (at, zeros);
        }
    }
    for (at, group) in groups.iter().enumerate() {
        let zeros = if length > 1 { at.wrapping_sub(start) } else { length };
        if zeros == 0 {
            text.extend_from_slice(b"::");
        }
        if zeros < length {
            continue;
        }
        if !text.is_empty() && !text.ends_with(b":") {
            text.push(b':');
        }
        let number = u16::from_be_bytes(*group);
        for shift in [12, 8, 4, 0] {
            if shift == 0 || number >> shift != 0 {
                text.push(hex_digit((number >> shift).to_be_bytes()[1]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_addresses() {
        let mut buffer = [0; 3 * LONGEST];
        assert_eq!(hardware(&[0xff; 40], &mut buffer).len(), 95);
        assert_eq!(hardware(&[2, 0xfc, 0, 0, 0x9a, 1], &mut buffer), b"02:fc:00:00:9a:01");
        assert_eq!(hardware(&[], &mut buffer), b"");
    }

    fn ip(bytes: &[u8]) -> String {
        let mut text = Vec::new();
        write_ip(&mut text, bytes);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn ip_addresses() {
        for text in [
            "::",
            "::1",
            "fd00::1",
            "1::",
            "2001:db8::1:0:0:1",
            "1:0:2:0:3:0:4:0",
            "1:0:0:2::3",
            "ab:10:c:1000:f0f:0:7:8",
            "ff:ff:ff:ff:ff:ff::",
        ] {
            let known: std::net::Ipv6Addr = text.parse().unwrap();
            assert_eq!(ip(&known.octets()), known.to_string());
        }
        assert_eq!(ip(&[0xff; 16]), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        assert_eq!(ip(&[192, 0, 2, 10]), "192.0.2.10");
        assert_eq!(ip(&[1, 2, 3]), "");
    }
}
