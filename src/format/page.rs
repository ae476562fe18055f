//! The page in the Prometheus text format, version 0.0.4.
//!
//! Collectors add families in any order; [`Page::write`] puts them in that of their names, as
//! node_exporter does. All that grows here is kept from scrape to scrape, so that a page costs no
//! allocation once the longest has been seen.

use std::ops::{Deref, Range};

use crate::text::scan::{lines, split_once};

/// What a family's values mean, the page's `# TYPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only ever grows, save at a restart.
    Counter,
    /// Goes up and down.
    Gauge,
    /// node_exporter does not say.
    Untyped,
    /// Buckets, their sum and count; only other programs have it.
    Histogram,
    /// Quantiles, their sum and count; only other programs have it.
    Summary,
}

impl Kind {
    /// The word of the format.
    pub fn word(self) -> &'static [u8] {
        self.text().trim_ascii()
    }

    fn text(self) -> &'static [u8] {
        match self {
            Self::Counter => b" counter\n",
            Self::Gauge => b" gauge\n",
            Self::Untyped => b" untyped\n",
            Self::Histogram => b" histogram\n",
            Self::Summary => b" summary\n",
        }
    }
}

/// A family of samples: one row of a collector's table, as [`counter!`] and [`gauge!`] make it.
///
/// It is one text (the kind's first letter, the name, a blank and the help), as there are hundreds.
#[derive(Clone, Copy, Debug)]
pub struct Family(#[doc(hidden)] pub &'static str);

impl Family {
    /// The name, whole, with its unit.
    #[must_use]
    pub fn name(&self) -> &'static [u8] {
        self.name_and_help().0
    }

    fn name_and_help(&self) -> (&'static [u8], &'static [u8]) {
        split_once(self.0.as_bytes().get(1..).unwrap_or_default(), b' ').unwrap_or_default()
    }

    fn kind(&self) -> Kind {
        if self.0.starts_with('c') { Kind::Counter } else { Kind::Gauge }
    }
}

/// A row of a table of families, of its name and its help: a counter. The help is node_exporter's
/// where it has the family.
macro_rules! counter {
    ($name:literal, $help:literal $(,)?) => {
        $crate::format::page::Family(concat!("c", $name, " ", $help))
    };
}

/// A row of a table of families, of its name and its help: a gauge.
macro_rules! gauge {
    ($name:literal, $help:literal $(,)?) => {
        $crate::format::page::Family(concat!("g", $name, " ", $help))
    };
}

pub(crate) use {counter, gauge};

/// A sample's value: a decimal number of any sign with a fixed number of decimal places.
///
/// The kernel counts in whole units (ticks, milliseconds, millidegrees), so no value needs a float,
/// which a router's processor would have to emulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    magnitude: u64,
    negative: bool,
    places: u8,
}

impl Value {
    /// `number` × 10^-`places`: `Value::decimal(1234, 3)` is 1.234. At most 18 places.
    pub fn decimal(number: impl Into<Self>, places: u8) -> Self {
        Self { places: places.min(18), ..number.into() }
    }
}

impl From<u64> for Value {
    fn from(magnitude: u64) -> Self {
        Self { magnitude, negative: false, places: 0 }
    }
}

impl From<u32> for Value {
    fn from(magnitude: u32) -> Self {
        u64::from(magnitude).into()
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        u64::from(yes).into()
    }
}

impl From<i64> for Value {
    #[inline(never)]
    fn from(number: i64) -> Self {
        Self { magnitude: number.unsigned_abs(), negative: number < 0, places: 0 }
    }
}

/// A number in decimal, to be a label.
#[derive(Clone, Copy, Debug)]
pub struct Digits {
    digits: [u8; 20],
    start: usize,
}

impl Digits {
    /// The digits of `number`.
    pub fn new(number: u64) -> Self {
        let mut digits = [b'0'; 20];
        let mut start = digits.len();
        let mut rest = number;
        for (at, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0'.wrapping_add(u8::try_from(rest % 10).unwrap_or_default());
            start = at;
            rest = rest.wrapping_div(10);
            if rest == 0 {
                break;
            }
        }
        Self { digits, start }
    }
}

