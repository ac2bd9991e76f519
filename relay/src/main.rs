//! The program `relay`.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use relay::{
    Relay, StartError,
    cli::greeting,
    config::{ConfigError, Loaded, load},
};
use tracing_subscriber::EnvFilter;

/// Time for threads that wait for the disk when everything else has ended.
const LINGER: Duration = Duration::from_millis(100);

/// The exit code of settings that make no sense.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let loaded = match load(std::env::args_os()) {
        Ok(loaded) => loaded,
        Err(ConfigError::Usage(error)) => error.exit(),
        Err(error) => {
            eprintln!("relay: {error}");
            return ExitCode::from(USAGE);
        }
    };
    let filter = EnvFilter::try_from_env("SCHAT_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(io::stderr).init();
    let result = tokio::runtime::Runtime::new().map_err(Into::into).and_then(|runtime| {
        let result = runtime.block_on(run(loaded));
        runtime.shutdown_timeout(LINGER);
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relay: {error}");
            ExitCode::from(error.downcast_ref().map_or(1, StartError::exit_code))
        }
    }
}

async fn run(loaded: Loaded) -> anyhow::Result<()> {
    match loaded.cli.command.clone() {
        Some(command) => command.run(&loaded).await,
        None => serve(loaded).await,
    }
}

async fn serve(loaded: Loaded) -> anyhow::Result<()> {
    // Before anything else, so that no signal finds the relay half-way.
    let stop = relay::signal::stop()?;
    let json = loaded.cli.settings.operations.json;
    let relay = Relay::start(loaded.config).await?;
    let mut stdout = io::stdout();
    // Whoever closed stdout does not want to know; the relay serves on.
    let _ = writeln!(stdout, "{}", greeting(&relay, json)).and_then(|()| stdout.flush());
    let failed = tokio::select! {
        () = stop => false,
        () = relay.failed() => true,
    };
    tracing::info!(online = relay.online(), "stopping");
    relay.shutdown().await;
    anyhow::ensure!(!failed, "the database failed; start the relay again, or restore a backup");
    Ok(())
}
