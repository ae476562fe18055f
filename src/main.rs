//! The program: what the command line asks for, and how that ended.

use std::io::Write;
use std::process::ExitCode;

use router_exporter::arguments::{self, Arguments, Command};
use router_exporter::log;
use router_exporter::scrape::Scraper;
use router_exporter::server::{Exporter, HandlerMetrics};

/// The command line is at fault.
const MISUSED: u8 = 2;

fn main() -> ExitCode {
    let ended = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => run(arguments),
        Err(fault) => Err((MISUSED, fault)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err((status, fault)) => {
            // Nobody is there to be told that standard error is closed.
            let _ = writeln!(std::io::stderr(), "router_exporter: {fault}");
            status.into()
        }
    }
}

/// Does what is asked; an error is the exit status and one line.
fn run(arguments: Arguments) -> Result<(), (u8, String)> {
    match arguments.command {
        Command::Help => print(arguments::help().as_bytes()),
        Command::Version => print(concat!("router_exporter, version ", env!("CARGO_PKG_VERSION"), "\n").as_bytes()),
        Command::Once => {
            log::start(arguments.log_level);
            let mut page = Vec::new();
            let rendered = scraper(&arguments).render("", &HandlerMetrics::default(), &mut page);
            rendered.map_err(|fault| (1, fault))?;
            print(&page)
        }
        Command::Serve | Command::Health => Err((1, "not yet".into())),
    }
}

fn scraper(arguments: &Arguments) -> Scraper {
    Scraper::new(arguments.settings.clone(), |collector| arguments.enables(collector))
}

fn print(text: &[u8]) -> Result<(), (u8, String)> {
    std::io::stdout().write_all(text).map_err(|error| (1, format!("standard output: {error}")))
}
