//! Directories of /sys that are alike, as those of a class are: a row of a table for each, a file for
//! each label and for each figure.

use crate::format::{Family, Page, Value};
use crate::machine::{Error, Machine};

/// A class of things.
#[derive(Debug)]
pub struct Class {
    /// What has the directories, with a slash at its end.
    pub path: &'static [u8],
    /// How the names of the things begin; the rest is a thing's own name.
    pub prefix: &'static [u8],
    /// The labels, in order; their names are the files'.
    pub labels: &'static [&'static str],
    /// The label that is the thing's own name.
    pub own_label: &'static str,
    /// The families.
    pub families: &'static [Family],
    /// Their files; none for a family that is always 1.
    pub files: &'static [&'static str],
    /// What a file says.
    pub value: fn(&[u8]) -> Option<Value>,
}

impl Class {
    /// Adds a row for each thing. What a thing does not report is left out, and an empty label.
    ///
    /// # Errors
    /// If there is no such class.
    pub fn add(&self, machine: &Machine, page: &mut Page) -> Result<(), Error> {
        let names = machine.sys_names(&[self.path])?;
        let mut table = page.table(self.families);
        for name in names.iter() {
            let Some(own_name) = name.strip_prefix(self.prefix) else { continue };
            let read = |file: &str| machine.sys(&[self.path, name, b"/", file.as_bytes()]);
            table.row();
            for label in self.labels {
                if *label == self.own_label {
                    table.label(label, own_name);
                } else {
                    table.label(label, read(label).as_deref().unwrap_or_default());
                }
            }
            if self.files.is_empty() {
                table.count(Some(1));
            }
            for file in self.files {
                table.cell(read(file).as_deref().and_then(self.value));
            }
        }
        table.finish();
        Ok(())
    }
}
