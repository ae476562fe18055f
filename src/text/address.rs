//! Hardware addresses, such as an interface's.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let mut buffer = [0; 3 * LONGEST];
        assert_eq!(hardware(&[0xff; 40], &mut buffer).len(), 95);
        assert_eq!(hardware(&[2, 0xfc, 0, 0, 0x9a, 1], &mut buffer), b"02:fc:00:00:9a:01");
        assert_eq!(hardware(&[], &mut buffer), b"");
    }
}
