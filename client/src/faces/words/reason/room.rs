//! Of rooms.

use crate::{
    faces::words::{over, store::unreadable},
    reason::RoomReason,
    store::{Over, Unreadable},
};

/// What happened, and what to do.
pub(super) fn words(reason: &RoomReason) -> (String, String) {
    let (message, remedy) = match reason {
        // The reason names the remedy itself.
        RoomReason::Over { room, why: Some(why) } => (format!("The room {room} is over: {}", over(why)), ""),
        RoomReason::Over { room, why: None } => (format!("The room {room} is over."), "See /why."),
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
    };
    (message, remedy.to_owned())
}
