//! The program under test: the one that cargo has built, or the one that `ROUTER_EXPORTER` names,
//! which may be one under an emulator: `qemu-mipsel-static -cpu 24KEc PATH`.

use std::env;
use std::process::Command;

/// Its words on a command line, for a shell.
pub fn line() -> String {
    // Where cargo starts the tests under an emulator, the program needs it as well: scripts/cross/emulate.
    let own = || [&env::var("EMULATOR").unwrap_or_default(), " ", env!("CARGO_BIN_EXE_router_exporter")].concat();
    env::var("ROUTER_EXPORTER").unwrap_or_else(|_| own())
}

/// The program, to be given its arguments.
pub fn command() -> Command {
    let line = line();
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}
