//! `/proc/net/xfrm_stat`: packets that IPsec has refused, and why.
//!
//! There is a line for each reason; some came with later kernels. The file is missing without
//! CONFIG_XFRM_STATISTICS.

use crate::format::{Family, Page, counter};
use crate::machine::{Error, Machine};
use crate::text::scan::{decimal, lines, words};

/// The reasons that are reported, by the kernel's name and in its order.
const REASONS: [(&[u8], Family); 28] = [
    (b"XfrmInError", counter!("node_xfrm_in_error_packets_total", "All errors not matched by other")),
    (b"XfrmInBufferError", counter!("node_xfrm_in_buffer_error_packets_total", "No buffer is left")),
    (b"XfrmInHdrError", counter!("node_xfrm_in_hdr_error_packets_total", "Header error")),
    (
        b"XfrmInNoStates",
        counter!(
            "node_xfrm_in_no_states_packets_total",
            "No state is found i.e. Either inbound SPI, address, or IPsec protocol at SA is wrong"
        ),
    ),
    (
        b"XfrmInStateProtoError",
        counter!(
            "node_xfrm_in_state_proto_error_packets_total",
            "Transformation protocol specific error e.g. SA key is wrong"
        ),
    ),
    (
        b"XfrmInStateModeError",
        counter!("node_xfrm_in_state_mode_error_packets_total", "Transformation mode specific error"),
    ),
    (
        b"XfrmInStateSeqError",
        counter!("node_xfrm_in_state_seq_error_packets_total", "Sequence error i.e. Sequence number is out of window"),
    ),
    (b"XfrmInStateExpired", counter!("node_xfrm_in_state_expired_packets_total", "State is expired")),
    (
        b"XfrmInStateMismatch",
        counter!(
            "node_xfrm_in_state_mismatch_packets_total",
            "State has mismatch option e.g. UDP encapsulation type is mismatch"
        ),
    ),
    (b"XfrmInStateInvalid", counter!("node_xfrm_in_state_invalid_packets_total", "State is invalid")),
    (
        b"XfrmInTmplMismatch",
        counter!(
            "node_xfrm_in_tmpl_mismatch_packets_total",
            "No matching template for states e.g. Inbound SAs are correct but SP rule is wrong"
        ),
    ),
    (
        b"XfrmInNoPols",
        counter!(
            "node_xfrm_in_no_pols_packets_total",
            "No policy is found for states e.g. Inbound SAs are correct but no SP is found"
        ),
    ),
    (b"XfrmInPolBlock", counter!("node_xfrm_in_pol_block_packets_total", "Policy discards")),
    (b"XfrmInPolError", counter!("node_xfrm_in_pol_error_packets_total", "Policy error")),
    (b"XfrmOutError", counter!("node_xfrm_out_error_packets_total", "All errors which is not matched others")),
    (b"XfrmOutBundleGenError", counter!("node_xfrm_out_bundle_gen_error_packets_total", "Bundle generation error")),
    (b"XfrmOutBundleCheckError", counter!("node_xfrm_out_bundle_check_error_packets_total", "Bundle check error")),
    (b"XfrmOutNoStates", counter!("node_xfrm_out_no_states_packets_total", "No state is found")),
    (
        b"XfrmOutStateProtoError",
        counter!("node_xfrm_out_state_proto_error_packets_total", "Transformation protocol specific error"),
    ),
    (
        b"XfrmOutStateModeError",
        counter!("node_xfrm_out_state_mode_error_packets_total", "Transformation mode specific error"),
    ),
    (
        b"XfrmOutStateSeqError",
        counter!("node_xfrm_out_state_seq_error_packets_total", "Sequence error i.e. Sequence number overflow"),
    ),
    (b"XfrmOutStateExpired", counter!("node_xfrm_out_state_expired_packets_total", "State is expired")),
    (b"XfrmOutPolBlock", counter!("node_xfrm_out_pol_block_packets_total", "Policy discards")),
    (b"XfrmOutPolDead", counter!("node_xfrm_out_pol_dead_packets_total", "Policy is dead")),
    (b"XfrmOutPolError", counter!("node_xfrm_out_pol_error_packets_total", "Policy error")),
    (
        b"XfrmFwdHdrError",
        counter!("node_xfrm_fwd_hdr_error_packets_total", "Forward routing of a packet is not allowed"),
    ),
    (
        b"XfrmOutStateInvalid",
        counter!("node_xfrm_out_state_invalid_packets_total", "State is invalid, perhaps expired"),
    ),
    (
        b"XfrmAcquireError",
        counter!("node_xfrm_acquire_error_packets_total", "State hasn’t been fully acquired before use"),
    ),
];

/// Adds a family for each reason.
///
/// # Errors
/// If the file cannot be read.
pub fn collect(machine: &Machine, page: &mut Page) -> Result<(), Error> {
    let text = machine.proc_record(&[b"net/xfrm_stat"])?;
    for line in lines(&text) {
        match parse(line) {
            Some((name, count)) => {
                if let Some((_, family)) = REASONS.iter().find(|(reason, _)| *reason == name) {
                    page.single(family, count);
                }
            }
            None => text.skip(line),
        }
    }
    Ok(())
}

/// A reason and the number of packets.
fn parse(line: &[u8]) -> Option<(&[u8], u64)> {
    let mut words = words(line);
    Some((words.next()?, decimal(words.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real() {
        assert_eq!(parse(b"XfrmInNoStates          \t42"), Some((&b"XfrmInNoStates"[..], 42)));
    }

    #[test]
    fn truncated_and_odd() {
        for odd in [&b""[..], b"XfrmInNoStates", b"XfrmInNoStates \t-1"] {
            assert_eq!(parse(odd), None, "{odd:?}");
        }
    }
}
