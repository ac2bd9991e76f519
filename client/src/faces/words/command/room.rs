//! Of rooms and what was said there: `search`, `export`, `verify`, `tail`, `send` and what waits for a relay.

use std::{io, path::Path};

use crate::failure::{Exit, Failure};

/// Nothing was named that could be looked for.
pub fn no_words() -> Failure {
    Failure::usage("There is nothing to look for.", "Name words, or a person with --from.")
}

/// The search found nothing.
pub fn nothing_fits() -> Failure {
    Failure::not_found(
        "Nothing that this device has fits.",
        "Try fewer words; what was said before you joined is not here.",
    )
}

/// An export cannot begin.
pub fn export_refused(path: &Path, error: &io::Error) -> Failure {
    let message = format!("The file {} cannot be written: {error}.", path.display());
    let remedy = match error.kind() {
        io::ErrorKind::AlreadyExists => "Name another file, or overwrite it with --force.",
        _ => "Name another file.",
    };
    Failure::new(Exit::Local, "export", message, remedy)
}

/// An export broke off.
pub fn export_broken(path: &Path, error: &io::Error) -> Failure {
    let message = format!("The file {} is not complete: {error}.", path.display());
    Failure::new(Exit::Local, "export", message, "Free some space, then export again.")
}

/// What was typed behind `link` is neither.
pub fn no_code() -> Failure {
    Failure::usage(
        "That is neither the code of a device nor a relay.",
        "Copy all of the code that the other device shows. A relay is named with its port: HOST:PORT.",
    )
}

/// The account is in use: it is not given up for another one.
pub fn in_rooms() -> Failure {
    Failure::new(
        Exit::Refused,
        "in_rooms",
        "The account of this profile has rooms here, or another linking is under way in it.",
        "Leave them and forget them (schat forget ROOM); or use another profile: schat --profile DIR link.",
    )
}

/// The profile has no such room.
pub fn unknown(room: &str) -> Failure {
    Failure::not_found(format!("There is no room {room} in this profile."), SEE_ROOMS)
}

/// The room's state cannot be read.
pub fn damaged(error: impl Into<String>) -> Failure {
    let remedy = "Restore a backup of the profile, or join again by a new invite.";
    Failure::new(Exit::Local, "storage", error, remedy)
}

const SEE_ROOMS: &str = "See `schat rooms`.";

/// Nobody compares a number with themselves.
pub fn ourselves() -> Failure {
    Failure::usage("That is you.", "Compare with somebody else.")
}

/// The key of `name` is marked.
pub fn marked(name: &str) -> String {
    format!("{name} is verified from now on.")
}

/// The mark of `name` is taken back.
pub fn unmarked(name: &str) -> String {
    format!("{name} is not verified any more.")
}

/// There is nobody to compare with any more.
pub fn over(room: &str) -> Failure {
    Failure::not_found(format!("The room {room} is over."), SEE_ROOMS)
}

/// Nobody knows yet who is there.
pub fn not_in_yet(room: &str) -> Failure {
    Failure::not_found(
        format!("You are not in {room} yet."),
        "Open it with schat, and wait until it says so.",
    )
}

/// Somebody is to be marked by a name; `command` does it by the fingerprint.
pub fn marked_by_name(command: &str) -> Failure {
    Failure::usage(
        "A key is marked by its whole fingerprint: a name may have changed hands since the numbers were compared.",
        format!("If the number was the same, say {command}."),
    )
}

/// `tail` is told something else.
pub fn only_acknowledged() -> Failure {
    Failure::usage("tail takes nothing but ack and quit.", "Use schat --json.")
}

/// `tail` is told too much at once.
pub fn line_too_long() -> Failure {
    Failure::usage("The line is too long.", "See docs/json.md.")
}

/// What is waited for. `why`: why it takes so long, as far as that is known.
pub fn waiting_for(relay: Option<String>, seconds: u32, why: Option<String>) -> String {
    // Once is enough.
    let relay = relay.filter(|relay| why.as_ref().is_none_or(|why| !why.contains(relay)));
    let relay = relay.map_or_else(|| "the relay".to_owned(), |relay| format!("the relay {relay}"));
    let why = why.map(|why| format!(" {why}")).unwrap_or_default();
    format!("Waiting for {relay}, at most {seconds} s.{why}")
}

/// It was waited for in vain.
pub fn no_answer() -> Failure {
    Failure::new(Exit::Network, "network", "The relay did not answer in time.", "Try again.")
}

/// The remedy where a message waits in the outbox.
pub const KEPT: &str = "The message is kept and sent at the next start.";

/// The same of several.
pub const QUEUED: &str = "What is queued is sent at the next start.";

/// What was read is not all there is.
pub const NOT_ALL_TAKEN: &str = " Not all of the input was taken.";

/// How many messages wait at the end.
pub fn still_queued(left: usize) -> String {
    let (what, are) = if left == 1 { ("message", "is") } else { ("messages", "are") };
    format!("{left} {what} {are} still queued, and sent at the next start.")
}

/// A link was to come.
pub fn no_link() -> Failure {
    Failure::usage("There is no link on standard input.", "")
}

/// Nobody can be asked whether a room is to be forgotten.
pub fn not_asked() -> Failure {
    Failure::usage(
        "All that was said in the room would be deleted on this device.",
        "Say --yes if that is meant.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relay_that_is_waited_for_is_named_once() {
        let relay = || Some("h:1".to_owned());
        assert_eq!(waiting_for(relay(), 30, None), "Waiting for the relay h:1, at most 30 s.");
        let why = Some("No relay answers at h:1.".to_owned());
        assert_eq!(
            waiting_for(relay(), 5, why),
            "Waiting for the relay, at most 5 s. No relay answers at h:1."
        );
    }
}
