//! Patterns of file names, as shells have them.

use regex_lite::Regex;

/// Whether `text` has anything in it that makes it a pattern of file names.
#[must_use]
pub fn is_glob(text: &[u8]) -> bool {
    text.iter().any(|byte| b"*?[\\".contains(byte))
}

/// The expression for a pattern of file names, as shells have them: `*`, `?`, `[a-z]`, `[^a-z]` and
/// `\` before a character that means itself; `None` for one that makes no sense.
#[must_use]
pub fn glob(pattern: &[u8]) -> Option<Regex> {
    let mut expression = String::from("(?s)^");
    let mut letters = str::from_utf8(pattern).ok()?.chars();
    let mut is_in_class = false;
    // A backslash goes before all of ASCII that means something in an expression, and none before `<`.
    let literal = |expression: &mut String, letter: char| {
        if letter.is_ascii_punctuation() && !matches!(letter, '<' | '>') {
            expression.push('\\');
        }
        expression.push(letter);
    };
    while let Some(letter) = letters.next() {
        match letter {
            '*' if !is_in_class => expression.push_str(".*"),
            '?' if !is_in_class => expression.push('.'),
            '\\' => literal(&mut expression, letters.next()?),
            '[' | ']' | '-' | '^' if is_in_class || letter == '[' => {
                is_in_class = letter != ']';
                expression.push(letter);
            }
            _ => literal(&mut expression, letter),
        }
    }
    expression.push('$');
    Regex::new(&expression).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_file_names() {
        for (pattern, name) in [
            ("", ""),
            ("*", ""),
            ("*", ".hidden"),
            ("*", "two\nlines"),
            ("a*", "a"),
            ("*a*b*", "xxaxxbxx"),
            ("a?c", "abc"),
            ("a.c", "a.c"),
            ("sd[a-c]", "sdb"),
            ("sd[^a-c]", "sdd"),
            ("[abx-z]", "y"),
            ("[\\]]", "]"),
            ("\\*", "*"),
            ("\u{e4}*", "\u{e4}b"),
        ] {
            assert!(glob(pattern.as_bytes()).unwrap().is_match(name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("", "a"),
            ("a", ""),
            ("?", ""),
            ("a*", "ba"),
            ("a.c", "abc"),
            ("sd[a-c]", "sdd"),
            ("sd[^a-c]", "sda"),
            ("[a", "a"),
            ("[a-", "a"),
            ("[]", "]"),
            ("a\\", "a\\"),
            ("\\*", "a"),
        ] {
            assert!(!glob(pattern.as_bytes()).is_some_and(|glob| glob.is_match(name)), "{pattern} {name}");
        }
        for letter in ' '..='~' {
            for pattern in [format!("\\{letter}"), format!("[\\{letter}]")] {
                let is_match = |name: &str| glob(pattern.as_bytes()).unwrap().is_match(name);
                assert!(is_match(&letter.to_string()) && !is_match("\n"), "{pattern}");
            }
        }
        assert!(!is_glob(b"/var/lib/prometheus"));
        assert!([&b"/a*"[..], b"/?", b"/[a]", b"\\a"].iter().all(|pattern| is_glob(pattern)));
    }
}
