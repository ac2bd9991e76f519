//! Of the profile: where it is, its lock, passphrases and the keyring of the system, and the first name.

use std::{fmt::Display, io, path::Path};

use crate::{
    faces::words::called,
    failure::{Exit, Failure},
};

/// There is none, and this command makes none. `is_named`: somebody said where it is.
pub fn missing(path: &Path, is_named: bool) -> Failure {
    let cause = format!("There is no profile in {}.", path.display());
    let remedy = if is_named {
        "Check --profile and SCHAT_PROFILE; `schat --profile DIR` makes a new one."
    } else {
        "`schat` makes one; if yours is elsewhere, name it with --profile DIR."
    };
    Failure::not_found(cause, remedy)
}

/// It was made just now.
pub fn made(path: &Path, key: &Path) -> [String; 2] {
    [
        format!("New profile in {}.", path.display()),
        format!(
            "Its key is the file {}, readable by you only: anybody who can read this directory can read your rooms. schat lock puts a passphrase on it.",
            key.display()
        ),
    ]
}

/// Others of this machine could take the key.
pub fn readable_by_others(key: &Path) -> String {
    format!(
        "WARNING: others can read the key of this profile, and so your rooms. Keep it to yourself: chmod 600 '{}'",
        key.display()
    )
}

/// The keyring has it now.
pub const IN_KEYRING: &str =
    "The keyring of this system has the passphrase. Keep a copy elsewhere: there is no way in without it.";

/// The keyring had the old one, and has not the new one.
pub const NOT_IN_KEYRING: &str = "The keyring does not have it: schat lock --keyring puts it there.";

/// What became of the passphrase: the first, another, the same.
pub const LOCKED: &str = "The profile is locked. Without the passphrase nobody can read it, you included.";
/// See [`LOCKED`].
pub const LOCKED_ANEW: &str =
    "The passphrase is another now. The old one still opens old copies of the profile.";
/// See [`LOCKED`].
pub const LOCKED_AS_BEFORE: &str = "The passphrase is as before.";

/// There was nothing to take off.
pub const NOT_LOCKED: &str = "The profile is not locked.";

/// It was taken off.
pub const UNLOCKED: &str =
    "The profile is not locked any more: anybody who can read its directory can read your rooms.";

/// How it is, without a passphrase.
pub const STATUS_PLAIN: &str = "not locked: anybody who can read the profile's directory can read your rooms";

/// How it is, with one.
pub fn status_locked(in_keyring: bool, memory_mib: u32, passes: u32, lanes: u32) -> String {
    let kept = if in_keyring { ", which the keyring of this system is to have" } else { "" };
    format!("locked by a passphrase{kept} (Argon2id: {memory_mib} MiB, {passes} passes, {lanes} lanes)")
}

/// What is asked.
pub const QUESTION: &str = "Passphrase of the profile: ";

/// The keyring did not help, before somebody is asked.
pub fn not_by_keyring(why: &str) -> String {
    format!("not opened by the keyring: {why}")
}

/// Typed twice, and not the same.
pub fn not_the_same() -> Failure {
    passphrase("The two are not the same.", "Nothing was changed; try again.")
}

/// Another source goes before the keyring.
pub fn other_source(asked: &str) -> String {
    format!("A start with {asked} asks that, and not the keyring.")
}

/// The file of a passphrase cannot be read.
pub fn no_passphrase_file(exit: Exit, path: &Path, error: &io::Error) -> Failure {
    let message = format!("The passphrase cannot be read from {}: {error}.", path.display());
    Failure::new(exit, "passphrase", message, "Name a file whose first line it is.")
}

/// Others of this machine could read that file.
pub fn file_of_others(path: &Path) -> String {
    format!("others may read {}: chmod 600 it.", path.display())
}

/// The program that knows the passphrase is of no use.
pub fn program_failed(name: &str, what: impl Display) -> Failure {
    let message = format!("The passphrase_command {name} {what}.");
    passphrase(message, "Run it by hand; it is set in config.toml, see schat config.")
}

/// A passphrase that is no text.
pub const NO_TEXT: &str = "it is not text";

