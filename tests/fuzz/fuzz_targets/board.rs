//! The collectors' parsers, through the collectors: the first line of the input is the path of a
//! file of a board, and the rest is what the kernel says there.

#![no_main]

mod page;

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use router_exporter::format::Sorted;
use router_exporter::machine::Paths;
use router_exporter::scrape::Scraper;
use router_exporter::server::{Exporter, HandlerMetrics};
use router_exporter::settings::Settings;

/// The files, and who reads them.
const FILES: &[(&str, &str)] = &[
    ("proc/buddyinfo", "buddyinfo"),
    ("proc/cpuinfo", "cpu"),
    ("proc/diskstats", "diskstats"),
    ("proc/interrupts", "interrupts"),
    ("proc/loadavg", "loadavg"),
    ("proc/mdstat", "mdadm"),
    ("proc/meminfo", "meminfo"),
    ("proc/net/arp", "arp"),
    ("proc/net/dev", "netdev"),
    ("proc/net/netstat", "netstat"),
    ("proc/net/rpc/nfs", "nfs"),
    ("proc/net/snmp", "netstat"),
    ("proc/net/snmp6", "netstat"),
    ("proc/net/sockstat", "sockstat"),
    ("proc/net/sockstat6", "sockstat"),
    ("proc/net/softnet_stat", "softnet"),
    ("proc/net/stat/nf_conntrack", "conntrack"),
    ("proc/net/udp", "udp_queues"),
    ("proc/net/xfrm_stat", "xfrm"),
    ("proc/pressure/cpu", "pressure"),
    ("proc/schedstat", "schedstat"),
    ("proc/softirqs", "softirqs"),
    ("proc/stat", "stat"),
    ("proc/stat", "cpu"),
    ("proc/swaps", "swap"),
    ("proc/sys/fs/file-nr", "filefd"),
    ("proc/sys/kernel/random/entropy_avail", "entropy"),
    ("proc/vmstat", "vmstat"),
    ("proc/1/mountinfo", "filesystem"),
    ("proc/1/stat", "processes"),
    ("proc/net/tcp", "tcpstat"),
    ("proc/sys/kernel/hung_task_detect_count", "kernel_hung"),
    ("proc/sys/net/netfilter/nf_conntrack_count", "conntrack"),
    ("root/etc/os-release", "os"),
    ("root/tmp/dhcp.leases", "dhcp_leases"),
    ("root/etc/localtime", "time"),
    ("sys/block/md0/md/degraded", "mdadm"),
    ("sys/block/sda/queue/rotational", "diskstats"),
    ("sys/class/dmi/id/bios_date", "dmi"),
    ("sys/class/hwmon/hwmon0/name", "hwmon"),
    ("sys/class/hwmon/hwmon0/temp1_input", "hwmon"),
    ("sys/class/hwmon/hwmon0/temp1_label", "hwmon"),
    ("sys/class/mtd/mtd5/corrected_bits", "ubi"),
    ("sys/class/net/bond0/bonding/slaves", "bonding"),
    ("sys/class/net/bonding_masters", "bonding"),
    ("sys/class/net/eth0/address", "netclass"),
    ("sys/class/net/eth0/flags", "netclass"),
    ("sys/class/net/eth0/operstate", "netclass"),
    ("sys/class/net/eth0/speed", "netclass"),
    ("sys/class/power_supply/BAT0/capacity", "powersupplyclass"),
    ("sys/class/power_supply/BAT0/status", "powersupplyclass"),
    ("sys/class/thermal/cooling_device0/cur_state", "thermal_zone"),
    ("sys/class/thermal/thermal_zone0/temp", "thermal_zone"),
    ("sys/class/thermal/thermal_zone0/type", "thermal_zone"),
    ("sys/class/ubi/ubi0/max_ec", "ubi"),
    ("sys/class/ubi/ubi0/mtd_num", "ubi"),
    ("sys/class/watchdog/watchdog0/identity", "watchdog"),
    ("sys/class/watchdog/watchdog0/timeout", "watchdog"),
    ("sys/devices/system/cpu/cpu0/cpufreq/scaling_available_governors", "cpufreq"),
    ("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "cpufreq"),
    ("sys/devices/system/cpu/online", "cpu"),
    ("sys/fs/selinux/enforce", "selinux"),
];

thread_local! {
    static MACHINE: RefCell<(PathBuf, Scraper)> = RefCell::new(machine());
}

/// A machine that has nothing but what is written there.
fn machine() -> (PathBuf, Scraper) {
    let root = PathBuf::from(format!("/dev/shm/router_exporter-fuzz-{}", std::process::id()));
    for (file, _) in FILES {
        fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
    }
    let path = |name: &str| &*root.join(name).to_str().unwrap().to_owned().leak();
    let paths = Paths { procfs: path("proc"), sysfs: path("sys"), rootfs: path("root") };
    let settings = Settings { paths, disable_exporter_metrics: true, dhcp_leases_exposed: true, ..Settings::default() };
    (root, Scraper::new(Box::leak(Box::new(settings)), |_| true))
}

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |&byte| byte == b'\n');
    let (Some(name), Some(text)) = (parts.next(), parts.next()) else { return };
    MACHINE.with_borrow_mut(|(root, scraper)| {
        for (file, collector) in FILES.iter().filter(|(file, _)| file.as_bytes() == name) {
            let path = root.join(file);
            fs::write(&path, text).unwrap();
            let mut page = Sorted::default();
            scraper.render(&format!("collect[]={collector}"), &HandlerMetrics::default(), &mut page).unwrap();
            let page = page.to_vec();
            // Emptied and not removed, as the exporter keeps it open.
            fs::write(&path, "").unwrap();
            page::check(&page);
        }
    });
});
