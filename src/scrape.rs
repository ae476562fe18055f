//! A scrape: the collectors one after the other, each failing alone, and what is always there.

use std::time::Instant;

use log::Level;
use percent_encoding::percent_decode;

use crate::built;
use crate::collectors::process_metrics::ProcessMetrics;
use crate::collectors::{ALL, Collect, Collector, Form, Function, WithSettings};
use crate::filter::Filters;
use crate::format::{Family, Page, Sorted, Value, counter, gauge};
use crate::machine::{Error, Machine};
use crate::process::allocator;
use crate::server::{Exporter, HandlerMetrics};
use crate::settings::Settings;
use crate::text::scan::split_once;

const RESULTS: [Family; 2] = [
    gauge!("node_scrape_collector_duration_seconds", "node_exporter: Duration of a collector scrape."),
    gauge!("node_scrape_collector_success", "node_exporter: Whether a collector succeeded."),
];
const BUILD_INFO: Family = gauge!(
    "node_exporter_build_info",
    "A metric with a constant '1' value labeled by version, revision, branch, goversion from which node_exporter was built, and the goos and goarch for the build.",
);
const REQUESTS: Family =
    counter!("promhttp_metric_handler_requests_total", "Total number of scrapes by HTTP status code.");
const IN_FLIGHT: Family =
    gauge!("promhttp_metric_handler_requests_in_flight", "Current number of scrapes being served.");

/// What Go calls the processor.
const GO_ARCHITECTURE: &[u8] = match std::env::consts::ARCH.as_bytes() {
    b"x86_64" => b"amd64",
    b"aarch64" => b"arm64",
    b"x86" => b"386",
    b"mips" if cfg!(target_endian = "little") => b"mipsle",
    b"mips64" if cfg!(target_endian = "little") => b"mips64le",
    same => same,
};
const BUILD: &[(&str, &[u8])] = &[
    ("branch", b""),
    ("goarch", GO_ARCHITECTURE),
    ("goos", b"linux"),
    ("goversion", b""),
    ("revision", built::REVISION.as_bytes()),
    ("tags", b"router_exporter"),
    ("version", built::VERSION.as_bytes()),
];

/// The collectors that run, and what a scrape keeps for the next one.
#[derive(Debug)]
pub struct Scraper {
    machine: Machine,
    filters: &'static Filters,
    collectors: Vec<Running>,
    /// None if the exporter's own metrics are left out.
    process: Option<(ProcessMetrics, Logged)>,
    page: Page,
}

/// A collector that runs.
#[derive(Debug)]
struct Running {
    collector: &'static Collector,
    run: Run,
    /// How its last scrape ended; `None` before the first, and where a request left it out.
    result: Option<Outcome>,
    logged: Logged,
}

/// What the log knows of a collector.
#[derive(Debug, Default)]
struct Logged {
    /// Why it failed last, or what it passed over; none if it is well.
    faults: Vec<Error>,
    failed: bool,
    /// Whether a line above the level of debug was written since it was well.
    aloud: bool,
}

/// What runs.
#[derive(Debug)]
enum Run {
    Function(Function),
    WithSettings(WithSettings, &'static Settings),
    Struct(Box<dyn Collect>),
}

#[derive(Debug)]
struct Outcome {
    nanoseconds: u64,
    success: bool,
}

impl Scraper {
    /// The scraper of the collectors that `enabled` picks by name.
    pub fn new(settings: &'static Settings, enabled: impl Fn(&Collector) -> bool) -> Self {
        let mut collectors = Vec::new();
        // The files of other programs must not have a family of ours, of which these are the last.
        for last in [false, true] {
            for collector in ALL {
                if (collector.name == "textfile") == last && enabled(collector) {
                    collectors.push(Running::new(collector, settings));
                }
            }
        }
        let Settings { filters, paths, disable_exporter_metrics, .. } = settings;
        let process = (!disable_exporter_metrics).then(Default::default);
        Self { machine: Machine::new(*paths), filters, collectors, process, page: Page::default() }
    }

    /// Adds what does not depend on the collectors.
    fn exporter(&mut self, handler: &HandlerMetrics) {
        let Self { machine, page, process, .. } = self;
        page.family(&BUILD_INFO).sample(BUILD, true);
        let Some((process, logged)) = process else { return };
        let counts: [(&[u8], u64); 3] =
            [(b"200", handler.ok), (b"500", handler.internal_error), (b"503", handler.unavailable)];
        page.family(&REQUESTS);
        for (code, count) in &counts {
            page.sample(&[("code", code)], *count);
        }
        page.single(&IN_FLIGHT, handler.in_flight);
        let mark = page.mark();
        let result = process.collect(machine, page);
        if result.is_err() {
            page.cut(mark);
        }
        logged.report("process", result, machine.skipped());
    }

