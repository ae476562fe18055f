//! Which devices, mount points and fields are reported: the include and exclude options.
//!
//! A filter is a regular expression, with node_exporter's names and defaults. A router asks the same
//! questions at every scrape and in the same order, so each answer is remembered, which saves a
//! sixth of the program's own instructions.

use std::cell::RefCell;

use regex_lite::Regex;

use crate::text::scan::is_same;

/// What a filter is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The devices of arp.
    ArpDevice,
    /// What is wrong with processors.
    CpuBug,
    /// What processors can.
    CpuFlag,
    /// The devices of diskstats.
    DiskstatsDevice,
    /// The file systems' types.
    FilesystemType,
    /// Where file systems are mounted.
    FilesystemMountPoint,
    /// The chips of hwmon.
    HwmonChip,
    /// The sensors of hwmon, `chip;sensor`.
    HwmonSensor,
    /// The interrupts, `type;info;devices`.
    InterruptsName,
    /// The devices of netclass.
    NetclassDevice,
    /// The devices of netdev.
    NetdevDevice,
    /// The fields of netstat, `Proto_Field`.
    NetstatField,
    /// The power supplies.
    PowerSupply,
    /// The devices of qdisc.
    QdiscDevice,
    /// The fields of vmstat.
    VmstatField,
}

/// Whether what matches an option's expression is reported or left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Only what matches is reported.
    Include,
    /// What matches is left out.
    Exclude,
}

/// An option that sets one side of a filter.
#[derive(Debug)]
pub struct Flag {
    /// The option's name.
    pub name: &'static str,
    /// What it is asked about.
    pub subject: Subject,
    /// Which side it sets.
    pub side: Side,
    /// The expression where the option is not given; empty if there is none.
    pub default: &'static str,
}

/// Declares the options of the filters: name, subject, side, default.
macro_rules! flags {
    ($($name:literal $subject:ident $side:ident $default:literal)*) => {
        &[$(Flag { name: $name, subject: Subject::$subject, side: Side::$side, default: $default }),*]
    };
}

/// The options of the filters, sorted by name.
///
/// The defaults are node_exporter's but for two: `overlay` is reported, since that is the disk which
/// fills up on a router, and so is zram, where a router swaps to.
pub const FLAGS: &[Flag] = flags! {
    "collector.arp.device-exclude" ArpDevice Exclude ""
    "collector.arp.device-include" ArpDevice Include ""
    "collector.cpu.info.bugs-include" CpuBug Include ""
    "collector.cpu.info.flags-include" CpuFlag Include ""
    "collector.diskstats.device-exclude" DiskstatsDevice Exclude
        r"^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$"
    "collector.diskstats.device-include" DiskstatsDevice Include ""
    "collector.filesystem.fs-types-exclude" FilesystemType Exclude
        "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$"
    "collector.filesystem.fs-types-include" FilesystemType Include ""
    "collector.filesystem.mount-points-exclude" FilesystemMountPoint Exclude
        "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"
    "collector.filesystem.mount-points-include" FilesystemMountPoint Include ""
    "collector.hwmon.chip-exclude" HwmonChip Exclude ""
    "collector.hwmon.chip-include" HwmonChip Include ""
    "collector.hwmon.sensor-exclude" HwmonSensor Exclude ""
    "collector.hwmon.sensor-include" HwmonSensor Include ""
    "collector.interrupts.name-exclude" InterruptsName Exclude ""
    "collector.interrupts.name-include" InterruptsName Include ""
    "collector.netclass.ignored-devices" NetclassDevice Exclude ""
    "collector.netdev.device-exclude" NetdevDevice Exclude ""
    "collector.netdev.device-include" NetdevDevice Include ""
    "collector.netstat.fields" NetstatField Include
        "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$"
    "collector.powersupply.ignored-supplies" PowerSupply Exclude ""
    "collector.qdisc.device-exclude" QdiscDevice Exclude ""
    "collector.qdisc.device-include" QdiscDevice Include ""
    "collector.vmstat.fields" VmstatField Include "^(oom_kill|pgpg|pswp|pg.*fault).*"
};

