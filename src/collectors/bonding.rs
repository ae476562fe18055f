//! `/sys/class/net/bonding_masters` and what is below the bonds it names.
//!
//! A bond's interfaces were links named `slave_eth0` before Linux 3.12, `lower_eth0` since.

use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine};
use crate::text::scan::words;

const FAMILIES: [Family; 2] = [
    gauge!("node_bonding_active", "Number of active slaves per bonding interface."),
    gauge!("node_bonding_slaves", "Number of configured slaves per bonding interface."),
];
const CLASS: &[u8] = b"class/net/";

/// Adds a row for each bond.
///
/// # Errors
/// If the kernel has no bonding.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let masters = machine.sys(&[CLASS, b"bonding_masters"]).ok_or(Error::Absent)?;
    let mut table = page.table(&FAMILIES);
    for master in words(&masters) {
        let Some(slaves) = machine.sys(&[CLASS, master, b"/bonding/slaves"]) else { continue };
        let (mut active, mut all) = (0_u32, 0_u32);
        for slave in words(&slaves) {
            let status = |link: &[u8]| machine.sys(&[CLASS, master, link, slave, b"/bonding_slave/mii_status"]);
            let is_active = status(b"/lower_").or_else(|| status(b"/slave_")).is_some_and(|status| *status == *b"up");
            active = active.saturating_add(is_active.into());
            all = all.saturating_add(1);
        }
        table.row().label("master", master).cell(Some(active.into())).cell(Some(all.into()));
    }
    table.finish();
    Ok(())
}
