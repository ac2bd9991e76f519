//! `schat`: parse, trace, run, exit.

use std::process::ExitCode;

use client::{
    cli::{self, run},
    failure::Exit,
};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    let filter = EnvFilter::try_from_env("SCHAT_LOG");
    tracing_subscriber::fmt()
        // The screen belongs to the chat; libraries' warnings may name addresses.
        .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new("off")))
        .with_writer(std::io::stderr)
        .init();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let exit = runtime.block_on(run(cli));
            // Nothing that matters is left; a blocked thread must not keep us.
            runtime.shutdown_background();
            exit.into()
        }
        Err(error) => {
            eprintln!(
                "schat: no threads can be started: {error}. Raise the limit of processes for this user."
            );
            Exit::Local.into()
        }
    }
}