    /// Adds how the collectors fared.
    fn results(&mut self) {
        let mut results = self.page.table(&RESULTS);
        for Running { collector, result, .. } in &self.collectors {
            if let Some(Outcome { nanoseconds, success }) = result {
                results
                    .row()
                    .label("collector", collector.name.as_bytes())
                    .cell(Some(Value::decimal(*nanoseconds, 9)))
                    .cell(Some((*success).into()));
            }
        }
        results.finish();
    }

    /// Adds why collectors failed, or the first line that they passed over, to the end of the page: comments,
    /// which Prometheus ignores, and which a person and the page at `/` read.
    fn faults(&self, out: &mut Sorted) {
        for Running { collector, logged, .. } in self.collectors.iter().filter(|running| running.result.is_some()) {
            if let Some(fault @ Error::Fault(_)) = logged.faults.first() {
                out.push(format!("# collector {}: {fault}\n", collector.name).as_bytes());
            }
        }
    }
}

impl Running {
    fn new(collector: &'static Collector, settings: &'static Settings) -> Self {
        let run = match collector.form {
            Form::Function(function) => Run::Function(function),
            Form::WithSettings(function) => Run::WithSettings(function, settings),
            Form::Struct(make) => Run::Struct(make(settings)),
        };
        Self { collector, run, result: None, logged: Logged::default() }
    }

    /// Runs it, and returns when it ended.
    fn run(&mut self, machine: &Machine, page: &mut Page, began: Instant) -> Instant {
        let mark = page.mark();
        let result = match &mut self.run {
            Run::Function(function) => function(machine, page),
            Run::WithSettings(function, settings) => function(settings, machine, page),
            Run::Struct(collector) => collector.collect(machine, page),
        };
        if result.is_err() {
            page.cut(mark);
        }
        let ended = Instant::now();
        let nanoseconds = ended.duration_since(began).as_nanos() as u64;
        self.result = Some(Outcome { nanoseconds, success: result.is_ok() });
        self.logged.report(self.collector.name, result, machine.skipped());
        ended
    }
}

impl Logged {
    /// Writes to the log what has changed since the last scrape.
    fn report(&mut self, name: &str, result: Result<(), Error>, skipped: Vec<Error>) {
        let failed = result.is_err();
        let faults = match result {
            Ok(()) => skipped,
            // Where nothing has changed nothing is allocated.
            Err(error) if failed == self.failed && self.faults.iter().all(|known| known.is_like(&error)) => return,
            Err(error) => vec![error],
        };
        for fault in &faults {
            if failed == self.failed && self.faults.iter().any(|known| known.is_like(fault)) {
                continue;
            }
            // What is not on this machine is no news, unless it was before.
            let (level, what) = match fault {
                Error::Absent if !self.aloud => (Level::Debug, "collector has nothing to report"),
                Error::Absent => (Level::Info, "collector has nothing to report"),
                Error::Fault(_) if failed => (Level::Error, "collector failed"),
                Error::Fault(_) => (Level::Warn, "line passed over"),
            };
            self.aloud |= level < Level::Debug;
            if log::max_level() >= level {
                log::log!(level, "msg=\"{what}\" name={name} err=\"{fault}\"");
            }
        }
        // What only had nothing to report was not ill.
        if faults.is_empty() && std::mem::take(&mut self.aloud) {
            log::info!("msg=\"collector is well again\" name={name}");
        }
        (self.faults, self.failed) = (faults, failed);
    }
}

impl Exporter for Scraper {
    fn render(&mut self, query: &str, handler: &HandlerMetrics, out: &mut Sorted) -> Result<(), String> {
        let selection = Selection::parse(query);
        selection.check(&self.collectors)?;
        self.page.begin(out);
        self.machine.begin();
        self.exporter(handler);
        // Empty for now, so that their names are taken.
        for family in &RESULTS {
            self.page.family(family);
        }
        // One begins when the one before has ended: half the questions for the time.
        let mut began = Instant::now();
        let mut is_new = false;
        for running in &mut self.collectors {
            running.result = None;
            if selection.takes(running.collector.name) {
                began = running.run(&self.machine, &mut self.page, began);
                is_new |= self.filters.rest();
            }
        }
        self.results();
        let all = !selection.asks(NAME);
        self.page.write(out, |name| all || selection.names(NAME, name));
        if all {
            self.faults(out);
        }
        if is_new {
            allocator::rest();
        }
        Ok(())
    }
}

const COLLECT: &[u8] = b"collect[]";
const EXCLUDE: &[u8] = b"exclude[]";
const NAME: &[u8] = b"name[]";

/// What the URL asks for: the values of `collect[]`, `exclude[]` and `name[]`, each behind its key.
struct Selection(Vec<[Vec<u8>; 2]>);

impl Selection {
    fn parse(query: &str) -> Self {
        let mut pairs = Vec::new();
        for pair in query.as_bytes().split(|byte| *byte == b'&') {
            let (key, value) = split_once(pair, b'=').unwrap_or((pair, b""));
            let key = decoded(key);
            if [COLLECT, EXCLUDE, NAME].contains(&key.as_slice()) {
                pairs.push([key, decoded(value)]);
            }
        }
        Self(pairs)
    }

