//! The Prometheus text format, read: what other programs leave for the page to carry.
//!
//! As strict as Prometheus itself where it would refuse the whole page for one bad line, such as a
//! number out of range or a label that comes twice. A text that ends within a line was cut off.

use super::number::is_number;
use crate::format::Kind;
use crate::text::scan::{lines, words};

/// More than any program has; what looks families up grows with the square of it.
const MOST_FAMILIES: usize = 2000;
/// More than Prometheus takes by default.
const MOST_LABELS: usize = 64;

/// What `# TYPE` lines may say.
const KINDS: [(&str, Kind); 5] = [
    ("counter", Kind::Counter),
    ("gauge", Kind::Gauge),
    ("histogram", Kind::Histogram),
    ("summary", Kind::Summary),
    ("untyped", Kind::Untyped),
];

/// What the names of the samples may have behind the family's.
fn suffixes(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Histogram => &["_bucket", "_sum", "_count"],
        Kind::Summary => &["", "_sum", "_count"],
        _ => &[""],
    }
}

/// A family and its samples.
#[derive(Debug)]
pub struct ReadFamily<'t> {
    /// The name.
    pub name: &'t [u8],
    /// The text of `# HELP` as it was written, with its escapes.
    pub help: Option<&'t [u8]>,
    kind: Option<Kind>,
    /// In the order of the text.
    pub samples: Vec<Sample<'t>>,
}

impl ReadFamily<'_> {
    /// What the values mean.
    pub fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind::Untyped)
    }
}

/// A sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample<'t> {
    /// The family's name, or with `_bucket`, `_sum` or `_count` behind it.
    pub name: &'t [u8],
    /// A number as Go reads it.
    pub value: &'t [u8],
    labels: &'t [u8],
}

impl<'t> Sample<'t> {
    /// The names and the values of the labels, the latter with their escapes.
    pub fn labels(&self) -> impl Iterator<Item = (&'t [u8], &'t [u8])> + use<'t> {
        let mut rest = self.labels;
        std::iter::from_fn(move || {
            let (label, after) = label(rest)?;
            rest = after;
            Some(label)
        })
    }
}

/// The families of `text`, in the order in which they appear; the error is what is wrong there.
///
/// # Errors
/// What Prometheus or node_exporter would refuse.
pub fn parse(text: &[u8]) -> Result<Vec<ReadFamily<'_>>, &[u8]> {
    if let Err(fault) = std::str::from_utf8(text) {
        return Err(text.get(fault.valid_up_to()..).unwrap_or_default());
    }
    // To Prometheus this byte is the end.
    if let Some(end) = text.iter().position(|&byte| byte == 0) {
        return Err(text.get(end..).unwrap_or_default());
    }
    let mut families = Families::default();
    for line in lines(text) {
        let trimmed = line.trim_ascii();
        match trimmed.strip_prefix(b"#") {
            Some(comment) => families.comment(comment.trim_ascii_start()),
            None if trimmed.is_empty() => Some(()),
            None => families.sample(trimmed),
        }
        .ok_or(line)?;
    }
    if !text.is_empty() && !text.ends_with(b"\n") {
        return Err(lines(text).last().unwrap_or_default());
    }
    Ok(families.all)
}

/// The families so far.
#[derive(Default)]
struct Families<'t> {
    all: Vec<ReadFamily<'t>>,
    /// The one that the last line was of.
    last: usize,
}

impl<'t> Families<'t> {
    /// `HELP name text` or `TYPE name kind`; anything else says nothing.
    fn comment(&mut self, comment: &'t [u8]) -> Option<()> {
        let (keyword, rest) = word(comment);
        if keyword != b"HELP" && keyword != b"TYPE" {
            return Some(());
        }
        let (name, text) = word(rest);
        if !is_name(name, true) {
            return None;
        }
        if text.is_empty() {
            return Some(());
        }
        let family = self.family(name)?;
        if keyword == b"HELP" {
            escapes_are_known(text).then_some(())?;
            family.help.replace(text).is_none().then_some(())
        } else {
            let kind = KINDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word.as_bytes()))?.1;
            (family.samples.is_empty() && family.kind.replace(kind).is_none()).then_some(())
        }
    }

    fn sample(&mut self, line: &'t [u8]) -> Option<()> {
        let sample = sample(line)?;
        let is_of = |family: &ReadFamily| {
            sample
                .name
                .strip_prefix(family.name)
                .is_some_and(|rest| suffixes(family.kind()).iter().any(|suffix| suffix.as_bytes() == rest))
        };
        if !self.all.get(self.last).is_some_and(is_of) {
            // A histogram has no sample of its own name.
            match self.find(sample.name).or_else(|| self.all.iter().position(is_of)) {
                Some(place) => self.last = Some(place).filter(|place| self.all.get(*place).is_some_and(is_of))?,
                None => {
                    self.family(sample.name)?;
                }
            }
        }
        self.all.get_mut(self.last)?.samples.push(sample);
        Some(())
    }

    /// The family of that name, which may be new; `None` if there are too many.
    fn family(&mut self, name: &'t [u8]) -> Option<&mut ReadFamily<'t>> {
        self.last = self.find(name).unwrap_or(self.all.len());
        if self.last == self.all.len() {
            if self.last == MOST_FAMILIES {
                return None;
            }
            self.all.push(ReadFamily { name, help: None, kind: None, samples: Vec::new() });
        }
        self.all.get_mut(self.last)
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        self.all.iter().position(|family| family.name == name)
    }
}

