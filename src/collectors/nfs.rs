//! `/proc/net/rpc/nfs`: what this machine has asked of NFS servers.
//!
//! A line is a word and numbers: `net` packets, `rpc` calls, and `proc2`, `proc3` and `proc4` how
//! many numbers follow and then a number for each procedure of that version, of which newer kernels
//! know more. The file is there once the module is loaded.

use crate::format::{Family, Page, counter};
use crate::machine::{Error, Machine};
use crate::text::scan::{decimal, lines, words};

const PACKETS: Family =
    counter!("node_nfs_packets_total", "Total NFSd network packets (sent+received) by protocol type.");
const CONNECTIONS: Family = counter!("node_nfs_connections_total", "Total number of NFSd TCP connections.");
const RPCS: [Family; 3] = [
    counter!("node_nfs_rpcs_total", "Total number of RPCs performed."),
    counter!("node_nfs_rpc_retransmissions_total", "Number of RPC transmissions performed."),
    counter!("node_nfs_rpc_authentication_refreshes_total", "Number of RPC authentication refreshes performed.",),
];
const REQUESTS: [Family; 1] = [counter!("node_nfs_requests_total", "Number of NFS procedures invoked.")];

/// A version of the protocol and its procedures.
type Version = (&'static [u8], &'static str);

/// The procedures of each version, in the order of their numbers.
static PROCEDURES: [Version; 3] = [
    (
        b"2",
        "Null GetAttr SetAttr Root Lookup ReadLink Read WrCache Write Create Remove Rename Link SymLink MkDir RmDir \
         ReadDir FsStat",
    ),
    (
        b"3",
        "Null GetAttr SetAttr Lookup Access ReadLink Read Write Create MkDir SymLink MkNod Remove RmDir Rename Link \
         ReadDir ReadDirPlus FsStat FsInfo PathConf Commit",
    ),
    (
        b"4",
        "Null Read Write Commit Open OpenConfirm OpenNoattr OpenDowngrade Close Setattr FsInfo Renew SetClientID \
         SetClientIDConfirm Lock Lockt Locku Access Getattr Lookup LookupRoot Remove Rename Link Symlink Create \
         Pathconf StatFs ReadLink ReadDir ServerCaps DelegReturn GetACL SetACL FsLocations ReleaseLockowner Secinfo \
         FsidPresent ExchangeID CreateSession DestroySession Sequence GetLeaseTime ReclaimComplete GetDeviceInfo \
         LayoutGet LayoutCommit LayoutReturn SecinfoNoName TestStateID FreeStateID GetDeviceList \
         BindConnToSession DestroyClientID Seek Allocate DeAllocate LayoutStats Clone",
    ),
];

/// Adds packets, calls and requests.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let text = machine.proc_record(&[b"net/rpc/nfs"])?;
    for line in lines(&text) {
        let mut words = words(line);
        let kind = words.next();
        let mut number = || words.next().and_then(decimal);
        if kind == Some(b"net") {
            number();
            let (udp, tcp) = (number(), number());
            page.family(&PACKETS);
            add_packets(page, b"tcp", tcp);
            add_packets(page, b"udp", udp);
            if let Some(connections) = number() {
                page.single(&CONNECTIONS, connections);
            }
        } else if kind == Some(b"rpc") {
            for family in &RPCS {
                if let Some(count) = number() {
                    page.single(family, count);
                }
            }
        }
    }
    let mut table = page.table(&REQUESTS);
    for line in lines(&text) {
        let Some(((version, procedures), counts)) = parse(line) else { continue };
        for (procedure, count) in words(procedures.as_bytes()).zip(counts) {
            table.row().label("method", procedure).label("proto", version).count(decimal(count));
        }
    }
    table.finish();
    Ok(())
}

fn add_packets(page: &mut Page, protocol: &[u8], packets: Option<u64>) {
    if let Some(packets) = packets {
        page.sample(&[("protocol", protocol)], packets);
    }
}

/// The version and the procedures of a line that counts them, and the counts.
fn parse(line: &[u8]) -> Option<(&'static Version, impl Iterator<Item = &[u8]>)> {
    let mut words = words(line);
    let version = words.next()?.strip_prefix(b"proc")?;
    let procedures = PROCEDURES.iter().find(|(known, _)| *known == version)?;
    // How many there are.
    words.next()?;
    Some((procedures, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_procedures_as_the_protocol_has() {
        let [two, three, four] = PROCEDURES.map(|(_, procedures)| words(procedures.as_bytes()).count());
        assert_eq!((two, three, four), (18, 22, 59));
    }

    #[test]
    fn real() {
        let ((version, _), counts) = parse(b"proc2 18 16 57 74 52 71 73 45 86 0 52 83 61 17 53 50 23 70 82").unwrap();
        assert_eq!((*version, counts.count()), (&b"2"[..], 18));
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(parse(b"proc4 48").unwrap().1.count(), 0);
        for odd in [&b""[..], b"proc4", b"proc", b"proc5 1 2", b"rpc 1 2 3"] {
            assert!(parse(odd).is_none(), "{odd:?}");
        }
    }
}
