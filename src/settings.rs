//! What the options say to the collectors.

use crate::filter::Filters;
use crate::machine::Paths;

/// What the options say to the collectors.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The include and exclude options.
    pub filters: Filters,
    /// `--path.*`.
    pub paths: Paths,
    /// `--collector.textfile.directory`, in the order given.
    pub textfile_directories: Vec<&'static str>,
    /// `--collector.dhcp_leases.file`.
    pub dhcp_leases_file: Option<&'static str>,
    /// `--collector.dhcp_leases.expose-leases`.
    pub dhcp_leases_exposed: bool,
    /// `--collector.cpu.guest`.
    pub cpu_guest: bool,
    /// `--collector.cpu.info`.
    pub cpu_info: bool,
    /// `--collector.stat.softirq`.
    pub stat_softirq: bool,
    /// `--collector.interrupts.include-zeros`.
    pub interrupts_include_zeros: bool,
    /// `--collector.netclass.ignore-invalid-speed`.
    pub netclass_ignore_invalid_speed: bool,
    /// `--collector.netdev.address-info`.
    pub netdev_address_info: bool,
    /// `--web.disable-exporter-metrics`.
    pub disable_exporter_metrics: bool,
}
