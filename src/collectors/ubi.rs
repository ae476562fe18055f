//! `/sys/class/ubi`: flash under UBI, how worn it is, and what the MTD below it had to correct.

use crate::format::{Family, Page, counter, gauge};
use crate::machine::{Error, Machine};
use crate::text::digits::Digits;
use crate::text::scan::decimal;

const FAMILIES: [Family; 9] = [
    gauge!("node_ubi_available_eraseblocks", "Eraseblocks of no volume."),
    gauge!("node_ubi_bad_eraseblocks", "Bad eraseblocks."),
    gauge!("node_ubi_eraseblocks", "Eraseblocks."),
    gauge!("node_ubi_max_erase_count", "Erasures of the most worn eraseblock."),
    gauge!("node_ubi_read_only", "Whether UBI has given up writing."),
    gauge!("node_ubi_reserved_eraseblocks", "Eraseblocks kept for bad ones."),
    // The rows of the others have a label more.
    gauge!("node_mtd_bad_blocks", "Bad blocks."),
    counter!("node_mtd_corrected_bits_total", "Bits corrected."),
    counter!("node_mtd_ecc_failures_total", "Reads beyond correction."),
];
/// In the order of the families.
const FILES: [&str; 6] =
    ["avail_eraseblocks", "bad_peb_count", "total_eraseblocks", "max_ec", "ro_mode", "reserved_for_bad"];
const MTD_FILES: [&str; 3] = ["bad_blocks", "corrected_bits", "ecc_failures"];

const CLASS: &[u8] = b"class/ubi/";

/// Adds a row for each UBI device and its MTD.
///
/// # Errors
/// If there is no such class.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let names = machine.sys_names(&[CLASS])?;
    let mut table = page.table(&FAMILIES);
    for name in names.iter() {
        // Not a volume, such as ubi0_1.
        if name.strip_prefix(b"ubi").and_then(decimal).is_none() {
            continue;
        }
        // Flash stays where it is.
        let read = |parts: &[&[u8]]| decimal(&machine.sys_kept(parts)?);
        table.row().label("device", name);
        for file in &FILES {
            table.count(read(&[CLASS, name, b"/", file.as_bytes()]));
        }
        let Some(mtd) = read(&[CLASS, name, b"/mtd_num"]) else { continue };
        let mtd = [b"mtd", &*Digits::new(mtd)].concat();
        table.row().label("device", name).label("mtd", &mtd).skip(FILES.len());
        for file in &MTD_FILES {
            table.count(read(&[b"class/mtd/", &mtd, b"/", file.as_bytes()]));
        }
    }
    table.finish();
    Ok(())
}
