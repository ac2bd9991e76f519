//! Why a room is over, in words: the remedy stands in the sentence.

use proto::access::UNDO_MS;
use shared::room::CloseReason;

use super::{as_it_came, called::operators, problem::breach};

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 3600 * 1000;

/// Why, and what to do.
pub fn closed(reason: &CloseReason) -> String {
    let fixed = match reason {
        CloseReason::Left => "You left the room.",
        CloseReason::LeftEarly => "You left before you were in.",
        CloseReason::Removed { by } => {
            return format!(
                "{} removed this device from the room. Ask a member for a new invite.",
                as_it_came(by)
            );
        }
        CloseReason::RemovedByOwn => {
            "This device was taken out of the room by another device of yours, or since the key of your account was replaced. To make it one \
             of yours again: `schat link`. If none of it was you, somebody has your account: `schat devices replace-key` at a device that you still have."
        }
        CloseReason::KeyReplaced => {
            "The key of your account was replaced, and this device, or the backup that it came from, has the old one. What was said stays here \
             to be read. To make this device one of yours again: `schat link`. If you did not replace it, somebody has your twelve words."
        }
        CloseReason::RemovedByOwnUnseen { entry } => {
            return format!(
                "The relay says that this device was taken out of the room at entry {entry}, by another device of yours or since the key of your \
                 account was replaced; it has not voted against that. To make it one of yours again: `schat link`. If none of it was you, \
                 somebody has your account: `schat devices replace-key` at a device that you still have."
            );
        }
        CloseReason::ChangeUndone { entry } => {
            return format!(
                "The relay says that more than half of this room's devices undid the change at entry {entry}, which this device had made, and it \
                 lets this device in no more. If you had taken a device out or replaced your account's key, whoever has the old one may have \
                 done that: make a new room without them. Ask a member for a new invite otherwise."
            );
        }
        CloseReason::RemovedAndVoted { entry, has_others: true, .. } => {
            return format!(
                "This device was taken out of the room by the change at entry {entry}: by another device of yours, or since the key of your \
                 account was replaced. To make it one of yours again: `schat link`. It has voted against that all the same: if it was \
                 neither, and more than half of the members do so within {} days, it is back.",
                UNDO_MS / DAY_MS
            );
        }
        CloseReason::RemovedAndVoted { entry, members: 1..=2, .. } => {
            return format!(
                "This device was removed from the room by the change at entry {entry}. A room of two has no majority that \
                 could undo that: ask the other one for a new invite, or make a new room."
            );
        }
        CloseReason::RemovedAndVoted { entry, .. } => {
            return format!(
                "This device was removed from the room by the change at entry {entry}. It has voted against that: if more than \
                 half of those who were members then do the same within {} days, it is back. Otherwise ask a member for a \
                 new invite.",
                UNDO_MS / DAY_MS
            );
        }
        CloseReason::RemovedOrNotTaken => {
            "This device was removed from the room, or its members did not take its join, and the invite is over. If another device of yours \
             took it out, or your account's key was replaced: `schat link` makes it one of yours again. Ask a member for a new invite otherwise."
        }
        CloseReason::LockedOut => {
            "The relay does not let this device into the room: it was removed, or the relay lost the room, or was restored \
             from a backup of before this device joined. If another device of yours took it out, or your account's key was replaced: `schat link` \
             makes it one of yours again. Ask a member for a new invite otherwise."
        }
        CloseReason::Dropped { reason } => {
            return format!(
                "The relay's operator dropped this room{}. What was said stays here to be read, and nothing is added to it. Make \
                 a new room to talk on.",
                operators(reason)
            );
        }
        CloseReason::OpenerFrozen => {
            "The relay did not open the room. Ask its operator, or make the room at another relay."
        }
        CloseReason::Superseded => {
            "A copy of this device has connected to the room, so this one stops. If you started it, or copied the profile: use one of the two \
             only, and start again here if it is this one. If not, somebody has a copy of this device and speaks as you: run \
             `schat devices replace-key` here, with your twelve words. The copy is out then, and this device stays."
        }
        CloseReason::LinkNotTrusted(error) => {
            return format!("The link is not to be trusted: {error}. Ask for a new one.");
        }
        CloseReason::InviteDead => {
            "The relay does not know this room, or the invite expired, was used up or was revoked. Ask for a new one."
        }
        CloseReason::InviteOver => {
            "The relay no longer accepts this invite: it expired, was used up or was revoked. Ask for a new one."
        }
        CloseReason::InviteExpired => {
            "The invite expired before the join reached the relay. Ask for a new one."
        }
        CloseReason::InviteUnusable(why) => {
            return format!("The invite cannot be used: {}. Ask for a new one.", breach(why));
        }
        CloseReason::JoinReplaced => {
            "Another change of the room took the place of this join. Ask for a new invite."
        }
        CloseReason::OrderBroken => "The relay broke the order of the room's log. Ask for a new invite.",
        CloseReason::RoomFull => {
            "The room is full: it has as many members and live invites as its relay allows. Ask a member to make room, and \
             join again."
        }
        CloseReason::NameTaken => {
            "Somebody opened a room of this name before you and lets nobody in. Choose another name, or make a private room."
        }
        CloseReason::NoToken => {
            "The relay did not open the room. Ask its operator for a link with a token, and make the room again."
        }
    };
    fixed.to_owned()
}
