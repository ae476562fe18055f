//! `/proc/sys/kernel/random`: how much randomness the kernel has gathered.
//!
//! Since Linux 5.18 both figures are 256 for good.

use crate::host::{Error, Host};
use crate::page::{Family, Page, gauge};
use crate::scan::decimal;

const AVAILABLE: Family = gauge("node_entropy_available_bits", "Bits of available entropy.");
const POOL_SIZE: Family = gauge("node_entropy_pool_size_bits", "Bits of entropy pool.");

/// Adds the two figures.
///
/// # Errors
/// If a file cannot be read or is no number.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    for (family, path) in [(AVAILABLE, "kernel/random/entropy_avail"), (POOL_SIZE, "kernel/random/poolsize")] {
        let text = host.sysctl(path)?;
        page.single(&family, decimal(&text).ok_or_else(|| text.odd(&text))?);
    }
    Ok(())
}
