//! The log: one line each on standard error, in logfmt as node_exporter's.
//!
//! Written through the `log` crate, which tiny_http brings along. An exporter that is well says
//! nothing after its start; what is reported later is a change of state.

use std::time::{Duration, SystemTime};

use httpdate::HttpDate;
use log::{LevelFilter, Log, Metadata, Record};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            // A router's clock may say anything, and not all of it is a date.
            let time = http_date(SystemTime::now()).map(|date| date.to_string()).unwrap_or_default();
            print(&format!("time=\"{time}\" level={} {}\n", record.level(), record.args()));
        }
    }

    fn flush(&self) {}
}

/// Writes `line` on standard error.
pub fn print(line: &str) {
    // Nobody reads that it cannot be written.
    let _ = rustix::io::write(rustix::stdio::stderr(), line.as_bytes());
}

/// A time as HTTP writes it; `None` before 1970 and from the year 10000 on, where `HttpDate` panics.
pub(crate) fn http_date(time: SystemTime) -> Option<HttpDate> {
    const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);
    let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    (since_1970 < YEAR_10000).then(|| HttpDate::from(time))
}

/// Starts the log at `level`.
pub fn start(level: LevelFilter) {
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(level);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_by_ages_costs_the_date_only() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(http_date(at(0)).is_some());
        assert!(http_date(at(253_402_300_799)).is_some());
        assert!(http_date(at(253_402_300_800)).is_none());
        assert!(http_date(SystemTime::UNIX_EPOCH - Duration::from_secs(1)).is_none());
    }
}