impl Deref for Digits {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.digits.get(self.start..).unwrap_or_default()
    }
}

/// Names and values of a sample's labels, in the order of the names.
pub type Labels<'a> = &'a [(&'a str, &'a [u8])];

/// A place in a text, counted in bytes. No text here comes near the largest, and half a word of a
/// 64-bit machine will do.
type Place = u32;

/// The place where the next text is added.
fn end_of(text: &[u8]) -> Place {
    Place::try_from(text.len()).unwrap_or(Place::MAX)
}

/// What stands from one place to another.
fn slice(text: &[u8], start: Place, end: Place) -> &[u8] {
    text.get(range(start, end)).unwrap_or_default()
}

fn range(start: Place, end: Place) -> Range<usize> {
    start as usize..end as usize
}

/// A page to be sent: its text as it was written, and the parts of that in the order in which they
/// go out. Nobody has to copy them into that order.
#[derive(Debug, Default)]
pub struct Sorted {
    text: Vec<u8>,
    parts: Vec<Range<Place>>,
    length: usize,
}

impl Sorted {
    /// How long the page is, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is nothing on the page.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// What follows the first `sent` bytes, piece by piece.
    pub fn pieces(&self, sent: usize) -> impl Iterator<Item = &[u8]> {
        let mut ahead = sent;
        self.parts.iter().filter_map(move |part| {
            let piece = slice(&self.text, part.start, part.end);
            let skipped = ahead.min(piece.len());
            ahead = ahead.saturating_sub(skipped);
            piece.get(skipped..).filter(|piece| !piece.is_empty())
        })
    }

    /// All of it in one piece.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces(0).flatten().copied().collect()
    }

    /// Adds a text at the end.
    pub fn push(&mut self, text: &[u8]) {
        let start = end_of(&self.text);
        self.text.extend_from_slice(text);
        self.add(start..end_of(&self.text));
    }

    fn add(&mut self, part: Range<Place>) {
        self.length = self.length.saturating_add(part.len());
        match self.parts.last_mut() {
            Some(last) if last.end == part.start => last.end = part.end,
            _ => self.parts.push(part),
        }
    }

    /// Empties the page.
    pub fn clear(&mut self) {
        self.text.clear();
        self.parts.clear();
        self.length = 0;
    }
}

/// The page being written.
#[derive(Debug, Default)]
pub struct Page {
    text: Vec<u8>,
    families: Vec<Written>,
    /// The heads that were put together for the last pages.
    heads: Heads,
    /// The families sorted by name; those of the last page, until this one is written.
    order: Vec<Key>,
    /// A [`Table`]'s rows: their labels, where each row's begin, and their cells.
    labels: Vec<u8>,
    rows: Vec<Key>,
    cells: Vec<Option<Value>>,
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

/// Where the text stands that something is sorted by, and which thing that is.
#[derive(Clone, Copy, Debug)]
struct Key {
    start: Place,
    end: Place,
    of: usize,
}

impl Key {
    fn text<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        slice(text, self.start, self.end)
    }
}

/// Sorts by `text`, and what is the same by itself.
fn sort(keys: &mut [Key], text: &[u8]) {
    if !keys.is_sorted_by(|one, other| one.text(text) <= other.text(text)) {
        keys.sort_by(|one, other| one.text(text).cmp(other.text(text)).then(one.of.cmp(&other.of)));
    }
}

/// A place on the page to [cut](Page::cut) it back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    text: usize,
    families: usize,
}

/// Capacity that is not worth giving back, in bytes.
const SPARE: usize = 64 << 10;

const HELP: &[u8] = b"# HELP ";
const TYPE: &[u8] = b"\n# TYPE ";

impl Page {
    /// Begins a family; samples follow. One without samples is not put out.
    pub fn family(&mut self, family: &Family) -> &mut Self {
        debug_assert!(!family.0.contains(['\\', '\n']), "to be escaped: {}", family.0);
        let (name, help) = family.name_and_help();
        self.verbatim_family(name, help, family.kind());
        self
    }

