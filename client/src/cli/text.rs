//! `schat send ROOM TEXT`: the text is text, also when it begins as an option does. Scripts send what others wrote.

use std::ffi::{OsStr, OsString};

use clap::Command;

/// The arguments as clap takes them: a text that looks like an option stands at the end, behind `--`.
///
/// What comes after the room is an option if it is one of ours and something follows it; the rest is the text. Help is
/// asked for before the room.
pub(super) fn told_apart(cli: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
    match place(cli, &arguments) {
        Some(text) => {
            let mut arguments = arguments;
            let text = arguments.remove(text);
            arguments.extend([OsString::from("--"), text]);
            arguments
        }
        None => arguments,
    }
}

/// Where a text is that clap would take for an option.
fn place(cli: &Command, arguments: &[OsString]) -> Option<usize> {
    let send = cli.find_subcommand("send")?;
    let known = Known([cli, send]);
    let command = known.first_value(arguments, 1)?;
    if arguments.get(command)? != "send" {
        return None;
    }
    let room = known.first_value(arguments, command + 1)?;
    let last = arguments.len().checked_sub(1)?;
    let text = if room + 1 == last { last } else { known.first_value(arguments, room + 1)? };
    let looks_like_one =
        arguments.get(text)?.to_string_lossy().len() > 1 && begins_as_one(arguments.get(text)?);
    looks_like_one.then_some(text)
}

/// The options that count before and after `send`.
struct Known<'a>([&'a Command; 2]);

impl Known<'_> {
    /// From `from` on, the first argument that is neither an option nor its value. None behind `--`: clap sees to it.
    fn first_value(&self, arguments: &[OsString], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let argument = arguments.get(at)?;
            if argument == "--" {
                return None;
            }
            at += match self.width(argument) {
                Some(width) => width,
                None => return Some(at),
            };
        }
    }

    /// How many arguments an option takes, itself included.
    fn width(&self, argument: &OsStr) -> Option<usize> {
        let name = argument.to_str()?.strip_prefix("--")?;
        let (name, has_value) = name.split_once('=').map_or((name, false), |(name, _)| (name, true));
        let mut options = self.0.iter().flat_map(|command| command.get_arguments());
        let option = options.find(|option| option.get_long() == Some(name))?;
        Some(if option.get_action().takes_values() && !has_value { 2 } else { 1 })
    }
}

fn begins_as_one(argument: &OsStr) -> bool {
    argument.as_encoded_bytes().first() == Some(&b'-')
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::Cli;

    fn apart(line: &[&str]) -> Vec<OsString> {
        told_apart(&Cli::command(), line.iter().map(OsString::from).collect())
    }

    #[test]
    fn text_that_looks_like_an_option_is_the_text() {
        for text in ["-h", "--help", "-V", "-5 degrees", "--json", "--timeout", "--", "-x=1", "--no-such"] {
            for line in [
                &["schat", "send", "team", text] as &[&str],
                &["schat", "--profile", "send", "send", "team", text],
                &["schat", "send", "--timeout", "3", "team", text],
            ] {
                let cli =
                    Cli::try_parse_from(apart(line)).unwrap_or_else(|error| panic!("{line:?}: {error}"));
                let Some(crate::cli::Command::Send { room, text: sent, .. }) = cli.command else {
                    panic!("{line:?}")
                };
                assert_eq!((room.as_str(), sent.as_str()), ("team", text), "{line:?}");
            }
        }
        let cli =
            Cli::try_parse_from(apart(&["schat", "send", "team", "-5 degrees", "--timeout", "3", "--json"]));
        let cli = cli.unwrap();
        assert!(cli.globals.json);
        assert!(matches!(cli.command, Some(crate::cli::Command::Send { text, .. }) if text == "-5 degrees"));
    }

    #[test]
    fn everything_else_is_left_as_it_is() {
        for line in [
            &["schat", "send", "team", "hi"] as &[&str],
            &["schat", "send", "team", "-"],
            &["schat", "send", "team", "-", "--timeout", "3"],
            &["schat", "send", "team", "--timeout", "3", "hi"],
            &["schat", "send", "team", "--", "-h"],
            &["schat", "send", "--help"],
            &["schat", "send", "-h"],
            &["schat", "send"],
            &["schat", "tail", "team", "--help"],
            &["schat", "help", "send"],
            &["schat"],
            &[],
        ] {
            assert_eq!(apart(line), line.iter().map(OsString::from).collect::<Vec<_>>());
        }
    }
}
