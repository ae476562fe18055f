//! The program: what the command line asks for, and how that ended.

use std::process::ExitCode;

use log::info;
use rustix::io::Errno;

use router_exporter::arguments::{self, Arguments, Command};
use router_exporter::built;
use router_exporter::format::Sorted;
#[cfg(not(test))]
use router_exporter::process::allocator::Program;
use router_exporter::process::log as logging;
use router_exporter::process::privileges;
use router_exporter::process::syscalls;
use router_exporter::scrape::Scraper;
use router_exporter::server::access::{Access, Credentials, Scheme};
use router_exporter::server::health::{self, Target};
use router_exporter::server::{self, Exporter, HandlerMetrics, Policy};
use router_exporter::text::errno::Meaning;

// A test has threads, for which this allocator is not made.
#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: Program = Program;

/// The exit status where the command line is at fault.
const MISUSED: u8 = 2;

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let _name_of_program = words.next();
    match arguments::parse(words).map_err(|fault| (MISUSED, fault.to_owned())).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err((status, fault)) => {
            logging::print(&["router_exporter: ", &fault, "\n"].concat());
            ExitCode::from(status)
        }
    }
}

/// Does what is asked; an error is the exit status and one line.
fn run(arguments: &'static Arguments) -> Result<(), (u8, String)> {
    let done = match arguments.command {
        Command::Help => print(arguments::help().as_bytes()),
        Command::Version => print(built::DESCRIPTION.concat().as_bytes()),
        Command::Once => {
            logging::start(arguments.log_level);
            let mut page = Sorted::default();
            let rendered = scraper(arguments).render("", &HandlerMetrics::default(), &mut page);
            rendered.and_then(|()| page.pieces(0).try_for_each(print))
        }
        Command::Health => match (&arguments.health_target, arguments.listen_addresses.first()) {
            (Some(target), _) => health::check(target),
            (None, Some(listen)) => health::check(&Target::of(listen)),
            (None, None) => Ok(()),
        },
        Command::Serve => return serve(arguments),
    };
    done.map_err(|fault| (1, fault))
}

fn serve(arguments: &'static Arguments) -> Result<(), (u8, String)> {
    logging::start(arguments.log_level);
    syscalls::handle_signals();
    let Arguments { telemetry_path, max_requests, ref networks, .. } = *arguments;
    let access = Access { networks, credentials: Vec::new() };
    let policy = Box::leak(Box::new(Policy { telemetry_path, max_requests, access }));
    for (file, scheme) in [(arguments.basic_auth_file, Scheme::Basic), (arguments.bearer_token_file, Scheme::Bearer)] {
        if let Some(file) = file {
            policy.access.credentials.push(Credentials::read(file, scheme).map_err(|fault| (MISUSED, fault))?);
        }
    }
    listen(arguments, policy).map_err(|fault| (1, fault))
}

/// Serves for ever; an error is one line.
fn listen(arguments: &'static Arguments, policy: &mut Policy) -> Result<(), String> {
    let listeners = server::bind(&arguments.listen_addresses)?;
    for listener in listeners.iter().filter(|listener| listener.is_given) {
        info!("msg=\"Listening on\" address={listener}");
    }
    if let Some(user) = &arguments.user {
        user.assume(arguments.runs("wireguard"))?;
    }
    privileges::restrict();
    server::serve(listeners, policy, &mut scraper(arguments))
}

/// As long as the program runs, as the arguments and the policy: their ends would be 1 kB of code.
fn scraper(arguments: &'static Arguments) -> &'static mut Scraper {
    Box::leak(Box::new(Scraper::new(&arguments.settings, |collector| arguments.enables(collector))))
}

fn print(text: &[u8]) -> Result<(), String> {
    let mut rest = text;
    while !rest.is_empty() {
        match rustix::io::write(rustix::stdio::stdout(), rest) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            // Whoever read it has seen enough, as `head` has.
            Err(Errno::PIPE) => break,
            Err(error) => return Err(["standard output: ", &Meaning(error).to_string()].concat()),
        }
    }
    Ok(())
}
