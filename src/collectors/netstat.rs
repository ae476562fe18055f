//! `/proc/net/netstat`, `snmp` and `snmp6`: what the network protocols have counted.
//!
//! The first two report each protocol in a pair of lines, names and numbers; which there are depends
//! on the kernel. `snmp6` has a line for each figure, with the protocol's name up to its `6`, and is
//! missing without IPv6. A figure may be negative.

use crate::filter::{Filter, Subject};
use crate::format::{Kind, Page, Value};
use crate::machine::{Error, Machine, Text};
use crate::settings::Settings;
use crate::text::scan::{decimal, lines, signed, split_once, words};

/// Adds a family for each figure that `--collector.netstat.fields` names.
///
/// # Errors
/// If one of the first two files cannot be read.
pub fn collect(settings: &Settings, machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let fields = settings.filters.of(Subject::NetstatField);
    add_pairs(fields, page, &machine.proc_record(&[b"net/netstat"])?);
    add_pairs(fields, page, &machine.proc_record(&[b"net/snmp"])?);
    match machine.proc_record(&[b"net/snmp6"]) {
        Err(Error::Absent) => return Ok(()),
        text => add_lines(fields, page, &text?),
    }
    Ok(())
}

fn add_pairs(fields: Filter, page: &mut Page, text: &Text) {
    let mut lines = lines(text);
    let mut names = lines.next();
    while let Some(line) = names {
        names = lines.next();
        let Some((protocol, heads, numbers)) = names.and_then(|numbers| parse_pair(line, numbers)) else {
            text.skip(line);
            continue;
        };
        for (name, number) in words(heads).zip(words(numbers)) {
            add(fields, page, protocol, name, number);
        }
        names = lines.next();
    }
}

fn add_lines(fields: Filter, page: &mut Page, text: &Text) {
    for line in lines(text) {
        match parse_line(line) {
            Some((protocol, name, number)) => add(fields, page, protocol, name, number),
            None => text.skip(line),
        }
    }
}

fn add(fields: Filter, page: &mut Page, protocol: &[u8], name: &[u8], number: &[u8]) {
    if fields.allows_parts(&[protocol, b"_", name])
        && let Some(value) = parse_number(number)
    {
        let help = [&b"Statistic "[..], protocol, name, b"."];
        page.named_family(&[b"node_netstat_", protocol, b"_", name], &help, Kind::Untyped).sample(&[], value);
    }
}

/// A protocol, the names of its figures, and the figures, from two lines that both begin with it.
fn parse_pair<'t>(names: &'t [u8], numbers: &'t [u8]) -> Option<(&'t [u8], &'t [u8], &'t [u8])> {
    let (protocol, names) = split_once(names, b':')?;
    let numbers = numbers.strip_prefix(protocol)?.strip_prefix(b":")?;
    Some((protocol, names, numbers))
}

/// A protocol, the name of a figure, and the figure.
fn parse_line(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut words = words(line);
    let name = words.next()?;
    let number = words.next()?;
    let six = name.iter().position(|&byte| byte == b'6')?;
    let (protocol, name) = name.split_at_checked(six.checked_add(1)?)?;
    Some((protocol, name, number))
}

fn parse_number(number: &[u8]) -> Option<Value> {
    decimal(number).map(Value::from).or_else(|| signed(number).map(Value::from))
}

#[cfg(test)]
mod tests {
    use procfs::FromRead;
    use procfs::net::Snmp;

    use super::*;

    const SNMP: &str = "\
Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates
Ip: 1 64 45121 0 3 31004 0 0 14098 12231 5 2 0 0 0 0 0 0 0
Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutDestUnreachs OutTimeExcds OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps
Icmp: 50 1 0 40 0 0 0 0 9 1 0 0 0 0 60 0 51 0 0 0 0 0 9 0 0 0 0
IcmpMsg: InType0 InType3 InType8 OutType0 OutType3
IcmpMsg: 1 40 9 9 51
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors
Tcp: 1 200 120000 -1 34 3 0 0 2 5336 3148 7 0 24 0
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti
Udp: 67 1 2 68 3 4 0 5
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti
UdpLite: 0 0 0 0 0 0 0 0
";

    #[test]
    fn real() {
        assert_eq!(
            parse_pair(b"Tcp: MaxConn ActiveOpens", b"Tcp: -1 34"),
            Some((&b"Tcp"[..], &b" MaxConn ActiveOpens"[..], &b" -1 34"[..]))
        );
        assert_eq!(
            parse_line(b"Icmp6InMsgs                     \t42"),
            Some((&b"Icmp6"[..], &b"InMsgs"[..], &b"42"[..]))
        );
        assert_eq!(parse_line(b"UdpLite6InErrors                \t0").unwrap().0, b"UdpLite6");
        assert_eq!(parse_number(b"18446744073709551615"), Some(u64::MAX.into()));
        assert_eq!(parse_number(b"-1"), Some((-1_i64).into()));
    }

    #[test]
    fn truncated_and_odd() {
        assert_eq!(parse_pair(b"Tcp: A B", b"Udp: 1 2"), None);
        assert_eq!(parse_pair(b"Tcp", b"Tcp: 1 2"), None);
        assert_eq!(parse_pair(b"", b""), None);
        for odd in [&b""[..], b"Ip6InReceives", b"IpInReceives 5", b"\xff\xfe"] {
            assert_eq!(parse_line(odd), None, "{odd:?}");
        }
        for odd in [&b""[..], b"-", b"1.5", b"99999999999999999999"] {
            assert_eq!(parse_number(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn as_procfs() {
        let ours = |protocol: &str, name: &str| {
            let text: Vec<_> = lines(SNMP.as_bytes()).collect();
            let pairs = text.chunks(2).map(|pair| parse_pair(pair[0], pair[1]).unwrap());
            let (_, names, numbers) = pairs.into_iter().find(|(found, ..)| *found == protocol.as_bytes()).unwrap();
            let mut fields = words(names).zip(words(numbers));
            fields.find(|(found, _)| *found == name.as_bytes()).and_then(|(_, number)| decimal(number)).unwrap()
        };
        let theirs = Snmp::from_read(SNMP.as_bytes()).unwrap();
        assert_eq!(ours("Ip", "InAddrErrors"), theirs.ip_in_addr_errors);
        assert_eq!(ours("Icmp", "OutMsgs"), theirs.icmp_out_msgs);
        assert_eq!(ours("Tcp", "RetransSegs"), theirs.tcp_retrans_segs);
        assert_eq!(ours("Tcp", "OutRsts"), theirs.tcp_out_rsts);
        assert_eq!(ours("Udp", "SndbufErrors"), theirs.udp_sndbuf_errors);
    }
}
