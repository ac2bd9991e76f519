//! Two sizes of help: one that fits a screen, and one that explains everything.

use std::ffi::{OsStr, OsString};

use clap::{Command, CommandFactory};

use super::Cli;

/// What the short help says where the long one names every variable.
const ELSEWHERE: &str =
    "More commands: accept-identity, check, clock, compact, drain, freeze, thaw, uninstall, completions, man, bench.
Each setting is also a variable (--keep-days: RELAY_KEEP_DAYS) and a key in relay.toml (keep-days).
There are more, limits among them: --help-all explains each.";

/// Commands that are used seldom, if at all; the short help only names them.
const RARE: [&str; 11] = [
    "accept-identity",
    "check",
    "clock",
    "compact",
    "drain",
    "freeze",
    "thaw",
    "uninstall",
    "completions",
    "man",
    "bench",
];

/// The command line whose help has the size that these arguments ask for.
pub(crate) fn command(arguments: &[OsString]) -> Command {
    match arguments.iter().any(|argument| argument == OsStr::new("--help-all")) {
        true => Cli::command(),
        false => short(),
    }
}

/// Without the variables and with one list of options, it fits a screen.
pub(super) fn short() -> Command {
    let rare = |name: &str| RARE.contains(&name);
    Cli::command()
        .mut_subcommands(|command| match rare(command.get_name()) {
            true => command.hide(true),
            false => command,
        })
        .mut_args(|arg| {
            let values = arg.get_action().takes_values() || arg.get_num_args().is_some();
            let is_off = arg.get_default_values().iter().any(|value| value == "false");
            arg.hide_env(values)
                .hide_possible_values(values)
                .hide_default_value(is_off)
                .help_heading(None::<&str>)
        })
        .after_help(ELSEWHERE)
}
