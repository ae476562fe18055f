//! What is printed, and what becomes of it where nobody reads on, as behind `| head`.

#![allow(clippy::unwrap_used)]

use std::io;
use std::process::Stdio;

mod program;

fn run(option: &str, output: impl Into<Stdio>) -> (Option<i32>, String) {
    let output =
        program::command().arg(option).stdin(Stdio::null()).stdout(output).stderr(Stdio::piped()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn it_ends_quietly_where_nobody_reads_on() {
    for option in ["--once", "--help", "--version"] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        assert_eq!(run(option, writer), (Some(0), String::new()), "{option}");
    }
}

#[test]
fn output_that_cannot_be_written_is_a_fault() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (status, fault) = run("--once", full);
    assert_eq!((status, &*fault), (Some(1), "router_exporter: standard output: no space left on device\n"));
}

#[test]
fn the_zone_is_the_environments() {
    for (variable, sample) in [("CET-1", "{time_zone=\"CET\"} 3600"), (":<-05>5", "{time_zone=\"-05\"} -18000")] {
        let options = ["--once", "--collector.disable-defaults", "--collector.time"];
        let output = program::command().args(options).env("TZ", variable).output().unwrap();
        let page = String::from_utf8(output.stdout).unwrap();
        assert!(page.contains(&format!("\nnode_time_zone_offset_seconds{sample}\n")), "{variable}: {page}");
    }
}
