//! `/proc/mdstat`: software RAID, written for people; `/sys/block/<array>/md` has two more figures.
//!
//! An array is a line of its members and an indented line of its blocks, and, while it is brought
//! in step, a line of progress, before or behind which the bitmap's line may stand.

use crate::format::{Family, Page, Value, gauge};
use crate::machine::{Error, Machine};
use crate::text::scan::{decimal, find, lines, split_once, words};

const FAMILIES: [Family; 5] = [
    gauge!("node_md_blocks", "Total number of blocks on device."),
    gauge!("node_md_blocks_synced", "Number of blocks synced on device."),
    gauge!("node_md_degraded", "Number of degraded disks on device."),
    gauge!("node_md_disks_required", "Total number of disks of device."),
    gauge!("node_md_raid_disks", "Number of raid disks on device."),
];
const DISKS: [Family; 1] = [gauge!("node_md_disks", "Number of active/failed/spare disks of device.")];
const DISK_STATES: [&str; 3] = ["active", "failed", "spare"];
const STATE: [Family; 1] = [gauge!("node_md_state", "Indicates the state of md-device.")];
/// The label's values, and what the file calls them.
const STATES: [(&[u8], &[u8]); 5] = [
    (b"active", b"active"),
    (b"check", b"check"),
    (b"inactive", b"inactive"),
    (b"recovering", b"recovery"),
    (b"resync", b"resync"),
];
/// The levels at which no disk can be missing.
const WHOLE: [&[u8]; 2] = [b"raid0", b"linear"];
/// What is done to an array, which its line of progress names.
const ACTIONS: [&[u8]; 4] = [b"recovery", b"reshape", b"check", b"resync"];
/// How lines begin that are no array's.
const OTHERS: [&[u8]; 3] = [b"Personalities", b"unused", b"read_ahead"];

/// Adds a row for each array.
///
/// # Errors
/// If the kernel has no RAID.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let text = machine.proc(&[b"mdstat"])?;
    let each_array = |add: &mut dyn FnMut(&Array<'_>)| {
        for lines in arrays(&text) {
            match parse(lines) {
                Some(array) => add(&array),
                None => text.skip(lines),
            }
        }
    };
    let mut table = page.table(&FAMILIES);
    each_array(&mut |array| {
        let file = |file: &[u8]| machine.sys_decimal(&[b"block/", array.name, b"/md/", file]);
        table.row().label("device", array.name);
        table.count(Some(array.blocks)).count(Some(array.synced)).count(file(b"degraded"));
        let disks = machine.sys(&[b"block/", array.name, b"/md/raid_disks"]);
        table.count(Some(array.required.into())).count(disks.as_deref().and_then(raid_disks));
    });
    table.finish();
    let mut table = page.table(&DISKS);
    each_array(&mut |array| {
        for (state, count) in DISK_STATES.iter().zip(&array.disks) {
            table.row().label("device", array.name).label("state", state.as_bytes()).count(Some((*count).into()));
        }
    });
    table.finish();
    let mut table = page.table(&STATE);
    each_array(&mut |array| {
        for (state, said) in &STATES {
            let is_it = Value::from(*said == array.state);
            table.row().label("device", array.name).label("state", state).cell(Some(is_it));
        }
    });
    table.finish();
    Ok(())
}

/// The number of disks, behind which is the one before while the array is reshaped: `5 (4)`.
fn raid_disks(text: &[u8]) -> Option<u64> {
    decimal(words(text).next()?)
}

/// An array, in blocks of 1024 bytes and in disks.
#[derive(Debug, PartialEq, Eq)]
struct Array<'t> {
    name: &'t [u8],
    /// `active`, `inactive`, or what is being done: `check`, `recovery`, `reshape`, `resync`.
    state: &'t [u8],
    blocks: u64,
    synced: u64,
    required: u32,
    /// How many are in each of [`DISK_STATES`].
    disks: [u32; 3],
}

