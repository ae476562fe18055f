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
