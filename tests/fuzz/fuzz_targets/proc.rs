//! The collectors' parsers, through the collectors: the first line of the input is the path of a
//! file below /proc, and the rest is what the kernel says there.

#![no_main]

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use router_exporter::scrape::Scraper;
use router_exporter::server::{Exporter, HandlerMetrics};
use router_exporter::settings::{Paths, Settings};

/// The files, without those whose collector asks the running machine too.
const FILES: &[&str] = &[
    "buddyinfo",
    "cpuinfo",
    "diskstats",
    "interrupts",
    "loadavg",
    "mdstat",
    "meminfo",
    "net/arp",
    "net/dev",
    "net/netstat",
    "net/rpc/nfs",
    "net/snmp",
    "net/snmp6",
    "net/sockstat",
    "net/sockstat6",
    "net/softnet_stat",
    "net/stat/nf_conntrack",
    "net/tcp",
    "net/udp",
    "net/wireless",
    "net/xfrm_stat",
    "pressure/cpu",
    "schedstat",
    "softirqs",
    "stat",
    "swaps",
    "sys/fs/file-nr",
    "sys/kernel/random/entropy_avail",
    "vmstat",
];

thread_local! {
    static MACHINE: RefCell<(PathBuf, Scraper)> = RefCell::new(machine());
}

/// A machine that has nothing but what is written below its /proc.
fn machine() -> (PathBuf, Scraper) {
    let root = PathBuf::from(format!("/dev/shm/router_exporter-fuzz-{}", std::process::id()));
    for file in FILES {
        fs::create_dir_all(root.join("proc").join(file).parent().unwrap()).unwrap();
    }
    let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let paths = Paths { procfs: path("proc"), sysfs: path("sys"), rootfs: path("") };
    let settings = Settings { paths, disable_exporter_metrics: true, ..Settings::default() };
    let mut scraper = Scraper::new(settings, |collector| collector.name != "filesystem" && collector.name != "time");
    // What is absent is found to be so once.
    scraper.render("", &HandlerMetrics::default(), &mut Vec::new()).unwrap();
    (root, scraper)
}

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |&byte| byte == b'\n');
    let (Some(name), Some(text)) = (parts.next(), parts.next()) else { return };
    let Some(file) = FILES.iter().find(|file| file.as_bytes() == name) else { return };
    MACHINE.with_borrow_mut(|(root, scraper)| {
        let path = root.join("proc").join(file);
        fs::write(&path, text).unwrap();
        let mut page = Vec::new();
        scraper.render("", &HandlerMetrics::default(), &mut page).unwrap();
        fs::remove_file(&path).unwrap();
        check(&page);
    });
});

/// A page that Prometheus reads: UTF-8, one TYPE a family, a value on each line, and no series twice.
fn check(page: &[u8]) {
    let page = std::str::from_utf8(page).unwrap();
    assert!(page.ends_with('\n'));
    let mut seen = HashSet::new();
    for line in page.lines() {
        let key = match line.strip_prefix("# ") {
            Some(comment) => comment.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" "),
            None => {
                let (series, value) = line.rsplit_once(' ').unwrap();
                value.parse::<f64>().unwrap();
                series.to_owned()
            }
        };
        assert!(seen.insert(key), "twice: {line}");
    }
}
