//! `/proc/[pid]/stat`, as `procfs` reads it.

use procfs::FromRead;
use procfs::process::Stat;

use crate::text::scan::rsplit_once;

/// A process's or a thread's figures; `None` if they make no sense.
///
/// `procfs` takes for granted that there is a number before the name in brackets and a letter
/// behind it, and panics where one is missing. QEMU's letter is 0.
pub fn parse(text: &[u8]) -> Option<Stat> {
    let (before, after) = rsplit_once(text, b')')?;
    let name = before.iter().position(|&byte| byte == b'(')?;
    let number = before.get(..name)?.strip_suffix(b" ")?;
    let is_whole = number.first()?.is_ascii_digit() && number.is_ascii();
    let [b' ', state, b' ', ..] = after else { return None };
    if is_whole && state.is_ascii_alphanumeric() { Stat::from_read(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "77 (a) b (x) D 1 77 77 0 -1 4194560 90 0 0 0 123 45 7 8 25 5 3 0 6789 1077248 83 \
        18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 0 0 0 0 0 0\n";

    #[test]
    fn real() {
        let stat = parse(STAT.as_bytes()).unwrap();
        assert_eq!((stat.state, stat.num_threads), ('D', 3));
        assert_eq!((stat.utime, stat.stime, stat.starttime, stat.vsize, stat.rss), (123, 45, 6789, 1_077_248, 83));
        assert_eq!(parse(STAT.replace("b (x)", "(\u{fc})").as_bytes()).unwrap().state, 'D');
    }

    #[test]
    fn truncated_and_odd() {
        for length in 0..STAT.len() - 40 {
            assert!(parse(&STAT.as_bytes()[..length]).is_none(), "{length}");
        }
        let odd = [
            "",
            "(",
            ")",
            "()",
            "a)",
            ")(",
            "(a) D 1",
            " (a) D 1",
            "1 (a)",
            "1 (a) ",
            "1 (a)\n",
            "1 (a) DD 1",
            "1(a) D 1",
            "\u{85} (a) D 1",
            "1 (a) \u{85}",
            "1 (a)\u{85}D 1",
            "1\u{fc} (a) D 1",
            "1 )a( D 1",
            "x (a) D 1",
        ];
        for odd in odd {
            assert!(parse(odd.as_bytes()).is_none(), "{odd:?}");
        }
        assert!(parse(b"1 (a) \xff 1").is_none());
    }
}
