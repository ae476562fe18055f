//! The command line: node_exporter's options, and those that a router needs beside them.
//!
//! [`OPTIONS`], [`FLAGS`] and the table of collectors are what `--help` prints and what is known.

mod help;
mod not_here;
mod options;

use std::ffi::{OsStr, OsString};

use lexopt::{Arg, Parser};
use log::LevelFilter;

use crate::collectors::{ALL, Collector};
use crate::filter::FLAGS;
use crate::process::privileges::User;
use crate::process::syscalls::is_directory;
use crate::server::Listen;
use crate::server::access::Network;
use crate::server::health::Target;
use crate::settings::Settings;
use crate::text::scan::{split_text, words};
pub use help::help;
use not_here::{COLLECTORS, OPTIONS as MISSING};
use options::Does::{Path, Run, Switch, Take};
use options::{Known, OPTIONS};

/// What is wrong with the words, in one line: the program ends with it.
type Misuse = &'static str;

const MISSING_VALUE: &str = "the value is missing";

/// What the program is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Command {
    /// Serve until a signal ends it.
    #[default]
    Serve,
    /// Print the page and end.
    Once,
    /// Ask a running exporter whether it is well.
    Health,
    /// Print the version and end.
    Version,
    /// Print the options and end.
    Help,
}

/// What the command line says.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// What to do.
    pub command: Command,
    /// `--web.listen-address`; one at least.
    pub listen_addresses: Vec<Listen<'static>>,
    /// `--web.telemetry-path`.
    pub telemetry_path: &'static str,
    /// `--web.max-requests`; 0 is no limit.
    pub max_requests: usize,
    /// `--web.allow`: the networks that may ask; all may if there are none.
    pub networks: Vec<Network>,
    /// `--web.basic-auth-file`.
    pub basic_auth_file: Option<&'static str>,
    /// `--web.bearer-token-file`.
    pub bearer_token_file: Option<&'static str>,
    /// `--user`.
    pub user: Option<User>,
    /// The URL of `--health`, if one is given.
    pub health_target: Option<Target<'static>>,
    /// `--log.level`.
    pub log_level: LevelFilter,
    /// What the collectors need to know.
    pub settings: Settings,
    disable_defaults: bool,
    /// Collectors named by an option, and whether they run; the last word on one counts.
    collectors: Vec<(&'static str, bool)>,
    /// Filters named by an option, and their expressions; the last word on one counts.
    filters: Vec<(&'static str, &'static str)>,
}

impl Default for Arguments {
    fn default() -> Self {
        let settings = Settings { cpu_guest: true, interrupts_include_zeros: true, ..Settings::default() };
        Self {
            command: Command::default(),
            listen_addresses: Vec::new(),
            telemetry_path: "/metrics",
            max_requests: 40,
            networks: Vec::new(),
            basic_auth_file: None,
            bearer_token_file: None,
            user: None,
            health_target: None,
            log_level: LevelFilter::Info,
            settings,
            disable_defaults: false,
            collectors: Vec::new(),
            filters: Vec::new(),
        }
    }
}

/// Reads the words of a command line, without the program's name, for as long as the program runs.
///
/// # Errors
/// One line that names the option and its fault.
pub fn parse(words: impl IntoIterator<Item = impl Into<OsString>>) -> Result<&'static Arguments, Misuse> {
    let arguments: &mut Arguments = Box::leak(Box::default());
    arguments.read(Parser::from_args(words))?;
    Ok(arguments)
}

/// The one thing that the parser itself finds fault with: the value of an option that takes none.
fn unexpected(error: lexopt::Error) -> Misuse {
    match error {
        lexopt::Error::UnexpectedValue { option, value } => {
            format!("unexpected argument for option '{option}': \"{}\"", value.to_string_lossy()).leak()
        }
        _ => "",
    }
}

/// A fault that another part of the program found.
fn leaked(fault: String) -> Misuse {
    fault.leak()
}

