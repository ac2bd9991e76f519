//! Of the program itself: settings, manual pages, what it was built without, the command line.

use std::{fmt::Display, io, path::Path};

use crate::{
    faces::words::text::sentence,
    failure::{Exit, Failure},
};

/// Nothing says where settings would be.
pub fn no_home() -> Failure {
    Failure::usage("There is no home directory to look for settings in.", "Name a file with SCHAT_CONFIG.")
}

/// The settings file cannot be made.
pub fn no_settings(path: &Path, error: &io::Error) -> Failure {
    let cause = format!("{} cannot be made: {error}.", path.display());
    Failure::new(Exit::Local, "config", cause, "Name another file with SCHAT_CONFIG.")
}

/// The editor was not content.
pub fn editor_ended(status: impl Display) -> Failure {
    editor(format!("The editor ended with {status}."))
}

/// There is no such editor.
pub fn no_editor(name: impl Display, error: &io::Error) -> Failure {
    editor(format!("The editor {name} cannot be started: {error}."))
}

fn editor(cause: String) -> Failure {
    Failure::new(Exit::Local, "editor", cause, "Name another in EDITOR.")
}

/// The manual pages cannot be written.
pub fn no_manual(error: &io::Error) -> Failure {
    let cause = format!("The manual pages cannot be written: {error}.");
    Failure::new(Exit::Local, "man", cause, "Name another directory.")
}

/// What this program was built without; `full`: the command that builds all of it.
pub fn without(what: &str, full: &str, instead: &str) -> Failure {
    let message = format!("This schat was built without {what}.");
    let remedy = format!("Packages have it, and so has what `{full}` builds. {instead}");
    Failure::new(Exit::Local, "not_built", message, remedy.trim_end())
}

/// A setting that this program cannot follow.
pub fn unheeded(setting: &str, failure: &Failure) -> String {
    format!("{setting} is not heeded. {} {}", failure.message, failure.remedy)
}

/// What notifications of the desktop are called, and what there is without them.
pub const NOTIFICATIONS: (&str, &str) = ("notifications of the desktop", "Those of the terminal are as set.");

/// The same of manual pages.
pub const MANUAL: (&str, &str) = ("manual pages", "`schat help` and `schat help COMMAND` say the same.");

/// A link and a command stand beside each other.
pub fn link_and_command() -> Failure {
    Failure::usage("A link and a command do not go together.", "See `schat --help`.")
}

/// Whoever misspelled a command meant no link.
pub fn no_link_but(command: &str) -> String {
    format!("this is no link; the command is `{command}`")
}

/// For a number that is none.
pub const NO_NUMBER: &str = "this is no whole number, or too large";

/// The command line makes no sense; `told`: what a person would be shown. A program has no use for its layout.
pub fn misused(told: &str) -> Failure {
    let about = told.lines().take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let about: Vec<&str> = about.map(str::trim).filter(|line| !line.is_empty()).collect();
    let about = about.join(" ");
    let about = about.strip_prefix("error: ").unwrap_or(&about);
    Failure::usage(sentence(about), "See `schat --help`.")
}
