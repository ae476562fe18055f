//! What every page is, whatever it was made from.

use std::collections::HashSet;

/// A page that Prometheus reads: UTF-8, one HELP and TYPE a family, a value on each line.
///
/// Returns the first line whose series has been there before. A kernel that says the same thing twice
/// makes such lines, as no kernel does; textfiles may not.
pub fn check(page: &[u8]) -> Option<&str> {
    let page = std::str::from_utf8(page).unwrap();
    let mut twice = None;
    assert!(page.ends_with('\n'));
    let mut seen = HashSet::new();
    for line in page.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let key = comment.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ");
            assert!(seen.insert(key), "twice: {line}");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            value.parse::<f64>().unwrap();
            if !seen.insert(series.to_owned()) {
                twice = twice.or(Some(line));
            }
        }
    }
    twice
}
