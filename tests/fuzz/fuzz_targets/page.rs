//! What every page is, whatever it was made from.

use std::collections::HashSet;

/// Holds a page against what Prometheus reads: UTF-8, one HELP and TYPE a family, a value on each
/// line, no series twice.
///
/// # Panics
/// If the page is not so.
pub fn check(page: &[u8]) {
    let page = std::str::from_utf8(page).expect("a page is UTF-8");
    assert!(page.ends_with('\n'), "the page ends within a line");
    let mut seen = HashSet::new();
    for line in page.split_terminator('\n') {
        if let Some(comment) = line.strip_prefix("# ") {
            let key = comment.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ");
            assert!(seen.insert(key), "twice: {line}");
        } else {
            let (_, value) = line.rsplit_once(' ').expect("a sample has a value");
            assert!(value.parse::<f64>().is_ok(), "not a number: {line}");
            assert!(seen.insert(series(line)), "twice: {line}");
        }
    }
}

/// The series of a sample as Prometheus knows it: the order of the labels says nothing, and one that
/// is empty is none.
fn series(sample: &str) -> String {
    let name = sample.split([' ', '{']).next().unwrap_or_default();
    let mut labels = labels(sample);
    labels.retain(|(_, value)| !value.is_empty());
    labels.sort_unstable();
    format!("{name}{labels:?}")
}

/// The names of a sample's labels and their values as they are escaped.
///
/// # Panics
/// If they have no end.
pub fn labels(sample: &str) -> Vec<(&str, &str)> {
    let mut labels = Vec::new();
    let Some((_, mut rest)) = sample.split_once('{') else { return labels };
    while let Some((name, value)) = rest.split_once("=\"") {
        let mut escaped = false;
        let end = value.find(|letter| {
            let ends = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            ends
        });
        let (value, after) = value.split_at(end.expect("a label has an end"));
        labels.push((name, value));
        rest = after.trim_start_matches(['"', ',']);
    }
    assert!(rest.starts_with("} "), "a sample without an end: {sample}");
    labels
}
