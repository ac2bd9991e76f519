//! Of a device that is linked.

use crate::{
    faces::{sanitize, words::over},
    reason::LinkReason,
};

/// What happened, and what to do.
pub(super) fn words(reason: &LinkReason) -> (String, String) {
    let (message, remedy) = match reason {
        LinkReason::Busy => (
            "Another linking is under way.",
            "/link or `schat link` shows how it stands; /link cancel or `schat link --cancel` gives it up.",
        ),
        LinkReason::Nothing => (
            "No device is being linked.",
            "Begin with `schat link` on the new device, or with /link in the chat of the one that has your account.",
        ),
        LinkReason::NotAsked => (
            "Nothing is to be confirmed on this device.",
            "The device that has the account asks, once both show seven emoji.",
        ),
        LinkReason::NotYet => (
            "The other device is not there yet, so there is nothing to compare.",
            "This device asks once both show seven emoji. /link shows the code again; /link cancel gives it up.",
        ),
        LinkReason::Taken => (
            "The new device has the account already.",
            "If it is not yours: /devices shows it, and takes it out.",
        ),
        LinkReason::TakenOut => (
            "This device was taken out of the rooms of its account, by another device of yours or because the account's key was replaced.",
            "To make it one of yours again: end schat here (`schat daemon stop` where a daemon runs), then `schat link` in a terminal and say yes; scripts: `schat link --new`.",
        ),
        LinkReason::NoRelay => (
            "There is no relay to ask.",
            "Name the one that your other device uses: schat link HOST:PORT, or its link.",
        ),
        LinkReason::NoRelayForCode => (
            "A short code does not say at which relay it is, and this device knows none.",
            "Take the link that the other device shows with it; or name its relay: schat link --relay HOST:PORT CODE.",
        ),
        LinkReason::BadCode => (
            "That is no code of a device.",
            "Copy all of it, as the other device shows it: a link, or the short form where both devices use one relay.",
        ),
        LinkReason::UsedCode => (
            "Another device has used this code, or its ten minutes are over.",
            "If it was used and that device is not yours, answer no where it is asked (/link no, or /link cancel): somebody has seen the code. \
             Then begin anew, with a fresh one.",
        ),
        LinkReason::LateCode => (
            "The ten minutes of this code are over.",
            "Show a fresh one: /link on the device that has your account, or `schat link` on the new one.",
        ),
        LinkReason::RoomsLink => (
            "That link leads into a room.",
            "To enter it: /join LINK. A device to be linked shows another one.",
        ),
        LinkReason::DevicesLink => (
            "That is the code of a device that is to be linked, and leads into no room.",
            "On the device that has your account: /link CODE. If somebody else sent it to you, do not use it: it hands them your account.",
        ),
        LinkReason::BothOld => (
            "That code is of a device that has an account, as this one does.",
            "Run `schat link` on the device that is new, with an empty profile; or `schat link --new` there, which gives up its account.",
        ),
        LinkReason::BothNew => (
            "That code is of a new device, as this one is.",
            "Give it to the device that has your account: /link CODE in its chat.",
        ),
        LinkReason::NewInChat => (
            "That code is of a device that has an account, and this profile has one as well, which is in no room. A chat gives up no account.",
            "To make this device one of that account, end the chat and run `schat link CODE` (for a program: `schat --json link CODE`).",
        ),
        LinkReason::CodeForName => (
            "That is a code, and no name of a room: nothing was opened.",
            "A device that is to be linked shows such a code. On the one that has your account: /link CODE in its chat, or `schat link CODE`. \
             If somebody else sent it to you, do not use it: it hands them your account.",
        ),
        LinkReason::NoAnswer(room) => (
            &*format!("No invite into {} could be made in time.", sanitize::line(room)),
            "Make one for the new device when the relay of that room can be reached: /invite uses=1.",
        ),
        LinkReason::NotInvited(room) => (
            &*format!("Your other device could make no invite into {}.", sanitize::line(room)),
            "Ask a member for an invite, or make one there: /invite uses=1.",
        ),
        LinkReason::NotEntered(why) => (&*over(why), "Ask for a new invite."),
    };
    (message.to_owned(), remedy.to_owned())
}
