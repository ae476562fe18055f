//! The program: what the command line asks for, and how that ended.

use std::io::Write;
use std::process::ExitCode;

use log::info;

use router_exporter::access::{Access, Credentials};
use router_exporter::arguments::{self, Arguments, Command};
use router_exporter::health::{self, Target};
use router_exporter::log as logging;
use router_exporter::privileges;
use router_exporter::scrape::Scraper;
use router_exporter::server::{self, Exporter, HandlerMetrics, Settings};
use router_exporter::system;

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
            logging::start(arguments.log_level);
            let mut page = Vec::new();
            let rendered = scraper(&arguments).render("", &HandlerMetrics::default(), &mut page);
            rendered.map_err(|fault| (1, fault))?;
            print(&page)
        }
        Command::Health => {
            let listening = || arguments.listen_addresses.first().map(Target::of);
            let target = arguments.health_target.clone().or_else(listening);
            target.map_or(Ok(()), |target| health::check(&target).map_err(|fault| (1, fault)))
        }
        Command::Serve => serve(arguments),
    }
}

fn serve(arguments: Arguments) -> Result<(), (u8, String)> {
    logging::start(arguments.log_level);
    system::handle_signals();
    let files = [
        arguments.basic_auth_file.as_deref().map(Credentials::basic),
        arguments.bearer_token_file.as_deref().map(Credentials::bearer),
    ];
    let credentials: Result<_, _> = files.into_iter().flatten().collect();
    let access =
        Access { networks: arguments.networks.clone(), credentials: credentials.map_err(|fault| (MISUSED, fault))? };
    let listeners = server::bind(&arguments.listen_addresses).map_err(|fault| (1, fault.to_string()))?;
    for listener in &listeners {
        info!("msg=\"Listening on\" address={}", listener.address());
    }
    if let Some(user) = &arguments.user {
        user.assume().map_err(|fault| (1, fault))?;
    }
    privileges::restrict();
    let mut scraper = scraper(&arguments);
    let settings = Settings { telemetry_path: arguments.telemetry_path, max_requests: arguments.max_requests, access };
    server::serve(listeners, settings, &mut scraper).map_err(|fault| (1, fault.to_string()))
}

fn scraper(arguments: &Arguments) -> Scraper {
    Scraper::new(arguments.settings.clone(), |collector| arguments.enables(collector))
}

fn print(text: &[u8]) -> Result<(), (u8, String)> {
    std::io::stdout().write_all(text).map_err(|error| (1, format!("standard output: {error}")))
}
