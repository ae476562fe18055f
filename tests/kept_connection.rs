//! A scrape over a kept connection allocates what tiny_http needs to print the head, and no more.

#![allow(clippy::arithmetic_side_effects, clippy::disallowed_methods, clippy::unwrap_used, unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use router_exporter::format::Sorted;
use router_exporter::server::access::Access;
use router_exporter::server::{self, Exporter, HandlerMetrics, Listen, Policy};

thread_local! {
    static ALLOCATED: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, with a count of calls by thread.
struct Counting;

// SAFETY: everything is the system allocator's; the count is a number of the thread's own, without a
// destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get().wrapping_add(1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get().wrapping_add(1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A page that tells how often its thread has allocated so far.
struct Count;

impl Exporter for Count {
    fn render(&mut self, _: &str, _: &HandlerMetrics, page: &mut Sorted) -> Result<(), String> {
        page.push(&ALLOCATED.get().to_be_bytes());
        Ok(())
    }
}

/// How often tiny_http asks for memory to print the head of an answer.
const HEAD: u64 = 21;

#[test]
fn a_scrape_over_a_kept_connection_allocates_its_head_alone() {
    let listeners = server::bind(&[Listen::parse("127.0.0.1:0").unwrap()]).unwrap();
    let address = listeners.first().unwrap().address();
    thread::spawn(move || {
        let mut policy = Policy { telemetry_path: "/metrics", max_requests: 40, access: Access::default() };
        server::serve(listeners, &mut policy, &mut Count)
    });
    let mut client = TcpStream::connect(address).unwrap();
    let mut count = || {
        client.write_all(b"GET /metrics?collect[]=cpu HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        // The head, and the eight bytes of the page.
        while answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").is_none_or(|end| answer.len() < end + 12) {
            let mut bytes = [0; 1024];
            let read = client.read(&mut bytes).unwrap();
            answer.extend(bytes.iter().take(read));
        }
        u64::from_be_bytes(*answer.last_chunk().unwrap())
    };
    let mut last = count();
    assert!(last > 0);
    for _ in 0..100 {
        let now = count();
        assert!(now - last <= HEAD, "{}", now - last);
        last = now;
    }
}
