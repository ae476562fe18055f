//! The collectors' parsers, through the collectors: the first line of the input is the path of a
//! file below /proc, and the rest is what the kernel says there.

#![no_main]

mod page;

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use router_exporter::scrape::Scraper;
use router_exporter::server::{Exporter, HandlerMetrics};
use router_exporter::settings::{Paths, Settings};

/// The files, and who reads them.
const FILES: &[(&str, &str)] = &[
    ("buddyinfo", "buddyinfo"),
    ("cpuinfo", "cpu"),
    ("diskstats", "diskstats"),
    ("interrupts", "interrupts"),
    ("loadavg", "loadavg"),
    ("mdstat", "mdadm"),
    ("meminfo", "meminfo"),
    ("net/arp", "arp"),
    ("net/dev", "netdev"),
    ("net/netstat", "netstat"),
    ("net/rpc/nfs", "nfs"),
    ("net/snmp", "netstat"),
    ("net/snmp6", "netstat"),
    ("net/sockstat", "sockstat"),
    ("net/sockstat6", "sockstat"),
    ("net/softnet_stat", "softnet"),
    ("net/stat/nf_conntrack", "conntrack"),
    ("net/udp", "udp_queues"),
    ("net/xfrm_stat", "xfrm"),
    ("pressure/cpu", "pressure"),
    ("schedstat", "schedstat"),
    ("softirqs", "softirqs"),
    ("stat", "stat"),
    ("stat", "cpu"),
    ("swaps", "swap"),
    ("sys/fs/file-nr", "filefd"),
    ("sys/kernel/random/entropy_avail", "entropy"),
    ("vmstat", "vmstat"),
];

thread_local! {
    static MACHINE: RefCell<(PathBuf, Scraper)> = RefCell::new(machine());
}

/// A machine that has nothing but what is written below its /proc.
fn machine() -> (PathBuf, Scraper) {
    let root = PathBuf::from(format!("/dev/shm/router_exporter-fuzz-{}", std::process::id()));
    for (file, _) in FILES {
        fs::create_dir_all(root.join("proc").join(file).parent().unwrap()).unwrap();
    }
    let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let paths = Paths { procfs: path("proc"), sysfs: path("sys"), rootfs: path("") };
    let settings = Settings { paths, disable_exporter_metrics: true, ..Settings::default() };
    (root, Scraper::new(settings, |_| true))
}

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |&byte| byte == b'\n');
    let (Some(name), Some(text)) = (parts.next(), parts.next()) else { return };
    MACHINE.with_borrow_mut(|(root, scraper)| {
        for (file, collector) in FILES.iter().filter(|(file, _)| file.as_bytes() == name) {
            let path = root.join("proc").join(file);
            fs::write(&path, text).unwrap();
            let mut page = Vec::new();
            scraper.render(&format!("collect[]={collector}"), &HandlerMetrics::default(), &mut page).unwrap();
            // Emptied and not removed, as the exporter keeps it open.
            fs::write(&path, "").unwrap();
            let _ = page::check(&page);
        }
    });
});
