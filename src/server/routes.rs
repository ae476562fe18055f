//! Which path gets what, and how an answer is written.

use std::rc::Rc;

use tiny_http::StatusCode;

use super::connection::Connection;
use super::landing;
use super::renderings::Rendering;
use super::request::{self, Method, Parsed, Request};
use super::response::{self, Afterwards, Head};
use super::{HEALTH_PATH, Milliseconds, Server};
use crate::process::syscalls;

/// For the person whose browser shows it.
const UNAUTHORIZED: &str = "Unauthorized: a user and a password, or a token, are needed here.\n";

/// What may be asked.
const ALLOW: [(&str, &str); 1] = [("Allow", "GET, HEAD, OPTIONS")];

impl Server<'_> {
    pub(super) fn read_request(&mut self, connection: &mut Connection, now: Milliseconds) {
        connection.unread = false;
        // Taken out, as the request borrows it while the answer is written beside it.
        let input = std::mem::take(&mut connection.input);
        let taken = match request::parse(&input) {
            Parsed::Partial => Ok(None),
            Parsed::Whole(request, used) => Ok(Some((used, request.body, self.answer(connection, &request, now)))),
            Parsed::Refused(status) => Err(status),
        };
        connection.input = input;
        match taken {
            Ok(None) => {}
            Ok(Some((head, body, close))) => {
                connection.consume(head, body);
                reply(connection, close, now);
            }
            Err(status) => refuse(connection, status, now),
        }
    }

    /// Writes the answer to `request` beside the connection's input, or nothing if it gets none.
    /// Returns whether the connection ends with it.
    fn answer(&mut self, connection: &mut Connection, request: &Request<'_>, now: Milliseconds) -> bool {
        let method = request.method;
        // A client that waits to be asked for its body is not asked, and may send it or not.
        let close = !request.keep_alive || request.waits;
        let afterwards = match (close, request.old) {
            (true, _) => Afterwards::Close,
            (false, true) => Afterwards::KeepOld,
            (false, false) => Afterwards::Keep,
        };
        let health = request.path == HEALTH_PATH;
        let is_for_all = health && connection.local;
        if !is_for_all {
            if !connection.admitted {
                return true;
            }
            if syscalls::reload_requested() {
                self.reload();
            }
        }
        let is_metrics = request.path == self.policy.telemetry_path;
        let challenge = [("WWW-Authenticate", self.policy.access.challenge())];
        let (status, headers, text): (_, &[(&str, &str)], _) =
            if !is_for_all && !self.policy.access.authorizes(request.authorization) {
                (401, &challenge, UNAUTHORIZED)
            } else if method == Method::Other {
                (405, &ALLOW, "Method Not Allowed\n")
            } else if !is_metrics && !health && !["/", "*"].contains(&request.path) {
                (404, &[], "404 page not found\n")
            } else if method == Method::Options {
                // HAProxy asks whether the exporter is well by `OPTIONS /`.
                (200, &ALLOW, "")
            } else if is_metrics {
                self.scrape(connection, request, afterwards, now);
                return close;
            } else if health {
                (200, &[], "router_exporter is healthy.\n")
            } else {
                let head = Head { status: StatusCode(200), content_type: response::HTML, more: &landing::HEADERS };
                write(connection, &head, &landing::page(self.policy.telemetry_path), afterwards, method);
                return close;
            };
        write_text(connection, StatusCode(status), headers, text, afterwards, method);
        close
    }

    fn scrape(
        &mut self,
        connection: &mut Connection,
        request: &Request<'_>,
        afterwards: Afterwards,
        now: Milliseconds,
    ) {
        let limit = self.policy.max_requests;
        if limit > 0 && self.in_flight() >= limit && !self.make_room_for_scrape(connection.peer, now) {
            self.handler.unavailable = self.handler.unavailable.wrapping_add(1);
            let text = format!("Limit of concurrent requests reached ({limit}), try again later.\n");
            return write_text(connection, StatusCode(503), &[], &text, afterwards, request.method);
        }
        match self.page(request.query, now) {
            Ok(page) => {
                self.handler.ok = self.handler.ok.wrapping_add(1);
                let head = Head { status: StatusCode(200), content_type: response::METRICS, more: &[] };
                head.write(page.text.len(), afterwards, &mut connection.output);
                connection.page = (request.method == Method::Get).then_some(page);
            }
            Err(mut text) => {
                text.push('\n');
                write_text(connection, StatusCode(400), &[], &text, afterwards, request.method);
            }
        }
    }

    fn page(&mut self, query: &str, now: Milliseconds) -> Result<Rc<Rendering>, String> {
        if let Some(page) = self.renderings.shared(query, now) {
            return Ok(page);
        }
        while !self.renderings.has_room() {
            // All who read the page of the slowest reader go with it.
            let Some(page) = self.slowest(now, &|reader| reader.page.is_some()).and_then(|reader| reader.page.clone())
            else {
                break;
            };
            for reader in &mut self.connections {
                if reader.page.as_ref().is_some_and(|other| Rc::ptr_eq(other, &page)) {
                    reader.abort();
                }
            }
        }
        let mut handler = self.handler;
        handler.in_flight = u64::try_from(self.in_flight()).unwrap_or_default().saturating_add(1);
        let Self { renderings, exporter, .. } = self;
        renderings.render(query, now, |text| exporter.render(query, &handler, text))
    }

    /// Scrapes that are being sent.
    pub(super) fn in_flight(&self) -> usize {
        self.connections.iter().filter(|connection| connection.page.is_some()).count()
    }

    pub(super) fn reload(&mut self) {
        if self.policy.access.credentials.is_empty() {
            return;
        }
        match self.policy.access.reload() {
            Ok(()) => log::info!("msg=\"credentials read again\""),
            Err(error) => log::error!("msg=\"credentials not read again, the old ones stay\" err=\"{error}\""),
        }
    }
}

/// Answers a request that was not understood, or not sent whole, and ends the connection.
pub(super) fn refuse(connection: &mut Connection, status: StatusCode, now: Milliseconds) {
    if connection.admitted {
        let text = format!("{} {}\n", status.0, status.default_reason_phrase());
        write_text(connection, status, &[], &text, Afterwards::Close, Method::Get);
    }
    reply(connection, true, now);
}

/// Begins to send the answer; a connection that gets none is closed.
fn reply(connection: &mut Connection, close: bool, now: Milliseconds) {
    if connection.output.is_empty() {
        return connection.close();
    }
    connection.answer(close, now);
    connection.send(now);
}

fn write_text(
    connection: &mut Connection,
    status: StatusCode,
    headers: &[(&str, &str)],
    text: &str,
    afterwards: Afterwards,
    method: Method,
) {
    let head = Head { status, content_type: response::TEXT, more: headers };
    write(connection, &head, text.as_bytes(), afterwards, method);
}

fn write(connection: &mut Connection, head: &Head<'_>, body: &[u8], afterwards: Afterwards, method: Method) {
    head.write(body.len(), afterwards, &mut connection.output);
    if method != Method::Head {
        connection.output.extend_from_slice(body);
    }
}
