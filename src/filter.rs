//! Which devices, mount points and fields are told: the include and exclude options.
//!
//! A filter is a regular expression, with node_exporter's names and defaults. A router asks
//! the same questions at every scrape and in the same order, so each answer is remembered, and the
//! expressions are run once for each name.

use std::cell::RefCell;
use std::ops::Range;

use crate::regex::Regex;
use crate::text::scan::{lines, words};

/// What a filter is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// The devices of arp.
    ArpDevice,
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

/// Whether what matches an option's expression is told or left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Only what matches is told.
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
    pub filter: Filter,
    /// Which side it sets.
    pub side: Side,
    /// The expression where the option is not given; empty if there is none.
    pub default: &'static str,
}

/// Declares the options of the filters: name, filter, side, default.
macro_rules! flags {
    ($($name:literal $filter:ident $side:ident $default:literal)*) => {
        &[$(Flag { name: $name, filter: Filter::$filter, side: Side::$side, default: $default }),*]
    };
}

/// The options of the filters, sorted by name.
///
/// The defaults are node_exporter's but for two: `overlay` is told, since that is the disk which
/// fills up on a router, and so is zram, where a router swaps to.
pub const FLAGS: &[Flag] = flags! {
    "collector.arp.device-exclude" ArpDevice Exclude ""
    "collector.arp.device-include" ArpDevice Include ""
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

/// The filters as the options set them.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    filters: Vec<Expression>,
}

#[derive(Clone, Debug)]
struct Expression {
    filter: Filter,
    side: Side,
    text: String,
    /// Compiled when a name is new, and until the scrape [ends](Filters::rest): a router's memory
    /// holds some 10 kB otherwise, for names that hardly ever change.
    regex: RefCell<Option<Regex>>,
    answers: RefCell<Answers>,
    heads: RefCell<Heads>,
    list: RefCell<List>,
}