/// What the program of [`program_failed`] did.
pub fn cannot_be_started(error: &io::Error) -> String {
    format!("cannot be started: {error}")
}

/// See [`cannot_be_started`].
pub fn printed_nonsense(error: &io::Error) -> String {
    format!("printed what cannot be read: {error}")
}

/// What was typed is no text.
pub fn not_text() -> Failure {
    passphrase("What was typed is not text.", "Type it again; the terminal should speak UTF-8.")
}

/// Somebody stopped it.
pub fn stopped() -> Failure {
    Failure::new(Exit::Interrupted, "interrupted", "Stopped.", "")
}

/// The end came instead of a passphrase.
pub fn nothing_typed() -> Failure {
    passphrase("No passphrase was typed.", "Try again.")
}

/// There is nobody to ask.
pub fn no_terminal(error: &io::Error) -> Failure {
    passphrase(
        format!("There is no terminal to ask for the profile's passphrase at: {error}."),
        "Name a file with --passphrase-file, or a program as passphrase_command in config.toml, or use schat lock --keyring.",
    )
}

fn passphrase(message: impl Into<String>, remedy: &str) -> Failure {
    Failure::new(Exit::Local, "passphrase", message, remedy)
}

/// The profile's note of its entry in the keyring cannot be read.
pub fn keyring_note(error: impl Display) -> String {
    format!("the file `keyring` of the profile is not heeded: {error}.")
}

/// The keyring does not keep what it is given.
pub const GAVE_ANOTHER: &str = "it gave another passphrase back than it was given";

/// It waits for somebody, or for ever.
pub const NO_ANSWER: &str = "it gave no answer";

/// Adds to a failure where the passphrase is: nothing else names that entry.
pub fn look_in_keyring(failure: Failure, entry: impl Display) -> Failure {
    let message = format!("{} Look for the passphrase in the keyring: {entry}.", failure.message);
    Failure { message, ..failure }
}

/// An entry that cannot be deleted.
pub fn stays_in_keyring(why: &str, entry: impl Display) -> String {
    format!("{why} The old entry stays there ({entry}).")
}

/// What keyrings show of an entry.
pub fn entry(service: &str, account: impl Display) -> String {
    format!("service {service}, account {account}")
}

/// What the keyring is called where this program was built without it, and what there is instead.
pub const KEYRING: (&str, &str) = (
    "the keyring",
    "The passphrase also comes from --passphrase-file, or from a passphrase_command in config.toml.",
);

/// The keyring is of no use.
pub fn keyring_unusable(why: &str) -> Failure {
    let message = format!("The keyring of this system cannot be used: {}.", why.trim_end_matches('.'));
    let remedy = "Is its service running, and unlocked? The passphrase also comes from --passphrase-file.";
    Failure::new(Exit::Local, "keyring", message, remedy)
}

/// It may ask something in a window.
pub const WAITING_FOR_KEYRING: &str = "waiting for the keyring, which may have a question for you. Ctrl-C ends this; --passphrase-file needs no keyring.";

/// The profile names an entry, and there is none.
pub fn not_in_keyring() -> Failure {
    let message = "The keyring of this system has no entry for this profile.";
    let remedy = "It may have been reset, or the profile is a copy. Type the passphrase; schat lock --keyring puts it there again.";
    Failure::new(Exit::Local, "keyring", message, remedy)
}

/// What the first name is for.
pub const ABOUT_NAMES: &str =
    "The people in your rooms see the name that you choose here; /nick changes it later.\n";

/// A link was pasted where a name belongs.
pub const FIRST_THE_NAME: &str = "That is a link; it comes next. First the name.\n";

/// It cannot be one.
pub fn no_name(error: impl Display) -> String {
    format!("That cannot be a name: {error}.\n")
}

/// `--name` says otherwise than the person's other devices.
pub fn name_stays(name: &str) -> String {
    format!(
        "You are called {} at all your devices: --name changes that at none of them, /nick NAME at all.",
        called(name)
    )
}

/// Nobody can answer.
pub fn name_unreadable(error: &io::Error) -> Failure {
    Failure::new(Exit::Local, "input", format!("The terminal cannot be read: {error}."), "Give --name.")
}
