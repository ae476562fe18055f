//! What the kernel answers over netlink, time zones, and patterns of file names.

#![no_main]

use libfuzzer_sys::fuzz_target;
use router_exporter::text::glob::glob;
use router_exporter::machine::{netlink, timezone};

fuzz_target!(|input: &[u8]| {
    for message in netlink::messages(input) {
        let _ = message.end();
        for (_, value) in netlink::attributes(message.body) {
            let _ = (netlink::u16_at(value, 0), netlink::u32_at(value, 1), netlink::u64_at(value, 7));
            assert!(netlink::attributes(value).count() <= value.len());
        }
    }
    for (index, body) in netlink::links(input) {
        assert!(netlink::attributes(body).count() <= body.len());
        let _ = netlink::link_name(input, index);
    }
    let (first, rest) = input.split_at(input.len() / 2);
    for now in [i64::MIN, -1, 0, 1 << 31, i64::MAX] {
        let _ = timezone::offset(input, now);
    }
    let _ = timezone::of_database(input);
    if let Some(pattern) = glob(first.get(..64).unwrap_or(first)) {
        let _ = pattern.is_match(&String::from_utf8_lossy(rest.get(..64).unwrap_or(rest)));
    }
});
