//! The collectors, a file each: the file's name is the collector's name is the option's.

pub mod process_metrics;
pub mod sysfs_class;

use crate::format::page::Page;
use crate::machine::{Error, Host};

/// One collector.
#[derive(Debug)]
pub struct Collector {
    /// As in `--collector.NAME` and in the label `collector`.
    pub name: &'static str,
    /// Whether it runs unless the options say otherwise.
    pub default: bool,
    /// Reads the machine and adds families to the page. What a failed one has added is taken back.
    pub collect: fn(&Host, &mut Page) -> Result<(), Error>,
}

/// Declares the modules and the table of them.
macro_rules! collectors {
    ($($name:ident: $default:literal,)*) => {
        $(pub mod $name;)*

        /// All collectors, sorted by name.
        pub const ALL: &[Collector] =
            &[$(Collector { name: stringify!($name), default: $default, collect: $name::collect }),*];
    };
}

collectors! {
    arp: true,
    bonding: true,
    buddyinfo: false,
    conntrack: true,
    cpu: true,
    cpufreq: true,
    diskstats: true,
    dmi: true,
    entropy: true,
    filefd: true,
    filesystem: true,
    hwmon: true,
    interrupts: false,
    kernel_hung: true,
    loadavg: true,
    mdadm: true,
    meminfo: true,
    netclass: true,
    netdev: true,
    netstat: true,
    network_route: false,
    nfs: true,
    os: true,
    powersupplyclass: true,
    pressure: true,
    processes: false,
    qdisc: false,
    schedstat: true,
    selinux: true,
    sockstat: true,
    softirqs: false,
    softnet: true,
    stat: true,
    swap: false,
    tcpstat: false,
    textfile: true,
    thermal_zone: true,
    time: true,
    timex: true,
    udp_queues: true,
    uname: true,
    vmstat: true,
    watchdog: true,
    xfrm: false,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_by_name_and_named_once() {
        assert!(ALL.is_sorted_by(|one, other| one.name < other.name));
    }
}
