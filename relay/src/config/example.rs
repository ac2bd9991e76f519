//! A relay.toml to begin with: every setting with its explanation, commented out.

use std::fmt::Write;

use clap::{Arg, Command};

use super::{Origin, Setting, show};

/// Width of the comments, in columns.
const WIDTH: usize = 100;

/// What stands above everything.
const HEAD: &str = "\
# Settings of the Schat relay. What is commented out shows its default; the defaults suit a small
# server. `relay config` prints what is in force. Flags and RELAY_... variables win over this file.
";

/// The example; `command` explains each. What is set otherwise than by default stands there uncommented, but for secrets.
pub fn example(settings: &[Setting], command: &Command) -> String {
    let mut text = HEAD.to_owned();
    let mut heading = None;
    for setting in settings {
        let Some(argument) = command.get_arguments().find(|argument| named(argument, setting)) else {
            continue;
        };
        let its = argument.get_help_heading();
        if its != heading {
            let its = its.unwrap_or("More");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\n# --- {its} {}", "-".repeat(WIDTH.saturating_sub(its.len() + 7)));
            heading = argument.get_help_heading();
        }
        let _ = write!(text, "\n{}{}\n", comment(argument), line(argument, setting));
    }
    text
}

fn named(argument: &Arg, setting: &Setting) -> bool {
    argument.get_long() == Some(&setting.name)
}

/// Its long help as comment lines.
fn comment(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let mut text = String::new();
    for paragraph in help.split('\n') {
        let mut column = 0;
        text.push('#');
        for word in paragraph.split_whitespace() {
            if column + word.chars().count() + 3 > WIDTH {
                text.push_str("\n#");
                column = 0;
            }
            text.push(' ');
            text.push_str(word);
            column += word.chars().count() + 1;
        }
        text.push('\n');
    }
    text
}

fn line(argument: &Arg, setting: &Setting) -> String {
    let is_given = !matches!(setting.origin, Origin::Default | Origin::Unset) && !setting.is_secret;
    if is_given {
        return show::line(setting);
    }
    let mut defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy()).peekable();
    if defaults.peek().is_none() {
        let placeholder = argument.get_value_names().and_then(|names| names.first());
        let placeholder = placeholder.map_or("…".to_owned(), ToString::to_string);
        return format!("# {} = {}", setting.name, show::written(&placeholder));
    }
    let values: Vec<String> = defaults.map(|value| show::written(&value)).collect();
    match setting.is_list {
        true => format!("# {} = [{}]", setting.name, values.join(", ")),
        false => format!("# {} = {}", setting.name, values.join("")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{super::Loaded, *};
    use crate::cli::{self, Cli};

    fn example(settings: &[Setting]) -> String {
        super::example(settings, &Cli::command())
    }

    fn loaded(file: &str, arguments: &[&str]) -> Loaded {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("relay.toml");
        std::fs::write(&path, file).unwrap();
        let first = ["relay".into(), "--config".into(), path.into_os_string()];
        cli::load(first.into_iter().chain(arguments.iter().map(Into::into))).unwrap().1
    }

    #[test]
    fn example_that_says_anything_by_itself_is_found() {
        let text = example(&loaded("", &[]).settings);
        let said: Vec<_> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        assert_eq!(said, [""; 0]);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH + 1), "{text}");
    }

    #[test]
    fn key_or_default_in_the_example_that_the_program_does_not_take_is_found() {
        let plain = loaded("", &[]);
        let mut uncommented = String::new();
        for setting in plain.settings.iter().filter(|setting| setting.origin == Origin::Default) {
            let start = format!("# {} = ", setting.name);
            let text = example(&plain.settings);
            let line = text.lines().find(|line| line.starts_with(&start)).expect(&start).to_owned();
            uncommented.push_str(line.trim_start_matches("# "));
            uncommented.push('\n');
        }
        let again = loaded(&uncommented, &[]);
        assert_eq!(format!("{:?}", again.config), format!("{:?}", plain.config));
        assert!(again.settings.iter().all(|setting| setting.origin != Origin::Default), "{uncommented}");
    }

    #[test]
    fn what_is_set_stays_set() {
        let text = example(&loaded("rate = 7", &["--data-dir", "/var/lib/schat-relay"]).settings);
        let again = loaded(&text, &[]);
        assert_eq!(again.parsed.traffic.rate, 7);
        assert_eq!(again.config.data_dir, Some("/var/lib/schat-relay".into()));
    }
}
