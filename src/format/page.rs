//! The page being written.
//!
//! Collectors add families in any order; [`Page::write`] puts them in that of their names, as
//! node_exporter does. All that grows here is kept from scrape to scrape, so that a page costs no
//! allocation once the longest has been seen.

use std::ops::Range;

use super::draft::Draft;
use super::family::{Family, Kind};
use super::label::{Labels, escape, is_plain, write_labels};
use super::series::add_once;
use super::sorted::{Key, Place, Sorted, end_of, range, slice, sort};
use super::table::Rows;
use super::value::Value;
use crate::text::scan::lines;

/// The page being written.
#[derive(Debug, Default)]
pub struct Page {
    pub(super) text: Draft,
    families: Vec<Written>,
    /// The families sorted by name; those of the last page, until this one is written.
    order: Vec<Key>,
    /// Room for the series of a family that was begun more than once.
    series: Vec<Key>,
    pub(super) rows: Rows,
}

/// Where a family's text stands.
#[derive(Clone, Copy, Debug)]
struct Written {
    start: Place,
    /// The end of `# HELP name`.
    name_end: Place,
    /// The end of HELP and TYPE, and so where the samples begin.
    head_end: Place,
    /// The end of the samples; known when the page is [written](Page::write).
    end: Place,
}

/// A place on the page to [cut](Page::cut) it back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    text: usize,
    families: usize,
}

/// Capacity that is not worth giving back, in bytes.
pub(super) const SPARE: usize = 64 << 10;

const HELP: &[u8] = b"# HELP ";
const TYPE: &[u8] = b"\n# TYPE ";

impl Page {
    /// Begins a family; samples follow. One without samples is not put out.
    pub fn family(&mut self, family: &Family) -> &mut Self {
        debug_assert!(!family.0.contains(['\\', '\n']), "to be escaped: {}", family.0);
        self.begin_family(family.name(), &[family.name_and_help()], family.kind());
        self
    }

    /// Begins a family of another program's, whose help has its escapes already.
    pub fn verbatim_family(&mut self, name: &[u8], help: &[u8], kind: Kind) {
        self.begin_family(name, &[name, b" ", help], kind);
    }

    fn begin_family(&mut self, name: &[u8], name_and_help: &[&[u8]], kind: Kind) {
        let start = self.text.end();
        self.text.append(HELP);
        self.add_parts(name_and_help);
        self.add_parts(&[TYPE, name, kind.text()]);
        self.add_family(start, end_of(name));
    }

    fn add_family(&mut self, start: Place, name_length: Place) {
        let name_end = start.saturating_add(end_of(HELP)).saturating_add(name_length);
        self.families.push(Written { start, name_end, head_end: self.text.end(), end: 0 });
    }

    /// Begins a family whose name and help are put together from the kernel's own words; the help
    /// and the kind go with the name.
    ///
    /// Bytes that a name cannot have become `_`, but for the first part, which is the program's own.
    pub fn named_family(&mut self, name: &[&[u8]], help: &[&[u8]], kind: Kind) -> &mut Self {
        let start = self.text.end();
        self.text.append(HELP);
        let name_start = self.text.len();
        self.add_parts(name);
        let ours = name.first().map_or(0, |part| part.len());
        for byte in self.text.as_mut().get_mut(name_start.saturating_add(ours)..).unwrap_or_default() {
            if !is_of_name(*byte) {
                *byte = b'_';
            }
        }
        let name_end = self.text.len();
        self.text.push(b' ');
        let help_start = self.text.len();
        self.add_parts(help);
        // Nearly no help has what must be escaped.
        if !is_plain(self.text.get(help_start..).unwrap_or_default()) {
            self.text.truncate(help_start);
            for part in help {
                escape(&mut self.text, part, false);
            }
        }
        self.text.append(TYPE);
        self.text.append_within(name_start..name_end);
        self.text.append(kind.text());
        self.add_family(start, Place::try_from(name_end.saturating_sub(name_start)).unwrap_or(Place::MAX));
        self
    }

    /// Adds a sample to the family begun last.
    pub fn sample(&mut self, labels: Labels, value: impl Into<Value>) -> &mut Self {
        self.add_sample(labels, &value.into());
        self
    }

    #[inline(never)]
    fn add_sample(&mut self, labels: Labels, value: &Value) {
        self.write_name();
        write_labels(&mut self.text, labels);
        self.write_value(*value);
    }

    /// A family of one sample without labels.
    pub fn single(&mut self, family: &Family, value: impl Into<Value>) {
        self.family(family).sample(&[], value);
    }

