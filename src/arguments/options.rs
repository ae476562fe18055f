//! The options, what each does, and its line of `--help`.

use log::LevelFilter;

use super::{Arguments, Command, Misuse, directory, leaked, wrong};
use crate::process::privileges::User;
use crate::server::access::Network;
use crate::server::health::Target;
use crate::server::{HEALTH_PATH, Listen};
use crate::text::scan::decimal;

/// An option.
pub(super) struct Known {
    /// Without its dashes.
    pub name: &'static str,
    /// What `--help` calls its value; empty where it has none, in brackets where it may be left out.
    pub value: &'static str,
    pub help: &'static str,
    pub does: Does,
}

/// What an option does.
pub(super) enum Does {
    /// Says what the program is to do.
    Run(Command),
    /// Turns this on, and as `--no-NAME` off.
    Switch(fn(&mut Arguments) -> &mut bool),
    /// Takes a value.
    Take(fn(&mut Arguments, &'static str) -> Result<(), Misuse>),
    /// Takes a path.
    Path(fn(&mut Arguments) -> &mut Option<&'static str>),
}

use Does::{Path, Run, Switch, Take};

const fn known(name: &'static str, value: &'static str, help: &'static str, does: Does) -> Known {
    Known { name, value, help, does }
}

/// The options that are neither a filter's nor a collector's switch, as `--help` prints them.
pub(super) const OPTIONS: &[Known] = &[
    known("help", "", "Show this help.", Run(Command::Help)),
    known("version", "", "Show the version.", Run(Command::Version)),
    known("once", "", "Print the page on standard output and exit.", Run(Command::Once)),
    known(
        "health",
        "[URL]",
        "Ask the running exporter whether it is well; exit status 0 or 1.",
        Take(|arguments, url| {
            arguments.command = Command::Health;
            arguments.health_target = if url.is_empty() { None } else { Some(Target::parse(url).map_err(leaked)?) };
            Ok(())
        }),
    ),
    known(
        "web.listen-address",
        "ADDRESS",
        "Where to listen: :9100, 192.168.1.1:9100, [::1]:9100, br0:9100. Repeatable. Default: :9100",
        Take(|arguments, text| {
            arguments.listen_addresses.push(Listen::parse(text).map_err(leaked)?);
            Ok(())
        }),
    ),
    known(
        "web.allow",
        "NETWORK",
        "Who may ask, as 192.168.1.0/24 or fd00::/8. Repeatable. Default: everybody",
        Take(|arguments, text| {
            arguments.networks.push(Network::parse(text).map_err(leaked)?);
            Ok(())
        }),
    ),
    known(
        "web.basic-auth-file",
        "FILE",
        "Ask for one of the lines user:password of a file. SIGHUP reads it again.",
        Path(|arguments| &mut arguments.basic_auth_file),
    ),
    known(
        "web.bearer-token-file",
        "FILE",
        "Ask for one of the tokens of a file, one a line. SIGHUP reads it again.",
        Path(|arguments| &mut arguments.bearer_token_file),
    ),
    known(
        "user",
        "NAME|UID",
        "User to change to after the port is open.",
        Take(|arguments, user| {
            arguments.user = Some(User::find("/etc", user).map_err(leaked)?);
            Ok(())
        }),
    ),
    known(
        "web.telemetry-path",
        "PATH",
        "Path of the metrics. Default: /metrics",
        Take(|arguments, path| {
            if path == HEALTH_PATH {
                return wrong(path, " is where the exporter says that it is well; give another path");
            }
            // What a client sends of a URL's path, without what the page at `/` would have to escape.
            let is_path =
                path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'"' | b'&'));
            if !path.starts_with('/') || path == "/" || !is_path {
                return wrong(path, " is not a path such as /metrics");
            }
            arguments.telemetry_path = path;
            Ok(())
        }),
    ),
    known(
        "web.max-requests",
        "N",
        "Most scrapes at the same time, 0 for no limit. Default: 40",
        Take(|arguments, text| match decimal(text.as_bytes()).and_then(|number| number.try_into().ok()) {
            Some(number) => {
                arguments.max_requests = number;
                Ok(())
            }
            None => wrong(text, " is not a number"),
        }),
    ),
    known(
        "web.disable-exporter-metrics",
        "",
        "Leave out what is about the exporter itself (promhttp_*, process_*).",
        Switch(|arguments| &mut arguments.settings.disable_exporter_metrics),
    ),
    known(
        "path.procfs",
        "DIR",
        "Where proc is mounted. Default: /proc",
        Take(|arguments, path| directory(path, &mut arguments.settings.paths.procfs)),
    ),
    known(
        "path.sysfs",
        "DIR",
        "Where sysfs is mounted. Default: /sys",
        Take(|arguments, path| directory(path, &mut arguments.settings.paths.sysfs)),
    ),
    known(
        "path.rootfs",
        "DIR",
        "Where the root file system is mounted. Default: /",
        Take(|arguments, path| directory(path, &mut arguments.settings.paths.rootfs)),
    ),
    known(
        "log.level",
        "LEVEL",
        "Least severity that is logged: debug, info, warn, error. Default: info",
        Take(|arguments, text| match LEVELS.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)) {
            Some((_, level)) => {
                arguments.log_level = *level;
                Ok(())
            }
            None => wrong(text, " is not one of debug, info, warn, error"),
        }),
    ),
    known(
        "log.format",
        "FORMAT",
        "How the log is written: logfmt.",
        Take(|_, text| if text == "logfmt" { Ok(()) } else { wrong(text, " is not logfmt") }),
    ),
    known(
        "collector.disable-defaults",
        "",
        "Run only the collectors that are asked for.",
        Switch(|arguments| &mut arguments.disable_defaults),
    ),
    known(
        "collector.textfile.directory",
        "DIR",
        "Directory with *.prom files; a pattern may name several. Repeatable.",
        Take(|arguments, directory| {
            arguments.settings.textfile_directories.push(directory);
            Ok(())
        }),
    ),
    known(
        "collector.cpu.guest",
        "",
        "Report node_cpu_guest_seconds_total. Default; --no-collector.cpu.guest to leave out.",
        Switch(|arguments| &mut arguments.settings.cpu_guest),
    ),
    known("collector.cpu.info", "", "Report node_cpu_info.", Switch(|arguments| &mut arguments.settings.cpu_info)),
    known(
        "collector.dhcp_leases.expose-leases",
        "",
        "Report who has each lease: addresses and names.",
        Switch(|arguments| &mut arguments.settings.dhcp_leases_exposed),
    ),
    known(
        "collector.dhcp_leases.file",
        "FILE",
        "dnsmasq's leases. Default: where known firmware has them",
        Path(|arguments| &mut arguments.settings.dhcp_leases_file),
    ),
    known(
        "collector.interrupts.include-zeros",
        "",
        "Report interrupts that never came. Default; --no-… to leave out.",
        Switch(|arguments| &mut arguments.settings.interrupts_include_zeros),
    ),
    known(
        "collector.netclass.ignore-invalid-speed",
        "",
        "Leave out a speed that the driver does not know.",
        Switch(|arguments| &mut arguments.settings.netclass_ignore_invalid_speed),
    ),
    known(
        "collector.netdev.address-info",
        "",
        "Report node_network_address_info.",
        Switch(|arguments| &mut arguments.settings.netdev_address_info),
    ),
    known(
        "collector.stat.softirq",
        "",
        "Report node_softirqs_total.",
        Switch(|arguments| &mut arguments.settings.stat_softirq),
    ),
];

/// What `--log.level` takes, in any case.
const LEVELS: [(&str, LevelFilter); 4] = [
    ("debug", LevelFilter::Debug),
    ("info", LevelFilter::Info),
    ("warn", LevelFilter::Warn),
    ("error", LevelFilter::Error),
];