    /// Whether the URL has this key.
    fn asks(&self, key: &[u8]) -> bool {
        self.0.iter().any(|[asked, _]| asked == key)
    }

    /// Whether the URL has this key with this value.
    fn names(&self, key: &[u8], value: &[u8]) -> bool {
        self.0.iter().any(|[asked, named]| asked == key && named == value)
    }

    /// Refuses what node_exporter refuses, in its words.
    fn check(&self, running: &[Running]) -> Result<(), String> {
        if self.asks(COLLECT) && self.asks(EXCLUDE) {
            return Err("Combined collect and exclude queries are not allowed.".into());
        }
        for [key, name] in &self.0 {
            let is_named = |collector: &Collector| collector.name.as_bytes() == name;
            if key == COLLECT && !running.iter().any(|running| is_named(running.collector)) {
                return Err([
                    "Couldn't create filtered metrics handler: couldn't create collector: ",
                    if ALL.iter().any(is_named) { "disabled" } else { "missing" },
                    " collector: ",
                    &String::from_utf8_lossy(name),
                ]
                .concat());
            }
        }
        Ok(())
    }

    fn takes(&self, name: &str) -> bool {
        if self.asks(COLLECT) { self.names(COLLECT, name.as_bytes()) } else { !self.names(EXCLUDE, name.as_bytes()) }
    }
}

/// A part of a query without its percents and pluses.
fn decoded(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(query: &str) -> Result<String, String> {
        let mut page = Sorted::default();
        Scraper::new(Box::leak(Box::default()), |collector| collector.name != "netdev")
            .render(query, &HandlerMetrics::default(), &mut page)
            .map(|()| String::from_utf8(page.to_vec()).unwrap())
    }

    #[test]
    fn a_collectors_time_is_its_own() {
        let began = Instant::now();
        let page = rendered("").unwrap();
        let all = began.elapsed().as_secs_f64();
        let times = page.lines().filter_map(|line| line.strip_prefix("node_scrape_collector_duration_seconds{"));
        let times: Vec<f64> = times.filter_map(|line| line.split_once("} ")?.1.parse().ok()).collect();
        assert!(times.len() > 20 && times.iter().sum::<f64>() <= all, "{times:?} of {all}");
    }

    #[test]
    fn the_url_selects() {
        assert!(rendered("").unwrap().contains("\nnode_load1 "));
        assert!(rendered("collect[]=loadavg").unwrap().contains("\nnode_load1 "));
        assert!(!rendered("exclude%5B%5D=loadavg").unwrap().contains("node_load1"));
        assert!(rendered("name[]=node_load5").unwrap().starts_with("# HELP node_load5 "));
    }

    #[test]
    fn no_file_has_a_family_of_ours() {
        let directory = std::env::temp_dir().join(format!("router_exporter-{}-ours", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let settings = Settings {
            textfile_directories: vec![directory.to_str().unwrap().to_owned().leak()],
            ..Settings::default()
        };
        let mut scraper = Scraper::new(Box::leak(Box::new(settings)), |collector| {
            matches!(collector.name, "loadavg" | "textfile" | "time")
        });
        for (family, refused) in [
            ("node_scrape_collector_success", true),
            ("node_exporter_build_info", true),
            ("process_open_fds", true),
            ("node_time_seconds", true),
            ("node_load1", true),
            ("other", false),
        ] {
            std::fs::write(directory.join("a.prom"), format!("{family} 7\n")).unwrap();
            let mut page = Sorted::default();
            scraper.render("", &HandlerMetrics::default(), &mut page).unwrap();
            let page = String::from_utf8(page.to_vec()).unwrap();
            assert_eq!(page.contains("\nnode_textfile_scrape_error 1\n"), refused, "{family}");
            let (.., last) = page.trim_end().rsplit_once('\n').unwrap();
            let fault = format!("# collector textfile: {}/a.prom: unexpected '{family}'", directory.display());
            assert_eq!(last == fault, refused, "{last}");
            assert_eq!(page.contains(&format!("\n{family} 7\n")), !refused, "{family}");
        }
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn the_url_is_refused_in_node_exporters_words() {
        let refused = |query| rendered(query).unwrap_err();
        let why = "Couldn't create filtered metrics handler: couldn't create collector: ";
        assert_eq!(refused("collect[]=foo"), format!("{why}missing collector: foo"));
        assert_eq!(refused("collect[]=netdev"), format!("{why}disabled collector: netdev"));
        assert_eq!(refused("collect[]=loadavg&exclude[]=arp"), "Combined collect and exclude queries are not allowed.");
    }
}