/// The filters as the options set them: as long as the program runs.
#[derive(Clone, Debug, Default)]
pub struct Filters(Vec<&'static Expression>);

#[derive(Debug)]
struct Expression {
    subject: Subject,
    side: Side,
    text: &'static str,
    /// Compiled when a name is new, and until its collector [has run](Filters::rest): a router's memory
    /// holds tens of kilobytes otherwise, for names that hardly ever change.
    regex: RefCell<Option<Regex>>,
    answers: RefCell<Answers>,
}

impl Filters {
    /// Adds the filters with the expressions `given` by name of their options, and the defaults of
    /// the others. An empty expression sets nothing.
    ///
    /// # Errors
    /// One line that names the option.
    pub fn set(&mut self, given: &[(&'static str, &'static str)]) -> Result<(), String> {
        let given = |name: &str| given.iter().rfind(|(option, _)| *option == name).map(|(_, text)| *text);
        for flag in FLAGS {
            let twin = FLAGS.iter().find(|twin| twin.subject == flag.subject && twin.side != flag.side);
            let twin_given = twin.filter(|twin| given(twin.name).is_some_and(|text| !text.is_empty()));
            let text = match (given(flag.name), twin_given) {
                (Some(text), Some(twin)) if !text.is_empty() => {
                    return Err(["--", flag.name, " and --", twin.name, " are mutually exclusive"].concat());
                }
                (Some(text), _) => text,
                (None, Some(_)) => "",
                (None, None) => flag.default,
            };
            if !text.is_empty() {
                // A default is known to be right, and waits for its first name.
                let regex = if text == flag.default { None } else { Some(compile(flag.name, text)?) };
                // The two sides are mutually exclusive, so that a subject has one expression.
                self.0.push(Box::leak(Box::new(Expression {
                    subject: flag.subject,
                    side: flag.side,
                    text,
                    regex: RefCell::new(regex),
                    answers: RefCell::default(),
                })));
            }
        }
        Ok(())
    }

    /// The filter of a subject.
    #[must_use]
    pub fn of(&self, subject: Subject) -> Filter {
        Filter(self.0.iter().copied().find(|expression| expression.subject == subject))
    }

    /// A collector has run: what its names are remembered by is enough for the next time. Whether an
    /// expression was there, as one was new.
    pub fn rest(&self) -> bool {
        self.0.iter().fold(false, |is_new, expression| is_new | expression.regex.take().map(drop).is_some())
    }
}

/// An expression of the option `name`. Its syntax is RE2's, but for what regex-lite refuses by
/// name, such as `\pL`.
fn compile(name: &str, text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| ["--", name, ": ", &error.to_string()].concat())
}

/// Which names of one subject are reported.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter(Option<&'static Expression>);

impl Filter {
    /// Whether there is an expression.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Whether `name` is reported.
    #[must_use]
    pub fn allows(&self, name: &[u8]) -> bool {
        self.allows_parts(&[name])
    }

    /// Whether the name that `parts` make up is reported.
    #[must_use]
    pub fn allows_parts(&self, parts: &[&[u8]]) -> bool {
        let Some(expression) = &self.0 else { return true };
        let mut answers = expression.answers.borrow_mut();
        answers.find(parts).unwrap_or_else(|| {
            let name = parts.concat();
            let answer = expression.allows(&String::from_utf8_lossy(&name));
            answers.add(&name, answer);
            answer
        })
    }
}

impl Expression {
    fn allows(&self, name: &str) -> bool {
        let mut regex = self.regex.borrow_mut();
        if regex.is_none() {
            *regex = Regex::new(self.text).ok();
        }
        regex.as_ref().is_some_and(|regex| regex.is_match(name)) == (self.side == Side::Include)
    }
}

/// Names that were asked about, and the answers.
#[derive(Clone, Debug, Default)]
struct Answers {
    /// For each name its length and its answer, two bytes, and the name.
    names: Vec<u8>,
    /// Where the name after the last that was asked for stands.
    next: usize,
}

impl Answers {
    /// More than this is no router's, and would be somebody's who makes up names.
    const LONGEST: usize = 64 << 10;

    fn find(&mut self, parts: &[&[u8]]) -> Option<bool> {
        if let Some((answer, next)) = self.compare(self.next, parts) {
            self.next = next;
            return Some(answer);
        }
        let mut at = 0;
        while let Some(&length) = self.names.get(at) {
            if let Some((answer, next)) = self.compare(at, parts) {
                self.next = next;
                return Some(answer);
            }
            at = at.saturating_add(2).saturating_add(length.into());
        }
        None
    }

    /// The answer that stands at `at`, and where the next one stands, if it is for this name.
    fn compare(&self, at: usize, parts: &[&[u8]]) -> Option<(bool, usize)> {
        let (&length, rest) = self.names.get(at..)?.split_first()?;
        let (&answer, rest) = rest.split_first()?;
        let mut name = rest.get(..length.into())?;
        for part in parts {
            let (start, rest) = name.split_at_checked(part.len())?;
            if !is_same(start, part) {
                return None;
            }
            name = rest;
        }
        name.is_empty().then(|| (answer != 0, at.saturating_add(2).saturating_add(length.into())))
    }

