//! Many readers and long pages: the server with a page of the test's own.

use std::cell::Cell;
use std::io::{BufRead, ErrorKind, Read};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;

use router_exporter::format::Sorted;
use router_exporter::server::access::Access;
use router_exporter::server::{self, Exporter, HandlerMetrics, Listen, Policy};

use crate::exporter::{Client, get};

/// Bytes that no socket buffers whole before its client reads.
const HUGE: usize = 8 << 20;

/// A page that fills the kernel's buffers many times over, and tells how often it was rendered.
struct Huge {
    size: usize,
    rendered: mpsc::Sender<String>,
}

impl Exporter for Huge {
    fn render(&mut self, query: &str, handler: &HandlerMetrics, page: &mut Sorted) -> Result<(), String> {
        let _ = self.rendered.send(query.to_owned());
        page.push(format!("{} {}\n", handler.in_flight, handler.unavailable).as_bytes());
        page.push(&vec![b'#'; self.size.saturating_sub(page.len())]);
        Ok(())
    }
}

/// Serves [`Huge`] from a thread that ends with the test.
fn huge(max_requests: usize) -> (SocketAddr, mpsc::Receiver<String>) {
    let listeners = server::bind(&[Listen::parse("127.0.0.1:0").unwrap()]).unwrap();
    let address = listeners[0].address();
    let (rendered, queries) = mpsc::channel();
    thread::spawn(move || {
        let mut policy = Policy { telemetry_path: "/metrics", max_requests, access: Access::default() };
        server::serve(listeners, &mut policy, &mut Huge { size: HUGE, rendered })
    });
    (address, queries)
}

/// A client that has asked, and has read no more than the head of the answer.
fn slow(address: SocketAddr, query: &str) -> Client {
    let mut client = Client::new(address);
    client.send(get(&format!("/metrics?{query}")).as_bytes());
    let mut line = String::new();
    client.0.read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    client
}

#[test]
fn one_page_is_rendered_for_all_who_ask_at_once() {
    let (address, queries) = huge(0);
    // All within the second in which a page is shared; a machine too slow for that tries again.
    let shared = Cell::new(false);
    for _ in 0..20 {
        let _readers = [slow(address, "a"), slow(address, "a"), slow(address, "a")];
        let rendered = queries.try_iter().count();
        shared.set(rendered == 1);
        if shared.get() {
            break;
        }
    }
    assert!(shared.get());
}

#[test]
fn more_scrapes_than_may_be_get_503() {
    let (address, _queries) = huge(2);
    let mut answers = Vec::new();
    // Readers that take nothing for a moment make room, so a slow machine tries again.
    for _ in 0..20 {
        let _readers = [slow(address, "a"), slow(address, "b")];
        answers.push(Client::new(address).ask(&get("/metrics")));
        if answers.last().unwrap().status == 503 {
            break;
        }
    }
    let refused = answers.last().unwrap();
    assert_eq!(refused.status, 503);
    assert_eq!(refused.body, "Limit of concurrent requests reached (2), try again later.\n");
    assert_eq!(Client::new(address).ask(&get("/-/healthy")).status, 200);
}

#[test]
fn slow_readers_of_many_pages_are_dropped_for_the_next() {
    let (address, queries) = huge(0);
    let mut readers: Vec<Client> = (0..10).map(|number| slow(address, &number.to_string())).collect();
    assert_eq!(queries.try_iter().count(), 10);
    let page = Client::new(address).ask(&get("/metrics"));
    assert_eq!((page.status, page.body.len()), (200, HUGE));
    // What the kernel held for the first is gone with it, so it does not even get that.
    let first = readers[0].0.read_to_end(&mut Vec::new());
    assert!(first.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
}
