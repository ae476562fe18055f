//! What the options say to the collectors.

use crate::filter::Filters;

/// Where the kernel's file systems are mounted: `--path.procfs`, `--path.sysfs`, `--path.rootfs`.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The proc file system.
    pub procfs: String,
    /// The sys file system.
    pub sysfs: String,
    /// The root of the machine's own file systems.
    pub rootfs: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self { procfs: "/proc".into(), sysfs: "/sys".into(), rootfs: "/".into() }
    }
}

/// What the options say to the collectors.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The include and exclude options.
    pub filters: Filters,
    /// `--path.*`.
    pub paths: Paths,
    /// `--collector.textfile.directory`, in the order given.
    pub textfile_directories: Vec<String>,
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
    /// `--web.disable-exporter-metrics`.
    pub disable_exporter_metrics: bool,
}
