//! The path of a request: its head, its credentials, and what the URL selects.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use router_exporter::format::Sorted;
use router_exporter::scrape::Scraper;
use router_exporter::server::access::{Access, Network};
use router_exporter::server::request::{HEAD_LIMIT, Parsed, parse};
use router_exporter::server::{Exporter, HandlerMetrics, Listen};
use router_exporter::settings::Settings;

thread_local! {
    static SCRAPER: RefCell<Scraper> = RefCell::new(scraper());
}

/// One that reports nothing.
fn scraper() -> Scraper {
    let settings = Settings { disable_exporter_metrics: true, ..Settings::default() };
    Scraper::new(Box::leak(Box::new(settings)), |_| false)
}

fuzz_target!(|input: &[u8]| {
    match parse(input) {
        Parsed::Partial => assert!(input.len() < HEAD_LIMIT),
        Parsed::Whole(request, used) => {
            assert!(used <= input.len() && used <= HEAD_LIMIT);
            assert!(request.path.starts_with('/') || request.path.is_empty());
            assert!(!request.path.contains(['?', ' ', '\r', '\n']));
            // The same head is read the same, whatever follows it.
            assert_eq!(parse(&input[..used]), Parsed::Whole(request, used));
        }
        Parsed::Refused(status) => assert!((400..600).contains(&status.0)),
    }
    if let Ok(text) = std::str::from_utf8(input) {
        let _ = Network::parse(text);
        let _ = router_exporter::server::health::Target::parse(text);
        if let Ok(listen) = Listen::parse(text) {
            assert_eq!(Listen::parse(&listen.to_string()).as_ref(), Ok(&listen));
        }
        let mut page = Sorted::default();
        let rendered =
            SCRAPER.with_borrow_mut(|scraper| scraper.render(text, &HandlerMetrics::default(), &mut page));
        assert!(rendered.is_err() || page.is_empty() || page.to_vec().ends_with(b"\n"));
    }
    let _ = Access::default().authorizes(Some(input));
});
