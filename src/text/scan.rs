//! Taking the kernel's text apart: bytes in, numbers and slices out, nothing allocated.
//!
//! The kernel promises no encoding (an interface, a mount point or a disk may carry any byte but
//! NUL and `/`), so everything here works on bytes. What is not as expected is `None`; what that
//! costs (a sample, a line, a file) is the caller's to say.

use memchr::memchr;

/// The lines of `text`, without their ends. A last line without an end counts.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let (line, after) = rest.split_at_checked(end)?;
        rest = after.get(1..).unwrap_or_default();
        Some(line)
    })
}

/// The words of `line`: what blanks and tabs separate, however many.
pub fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = line.iter();
    std::iter::from_fn(move || {
        // Two plain loops over each byte once, in registers: most of a scrape's own work is done here.
        let mut bytes = rest.clone();
        let word = loop {
            let word = bytes.as_slice();
            match bytes.next() {
                Some(b' ' | b'\t') => {}
                Some(_) => break word,
                None => return None,
            }
        };
        let after = loop {
            let after = bytes.len();
            match bytes.next() {
                Some(b' ' | b'\t') | None => break after,
                Some(_) => {}
            }
        };
        rest = bytes;
        word.get(..word.len().wrapping_sub(after))
    })
}

/// What stands before and after the first `separator`.
pub fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr(separator, text)?;
    text.split_at_checked(at).and_then(|(before, after)| Some((before, after.get(1..)?)))
}

/// What stands before and after the last `separator`.
pub fn rsplit_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().rposition(|&byte| byte == separator)?;
    text.split_at_checked(at).and_then(|(before, after)| Some((before, after.get(1..)?)))
}

/// What stands before and after the first `separator`, an ASCII character.
pub fn split_text(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = memchr(separator, text.as_bytes())?;
    text.split_at_checked(at).and_then(|(before, after)| Some((before, after.get(1..)?)))
}

/// Whether both have the same bytes, four of which are compared at a time; the C library's `memcmp`
/// compares one.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    let (fours, rest) = one.as_chunks();
    let (other_fours, other_rest) = other.as_chunks();
    let same = |(one, other): (&[u8; 4], &[u8; 4])| u32::from_ne_bytes(*one) == u32::from_ne_bytes(*other);
    one.len() == other.len()
        && fours.iter().zip(other_fours).all(same)
        && rest.iter().zip(other_rest).all(|(one, other)| one == other)
}

/// Where `part` first begins in `text`; it has a byte at least.
pub fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|found| found == part)
}

/// An unsigned number in decimal, all of `text` and nothing else.
pub fn decimal(text: &[u8]) -> Option<u64> {
    // Most numbers fit 32 bits, where a router's processor multiplies in one step.
    let (first, rest) = text.split_at_checked(9).unwrap_or((text, b""));
    if first.is_empty() {
        return None;
    }
    let mut sum = 0_u32;
    for byte in first {
        sum = sum.wrapping_mul(10).wrapping_add(digit(*byte)?);
    }
    let mut sum = u64::from(sum);
    for byte in rest {
        sum = with_digit(sum, *byte)?;
    }
    Some(sum)
}

/// An unsigned number in decimal, of so many units each.
pub fn scaled(text: &[u8], units: u64) -> Option<u64> {
    decimal(text)?.checked_mul(units)
}

fn with_digit(number: u64, byte: u8) -> Option<u64> {
    number.checked_mul(10)?.checked_add(digit(byte)?.into())
}

fn digit(byte: u8) -> Option<u32> {
    let value = u32::from(byte).wrapping_sub(u32::from(b'0'));
    (value < 10).then_some(value)
}

/// A number in decimal that may be negative.
pub fn signed(text: &[u8]) -> Option<i64> {
    match text.strip_prefix(b"-") {
        Some(magnitude) => 0_i64.checked_sub_unsigned(decimal(magnitude)?),
        None => decimal(text)?.try_into().ok(),
    }
}

/// An unsigned number in hexadecimal, with or without `0x`.
pub fn hex(text: &[u8]) -> Option<u64> {
    let text = text.strip_prefix(b"0x").unwrap_or(text);
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, &byte| Some(sum.wrapping_shl(4) | u64::from(char::from(byte).to_digit(16)?)))
}

