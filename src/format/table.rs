//! Families that share their labels: a row for each thing that is measured, a column for each family.

use super::draft::Draft;
use super::family::Family;
use super::label::write_label;
use super::page::Page;
use super::sorted::{Key, sort_once};
use super::value::Value;

/// The rows of the table that is being filled.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The labels of all rows.
    labels: Draft,
    /// Where each row's labels stand, and which cell is its first.
    rows: Vec<Key>,
    cells: Vec<Option<Value>>,
}

impl Rows {
    #[inline(never)]
    fn clear(&mut self) {
        self.labels.truncate(0);
        self.rows.clear();
        self.cells.clear();
    }

    fn begin(&mut self) {
        let start = self.labels.end();
        self.rows.push(Key { start, end: start, of: self.cells.len() });
    }

    /// Adds a label to the row begun last.
    #[inline(never)]
    fn add_label(&mut self, name: &str, value: &[u8]) {
        let Some(row) = self.rows.last_mut() else { return };
        let is_first = self.labels.end() == row.start;
        if !is_first {
            // The brace that ends the labels so far.
            self.labels.truncate(self.labels.len().saturating_sub(1));
        }
        write_label(&mut self.labels, if is_first { b'{' } else { b',' }, name, value);
        self.labels.push(b'}');
        row.end = self.labels.end();
    }

    fn add_counts(&mut self, values: &[Option<u64>]) {
        for value in values {
            self.cells.push(value.map(Value::from));
        }
    }
}

impl Page {
    /// Families that share their labels: a row for each thing measured, a column for each family.
    #[inline(never)]
    pub fn table<'p>(&'p mut self, families: &'p [Family]) -> Table<'p> {
        self.rows.clear();
        Table { page: self, families }
    }

    /// Writes the rows of the table, a family after the other.
    fn transpose(&mut self, families: &[Family]) {
        let mut table = std::mem::take(&mut self.rows);
        let Rows { labels, rows, cells } = &mut table;
        let text = |row: &Key| row.text(labels);
        sort_once(rows, labels);
        for (column, family) in families.iter().enumerate() {
            self.family(family);
            for row in rows.iter() {
                if let Some(&Some(value)) = cells.get(row.of.saturating_add(column)) {
                    self.write_name();
                    self.text.append(text(row));
                    self.write_value(value);
                }
            }
        }
        self.rows = table;
    }
}

/// A table of families being filled, row by row.
#[derive(Debug)]
pub struct Table<'p> {
    page: &'p mut Page,
    families: &'p [Family],
}

impl Table<'_> {
    /// Begins the row of a thing: each [label](Self::label) follows in the order of the names, then a
    /// [cell](Self::cell) for each family, or for the first of them.
    pub fn row(&mut self) -> &mut Self {
        while self.page.rows.cells.len().checked_rem(self.families.len()).unwrap_or_default() != 0 {
            self.cell(None);
        }
        self.page.rows.begin();
        self
    }

    /// Adds a label to the row begun last.
    pub fn label(&mut self, name: &str, value: &[u8]) -> &mut Self {
        self.page.rows.add_label(name, value);
        self
    }

    /// Adds what is known for the next family to the row begun last.
    pub fn cell(&mut self, value: Option<Value>) -> &mut Self {
        self.page.rows.cells.push(value);
        self
    }

    /// Leaves out so many families, as [`Table::cell`].
    pub fn skip(&mut self, families: usize) -> &mut Self {
        for _ in 0..families {
            self.cell(None);
        }
        self
    }

    /// Adds a plain number, as [`Table::cell`].
    pub fn count(&mut self, value: Option<u64>) -> &mut Self {
        self.page.rows.add_counts(&[value]);
        self
    }

    /// How many rows were begun.
    pub fn len(&self) -> usize {
        self.page.rows.rows.len()
    }

    /// Takes back all but the first rows, such as those of what turned out to have changed meanwhile.
    pub fn cut(&mut self, rows: usize) {
        let table = &mut self.page.rows;
        if let Some(first) = table.rows.get(rows) {
            table.labels.truncate(first.start as usize);
            table.cells.truncate(first.of);
            table.rows.truncate(rows);
        }
    }

    /// Whether no row was added.
    pub fn is_empty(&self) -> bool {
        self.page.rows.rows.is_empty()
    }

    /// Puts the families on the page, the samples of each sorted by their labels. Of rows with the
    /// same labels, which no page may have, the last holds.
    pub fn finish(self) {
        self.page.transpose(self.families);
    }
}

#[cfg(test)]
mod tests {
    use super::super::family::{counter, gauge};
    use super::super::sample::written;
    use super::*;

    #[test]
    fn of_rows_with_the_same_labels_the_last_holds() {
        let families = [gauge!("a", "A."), gauge!("b", "B.")];
        let mut page = Page::default();
        let mut table = page.table(&families);
        for (label, value) in [(&b"x"[..], 1), (b"y", 2), (b"x", 3)] {
            table.row().label("k", label).count(Some(value)).count(Some(value + 10));
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
        table.row().label("k", b"y").label("l", b"1").count(Some(2));
        table.row().label("k", b"w").skip(1).count(Some(5));
        table.row().label("k", b"x").count(None).cell(Some(Value::decimal(3_u64, 1)));
        table.row().label("k", b"z").count(Some(4)).count(None);
        table.finish();
        let text = written(&mut page);
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples, ["a{k=\"y\",l=\"1\"} 2", "a{k=\"z\"} 4", "b{k=\"w\"} 5", "b{k=\"x\"} 0.3"]);
    }

    #[test]
    fn rows_are_taken_back() {
        let families = [gauge!("a", "A."), gauge!("b", "B.")];
        let mut page = Page::default();
        let mut table = page.table(&families);
        for (label, value) in [(&b"x"[..], 1), (b"y", 2), (b"z", 3)] {
            table.row().label("k", label).count(Some(value)).count(Some(value + 10));
        }
        table.cut(3);
        assert_eq!(table.len(), 3);
        table.cut(1);
        assert_eq!(table.len(), 1);
        table.row().label("k", b"w").count(Some(4)).count(None);
        table.finish();
        let text = written(&mut page);
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples, ["a{k=\"w\"} 4", "a{k=\"x\"} 1", "b{k=\"x\"} 11"]);
    }

    #[test]
    fn tables_are_transposed_and_sorted() {
        const FAMILIES: [Family; 3] = [counter!("x_total", "X."), counter!("y_total", "Y."), counter!("z_total", "Z.")];
        let mut page = Page::default();
        let mut table = page.table(&FAMILIES);
        table.row().label("d", b"b").count(Some(1)).count(None).count(None);
        table.row().label("d", b"a").count(Some(2)).cell(Some(Value::decimal(15_u64, 1)));
        table.finish();
        assert_eq!(
            written(&mut page),
            "# HELP x_total X.\n# TYPE x_total counter\nx_total{d=\"a\"} 2\nx_total{d=\"b\"} 1\n# HELP y_total Y.\n# TYPE y_total counter\ny_total{d=\"a\"} 1.5\n"
        );
    }
}
