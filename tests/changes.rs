//! A machine that changes is told as by an exporter that has just started: what is kept from scrape
//! to scrape (open files, which lines are told, heads of families) is only what stays.

#![allow(clippy::disallowed_methods, clippy::expect_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use router_exporter::arguments;
use router_exporter::collectors::ALL;
use router_exporter::format::Sorted;
use router_exporter::scrape::Scraper;
use router_exporter::server::{Exporter, HandlerMetrics};

/// What happens to a file below the board's root.
enum Change {
    /// The first of these words becomes the others.
    Now(&'static str, &'static str, &'static str),
    /// It comes to be.
    New(&'static str, &'static str),
    /// Another file takes its place.
    Renewed(&'static str, &'static str),
    /// It goes, or all below it does.
    Gone(&'static str),
}
use Change::{Gone, New, Now, Renewed};

/// What may come and go on a router, one after the other.
const CHANGES: &[Change] = &[
    Now("proc/1/mountinfo", "21 26 ", "40 26 8:16 / /tmp/usb rw - ext4 /dev/sdb rw\n21 26 "),
    Now("proc/diskstats", "  31       0 ", "   8      16 sdb 1 2 3 4 5 6 7 8 9 10 11\n  31       0 "),
    Now("proc/diskstats", "ubiblock0_0", "ubiblock0_1"),
    Now("proc/interrupts", " 18:", " 17:   1   2   3   4  MIPS GIC  55  new\n 18:"),
    Now("proc/loadavg", "0.31", "123.45"),
    Now("proc/meminfo", "Buffers:", "NewThing:      5 kB\nBuffers:"),
    Now("proc/meminfo", "Cached:", "Coached:"),
    Now("proc/net/arp", "br-lan.20", "br-guest"),
    Now("proc/net/dev", "  lan3:", "  usb0:"),
    Now("proc/net/dev", "   wan:", "ppp0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n   wan:"),
    Now("proc/net/netstat", "TcpExt: SyncookiesSent", "TcpExt: New SyncookiesSent"),
    Now("proc/net/netstat", "\nTcpExt: ", "\nTcpExt: 42 "),
    Now("proc/net/netstat", "InOctets OutOctets", "OutOctets InOctets"),
    Now("proc/net/snmp", "Tcp: RtoAlgorithm", "Tcp: New RtoAlgorithm"),
    Now("proc/net/snmp", "Tcp: 1 ", "Tcp: 42 1 "),
    Now("proc/net/snmp", "UdpLite: InDatagrams", "UdpHeavy: InDatagrams"),
    Now("proc/net/snmp6", "Icmp6InEchos", "Icmp6InType128   5\nDccp6InErrors   7\nIcmp6InEchos"),
    Now("proc/net/snmp6", "Ip6InOctets", "Ip6InBoctets"),
    Now("proc/net/sockstat", "RAW:", "SCTP: inuse 3\nRAW:"),
    Now("proc/net/softnet_stat", "0a11b022", "0a11b022 00000001 00000002 00000000\n00000001"),
    Now("proc/net/tcp", " 0A ", " 01 "),
    Now("proc/stat", "cpu1 ", "cpu7 "),
    Now("proc/vmstat", "nr_free_pages", "nr_new 4\npswpnew 5\nnr_free_pages"),
    Now("proc/vmstat", "pgfault", "pgfoult"),
    New(
        "proc/4242/stat",
        "4242 (new) S 1 1 1 0 -1 4194560 120 0 3 0 14 9 0 0 20 0 1 0 2211 1552384 162 4294967295 4194304 4612345 2146873072 0 0 0 0 4096 17411 0 0 0 17 0 0 0 0 0 0\n",
    ),
    Gone("proc/4242"),
    New("proc/mdstat", "Personalities : [raid1]\nmd0 : active raid1 sda1[0] sdb1[1]\n      1000 blocks [2/2] [UU]\n\n"),
    New("proc/net/rpc/nfs", "net 1 2 3 4\nrpc 5 6 7\nproc2 2 1 2\n"),
    New("proc/net/xfrm_stat", "XfrmInError 3\n"),
    New("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n"),
    New("proc/schedstat", "version 15\ncpu0 0 0 0 0 0 0 5 6 7\n"),
    Now("proc/swaps", "/dev/zram0 ", "/swap file 100 0 -3\n/dev/zram0 "),
    Now("root/usr/lib/os-release", "24.10.0", "25.12.0"),
    New("sys/class/hwmon/hwmon7/temp1_input", "41000\n"),
    New("sys/class/hwmon/hwmon7/name", "usb\n"),
    Gone("sys/class/hwmon/hwmon7"),
    New("sys/class/net/bond0/bonding/slaves", "lan1\n"),
    New("sys/class/net/usb0/operstate", "up\n"),
    Gone("sys/class/net/lan3"),
    New("sys/class/power_supply/BAT/capacity", "50\n"),
    Now("sys/class/thermal/thermal_zone0/temp", "51200", "60000"),
    Gone("sys/class/thermal/thermal_zone0"),
    New("sys/class/watchdog/watchdog1/identity", "another\n"),
    New("textfile/new.prom", "new_metric 1\n"),
    Gone("textfile/backup.prom"),
    // The same number of families, of which two are one.
    New("textfile/1.prom", "# HELP shared_b H.\n# TYPE shared_b gauge\nshared_b{file=\"1\"} 1\n"),
    New("textfile/2.prom", "# HELP shared_a H.\n# TYPE shared_a gauge\nshared_a{file=\"2\"} 2\n"),
    New("textfile/1.prom", "# HELP shared_a H.\n# TYPE shared_a gauge\nshared_a{file=\"1\"} 1\n"),
    Renewed("proc/loadavg", "1.00 2.00 3.00 1/100 4000\n"),
    Renewed("proc/stat", "cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\nctxt 5\nbtime 6\n"),
    Renewed("proc/sys/fs/file-nr", "11\t0\t12\n"),
    Gone("proc/net/sockstat"),
];

#[test]
fn a_machine_that_changes() {
    let board = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("changes");
    let _ = fs::remove_dir_all(&board);
    copy(Path::new("tests/routers/openwrt"), &board);
    let mut running = scraper(&board);
    let mut before = page(&mut running);
    for (number, change) in CHANGES.iter().enumerate() {
        make(change, &board);
        let (told, fresh) = (page(&mut running), page(&mut scraper(&board)));
        assert_eq!(told, fresh, "change {number} is not told as by a fresh exporter");
        assert_ne!(told, before, "change {number} makes none to the page");
        before = told;
    }
}

fn make(change: &Change, board: &Path) {
    match change {
        Now(file, from, to) => {
            let path = board.join(file);
            let text = fs::read_to_string(&path).expect("a file of the board");
            assert!(text.contains(from), "{file} has no '{from}'");
            fs::write(&path, text.replacen(from, to, 1)).expect("a copy may be written");
        }
        New(file, text) => {
            let path = board.join(file);
            fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("a copy may be written");
            fs::write(path, text).expect("a copy may be written");
        }
        Renewed(file, text) => {
            let new = board.join("new");
            fs::write(&new, text).expect("a copy may be written");
            fs::rename(new, board.join(file)).expect("a file may be replaced");
        }
        Gone(file) => {
            let path = board.join(file);
            let removed =
                if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.expect("what goes was there");
        }
    }
}

fn scraper(board: &Path) -> Scraper {
    let paths = [("procfs", "proc"), ("sysfs", "sys"), ("rootfs", "root")];
    let paths = paths.map(|(option, directory)| format!("--path.{option}={}", board.join(directory).display()));
    let text_files = format!("--collector.textfile.directory={}", board.join("textfile").display());
    let all = ALL.iter().map(|collector| format!("--collector.{}", collector.name));
    let more =
        ["--web.disable-exporter-metrics", "--collector.cpu.info", "--collector.stat.softirq"].map(str::to_owned);
    let arguments = arguments::parse(paths.into_iter().chain([text_files]).chain(all).chain(more)).expect("options");
    // These ask this machine, which changes by itself.
    let live = ["network_route", "qdisc", "time", "timex", "uname"];
    Scraper::new(&arguments.settings, |collector| !live.contains(&collector.name))
}

/// The page, without what differs from one moment to the next.
fn page(scraper: &mut Scraper) -> String {
    let mut page = Sorted::default();
    scraper.render("", &HandlerMetrics::default(), &mut page).expect("a whole page is not refused");
    let moving =
        ["collector_duration_seconds{", "filesystem_avail_bytes{", "filesystem_free_bytes{", "filesystem_files_free{"];
    let page = String::from_utf8(page.to_vec()).expect("a page is UTF-8");
    page.lines().filter(|line| !moving.iter().any(|name| line.contains(name))).map(|line| format!("{line}\n")).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory for the copy");
    for entry in fs::read_dir(from).expect("a board") {
        let entry = entry.expect("a board");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().expect("a board");
        if kind.is_symlink() {
            symlink(fs::read_link(from).expect("a link"), to).expect("a copy");
        } else if kind.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).expect("a copy");
        }
    }
}
