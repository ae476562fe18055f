//! `/proc/mdstat`: software RAID, written for people; `/sys/block/<array>/md` has two more figures.
//!
//! An array is a line of its members and an indented line of its blocks, and, while it is brought
//! in step, a line of progress, before or behind which the bitmap's line may stand.

use crate::host::{Error, Host};
use crate::page::{Family, Page, Value, gauge};
use crate::scan::{decimal, lines, split_once, words};

const FAMILIES: [Family; 5] = [
    gauge("node_md_blocks", "Total number of blocks on device."),
    gauge("node_md_blocks_synced", "Number of blocks synced on device."),
    gauge("node_md_degraded", "Number of degraded disks on device."),
    gauge("node_md_disks_required", "Total number of disks of device."),
    gauge("node_md_raid_disks", "Number of raid disks on device."),
];
const DISKS: [Family; 1] = [gauge("node_md_disks", "Number of active/failed/spare disks of device.")];
const STATE: [Family; 1] = [gauge("node_md_state", "Indicates the state of md-device.")];
/// The label's values, and what the file calls them.
const STATES: [(&[u8], &[u8]); 5] =
    [(b"active", b"active"), (b"check", b"check"), (b"inactive", b"inactive"), (b"recovering", b"recovery"), (b"resync", b"resync")];

/// Adds a row for each array.
///
/// # Errors
/// If the kernel has no RAID.
pub fn collect(host: &Host, page: &mut Page) -> Result<(), Error> {
    let text = host.proc(&[b"mdstat"])?;
    let mut table = page.table(&FAMILIES);
    for array in arrays(&text) {
        let Some(array) = parse(array) else {
            text.skip(array);
            continue;
        };
        let file = |file: &[u8]| host.sys_decimal(&[b"block/", array.name, b"/md/", file]);
        let values = [Some(array.blocks), Some(array.synced), file(b"degraded"), Some(array.required), file(b"raid_disks")];
        table.counts(&[("device", array.name)], values);
    }
    table.finish();
    let mut table = page.table(&DISKS);
    for array in arrays(&text).filter_map(parse) {
        for (state, count) in [("active", array.active), ("failed", array.failed), ("spare", array.spare)] {
            table.counts(&[("device", array.name), ("state", state.as_bytes())], [Some(count)]);
        }
    }
    table.finish();
    let mut table = page.table(&STATE);
    for array in arrays(&text).filter_map(parse) {
        for (state, said) in STATES {
            let labels = [("device", array.name), ("state", state)];
            table.row(&labels, [Some(Value::from(said == array.state))]);
        }
    }
    table.finish();
    Ok(())
}

/// An array, in blocks of 1024 bytes and in disks.
#[derive(Debug, PartialEq, Eq)]
struct Array<'t> {
    name: &'t [u8],
    /// `active`, `inactive`, or what is being done: `check`, `recovery`, `reshape`, `resync`.
    state: &'t [u8],
    blocks: u64,
    synced: u64,
    required: u64,
    active: u64,
    failed: u64,
    spare: u64,
}

/// The arrays' lines: each begins with one that is not indented, and ends before the next.
fn arrays(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let is_end = |pair: &[u8]| matches!(pair, [b'\n', next] if !b" \t\n".contains(next));
            let end = rest.windows(2).position(is_end).map_or(rest.len(), |end| end.saturating_add(1));
            let (array, after) = rest.split_at_checked(end)?;
            rest = after;
            let is_other = [&b"Personalities"[..], b"unused", b"read_ahead", b" ", b"\n"].iter().any(|start| array.starts_with(start));
            if !is_other {
                return Some(array);
            }
        }
    })
}

