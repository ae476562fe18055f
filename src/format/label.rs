//! Labels and helps, with their escapes.

use super::draft::Draft;

/// Names and values of a sample's labels, in the order of the names.
pub type Labels<'a> = &'a [(&'a str, &'a [u8])];

pub(super) fn write_labels(text: &mut Draft, labels: Labels) {
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

pub(super) fn write_label(text: &mut Draft, separator: u8, name: &str, value: &[u8]) {
    text.push(separator);
    text.append(name.as_bytes());
    text.append(b"=\"");
    escape(text, value, true);
    text.push(b'"');
}

/// Adds `value` as the format wants it: UTF-8, with what would end a line or a label escaped. A run of
/// bytes that are no UTF-8 becomes one U+FFFD.
pub(super) fn escape(text: &mut Draft, value: &[u8], label: bool) {
    if is_plain(value) {
        text.append(value);
        return;
    }
    let mut is_replaced = false;
    for chunk in value.utf8_chunks() {
        for &byte in chunk.valid().as_bytes() {
            match byte {
                b'\\' => text.append(b"\\\\"),
                b'\n' => text.append(b"\\n"),
                b'"' if label => text.append(b"\\\""),
                _ => text.push(byte),
            }
        }
        // One for a run of bytes, as node_exporter has it.
        is_replaced &= chunk.valid().is_empty();
        if !is_replaced && !chunk.invalid().is_empty() {
            text.append("\u{fffd}".as_bytes());
            is_replaced = true;
        }
    }
}

/// Whether `text` stands on the page as it is, in a label or in a help.
pub(super) fn is_plain(text: &[u8]) -> bool {
    // Most are lower-case letters, and are known by the first comparison.
    text.iter().all(|byte| matches!(byte, b']'..=0x7f) || (*byte < b'\\' && !matches!(byte, b'\n' | b'"')))
}
