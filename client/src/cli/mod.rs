//! The command line: what can be asked, and who answers.

mod archive;
mod arguments;
mod attach;
mod backup;
mod chat;
mod config;
mod daemon;
mod demo;
mod devices;
mod dispatch;
mod face;
mod file;
mod first_use;
mod forget;
mod hidden;
mod host;
mod info;
mod interrupt;
mod keyring;
mod lean;
mod link;
mod lock;
#[cfg(feature = "manual")]
mod man;
mod name;
mod once;
mod passphrase;
mod phrase;
mod plan;
mod random;
mod setup;
mod stream;
mod tail;
mod telling;
mod text;
mod verify;
mod wait;

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    path::PathBuf,
};

use clap::{Arg, Args, CommandFactory, FromArgMatches as _, Parser, Subcommand, builder::Resettable};
#[cfg(feature = "manual")]
use clap_complete::Shell;

#[cfg(not(feature = "manual"))]
use self::lean::Shell;
use crate::{
    faces::{stdout, words},
    failure::{Exit, Failure},
    log,
    runtime::HandedPast,
    settings::Settings,
    transport::RelayAddress,
};
use arguments::{address, handed_past, labelled, lifetime, link_text, number};

/// Secure chat: end-to-end encrypted rooms over a relay that you or a friend runs.
///
/// Without a command it opens the chat. LINK is an invite link, or the link that a relay prints: then that relay is
/// used from now on. `-` reads it from the first line of standard input. A link on the command line is visible to other users of this machine and stays in the shell's history: typing
/// `/join LINK` in the chat, or `-`, is safer.
///
/// Where a relay lets only those open rooms who have a token, its link carries it; a file that the variable
/// SCHAT_TOKEN_FILE names may hold it as well, for the relay in use. It is kept sealed in the profile.
///
/// Exit codes: 0 ok, 1 a problem on this machine, 2 usage, 3 network, 4 refused, 5 not found, 6 verification
/// failed, 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "schat", version, args_conflicts_with_subcommands = false, subcommand_negates_reqs = true)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    /// Invite link to join, link of a relay to use, or `-` to read it from standard input.
    #[arg(value_parser = link_text)]
    link: Option<String>,
    #[command(subcommand)]
    command: Option<CliCommand>,
}

impl Cli {
    /// The file for the log, if one is wanted.
    pub fn log(&self) -> Option<&std::path::Path> {
        self.globals.log.as_deref()
    }

    /// A program gave the command, and reads objects.
    pub fn is_json(&self) -> bool {
        self.globals.json
    }

    /// The command, without what it is about.
    pub fn asked(&self) -> &'static str {
        match &self.command {
            None => "chat",
            Some(CliCommand::Host { .. }) => "host",
            Some(CliCommand::Daemon { .. }) => "daemon",
            Some(CliCommand::Demo) => "demo",
            Some(CliCommand::Send { .. }) => "send",
            Some(CliCommand::Tail { .. }) => "tail",
            Some(CliCommand::Invite { .. }) => "invite",
            Some(CliCommand::Link { .. }) => "link",
            Some(CliCommand::Rooms { .. }) => "rooms",
            Some(CliCommand::Forget { .. }) => "forget",
            Some(CliCommand::Info { .. }) => "info",
            Some(CliCommand::Devices { .. }) => "devices",
            Some(CliCommand::Fingerprint) => "fingerprint",
            Some(CliCommand::Verify { .. }) => "verify",
            Some(CliCommand::Lock(_)) => "lock",
            Some(CliCommand::Unlock) => "unlock",
            Some(CliCommand::File(_)) => "file",
            Some(CliCommand::Search { .. }) => "search",
            Some(CliCommand::Export { .. }) => "export",
            Some(CliCommand::Backup(_)) => "backup",
            Some(CliCommand::Restore(_)) => "restore",
            Some(CliCommand::Config(_)) => "config",
            Some(CliCommand::Completions { .. }) => "completions",
            Some(CliCommand::Man { .. }) => "man",
        }
    }
}

