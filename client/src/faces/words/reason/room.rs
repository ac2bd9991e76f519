//! Of rooms.

use crate::{
    faces::{
        sanitize,
        words::{over, store::unreadable},
    },
    failure::Failure,
    reason::{Reason, RoomReason},
    store::{Over, Unreadable},
    text::names::label,
};

/// What happened, and what to do.
pub(super) fn words(reason: &RoomReason) -> (String, String) {
    let (message, remedy) = match reason {
        RoomReason::Unknown(name) => (
            format!("There is no room {} in this profile.", label(name)),
            "/rooms and `schat rooms` list those that are; or join it by a link.",
        ),
        // The reason names the remedy itself.
        RoomReason::Over { room, why: Some(why) } => (format!("The room {room} is over: {}", over(why)), ""),
        RoomReason::Over { room, why: None } => (format!("The room {room} is over."), "See /why."),
        RoomReason::StillIn(room) => {
            (format!("You are in {} still.", sanitize::line(room)), "Leave it first: /leave.")
        }
        RoomReason::LeftPrivate(name) => (
            format!("{} is a private room that you left.", sanitize::line(name)),
            "Ask for a new link. Whoever means an open room of that name, which everybody can read, forgets the private one first: /forget.",
        ),
        RoomReason::Archive(name) => (format!("{name}: {}", over(&Over::Archive { open: false })), ""),
        RoomReason::Version1 => {
            let message = "the room is of version 1 of the protocol, which this version does not speak";
            return (message.to_owned(), over(&Over::Archive { open: false }));
        }
        RoomReason::Unreadable(why) => {
            let remedy = match why {
                Unreadable::TooNew => "Update schat.",
                Unreadable::Damaged | Unreadable::Other(_) => {
                    "Restore a backup of the profile, or join again by a new invite."
                }
            };
            (unreadable(why), remedy)
        }
        RoomReason::NotLoaded { room, why } => {
            let message = format!("The room {room} cannot be read from this device at the moment");
            match why {
                Some(why) => {
                    let why = Failure::from(Reason::from(why.clone()));
                    return (format!("{message}: {}", why.message), why.remedy);
                }
                None => (format!("{message}."), "Free some space on the disk, then say it again."),
            }
        }
        RoomReason::TooMany { most } => (
            format!("This profile has {most} rooms; that is the limit."),
            "Leave one, or use another --profile.",
        ),
        RoomReason::TooManyKept { most } => (
            format!("This profile keeps {most} rooms with those that you left; that is the limit."),
            "Delete one (/rooms all, /forget ROOM), or use another --profile.",
        ),
        RoomReason::OtherRelay(room) => (
            format!("This profile is in {room} already, at another relay."),
            "Leave it there first, or use another --profile.",
        ),
        RoomReason::BadName(error) => (error.to_string(), "Choose another name."),
        RoomReason::Group(error) => (error.clone(), "Try again; if it stays, report it."),
        RoomReason::NotThereYet { room, seq, newest } => {
            let room = sanitize::line(room);
            let message = match newest {
                0 => format!("Nothing of {room} is here yet, so seq {seq} cannot be acknowledged."),
                _ => {
                    format!(
                        "Seq {seq} cannot be acknowledged: the newest of {room} that is here is {newest}."
                    )
                }
            };
            (message, "Take the seq of a message that came.")
        }
        RoomReason::OutboxFull => (
            "The file is at the relay, but the room takes no message of this device now.".to_owned(),
            "It is offered as soon as the room takes one.",
        ),
    };
    (message, remedy.to_owned())
}
