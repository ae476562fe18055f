//! What node_exporter 1.12 has and is not here, so that a start script that holds it gets an answer.

/// Its options that are not here, and what to do instead.
pub const OPTIONS: &[(&str, &str)] = &[
    ("web.config.file", "TLS and its file are not spoken here; see --web.basic-auth-file, --web.allow, or a tunnel"),
    ("web.systemd-socket", "use --web.listen-address"),
    ("runtime.gomaxprocs", "there is one thread; leave the option out"),
    ("path.udev.data", "there is no udev on a router; leave the option out"),
    ("collector.diskstats.ignored-devices", "use --collector.diskstats.device-exclude"),
    ("collector.filesystem.ignored-mount-points", "use --collector.filesystem.mount-points-exclude"),
    ("collector.filesystem.ignored-fs-types", "use --collector.filesystem.fs-types-exclude"),
    ("collector.netdev.device-blacklist", "use --collector.netdev.device-exclude"),
    ("collector.netdev.device-whitelist", "use --collector.netdev.device-include"),
    ("collector.netdev.ignored-devices", "use --collector.netdev.device-exclude"),
    ("collector.netdev.netlink", "leave the option out: /proc/net/dev says the same"),
    ("collector.netdev.enable-detailed-metrics", "leave the option out: the usual names are served"),
    ("collector.netdev.label-ifalias", "node_network_info has the alias"),
    ("collector.netclass.netlink", "leave the option out: netlink is used where the kernel has it"),
    ("collector.filesystem.mount-timeout", "leave the option out: mounts hold a page up for half a second at the most"),
    ("collector.filesystem.stat-workers", "leave the option out: those that may hang are all asked at the same time"),
    ("collector.netclass_rtnl.with-stats", "leave the option out: the collector netdev has the statistics"),
    ("collector.qdisc.fixtures", "leave the option out"),
    ("collector.qdisk.device-exclude", "use --collector.qdisc.device-exclude"),
    ("collector.qdisk.device-include", "use --collector.qdisc.device-include"),
    ("collector.arp.netlink", "leave the option out: /proc/net/arp says the same"),
];

/// Its collectors that no router has the hardware or the program for.
pub const COLLECTORS: &str = "bcache bcachefs btrfs cgroups cpu_vulnerabilities devstat dmmultipath drbd drm edac \
    ethtool exec fibrechannel infiniband ipvs ksmd lnstat logind meminfo_numa mountstats netisr nfsd ntp nvme \
    nvmesubsystem pcidevice perf rapl runit slabinfo supervisord sysctl systemd tapestats xfs zfs zoneinfo";
