//! The Prometheus text format, version 0.0.4: writing it, and reading what other programs wrote.

pub mod page;
pub mod parse;
