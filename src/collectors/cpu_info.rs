//! `/proc/cpuinfo`, which looks different on each architecture: what the processors are.

use crate::filter::{Filter, Subject};
use crate::format::{Family, Page, Table, gauge};
use crate::machine::{Error, Machine};
use crate::settings::Settings;
use crate::text::scan::{fixed, lines, split_once, words};

const INFO: [Family; 1] = [gauge!("node_cpu_info", "CPU information from /proc/cpuinfo.")];
const FREQUENCY: [Family; 1] = [gauge!("node_cpu_frequency_hertz", "CPU frequency in hertz from /proc/cpuinfo.")];
const FLAG: [Family; 1] = [gauge!(
    "node_cpu_flag_info",
    "The `flags` field of CPU information from /proc/cpuinfo taken from the first core.",
)];
const BUG: [Family; 1] =
    [gauge!("node_cpu_bug_info", "The `bugs` field of CPU information from /proc/cpuinfo taken from the first core.",)];

/// What the processors are.
#[derive(Debug)]
pub struct CpuInfo {
    /// What they can and what is wrong with them, of which nothing is reported unless asked for.
    flags: Filter,
    bugs: Filter,
}

impl CpuInfo {
    /// What is reported as the options say, one of which asks for all; `None` if nothing is.
    pub fn new(settings: &Settings) -> Option<Self> {
        let flags = settings.filters.of(Subject::CpuFlag);
        let bugs = settings.filters.of(Subject::CpuBug);
        (settings.cpu_info || flags.is_set() || bugs.is_set()).then_some(Self { flags, bugs })
    }

    /// Adds a row for each processor, and for each flag and bug of the first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn collect(&self, machine: &Machine, page: &mut Page) -> Result<(), Error> {
        let text = machine.proc(&[b"cpuinfo"])?;
        let mut table = page.table(&INFO);
        processors(&text, &mut |cpu| cpu.add_info(&mut table));
        table.finish();
        let mut table = page.table(&FREQUENCY);
        processors(&text, &mut |cpu| cpu.add_frequency(&mut table));
        table.finish();
        // ARM has its own word.
        add_words(page, &FLAG, "flag", &self.flags, words_of(&text, &[b"flags", b"Features"]));
        add_words(page, &BUG, "bug", &self.bugs, words_of(&text, &[b"bugs"]));
        Ok(())
    }
}

/// Adds a row for each word that is wanted.
fn add_words(page: &mut Page, family: &[Family], label: &str, wanted: &Filter, text: &[u8]) {
    if !wanted.is_set() {
        return;
    }
    let mut table = page.table(family);
    for word in words(text).filter(|word| wanted.allows(word)) {
        table.row().label(label, word).count(Some(1));
    }
    table.finish();
}

/// What stands behind the first of these keys.
fn words_of<'t>(text: &'t [u8], keys: &[&[u8]]) -> &'t [u8] {
    let mut fields = lines(text).filter_map(|line| split_once(line, b':'));
    fields.find(|(key, _)| keys.contains(&key.trim_ascii())).map_or(b"", |(_, value)| value)
}

/// What `/proc/cpuinfo` says of a processor, in its own words; empty where it does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Processor<'t> {
    /// Those of [`INFO`].
    labels: [(&'static str, &'t [u8]); 10],
    megahertz: &'t [u8],
}

/// Where nothing is said.
const LABELS: [(&str, &[u8]); 10] = [
    ("cachesize", b""),
    ("core", b""),
    ("cpu", b""),
    ("family", b""),
    ("microcode", b""),
    ("model", b""),
    ("model_name", b""),
    ("package", b""),
    ("stepping", b""),
    ("vendor", b""),
];

/// All that RISC-V says of its model; MIPS says it behind the name.
const ISA: &[u8] = b"isa";