/// A fault of the value `text`.
fn wrong(text: &str, fault: &str) -> Result<(), Misuse> {
    Err(["'", text, "'", fault].concat().leak())
}

impl Arguments {
    /// Whether a collector runs.
    pub fn enables(&self, collector: &Collector) -> bool {
        let said = self.collectors.iter().rfind(|(name, _)| *name == collector.name);
        said.map_or(collector.default && !self.disable_defaults, |(_, on)| *on)
    }

    /// Whether the collector of this name runs.
    pub fn runs(&self, name: &str) -> bool {
        ALL.iter().any(|collector| collector.name == name && self.enables(collector))
    }

    fn read(&mut self, mut parser: Parser) -> Result<(), Misuse> {
        loop {
            let option = match parser.next() {
                Ok(None) => break,
                Ok(Some(Arg::Long(name))) => name.to_owned(),
                Ok(Some(Arg::Short('h'))) => "help".to_owned(),
                Ok(Some(Arg::Short(letter))) => {
                    return Err(format!("unknown option '-{letter}'; options begin with two dashes").leak());
                }
                Ok(Some(Arg::Value(value))) => {
                    return Err(format!("unexpected argument '{}'", value.to_string_lossy()).leak());
                }
                Err(error) => return Err(unexpected(error)),
            };
            if let Err(fault) = self.set(&option, &mut parser) {
                return Err(["--", &option, ": ", fault].concat().leak());
            }
        }
        if self.listen_addresses.is_empty() {
            self.listen_addresses.push(Listen::everywhere(9100));
        }
        self.settings.filters.set(&self.filters).map_err(leaked)
    }

    fn set(&mut self, option: &str, parser: &mut Parser) -> Result<(), Misuse> {
        if let Some(flag) = FLAGS.iter().find(|flag| flag.name == option) {
            self.filters.push((flag.name, value(parser)?.ok_or(MISSING_VALUE)?));
            return Ok(());
        }
        // What there is more of is all in the one help.
        let option = if matches!(option, "help-long" | "help-man") { "help" } else { option };
        let (name, on) = option.strip_prefix("no-").map_or((option, true), |name| (name, false));
        let Some(known) = OPTIONS.iter().find(|known| known.name == name) else {
            return self.set_collector(name, on, parser);
        };
        match &known.does {
            Switch(switch) => *switch(self) = switched(on, parser)?,
            _ if !on => return unknown(),
            Run(command) => self.command = *command,
            Path(path) => *path(self) = Some(known.given(parser)?),
            Take(take) => take(self, known.given(parser)?)?,
        }
        Ok(())
    }

    fn set_collector(&mut self, name: &str, on: bool, parser: &mut Parser) -> Result<(), Misuse> {
        let collector = name.strip_prefix("collector.").unwrap_or_default();
        if let Some(known) = ALL.iter().find(|known| known.name == collector) {
            self.collectors.push((known.name, switched(on, parser)?));
            return Ok(());
        }
        let (collector, is_option) = match split_text(collector, b'.') {
            Some((collector, _)) => (collector, true),
            None => (collector, false),
        };
        let is_missing = words(COLLECTORS.as_bytes()).any(|missing| missing == collector.as_bytes());
        if is_missing && !on && !is_option {
            // It is off, as was asked.
            return switched(on, parser).map(|_| ());
        }
        if let Some((_, instead)) = MISSING.iter().find(|(missing, _)| *missing == name) {
            return Err(["an option of node_exporter that is not here: ", instead].concat().leak());
        }
        match (is_missing, is_option) {
            (true, true) => Err("an option of a collector of node_exporter that is not here"),
            (true, false) => Err("a collector of node_exporter that is not here"),
            _ => unknown(),
        }
    }
}

fn unknown() -> Result<(), Misuse> {
    Err("unknown option; see --help")
}

impl Known {
    /// The value that is given: not an empty one, and none only where it may be left out.
    fn given(&self, parser: &mut Parser) -> Result<&'static str, Misuse> {
        match value(parser)? {
            Some("") => Err("the value is empty"),
            None if !self.value.starts_with('[') => Err(MISSING_VALUE),
            text => Ok(text.unwrap_or_default()),
        }
    }
}

