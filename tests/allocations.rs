//! How often a scrape asks for memory once the exporter has seen the machine: hardly ever. A heap
//! that is left alone neither grows nor tears.

#![allow(unsafe_code, clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;

use router_exporter::format::Sorted;
use router_exporter::scrape::Scraper;
use router_exporter::server::{Exporter, HandlerMetrics};
use router_exporter::settings::Settings;

thread_local! {
    /// Whether this thread's requests for memory count, and how many did.
    static COUNTING: Cell<bool> = const { Cell::new(false) };
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    if COUNTING.replace(false) {
        COUNT.set(COUNT.get().saturating_add(1));
        if std::env::var_os("WHERE").is_some() {
            eprintln!("{}", Backtrace::force_capture());
        }
        COUNTING.set(true);
    }
}

// SAFETY: all is done by the system's allocator, with what was passed.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(memory, layout, size) }
    }
}

/// The allocations of one scrape of a board, after a few that have seen it.
fn allocations(board: &str) -> usize {
    let root = format!("{}/tests/routers/{board}", env!("CARGO_MANIFEST_DIR"));
    let mut settings = Settings::default();
    settings.filters.set(&[]).unwrap();
    settings.paths.procfs = format!("{root}/proc").leak();
    settings.paths.sysfs = format!("{root}/sys").leak();
    settings.paths.rootfs = format!("{root}/root").leak();
    let mut scraper = Scraper::new(Box::leak(Box::new(settings)), |collector| collector.default);
    let mut page = Sorted::default();
    for _ in 0..5 {
        scraper.render("", &HandlerMetrics::default(), &mut page).unwrap();
    }
    COUNT.set(0);
    COUNTING.set(true);
    scraper.render("", &HandlerMetrics::default(), &mut page).unwrap();
    COUNTING.set(false);
    assert!(page.len() > 1000);
    COUNT.get()
}

#[test]
fn a_scrape_allocates_next_to_nothing() {
    // `procfs` names this process and each disk; what else is left names the sensors, batteries and the MTD
    // that few routers have.
    let most = [("bare", 2), ("merlin", 6), ("nas", 28), ("openwrt", 27), ("rt-n14u", 12), ("x86_64", 5)];
    for (board, most) in most {
        let found = allocations(board);
        assert!(found <= most, "{board}: {found}, WHERE=1 says where");
    }
}
