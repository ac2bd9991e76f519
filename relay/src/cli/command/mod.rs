//! What the program does besides serving. Each command's work is in a module of its own.

mod backup;
mod check;
mod clock;
mod compact;
mod database;
mod doctor;
mod drain;
mod drop_room;
mod freeze;
#[cfg(target_os = "linux")]
mod install;
mod man;
mod reload;
mod restore;
mod rooms;
mod status;
mod target;
mod token;
mod top;

use clap::{CommandFactory, Subcommand};

#[cfg(target_os = "linux")]
use self::install::{InstallCommand, UninstallCommand};
use self::{
    backup::BackupCommand,
    check::CheckCommand,
    clock::ClockCommand,
    compact::CompactCommand,
    doctor::DoctorCommand,
    drain::DrainCommand,
    drop_room::DropRoomCommand,
    freeze::{FreezeCommand, ThawCommand},
    man::ManCommand,
    reload::ReloadCommand,
    restore::RestoreCommand,
    rooms::RoomsCommand,
    status::StatusCommand,
    token::TokenCommand,
    top::TopCommand,
};
use super::Cli;
use crate::ops::print;
use crate::{
    bench::Bench,
    config::{Loaded, example, show},
};

/// What to do instead of serving.
#[derive(Clone, Debug, Subcommand)]
pub enum CliCommand {
    /// How the running relay is: uptime, certificate, rooms, disk.
    Status(StatusCommand),
    /// What is going on: rates, sizes, refusals, by room and by opener.
    Top(TopCommand),
    /// The rooms of the running relay in numbers, the largest first.
    Rooms(RoomsCommand),
    /// Drop a room for ever, or all rooms of an opener.
    DropRoom(DropRoomCommand),
    /// Freeze a room, or all rooms of an opener: read, and nothing added.
    Freeze(FreezeCommand),
    /// Thaw what is frozen.
    Thaw(ThawCommand),
    /// The clock that the running relay goes by.
    #[command(subcommand)]
    Clock(ClockCommand),
    /// Serve nobody any more until it is started anew: before an upgrade.
    Drain(DrainCommand),
    /// Read the settings and the certificate again.
    Reload(ReloadCommand),
    /// Write rooms, keys, tokens and identity into one file.
    Backup(BackupCommand),
    /// Look whether anything in the database is damaged.
    Check(CheckCommand),
    /// Give a stopped relay's free space back to the file system.
    Compact(CompactCommand),
    /// Begin anew from a backup, or only look whether it is whole.
    Restore(RestoreCommand),
    /// Look for what is wrong or will be, and say which command mends it.
    Doctor(DoctorCommand),
    /// Make, list and revoke the tokens that open rooms.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Install this program as a service of systemd; asks first.
    #[cfg(target_os = "linux")]
    Install(InstallCommand),
    /// Take back what `relay install` did; settings and data stay.
    #[cfg(target_os = "linux")]
    Uninstall(UninstallCommand),
    /// Print every setting and where it comes from, as a relay.toml.
    Config {
        /// Print JSON instead.
        #[arg(long)]
        json: bool,
        /// Print a relay.toml to begin with: each setting explained, and commented out unless set.
        #[arg(long, conflicts_with = "json")]
        example: bool,
    },
    /// Print a completion script.
    Completions {
        /// For this shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all commands.
    Man(ManCommand),
    /// Measure what a relay holds, costs and withstands on this machine.
    Bench(Bench),
}

impl CliCommand {
    /// Does it, and prints what there is to say.
    ///
    /// # Errors
    /// Whatever went wrong, as a sentence with its remedy.
    pub async fn run(self, loaded: &Loaded) -> anyhow::Result<()> {
        match self {
            Self::Bench(bench) => bench.run().await?,
            Self::Status(command) => command.run(loaded).await?,
            Self::Top(command) => command.run(loaded).await?,
            Self::Rooms(command) => command.run(loaded).await?,
            Self::DropRoom(command) => command.run(loaded).await?,
            Self::Freeze(command) => command.run(loaded).await?,
            Self::Thaw(command) => command.run(loaded).await?,
            Self::Clock(command) => command.run(loaded).await?,
            Self::Drain(command) => command.run(loaded).await?,
            Self::Reload(command) => command.run(loaded).await?,
            Self::Backup(command) => command.run(loaded).await?,
            Self::Check(command) => command.run(loaded).await?,
            Self::Compact(command) => command.run(loaded).await?,
            Self::Restore(command) => command.run(loaded).await?,
            Self::Doctor(command) => command.run(loaded).await?,
            Self::Token(command) => command.run(loaded).await?,
            #[cfg(target_os = "linux")]
            Self::Install(command) => command.run(loaded)?,
            #[cfg(target_os = "linux")]
            Self::Uninstall(command) => command.run()?,
            Self::Config { example: true, .. } => {
                print::all(example(&loaded.settings, &Cli::command()))?;
            }
            Self::Config { json, .. } => {
                print::line(if json { show::json(loaded) } else { show::toml(loaded) })?;
            }
            Self::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Cli::command(), "relay", &mut script);
                print::all(script)?;
            }
            Self::Man(command) => command.run()?,
        }
        Ok(())
    }
}
