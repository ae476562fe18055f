//! RTM_GETQDISC: the queues before the interfaces, as fq_codel and cake are.
//!
//! Only the queue at an interface's root is reported, which counts what those below it do.

use crate::filter::Subject;
use crate::format::{Family, Page, counter, gauge};
use crate::machine::netlink::{Message, by_type, link_name, messages, text, u32_at, u64_at};
use crate::machine::{Error, Machine};
use crate::settings::Settings;

const FAMILIES: [Family; 7] = [
    gauge!("node_qdisc_backlog", "Number of bytes currently in queue to be sent."),
    counter!("node_qdisc_bytes_total", "Number of bytes sent."),
    gauge!("node_qdisc_current_queue_length", "Number of packets currently in queue to be sent."),
    counter!("node_qdisc_drops_total", "Number of packets dropped."),
    counter!("node_qdisc_overlimits_total", "Number of overlimit packets."),
    counter!("node_qdisc_packets_total", "Number of packets sent."),
    counter!("node_qdisc_requeues_total", "Number of packets dequeued, not transmitted, and requeued."),
];

/// What is reported of a queue.
enum Count {
    /// The number of 32 bits at a place of the `gnet_stats_queue`.
    Queue(usize),
    Bytes,
    Packets,
}

/// In the order of the families.
const COUNTS: [Count; 7] = [
    Count::Queue(4),
    Count::Bytes,
    Count::Queue(0),
    Count::Queue(8),
    Count::Queue(16),
    Count::Packets,
    Count::Queue(12),
];

const GETQDISC: u16 = 38;
const NEWQDISC: u16 = 36;
const ROOT: u32 = u32::MAX;

/// Adds a row for each interface.
///
/// # Errors
/// If the kernel does not answer.
pub fn collect(settings: &Settings, machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let devices = settings.filters.of(Subject::QdiscDevice);
    let dump = machine.dump(GETQDISC, &[0; 20])?;
    let links = machine.links()?;
    let mut table = page.table(&FAMILIES);
    for queue in messages(&dump).filter_map(|message| parse(&message)) {
        let Some(device) = link_name(&links, queue.index) else { continue };
        if !devices.allows(device) {
            continue;
        }
        table.row().label("device", device).label("kind", queue.kind);
        for count in &COUNTS {
            table.count(match count {
                Count::Queue(place) => u32_at(queue.queue, *place).map(u64::from),
                Count::Bytes => u64_at(queue.basic, 0),
                Count::Packets => queue.packets(),
            });
        }
    }
    table.finish();
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Queue<'t> {
    index: u32,
    kind: &'t [u8],
    /// A `gnet_stats_basic` and a `gnet_stats_queue`.
    basic: &'t [u8],
    queue: &'t [u8],
    /// The packets in 64 bits, since Linux 5.5.
    packets: &'t [u8],
}

impl Queue<'_> {
    fn packets(&self) -> Option<u64> {
        u64_at(self.packets, 0).or_else(|| u32_at(self.basic, 8).map(u64::from))
    }
}

/// An RTM_NEWQDISC of a root: a `tcmsg` and the attributes.
fn parse<'t>(message: &Message<'t>) -> Option<Queue<'t>> {
    let (head, rest) = message.body.split_at_checked(20)?;
    if message.kind != NEWQDISC || u32_at(head, 12)? != ROOT {
        return None;
    }
    let reported = by_type(rest);
    let statistics = by_type(reported[7]);
    Some(Queue {
        index: u32_at(head, 4)?,
        kind: text(reported[1]),
        basic: statistics[1],
        queue: statistics[3],
        packets: statistics[8],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::netlink::sample::{attribute, message};

    fn answer(parent: u32, more: &[Vec<u8>]) -> Vec<u8> {
        let head = [0_u32, 4, 0x8001_0000, parent, 2].map(u32::to_ne_bytes).concat();
        message(NEWQDISC, 2, &[head, attribute(1, b"fq_codel\0"), more.concat()].concat())
    }

    fn statistics(more: &[Vec<u8>]) -> Vec<u8> {
        let basic = [&1_234_567_890_123_u64.to_ne_bytes()[..], &77_u32.to_ne_bytes(), &[0; 4]].concat();
        let queue = [1_u32, 2, 3, 4, 5].map(u32::to_ne_bytes).concat();
        attribute(7, &[attribute(1, &basic), attribute(3, &queue), more.concat()].concat())
    }

    fn parsed(answer: &[u8]) -> Option<Queue<'_>> {
        messages(answer).next().and_then(|message| parse(&message))
    }

    #[test]
    fn a_queue_at_the_root() {
        let answer = answer(ROOT, &[statistics(&[])]);
        let queue = parsed(&answer).unwrap();
        assert_eq!((queue.index, queue.kind, queue.packets()), (4, &b"fq_codel"[..], Some(77)));
        assert_eq!(u64_at(queue.basic, 0), Some(1_234_567_890_123));
        assert_eq!([0, 4, 8, 12, 16].map(|place| u32_at(queue.queue, place)), [1, 2, 3, 4, 5].map(Some));
    }

    #[test]
    fn packets_beyond_32_bits() {
        let packets = attribute(8, &5_000_000_000_u64.to_ne_bytes());
        assert_eq!(parsed(&answer(ROOT, &[statistics(&[packets])])).unwrap().packets(), Some(5_000_000_000));
    }

    #[test]
    fn others_and_odd() {
        assert_eq!(parsed(&answer(0xffff_fff1, &[statistics(&[])])), None);
        assert_eq!(parsed(&answer(ROOT, &[])).unwrap().packets(), None);
        assert_eq!(parsed(&answer(ROOT, &[attribute(7, &attribute(1, &[0; 3]))])).unwrap().packets(), None);
        assert_eq!(parsed(&message(NEWQDISC, 2, &[0; 19])), None);
        assert_eq!(parsed(&message(99, 2, &[0xff; 40])), None);
    }
}
