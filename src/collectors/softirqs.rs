//! `/proc/softirqs`: how often each processor did each kind of deferred work.
//!
//! The columns are those of all processors that there could be, running or not.

use crate::collectors::processors::heads;
use crate::format::{Family, Page, counter};
use crate::machine::{Error, Machine};
use crate::text::scan::{decimal, lines, split_once, words};

const FUNCTIONS: [Family; 1] = [counter!("node_softirqs_functions_total", "Softirq counts per CPU.")];

/// Adds a sample for each processor and kind.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let text = machine.proc_record(&[b"softirqs"])?;
    let mut lines = lines(&text);
    let first = lines.next().unwrap_or_default();
    let mut table = page.table(&FUNCTIONS);
    for line in lines {
        let Some((kind, counts)) = split_once(line, b':') else {
            text.skip(line);
            continue;
        };
        for (cpu, count) in heads(first).zip(words(counts)) {
            table.row().label("cpu", cpu).label("type", kind.trim_ascii()).count(decimal(count));
        }
    }
    table.finish();
    Ok(())
}
