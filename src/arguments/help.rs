//! What `--help` prints.

use super::options::{Known, OPTIONS};
use crate::collectors::ALL;
use crate::filter::FLAGS;

/// The options and the collectors, a line or two each.
pub fn help() -> String {
    let mut text = String::from(
        "usage: router_exporter [OPTION]...\n\nA router's own metrics for Prometheus, under node_exporter's names.\n\n",
    );
    let mut add = |parts: &[&str]| parts.iter().for_each(|part| text.push_str(part));
    for Known { name, value, help, .. } in OPTIONS {
        let separator = match value.bytes().next() {
            None => "",
            Some(b'[') => " ",
            Some(_) => "=",
        };
        add(&["  --", name, separator, value, "\n      ", help, "\n"]);
    }
    add(&["\nWhat is reported, by regular expression:\n"]);
    for flag in FLAGS {
        add(&["  --", flag.name, "=REGEX\n"]);
        if !flag.default.is_empty() {
            add(&["      Default: ", flag.default, "\n"]);
        }
    }
    add(&["\nCollectors, --collector.NAME to run and --no-collector.NAME not to:\n"]);
    for (title, default) in &[("on by default", true), ("off unless asked for", false)] {
        add(&["  ", title, ":\n     "]);
        for collector in ALL.iter().filter(|collector| collector.default == *default) {
            add(&[" ", collector.name]);
        }
        add(&["\n"]);
    }
    text
}
