//! The page at `/`, for a person who opens the port in a browser: `index.html`, which draws what it reads
//! from the telemetry path every few seconds.

/// The page as it is edited, up to the link to the metrics.
const SOURCE: &[u8] = include_bytes!("index.html");
const LENGTH: usize = squeezed::<{ SOURCE.len() }>(SOURCE).1;
static TEXT: [u8; LENGTH] = squeezed::<LENGTH>(SOURCE).0;

/// What a browser may do with the page: run its script, and read from here.
pub const HEADERS: [(&str, &str); 4] = [
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; connect-src 'self'; img-src data:; \
         script-src 'sha256-Df5kYEd9X3pScYgis1+I3YgJNdKn+mYy8KrfyDUDcs0='; style-src 'sha256-eJ15e4phbuyBBBT5blf+1fMw+3+7sfK5FIscpc4uuwk='; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
];

/// The page, with a link to the metrics at `telemetry_path`, from where its script reads them.
pub fn page(telemetry_path: &str) -> Vec<u8> {
    let end = concat!("\">Metrics</a>&ensp;router_exporter ", env!("CARGO_PKG_VERSION"), "\n");
    [&TEXT, b"<a href=\"".as_slice(), telemetry_path.as_bytes(), end.as_bytes()].concat()
}

/// The source without ends of lines, lines of comment, and blanks outside quotes that divide nothing;
/// and its length. It is made by the compiler: a page as it is edited would not be small.
#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a fault here is the compiler's error")]
const fn squeezed<const ROOM: usize>(source: &[u8]) -> ([u8; ROOM], usize) {
    let mut text = [0; ROOM];
    let mut length = 0;
    let mut at = 0;
    let mut quote = None;
    let mut begins = true;
    while at < source.len() {
        let byte = source[at];
        if begins && byte == b'/' && source[at + 1] == b'/' {
            while source[at] != b'\n' {
                at += 1;
            }
        } else if byte == b'\n' {
            begins = true;
        } else if byte != b' ' || !begins && (quote.is_some() || !divides(text[length - 1]) && !divides(source[at + 1]))
        {
            text[length] = byte;
            length += 1;
            begins = false;
            quote = match quote {
                None if matches!(byte, b'\'' | b'"' | b'`') => Some(byte),
                Some(open) if open == byte => None,
                same => same,
            };
        }
        at += 1;
    }
    (text, length)
}

/// Whether a blank beside this divides nothing more than it does.
const fn divides(byte: u8) -> bool {
    byte.is_ascii_punctuation() && !matches!(byte, b'"' | b'#' | b'$' | b'%' | b'\'' | b'-' | b'.' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::base64::base64;

    #[test]
    fn it_links_to_the_metrics() {
        let page = String::from_utf8(page("/a/b")).unwrap();
        assert!(page.contains("<a href=\"/a/b\">Metrics</a>"), "{page}");
    }

    #[test]
    fn what_only_the_source_needs_is_left_out() {
        let source = b"<p a=\"b = 'c\">\n  // No.\n  f = x => ' = ' - x / 2;\n";
        let (text, length) = squeezed::<64>(source);
        assert_eq!(str::from_utf8(&text[..length]), Ok("<p a=\"b = 'c\">f=x=>' = ' - x/2;"));
    }

    #[test]
    fn it_takes_few_bytes() {
        let length = page("/metrics").len();
        assert!(length <= 5 << 10, "{length}");
    }

    #[test]
    fn the_browser_is_given_the_hashes_of_what_it_may_run() {
        let page = String::from_utf8(page("/metrics")).unwrap();
        let sources = ["script", "style"].map(|element| {
            let (_, rest) = page.split_once(&format!("<{element}>")).unwrap();
            let (text, _) = rest.split_once(&format!("</{element}>")).unwrap();
            let hash = String::from_utf8(base64(&hmac_sha256::Hash::hash(text.as_bytes()))).unwrap();
            format!("{element}-src 'sha256-{hash}'; ")
        });
        assert!(HEADERS[1].1.contains(&sources.concat()), "it should have {}", sources.concat());
    }
}
