//! The program over real sockets, and the server over real sockets with a page of the test's own.

#![allow(clippy::disallowed_methods, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod access;
mod exporter;
mod log;
mod process;
#[path = "../program/mod.rs"]
mod program;
mod readers;
mod requests;