    /// Adds a sample to the family begun last, all of it in the format already.
    pub fn verbatim_sample<'t>(&mut self, name: &[u8], labels: &[(&'t [u8], &'t [u8])], value: &[u8]) {
        self.add_parts(&[name]);
        let mut separator: &[u8] = b"{";
        for (name, value) in labels {
            self.add_parts(&[separator, name, b"=\"", value, b"\""]);
            separator = b",";
        }
        self.add_parts(&[if separator == b"," { b"} " } else { b" " }, value, b"\n"]);
    }

    #[inline(never)]
    fn add_parts(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.text.append(part);
        }
    }

    /// The family of that name that was begun first: how many were begun before, and what its head
    /// says after the name.
    pub fn head(&self, name: &[u8]) -> Option<(usize, &[u8])> {
        let place = self.names().position(|known| known == name)?;
        let family = self.families.get(place)?;
        Some((place, slice(&self.text, family.name_end.saturating_add(1), family.head_end)))
    }

    /// The samples of all families of that name, a line each.
    pub fn samples(&self, name: &[u8]) -> Vec<&[u8]> {
        let mut samples = Vec::new();
        let mut end = self.text.end();
        for family in self.families.iter().rev() {
            if family.name(&self.text) == name {
                samples.extend(lines(slice(&self.text, family.head_end, end)));
            }
            end = family.start;
        }
        samples
    }

    /// How many families were begun.
    pub fn family_count(&self) -> usize {
        self.families.len()
    }

    /// The names of the families so far.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.families.iter().map(|family| family.name(&self.text))
    }

    /// The end of the page as it is now.
    pub fn mark(&self) -> Mark {
        Mark { text: self.text.len(), families: self.families.len() }
    }

    /// Takes back all that was added since `mark`.
    pub fn cut(&mut self, mark: Mark) {
        self.text.truncate(mark.text);
        self.families.truncate(mark.families);
    }

    /// Begins the next page in the buffer of one that was sent.
    pub fn begin(&mut self, sent: &mut Sorted) {
        sent.clear();
        self.text = std::mem::take(&mut sent.text);
        self.families.clear();
    }

    /// Ends the page: makes it `out`, families sorted by name, those without samples left out.
    ///
    /// Of several families of one name only the first has HELP and TYPE, and of their samples with
    /// the same labels only the last is there. Families that `wanted` refuses are left out.
    pub fn write(&mut self, out: &mut Sorted, mut wanted: impl FnMut(&[u8]) -> bool) {
        let Self { text, families, order, series, .. } = self;
        let mut end = text.end();
        for family in families.iter_mut().rev() {
            family.end = end;
            end = family.start;
        }
        // One page has nearly always the families of the one before.
        if order.len() != families.len() {
            order.clear();
            order.extend((0..families.len()).map(|of| Key { start: 0, end: 0, of }));
        }
        for key in order.iter_mut() {
            if let Some(family) = families.get(key.of) {
                (key.start, key.end) = (family.name_start(), family.name_end);
            }
        }
        sort(order, text);
        for namesakes in order.chunk_by(|one, other| one.text(text) == other.text(text)) {
            let parts = namesakes.iter().filter_map(|key| families.get(key.of)).filter(|family| family.has_samples());
            let Some(first) = parts.clone().next() else { continue };
            if !wanted(first.name(text)) {
                continue;
            }
            out.add(first.start..first.head_end);
            if namesakes.len() == 1 || parts.clone().nth(1).is_none() {
                out.add(first.samples());
            } else {
                add_once(out, series, text, parts.map(Written::samples));
            }
        }
        // A page that was huge once must not cost its memory for ever.
        if text.capacity() / 4 > text.len().max(SPARE) {
            text.shrink_to_fit();
        }
        out.text = std::mem::take(text);
    }

    pub(super) fn write_name(&mut self) {
        if let Some(family) = self.families.last() {
            let name = range(family.name_start(), family.name_end);
            if name.end <= self.text.len() {
                self.text.append_within(name);
            }
        }
    }

    pub(super) fn write_value(&mut self, value: Value) {
        // As most of a router's counters are.
        if value.magnitude == 0 {
            self.text.append(b" 0\n");
            return;
        }
        self.text.push(b' ');
        value.write(&mut self.text);
        self.text.push(b'\n');
    }
}

impl Written {
    fn name_start(&self) -> Place {
        self.start.saturating_add(end_of(HELP))
    }

    fn samples(&self) -> Range<Place> {
        self.head_end..self.end
    }

    fn has_samples(&self) -> bool {
        self.head_end < self.end
    }

    fn name<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        slice(text, self.name_start(), self.name_end)
    }
}

fn is_of_name(byte: u8) -> bool {
    // Most are lower-case letters, and are known by the first comparison.
    byte.is_ascii_lowercase() || matches!(byte, b'A'..=b'Z' | b'0'..=b':')
}

#[cfg(test)]
mod tests {
    use super::super::family::{counter, gauge};
    use super::super::sample::written;
    use super::*;

