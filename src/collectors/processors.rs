//! The columns of `/proc/interrupts` and `/proc/softirqs`: one for each processor.

use crate::text::scan::words;

/// The processors' numbers, from the line of the columns' heads.
pub fn heads(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    words(line).map(|head| head.strip_prefix(b"CPU").unwrap_or(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real() {
        assert!(heads(b"                    CPU0       CPU2       ").eq([b"0", b"2"]));
        assert_eq!(heads(b"").count(), 0);
    }
}
