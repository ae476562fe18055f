//! Base64 (RFC 4648), written only: what clients send is compared in this form, so that nothing of
//! theirs is ever decoded.

/// The text for some bytes, with padding.
pub fn base64(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::new();
    for three in bytes.chunks(3) {
        let mut group = [0_u8; 4];
        for (to, from) in group.iter_mut().zip(three) {
            *to = *from;
        }
        let mut bits = u32::from_be_bytes(group);
        for place in 0..4 {
            let letter = ALPHABET.get((bits >> 26) as usize).copied().unwrap_or(b'=');
            text.push(if place <= three.len() { letter } else { b'=' });
            bits <<= 6;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_rfc() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded.as_bytes());
        }
        assert_eq!(base64(&[0xfb, 0xff]), b"+/8=");
    }
}
