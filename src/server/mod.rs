//! The HTTP server.

/// What the server asks of the program behind it.
pub trait Exporter {
    /// Appends one page in the Prometheus text format to `page`. `query` is the raw query string
    /// of the URL, still percent-encoded, without `?`.
    ///
    /// # Errors
    /// The body of an answer with status 400.
    fn render(&mut self, query: &str, handler: &HandlerMetrics, page: &mut Vec<u8>) -> Result<(), String>;
}

/// `promhttp_metric_handler_*`: scrapes answered by status since the start, and those under way.
#[derive(Clone, Copy, Debug, Default)]
pub struct HandlerMetrics {
    /// Answered with 200.
    pub ok: u64,
    /// Answered with 500.
    pub internal_error: u64,
    /// Answered with 503.
    pub unavailable: u64,
    /// Begun and not yet answered whole.
    pub in_flight: u64,
}