/// Heading of what all commands take, behind what only one does.
const EVERYWHERE: &str = "Options of all commands";

/// What all commands take.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Globals {
    /// Relay for rooms that are named without one [default: the last one].
    #[arg(help_heading = EVERYWHERE, long, global = true, env = "SCHAT_RELAY", value_name = "HOST:PORT", value_parser = address)]
    relay: Option<RelayAddress>,
    /// Trust relays whose certificate is signed by one in this PEM file.
    #[arg(help_heading = EVERYWHERE, long, global = true, env = "SCHAT_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Trust an unknown relay that nobody vouches for, without asking.
    #[arg(help_heading = EVERYWHERE, long, global = true)]
    trust_first_use: bool,
    /// Where keys and rooms are kept [default: the user's data directory].
    #[arg(help_heading = EVERYWHERE, long, global = true, env = "SCHAT_PROFILE", value_name = "DIR")]
    profile: Option<PathBuf>,
    /// Your name, as others see it; remembered.
    #[arg(help_heading = EVERYWHERE, long, global = true, env = "SCHAT_NAME", value_name = "NICK", allow_hyphen_values = true)]
    name: Option<String>,
    /// Your settings [default: config.toml in the user's configuration directory].
    #[arg(help_heading = EVERYWHERE, long, global = true, env = "SCHAT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The passphrase of a locked profile is the first line of this file, or of what this pipe brings.
    #[arg(help_heading = EVERYWHERE, long, global = true, env = "SCHAT_PASSPHRASE_FILE", value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Add what the program does to this file, for a report: no names, texts, rooms, links or addresses.
    #[arg(help_heading = EVERYWHERE, long, global = true, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Lines only: for screen readers and simple terminals.
    #[arg(help_heading = EVERYWHERE, long, global = true, conflicts_with = "json")]
    plain: bool,
    /// For programs: one JSON object per line, both ways.
    #[arg(help_heading = EVERYWHERE, long, global = true)]
    json: bool,
    /// What the settings file says; read before anything is done.
    #[arg(skip)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Run a relay and a chat in it, and print the link that lets others in.
    Host {
        /// Name of the room.
        #[arg(default_value = "lobby", value_parser = labelled, allow_hyphen_values = true)]
        room: String,
        /// Where the relay listens (UDP).
        #[arg(long, default_value_t = host::LISTEN, value_name = "ADDRESS:PORT")]
        listen: SocketAddr,
        /// Where others reach the relay, for the link [default: this machine's address].
        #[arg(long, value_name = "HOST:PORT", value_parser = address)]
        advertise: Option<RelayAddress>,
    },
    /// Own the profile, so that many chats, bots and commands use it at once; it runs until it is ended.
    Daemon {
        #[command(subcommand)]
        command: Option<daemon::DaemonCommand>,
    },
    /// Show on this machine, with a real relay and real clients, that the promises hold.
    Demo,
    /// Send one message and wait until the relay has it on disk.
    Send {
        /// A room of this profile.
        #[arg(value_parser = labelled, allow_hyphen_values = true)]
        room: String,
        /// The message; `-` sends standard input as it comes: what arrives within a third of a second is one message.
        #[arg(required_unless_present = "files", default_value = "", hide_default_value = true)]
        text: String,
        /// Send this file with it; may be given several times.
        #[arg(long = "file", value_name = "PATH")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        patience: wait::Patience,
    },
    /// Print a room's messages as they come; with --ack, go on where the last one ended.
    Tail {
        /// A room of this profile.
        #[arg(value_parser = labelled, allow_hyphen_values = true)]
        room: String,
        /// Begin with this sequence number [default: the last ten lines].
        #[arg(long, value_name = "SEQ", value_parser = number::<u64>)]
        from: Option<u64>,
        /// Begin after what was acknowledged, and acknowledge: what was written, or what standard input says.
        #[arg(
            long,
            value_enum,
            value_name = "WHEN",
            num_args = 0..=1,
            default_missing_value = "written",
            require_equals = true,
            conflicts_with = "from"
        )]
        ack: Option<tail::Ack>,
        /// A cursor of its own, so that two programs on one profile do not share what is acknowledged.
        #[arg(long, value_name = "NAME", requires = "ack", allow_hyphen_values = true)]
        cursor: Option<String>,
    },
    /// Print an invite link.
    Invite {
        /// A room of this profile.
        #[arg(value_parser = labelled, allow_hyphen_values = true)]
        room: String,
        /// A new link that lets in so many devices; 0 for no limit.
        #[arg(long, value_name = "N")]
        uses: Option<u32>,
        /// A new link that ends after a time such as 2h or 7d, or never.
        #[arg(long, value_name = "TIME", value_parser = lifetime)]
        expires: Option<u32>,
        #[command(flatten)]
        patience: wait::Patience,
    },
    /// Link this device to the account of another one, or another one to this account.
    ///
    /// On a new device it shows a code, for ten minutes and one use; give it to the device that has your account (/link CODE in its
    /// chat, or `schat link CODE`). Or the other way round: /link there shows a code, for `schat link CODE` here. Both
    /// devices show seven emoji, and it is asked on the one that has the account whether they are the same. Before that nothing
    /// is handed over. What broke off goes on when it is run again.
    Link {
        /// The code that the other device shows, or `-` to read it from standard input; or, on a new device, the relay to use: HOST:PORT, or its link.
        #[arg(value_name = "CODE|RELAY")]
        code: Option<String>,
        /// On the device that has the account: how much of the past goes with it: none, all, or so many messages of each room [default: 1000].
        #[arg(long, value_name = "MESSAGES", value_parser = handed_past)]
        history: Option<HandedPast>,
        /// Give up the linking that is under way.
        #[arg(long, conflicts_with = "code")]
        cancel: bool,
        /// Give up the account of this profile, which is in no room, so that this device becomes one of another.
        #[arg(long = "new", conflicts_with = "cancel")]
        anew: bool,
    },
    /// List the rooms of this profile.
    Rooms {
        /// With the id of each at its relay; --json always has it.
        #[arg(long)]
        id: bool,
        /// With those that you left, whose history is still here.
        #[arg(long)]
        all: bool,
    },
    /// Delete what this device keeps of a room that you left, or that is over.
    Forget {
        /// A room of this profile; `schat rooms --all` lists them.
        #[arg(value_parser = labelled, allow_hyphen_values = true)]
        room: String,
        /// Without asking.
        #[arg(long)]
        yes: bool,
    },
    /// Print what a room is: its id at the relay, its relay, and what it allows.
    ///
    /// It shows what this device knew last, and asks no relay. The relay's operator knows a room by that id alone.
    Info {
        /// A room of this profile.
        #[arg(value_parser = labelled, allow_hyphen_values = true)]
        room: String,
    },
    /// Your devices, as your rooms know them: list them, rename this one, or take another one out of every room.
    Devices {
        #[command(subcommand)]
        command: Option<devices::DevicesCommand>,
    },
    /// Print your fingerprint, which others can compare.
    Fingerprint,
    /// Print the safety number with a member, to compare over another channel; with --yes, mark that it was the same.
    ///
    /// It shows what this device knew last, and asks no relay.
    Verify {
        /// A room of this profile.
        #[arg(value_parser = labelled, allow_hyphen_values = true)]
        room: String,
        /// The member: a name, name#digits, or a fingerprint; with --yes the whole fingerprint.
        #[arg(value_name = "NAME", allow_hyphen_values = true)]
        member: String,
        /// The numbers were the same: mark the key as verified.
        #[arg(long)]
        yes: bool,
        /// Take the mark back.
        #[arg(long, conflicts_with = "yes")]
        undo: bool,
    },
    /// Lock the profile with a passphrase, or change it; --status tells how it is.
    ///
    /// The passphrase comes from --passphrase-file, from `passphrase_command` in config.toml, from the keyring, or from you, without echo. For
    /// a locked profile that is the old one, and the new one comes from --new-passphrase-file or from you. There is no way in without it.
    ///
    /// Bytes of the plain key may stay on the disk or in backups: lock a new profile before its first room.
    Lock(lock::LockCommand),
    /// Take the passphrase off: the key is a plain file again.
    Unlock,
    /// Send files to rooms, and fetch those that others sent.
    #[command(subcommand)]
    File(file::FileCommand),
    /// Find messages that this device has, the newest first.
    Search {
        /// All of these words, however they are written.
        #[arg(allow_negative_numbers = true)]
        words: Vec<String>,
        /// In this room only.
        #[arg(long, value_name = "ROOM", value_parser = labelled, allow_hyphen_values = true)]
        room: Option<String>,
        /// Only of people whose name contains this.
        #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
        from: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = number::<usize>)]
        limit: usize,
    },
    /// Write all messages of a room that this device has.
    Export {
        /// A room of this profile.
        #[arg(value_parser = labelled, allow_hyphen_values = true)]
        room: String,
        /// How [default: text, or json with --json].
        #[arg(long, value_enum, value_name = "FORMAT")]
        format: Option<archive::Format>,
        /// Into this file, which only you can read, instead of standard output.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Overwrite the file.
        #[arg(long, requires = "output")]
        force: bool,
        /// Fetch the files that were sent there into this directory, too.
        #[arg(long, value_name = "DIR")]
        files: Option<PathBuf>,
    },
    /// Write a backup, sealed under twelve words that are shown the first time: account, people, rooms and their history.
    ///
    /// It is read back whole before it counts, and the one that was there stays until then. It has no key that opens
    /// messages: after `schat restore` members of each room let the device back in. A chat or a daemon may run meanwhile.
    Backup(backup::BackupCommand),
    /// Restore a backup into a new profile, and come back into its rooms.
    ///
    /// It takes the place of the device that is gone, so use it instead of that, and once.
    Restore(backup::RestoreCommand),
    /// Print your settings and where each comes from, as a config.toml.
    Config(config::ConfigCommand),
    /// Print a completion script.
    Completions {
        /// For which shell.
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands.
    Man {
        /// Write one page per command into this directory instead of printing the first.
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

impl CliCommand {
    /// It does nothing while the settings cannot be read.
    fn heeds_settings(&self) -> bool {
        !matches!(self, Self::Demo | Self::Config(_) | Self::Completions { .. } | Self::Man { .. })
    }
}

/// The command line; or how the program ends that printed its help, or what is wrong with it.
///
/// # Errors
/// The exit code, when there is nothing to do.
pub fn parse() -> Result<Cli, Exit> {
    let command = Cli::command().mut_args(without_empty_variable);
    let arguments = text::told_apart(&command, std::env::args_os().collect());
    let is_json =
        arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json");
    let parsed = command.try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|told| {
        let exit = if told.use_stderr() { Exit::Usage } else { Exit::Ok };
        if is_json && told.use_stderr() {
            telling::failure(true, &words::command::program::misused(&told.to_string()));
            return exit;
        }
        if told.use_stderr() {
            let _ = told.print();
            return exit;
        }
        if stdout::is_open() {
            stdout::kept(told.print().and_then(|()| io::stdout().flush()));
        }
        stdout::failure().map_or(exit, |failure| {
            eprintln!("schat: {}", words::failure(&failure));
            failure.exit
        })
    })
}

/// A variable that is empty counts as one that is not there, as a script's that was given nothing.
fn without_empty_variable(argument: Arg) -> Arg {
    let value = argument.get_env().and_then(std::env::var_os);
    if value.is_some_and(|value| value.is_empty()) { argument.env(Resettable::Reset) } else { argument }
}

/// Does what the command line asks; the failure, if any, is told as [`end`] does.
pub async fn run(cli: Cli) -> Exit {
    let is_json = cli.is_json();
    let done = dispatch::dispatch(cli).await;
    // Whatever else it did, what was asked for did not arrive.
    let broken = stdout::failure().filter(|_| matches!(done, Ok(Exit::Ok)));
    end(is_json, broken.map_or(done, Err))
}

/// The exit code; the failure, if any, is told to a person on standard error, to a program as an object. What ends in order has
/// nothing to tell.
pub fn end(is_json: bool, done: Result<Exit, Failure>) -> Exit {
    done.unwrap_or_else(|failure| {
        if failure.exit != Exit::Ok {
            telling::failure(is_json, &failure);
        }
        failure.exit
    })
}

/// The log ends. Whoever wants to send it is told if something is missing in it.
pub fn end_log(exit: Exit) {
    if let Some(why) = log::ends(exit) {
        // Where there is nobody to tell, there is nothing to do.
        let _ = writeln!(io::stderr(), "schat: {}", words::command::log::incomplete(why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// The ids in this command and those below it that a command above has for all: clap takes one for the other.
    fn taken_for_others(command: &clap::Command, above: &[clap::Id]) -> Vec<String> {
        let own = || command.get_arguments();
        let taken = own().filter(|argument| above.contains(argument.get_id()));
        let mut found: Vec<String> =
            taken.map(|argument| format!("{}: {}", command.get_name(), argument.get_id())).collect();
        let globals =
            own().filter(|argument| argument.is_global_set()).map(|argument| argument.get_id().clone());
        let above: Vec<_> = above.iter().cloned().chain(globals).collect();
        found.extend(command.get_subcommands().flat_map(|below| taken_for_others(below, &above)));
        found
    }

    #[test]
    fn nothing_of_one_command_is_taken_for_an_option_of_all() {
        assert_eq!(taken_for_others(&Cli::command(), &[]), [""; 0]);
        for line in [["devices", "rename", "phone"], ["devices", "remove", "phone"]] {
            let cli = Cli::try_parse_from(["schat"].iter().chain(&line)).unwrap();
            assert_eq!(cli.globals.name, None, "{line:?}");
        }
    }

    #[test]
    fn names_rooms_and_texts_may_begin_as_options_do() {
        let told = |line: &[&str]| {
            Cli::try_parse_from(["schat"].iter().chain(line)).map_err(|error| error.to_string())
        };
        for name in ["- note", "-5", "--json", "-h"] {
            let cli = told(&["--name", name, "rooms"]).unwrap();
            assert_eq!(cli.globals.name.as_deref(), Some(name));
            let cli = told(&["search", "word", "--from", name, "--room", name, "--limit", "3"]).unwrap();
            let Some(CliCommand::Search { from, room, limit: 3, .. }) = cli.command else { panic!("{name}") };
            assert_eq!((from.as_deref(), room.as_deref()), (Some(name), Some(name)));
        }
        for room in ["- note", "-5"] {
            let cli = told(&["tail", room, "--json", "--from", "7"]).unwrap();
            assert!(cli.globals.json);
            assert!(
                matches!(cli.command, Some(CliCommand::Tail { room: named, from: Some(7), .. }) if named == room)
            );
            let cli = told(&["verify", room, "- bob", "--yes"]).unwrap();
            assert!(matches!(cli.command, Some(CliCommand::Verify { room: named, member, yes: true, .. })
                if named == room && member == "- bob"));
        }
        let cli = told(&["search", "-5", "degrees", "--limit", "3"]).unwrap();
        assert!(
            matches!(cli.command, Some(CliCommand::Search { words, limit: 3, .. }) if words == ["-5", "degrees"])
        );
        assert!(told(&["tail", "team", "--no-such"]).is_err());
    }

    #[test]
    fn link_and_commands_are_told_apart() {
        assert!(Cli::parse_from(["schat", "schat://h:1/#x"]).link.is_some());
        assert!(Cli::parse_from(["schat", "-"]).link.is_some());
        assert!(matches!(Cli::parse_from(["schat", "host"]).command, Some(CliCommand::Host { .. })));
        let cli = Cli::parse_from(["schat", "tail", "team", "--json", "--from", "7"]);
        assert!(cli.globals.json && matches!(cli.command, Some(CliCommand::Tail { from: Some(7), .. })));
    }
}