/// What the file calls the labels. On MIPS the vendor is the chip, and the model the board.
const KEYS: [(&[u8], &str); 16] = [
    (b"processor", "cpu"),
    (b"vendor_id", "vendor"),
    (b"system type", "vendor"),
    (b"cpu family", "family"),
    (b"model", "model"),
    (b"machine", "model"),
    (b"model name", "model_name"),
    (b"cpu model", "model_name"),
    (b"Processor", "model_name"),
    (b"microcode", "microcode"),
    (b"stepping", "stepping"),
    (b"cache size", "cachesize"),
    (b"core id", "core"),
    (b"hart", "core"),
    (ISA, "model_name"),
    (b"physical id", "package"),
];

/// Calls `report` with each processor. What stands before the first holds for all (MIPS, and ARM
/// before Linux 3.8, which does not say `processor` at all if it was built for one).
fn processors<'t>(text: &'t [u8], report: &mut dyn FnMut(&Processor<'t>)) {
    let mut common = Processor { labels: LABELS, megahertz: b"" };
    let mut cpu = None;
    for line in lines(text) {
        let Some((key, value)) = split_once(line, b':') else { continue };
        let key = key.trim_ascii();
        if key == b"processor"
            && let Some(cpu) = cpu.replace(common)
        {
            report(&cpu);
        }
        cpu.as_mut().unwrap_or(&mut common).add(key, value.trim_ascii());
    }
    if cpu.is_none() && common.has("model_name") {
        common.set("cpu", b"0");
        cpu = Some(common);
    }
    if let Some(cpu) = cpu {
        report(&cpu);
    }
}

impl<'t> Processor<'t> {
    fn add(&mut self, key: &[u8], value: &'t [u8]) {
        if key == b"cpu MHz" {
            self.megahertz = value;
        }
        if let Some((_, label)) = KEYS.iter().find(|(known, _)| *known == key)
            && !(key == ISA && self.has(label))
        {
            self.set(label, value);
        }
    }

    /// Adds all that it says.
    fn add_info(&self, table: &mut Table<'_>) {
        table.row();
        for (name, said) in &self.labels {
            table.label(name, said);
        }
        table.count(Some(1));
    }

    /// Adds how fast it runs. The collector cpufreq may have a family of the same name, by processors
    /// alone, and a label that is empty would not keep the two apart.
    fn add_frequency(&self, table: &mut Table<'_>) {
        let Some(kilohertz) = fixed(self.megahertz, 3) else { return };
        table.row();
        for (name, said) in &self.labels {
            if matches!(*name, "core" | "cpu" | "package") && !said.is_empty() {
                table.label(name, said);
            }
        }
        table.count(Some(kilohertz.saturating_mul(1000)));
    }

    /// Whether anything is said.
    fn has(&self, label: &str) -> bool {
        self.labels.iter().any(|(name, said)| *name == label && !said.is_empty())
    }

