//! What every page is, whatever it was made from.

use std::collections::HashSet;

/// A page that Prometheus reads: UTF-8, one HELP and TYPE a family, a value on each line, and no
/// series twice.
pub fn check(page: &[u8]) {
    let page = std::str::from_utf8(page).unwrap();
    assert!(page.ends_with('\n'));
    let mut seen = HashSet::new();
    for line in page.lines() {
        let key = match line.strip_prefix("# ") {
            Some(comment) => comment.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" "),
            None => {
                let (series, value) = line.rsplit_once(' ').unwrap();
                value.parse::<f64>().unwrap();
                series.to_owned()
            }
        };
        assert!(seen.insert(key), "twice: {line}");
    }
}
