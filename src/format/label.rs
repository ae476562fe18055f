//! Labels and helps, with their escapes.

/// Names and values of a sample's labels, in the order of the names.
pub type Labels<'a> = &'a [(&'a str, &'a [u8])];

pub(super) fn write_labels(text: &mut Vec<u8>, labels: Labels) {
    debug_assert!(labels.is_sorted_by_key(|(name, _)| name), "{labels:?}");
    let mut separator = b'{';
    for (name, value) in labels {
        write_label(text, separator, name, value);
        separator = b',';
    }
    if separator == b',' {
        text.push(b'}');
    }
}

pub(super) fn write_label(text: &mut Vec<u8>, separator: u8, name: &str, value: &[u8]) {
    text.push(separator);
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b"=\"");
    escape(text, value, true);
    text.push(b'"');
}

/// Adds `value` as the format wants it: UTF-8, with what would end a line or a label escaped. A run of
/// bytes that are no UTF-8 becomes one U+FFFD.
pub(super) fn escape(text: &mut Vec<u8>, value: &[u8], label: bool) {
    let plain = |byte: &u8| byte.is_ascii() && !matches!(byte, b'\\' | b'\n' | b'"');
    if value.iter().all(plain) {
        text.extend_from_slice(value);
        return;
    }
    let mut is_replaced = false;
    for chunk in value.utf8_chunks() {
        for &byte in chunk.valid().as_bytes() {
            match byte {
                b'\\' => text.extend_from_slice(b"\\\\"),
                b'\n' => text.extend_from_slice(b"\\n"),
                b'"' if label => text.extend_from_slice(b"\\\""),
                _ => text.push(byte),
            }
        }
        // One for a run of bytes, as node_exporter has it.
        is_replaced &= chunk.valid().is_empty();
        if !is_replaced && !chunk.invalid().is_empty() {
            text.extend_from_slice("\u{fffd}".as_bytes());
            is_replaced = true;
        }
    }
}
