//! What the program was built from, for what, and by what.
//!
//! The target is that of the code. The revision and the compiler are given by `scripts/release`; a
//! program that was built otherwise says that it has none. There is no date, so that the same sources
//! make the same bytes.

use std::env::consts::ARCH;

/// The version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit, in short; empty if it is unknown.
pub const REVISION: &str = match option_env!("ROUTER_EXPORTER_REVISION") {
    Some(revision) => revision,
    None => "",
};

const COMPILER: &str = match option_env!("ROUTER_EXPORTER_COMPILER") {
    Some(compiler) => compiler,
    None => "",
};

/// The beginning of the target's triple, where it is not what Rust calls the processor.
const ARCHITECTURE: &str = match ARCH.as_bytes() {
    b"mips" if cfg!(target_endian = "little") => "mipsel",
    b"arm" => "armv7",
    _ => ARCH,
};

const LIBRARY: &str = if cfg!(target_env = "musl") { "musl" } else { "gnu" };

/// How a function is called, where a processor knows more ways than one.
const CALLS: &str = if cfg!(target_abi = "eabihf") {
    "eabihf"
} else if cfg!(target_abi = "eabi") {
    "eabi"
} else {
    ""
};

const fn known(name: &'static str) -> &'static str {
    if name.is_empty() { "unknown" } else { name }
}

/// What `--version` prints: the version on a line of its own, then all else.
pub const DESCRIPTION: &[&str] = &[
    "router_exporter, version ",
    VERSION,
    "\n  revision ",
    known(REVISION),
    ", target ",
    ARCHITECTURE,
    "-unknown-linux-",
    LIBRARY,
    CALLS,
    ", compiler ",
    known(COMPILER),
    "\n",
];
