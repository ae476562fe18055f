//! Reads the head of one HTTP/1 request. Strict where two readers could disagree about where a
//! request ends (lengths, codings, folded lines), since that is what smuggling lives on.

use tiny_http::StatusCode;

use crate::text::scan::{decimal, find, split_text};

/// The most bytes that a request's head may take.
pub const HEAD_LIMIT: usize = 8192;

/// The most bytes of a body that are thrown away to keep a connection alive; no request that is
/// answered here needs one.
const BODY_LIMIT: usize = 65_536;

const HEADERS: usize = 64;

/// What the bytes received so far amount to.
#[derive(Debug, PartialEq)]
pub enum Parsed<'a> {
    /// More bytes are needed.
    Partial,
    /// A whole head, and how many bytes it took.
    Whole(Request<'a>, usize),
    /// No request that can be served; where the next one would begin is unknown.
    Refused(StatusCode),
}

/// The request's method, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// GET
    Get,
    /// HEAD: the answer to GET without its body.
    Head,
    /// OPTIONS: what may be asked.
    Options,
    /// Any other.
    Other,
}

/// A request's head.
#[derive(Debug, PartialEq)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// The path as it was sent: nothing is decoded or resolved, so there is one way to write it.
    pub path: &'a str,
    /// What follows the first '?', still percent-encoded.
    pub query: &'a str,
    /// Whether this is HTTP/1.0, where keeping the connection has to be said.
    pub old: bool,
    /// Whether the client means to send another request.
    pub keep_alive: bool,
    /// Bytes of body that follow the head.
    pub body: usize,
    /// Whether the client waits for '100 Continue' before it sends the body.
    pub waits: bool,
    /// The value of Authorization.
    pub authorization: Option<&'a [u8]>,
}

/// Reads the request that `input` begins with.
#[must_use]
pub fn parse(input: &[u8]) -> Parsed<'_> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let used = match head.parse(input) {
        Ok(httparse::Status::Complete(used)) if used <= HEAD_LIMIT => used,
        Ok(httparse::Status::Partial) if input.len() < HEAD_LIMIT => return Parsed::Partial,
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Parsed::Refused(StatusCode(431)),
        Err(httparse::Error::Version) => return Parsed::Refused(StatusCode(505)),
        Err(_) => return Parsed::Refused(StatusCode(400)),
    };
    match Request::new(&head) {
        Ok(request) => Parsed::Whole(request, used),
        Err(status) => Parsed::Refused(status),
    }
}

impl<'a> Request<'a> {
    fn new(head: &httparse::Request<'_, 'a>) -> Result<Self, StatusCode> {
        let bad = StatusCode(400);
        let old = head.version == Some(0);
        let method = match head.method {
            Some("GET") => Method::Get,
            Some("HEAD") => Method::Head,
            Some("OPTIONS") => Method::Options,
            _ => Method::Other,
        };
        let target = head.path.ok_or(bad)?;
        let (path, query) = split_target(target, method).ok_or(bad)?;

        let mut length = None;
        let mut coded = false;
        let mut hosts = 0_usize;
        let (mut close, mut keep) = (false, false);
        let mut waits = false;
        let mut authorization = None;
        for header in head.headers.iter() {
            let (name, value) = (header.name, header.value);
            if name.eq_ignore_ascii_case("content-length") {
                let bytes = decimal(value.trim_ascii()).ok_or(bad)?;
                if length.is_some_and(|earlier| earlier != bytes) {
                    return Err(bad);
                }
                length = Some(bytes);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                coded = true;
            } else if name.eq_ignore_ascii_case("host") {
                hosts = hosts.saturating_add(1);
            } else if name.eq_ignore_ascii_case("connection") {
                for option in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                    close |= option.eq_ignore_ascii_case(b"close");
                    keep |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            } else if name.eq_ignore_ascii_case("expect") {
                if !value.trim_ascii().eq_ignore_ascii_case(b"100-continue") {
                    return Err(StatusCode(417));
                }
                waits = true;
            } else if name.eq_ignore_ascii_case("authorization") {
                // Two of them: a proxy and the program behind it might read different ones.
                if authorization.replace(value).is_some() {
                    return Err(bad);
                }
            }
        }
        if hosts > 1 || (hosts == 0 && !old) || (coded && (length.is_some() || old)) {
            return Err(bad);
        }
        if coded {
            return Err(StatusCode(501));
        }
        let body = length.unwrap_or(0);
        if body > BODY_LIMIT as u64 {
            return Err(StatusCode(413));
        }
        Ok(Self {
            method,
            path,
            query,
            old,
            keep_alive: !close && (keep || !old),
            body: usize::try_from(body).map_err(|_| StatusCode(413))?,
            waits: waits && !old && body > 0,
            authorization,
        })
    }
}

