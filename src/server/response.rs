//! The heads of answers, as `tiny_http::Response` prints them.

use std::time::SystemTime;

use tiny_http::{Header, Response, StatusCode};

use crate::process::log::http_date;

/// The text format that Prometheus has read since 0.4.0 of 2014, and still reads.
pub const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Plain text.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// A page for a browser.
pub const HTML: &str = "text/html; charset=utf-8";

/// What becomes of the connection after the answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Afterwards {
    /// It is kept, as HTTP/1.1 takes for granted.
    Keep,
    /// It is kept, which the answer has to say to an HTTP/1.0 client.
    KeepOld,
    /// It is closed.
    Close,
}

/// An answer's head, but for its length and what becomes of the connection.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// The status.
    pub status: StatusCode,
    /// What the body is.
    pub content_type: &'a str,
    /// Headers of this answer only.
    pub more: &'a [(&'a str, &'a str)],
}

impl Head<'_> {
    /// Appends the head of an answer with a body of `length` bytes to `out`.
    pub fn write(&self, length: usize, afterwards: Afterwards, out: &mut Vec<u8>) {
        let date = http_date(SystemTime::now()).map(|date| date.to_string());
        let first = [("Date", date.as_deref().unwrap_or_default()), ("Server", "router_exporter")];
        let last = [("Content-Type", self.content_type)];
        // Without headers of the request, with a length and without a threshold no answer is chunked.
        let mut response =
            Response::empty(self.status).with_data(std::io::empty(), Some(length)).with_chunked_threshold(usize::MAX);
        for (name, value) in first.iter().chain(self.more).chain(&last) {
            // Only a header that is no ASCII is refused, and all of these are.
            if let Ok(header) = Header::from_bytes(name.as_bytes(), value.as_bytes()) {
                response.add_header(header);
            }
        }
        // Writing to a vector does not fail.
        let _ = response.raw_print(&mut *out, (1, 1).into(), &[], true, None);
        // tiny_http keeps the word about the connection to itself: it goes before the empty line.
        out.truncate(out.len().saturating_sub("\r\n".len()));
        out.extend_from_slice(match afterwards {
            Afterwards::Keep => b"\r\n",
            Afterwards::KeepOld => b"Connection: keep-alive\r\n\r\n",
            Afterwards::Close => b"Connection: close\r\n\r\n",
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_whole() {
        let mut out = b"before".to_vec();
        let head = Head { status: StatusCode(405), content_type: TEXT, more: &[("Allow", "GET, HEAD, OPTIONS")] };
        head.write(1234, Afterwards::Close, &mut out);
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.strip_prefix("before").unwrap().split("\r\n").collect();
        assert_eq!(lines[0], "HTTP/1.1 405 Method Not Allowed");
        assert!(lines[1].starts_with("Date: ") && lines[1].ends_with(" GMT"), "{}", lines[1]);
        assert_eq!(lines[1].len(), "Date: Thu, 01 Jan 1970 00:00:00 GMT".len());
        assert_eq!(
            lines[2..],
            [
                "Server: router_exporter",
                "Allow: GET, HEAD, OPTIONS",
                "Content-Type: text/plain; charset=utf-8",
                "Content-Length: 1234",
                "Connection: close",
                "",
                "",
            ]
        );
    }

    #[test]
    fn a_kept_connection_is_mentioned_to_old_clients_only() {
        let head = Head { status: StatusCode(200), content_type: METRICS, more: &[] };
        for (afterwards, said) in [(Afterwards::Keep, false), (Afterwards::KeepOld, true)] {
            let mut out = Vec::new();
            head.write(0, afterwards, &mut out);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.contains("Connection: keep-alive"), said);
            assert!(text.ends_with("\r\n\r\n"));
        }
    }
}
