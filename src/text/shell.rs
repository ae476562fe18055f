//! Assignments such as `NAME="OpenWrt"`, as a shell would read them.

use std::borrow::Cow;

use crate::text::scan::lines;

/// What a shell would have in `variable` after reading `text`; the last assignment holds.
pub fn value<'t>(text: &'t [u8], variable: &str) -> Cow<'t, [u8]> {
    let mut last: &[u8] = b"";
    for line in lines(text) {
        let assigned = line.trim_ascii().strip_prefix(variable.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
        last = assigned.unwrap_or(last);
    }
    unquote(last)
}

fn unquote(value: &[u8]) -> Cow<'_, [u8]> {
    let quoted = |quote: &[u8]| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    if let Some(inner) = quoted(b"'") {
        return inner.into();
    }
    let inner = quoted(b"\"").unwrap_or(value);
    if !inner.contains(&b'\\') {
        return inner.into();
    }
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        plain.extend(if byte == b'\\' { bytes.next() } else { Some(&byte) });
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENWRT: &[u8] = b"NAME=\"OpenWrt\"\nVERSION=\"24.10.2\"\nID=\"openwrt\"\nID_LIKE=\"lede openwrt\"\n\
        PRETTY_NAME=\"OpenWrt 24.10.2\"\nVERSION_ID=\"24.10.2\"\n\n# comment\nBUILD_ID=\"r28739-d9340319c6\"\n";

    #[test]
    fn real() {
        assert_eq!(*value(OPENWRT, "NAME"), *b"OpenWrt");
        assert_eq!(*value(OPENWRT, "ID_LIKE"), *b"lede openwrt");
        assert_eq!(*value(OPENWRT, "BUILD_ID"), *b"r28739-d9340319c6");
        assert_eq!(*value(OPENWRT, "VARIANT"), *b"");
    }

    #[test]
    fn quotes_as_a_shell_has_them() {
        assert_eq!(*value(b"ID=debian", "ID"), *b"debian");
        assert_eq!(*value(b"ID='a \\ b'", "ID"), *b"a \\ b");
        assert_eq!(*value(b"ID=\"a \\\"b\\\" \\\\\"", "ID"), *b"a \"b\" \\");
        assert_eq!(*value(b"ID=old\nID=new\n", "ID"), *b"new");
        assert_eq!(*value(b"ID=\"", "ID"), *b"\"");
        assert_eq!(*value(b"ID", "ID"), *b"");
        assert_eq!(*value(b"ID=\"a\\", "ID"), *b"\"a");
    }
}
