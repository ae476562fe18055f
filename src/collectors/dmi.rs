//! `/sys/class/dmi/id`: what the firmware of a PC says it runs on. MIPS and ARM routers have none.
//!
//! Serial numbers are for root alone; what is not reported has no label.

use crate::format::{Family, Page, gauge};
use crate::machine::{Error, Machine};

const INFO: [Family; 1] = [gauge!(
    "node_dmi_info",
    "A metric with a constant '1' value labeled by bios_date, bios_release, bios_vendor, bios_version, board_asset_tag, board_name, board_serial, board_vendor, board_version, chassis_asset_tag, chassis_serial, chassis_vendor, chassis_version, product_family, product_name, product_serial, product_sku, product_uuid, product_version, system_vendor if provided by DMI.",
)];
/// The labels, which but for the last are the files' names.
const LABELS: [&str; 20] = [
    "bios_date",
    "bios_release",
    "bios_vendor",
    "bios_version",
    "board_asset_tag",
    "board_name",
    "board_serial",
    "board_vendor",
    "board_version",
    "chassis_asset_tag",
    "chassis_serial",
    "chassis_vendor",
    "chassis_version",
    "product_family",
    "product_name",
    "product_serial",
    "product_sku",
    "product_uuid",
    "product_version",
    "system_vendor",
];
const CLASS: &[u8] = b"class/dmi/id/";

/// Adds what the firmware reports.
///
/// # Errors
/// If there is no such firmware.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    machine.sys_names(&[CLASS])?;
    let mut table = page.table(&INFO);
    table.row();
    for label in &LABELS {
        let file = if *label == "system_vendor" { "sys_vendor" } else { label };
        if let Some(text) = machine.sys_kept(&[CLASS, file.as_bytes()]) {
            table.label(label, text.trim_ascii());
        }
    }
    table.count(Some(1));
    table.finish();
    Ok(())
}