    /// Begins a family whose name and help are put together from the kernel's own words; the help
    /// and the kind go with the name.
    ///
    /// Bytes that a name cannot have become `_`.
    pub fn named_family(&mut self, name: &[&[u8]], help: &[&[u8]], kind: Kind) -> &mut Self {
        let start = end_of(&self.text);
        match self.heads.find(name) {
            Some(head) => self.text.extend_from_slice(head),
            None => {
                self.put_together(name, help, kind);
                self.heads.add(name, slice(&self.text, start, end_of(&self.text)));
            }
        }
        let name_length = name.iter().fold(0, |length: Place, part| length.saturating_add(end_of(part)));
        let name_end = start.saturating_add(end_of(HELP)).saturating_add(name_length);
        self.families.push(Written { start, name_end, head_end: end_of(&self.text), end: 0 });
        self
    }

    fn put_together(&mut self, name: &[&[u8]], help: &[&[u8]], kind: Kind) {
        self.text.extend_from_slice(HELP);
        let name_start = self.text.len();
        for part in name {
            self.text.extend_from_slice(part);
        }
        for byte in self.text.get_mut(name_start..).unwrap_or_default() {
            if !is_of_name(*byte) {
                *byte = b'_';
            }
        }
        let name_end = self.text.len();
        self.text.push(b' ');
        for part in help {
            escape(&mut self.text, part, false);
        }
        self.text.extend_from_slice(TYPE);
        self.text.extend_from_within(name_start..name_end);
        self.text.extend_from_slice(kind.text());
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

    /// Families that share their labels: a row for each thing measured, a column for each family.
    pub fn table<'p, const N: usize>(&'p mut self, families: &'p [Family; N]) -> Table<'p, N> {
        self.begin_table();
        Table { page: self, families }
    }

    /// So too; its rows come piece by piece.
    pub fn rows<'p>(&'p mut self, families: &'p [Family]) -> Table<'p, 0> {
        self.begin_table();
        Table { page: self, families }
    }

    #[inline(never)]
    fn begin_table(&mut self) {
        self.labels.clear();
        self.rows.clear();
        self.cells.clear();
    }

    /// Begins a family of another program's, whose help has its escapes already.
    pub fn verbatim_family(&mut self, name: &[u8], help: &[u8], kind: Kind) {
        let start = end_of(&self.text);
        self.add_parts(&[HELP, name]);
        let name_end = end_of(&self.text);
        self.add_parts(&[b" ", help, TYPE, name, kind.text()]);
        self.families.push(Written { start, name_end, head_end: end_of(&self.text), end: 0 });
    }

    /// Adds a sample to the family begun last, all of it in the format already.
    pub fn verbatim_sample<'t>(
        &mut self,
        name: &[u8],
        labels: impl Iterator<Item = (&'t [u8], &'t [u8])>,
        value: &[u8],
    ) {
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
            self.text.extend_from_slice(part);
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
        let mut end = end_of(&self.text);
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
    /// Of several families of one name only the first has HELP and TYPE. Families that `wanted`
    /// refuses are left out.
    pub fn write(&mut self, out: &mut Sorted, mut wanted: impl FnMut(&[u8]) -> bool) {
        let Self { text, families, order, .. } = self;
        let mut end = end_of(text);
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
        let mut last: &[u8] = b"";
        for family in order.iter().filter_map(|key| families.get(key.of)) {
            let name = family.name(text);
            if family.head_end == family.end || !wanted(name) {
                continue;
            }
            if name != last {
                out.add(family.start..family.head_end);
                last = name;
            }
            out.add(family.head_end..family.end);
        }
        // A page that was huge once must not cost its memory for ever.
        if text.capacity() / 4 > text.len().max(SPARE) {
            text.shrink_to(text.len());
        }
        out.text = std::mem::take(text);
    }

    fn begin_row(&mut self, labels: Labels) {
        let start = end_of(&self.labels);
        write_labels(&mut self.labels, labels);
        self.rows.push(Key { start, end: end_of(&self.labels), of: self.cells.len() });
    }

    /// Adds a label to the row begun last.
    fn add_label(&mut self, name: &str, value: &[u8]) {
        let Some(row) = self.rows.last_mut() else { return };
        let is_first = end_of(&self.labels) == row.start;
        if !is_first {
            // The brace that ends the labels so far.
            self.labels.pop();
        }
        write_label(&mut self.labels, if is_first { b'{' } else { b',' }, name, value);
        self.labels.push(b'}');
        row.end = end_of(&self.labels);
    }

    fn add_counts(&mut self, values: &[Option<u64>]) {
        for value in values {
            self.cells.push(value.map(Value::from));
        }
    }

    /// Writes the rows of a table as `families`.
    fn turn(&mut self, families: &[Family]) {
        let labels = std::mem::take(&mut self.labels);
        let mut rows = std::mem::take(&mut self.rows);
        let text = |row: &Key| row.text(&labels);
        sort(&mut rows, &labels);
        rows.dedup_by(|later, earlier| {
            let is_same = text(later) == text(earlier);
            if is_same {
                *earlier = *later;
            }
            is_same
        });
        for (column, family) in families.iter().enumerate() {
            self.family(family);
            for row in &rows {
                let cell = self.cells.get(row.of.saturating_add(column));
                if let Some(&Some(value)) = cell {
                    self.write_name();
                    self.text.extend_from_slice(text(row));
                    self.write_value(value);
                }
            }
        }
        self.labels = labels;
        self.rows = rows;
    }

    fn write_name(&mut self) {
        if let Some(family) = self.families.last() {
            let name = range(family.name_start(), family.name_end);
            if name.end <= self.text.len() {
                self.text.extend_from_within(name);
            }
        }
    }

    fn write_value(&mut self, value: Value) {
        // As most of a router's counters are.
        if value.magnitude == 0 {
            self.text.extend_from_slice(b" 0\n");
            return;
        }
        self.text.push(b' ');
        value.write(&mut self.text);
        self.text.push(b'\n');
    }
}

/// Heads of families, in the order in which a page begins them: one page has nearly always those of
/// the one before, and to put one together costs a router more than the rest of its family.
#[derive(Debug, Default)]
struct Heads {
    text: Vec<u8>,
    /// Where each begins and ends.
    known: Vec<Range<Place>>,
    /// The one after the last that was asked for.
    next: usize,
}

impl Heads {
    /// More than this is no kernel's, and would be somebody's who makes up names.
    const LONGEST: usize = 64 << 10;

