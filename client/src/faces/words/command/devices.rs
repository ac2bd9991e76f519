//! Of devices: what became of another key for the account.

use crate::{
    faces::words::{called, counted, devices::place},
    failure::{Exit, Failure},
    runtime::{KeyRoom, Replaced, RoomsBeyond},
};

/// It is on the disk: the rooms follow.
pub const REPLACED: &str = "Your account has another key. In each room your other devices are taken out, all links end, and everybody is told \
                            that a device was lost or stolen. Link the devices that you still have anew: schat link. Backups of before open with the old words, and with what is on a \
                            device that was yours: delete them, or keep them away.";

/// Why it was not done.
pub fn not_replaced(why: &Replaced) -> Failure {
    match why {
        Replaced::Unfinished(rooms) => {
            let rooms: Vec<String> = rooms.iter().map(|room| place(&room.room, room.is_hidden)).collect();
            Failure::new(
                Exit::Refused,
                "key_unfinished",
                format!("The account had another key before, which {} has not taken yet.", rooms.join(", ")),
                "Run schat until it is done there, or leave that room: a room knows only of the last change.",
            )
        }
        Replaced::WrongPhrase | Replaced::Ready | Replaced::Done(_) => Failure::new(
            Exit::Verification,
            "wrong_phrase",
            "Those are not the twelve words of this account. Nothing has changed.",
            "Take those that `schat backup`, or the last `schat devices replace-key`, showed. Without them nobody can give the account another key.",
        ),
    }
}

/// Rooms in which only devices with the old key are.
pub fn beyond(beyond: RoomsBeyond) -> Option<String> {
    (beyond.rooms > 0).then(|| {
        format!(
            "Your other devices say that they are in {} that this device is not in: the old key stays in use there. Ask somebody in them to remove those \
             devices, and come in anew.",
            counted(beyond.rooms, "room")
        )
    })
}

/// How a room is with the new key.
pub fn room(room: &KeyRoom) -> String {
    let called = if room.is_hidden { place(&room.room, true) } else { called(&room.room) };
    match room.is_done {
        true => format!("{called}: has the new key"),
        false => format!("{called}: not yet; it is tried again whenever schat runs"),
    }
}
