//! The command line of the program `relay`.

pub(crate) mod command;
mod greeting;
pub(crate) mod help;

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgAction, FromArgMatches, Parser};

pub use self::{command::CliCommand, greeting::greeting};
use crate::config::{self, ConfigError, Loaded, Settings};

/// The blind relay of schat: orders, keeps and forwards sealed messages that it cannot read.
///
/// Starts without any configuration: it makes itself an identity, and prints where it listens and a link
/// to share. Each setting comes from a flag, else from the environment (RELAY_…, or a file that RELAY_…_FILE
/// names), else from relay.toml, else from its default; `relay config` shows which. Exit codes: 0 ended on
/// request, 2 usage, 3 network, 4 data directory, 5 certificate, 1 anything else.
#[derive(Debug, Parser)]
#[command(name = "relay", version, disable_help_flag = true, disable_help_subcommand = true)]
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
    let (loaded, matches) = config::load(&arguments, help::command(&arguments))?;
    Ok((Cli::from_arg_matches(&matches)?.command, loaded))
}

#[cfg(test)]
mod tests;