    fn set(&mut self, label: &str, value: &'t [u8]) {
        for (name, said) in &mut self.labels {
            if *name == label {
                *said = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use procfs::FromRead;

    use super::*;

    const X86: &str = "\
processor	: 0
vendor_id	: GenuineIntel
cpu family	: 6
model		: 55
model name	: Intel(R) Celeron(R) CPU  J1900  @ 1.99GHz
stepping	: 8
microcode	: 0x838
cpu MHz		: 1332.800
cache size	: 1024 KB
physical id	: 0
core id		: 0

processor	: 1
vendor_id	: GenuineIntel
cpu MHz		: 2400
core id		: 2

";

    /// A line for each processor.
    fn processors(text: &[u8]) -> Vec<String> {
        let mut reported = Vec::new();
        super::processors(text, &mut |cpu| {
            assert!(cpu.labels.is_sorted());
            let labels = cpu.labels.into_iter().chain([("megahertz", cpu.megahertz)]);
            let labels = labels.filter(|(_, value)| !value.is_empty());
            reported.push(labels.map(|(name, value)| format!("{name}={};", value.escape_ascii())).collect());
        });
        reported
    }

    #[test]
    fn mips() {
        let text = b"system type\t\t: MediaTek MT7620\nmachine\t\t\t: Asus RT-N14U\nprocessor\t\t: 0\ncpu model\t\t: MIPS 24KEc V5.0\nBogoMIPS\t\t: 385.84\nisa\t\t\t: mips1 mips2 mips32r1 mips32r2\n\n";
        assert_eq!(processors(text), ["cpu=0;model=Asus RT-N14U;model_name=MIPS 24KEc V5.0;vendor=MediaTek MT7620;"]);
    }

    #[test]
    fn old_arm() {
        let text = b"Processor\t: ARMv7 Processor rev 0 (v7l)\nprocessor\t: 0\nBogoMIPS\t: 1599.07\n\nprocessor\t: 1\nBogoMIPS\t: 1595.80\n\nHardware\t: Northstar Prototype\n";
        let name = "model_name=ARMv7 Processor rev 0 (v7l);";
        assert_eq!(processors(text), [format!("cpu=0;{name}"), format!("cpu=1;{name}")]);
    }

    #[test]
    fn old_arm_with_one_core() {
        let text = b"Processor\t: ARMv6-compatible processor rev 7 (v6l)\nBogoMIPS\t: 697.95\nCPU part\t: 0xb76\n\nHardware\t: BCM2708\n";
        assert_eq!(processors(text), ["cpu=0;model_name=ARMv6-compatible processor rev 7 (v6l);"]);
    }

    #[test]
    fn risc_v() {
        let text = b"processor\t: 0\nhart\t\t: 1\nisa\t\t: rv64imafdc\nmmu\t\t: sv39\nuarch\t\t: sifive,u54-mc\n\n";
        assert_eq!(processors(text), ["core=1;cpu=0;model_name=rv64imafdc;"]);
    }

    #[test]
    fn frequencies() {
        let mut page = Page::default();
        let mut table = page.table(&FREQUENCY);
        let text = b"processor: 0\ncpu MHz: 1332.800\nphysical id: 0\ncore id: 1\n\nprocessor: 1\ncpu MHz: 2400\n\nprocessor: 2\n";
        super::processors(text, &mut |cpu| cpu.add_frequency(&mut table));
        table.finish();
        let samples = page.samples(b"node_cpu_frequency_hertz");
        let samples: Vec<_> = samples.iter().map(|sample| String::from_utf8_lossy(&sample[24..])).collect();
        assert_eq!(samples, ["{core=\"1\",cpu=\"0\",package=\"0\"} 1332800000", "{cpu=\"1\"} 2400000000"]);
    }

    #[test]
    fn flags_are_the_first_processors() {
        let text = b"processor: 0\nflags\t\t: fpu vme\nbugs\t\t: spectre_v1\n\nprocessor: 1\nflags: other\n";
        assert_eq!(words_of(text, &[b"flags", b"Features"]), b" fpu vme");
        assert_eq!(words_of(text, &[b"bugs"]), b" spectre_v1");
        assert_eq!(words_of(b"Features\t: swp half\n", &[b"flags", b"Features"]), b" swp half");
        assert_eq!(words_of(b"", &[b"bugs"]), b"");
    }

    #[test]
    fn no_processors() {
        assert!(processors(b"").is_empty());
        assert!(processors(b"\xff\xfe: \xff\nmodel: 1").is_empty());
    }

    #[test]
    fn as_procfs() {
        let theirs = procfs::CpuInfo::from_read(X86.as_bytes()).unwrap();
        let ours = processors(X86.as_bytes());
        assert_eq!(ours.len(), theirs.num_cores());
        for (at, cpu) in ours.iter().enumerate() {
            for (label, name) in
                [("model_name", "model name"), ("vendor", "vendor_id"), ("megahertz", "cpu MHz"), ("core", "core id")]
            {
                let field = theirs.get_field(at, name).map(|field| format!("{label}={field};"));
                assert!(cpu.contains(&field.unwrap_or_default()), "{cpu}");
            }
        }
    }
}