/// The first word and what follows it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| byte.is_ascii_whitespace()).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or_default();
    (word, rest.trim_ascii_start())
}

/// `name{label="value",…} number`, and no time, which node_exporter refuses.
fn sample(line: &[u8]) -> Option<Sample<'_>> {
    let end = line.iter().position(|&byte| !is_of_name(byte, true)).unwrap_or(line.len());
    let (name, rest) = line.split_at_checked(end)?;
    let mut sample = Sample { name, labels: b"", value: rest };
    if let Some(labels) = rest.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start) {
        let (mut rest, mut count) = (labels, 0_usize);
        while !rest.starts_with(b"}") {
            let ((name, _), after) = label(rest)?;
            sample.labels = labels.get(..labels.len().checked_sub(rest.len())?)?;
            count = count.checked_add(1).filter(|count| *count <= MOST_LABELS)?;
            if name == b"__name__" || sample.labels().any(|(earlier, _)| earlier == name) {
                return None;
            }
            rest = after;
        }
        sample.labels = labels.get(..labels.len().checked_sub(rest.len())?)?;
        sample.value = rest.get(1..)?;
    }
    let mut words = words(sample.value);
    sample.value = words.next()?;
    (is_name(name, true) && is_number(sample.value) && words.next().is_none()).then_some(sample)
}

/// A label, and what follows it and its comma: another one, or the closing brace.
type Label<'t> = ((&'t [u8], &'t [u8]), &'t [u8]);

fn label(text: &[u8]) -> Option<Label<'_>> {
    let end = text.iter().position(|&byte| !is_of_name(byte, false))?;
    let (name, rest) = text.split_at_checked(end)?;
    let rest = rest.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start().strip_prefix(b"\"")?;
    let mut is_escaped = false;
    let end = rest.iter().position(|&byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })?;
    let (value, rest) = rest.split_at_checked(end)?;
    let rest = rest.get(1..)?.trim_ascii_start();
    let after = match rest.strip_prefix(b",") {
        Some(after) => after.trim_ascii_start(),
        None => Some(rest).filter(|rest| rest.is_empty() || rest.starts_with(b"}"))?,
    };
    (is_name(name, false) && escapes_are_known(value)).then_some(((name, value), after))
}

fn is_of_name(byte: u8, colon: bool) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || (colon && byte == b':')
}

/// Whether it may name a metric, or, without colons, a label.
fn is_name(name: &[u8], colon: bool) -> bool {
    name.first().is_some_and(|byte| !byte.is_ascii_digit()) && name.iter().all(|&byte| is_of_name(byte, colon))
}