    /// The head of the family whose name the parts make up.
    fn find(&mut self, name: &[&[u8]]) -> Option<&[u8]> {
        let text = |head: &Range<Place>| slice(&self.text, head.start, head.end);
        let is_same = |head: &Range<Place>| {
            let mut rest = text(head).strip_prefix(HELP);
            for part in name {
                rest = rest.and_then(|rest| rest.strip_prefix(*part));
            }
            rest.is_some_and(|rest| rest.starts_with(b" "))
        };
        let at = match self.known.get(self.next) {
            Some(head) if is_same(head) => self.next,
            _ => self.known.iter().position(is_same)?,
        };
        self.next = at.saturating_add(1);
        self.known.get(at).map(text)
    }

    /// Remembers a head, unless its name is not what the parts make up.
    fn add(&mut self, name: &[&[u8]], head: &[u8]) {
        if !name.iter().all(|part| part.iter().all(|&byte| is_of_name(byte) || byte == b'_')) {
            return;
        }
        if self.text.len() > Self::LONGEST {
            *self = Self::default();
        }
        let start = end_of(&self.text);
        self.text.extend_from_slice(head);
        self.known.push(start..end_of(&self.text));
        self.next = self.known.len();
    }
}

impl Written {
    fn name_start(&self) -> Place {
        self.start.saturating_add(end_of(HELP))
    }

    fn name<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        slice(text, self.name_start(), self.name_end)
    }
}

/// A table of families being filled, row by row.
#[derive(Debug)]
pub struct Table<'p, const N: usize> {
    page: &'p mut Page,
    families: &'p [Family],
}