/// The arrays' lines: each begins with one that is not indented, and ends before the next.
fn arrays(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while let Some(first) = rest.first() {
            let is_end = |pair: &[u8]| matches!(pair, [b'\n', next] if *next > b' ');
            let end = rest.windows(2).position(is_end).map_or(rest.len(), |end| end.wrapping_add(1));
            let (array, after) = rest.split_at_checked(end)?;
            rest = after;
            let is_other = OTHERS.iter().any(|start| array.starts_with(start));
            if !is_other && *first > b' ' {
                return Some(array);
            }
        }
        None
    })
}

fn parse(text: &[u8]) -> Option<Array<'_>> {
    let mut lines = lines(text);
    let (members, status) = (lines.next()?, lines.next()?);
    let mut fields = words(members);
    let (name, state) = (fields.next()?, fields.nth(1)?);
    let blocks = decimal(words(status).next()?)?;
    let count =
        |mark: &[u8]| members.windows(mark.len()).fold(0_u32, |sum, part| sum.wrapping_add((part == mark).into()));
    let (required, active) = if words(members).any(|word| WHOLE.contains(&word)) {
        // Each disk has its number in brackets.
        (count(b"["), count(b"["))
    } else if state == b"inactive" {
        (0, 0)
    } else {
        let mut words = words(status);
        let (required, active) =
            words.find_map(|word| split_once(word.strip_prefix(b"[")?.strip_suffix(b"]")?, b'/'))?;
        (decimal(required)?.try_into().ok()?, decimal(active)?.try_into().ok()?)
    };
    let mut array =
        Array { name, state, blocks, synced: blocks, required, disks: [active, count(b"(F)"), count(b"(S)")] };
    for line in lines {
        // `[=>…]  recovery =  8.5% (16775552/195310144) finish=…`, `resync=DELAYED`, `resync=PENDING`.
        let Some((action, at)) = ACTIONS.iter().find_map(|action| Some((action, find(line, action)?))) else {
            continue;
        };
        array.state = action;
        let rest = line.get(at..)?;
        find(rest, b"=")?;
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
        let md0 =
            Array { name: b"md0", state: b"active", blocks: 248896, synced: 248896, required: 2, disks: [2, 0, 0] };
        assert_eq!(array("md0"), md0);
        let md1 = Array {
            name: b"md1",
            state: b"recovery",
            blocks: 3906765824,
            synced: 246124544,
            required: 3,
            disks: [2, 1, 1],
        };
        assert_eq!(array("md1"), md1);
        assert_eq!((array("md2").required, array("md2").disks[0]), (2, 2));
        assert_eq!((array("md3").state, array("md3").required, array("md3").disks), (&b"inactive"[..], 0, [0, 0, 1]));
        assert_eq!((array("md4").state, array("md4").synced, array("md4").disks), (&b"resync"[..], 0, [2, 0, 0]));
    }

    #[test]
    fn disks_of_an_array_that_is_reshaped() {
        assert_eq!((raid_disks(b"5 (4)"), raid_disks(b"5"), raid_disks(b"")), (Some(5), Some(5), None));
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(arrays(b"").count(), 0);
        assert_eq!(arrays(b"Personalities : \nunused devices: <none>\n").count(), 0);
        for odd in [
            &b"md0"[..],
            b"md0 : active",
            b"md0 : active raid1 sda[0]\n",
            b"md0 : active raid1 sda[0]\n      x blocks [1/1] [U]\n",
            b"md0 : active raid1 sda[0]\n      1 blocks\n",
            b"md0 : active raid1 sda[0]\n      1 blocks [2/1] [U_]\n  recovery",
            b"\xff\xfe\n",
        ] {
            assert_eq!(arrays(odd).find_map(parse), None, "{odd:?}");
        }
        for length in 0..REAL.len() {
            assert!(arrays(&REAL[..length]).filter_map(parse).count() <= 5);
        }
    }
}
