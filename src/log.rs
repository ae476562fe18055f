//! The log: one line each on standard error, in logfmt as node_exporter's.
//!
//! Written through the `log` crate, which tiny_http brings along. An exporter that is well says
//! nothing after its start; what is told later is a change of state.

use std::io::Write;
use std::time::SystemTime;

use log::{LevelFilter, Log, Metadata, Record};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            let time = httpdate::HttpDate::from(SystemTime::now());
            // Nobody is there to be told that the log cannot be written.
            let _ = writeln!(std::io::stderr(), "time=\"{time}\" level={} {}", record.level(), record.args());
        }
    }

    fn flush(&self) {}
}

/// Starts the log at `level`.
pub fn start(level: LevelFilter) {
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(level);
    }
}
