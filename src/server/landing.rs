//! The page at `/`, for a person who opens the port in a browser.

use super::HEALTH_PATH;

/// The page, with a link to the metrics at `telemetry_path`.
pub fn page(telemetry_path: &str) -> String {
    let mut path = String::new();
    for letter in telemetry_path.chars() {
        match letter {
            '&' => path.push_str("&amp;"),
            '<' => path.push_str("&lt;"),
            '"' => path.push_str("&quot;"),
            _ => path.push(letter),
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "<!DOCTYPE html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Router Exporter</title>\n\
         <style>body {{ font-family: sans-serif; margin: 1rem; }}</style>\n\
         </head>\n\
         <body>\n\
         <h1>Router Exporter</h1>\n\
         <p>A router's own metrics, for Prometheus. Version {version}.</p>\n\
         <ul>\n\
         <li><a href=\"{path}\">Metrics</a></li>\n\
         <li><a href=\"{HEALTH_PATH}\">Health</a></li>\n\
         </ul>\n\
         </body>\n\
         </html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_landing_page_links_to_any_path() {
        let page = page("/a\"<b>&c");
        assert!(page.contains("<a href=\"/a&quot;&lt;b>&amp;c\">"), "{page}");
    }
}
