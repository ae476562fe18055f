//! The pages of whole boards under `tests/routers`, by the real binary, against those kept there.
//!
//! `BLESS=1 cargo test --test golden` writes the pages anew; read the diff.

#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::panic)]

#[path = "fuzz/fuzz_targets/page.rs"]
mod page;

use std::collections::HashSet;
use std::env;
use std::fmt::Write;
use std::fs;
use std::process::Output;

use router_exporter::collectors::{ALL, Collector};

mod program;

/// Options that add families to the page.
const OPTIONS: &[&str] = &["--collector.cpu.info", "--collector.stat.softirq", "--collector.dhcp_leases.expose-leases"];

/// Collectors that ask the kernel over a socket, and so never read a board.
const LIVE: &[&str] = &["network_route", "qdisc", "wifi", "wifi_network", "wifi_stations", "wireguard"];

/// What of a family cannot be the same on two machines.
enum Mask {
    /// The value.
    Value,
    /// The value and those of these labels.
    Labels(&'static [&'static str]),
    /// That it is there at all.
    Family,
}

/// Families, or the beginnings of their names, that are not compared, and why.
const MASKS: &[(&str, Mask, &str)] = &[
    ("node_exporter_build_info", Mask::Labels(&["goarch", "revision", "version"]), "differs between binaries"),
    ("node_filesystem_avail_bytes", Mask::Value, "statfs asks the machine of the test"),
    ("node_filesystem_files", Mask::Value, "statfs asks the machine of the test"),
    ("node_filesystem_files_free", Mask::Value, "statfs asks the machine of the test"),
    ("node_filesystem_free_bytes", Mask::Value, "statfs asks the machine of the test"),
    ("node_filesystem_size_bytes", Mask::Value, "statfs asks the machine of the test"),
    ("node_scrape_collector_duration_seconds", Mask::Value, "a duration"),
    ("node_textfile_mtime_seconds", Mask::Value, "when the repository was checked out"),
    ("node_time_seconds", Mask::Value, "the clock"),
    ("node_time_zone_offset_seconds", Mask::Family, "the zone of the test's environment"),
    ("node_timex_", Mask::Value, "the clock"),
    ("node_uname_info", Mask::Labels(&["domainname", "machine", "nodename", "release", "version"]), "uname(2)"),
    ("process_", Mask::Value, "this process"),
];

