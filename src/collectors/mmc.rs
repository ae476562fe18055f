//! `/sys/bus/mmc/devices`: how worn a soldered flash of eMMC is, by its own reckoning, since Linux 4.6.
//!
//! Cards that are plugged in do not say.

use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine};
use crate::text::scan::{hex, words};

const FAMILIES: [Family; 2] = [
    gauge!("node_mmc_life_time", "Which tenth of its life it is in, 11 beyond."),
    // Without the label of the kind.
    gauge!("node_mmc_pre_eol_info", "Reserved blocks: 1 normal, 2 low, 3 urgent."),
];

/// Adds a row for each kind of cell of each device.
///
/// # Errors
/// If there is no such bus.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    const DEVICES: &[u8] = b"bus/mmc/devices/";
    let names = machine.sys_names(&[DEVICES])?;
    let mut table = page.table(&FAMILIES);
    for name in names.iter() {
        let read = |file| machine.sys(&[DEVICES, name, file]);
        let life = read(b"/life_time");
        for (kind, used) in [b"a", b"b"].iter().zip(words(life.as_deref().unwrap_or_default())) {
            table.row().label("device", name).label("type", *kind).count(hex(used));
        }
        let reserve = read(b"/pre_eol_info");
        table.row().label("device", name).skip(1).count(reserve.as_deref().and_then(hex));
    }
    table.finish();
    Ok(())
}
