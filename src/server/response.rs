//! The heads of answers, as `tiny_http::Response` prints them.

use std::io::Write;
use std::ops::Range;
use std::time::SystemTime;

use memchr::memchr;
use tiny_http::{Header, Response, StatusCode};

use crate::process::log::http_date;

/// The text format that Prometheus has read since 0.4.0 of 2014, and still reads.
pub const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Plain text.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// A page for a browser.
pub const HTML: &str = "text/html; charset=utf-8";

/// A placeholder of the length that every HTTP date has.
const DATE: &str = "Thu, 01 Jan 1970 00:00:00 GMT";

/// What becomes of the connection after the answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Afterwards {
    /// It is kept, as HTTP/1.1 takes for granted.
    Keep,
    /// It is kept, which an HTTP/1.0 client has to be told.
    KeepOld,
    /// It is closed.
    Close,
}

/// An answer's head up to where its length goes. It is printed once and used for each scrape, so
/// that a scrape allocates nothing.
pub struct Head {
    printed: Vec<u8>,
    date: Range<usize>,
}

impl Head {
    /// Prints the head of an answer of `status`; `extra` are headers of this answer only.
    #[must_use]
    pub fn new(status: StatusCode, content_type: &str, extra: &[(&str, &str)]) -> Self {
        let mut headers = Vec::new();
        for (name, value) in
            [("Date", DATE), ("Server", "router_exporter")].iter().chain(extra).chain(&[("Content-Type", content_type)])
        {
            // Only a header that is no ASCII is refused, and all of these are.
            headers.extend(Header::from_bytes(name.as_bytes(), value.as_bytes()));
        }
        let mut printed = Vec::new();
        // Writing to a vector does not fail. Without headers of the request, with a length and
        // without a threshold there is no chunked answer, and Content-Length comes last.
        let _ = Response::new(status, headers, std::io::empty(), Some(0), None)
            .with_chunked_threshold(usize::MAX)
            .raw_print(&mut printed, (1, 1).into(), &[], true, None);
        printed.truncate(printed.len().saturating_sub("0\r\n\r\n".len()));
        // The first header's value.
        let start = memchr(b'\n', &printed).unwrap_or_default().saturating_add("\nDate: ".len());
        let date = start..start.saturating_add(DATE.len());
        Self { printed, date }
    }

    /// Appends the head of an answer with a body of `length` bytes to `out`.
    pub fn write(&self, length: usize, afterwards: Afterwards, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.printed);
        let _ = write!(out, "{length}\r\n");
        out.extend_from_slice(match afterwards {
            Afterwards::Keep => b"\r\n",
            Afterwards::KeepOld => b"Connection: keep-alive\r\n\r\n",
            Afterwards::Close => b"Connection: close\r\n\r\n",
        });
        let date = self.date.start.saturating_add(start)..self.date.end.saturating_add(start);
        if let (Some(mut place), Some(now)) = (out.get_mut(date), http_date(SystemTime::now())) {
            let _ = write!(place, "{now}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_whole() {
        let mut out = b"before".to_vec();
        let head = Head::new(StatusCode(405), TEXT, &[("Allow", "GET, HEAD, OPTIONS")]);
        head.write(1234, Afterwards::Close, &mut out);
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.strip_prefix("before").unwrap().split("\r\n").collect();
        assert_eq!(lines[0], "HTTP/1.1 405 Method Not Allowed");
        assert!(lines[1].starts_with("Date: ") && lines[1].ends_with(" GMT"), "{}", lines[1]);
        assert_ne!(lines[1], format!("Date: {DATE}"));
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
        let head = Head::new(StatusCode(200), METRICS, &[]);
        for (afterwards, said) in [(Afterwards::Keep, false), (Afterwards::KeepOld, true)] {
            let mut out = Vec::new();
            head.write(0, afterwards, &mut out);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.contains("Connection: keep-alive"), said);
            assert!(text.ends_with("\r\n\r\n"));
        }
    }
}