/// An option that picks, the board, a series that it takes off the page and one that it leaves there.
const FILTERS: &[(&str, &str, &str, &str)] = &[
    (
        "arp.device-exclude=^br-lan$",
        "openwrt",
        r#"node_arp_entries{device="br-lan"}"#,
        r#"node_arp_entries{device="br-lan.20"}"#,
    ),
    (
        "arp.device-include=^br-lan$",
        "openwrt",
        r#"node_arp_entries{device="br-lan.20"}"#,
        r#"node_arp_entries{device="br-lan"}"#,
    ),
    ("diskstats.device-exclude=^md", "nas", r#"node_disk_io_now{device="md0"}"#, r#"node_disk_io_now{device="sda"}"#),
    ("diskstats.device-include=^md", "nas", r#"node_disk_io_now{device="sda"}"#, r#"node_disk_io_now{device="md0"}"#),
    (
        "filesystem.fs-types-exclude=^ubifs$",
        "openwrt",
        r#"node_filesystem_readonly{device="/dev/ubi0_1",device_error="",fstype="ubifs",mountpoint="/overlay"}"#,
        r#"node_filesystem_readonly{device="tmpfs",device_error="",fstype="tmpfs",mountpoint="/tmp"}"#,
    ),
    (
        "filesystem.fs-types-include=^ubifs$",
        "openwrt",
        r#"node_filesystem_readonly{device="tmpfs",device_error="",fstype="tmpfs",mountpoint="/tmp"}"#,
        r#"node_filesystem_readonly{device="/dev/ubi0_1",device_error="",fstype="ubifs",mountpoint="/overlay"}"#,
    ),
    (
        "filesystem.mount-points-exclude=^/tmp$",
        "openwrt",
        r#"node_filesystem_readonly{device="tmpfs",device_error="",fstype="tmpfs",mountpoint="/tmp"}"#,
        r#"node_filesystem_readonly{device="/dev/ubi0_1",device_error="",fstype="ubifs",mountpoint="/overlay"}"#,
    ),
    (
        "filesystem.mount-points-include=^/tmp$",
        "openwrt",
        r#"node_filesystem_readonly{device="/dev/ubi0_1",device_error="",fstype="ubifs",mountpoint="/overlay"}"#,
        r#"node_filesystem_readonly{device="tmpfs",device_error="",fstype="tmpfs",mountpoint="/tmp"}"#,
    ),
    (
        "hwmon.chip-exclude=coretemp",
        "nas",
        r#"node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"}"#,
        r#"node_hwmon_temp_celsius{chip="platform_nct6775_656",sensor="temp1"}"#,
    ),
    (
        "hwmon.chip-include=coretemp",
        "nas",
        r#"node_hwmon_temp_celsius{chip="platform_nct6775_656",sensor="temp1"}"#,
        r#"node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"}"#,
    ),
    (
        "hwmon.sensor-exclude=coretemp_0;temp1",
        "nas",
        r#"node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"}"#,
        r#"node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp2"}"#,
    ),
    (
        "hwmon.sensor-include=coretemp_0;temp1",
        "nas",
        r#"node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp2"}"#,
        r#"node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"}"#,
    ),
    (
        "interrupts.name-exclude=eth2",
        "rt-n14u",
        r#"node_interrupts_total{cpu="0",devices="eth2",info="INTCREG",type="8"}"#,
        r#"node_interrupts_total{cpu="0",devices="timer",info="MIPS",type="5"}"#,
    ),
    (
        "interrupts.name-include=eth2",
        "rt-n14u",
        r#"node_interrupts_total{cpu="0",devices="timer",info="MIPS",type="5"}"#,
        r#"node_interrupts_total{cpu="0",devices="eth2",info="INTCREG",type="8"}"#,
    ),
    (
        "netclass.ignored-devices=^lan",
        "openwrt",
        r#"node_network_up{device="lan1"}"#,
        r#"node_network_up{device="wan"}"#,
    ),
    (
        "netdev.device-exclude=^lan",
        "openwrt",
        r#"node_network_receive_bytes_total{device="lan1"}"#,
        r#"node_network_receive_bytes_total{device="wan"}"#,
    ),
    (
        "netdev.device-include=^lan",
        "openwrt",
        r#"node_network_receive_bytes_total{device="wan"}"#,
        r#"node_network_receive_bytes_total{device="lan1"}"#,
    ),
    ("netstat.fields=^Tcp_", "rt-n14u", r#"node_netstat_Ip_Forwarding"#, r#"node_netstat_Tcp_MaxConn"#),
    (
        "powersupply.ignored-supplies=^BAT",
        "nas",
        r#"node_power_supply_capacity{power_supply="BAT0"}"#,
        r#"node_power_supply_online{power_supply="AC"}"#,
    ),
    ("vmstat.fields=^nr_", "x86_64", r#"node_vmstat_pgpgin"#, r#"node_vmstat_nr_free_pages"#),
];

/// Stands for what is masked, so that the page remains one that parses.
const MASKED_VALUE: &str = "NaN";
const MASKED_LABEL: &str = "*";

#[test]
fn rt_n14u() {
    assert_silent(&golden("rt-n14u"));
}

#[test]
fn openwrt() {
    assert_silent(&golden("openwrt"));
}

#[test]
fn x86_64() {
    assert_silent(&golden("x86_64"));
}

#[test]
fn bare() {
    assert_silent(&golden("bare"));
}

#[test]
fn merlin() {
    golden("merlin");
}

#[test]
fn nas() {
    golden("nas");
}

#[test]
fn reports() {
    let output = golden("reports");
    let log = String::from_utf8_lossy(&output.stderr);
    let found = "reports/textfile/b.prom: unexpected 'zzz'";
    assert!(log.lines().count() == 1 && log.contains(found), "a file is refused, and nothing else is odd:\n{log}");
}

#[test]
fn broken() {
    let output = golden("broken");
    let log = String::from_utf8_lossy(&output.stderr);
    let page = String::from_utf8_lossy(&output.stdout);
    assert!(log.lines().all(|line| line.starts_with("time=")), "no panic, only the log:\n{log}");
    // Every file is there, so that what fails does so for its fault, and says so in both places.
    let failed = ALL.iter().filter(|collector| {
        page.contains(&format!("node_scrape_collector_success{{collector=\"{}\"}} 0\n", collector.name))
    });
    let failed: Vec<_> = failed.map(|collector| collector.name).collect();
    assert!(failed.contains(&"loadavg"), "{failed:?}");
    for name in failed.into_iter().filter(|name| !LIVE.contains(name)) {
        assert!(log.contains(&format!(" name={name} ")), "{name} is not in the log:\n{log}");
    }
    // A record that is right is told, whatever stands around it.
    for sample in [
        r#"broken_but_this 1"#,
        r#"dnsmasq_lease_expiry{client_id="",computer_name="o\"d\\d",ip_addr="192.168.1.9",mac_addr="02:00:5e:00:53:09"} 7"#,
        r#"node_arp_entries{device="br0"} 1"#,
        r#"node_buddyinfo_blocks{node="0",size="2",zone="DMA"} 3"#,
        r#"node_cpu_seconds_total{cpu="0",mode="user"} 1"#,
        r#"node_disk_reads_completed_total{device="sda"} 1"#,
        r#"node_filesystem_readonly{device="/dev/root",device_error="",fstype="ext4",mountpoint="/"} 0"#,
        r#"node_forks_total 5"#,
        r#"node_hwmon_temp_celsius{chip="hwmon0",sensor="temp4"} 55"#,
        r#"node_interrupts_total{cpu="0",devices="one",info="GIC",type="1"} 5"#,
        r#"node_md_blocks{device="md0"} 1000"#,
        r#"node_memory_MemTotal_bytes 1024000"#,
        r#"node_mmc_life_time{device="mmc0:0001",type="a"} 2"#,
        r#"node_netstat_TcpExt_ListenDrops 3"#,
        r#"node_network_mtu_bytes{device="lo"} 1"#,
        r#"node_network_receive_bytes_total{device="eth0"} 1"#,
        r#"node_network_transmit_compressed_total{device="eth0"} 16"#,
        r#"node_pressure_cpu_waiting_seconds_total 0.000005"#,
        r#"node_schedstat_timeslices_total{cpu="0"} 7"#,
        r#"node_sockstat_TCP_inuse 3"#,
        r#"node_softirqs_functions_total{cpu="0",type="TIMER"} 5"#,
        r#"node_softnet_processed_total{cpu="0"} 10"#,
        r#"node_swap_size_bytes{device="/swap",swap_type="file"} 1024000"#,
        r#"node_tcp_connection_states{state="listen"} 2"#,
        r#"node_thermal_zone_temp{type="cpu",zone="4"} 41"#,
        r#"node_ubi_bad_eraseblocks{device="ubi0"} 2"#,
        r#"node_udp_queues{ip="v4",queue="rx"} 2"#,
        r#"node_vmstat_pgfault 18446744073709551615"#,
        r#"node_xfrm_in_error_packets_total 3"#,
    ] {
        assert!(page.lines().any(|line| line == sample), "{sample} is not on the page");
    }
}

#[test]
fn filters_take_effect() {
    for (option, board, taken, left) in FILTERS {
        let kept = fs::read_to_string(format!("tests/routers/{board}/page.prom")).expect("no page is kept");
        let output = run(board, all_options().chain([format!("--collector.{option}")]));
        let page = str::from_utf8(&output.stdout).expect("a page is UTF-8");
        let has = |page: &str, series: &str| page.lines().any(|line| line.starts_with(&format!("{series} ")));
        assert!(has(&kept, taken), "{taken} is not there without --collector.{option} either");
        assert!(!has(page, taken), "--collector.{option} leaves {taken}");
        assert!(has(page, left), "--collector.{option} takes {left}");
    }
}

#[test]
fn each_collector_runs_alone_or_not_at_all() {
    let told = |options: &[String]| {
        let output = run("nas", options.iter().cloned());
        let page = String::from_utf8(output.stdout).expect("a page is UTF-8");
        let told = |name: &str| page.contains(&format!("node_scrape_collector_success{{collector=\"{name}\"}}"));
        ALL.iter().map(|collector| collector.name).filter(|name| told(name)).collect::<Vec<_>>()
    };
    for Collector { name, .. } in ALL {
        let alone = ["--collector.disable-defaults".to_owned(), format!("--collector.{name}")];
        assert_eq!(told(&alone), [*name]);
    }
    let none: Vec<_> = ALL.iter().map(|collector| format!("--no-collector.{}", collector.name)).collect();
    assert!(told(&none).is_empty());
}

/// Absent is no fault: nothing is logged.
fn assert_silent(output: &Output) {
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// Runs the exporter on a board and holds its page against the one that is kept, or keeps it.
fn golden(board: &str) -> Output {
    let output = run(board, all_options());
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {log}", output.status);
    let page = str::from_utf8(&output.stdout).expect("a page is UTF-8");
    check_format(page);
    let masked: String = page.lines().filter_map(masked).collect();
    let path = format!("tests/routers/{board}/page.prom");
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &masked).expect("the page cannot be kept");
    }
    let kept = fs::read_to_string(&path).expect("no page is kept: BLESS=1 keeps one");
    let difference = difference(&kept, &masked);
    assert!(difference.is_empty(), "{path} (-) is not what is served (+), which BLESS=1 would keep:\n{difference}");
    output
}

/// The options that put all on the page that there is to tell of a board.
fn all_options() -> impl Iterator<Item = String> {
    let off = ALL.iter().filter(|collector| !collector.default && !LIVE.contains(&collector.name));
    let off = off.map(|collector| format!("--collector.{}", collector.name));
    OPTIONS.iter().map(|&option| option.to_owned()).chain(off)
}

fn run(board: &str, more: impl IntoIterator<Item = String>) -> Output {
    let root = format!("tests/routers/{board}");
    let mut command = program::command();
    command.arg("--once");
    for (option, directory) in [("procfs", "proc"), ("sysfs", "sys"), ("rootfs", "root")] {
        command.arg(format!("--path.{option}={root}/{directory}"));
    }
    // Where nobody leaves text files, nobody names a directory for them.
    let text_files = format!("{root}/textfile");
    if fs::exists(&text_files).expect("the board cannot be read") {
        command.arg(format!("--collector.textfile.directory={text_files}"));
    }
    command.args(more).output().unwrap_or_else(|error| panic!("{}: {error}", program::line()))
}

/// A line of the page with its end, without what varies; `None` if the line does.
fn masked(line: &str) -> Option<String> {
    let name = family(line);
    let mask = MASKS
        .iter()
        .find(|(masked, ..)| name.strip_prefix(masked).is_some_and(|rest| rest.is_empty() || masked.ends_with('_')));
    let sample = !line.starts_with('#');
    match mask {
        Some((_, Mask::Family, _)) => None,
        Some((_, Mask::Value, _)) if sample => {
            let (labelled, _) = line.rsplit_once(' ').expect("a sample has a value");
            Some(format!("{labelled} {MASKED_VALUE}\n"))
        }
        Some((_, Mask::Labels(names), _)) if sample => {
            let mut masked = name.to_owned();
            for (index, (label, value)) in page::labels(line).into_iter().enumerate() {
                let value = if names.contains(&label) { MASKED_LABEL } else { value };
                let _ = write!(masked, "{}{label}=\"{value}\"", if index == 0 { '{' } else { ',' });
            }
            Some(format!("{masked}}} 1\n"))
        }
        _ => Some(format!("{line}\n")),
    }
}

/// The family that a line of the page is about.
fn family(line: &str) -> &str {
    let line = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE ")).unwrap_or(line);
    line.split([' ', '{']).next().unwrap_or_default()
}

/// What holds for every page of Prometheus' text format, as node_exporter orders it.
fn check_format(page: &str) {
    page::check(page.as_bytes());
    let (mut current, mut typed) = ("", "");
    for line in page.lines() {
        let name = family(line);
        if line.starts_with("# HELP ") {
            assert!(current < name, "{current} before {name}");
            current = name;
        } else if line.starts_with("# TYPE ") {
            assert_eq!(current, name, "TYPE without HELP");
            let kind = line.rsplit(' ').next().unwrap_or_default();
            assert!(["counter", "gauge", "untyped"].contains(&kind), "{line}");
            typed = name;
        } else if let Some(fault) = line.strip_prefix("# collector ") {
            // Behind all families.
            current = "~";
            let (collector, why) = fault.split_once(": ").expect("a fault has a reason");
            assert!(ALL.iter().any(|known| known.name == collector) && !why.is_empty(), "{line}");
        } else {
            assert_eq!(typed, name, "a sample without HELP and TYPE: {line}");
            let names: Vec<_> = page::labels(line).into_iter().map(|(name, _)| name).collect();
            assert!(names.is_sorted_by(|one, other| one < other), "labels out of order: {line}");
        }
    }
}

/// What only one of two pages has, line by line. No line of a page is there twice.
fn difference(kept: &str, served: &str) -> String {
    let (in_kept, in_served): (HashSet<_>, HashSet<_>) = (kept.lines().collect(), served.lines().collect());
    let mut difference = String::new();
    for (sign, page, other) in [('-', kept, &in_served), ('+', served, &in_kept)] {
        for line in page.lines().filter(|line| !other.contains(line)) {
            let _ = writeln!(difference, "{sign} {line}");
        }
    }
    if difference.is_empty() && kept != served {
        difference.push_str("the same lines in another order\n");
    }
    difference
}

#[test]
fn what_is_masked_is_masked() {
    assert_eq!(masked("node_time_seconds 1.5").unwrap(), "node_time_seconds NaN\n");
    assert_eq!(masked("# TYPE node_time_seconds gauge").unwrap(), "# TYPE node_time_seconds gauge\n");
    assert_eq!(masked("node_time_zone_offset_seconds{time_zone=\"UTC\"} 0"), None);
    assert_eq!(masked("node_timex_status 64").unwrap(), "node_timex_status NaN\n");
    assert_eq!(
        masked(r#"node_uname_info{domainname="x",machine="a\"}b",sysname="Linux"} 1"#).unwrap(),
        "node_uname_info{domainname=\"*\",machine=\"*\",sysname=\"Linux\"} 1\n"
    );
    assert_eq!(masked("node_filesystem_files_free 3").unwrap(), "node_filesystem_files_free NaN\n");
    assert_eq!(masked("node_load1 0.5").unwrap(), "node_load1 0.5\n");
}

#[test]
fn a_series_may_not_be_there_twice() {
    for page in ["a 1\na 1\n", "a{b=\"1\",c=\"2\"} 1\na{c=\"2\",b=\"1\"} 1\n", "a{b=\"\"} 1\na 2\n"] {
        assert!(std::panic::catch_unwind(|| page::check(page.as_bytes())).is_err(), "{page}");
    }
    page::check(b"a{b=\"1\"} 1\na{b=\"2\"} 1\nb 1\n");
}

#[test]
fn a_difference_is_told() {
    assert_eq!(difference("a 1\nb 2\n", "a 1\nb 2\n"), "");
    assert_eq!(difference("a 1\nb 2\n", "a 1\nb 3\nc 4\n"), "- b 2\n+ b 3\n+ c 4\n");
    assert_eq!(difference("a 1\nb 2\n", "b 2\na 1\n"), "the same lines in another order\n");
}
