//! The values that other programs write.

use std::cmp::Ordering;

use crate::text::scan::signed;

/// Whether it is a number that fits a 64-bit float: Prometheus refuses the page for one that does
/// not.
pub fn is_number(text: &[u8]) -> bool {
    /// The digits of the largest one, 1.797…e308, and what is still rounded to it.
    const LARGEST: &[u8] = b"17976931348623158078";
    let unsigned = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    if unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity") {
        return true;
    }
    let at = unsigned.iter().position(|byte| byte.eq_ignore_ascii_case(&b'e'));
    let (mantissa, exponent) = unsigned.split_at_checked(at.unwrap_or(unsigned.len())).unwrap_or_default();
    let exponent = match exponent.get(1..) {
        Some(digits) => signed(digits.strip_prefix(b"+").filter(|rest| !rest.starts_with(b"-")).unwrap_or(digits)),
        None => Some(0),
    };
    let mut places = LARGEST.iter();
    let mut order = Ordering::Equal;
    let (mut is_shaped, mut is_whole, mut is_zero) = (false, true, true);
    // The power of ten of the first digit that is not 0.
    let mut power = -1_i64;
    for byte in mantissa {
        match byte {
            b'.' if is_whole => is_whole = false,
            b'0'..=b'9' => {
                is_shaped = true;
                is_zero &= *byte == b'0';
                if !is_zero && order.is_eq() {
                    order = places.next().map_or(order, |place| byte.cmp(place));
                }
                if is_whole != is_zero {
                    power = if is_zero { power.wrapping_sub(1) } else { power.wrapping_add(1) };
                }
            }
            _ => {
                is_shaped = false;
                break;
            }
        }
    }
    let (true, Some(exponent)) = (is_shaped, exponent) else { return text.eq_ignore_ascii_case(b"nan") };
    let power = power.saturating_add(exponent);
    is_zero || power < 308 || (power == 308 && order.is_le())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for number in [
            "0",
            "-0",
            "1",
            "+1.5",
            ".5",
            "5.",
            "1e5",
            "1E-5",
            "1e+5",
            "NaN",
            "nan",
            "Inf",
            "+inf",
            "-Infinity",
            "1e-999",
            "1.7976931348623157e308",
            "0e999",
            "0.0001e312",
            "179769313486231570000e288",
            "00001e308",
            "1e308",
        ] {
            assert!(is_number(number.as_bytes()), "{number}");
        }
        for odd in [
            "",
            "-",
            "+",
            ".",
            "e5",
            "1e",
            "1e+",
            "1e+-5",
            "1e5.0",
            "0x10",
            "0x1p3",
            "1_000",
            "1,5",
            "+-1",
            "-nan",
            "infinite",
            "1.7976931348623159e308",
            "1.8e308",
            "1e309",
            "0.0001e313",
            "1e99999999999999999999",
            "\u{664}",
        ] {
            assert!(!is_number(odd.as_bytes()), "{odd}");
        }
    }

    #[test]
    fn numbers_are_what_a_float_can_hold() {
        let parts = ["", "0", "1", "17976931348623157", "17976931348623158", "9", "000"];
        for (whole, fraction) in parts.iter().flat_map(|whole| parts.map(|fraction| (whole, fraction))) {
            for exponent in [-400, -1, 0, 17, 290, 291, 292, 293, 307, 308, 309] {
                let text = format!("{whole}.{fraction}e{exponent}");
                let float: Option<f64> = text.parse().ok().filter(|float: &f64| float.is_finite());
                assert_eq!(is_number(text.as_bytes()), float.is_some(), "{text}");
            }
        }
    }
}
