//! Why a file does not go on.

use std::{io, path::Path};

use proto::relay::{
    Refused,
    refused::{Code, Limit},
};

use crate::{
    failure::{Exit, Failure},
    store::StoreError,
    transport::StreamError,
};

/// How an attempt ended that did not bring a file through.
pub(super) enum Fault {
    /// Somebody wants something else of it.
    Steered,
    /// The file is another one: begin anew.
    Changed,
    /// The connection, or the room's place on it, is gone: go on when it is there again.
    Lost,
    /// Go on by itself after a while.
    Later(Failure, u64),
    /// It does not go on by itself.
    Final(Failure),
}

impl From<StreamError> for Fault {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Malformed(_) => Self::Final(dishonest("sends what is no frame")),
            StreamError::Closed(_) | StreamError::Lost | StreamError::Stuck => Self::Lost,
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Later(error.into(), DISK_MS)
    }
}

/// A full disk is looked at again after so many milliseconds.
const DISK_MS: u64 = 30_000;

/// A relay that is busy is asked again after so many milliseconds, where it names no time.
const BUSY_MS: u64 = 10_000;

/// Nothing but a fault or a lie of the relay's explains it.
pub(super) fn dishonest(what: &str) -> Failure {
    let message = format!("The relay {what}. What it sent of the file was not taken.");
    Failure::new(Exit::Verification, "file_damaged", message, "Ask for the file again, or ask its sender.")
}

/// The sender's own doing.
pub(super) fn false_file(what: &str) -> Failure {
    let message = format!("The file is not what its sender announced: {what}. Nothing of it was kept.");
    Failure::new(Exit::Verification, "file_forged", message, "Ask its sender.")
}

/// A file here could not be read or written.
pub(super) fn local(path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    let failure = |code, message, remedy| Failure::new(Exit::Local, code, message, remedy);
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Fault::Final(failure(
            "disk_full",
            format!("There is no space left for {path}."),
            "Free some space, then resume it: what is there is kept.",
        )),
        io::ErrorKind::NotFound => Fault::Final(Failure::not_found(
            format!("There is no file {path}."),
            "Put it back and resume, or cancel the transfer.",
        )),
        _ => Fault::Final(failure(
            "file",
            format!("{path} could not be read or written: {error}."),
            "See to it, then resume the transfer.",
        )),
    }
}

/// What the relay refused, as what to do about it.
pub(super) fn refused(refused: &Refused) -> Fault {
    let wait = match refused.retry_after_ms {
        0 => BUSY_MS,
        after => after,
    };
    let (limit, option) = limit(refused.limit());
    let raised = |remedy: &str| match option {
        "" => format!("{remedy}, or ask the relay's operator."),
        option => format!("{remedy}; or the relay's operator raises {option}."),
    };
    let denied =
        |code, message: &str, remedy: &str| Failure::new(Exit::Refused, code, message.to_owned(), remedy);
    match refused.code() {
        Code::RateLimited => {
            let message = format!("The relay takes no more for now: {limit}.");
            Fault::Later(denied("rate_limited", &message, &raised("It goes on by itself")), wait)
        }
        Code::NoSpace => {
            let message = format!("The relay has no space for the file: {limit}.");
            Fault::Final(denied(
                "no_space",
                &message,
                &raised("Resume it when files there are deleted or expired"),
            ))
        }
        Code::TooLarge => {
            let message = format!("The file is too large for the relay: {limit}.");
            Fault::Final(denied("too_large", &message, &raised("Send it in pieces")))
        }
        Code::NoBlob => Fault::Final(Failure::not_found(
            "The relay does not have the file any more, or not all of it yet.",
            "Ask its sender to send it again.",
        )),
        Code::Frozen => Fault::Final(denied(
            "frozen",
            "The relay's operator has frozen the room: it takes no files.",
            "Ask the operator.",
        )),
        Code::NotAllowed => Fault::Final(denied(
            "refused",
            "The relay does not let this device at the files of the room.",
            "See /why; come back to the room, then resume it.",
        )),
        Code::ShuttingDown | Code::Superseded => Fault::Lost,
        _ => Fault::Final(denied("refused", "The relay refuses the file.", "Update schat or the relay.")),
    }
}

