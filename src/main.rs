//! router_exporter: a router's own metrics, for Prometheus.

fn main() {
    println!("router_exporter, version {}", env!("CARGO_PKG_VERSION"));
}
