//! A file of the textfile collector, beside families of the exporter's own.

#![no_main]

mod page;

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use router_exporter::format::Sorted;
use router_exporter::scrape::Scraper;
use router_exporter::server::{Exporter, HandlerMetrics};
use router_exporter::settings::Settings;

thread_local! {
    static MACHINE: RefCell<(PathBuf, Scraper)> = RefCell::new(machine());
}

fn machine() -> (PathBuf, Scraper) {
    let directory = PathBuf::from(format!("/dev/shm/router_exporter-fuzz-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let settings = Settings {
        textfile_directories: vec![directory.to_str().unwrap().to_owned().leak()],
        disable_exporter_metrics: true,
        ..Settings::default()
    };
    (directory, Scraper::new(Box::leak(Box::new(settings)), |collector| ["loadavg", "textfile"].contains(&collector.name)))
}

fuzz_target!(|input: &[u8]| {
    MACHINE.with_borrow_mut(|(directory, scraper)| {
        fs::write(directory.join("input.prom"), input).unwrap();
        let mut page = Sorted::default();
        scraper.render("", &HandlerMetrics::default(), &mut page).unwrap();
        let page = page.to_vec();
        page::check(&page);
        // A bad file costs that file.
        assert!(page.windows(12).any(|bytes| bytes == b"\nnode_load1 "));
    });
});