impl Filters {
    /// Adds the filters with the expressions `given` by name of their options, and the defaults of
    /// the others. An empty expression sets nothing.
    ///
    /// # Errors
    /// One line that names the option.
    pub fn set(&mut self, given: &[(&'static str, String)]) -> Result<(), String> {
        let given = |name: &str| given.iter().rfind(|(option, _)| *option == name).map(|(_, text)| text.as_str());
        for flag in FLAGS {
            let twin = FLAGS.iter().find(|twin| twin.filter == flag.filter && twin.side != flag.side);
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
                let regex = if text == flag.default { Ok(None) } else { Regex::new(text).map(Some) };
                let regex = regex.map_err(|error| ["--", flag.name, ": ", error].concat())?;
                // The two sides are mutually exclusive, so that a filter is set once.
                self.filters.push(Expression {
                    filter: flag.filter,
                    side: flag.side,
                    text: text.into(),
                    regex: RefCell::new(regex),
                    answers: RefCell::default(),
                    heads: RefCell::default(),
                    list: RefCell::default(),
                });
            }
        }
        Ok(())
    }

    /// A scrape ends: what its names are remembered by is enough for the next one.
    pub fn rest(&self) {
        for expression in &self.filters {
            expression.regex.take();
        }
    }

    /// Whether `name` is told.
    pub fn allows(&self, filter: Filter, name: &[u8]) -> bool {
        self.allows_parts(filter, &[name])
    }

    /// Whether the name that `parts` make up is told.
    pub fn allows_parts(&self, filter: Filter, parts: &[&[u8]]) -> bool {
        let Some(expression) = self.filters.iter().find(|expression| expression.filter == filter) else {
            return true;
        };
        let mut answers = expression.answers.borrow_mut();
        answers.find(parts).unwrap_or_else(|| {
            let name = parts.concat();
            let answer = expression.allows(&String::from_utf8_lossy(&name));
            answers.add(&name, answer);
            answer
        })
    }

    /// Calls `tell` with those of the words of `names` that are told, asked about as `prefix_word`,
    /// and with the place of each. The whole of `names` is remembered, so that it costs no more
    /// than to see that it has not changed.
    pub fn told_words(&self, filter: Filter, prefix: &[u8], names: &[u8], tell: &mut dyn FnMut(usize, &[u8])) {
        let Some(expression) = self.filters.iter().find(|expression| expression.filter == filter) else {
            return words(names).enumerate().for_each(|(place, word)| tell(place, word));
        };
        let mut heads = expression.heads.borrow_mut();
        let next = heads.next;
        let is_same = |head: &Head| head.prefix == prefix && head.names == names;
        let at = match heads.known.get(next) {
            Some(head) if is_same(head) => next,
            _ => heads.known.iter().position(is_same).unwrap_or_else(|| {
                let allows = |word: &[u8]| expression.allows(&String::from_utf8_lossy(&[prefix, b"_", word].concat()));
                heads.add(prefix, names, allows)
            }),
        };
        heads.next = at.saturating_add(1);
        for (place, word) in heads.known.get(at).map_or(&[][..], |head| &head.told) {
            tell(*place, word);
        }
    }

    /// Calls `tell` with those lines of `text` that are told, asked about by the parts of the
    /// `name` of each. A line without a name is not told.
    ///
    /// For a file of a name and a figure on each line, one to a filter: the kernel's list of names
    /// stands still, so that the numbers of the lines are remembered. That it does is seen from how
    /// many lines there are and from the names that are told.
    pub fn told_lines<'t>(
        &self,
        filter: Filter,
        text: &'t [u8],
        name: fn(&'t [u8]) -> Option<[&'t [u8]; 3]>,
        tell: &mut dyn FnMut(&'t [u8]),
    ) {
        let Some(expression) = self.filters.iter().find(|expression| expression.filter == filter) else {
            return lines(text).filter(|line| name(line).is_some()).for_each(tell);
        };
        let mut list = expression.list.borrow_mut();
        if !list.stands_still(text) {
            list.learn(text, |line| {
                name(line).is_some_and(|parts| expression.allows(&String::from_utf8_lossy(&parts.concat())))
            });
        }
        list.told.iter().filter_map(|told| text.get(told.place.clone())).for_each(tell);
    }
}

impl Expression {
    fn allows(&self, name: &str) -> bool {
        let mut regex = self.regex.borrow_mut();
        if regex.is_none() {
            *regex = Regex::new(&self.text).ok();
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
            name = name.strip_prefix(*part)?;
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

/// Lines of names that were asked about.
#[derive(Clone, Debug, Default)]
struct Heads {
    known: Vec<Head>,
    /// The one after the last that was asked for.
    next: usize,
}

/// A line of names.
#[derive(Clone, Debug)]
struct Head {
    prefix: Vec<u8>,
    names: Vec<u8>,
    /// The words that are told, with the place of each.
    told: Vec<(usize, Vec<u8>)>,
}

impl Heads {
    /// No kernel has as many; one that changes its lines for ever would have them.
    const MOST: usize = 64;

    /// Remembers a line, and tells where.
    fn add(&mut self, prefix: &[u8], names: &[u8], mut allows: impl FnMut(&[u8]) -> bool) -> usize {
        if self.known.len() >= Self::MOST {
            self.known.clear();
        }
        let told = words(names).enumerate().filter(|(_, word)| allows(word));
        let told = told.map(|(place, word)| (place, word.to_vec())).collect();
        self.known.push(Head { prefix: prefix.to_vec(), names: names.to_vec(), told });
        self.known.len().saturating_sub(1)
    }
}

/// A file of a name and a figure on each line.
#[derive(Clone, Debug, Default)]
struct List {
    line_count: usize,
    told: Vec<Line>,
}

/// A line that is told.
#[derive(Clone, Debug)]
struct Line {
    number: usize,
    /// Its name and what separates it from the figure.
    name: Vec<u8>,
    /// Where it stands in the file that was read last.
    place: Range<usize>,
}

impl List {
    /// Finds the lines that are told in `text`; whether it is the list that is known.
    fn stands_still(&mut self, text: &[u8]) -> bool {
        let mut told = self.told.iter_mut();
        let mut next = told.next();
        let mut line_count = 0_usize;
        let mut start = 0_usize;
        for line in lines(text) {
            let end = start.saturating_add(line.len());
            if let Some(known) = next.as_mut().filter(|known| known.number == line_count) {
                if !line.starts_with(&known.name) {
                    return false;
                }
                known.place = start..end;
                next = told.next();
            }
            start = end.saturating_add(1);
            line_count = line_count.saturating_add(1);
        }
        next.is_none() && line_count == self.line_count
    }

    /// Asks about each line.
    fn learn<'t>(&mut self, text: &'t [u8], mut is_told: impl FnMut(&'t [u8]) -> bool) {
        self.told.clear();
        self.line_count = lines(text).count();
        for (number, line) in lines(text).enumerate().filter(|(_, line)| is_told(line)) {
            let name = line.split_inclusive(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
            self.told.push(Line { number, name: name.to_vec(), place: 0..0 });
        }
        self.stands_still(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(given: &[(&'static str, &str)]) -> Filters {
        let given: Vec<_> = given.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        let mut filters = Filters::default();
        filters.set(&given).unwrap();
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
        for (filter, name, told) in [
            (Filter::DiskstatsDevice, "sda", true),
            (Filter::DiskstatsDevice, "sda1", false),
            (Filter::DiskstatsDevice, "mtdblock3", true),
            (Filter::DiskstatsDevice, "loop0", false),
            (Filter::DiskstatsDevice, "ram0", false),
            (Filter::DiskstatsDevice, "zram0", true),
            (Filter::DiskstatsDevice, "nvme0n1p1", false),
            (Filter::FilesystemType, "overlay", true),
            (Filter::FilesystemType, "squashfs", false),
            (Filter::FilesystemType, "tmpfs", true),
            (Filter::FilesystemMountPoint, "/", true),
            (Filter::FilesystemMountPoint, "/dev", false),
            (Filter::FilesystemMountPoint, "/dev/shm", false),
            (Filter::FilesystemMountPoint, "/developer", true),
            (Filter::NetdevDevice, "lo", true),
            (Filter::NetstatField, "Tcp_CurrEstab", true),
            (Filter::NetstatField, "UdpLite_InErrors", true),
            (Filter::NetstatField, "Tcp_MaxConn", false),
            (Filter::VmstatField, "pgfault", true),
            (Filter::VmstatField, "nr_free_pages", false),
        ] {
            // Twice: computed, then remembered.
            assert_eq!(filters.allows(filter, name.as_bytes()), told, "{filter:?} {name}");
            assert_eq!(filters.allows(filter, name.as_bytes()), told, "{filter:?} {name}");
        }
    }

    #[test]
    fn remembered_in_any_order() {
        let filters = filters(&[("collector.netdev.device-include", "^(a|bb)$")]);
        for names in [["a", "bb", "c"], ["c", "a", "bb"], ["bb", "bb", "a"], ["ab", "b", "a"]] {
            for name in names {
                assert_eq!(filters.allows(Filter::NetdevDevice, name.as_bytes()), matches!(name, "a" | "bb"), "{name}");
            }
        }
        assert!(filters.allows_parts(Filter::NetdevDevice, &[b"b", b"b"]));
        assert!(!filters.allows(Filter::NetdevDevice, b"\xff"));
        assert!(!filters.allows(Filter::NetdevDevice, &[b'a'; 300]));
    }

    #[test]
    fn memory_is_bounded() {
        let filters = filters(&[("collector.netdev.device-exclude", "^x")]);
        for number in 0..4_000 {
            assert!(filters.allows(Filter::NetdevDevice, format!("a-rather-long-name{number}").as_bytes()));
        }
        let held = filters.filters.iter().map(|expression| expression.answers.borrow().names.len()).max();
        assert!(held < Some(Answers::LONGEST + 300));
    }

    #[test]
    fn words_of_a_line() {
        let filters = filters(&[("collector.netstat.fields", "^Tcp_(A.*|C)$")]);
        let told = |prefix: &str, names: &str| {
            let mut told = Vec::new();
            filters.told_words(Filter::NetstatField, prefix.as_bytes(), names.as_bytes(), &mut |place, word| {
                told.push((place, String::from_utf8_lossy(word).into_owned()));
            });
            told
        };
        for _ in 0..2 {
            assert_eq!(told("Tcp", "A B C AB"), [(0, "A".into()), (2, "C".into()), (3, "AB".into())]);
            assert_eq!(told("Udp", "A B C AB"), []);
            assert_eq!(told("Tcp", "B C"), [(1, "C".into())]);
            assert_eq!(told("Tcp", ""), []);
        }
        for number in 0..200 {
            told("Tcp", &format!("A{number}"));
        }
        assert!(filters.filters.iter().all(|expression| expression.heads.borrow().known.len() <= Heads::MOST));
    }

    #[test]
    fn lines_of_a_list() {
        let filters = filters(&[("collector.vmstat.fields", "^(a|cd)")]);
        let told = |text: &'static str| {
            let mut told = Vec::new();
            let name = |line: &'static [u8]| Some([line.split(|&byte| byte == b' ').next()?, b"", b""]);
            filters.told_lines(Filter::VmstatField, text.as_bytes(), name, &mut |line| {
                told.push(str::from_utf8(line).unwrap());
            });
            told
        };
        assert_eq!(told("a 1\nb 2\ncd 3\n"), ["a 1", "cd 3"]);
        assert_eq!(told("a 10\nb 200\ncd 3000"), ["a 10", "cd 3000"]);
        // Another list: one more, one of another name, one with a longer name, none.
        assert_eq!(told("a 10\nb 200\ncd 3000\na2 1\n"), ["a 10", "cd 3000", "a2 1"]);
        assert_eq!(told("b 10\na 200\ncd 3000\na2 1\n"), ["a 200", "cd 3000", "a2 1"]);
        assert_eq!(told("b 10\nax 200\ncd 3000\na2 1\n"), ["ax 200", "cd 3000", "a2 1"]);
        assert_eq!(told("b 10\n"), [""; 0]);
        assert_eq!(told(""), [""; 0]);
        assert_eq!(told("a 1\nb 2\ncd 3\n"), ["a 1", "cd 3"]);
    }

    #[test]
    fn an_include_option_takes_the_place_of_the_default() {
        let filters = filters(&[("collector.diskstats.device-include", "^sda1$")]);
        assert!(filters.allows(Filter::DiskstatsDevice, b"sda1"));
        assert!(!filters.allows(Filter::DiskstatsDevice, b"sda"));
    }

    #[test]
    fn an_empty_option_takes_the_default_away() {
        let filters = filters(&[("collector.filesystem.fs-types-exclude", "")]);
        assert!(filters.allows(Filter::FilesystemType, b"squashfs"));
    }

    #[test]
    fn faults_name_the_option() {
        let both = [("collector.arp.device-exclude", "a".to_owned()), ("collector.arp.device-include", "b".to_owned())];
        let error = Filters::default().set(&both).unwrap_err();
        assert_eq!(error, "--collector.arp.device-exclude and --collector.arp.device-include are mutually exclusive");
        let error = Filters::default().set(&[("collector.vmstat.fields", "(".to_owned())]).unwrap_err();
        assert!(error.starts_with("--collector.vmstat.fields: "), "{error}");
    }
}
