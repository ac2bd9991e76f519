//! The command line of the program `relay`.

pub(crate) mod command;
mod greeting;
pub(crate) mod help;

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgAction, FromArgMatches, Parser};

pub use self::{command::CliCommand, greeting::greeting};
use crate::{
    config::{self, ConfigError, Loaded, Settings},
    ops::print,
};

/// Which program this is, which clients it speaks with, and which databases it writes.
const LONG_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (protocol schat/2, data format 7)");

/// The blind relay of schat: orders, keeps and forwards sealed messages that it cannot read.
///
/// Starts without any configuration: it makes itself an identity, and prints where it listens and a link
/// to share. Each setting comes from a flag, else from the environment (RELAY_…, or a file that RELAY_…_FILE
/// names), else from relay.toml, else from its default; `relay config` shows which. Exit codes: 0 ended on
/// request, 2 usage, 3 network, 4 data directory, 5 certificate, 1 anything else.
#[derive(Debug, Parser)]
#[command(name = "relay", version, long_version = LONG_VERSION, disable_help_flag = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<CliCommand>,
    /// All settings.
    #[command(flatten)]
    pub settings: Settings,
    /// Settings file [default: relay.toml of the user or in /etc/schat-relay].
    ///
    /// The first that exists of relay.toml in the user's configuration directory (~/.config/schat-relay on Linux)
    /// and /etc/schat-relay/relay.toml. One in the current directory is read only when it is named.
    #[arg(long, env = "RELAY_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Show the common settings.
    #[arg(short, long, action = ArgAction::HelpShort, global = true)]
    help: Option<bool>,
    /// Show all settings and explain each.
    #[arg(long, action = ArgAction::HelpLong, global = true)]
    help_all: Option<bool>,
}

/// What to do, if anything but to serve, and all settings from wherever they come.
///
/// # Errors
/// [`ConfigError`] with the source and the remedy.
pub fn load(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<(Option<CliCommand>, Loaded), ConfigError> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let (loaded, matches) = match config::load(&arguments, help::command(&arguments)) {
        Err(error) if error.is_of_the_file() => beside(error, &arguments)?,
        loaded => loaded?,
    };
    Ok((Cli::from_arg_matches(&matches)?.command, loaded))
}

/// Whoever only looks does so without the file that makes no sense, and is told; else the error is the answer.
fn beside(error: ConfigError, arguments: &[OsString]) -> Result<(Loaded, clap::ArgMatches), ConfigError> {
    let without = config::load_without_file(arguments, help::command(arguments));
    let Ok((loaded, matches)) = without else { return Err(error) };
    if !Cli::from_arg_matches(&matches)?.command.is_some_and(|command| command.only_looks()) {
        return Err(error);
    }
    print::note(format_args!("relay: {error}; this command goes on without that file"));
    Ok((loaded, matches))
}

#[cfg(test)]
mod tests;