/// Splits `/path?query`, or the same behind `http://host` as a proxy's client sends it.
fn split_target(target: &str, method: Method) -> Option<(&str, &str)> {
    let relative = if target.starts_with('/') {
        target
    } else if let Some((scheme, rest)) = target.split_at_checked("http://".len())
        && scheme.eq_ignore_ascii_case("http://")
    {
        match rest.bytes().position(|byte| matches!(byte, b'/' | b'?')) {
            Some(end) => rest.get(end..)?,
            None => "/",
        }
    } else if method == Method::Options && target == "*" {
        // The server as a whole.
        return Some((target, ""));
    } else if method == Method::Other && find(target.as_bytes(), b"://").is_none() {
        // `CONNECT host:port` is well formed, and refused for its method.
        return Some(("", ""));
    } else {
        return None;
    };
    let (path, query) = split_text(relative, b'?').unwrap_or((relative, ""));
    Some((if path.is_empty() { "/" } else { path }, query))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(input: &str) -> Request<'_> {
        match parse(input.as_bytes()) {
            Parsed::Whole(request, used) => {
                assert_eq!(used, input.len(), "{input:?}");
                request
            }
            other => panic!("{input:?}: {other:?}"),
        }
    }

    fn refused(input: &str) -> u16 {
        match parse(input.as_bytes()) {
            Parsed::Refused(status) => status.0,
            other => panic!("{input:?}: {other:?}"),
        }
    }

    #[test]
    fn a_scrape_as_prometheus_sends_it() {
        let read = request(
            "GET /metrics?collect[]=cpu HTTP/1.1\r\nHost: router:9100\r\n\
             User-Agent: Prometheus/2.42.0\r\nAccept: text/plain\r\nAccept-Encoding: gzip\r\n\
             X-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n",
        );
        assert_eq!(
            read,
            Request {
                method: Method::Get,
                path: "/metrics",
                query: "collect[]=cpu",
                old: false,
                keep_alive: true,
                body: 0,
                waits: false,
                authorization: None,
            }
        );
    }

    #[test]
    fn any_cut_of_a_request_is_partial() {
        let whole = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end]), Parsed::Partial, "{end}");
        }
    }

    #[test]
    fn only_the_first_of_a_pipeline_is_taken() {
        let one = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let two = [one, one].concat();
        assert!(matches!(parse(two.as_bytes()), Parsed::Whole(_, used) if used == one.len()));
    }

    #[test]
    fn connections_are_kept_as_the_version_and_the_client_say() {
        for (version, connection, kept) in [
            ("1.1", "", true),
            ("1.1", "Connection: close\r\n", false),
            ("1.1", "Connection: Keep-Alive, Close\r\n", false),
            ("1.1", "Connection: TE, closed\r\n", true),
            ("1.0", "", false),
            ("1.0", "Connection: keep-alive\r\n", true),
        ] {
            let input = format!("GET / HTTP/{version}\r\nHost: a\r\n{connection}\r\n");
            assert_eq!(request(&input).keep_alive, kept, "{input:?}");
        }
    }

    #[test]
    fn targets() {
        for (target, path, query) in [
            ("/", "/", ""),
            ("//metrics", "//metrics", ""),
            ("/%2e%2e/metrics", "/%2e%2e/metrics", ""),
            ("/metrics?", "/metrics", ""),
            ("/metrics?a=1?b", "/metrics", "a=1?b"),
            ("http://router:9100/metrics?a", "/metrics", "a"),
            ("HTTP://router", "/", ""),
            ("http://router?a", "/", "a"),
        ] {
            let input = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
            let read = request(&input);
            assert_eq!((read.path, read.query), (path, query), "{target}");
        }
        for target in ["metrics", "*", "router:9100", "ftp://a/metrics", "https://a/"] {
            let input = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(refused(&input), 400, "{target}");
        }
        let input = "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!((request(input).method, request(input).path), (Method::Options, "*"));
        assert_eq!(request("OPTIONS / HTTP/1.0\r\n\r\n").path, "/");
        assert_eq!(refused("OPTIONS router:9100 HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
        for line in ["CONNECT router:9100", "POST /metrics", "BREW /"] {
            let input = format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(request(&input).method, Method::Other, "{line}");
        }
    }

    #[test]
    fn bodies() {
        for (headers, body, waits) in [
            ("Content-Length: 5\r\n", 5, false),
            ("Content-Length: 5\r\nContent-Length: 5\r\n", 5, false),
            ("Content-Length: 5\r\nExpect: 100-Continue\r\n", 5, true),
            ("Expect: 100-continue\r\n", 0, false),
            ("Content-Length: 65536\r\n", 65_536, false),
        ] {
            let input = format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
            let read = request(&input);
            assert_eq!((read.body, read.waits), (body, waits), "{headers:?}");
        }
    }

    #[test]
    fn what_cannot_be_served_says_why() {
        for (head, status) in [
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
            ("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("\x16\x03\x01\x02\0", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", 413),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000000\r\n\r\n", 413),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nContent-Length: 5\r\n\r\n", 400),
            ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\n\r\n", 417),
            ("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: a\r\n\r\n", 400),
        ] {
            assert_eq!(refused(head), status, "{head:?}");
        }
    }

    #[test]
    fn a_head_that_is_too_large_is_refused() {
        let fill = |bytes: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "a".repeat(bytes));
        let open = fill(HEAD_LIMIT);
        assert_eq!(parse(&open.as_bytes()[..HEAD_LIMIT - 1]), Parsed::Partial);
        assert_eq!(refused(open.get(..HEAD_LIMIT).unwrap()), 431);
        let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(HEADERS));
        assert_eq!(refused(&many), 431);
    }
}