/// The value of an option, which may be empty, for as long as the program runs. What follows with dashes is
/// the next option.
fn value(parser: &mut Parser) -> Result<Option<&'static str>, Misuse> {
    let attached = parser.optional_value();
    let is_value = |word: &OsStr| !word.as_encoded_bytes().starts_with(b"--");
    let value = attached.or_else(|| parser.try_raw_args()?.next_if(is_value));
    match value.map(OsString::into_string).transpose() {
        Ok(text) => Ok(text.map(|text| &*text.leak())),
        Err(value) => wrong(&value.to_string_lossy(), " is not UTF-8").map(|()| None),
    }
}

/// `--name` and `--no-name`, and `--name=false` for those who write it so.
fn switched(on: bool, parser: &mut Parser) -> Result<bool, Misuse> {
    let Some(value) = parser.optional_value() else { return Ok(on) };
    match value.as_encoded_bytes() {
        b"true" => Ok(on),
        b"false" => Ok(!on),
        _ => wrong(&value.to_string_lossy(), " is neither true nor false").map(|()| on),
    }
}

/// A directory that is there.
fn directory(path: &'static str, to: &mut &'static str) -> Result<(), Misuse> {
    if !is_directory(path) {
        return wrong(path, " is not a directory");
    }
    *to = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(words: &[&str]) -> Misuse {
        parse(words).unwrap_err()
    }

    fn named(name: &str) -> &'static Collector {
        ALL.iter().find(|collector| collector.name == name).unwrap()
    }

    #[test]
    fn tables_are_not_at_odds() {
        for (missing, _) in MISSING {
            assert!(!OPTIONS.iter().any(|known| known.name == *missing), "{missing}");
            assert!(!FLAGS.iter().any(|flag| flag.name == *missing), "{missing}");
        }
        for missing in COLLECTORS.split(' ') {
            assert!(!ALL.iter().any(|collector| collector.name == missing), "{missing}");
        }
    }

    #[test]
    fn every_option_of_the_help_is_known() {
        for Known { name, value, .. } in OPTIONS {
            let example = match *value {
                "" | "[URL]" => String::new(),
                "N" => "=7".into(),
                "DIR" => "=/".into(),
                "LEVEL" => "=debug".into(),
                "FORMAT" => "=logfmt".into(),
                "PATH" => "=/m".into(),
                "NAME|UID" => "=0".into(),
                "NETWORK" => "=10.0.0.0/8".into(),
                _ => "=127.0.0.1:9100".into(),
            };
            let option = format!("--{name}{example}");
            assert!(parse([&option]).is_ok(), "{option}: {:?}", parse([&option]));
        }
        for flag in FLAGS {
            assert!(parse([format!("--{}=^x$", flag.name)]).is_ok(), "{}", flag.name);
        }
        for collector in ALL {
            let off = parse([format!("--no-collector.{}", collector.name)]).unwrap();
            assert!(!off.enables(collector));
        }
    }

    #[test]
    fn defaults() {
        let arguments = parse(Vec::<&str>::new()).unwrap();
        assert_eq!(arguments.listen_addresses, [Listen::everywhere(9100)]);
        assert_eq!(arguments.command, Command::Serve);
        assert!(arguments.enables(named("loadavg")));
    }

    #[test]
    fn collectors_are_switched_and_the_last_word_counts() {
        let enables = |words: &[&str]| parse(words).unwrap().enables(named("loadavg"));
        assert!(!enables(&["--no-collector.loadavg"]));
        assert!(!enables(&["--collector.loadavg=false"]));
        assert!(!enables(&["--collector.disable-defaults"]));
        assert!(enables(&["--collector.loadavg", "--collector.disable-defaults"]));
        assert!(enables(&["--no-collector.loadavg", "--collector.loadavg"]));
    }

    #[test]
    fn values_follow_in_either_way_and_repeat() {
        let arguments =
            parse(["--web.listen-address", ":1", "--web.listen-address=[::1]:2", "--web.max-requests=3"]).unwrap();
        assert_eq!(arguments.listen_addresses, [":1", "[::1]:2"].map(|text| Listen::parse(text).unwrap()));
        assert_eq!(arguments.max_requests, 3);
        assert_eq!(parse(["--health", "--web.max-requests=3"]).unwrap().health_target, None);
        assert_eq!(parse(["--health", "http://[::1]:9/"]).unwrap().health_target, Target::parse("[::1]:9/").ok());
    }

    #[test]
    fn faults_are_one_line_and_name_the_option() {
        assert_eq!(fault(&["--wrong"]), "--wrong: unknown option; see --help");
        assert_eq!(fault(&["-web.listen-address=:1"]), "unknown option '-w'; options begin with two dashes");
        assert_eq!(fault(&["word"]), "unexpected argument 'word'");
        assert_eq!(fault(&["--web.listen-address"]), "--web.listen-address: the value is missing");
        assert_eq!(fault(&["--web.listen-address", "--once"]), "--web.listen-address: the value is missing");
        assert_eq!(fault(&["--web.listen-address="]), "--web.listen-address: the value is empty");
        assert_eq!(fault(&["--web.max-requests=x"]), "--web.max-requests: 'x' is not a number");
        assert_eq!(fault(&["--web.telemetry-path=x"]), "--web.telemetry-path: 'x' is not a path such as /metrics");
        for wrong in ["/", "/metrics?x", "/metrics#x", "/a b", "/m\u{e4}", "/a\n", "/\"", "/a&amp;b"] {
            let option = ["--web.telemetry-path=", wrong].concat();
            let error = format!("--web.telemetry-path: '{wrong}' is not a path such as /metrics");
            assert_eq!(fault(&[&option]), error);
        }
        assert_eq!(
            fault(&["--web.telemetry-path=/-/healthy"]),
            "--web.telemetry-path: '/-/healthy' is where the exporter says that it is well; give another path"
        );
        assert_eq!(fault(&["--path.procfs=/nowhere"]), "--path.procfs: '/nowhere' is not a directory");
        assert_eq!(fault(&["--log.level=loud"]), "--log.level: 'loud' is not one of debug, info, warn, error");
        assert_eq!(fault(&["--collector.loadavg=maybe"]), "--collector.loadavg: 'maybe' is neither true nor false");
        assert_eq!(fault(&["--once=1"]), "unexpected argument for option '--once': \"1\"");
    }

    #[test]
    fn what_only_node_exporter_has_is_named_as_such() {
        assert_eq!(fault(&["--collector.zfs"]), "--collector.zfs: a collector of node_exporter that is not here");
        assert!(parse(["--no-collector.zfs"]).is_ok());
        assert_eq!(parse(["--help-long"]).unwrap().command, Command::Help);
        for option in [
            "collector.dmmultipath",
            "collector.filesystem.mount-timeout=5s",
            "collector.filesystem.stat-workers=4",
            "collector.netclass_rtnl.with-stats",
            "collector.nvmesubsystem",
            "collector.qdisc.fixtures=x",
            "collector.qdisk.device-exclude=^lo$",
            "collector.qdisk.device-include=^eth0$",
        ] {
            let fault = fault(&[&format!("--{option}")]);
            let (_, fault) = fault.split_once(": ").unwrap();
            assert!(fault.contains("of node_exporter that is not here"), "{option}: {fault}");
        }
        assert_eq!(
            fault(&["--collector.netdev.device-blacklist=x"]),
            "--collector.netdev.device-blacklist: an option of node_exporter that is not here: use --collector.netdev.device-exclude"
        );
        assert_eq!(
            fault(&["--collector.systemd.unit-include=x"]),
            "--collector.systemd.unit-include: an option of a collector of node_exporter that is not here"
        );
    }
}