fn parse(text: &[u8]) -> Option<Array<'_>> {
    let mut lines = lines(text);
    let (members, status) = (lines.next()?, lines.next()?);
    let mut fields = words(members);
    let (name, state) = (fields.next()?, fields.nth(1)?);
    let blocks = decimal(words(status).next()?)?;
    let count = |mark: &[u8]| u64::try_from(members.windows(mark.len()).filter(|part| *part == mark).count()).ok();
    let has_level = |level: &[u8]| words(members).any(|word| word == level);
    let (required, active) = if has_level(b"raid0") || has_level(b"linear") {
        // No disk can be missing; each has its number in brackets.
        let disks = count(b"[")?;
        (disks, disks)
    } else if state == b"inactive" {
        (0, 0)
    } else {
        words(status).find_map(|word| {
            let (required, active) = split_once(word.strip_prefix(b"[")?.strip_suffix(b"]")?, b'/')?;
            Some((decimal(required)?, decimal(active)?))
        })?
    };
    let mut array =
        Array { name, state, blocks, synced: blocks, required, active, failed: count(b"(F)")?, spare: count(b"(S)")? };
    for line in lines {
        // `[=>…]  recovery =  8.5% (16775552/195310144) finish=…`, `resync=DELAYED`, `resync=PENDING`.
        let at = |action: &&[u8]| line.windows(action.len()).position(|part| part == *action);
        let actions = [&b"recovery"[..], b"reshape", b"check", b"resync"];
        let Some(at) = actions.iter().find_map(at) else { continue };
        let rest = line.get(at..)?;
        let end = rest.iter().position(|byte| b" =".contains(byte))?;
        array.state = rest.get(..end)?;
        let progress = split_once(rest, b'(').and_then(|(_, rest)| split_once(rest, b'/'));
        array.synced = progress.map_or(Some(0), |(synced, _)| decimal(synced))?;
        break;
    }
    Some(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: &[u8] = b"Personalities : [raid1] [raid6] [raid5] [raid4] [raid0] \n\
        md0 : active raid1 sdb1[1] sda1[0]\n      248896 blocks [2/2] [UU]\n      \n\
        md1 : active raid5 sdc1[3] sdb2[1] sda2[0](F) sdd1[4](S)\n      3906765824 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [_UU]\n\
        \x20     [==>..................]  recovery = 12.6% (246124544/1953382912) finish=183.2min speed=155280K/sec\n\
        \x20     bitmap: 3/15 pages [12KB], 65536KB chunk\n\n\
        md2 : active raid0 sde1[1] sdd2[0]\n      976510976 blocks super 1.2 512k chunks\n\
        md3 : inactive sdf1[0](S)\n      488254464 blocks super 1.2\n\n\
        md4 : active (auto-read-only) raid1 sdg1[0] sdh1[1]\n      521536 blocks super 1.2 [2/2] [UU]\n      \tresync=PENDING\n\n\
        unused devices: <none>\n";

    fn array(name: &str) -> Array<'_> {
        arrays(REAL).filter_map(parse).find(|array| array.name == name.as_bytes()).unwrap()
    }

    #[test]
    fn real() {
        assert_eq!(arrays(REAL).count(), 5);
        let md0 = Array { name: b"md0", state: b"active", blocks: 248896, synced: 248896, required: 2, active: 2, failed: 0, spare: 0 };
        assert_eq!(array("md0"), md0);
        let md1 = Array {
            name: b"md1",
            state: b"recovery",
            blocks: 3906765824,
            synced: 246124544,
            required: 3,
            active: 2,
            failed: 1,
            spare: 1,
        };
        assert_eq!(array("md1"), md1);
        assert_eq!((array("md2").required, array("md2").active), (2, 2));
        assert_eq!((array("md3").state, array("md3").required, array("md3").spare), (&b"inactive"[..], 0, 1));
        assert_eq!((array("md4").state, array("md4").synced, array("md4").active), (&b"resync"[..], 0, 2));
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(arrays(b"").count(), 0);
        assert_eq!(arrays(b"Personalities : \nunused devices: <none>\n").count(), 0);
        for odd in [&b"md0"[..], b"md0 : active", b"md0 : active raid1 sda[0]\n", b"md0 : active raid1 sda[0]\n      x blocks [1/1] [U]\n",
            b"md0 : active raid1 sda[0]\n      1 blocks\n", b"md0 : active raid1 sda[0]\n      1 blocks [2/1] [U_]\n  recovery", b"\xff\xfe\n"] {
            assert_eq!(arrays(odd).find_map(parse), None, "{odd:?}");
        }
        for length in 0..REAL.len() {
            assert!(arrays(&REAL[..length]).filter_map(parse).count() <= 5);
        }
    }
}