/// The hexadecimal digit of the lower half of `value`.
pub fn hex_digit(value: u8) -> u8 {
    match value & 15 {
        digit @ 0..=9 => b'0'.wrapping_add(digit),
        digit => (b'a' - 10).wrapping_add(digit),
    }
}

/// A number with at most `places` decimals, in units of 10^-`places`: `fixed(b"0.42", 2)` is 42.
pub fn fixed(text: &[u8], places: usize) -> Option<u64> {
    let (whole, fraction) = split_once(text, b'.').unwrap_or((text, b"0"));
    if fraction.is_empty() || fraction.len() > places {
        return None;
    }
    let mut sum = decimal(whole)?;
    for place in 0..places {
        let byte = fraction.get(place).copied().unwrap_or(b'0');
        sum = with_digit(sum, byte)?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_or_without_a_line_end() {
        assert!(lines(b"a\nb\n").eq(lines(b"a\nb")));
        assert_eq!(lines(b"a\n\nb\n").collect::<Vec<_>>(), [&b"a"[..], b"", b"b"]);
        assert_eq!(lines(b"").count(), 0);
        assert_eq!(lines(b"\n").collect::<Vec<_>>(), [b""]);
    }

    #[test]
    fn words_are_what_blanks_separate() {
        assert_eq!(words(b"  a\tbc  d ").collect::<Vec<_>>(), [&b"a"[..], b"bc", b"d"]);
        assert_eq!(words(b" ").count(), 0);
    }

    #[test]
    fn splits_once() {
        assert_eq!(split_once(b"wan:1: 2", b':'), Some((&b"wan"[..], &b"1: 2"[..])));
        assert_eq!(rsplit_once(b"wan:1: 2", b':'), Some((&b"wan:1"[..], &b" 2"[..])));
        assert_eq!(split_once(b"wan", b':'), None);
        assert_eq!(split_once(b"wan:", b':'), Some((&b"wan"[..], &b""[..])));
    }

    #[test]
    fn the_same_has_every_byte() {
        for length in 0..13 {
            let one: Vec<u8> = (0..length).collect();
            assert!(is_same(&one, &one.clone()));
            assert!(!is_same(&one, &[&*one, b"x"].concat()) && !is_same(&[&*one, b"x"].concat(), &one));
            for place in 0..one.len() {
                let mut other = one.clone();
                other[place] ^= 0x80;
                assert!(!is_same(&one, &other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn decimals() {
        for value in [0, 9, 10, 999_999_999, 1_000_000_000, 4_294_967_296, u64::MAX] {
            assert_eq!(decimal(value.to_string().as_bytes()), Some(value));
        }
        for odd in ["", "-1", "+1", "1.0", " 1", "1e3", "18446744073709551616", "99999999999999999999", "0x1"] {
            assert_eq!(decimal(odd.as_bytes()), None, "{odd}");
        }
    }

    #[test]
    fn signed_numbers() {
        assert_eq!(signed(b"-52000"), Some(-52000));
        assert_eq!(signed(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(signed(b"9223372036854775808"), None);
        assert_eq!(signed(b"--1"), None);
        assert_eq!(signed(b"-"), None);
    }

    #[test]
    fn hexadecimals() {
        assert_eq!(hex(b"0000000f"), Some(15));
        assert_eq!(hex(b"0x1003"), Some(0x1003));
        assert_eq!(hex(b"ffffffffffffffff"), Some(u64::MAX));
        for odd in ["", "0x", "10000000000000000", "g", "-1"] {
            assert_eq!(hex(odd.as_bytes()), None, "{odd}");
        }
    }

    #[test]
    fn fixed_point() {
        assert_eq!(fixed(b"0.42", 2), Some(42));
        assert_eq!(fixed(b"12.5", 2), Some(1250));
        assert_eq!(fixed(b"7", 2), Some(700));
        for odd in ["", ".", "1.", ".5", "1.234", "-1.00", "1.-1", "18446744073709551615.00"] {
            assert_eq!(fixed(odd.as_bytes(), 2), None, "{odd}");
        }
    }
}
