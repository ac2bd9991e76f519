//! The program `relay`.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::{env, ffi::OsString, io::ErrorKind, process::ExitCode, thread, time::Duration};

use relay::{
    StartError,
    cli::{self, CliCommand},
    config::{self, ConfigError, Loaded},
    net::sockets::Sockets,
    ops::{
        logging::Log,
        print::{self, PrintError},
    },
    service,
};

/// Time for threads that wait for the disk when everything else has ended.
const LINGER: Duration = Duration::from_millis(100);

/// The exit code of settings that make no sense.
const USAGE: u8 = 2;

/// The stack of the thread that everything begins in, in bytes: what a main thread usually has. The main thread itself has what
/// `ulimit -s` says, and that may be too little to read a command line.
const STACK: usize = 8 << 20;

/// The exit code of a panic, as Rust has it.
const PANICKED: u8 = 101;

fn main() -> ExitCode {
    match thread::Builder::new().stack_size(STACK).spawn(program).map(thread::JoinHandle::join) {
        Ok(Ok(exit)) => exit,
        // It has told its panic.
        Ok(Err(_)) => ExitCode::from(PANICKED),
        Err(error) => {
            print::note(format_args!(
                "relay: no threads can be started: {error}; raise the limits for this user (ulimit -u, ulimit -v)"
            ));
            ExitCode::FAILURE
        }
    }
}

fn program() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    let (command, loaded) = match cli::load(arguments.iter().cloned()) {
        Ok(loaded) => loaded,
        Err(ConfigError::Usage(error)) => return told(&error),
        Err(error) => {
            print::note(format_args!("relay: {error}"));
            return ExitCode::from(USAGE);
        }
    };
    if let Some(hint) = config::hint(&loaded) {
        print::note(format_args!("relay: {hint}"));
    }
    match start(arguments, command, loaded) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::note(format_args!("relay: {error}"));
            ExitCode::from(StartError::exit_code_of(&error))
        }
    }
}

/// Help and the version go to standard output, a mistake to standard error.
fn told(error: &clap::Error) -> ExitCode {
    let code = ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
    let out = if error.use_stderr() { Ok(()) } else { print::open().map(drop) };
    match out.and_then(|()| error.print()) {
        Err(source) if !error.use_stderr() && source.kind() != ErrorKind::BrokenPipe => {
            print::note(format_args!("relay: {}", PrintError::from(source)));
            ExitCode::FAILURE
        }
        _ => code,
    }
}

fn start(arguments: Vec<OsString>, command: Option<CliCommand>, loaded: Loaded) -> anyhow::Result<()> {
    let operations = &loaded.parsed.operations;
    let log = Log::start(operations.log, &operations.log_level)?;
    // Before there are threads that do anything.
    let sockets =
        if command.is_none() { Sockets::inherited().map_err(StartError::from)? } else { Sockets::default() };
    let runtime = tokio::runtime::Runtime::new()?;
    let result = runtime.block_on(async {
        match command {
            Some(command) => command.run(&loaded).await,
            None => service::run(arguments, loaded, log, sockets).await,
        }
    });
    runtime.shutdown_timeout(LINGER);
    result
}