impl<const N: usize> Table<'_, N> {
    /// Adds a thing and what is known of it, in the order of the families.
    pub fn row(&mut self, labels: Labels, values: [Option<Value>; N]) {
        self.page.begin_row(labels);
        self.page.cells.extend_from_slice(&values);
    }

    /// Adds a thing whose values are all plain numbers.
    pub fn counts(&mut self, labels: Labels, values: [Option<u64>; N]) {
        self.page.begin_row(labels);
        self.page.add_counts(&values);
    }

    /// Begins a row that comes piece by piece: each [label](Self::label) in the order of the names,
    /// then a [cell](Self::cell) for each family.
    pub fn begin_row(&mut self) -> &mut Self {
        self.page.begin_row(&[]);
        self
    }

    /// Adds a label to the row begun last.
    pub fn label(&mut self, name: &str, value: &[u8]) -> &mut Self {
        self.page.add_label(name, value);
        self
    }

    /// Adds what is known for the next family to the row begun last.
    pub fn cell(&mut self, value: Option<Value>) -> &mut Self {
        self.page.cells.push(value);
        self
    }

    /// Adds a plain number, as [`Table::cell`].
    pub fn count(&mut self, value: Option<u64>) -> &mut Self {
        self.page.add_counts(&[value]);
        self
    }

    /// Whether no row was added.
    pub fn is_empty(&self) -> bool {
        self.page.rows.is_empty()
    }

    /// Puts the families on the page, the samples of each sorted by their labels. Of rows with the
    /// same labels, which no page may have, the last holds.
    pub fn finish(self) {
        self.page.turn(self.families);
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b':'
}

fn write_labels(text: &mut Vec<u8>, labels: Labels) {
    debug_assert!(labels.is_sorted_by_key(|(name, _)| name), "{labels:?}");
    let mut separator = b'{';
    for (name, value) in labels {
        write_label(text, separator, name, value);
        separator = b',';
    }
    if separator == b',' {
        text.push(b'}');
    }
}

fn write_label(text: &mut Vec<u8>, separator: u8, name: &str, value: &[u8]) {
    text.push(separator);
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b"=\"");
    escape(text, value, true);
    text.push(b'"');
}

