//! `/proc/sys/kernel/hung_task_detect_count`: tasks that did not move for two minutes.
//!
//! Since Linux 6.13, where CONFIG_DETECT_HUNG_TASK is.

use crate::format::{Family, Page, counter};
use crate::machine::{Error, Machine};

const TASKS: Family = counter!(
    "node_kernel_hung_tasks_total",
    "Total number of tasks that have been detected as hung since the system booted.",
);

/// Adds the number of tasks.
///
/// # Errors
/// If the file cannot be read or is no number.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    page.single(&TASKS, machine.sysctl_decimal("kernel/hung_task_detect_count")?);
    Ok(())
}
