//! What commands take as a text is text, also when it begins as an option does. Scripts send, and look for, what others
//! wrote.

use std::ffi::{OsStr, OsString};

use clap::Command;

/// The arguments as clap takes them: what is text and looks like an option stands at the end, behind `--`.
///
/// Of `send`, what comes after the room is an option if it is one of ours and something follows it; the rest is the text. Of
/// `search`, what is neither an option of ours nor looks like a misspelt one is a word; so is whatever comes last where there is
/// no other, but for `--help` alone.
pub(super) fn told_apart(cli: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
    let texts = texts(cli, &arguments).unwrap_or_default();
    if texts.is_empty() {
        return arguments;
    }
    let (mut kept, mut behind) = (Vec::new(), vec![OsString::from("--")]);
    for (at, argument) in arguments.into_iter().enumerate() {
        if texts.contains(&at) { behind.push(argument) } else { kept.push(argument) }
    }
    kept.append(&mut behind);
    kept
}

/// Where the text is, if clap would take some of it for an option.
fn texts(cli: &Command, arguments: &[OsString]) -> Option<Vec<usize>> {
    let globals = KnownCommands(vec![cli]);
    let at = globals.first_value(arguments, 1)?;
    let name = arguments.get(at)?.to_str()?;
    let known = KnownCommands(vec![cli, cli.find_subcommand(name)?]);
    let texts = match name {
        "send" => vec![message(&known, arguments, at)?],
        "search" => words(&known, arguments, at),
        _ => return None,
    };
    let is_taken = |at: &usize| arguments.get(*at).is_some_and(|text| text.len() > 1 && begins_as_one(text));
    texts.iter().any(is_taken).then_some(texts)
}

/// The message of a `send` that stands at `command`.
fn message(known: &KnownCommands<'_>, arguments: &[OsString], command: usize) -> Option<usize> {
    let room = known.first_value(arguments, command + 1)?;
    let last = arguments.len().checked_sub(1)?;
    if room + 1 == last { Some(last) } else { known.first_value(arguments, room + 1) }
}

/// The words of a `search` that stands at `command`; none where clap finds them.
fn words(known: &KnownCommands<'_>, arguments: &[OsString], command: usize) -> Vec<usize> {
    let mut words = Vec::new();
    let (mut at, mut last) = (command + 1, None);
    while let Some(argument) = arguments.get(at) {
        if argument == "--" {
            return Vec::new();
        }
        last = Some(at);
        match known.width(argument) {
            Some(width) => at += width,
            None => {
                if !argument.as_encoded_bytes().starts_with(b"--") {
                    words.push(at);
                }
                at += 1;
            }
        }
    }
    let ends = last.filter(|last| words.is_empty() && last + 1 == arguments.len());
    let asks =
        |last: &usize| *last == command + 1 && arguments.get(*last).is_some_and(|only| only == "--help");
    words.extend(ends.filter(|last| !asks(last)));
    words
}

/// The commands whose options count.
struct KnownCommands<'a>(Vec<&'a Command>);

impl KnownCommands<'_> {
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
                let Some(crate::cli::CliCommand::Send { room, text: sent, .. }) = cli.command else {
                    panic!("{line:?}")
                };
                assert_eq!((room.as_str(), sent.as_str()), ("team", text), "{line:?}");
            }
        }
        let cli =
            Cli::try_parse_from(apart(&["schat", "send", "team", "-5 degrees", "--timeout", "3", "--json"]));
        let cli = cli.unwrap();
        assert!(cli.globals.json);
        assert!(
            matches!(cli.command, Some(crate::cli::CliCommand::Send { text, .. }) if text == "-5 degrees")
        );
    }

    #[test]
    fn word_that_looks_like_an_option_is_looked_for() {
        for (line, wanted) in [
            (&["schat", "search", "-h"] as &[&str], &["-h"] as &[&str]),
            (&["schat", "search", "-V"], &["-V"]),
            (&["schat", "search", "-x=1", "two"], &["-x=1", "two"]),
            (&["schat", "search", "two", "-5", "-h"], &["two", "-5", "-h"]),
            (&["schat", "search", "--json"], &["--json"]),
            (&["schat", "search", "--room"], &["--room"]),
            (&["schat", "search", "--no-such"], &["--no-such"]),
            (&["schat", "--profile", "search", "search", "--room", "team", "--help"], &["--help"]),
            (&["schat", "search", "-h", "--room", "team"], &["-h"]),
            (&["schat", "search", "word", "--room", "team"], &["word"]),
            (&["schat", "search", "--", "--help"], &["--help"]),
        ] {
            let cli = Cli::try_parse_from(apart(line)).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            let Some(crate::cli::CliCommand::Search { words, room, .. }) = cli.command else {
                panic!("{line:?}")
            };
            assert_eq!(words, wanted, "{line:?}");
            assert_eq!(room.is_some(), line.contains(&"team"), "{line:?}");
        }
        let cli = Cli::try_parse_from(apart(&["schat", "search", "-h", "--limit", "3", "--json"])).unwrap();
        assert!(cli.globals.json);
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
            &["schat", "search", "--help"],
            &["schat", "search", "word", "--help"],
            &["schat", "search", "word", "--rooom", "team"],
            &["schat", "search", "--from", "ann"],
            &["schat", "search"],
            &["schat"],
            &[],
        ] {
            assert_eq!(apart(line), line.iter().map(OsString::from).collect::<Vec<_>>());
        }
    }
}
