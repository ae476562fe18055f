//! The collectors, a file each: the file's name is the collector's name is the option's.

pub mod arp;
pub mod bonding;
pub mod buddyinfo;
pub mod conntrack;
pub mod cpu;
pub mod cpu_info;
pub mod cpufreq;
pub mod dhcp_leases;
pub mod diskstats;
pub mod dmi;
pub mod entropy;
pub mod filefd;
pub mod filesystem;
pub mod hwmon;
pub mod hwmon_chips;
pub mod interrupts;
pub mod kernel_hung;
pub mod loadavg;
pub mod mdadm;
pub mod meminfo;
pub mod mmc;
pub mod mounts;
pub mod netclass;
pub mod netdev;
pub mod netdev_addresses;
pub mod netstat;
pub mod network_route;
pub mod nfs;
pub mod nl80211;
pub mod openwrt;
pub mod os;
pub mod powersupplyclass;
pub mod pressure;
pub mod process_metrics;
pub mod process_stat;
pub mod processes;
pub mod processors;
pub mod qdisc;
pub mod ralink;
pub mod remembered;
pub mod schedstat;
pub mod selinux;
pub mod sockets;
pub mod sockstat;
pub mod softirqs;
pub mod softnet;
pub mod stat;
pub mod swap;
pub mod sysfs_class;
pub mod tcpstat;
pub mod textfile;
pub mod thermal_zone;
pub mod time;
pub mod timex;
pub mod ubi;
pub mod udp_queues;
pub mod uname;
pub mod vmstat;
pub mod watchdog;
pub mod wifi;
pub mod wifi_network;
pub mod wifi_stations;
pub mod wireguard;
pub mod xfrm;

use std::fmt;

use crate::format::Page;
use crate::machine::{Error, Machine};
use crate::settings::Settings;

/// A collector that remembers something from scrape to scrape.
pub trait Collect: fmt::Debug {
    /// Reads the machine and adds families to the page. What a failed one has added is taken back.
    ///
    /// # Errors
    /// Each collector says its own.
    fn collect(&mut self, machine: &Machine, page: &mut Page) -> Result<(), Error>;
}

/// A collector that is a function.
pub type Function = fn(&Machine, &mut Page) -> Result<(), Error>;
/// A collector that is a function and has options.
pub type WithSettings = fn(&Settings, &Machine, &mut Page) -> Result<(), Error>;

/// One collector.
#[derive(Debug)]
pub struct Collector {
    /// As in `--collector.NAME` and in the label `collector`.
    pub name: &'static str,
    /// Whether it runs unless the options say otherwise.
    pub default: bool,
    /// What runs.
    pub form: Form,
}

/// What a collector is.
#[derive(Debug)]
pub enum Form {
    /// A function: it remembers nothing.
    Function(Function),
    /// The same, with options.
    WithSettings(WithSettings),
    /// A struct, which this makes.
    Struct(fn(&'static Settings) -> Box<dyn Collect>),
}

/// A row of the table of collectors: its module, whether it has options or the struct if it is one, and
/// whether it is on.
macro_rules! collector {
    ($name:ident, $default:ident) => {
        Collector { name: stringify!($name), default: $default, form: Form::Function($name::collect) }
    };
    ($name:ident with settings, $default:ident) => {
        Collector { name: stringify!($name), default: $default, form: Form::WithSettings($name::collect) }
    };
    ($name:ident, $made:ident, $default:ident) => {
        Collector {
            name: stringify!($name),
            default: $default,
            form: Form::Struct(|settings| Box::new($name::$made::new(settings))),
        }
    };
}

/// Whether a collector runs unless the options say otherwise.
const ON: bool = true;
const OFF: bool = false;

/// All collectors, sorted by name.
pub const ALL: &[Collector] = &[
    collector!(arp with settings, ON),
    collector!(bonding, ON),
    collector!(buddyinfo, OFF),
    collector!(conntrack, ON),
    collector!(cpu, Cpu, ON),
    collector!(cpufreq, ON),
    collector!(dhcp_leases, DhcpLeases, ON),
    collector!(diskstats with settings, ON),
    collector!(dmi, ON),
    collector!(entropy, ON),
    collector!(filefd, ON),
    collector!(filesystem, Filesystem, ON),
    collector!(hwmon with settings, ON),
    collector!(interrupts with settings, OFF),
    collector!(kernel_hung, ON),
    collector!(loadavg, ON),
    collector!(mdadm, ON),
    collector!(meminfo, ON),
    collector!(mmc, ON),
    collector!(netclass, Netclass, ON),
    collector!(netdev with settings, ON),
    collector!(netstat with settings, ON),
    collector!(network_route, OFF),
    collector!(nfs, ON),
    collector!(openwrt, Openwrt, ON),
    collector!(os, ON),
    collector!(powersupplyclass with settings, ON),
    collector!(pressure, ON),
    collector!(processes, OFF),
    collector!(qdisc with settings, OFF),
    collector!(schedstat, ON),
    collector!(selinux, ON),
    collector!(sockstat, ON),
    collector!(softirqs, OFF),
    collector!(softnet, ON),
    collector!(stat with settings, ON),
    collector!(swap, OFF),
    collector!(tcpstat, OFF),
    collector!(textfile with settings, ON),
    collector!(thermal_zone, ON),
    collector!(time, Time, ON),
    collector!(timex, ON),
    collector!(ubi, ON),
    collector!(udp_queues, ON),
    collector!(uname, ON),
    collector!(vmstat with settings, ON),
    collector!(watchdog, ON),
    collector!(wifi, OFF),
    collector!(wifi_network, ON),
    collector!(wifi_stations, OFF),
    collector!(wireguard, OFF),
    collector!(xfrm, OFF),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_by_name_and_named_once() {
        assert!(ALL.is_sorted_by(|one, other| one.name < other.name));
    }
}
