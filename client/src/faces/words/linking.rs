//! How the linking of a device stands, for people.

use shared::linking::{Agreed, EndReason};

use super::{failure, reason};
use crate::{
    faces::{qr, sanitize},
    failure::{Exit, Failure},
    reason::Reason,
    runtime::{LinkEnd, LinkNews},
};

/// What is asked where a person has compared.
pub const LINK_ASK: &str = "Do both devices show the same? [y/N] ";

/// What is asked of whoever writes into a pipe.
pub const LINK_ASK_DIGITS: &str = "Type the twelve digits that the new device shows; anything else is no: ";

/// What is asked where the profile has an account that is in no room.
pub const LINK_GIVE_UP: &str = "The account of this profile is in no room here: if it once was, perhaps since another device of yours took this one out, or \
                                replaced the account's key. This device can become one of your account again, or of another; what was said in its \
                                rooms stays here. An account that no other device has is gone for good then. Go on? Type yes: ";

/// How it stands, as lines. `types`: whoever reads it answers by commands.
pub fn linking(news: &LinkNews, types: bool) -> Vec<String> {
    match news {
        LinkNews::Code { link, code, is_new, .. } => {
            let mut lines = vec![if *is_new {
                "To link this device, give this code to the one that has your account, within ten minutes: \
                 /link CODE in its chat, or `schat link CODE`. It is secret, and for one use."
                    .to_owned()
            } else {
                "To link another device, run `schat link CODE` there, within ten minutes. It is secret, and for one use."
                    .to_owned()
            }];
            let link = link.to_string();
            lines.extend(qr::qr(&link).iter().flat_map(|code| code.lines()).map(str::to_owned));
            lines.push(link);
            lines.push(format!("Or, where both devices use the same relay: {code}"));
            lines
        }
        LinkNews::Found => vec!["The other device is there.".to_owned()],
        LinkNews::Compare { agreed, is_asked } => compare(agreed, *is_asked, types),
        LinkNews::Preparing { done, of } => vec![format!("Rooms that are ready for it: {done} of {of}.")],
        LinkNews::Posted { rooms, without } => {
            let mut lines = vec![format!(
                "Handed over: your account, and {}. The new device goes on by itself; this one may go offline.",
                rooms_of(*rooms)
            )];
            let one =
                |(room, why): &(String, Reason)| format!("Not {}: {}", sanitize::line(room), reason(why));
            lines.extend(without.iter().map(one));
            lines
        }
        LinkNews::NoPast => vec![
            "What was said in the rooms before stays on the old device: it could not be brought over."
                .to_owned(),
        ],
        LinkNews::Taking { done, of } => vec![format!("Taking over: part {done} of {of}.")],
        LinkNews::Received { name, fingerprint, rooms } => vec![format!(
            "This device is one of {} now, with {}. Fingerprint: {fingerprint}.",
            super::called(name),
            rooms_of(*rooms)
        )],
        LinkNews::Room { room, left, why: None } => {
            let left = if *left > 0 { format!(" {left} to go.") } else { String::new() };
            vec![format!("In {}.{left}", sanitize::line(room))]
        }
        LinkNews::Room { room, why: Some(why), .. } => {
            vec![format!("Not in {}: {}", sanitize::line(room), reason(why))]
        }
        LinkNews::Done => vec!["The new device has everything. It is one of yours from now on.".to_owned()],
        LinkNews::Ended { end, is_handed } => vec![failure(&link_ended(end, *is_handed))],
    }
}

fn compare(agreed: &Agreed, is_asked: bool, types: bool) -> Vec<String> {
    let emoji = agreed.phrase.emoji();
    let first = if is_asked {
        format!(
            "A device that calls itself {} wants to have your account. Only if it is in your hand, and shows the same:",
            sanitize::line(&agreed.device)
        )
    } else {
        "Your other device must show the same. Confirm it there:".to_owned()
    };
    let mut lines = vec![
        first,
        format!("  {}", emoji.map(|(sign, _)| sign).join("  ")),
        format!("  {}", emoji.map(|(_, word)| word).join(" ")),
        format!("  {}", agreed.phrase.digits()),
    ];
    if is_asked && types {
        lines.push("The same? Type /link yes. Anything else, or not your doing: /link no.".to_owned());
    }
    lines
}

fn rooms_of(count: usize) -> String {
    match count {
        0 => "no room".to_owned(),
        1 => "one room".to_owned(),
        count => format!("{count} rooms"),
    }
}

/// Why nothing came of it, and what to do. `is_handed`: the account had been handed over by then.
pub fn link_ended(end: &LinkEnd, is_handed: bool) -> Failure {
    let why = not_linked(end);
    if !is_handed {
        return why;
    }
    let message = format!(
        "{} By then it was handed over: whoever has the other device may have your account.",
        why.message
    );
    Failure::new(why.exit, "handed_over", message, HANDED)
}

/// Where the other device may have the account.
const HANDED: &str = "The rooms that it has not entered by now are shut to it. /devices shows whether it is in one: take it out there, if you \
                      cannot vouch for it.";

fn not_linked(end: &LinkEnd) -> Failure {
    let again = "Nothing was handed over. To try again: `schat link` on the new device.";
    let (code, message, remedy) = match end {
        LinkEnd::Refused => ("refused", "You said that the devices do not show the same.", FOREIGN),
        LinkEnd::GivenUp => ("given_up", "The linking was given up.", again),
        LinkEnd::Late => ("late", "The time for the linking is over.", again),
        LinkEnd::Another | LinkEnd::Theirs(EndReason::Another) => {
            ("another", "There was another device in the linking than the two.", FOREIGN)
        }
        LinkEnd::Fault(_) | LinkEnd::Odd | LinkEnd::Theirs(EndReason::Fault | EndReason::Other) => (
            "fault",
            "Something was said in the linking that may not be: by the other device, or on the way.",
            FOREIGN,
        ),
        LinkEnd::TooMuch => (
            "too_much",
            "The people and rooms of this account are more than can be handed over.",
            "Restore a backup on the new device instead.",
        ),
        LinkEnd::NoAccount => ("no_account", "What came is no account.", FOREIGN),
        LinkEnd::Theirs(EndReason::Refused) => {
            ("refused", "It was not confirmed on the other device.", again)
        }
        LinkEnd::Theirs(EndReason::Late) => {
            ("late", "It was not confirmed on the other device in time.", again)
        }
        LinkEnd::Theirs(EndReason::SameKind) => (
            "same_kind",
            "Both devices have an account, or none has.",
            "Run `schat link` on the new device with an empty profile, and /link on the one that has your account.",
        ),
        LinkEnd::Theirs(EndReason::GivenUp) => ("given_up", "The other device gave the linking up.", again),
        LinkEnd::Gone => ("gone", "The other device went.", again),
        LinkEnd::HasRooms => (
            "has_rooms",
            "This profile has rooms of its own by now, so it cannot become another account's.",
            "Link with an empty profile: schat --profile DIR link.",
        ),
        LinkEnd::Failed(why) => return why.into(),
    };
    Failure::new(Exit::Refused, code, message, remedy)
}

/// Where it may have been somebody else.
const FOREIGN: &str = "Nothing was handed over. Somebody else may have seen the code, or sit between the devices: try again where \
                       nobody sees it: `schat link` on the new device.";
