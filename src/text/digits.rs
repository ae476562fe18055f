//! Numbers in decimal.

use std::ops::Deref;

/// A number in decimal.
#[derive(Clone, Copy, Debug)]
pub struct Digits {
    /// Three parts of nine digits, the last of which end the number.
    digits: [u8; 27],
    start: usize,
}

const NINE_DIGITS: u64 = 1_000_000_000;

impl Digits {
    /// No digits yet.
    pub const NONE: Self = Self { digits: [b'0'; 27], start: 27 };

    /// The digits of `number`.
    pub fn new(number: u64) -> Self {
        let mut digits = Self::NONE;
        digits.write(number, 1);
        digits
    }

    /// Makes [`NONE`](Self::NONE) the digits of `number`, of which there are at least `width` (27 at
    /// most): zeros stand before those of a smaller number.
    pub fn write(&mut self, number: u64, width: usize) {
        let mut rest = number;
        // Parts of 32 bits, since a division of 64 bits takes a router's processor hundreds of steps.
        for part in self.digits.rchunks_exact_mut(9) {
            let is_last = rest < NINE_DIGITS;
            let low = if is_last { rest } else { rest % NINE_DIGITS };
            let written = write_digits(low, part);
            self.start = self.start.saturating_sub(if is_last { written } else { 9 });
            if is_last {
                break;
            }
            rest = rest.wrapping_div(NINE_DIGITS);
        }
        self.start = self.start.min(self.digits.len().saturating_sub(width));
    }
}

impl Deref for Digits {
    type Target = [u8];

    #[inline(never)]
    fn deref(&self) -> &[u8] {
        self.digits.get(self.start..).unwrap_or_default()
    }
}

/// Writes the digits of a number below [`NINE_DIGITS`] at the end of `part`, which is filled with
/// zeros, and counts them.
fn write_digits(number: u64, part: &mut [u8]) -> usize {
    let mut rest = u32::try_from(number).unwrap_or_default();
    let mut written = 0_usize;
    for place in part.iter_mut().rev() {
        if rest == 0 {
            break;
        }
        // The remainder of a division by ten is a digit.
        *place = b'0'.wrapping_add((rest % 10) as u8);
        rest = rest.wrapping_div(10);
        written = written.wrapping_add(1);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits() {
        for number in [0, 7, 10, 128, 999_999_999, 1_000_000_000, 1_000_000_000_000_000_000, u64::MAX] {
            assert_eq!(*Digits::new(number), *number.to_string().as_bytes());
        }
    }

    #[test]
    fn zeros_stand_before_a_number() {
        for (number, width, text) in
            [(7, 3, "007"), (0, 1, "0"), (1234, 3, "1234"), (u64::MAX, 21, "018446744073709551615")]
        {
            let mut digits = Digits::NONE;
            digits.write(number, width);
            assert_eq!(*digits, *text.as_bytes());
        }
    }
}