/// Adds `value` as the format wants it: UTF-8, with what would end a line or a label escaped.
fn escape(text: &mut Vec<u8>, value: &[u8], label: bool) {
    let plain = |byte: &u8| byte.is_ascii() && !matches!(byte, b'\\' | b'\n' | b'"');
    if value.iter().all(plain) {
        text.extend_from_slice(value);
        return;
    }
    for chunk in value.utf8_chunks() {
        for &byte in chunk.valid().as_bytes() {
            match byte {
                b'\\' => text.extend_from_slice(b"\\\\"),
                b'\n' => text.extend_from_slice(b"\\n"),
                b'"' if label => text.extend_from_slice(b"\\\""),
                _ => text.push(byte),
            }
        }
        if !chunk.invalid().is_empty() {
            text.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

impl Value {
    /// Appends the shortest text of the number: no trailing zeros, no exponent.
    fn write(self, text: &mut Vec<u8>) {
        if self.negative && self.magnitude != 0 {
            text.push(b'-');
        }
        // 20 digits at the most, from the last one on: two parts of 32 bits at the least, since a
        // division of 64 bits takes a router's processor hundreds of steps.
        let mut digits = [b'0'; 30];
        let mut start = digits.len();
        let mut rest = self.magnitude;
        let mut places = digits.rchunks_exact_mut(9);
        loop {
            let low = if rest < NINE_DIGITS { rest } else { rest % NINE_DIGITS };
            let part = places.next().unwrap_or_default();
            let written = write_digits(low, part);
            if rest < NINE_DIGITS {
                start = start.saturating_sub(written);
                break;
            }
            start = start.saturating_sub(9);
            rest = rest.wrapping_div(NINE_DIGITS);
        }
        if self.places == 0 {
            text.extend_from_slice(digits.get(start.min(29)..).unwrap_or_default());
            return;
        }
        let point = digits.len().saturating_sub(self.places.into());
        let (whole, fraction) = digits.split_at_checked(point).unwrap_or((&digits, b""));
        text.extend_from_slice(whole.get(start.min(point.saturating_sub(1))..).unwrap_or_default());
        let zeros = fraction.iter().rev().take_while(|digit| **digit == b'0').count();
        let fraction = fraction.get(..fraction.len().saturating_sub(zeros)).unwrap_or_default();
        if !fraction.is_empty() {
            text.push(b'.');
            text.extend_from_slice(fraction);
        }
    }
}

const NINE_DIGITS: u64 = 1_000_000_000;

/// Writes the digits of a number below [`NINE_DIGITS`] at the end of `part`, which is filled with
/// zeros, and counts them.
fn write_digits(number: u64, part: &mut [u8]) -> usize {
    let mut rest = u32::try_from(number).unwrap_or_default();
    let mut written = 0_usize;
    for place in part.iter_mut().rev() {
        if rest == 0 {
            break;
        }
        // The remainder of a division by ten is a digit.
        *place = b'0'.wrapping_add((rest % 10) as u8);
        rest = rest.wrapping_div(10);
        written = written.wrapping_add(1);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(page: &mut Page) -> String {
        let mut out = Sorted::default();
        page.write(&mut out, |_| true);
        String::from_utf8(out.to_vec()).unwrap()
    }

    fn text_of(value: impl Into<Value>) -> String {
        let mut text = Vec::new();
        value.into().write(&mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn values_have_their_shortest_text() {
        assert_eq!(text_of(0_u64), "0");
        assert_eq!(text_of(u64::MAX), "18446744073709551615");
        for value in [9_u64, 10, 999_999_999, 1_000_000_000, 1_000_000_005, 1_000_000_000_000_000_000] {
            assert_eq!(text_of(value), value.to_string());
        }
        assert_eq!(text_of(i64::MIN), "-9223372036854775808");
        assert_eq!(text_of(true), "1");
        assert_eq!(text_of(Value::decimal(1234_u64, 3)), "1.234");
        assert_eq!(text_of(Value::decimal(1200_u64, 3)), "1.2");
        assert_eq!(text_of(Value::decimal(5000_u64, 3)), "5");
        assert_eq!(text_of(Value::decimal(0_u64, 3)), "0");
        assert_eq!(text_of(Value::decimal(7_u64, 3)), "0.007");
        assert_eq!(text_of(Value::decimal(-52_500_i64, 3)), "-52.5");
        assert_eq!(text_of(Value::decimal(u64::MAX, 18)), "18.446744073709551615");
        assert_eq!(text_of(Value::decimal(1_u64, 18)), "0.000000000000000001");
        assert_eq!(text_of(Value::decimal(10_u64, 1)), "1");
    }

    #[test]
    fn digits() {
        for number in [0, 7, 10, 128, u64::MAX] {
            assert_eq!(*Digits::new(number), *number.to_string().as_bytes());
        }
    }

    #[test]
    fn labels_are_escaped_and_always_utf8() {
        let mut page = Page::default();
        page.named_family(&[b"a"], &[b"h\\e\n\"lp"], Kind::Gauge).sample(&[("k", b"q\"b\\n\n\xff\xc3\xa4")], 1_u64);
        assert_eq!(
            written(&mut page),
            "# HELP a h\\\\e\\n\"lp\n# TYPE a gauge\na{k=\"q\\\"b\\\\n\\n\u{fffd}\u{e4}\"} 1\n"
        );
    }

    #[test]
    fn families_are_sorted_and_the_empty_left_out() {
        let mut page = Page::default();
        page.single(&gauge!("b", "B."), 2_u64);
        page.family(&gauge!("c", "C."));
        page.single(&counter!("a", "A."), 1_u64);
        page.named_family(&[b"b_", b"x(y)"], &[b"x", b"."], Kind::Untyped).sample(&[], 3_u64);
        assert_eq!(
            written(&mut page),
            "# HELP a A.\n# TYPE a counter\na 1\n# HELP b B.\n# TYPE b gauge\nb 2\n# HELP b_x_y_ x.\n# TYPE b_x_y_ untyped\nb_x_y_ 3\n"
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
            let told: Vec<_> = text.lines().filter_map(|line| line.strip_suffix(" 1")).collect();
            assert!(told.is_sorted() && told.len() == 2, "{text}");
        }
    }

    #[test]
    fn heads_are_remembered() {
        let mut page = Page::default();
        let mut last = String::new();
        for _ in 0..3 {
            page.begin(&mut Sorted::default());
            for name in [&b"b"[..], b"a", b"a_c", b"a(c", b"a\xffc"] {
                page.named_family(&[b"x_", name], &[b"H ", name, b"."], Kind::Gauge).sample(&[], 1_u64);
            }
            let now = written(&mut page);
            assert!(last.is_empty() || now == last, "{now}");
            last = now;
        }
        assert_eq!(page.heads.known.len(), 3);
        assert_eq!(last.matches("# HELP x_a_c H a_c.").count(), 1);
        for number in 0..4_000 {
            page.named_family(&[b"x_", number.to_string().as_bytes()], &[b"A long help."], Kind::Gauge);
        }
        assert!(page.heads.text.len() < Heads::LONGEST + 100);
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
    fn of_rows_with_the_same_labels_the_last_holds() {
        let families = [gauge!("a", "A."), gauge!("b", "B.")];
        let mut page = Page::default();
        let mut table = page.table(&families);
        for (label, value) in [(&b"x"[..], 1), (b"y", 2), (b"x", 3)] {
            table.counts(&[("k", label)], [Some(value), Some(value + 10)]);
        }
        table.finish();
        let text = written(&mut page);
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples, ["a{k=\"x\"} 3", "a{k=\"y\"} 2", "b{k=\"x\"} 13", "b{k=\"y\"} 12"]);
    }

    #[test]
    fn rows_come_piece_by_piece() {
        let families = [gauge!("a", "A."), gauge!("b", "B.")];
        let mut page = Page::default();
        let mut table = page.table(&families);
        table.begin_row().label("k", b"y").label("l", b"1").count(Some(2)).cell(None);
        table.begin_row().label("k", b"x").count(None).cell(Some(Value::decimal(3_u64, 1)));
        table.counts(&[("k", b"z")], [Some(4), None]);
        table.finish();
        let text = written(&mut page);
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples, ["a{k=\"y\",l=\"1\"} 2", "a{k=\"z\"} 4", "b{k=\"x\"} 0.3"]);
    }

    #[test]
    fn tables_are_turned_and_sorted() {
        const FAMILIES: [Family; 3] = [counter!("x_total", "X."), counter!("y_total", "Y."), counter!("z_total", "Z.")];
        let mut page = Page::default();
        let mut table = page.table(&FAMILIES);
        table.counts(&[("d", b"b")], [Some(1), None, None]);
        table.row(&[("d", b"a")], [Some(2_u64.into()), Some(Value::decimal(15_u64, 1)), None]);
        table.finish();
        assert_eq!(
            written(&mut page),
            "# HELP x_total X.\n# TYPE x_total counter\nx_total{d=\"a\"} 2\nx_total{d=\"b\"} 1\n# HELP y_total Y.\n# TYPE y_total counter\ny_total{d=\"a\"} 1.5\n"
        );
    }

    #[test]
    fn a_page_is_cut_back_whole() {
        let mut page = Page::default();
        page.single(&gauge!("a", "A."), 1_u64);
        let mark = page.mark();
        page.single(&gauge!("b", "B."), 2_u64);
        let families = [gauge!("c", "C.")];
        let mut table = page.table(&families);
        table.counts(&[("d", b"a")], [Some(1)]);
        page.cut(mark);
        assert_eq!(page.names().collect::<Vec<_>>(), [b"a"]);
        assert_eq!(written(&mut page), "# HELP a A.\n# TYPE a gauge\na 1\n");
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