/// Whether each backslash has something behind it that the format knows.
fn escapes_are_known(text: &[u8]) -> bool {
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        if byte == b'\\' && !matches!(bytes.next(), Some(b'\\' | b'"' | b'n')) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: &[u8] =
        b"# HELP wan_up Whether the \\\"line\\\" is up.\n# TYPE wan_up gauge\nwan_up 1\n\n# a comment\n\
        wan_bytes_total{dir=\"in\",path=\"C:\\\\x \\\"y\\\" }\"} 1.5e3 \nwan_up{ line = \"b\" , } -Inf\n";

    fn refused(text: &str) -> String {
        String::from_utf8_lossy(parse(text.as_bytes()).unwrap_err()).into_owned()
    }

    #[test]
    fn real() {
        let families = parse(REAL).unwrap();
        assert_eq!(families.iter().map(|family| family.name).collect::<Vec<_>>(), [&b"wan_up"[..], b"wan_bytes_total"]);
        let [up, bytes] = &families[..] else { panic!() };
        assert_eq!((up.kind(), up.help), (Kind::Gauge, Some(&b"Whether the \\\"line\\\" is up."[..])));
        assert_eq!((bytes.kind(), bytes.help), (Kind::Untyped, None));
        assert_eq!(up.samples.iter().map(|sample| sample.value).collect::<Vec<_>>(), [&b"1"[..], b"-Inf"]);
        assert_eq!(up.samples[1].labels().collect::<Vec<_>>(), [(&b"line"[..], &b"b"[..])]);
        let labels: Vec<_> = bytes.samples[0].labels().collect();
        assert_eq!(labels, [(&b"dir"[..], &b"in"[..]), (b"path", b"C:\\\\x \\\"y\\\" }")]);
        assert!(parse(b"").unwrap().is_empty());
    }

    #[test]
    fn cut_off_anywhere_it_is_refused_or_shorter() {
        for length in 0..REAL.len() {
            if let Ok(families) = parse(&REAL[..length]) {
                assert!(length == 0 || REAL[length - 1] == b'\n');
                assert!(families.iter().map(|family| family.samples.len()).sum::<usize>() < 3);
            }
        }
        assert_eq!(refused("a 1\nb 12"), "b 12");
    }

    #[test]
    fn histograms_and_summaries() {
        let text = b"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n# TYPE s summary\n\
            s{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\nh_bucket{le=\"1\"} 1\nh_sum_other 1\ns_bucket 1\n";
        let families = parse(text).unwrap();
        let counted: Vec<_> = families.iter().map(|family| (family.name, family.samples.len())).collect();
        assert_eq!(counted, [(&b"h"[..], 4), (b"s", 3), (b"h_sum_other", 1), (b"s_bucket", 1)]);
        assert_eq!(refused("# TYPE h histogram\nh 1\n"), "h 1");
    }

    #[test]
    fn a_family_says_what_it_is_once_and_first() {
        assert_eq!(refused("# TYPE a gauge\n# TYPE a gauge\n"), "# TYPE a gauge");
        assert_eq!(refused("# HELP a b\n# HELP a b\n"), "# HELP a b");
        assert_eq!(refused("a 1\n# TYPE a gauge\n"), "# TYPE a gauge");
        assert_eq!(refused("# TYPE a rainbow\n"), "# TYPE a rainbow");
        assert_eq!(refused("# TYPE 1a gauge\n"), "# TYPE 1a gauge");
        assert_eq!(refused("# HELP a \\x\n"), "# HELP a \\x");
        assert!(parse(b"#HELP a b\n# HELP a\n# TYPE b\n# TYPE c GAUGE\na 1\n").is_ok());
    }

    #[test]
    fn names_labels_and_times() {
        for line in [
            "1a 1",
            "a-b 1",
            "a",
            "a ",
            "a b",
            "{} 1",
            "a{ 1",
            "a{b} 1",
            "a{b=} 1",
            "a{b=\"} 1",
            "a{b=\"c\" 1",
            "a{b=\"c\"d=\"e\"} 1",
            "a{b=\"c\",,} 1",
            "a{,} 1",
            "a{1b=\"c\"} 1",
            "a{b:c=\"d\"} 1",
            "a{b=\"\\x\"} 1",
            "a{b=\"\\\"} 1",
            "a{b=\"1\",b=\"2\"} 1",
            "a{__name__=\"b\"} 1",
            "a 1 1700000000000",
            "a 1 # {} 1",
            "a{\"b\"} 1",
            "{\"a\"} 1",
            "\u{e4} 1",
            "a\0 1",
            "a{b=\"\0\"} 1",
        ] {
            assert!(parse(format!("{line}\n").as_bytes()).is_err(), "{line}");
        }
        for line in [
            "a 1",
            "a:b 1",
            "_a 1",
            "a{} 1",
            "a {b=\"\"}1",
            "a\t1\r",
            "a{b=\"\u{e4}\\n\\\\\\\"\"} 1",
            "a{b=\"1\",c=\"2\",} 1",
        ] {
            assert!(parse(format!("{line}\n").as_bytes()).is_ok(), "{line}");
        }
        assert!(parse(b"a{b=\"\xff\"} 1\n").is_err());
        let labels = |count| (0..count).map(|number| format!("l{number}=\"\",")).collect::<String>();
        assert!(parse(format!("a{{{}}} 1\n", labels(MOST_LABELS)).as_bytes()).is_ok());
        assert!(parse(format!("a{{{}}} 1\n", labels(MOST_LABELS + 1)).as_bytes()).is_err());
    }

    #[test]
    fn no_more_families_than_the_most() {
        let text = |count| (0..count).rev().map(|number| format!("a{number} 1\n")).collect::<String>();
        assert_eq!(parse(text(MOST_FAMILIES).as_bytes()).unwrap().len(), MOST_FAMILIES);
        assert_eq!(refused(&text(MOST_FAMILIES + 1)), "a0 1");
    }
}
