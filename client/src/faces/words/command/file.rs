//! Of `schat file`, and of the files of an export.

use std::{io, path::Path};

use crate::{
    faces::words::fault,
    failure::{Exit, Failure},
    reason::FileFault,
};

/// Nothing is under way.
pub const NONE_UNDER_WAY: &str = "No file is under way.";

/// Nothing runs that could carry what waits.
pub const NOBODY_RUNS: &str = "Nothing goes at the moment: no schat runs on this profile. What waits goes on when one does, and \
                               `schat file resume NUMBER` lets one go on now.";

/// The room has no files.
pub const NO_FILES: &str = "No file that this device knows of was sent to this room.";

/// What can be done with a transfer that stopped.
pub fn stopped(number: i64, mut failure: Failure) -> Failure {
    let tries =
        format!("`schat file resume {number}` tries again, `schat file cancel {number}` gives it up.");
    failure.remedy = format!("{} {tries}", failure.remedy).trim_start().to_owned();
    failure
}

/// Somebody gave it up elsewhere.
pub fn cancelled() -> Failure {
    Failure::new(Exit::Refused, "cancelled", "It was cancelled.", "Give the command again.")
}

/// What there is of a file stays, and goes on.
pub const KEPT: &str = "What is there of the file is kept; it goes on at the next start.";

/// The same of the files of an export, which nobody goes on with by itself.
pub const EXPORT_KEPT: &str = "See to it, then give the same export again: it goes on with what is there.";

/// And of a file that goes to standard output.
pub const PIPE_AGAIN: &str = "Nothing was written. Give the command again.";

/// Files of an export that cannot be had.
pub fn missing(files: &str) -> Failure {
    Failure::not_found(format!("Not there any more: {files}."), "The others are in the directory.")
}

/// What others sent may hold what a terminal obeys.
pub fn terminal() -> Failure {
    Failure::usage(
        "Standard output is a terminal, and what others sent may hold what terminals obey.",
        "Write it into a pipe or a file.",
    )
}

/// Both would write to it.
pub fn objects() -> Failure {
    Failure::usage(
        "With --json standard output has objects, and no room for a file.",
        "Name a file with --output.",
    )
}

/// A file on its way to standard output.
pub fn broken(place: &Path, error: &io::Error) -> Failure {
    let message = format!("{} could not be written or read: {error}.", place.display());
    Failure::new(Exit::Local, "file", message, PIPE_AGAIN)
}

/// Of several files none is sent, if one cannot be.
pub fn unsendable(path: &Path, why: &str) -> Failure {
    let message = format!("{} cannot be sent: {why}. Nothing was sent.", path.display());
    Failure::new(Exit::Local, "file", message, "Leave it out, or name another file.")
}

/// Why it is not sent.
pub const DIRECTORY: &str = "it is a directory";

/// Why it is not sent.
pub const NO_PLAIN_FILE: &str = "it is no plain file";

/// Where it is, or is to be, cannot be said from the root.
pub fn no_path(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{} is no path: {error}.", path.display()), "Name a file.")
}

/// The room has no file.
pub fn none_sent() -> Failure {
    Failure::not_found("No file was sent to this room.", SEE_LIST)
}

/// The room has no such file.
pub fn none_begins(id: &str) -> Failure {
    Failure::not_found(format!("No file of this room has an id that begins with {id}."), SEE_LIST)
}

const SEE_LIST: &str = "See schat file list.";

/// The room has more than one such file.
pub fn several_begin(id: &str) -> Failure {
    let message = format!("Several files have an id that begins with {id}.");
    Failure::usage(message, "Give more of its digits; --json shows all of them.")
}

/// What is sent as a voice message does not say how long it is.
pub fn no_duration(path: &Path) -> Failure {
    duration(format!("{} does not say how long it is.", path.display()))
}

/// How long it is cannot be read.
pub fn unread_duration(path: &Path, why: &FileFault) -> Failure {
    duration(format!("{} cannot be read: {}.", path.display(), fault(why)))
}

fn duration(message: String) -> Failure {
    Failure::new(Exit::Local, "no_duration", message, "Say it: --duration 12s.")
}

/// Of an option.
pub const NO_LENGTH: &str = "it is no length of time from 1s to 24h, as in 12s or 1m30s";

/// A file in a list: the beginning of its id, when, by whom, its name and size.
pub fn row(columns: [&str; 4]) -> String {
    columns.join("  ")
}