/// Which limit of the relay it was, and by which of its options it can be raised.
fn limit(limit: Limit) -> (&'static str, &'static str) {
    match limit {
        Limit::FileSize => ("a single file may not have so many bytes", "--max-file-mib"),
        Limit::RoomFiles => (
            "the files of this room take all that the room may have",
            "--room-files-mib, or --files-per-room",
        ),
        Limit::MemberFiles => ("your files take your part of what the room may have", "--room-files-mib"),
        Limit::OpenerFiles => (
            "rooms of whoever opened this one have as many bytes of files today as they may, or as one member may send",
            "--opener-files-mib",
        ),
        Limit::Transfers => (
            "as many files are under way at once as may be",
            "--transfers-per-connection, or --transfers-per-room",
        ),
        Limit::FileRate => ("too many files were begun within a minute", "--files-per-address"),
        Limit::FilesDisk => ("its disk has no room left for files", "--max-files-mib"),
        Limit::Disk => ("its disk has no room left for files", ""),
        Limit::OpenerShare => ("rooms of whoever opened this one take all that they may", "--opener-percent"),
        _ => ("a limit that it does not name", ""),
    }
}

/// More than there can be.
pub(super) fn too_large(name: &str) -> Failure {
    Failure::usage(format!("The file {name} is larger than 32 GiB."), "Send it in pieces.")
}

/// Nothing is overwritten.
pub(super) fn name_taken(place: &Path) -> Failure {
    let message = format!("There is something called {} already.", place.display());
    Failure::new(Exit::Usage, "exists", message, "Choose another name; nothing is overwritten.")
}

/// There is nobody to ask.
pub(super) fn no_relay() -> Failure {
    let message = "This room lives in your own relay, which does not run.";
    Failure::new(Exit::Network, "own_relay", message, "Run `schat host`.")
}

/// Nobody said where files go.
pub(super) fn no_downloads() -> Failure {
    Failure::usage(
        "There is no directory for downloads.",
        "Name one: `downloads` in config.toml, or with --output.",
    )
}

/// A file that is to be sent. There is no transfer yet that could go on.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::not_found(format!("There is no file {path}."), "Look at how it is written.")
        }
        _ => {
            let message = format!("{path} cannot be sent: {error}.");
            Failure::new(Exit::Local, "file", message, "Name another file, or see to this one first.")
        }
    }
}

/// All of it is sent once more. `is_changed`: by its size or its time; else only the relay knows it otherwise.
pub(super) fn begins_anew(is_changed: bool) -> Failure {
    let (code, message) = match is_changed {
        true => ("file_changed", "The file was changed while it was being sent."),
        false => ("file_anew", "What the relay has of the file is not what is here."),
    };
    let remedy = "All of it is sent anew; nothing is to be done.";
    Failure::new(Exit::Local, code, message, remedy)
}

/// The relay has less than it said that it had.
pub(super) fn lost_there() -> Failure {
    let message = "The relay does not have all any more that was sent of the file.";
    Failure::new(Exit::Network, "parts_lost", message, "The rest is sent again; nothing is to be done.")
}

/// Of what was fetched some is gone.
pub(super) fn lost_here() -> Failure {
    let message = "Of what was here of the file some is gone or damaged.";
    Failure::new(Exit::Local, "parts_lost", message, "It is fetched again; nothing is to be done.")
}

/// Whoever leaves a room gives up what was under way there.
pub(super) fn room_left() -> Failure {
    let message = "You are not in its room any more.";
    Failure::new(Exit::Refused, "room_left", message, "Come back to the room, then begin it anew.")
}

/// It was fetched for a command, and that has ended.
pub(super) fn asker_gone() -> Failure {
    let message = "The command that fetched it has ended.";
    Failure::new(Exit::Local, "asker_gone", message, "Give the command again: it goes on from what is there.")
}
