//! `/proc/sys/kernel/random`: how much randomness the kernel has gathered.
//!
//! Since Linux 5.18 both figures are 256 for good.

use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine};

const FIGURES: [(&str, Family); 2] = [
    ("kernel/random/entropy_avail", gauge!("node_entropy_available_bits", "Bits of available entropy.")),
    ("kernel/random/poolsize", gauge!("node_entropy_pool_size_bits", "Bits of entropy pool.")),
];

/// Adds the two figures.
///
/// # Errors
/// If a file cannot be read or is no number.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    for (path, family) in &FIGURES {
        page.single(family, machine.sysctl_decimal(path)?);
    }
    Ok(())
}
