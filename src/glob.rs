//! Patterns of file names, as shells have them: `*`, `?`, `[a-z]`, `[^a-z]` and `\` before a byte
//! that means itself.

/// Whether `text` has anything in it that makes it a pattern.
pub fn is_pattern(text: &[u8]) -> bool {
    text.iter().any(|byte| b"*?[\\".contains(byte))
}

/// Whether `pattern` is the whole of `name`; one that makes no sense matches nothing.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    // Only the last star need be tried again: what an earlier one could take, it can take too.
    let (mut pattern, mut name) = (pattern, name);
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some(after) = pattern.strip_prefix(b"*") {
            retry = Some((after, name));
            pattern = after;
            continue;
        }
        if pattern.is_empty() && name.is_empty() {
            return true;
        }
        let first = name.split_first();
        if let Some((&byte, rest)) = first
            && let Some(after) = one(pattern, byte)
        {
            (pattern, name) = (after, rest);
            continue;
        }
        let Some((after, [_, rest @ ..])) = retry else { return false };
        retry = Some((after, rest));
        (pattern, name) = (after, rest);
    }
}

/// What follows in `pattern` if its first part matches `byte`.
fn one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    let (&first, rest) = pattern.split_first()?;
    match first {
        b'?' => Some(rest),
        b'[' => class(rest, byte),
        b'\\' => rest.split_first().filter(|(escaped, _)| **escaped == byte).map(|(_, rest)| rest),
        _ => (first == byte).then_some(rest),
    }
}

/// As [`one`], of what follows after `[`.
fn class(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    let (is_negated, mut rest) = match pattern.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut is_in = false;
    let mut is_first = true;
    loop {
        if let Some(after) = rest.strip_prefix(b"]").filter(|_| !is_first) {
            return (is_in != is_negated).then_some(after);
        }
        let (low, after) = member(rest)?;
        let (high, after) = match after.strip_prefix(b"-") {
            Some(after) => member(after)?,
            None => (low, after),
        };
        is_in |= (low..=high).contains(&byte);
        rest = after;
        is_first = false;
    }
}

/// A byte of a class, and what follows.
fn member(text: &[u8]) -> Option<(u8, &[u8])> {
    let text = text.strip_prefix(b"\\").unwrap_or(text);
    text.split_first().filter(|(byte, _)| **byte != b'-').map(|(byte, rest)| (*byte, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matches() {
        for (pattern, name) in [
            ("", ""),
            ("*", ""),
            ("*", ".hidden"),
            ("a*", "a"),
            ("*a*b*", "xxaxxbxx"),
            ("*ab", "aab"),
            ("a?c", "abc"),
            ("sd[a-c]", "sdb"),
            ("sd[^a-c]", "sdd"),
            ("[abx-z]", "y"),
            ("[\\]]", "]"),
            ("\\*", "*"),
            ("\u{e4}*", "\u{e4}b"),
        ] {
            assert!(matches(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
    }

    #[test]
    fn what_does_not() {
        for (pattern, name) in [
            ("", "a"),
            ("a", ""),
            ("?", ""),
            ("a*", "ba"),
            ("*a", "ab"),
            ("sd[a-c]", "sdd"),
            ("sd[^a-c]", "sda"),
            ("[a", "a"),
            ("[", "["),
            ("[a-", "a"),
            ("[]", "]"),
            ("a\\", "a\\"),
            ("\\*", "a"),
        ] {
            assert!(!matches(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
    }

    #[test]
    fn stars_cost_no_more_than_the_square() {
        let name = [b'a'; 4000];
        let pattern = [b"*a".repeat(1000), b"b".to_vec()].concat();
        assert!(!matches(&pattern, &name));
    }

    #[test]
    fn patterns() {
        assert!(!is_pattern(b"/var/lib/prometheus"));
        assert!([&b"/a*"[..], b"/?", b"/[a]", b"\\a"].iter().all(|pattern| is_pattern(pattern)));
    }
}
