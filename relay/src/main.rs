//! The program `relay`.

use std::{env, ffi::OsString, process::ExitCode, time::Duration};

use relay::{
    StartError,
    config::{self, ConfigError, Loaded, load},
    log::Log,
    service::{self, Sockets},
};

/// Time for threads that wait for the disk when everything else has ended.
const LINGER: Duration = Duration::from_millis(100);

/// The exit code of settings that make no sense.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    let loaded = match load(arguments.iter().cloned()) {
        Ok(loaded) => loaded,
        Err(ConfigError::Usage(error)) => error.exit(),
        Err(error) => {
            eprintln!("relay: {error}");
            return ExitCode::from(USAGE);
        }
    };
    if let Some(hint) = config::hint(&loaded) {
        eprintln!("relay: {hint}");
    }
    match start(arguments, loaded) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relay: {error}");
            ExitCode::from(StartError::exit_code_of(&error))
        }
    }
}

fn start(arguments: Vec<OsString>, loaded: Loaded) -> anyhow::Result<()> {
    let operations = &loaded.cli.settings.operations;
    let log = Log::start(operations.log, &operations.log_level)?;
    let command = loaded.cli.command.clone();
    // Before there are threads.
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
