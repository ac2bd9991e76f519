//! Of the daemon.

use crate::{
    faces::sanitize,
    reason::{DaemonReason, SocketFault},
};

const START: &str = "Start it again: schat daemon. What was said is kept.";

const RESTART: &str = "Restart it: schat daemon stop, then schat daemon.";

/// What happened, and what to do.
pub(super) fn words(reason: &DaemonReason) -> (String, String) {
    let (message, remedy) = match reason {
        DaemonReason::Gone { is_unsure: false } => ("The daemon of this profile is gone.".to_owned(), START),
        DaemonReason::Gone { is_unsure: true } => {
            let message =
                "The daemon of this profile is gone. Whether it did what was just asked is not known.";
            (message.to_owned(), START)
        }
        DaemonReason::Ended => ("The daemon of this profile has ended.".to_owned(), START),
        DaemonReason::Silent => (
            "The daemon of this profile does not answer.".to_owned(),
            "It may be starting or ending: try again. If that goes on: schat daemon stop, or end its process, then schat daemon.",
        ),
        DaemonReason::Garbled => {
            ("The daemon of this profile gave an answer that makes no sense.".to_owned(), RESTART)
        }
        DaemonReason::Unreachable(fault) => (
            format!("The daemon of this profile cannot be reached: {}.", socket(fault)),
            "Look at the profile's directory and whose it is.",
        ),
        DaemonReason::OtherVersion { program, protocol, ours } => {
            let message = format!(
                "The daemon of this profile is schat {} (protocol {protocol}), this is schat {} (protocol {ours}).",
                sanitize::line(program),
                env!("CARGO_PKG_VERSION"),
            );
            (message, RESTART)
        }
        DaemonReason::Socket { dir, fault } => (
            format!("The daemon cannot listen in {}: {}.", dir.display(), socket(fault)),
            "Check the profile's directory.",
        ),
        DaemonReason::TooManyFaces => (
            "As many programs as can be are attached to the daemon of this profile.".to_owned(),
            "End one of them: schat daemon status tells how many there are.",
        ),
        DaemonReason::TooSlow => (
            "This program did not read what the daemon told it, and was cut off.".to_owned(),
            "Nothing is lost: attach again, and go on from what was acknowledged.",
        ),
        DaemonReason::LongEvent => (
            "Something was told that is too long to be shown here.".to_owned(),
            "Look at the room's history.",
        ),
        DaemonReason::LongQuestion => ("That is too long.".to_owned(), "Send it in parts."),
        DaemonReason::LongAnswer => ("The answer is too long.".to_owned(), "Ask for less."),
        DaemonReason::NoRelay => (
            "A daemon has this profile, and runs no relay.".to_owned(),
            "End it (schat daemon stop), then: schat host",
        ),
    };
    (message, remedy.to_owned())
}

fn socket(fault: &SocketFault) -> String {
    match fault {
        SocketFault::Taken(path) => format!("{} is no socket; move it away", path.display()),
        SocketFault::Foreign => "somebody else listens there".to_owned(),
        SocketFault::LongPath => "the profile's path is too long for a socket".to_owned(),
        SocketFault::Io(why) => why.clone(),
    }
}