    #[test]
    fn labels_are_escaped_and_always_utf8() {
        let mut page = Page::default();
        page.named_family(&[b"a"], &[b"h\\e\n\"lp"], Kind::Gauge)
            .sample(&[("k", b"q\"b\\n\n\xff\xfe\xc3\xa4\xc3(\xff")], 1_u64);
        assert_eq!(
            written(&mut page),
            "# HELP a h\\\\e\\n\"lp\n# TYPE a gauge\na{k=\"q\\\"b\\\\n\\n\u{fffd}\u{e4}\u{fffd}(\u{fffd}\"} 1\n"
        );
    }

    #[test]
    fn families_are_sorted_and_the_empty_left_out() {
        let mut page = Page::default();
        page.single(&gauge!("b", "B."), 2_u64);
        page.family(&gauge!("c", "C."));
        page.single(&counter!("a", "A."), 1_u64);
        page.named_family(&[b"b_", b"x(y):Z9"], &[b"x", b"."], Kind::Untyped).sample(&[], 3_u64);
        assert_eq!(
            written(&mut page),
            "# HELP a A.\n# TYPE a counter\na 1\n# HELP b B.\n# TYPE b gauge\nb 2\n# HELP b_x_y_:Z9 x.\n# TYPE b_x_y_:Z9 untyped\nb_x_y_:Z9 3\n"
        );
    }

    #[test]
    fn pages_of_other_families_have_their_own_order() {
        let mut page = Page::default();
        for names in [["gb H.", "ga H."], ["ga H.", "gb H."], ["gc H.", "ga H."]] {
            page.begin(&mut Sorted::default());
            for name in names {
                page.single(&Family(name), 1_u64);
            }
            let text = written(&mut page);
            let reported: Vec<_> = text.lines().filter_map(|line| line.strip_suffix(" 1")).collect();
            assert!(reported.is_sorted() && reported.len() == 2, "{text}");
        }
    }

    #[test]
    fn a_family_written_twice_has_one_head() {
        let mut page = Page::default();
        page.family(&gauge!("a", "A.")).sample(&[("k", b"1")], 1_u64);
        page.single(&gauge!("b", "B."), 2_u64);
        page.family(&gauge!("a", "A.")).sample(&[("k", b"2")], 2_u64);
        assert_eq!(
            written(&mut page),
            "# HELP a A.\n# TYPE a gauge\na{k=\"1\"} 1\na{k=\"2\"} 2\n# HELP b B.\n# TYPE b gauge\nb 2\n"
        );
    }

    #[test]
    fn a_family_that_comes_to_be_written_twice_is_reported_in_the_order_of_writing() {
        let mut page = Page::default();
        for (names, order) in [(["b", "a"], "21"), (["a", "a"], "12"), (["a", "b"], "12"), (["b", "b"], "12")] {
            page.begin(&mut Sorted::default());
            for (name, value) in names.iter().zip([1_u64, 2]) {
                page.named_family(&[name.as_bytes()], &[b"H."], Kind::Gauge)
                    .sample(&[("k", &[b'0' + value as u8])], value);
            }
            let text = written(&mut page);
            let values: String =
                text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.chars().last()).collect();
            assert_eq!(values, order, "{text}");
        }
    }

    #[test]
    fn a_page_is_cut_back_whole() {
        let mut page = Page::default();
        page.single(&gauge!("a", "A."), 1_u64);
        let mark = page.mark();
        page.single(&gauge!("b", "B."), 2_u64);
        let families = [gauge!("c", "C.")];
        let mut table = page.table(&families);
        table.row().label("d", b"a").count(Some(1));
        page.cut(mark);
        assert_eq!(page.names().collect::<Vec<_>>(), [b"a"]);
        assert_eq!(written(&mut page), "# HELP a A.\n# TYPE a gauge\na 1\n");
    }

    #[test]
    fn of_samples_with_the_same_labels_the_last_holds() {
        let mut page = Page::default();
        for (label, value) in [("1", 1_u64), ("2", 2), ("1", 3), ("0", 4), ("1", 5)] {
            page.family(&gauge!("a", "A.")).sample(&[("k", label.as_bytes())], value);
        }
        page.family(&gauge!("a", "A."));
        page.single(&gauge!("b", "B."), 6_u64);
        page.single(&gauge!("b", "B."), 6_u64);
        assert_eq!(
            written(&mut page),
            "# HELP a A.\n# TYPE a gauge\na{k=\"0\"} 4\na{k=\"1\"} 5\na{k=\"2\"} 2\n# HELP b B.\n# TYPE b gauge\nb 6\n"
        );
    }

    #[test]
    fn families_can_be_refused() {
        let mut page = Page::default();
        page.single(&gauge!("a", "A."), 1_u64);
        page.single(&gauge!("b", "B."), 2_u64);
        let mut out = Sorted::default();
        page.write(&mut out, |name| name == b"b");
        assert_eq!(out.to_vec(), b"# HELP b B.\n# TYPE b gauge\nb 2\n");
    }
}