    fn add(&mut self, name: &[u8], answer: bool) {
        let Ok(length) = u8::try_from(name.len()) else { return };
        if self.names.len() > Self::LONGEST {
            self.names.clear();
        }
        self.names.extend_from_slice(&[length, answer.into()]);
        self.names.extend_from_slice(name);
        self.next = self.names.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(given: &[(&'static str, &'static str)]) -> Filters {
        let mut filters = Filters::default();
        filters.set(given).unwrap();
        filters
    }

    #[test]
    fn sorted_by_name_and_named_once() {
        assert!(FLAGS.is_sorted_by(|one, other| one.name < other.name));
    }

    #[test]
    fn defaults_compile() {
        for flag in FLAGS {
            Regex::new(flag.default).unwrap();
        }
    }

    #[test]
    fn defaults() {
        let filters = filters(&[]);
        for (subject, name, reported) in [
            (Subject::DiskstatsDevice, "sda", true),
            (Subject::DiskstatsDevice, "sda1", false),
            (Subject::DiskstatsDevice, "mtdblock3", true),
            (Subject::DiskstatsDevice, "loop0", false),
            (Subject::DiskstatsDevice, "ram0", false),
            (Subject::DiskstatsDevice, "zram0", true),
            (Subject::DiskstatsDevice, "nvme0n1p1", false),
            (Subject::FilesystemType, "overlay", true),
            (Subject::FilesystemType, "squashfs", false),
            (Subject::FilesystemType, "tmpfs", true),
            (Subject::FilesystemMountPoint, "/", true),
            (Subject::FilesystemMountPoint, "/dev", false),
            (Subject::FilesystemMountPoint, "/dev/shm", false),
            (Subject::FilesystemMountPoint, "/developer", true),
            (Subject::NetdevDevice, "lo", true),
            (Subject::NetstatField, "Tcp_CurrEstab", true),
            (Subject::NetstatField, "UdpLite_InErrors", true),
            (Subject::NetstatField, "Tcp_MaxConn", false),
            (Subject::VmstatField, "pgfault", true),
            (Subject::VmstatField, "nr_free_pages", false),
        ] {
            // Twice: computed, then remembered.
            assert_eq!(filters.of(subject).allows(name.as_bytes()), reported, "{subject:?} {name}");
            assert_eq!(filters.of(subject).allows(name.as_bytes()), reported, "{subject:?} {name}");
        }
    }

    #[test]
    fn remembered_in_any_order() {
        let filters = filters(&[("collector.netdev.device-include", "^(a|bb)$")]);
        let [new, known] = [true, false];
        for (names, is_new) in
            [(["a", "bb", "c"], new), (["c", "a", "bb"], known), (["bb", "bb", "a"], known), (["ab", "b", "a"], new)]
        {
            for name in names {
                assert_eq!(
                    filters.of(Subject::NetdevDevice).allows(name.as_bytes()),
                    matches!(name, "a" | "bb"),
                    "{name}"
                );
            }
            assert_eq!(filters.rest(), is_new, "{names:?}");
        }
        assert!(filters.of(Subject::NetdevDevice).allows_parts(&[b"b", b"b"]));
        assert!(!filters.of(Subject::NetdevDevice).allows(b"\xff"));
        assert!(!filters.of(Subject::NetdevDevice).allows(&[b'a'; 300]));
    }

    #[test]
    fn memory_is_bounded() {
        let filters = filters(&[("collector.netdev.device-exclude", "^x")]);
        for number in 0..4_000 {
            assert!(filters.of(Subject::NetdevDevice).allows(format!("a-rather-long-name{number}").as_bytes()));
        }
        let held = filters.0.iter().map(|expression| expression.answers.borrow().names.len()).max();
        assert!(held < Some(Answers::LONGEST + 300));
    }

    #[test]
    fn an_include_option_takes_the_place_of_the_default() {
        let filters = filters(&[("collector.diskstats.device-include", "^sda1$")]);
        assert!(filters.of(Subject::DiskstatsDevice).allows(b"sda1"));
        assert!(!filters.of(Subject::DiskstatsDevice).allows(b"sda"));
    }

    #[test]
    fn an_empty_option_takes_the_default_away() {
        let filters = filters(&[("collector.filesystem.fs-types-exclude", "")]);
        assert!(filters.of(Subject::FilesystemType).allows(b"squashfs"));
    }

    #[test]
    fn faults_name_the_option() {
        let both = [("collector.arp.device-exclude", "a"), ("collector.arp.device-include", "b")];
        let error = Filters::default().set(&both).unwrap_err();
        assert_eq!(error, "--collector.arp.device-exclude and --collector.arp.device-include are mutually exclusive");
        let error = Filters::default().set(&[("collector.vmstat.fields", "(")]).unwrap_err();
        assert!(error.starts_with("--collector.vmstat.fields: "), "{error}");
    }

    #[test]
    fn what_re2_has_and_we_do_not_is_refused_by_name() {
        for (expression, why) in [
            (r"\pL", "Unicode"),
            (r"\C", "escape"),
            (r"\Q.\E", "escape"),
            ("(?=a)", "look-around"),
            ("a{1001}{1001}", "size"),
        ] {
            let error = Filters::default().set(&[("collector.vmstat.fields", expression)]).unwrap_err();
            assert!(error.contains(why), "{expression}: {error}");
        }
    }
}
