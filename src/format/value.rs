//! The value of a sample.

use super::draft::Draft;
use crate::text::digits::Digits;

/// A sample's value: a decimal number of any sign with a fixed number of decimal places.
///
/// The kernel counts in whole units (ticks, milliseconds, millidegrees), so no value needs a float,
/// which a router's processor would have to emulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    pub(super) magnitude: u64,
    negative: bool,
    places: u8,
}

impl Value {
    /// `number` × 10^-`places`: `Value::decimal(1234, 3)` is 1.234. At most 18 places.
    pub fn decimal(number: impl Into<Self>, places: u8) -> Self {
        Self { places: places.min(18), ..number.into() }
    }
}

impl From<u64> for Value {
    fn from(magnitude: u64) -> Self {
        Self { magnitude, negative: false, places: 0 }
    }
}

impl From<u32> for Value {
    fn from(magnitude: u32) -> Self {
        u64::from(magnitude).into()
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        u64::from(yes).into()
    }
}

impl From<i64> for Value {
    #[inline(never)]
    fn from(number: i64) -> Self {
        Self { magnitude: number.unsigned_abs(), negative: number < 0, places: 0 }
    }
}

impl Value {
    /// Appends the shortest text of the number: no trailing zeros, no exponent.
    pub(super) fn write(self, text: &mut Draft) {
        if self.negative {
            text.push(b'-');
        }
        let places = usize::from(self.places);
        let mut digits = Digits::NONE;
        digits.write(self.magnitude, places.saturating_add(1));
        let point = digits.len().saturating_sub(places);
        let (whole, fraction) = digits.split_at_checked(point).unwrap_or((&digits, b""));
        text.append(whole);
        let zeros = fraction.iter().rev().take_while(|digit| **digit == b'0').count();
        let fraction = fraction.get(..fraction.len().saturating_sub(zeros)).unwrap_or_default();
        if !fraction.is_empty() {
            text.push(b'.');
            text.append(fraction);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(value: impl Into<Value>) -> String {
        let mut text = Draft::default();
        value.into().write(&mut text);
        String::from_utf8(text.to_vec()).unwrap()
    }

    #[test]
    fn values_have_their_shortest_text() {
        assert_eq!(text_of(0_u64), "0");
        assert_eq!(text_of(u64::MAX), "18446744073709551615");
        for value in [9_u64, 10, 999_999_999, 1_000_000_000, 1_000_000_005, 1_000_000_000_000_000_000] {
            assert_eq!(text_of(value), value.to_string());
        }
        assert_eq!(text_of(i64::MIN), "-9223372036854775808");
        assert_eq!(text_of(true), "1");
        assert_eq!(text_of(Value::decimal(1234_u64, 3)), "1.234");
        assert_eq!(text_of(Value::decimal(1200_u64, 3)), "1.2");
        assert_eq!(text_of(Value::decimal(5000_u64, 3)), "5");
        assert_eq!(text_of(Value::decimal(0_u64, 3)), "0");
        assert_eq!(text_of(Value::decimal(7_u64, 3)), "0.007");
        assert_eq!(text_of(Value::decimal(-52_500_i64, 3)), "-52.5");
        assert_eq!(text_of(Value::decimal(u64::MAX, 18)), "18.446744073709551615");
        assert_eq!(text_of(Value::decimal(1_u64, 18)), "0.000000000000000001");
        assert_eq!(text_of(Value::decimal(10_u64, 1)), "1");
        assert_eq!(text_of(Value::decimal(1_u64, 99)), "0.000000000000000001");
        assert_eq!(text_of(0_i64), "0");
    }
}
