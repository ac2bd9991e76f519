//! How the linking of a device stands, for people.

use shared::linking::{Agreed, EndReason};
use unicode_width::UnicodeWidthStr as _;

use super::{failure, reason};
use crate::{
    faces::{qr, sanitize},
    failure::{Exit, Failure},
    reason::Reason,
    runtime::{LinkEnd, LinkNews},
};

/// What is asked of whoever confirms: only the new device shows the digits to a person, so who types them has looked there.
pub const LINK_ASK: &str =
    "The same? Then type the twelve digits that the new device shows; anything else is no: ";

/// Said to somebody who means yes, and has typed no digits.
pub const LINK_DIGITS: &str = "Those are not twelve digits. The new device shows them below the words.";

/// Said to whoever gave it up.
pub const LINK_GIVEN_UP: &str = "The linking was given up.";

/// What is asked where the profile has an account that is in no room.
pub const LINK_GIVE_UP: &str = "The account of this profile is in no room here: if it once was, perhaps since another device of yours took this one out, or \
                                replaced the account's key. This device can become one of your account again, or of another; what was said in its \
                                rooms stays here. An account that no other device has is gone for good then. Go on? Type yes: ";

/// How it stands, as lines. `types`: whoever reads it answers by commands.
pub fn linking(news: &LinkNews, types: bool) -> Vec<String> {
    match news {
        LinkNews::Code { link, code, is_new, .. } => {
            vec![link_told(*is_new), link.to_string(), link_short(code)]
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
            if name.is_empty() { "an account without a name".to_owned() } else { super::called(name) },
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

/// What is to be done with the code that this device shows.
pub fn link_told(is_new: bool) -> String {
    let told = if is_new {
        "To link this device, give this code to the one that has your account, within ten minutes: \
         /link CODE in its chat, or `schat link CODE`. It is secret, and for one use."
    } else {
        "To link another device, run `schat link CODE` there, within ten minutes. It is secret, and for one use."
    };
    told.to_owned()
}

/// The code without the relay.
pub fn link_short(code: &str) -> String {
    format!("Or, where both devices use the same relay: {code}")
}

/// While the other device is waited for.
pub const LINK_WAITS: &str =
    "The new device is waited for. /link shows its code again; /link cancel gives it up.";

/// The same with a code for a camera, where a terminal of so many columns and rows shows all of it at once.
pub fn with_camera(lines: Vec<String>, link: &str, size: (u16, u16)) -> Vec<String> {
    let Some(code) = qr::qr(link) else { return lines };
    let (columns, rows) = (usize::from(size.0).max(1), usize::from(size.1));
    let code: Vec<String> = code.lines().map(str::to_owned).collect();
    let wide = code.first().map_or(0, |line| line.width());
    // With the row that the cursor is in.
    let needed = code.len() + 1 + lines.iter().map(|line| line.width().div_ceil(columns)).sum::<usize>();
    let mut lines = lines;
    let at = 1.min(lines.len());
    if wide <= columns && needed <= rows {
        lines.splice(at..at, code);
    } else {
        let columns = wide.max(usize::from(size.0));
        lines.push(format!(
            "As a code for a camera it takes a terminal of {columns} columns and {needed} rows."
        ));
    }
    lines
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
    ];
    if !is_asked {
        lines.push(format!("  {}", agreed.phrase.digits()));
    } else if types {
        lines.push(
            "The same? Type /link yes and the twelve digits that the new device shows. Anything else, or not your doing: /link no."
                .to_owned(),
        );
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
        LinkEnd::OtherDigits => {
            ("refused", "Those were not the digits that the new device shows, so it was not linked.", FOREIGN)
        }
        LinkEnd::GivenUp => ("given_up", LINK_GIVEN_UP, again),
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

#[cfg(test)]
mod tests {
    use shared::invite::{InviteSecret, link};

    use super::*;

    #[test]
    fn code_for_a_camera_is_shown_where_all_of_it_fits_and_else_said_to_be_too_large() {
        let link = link::Link { secret: InviteSecret::from_bytes([3; 20]), pin: Some([4; 20]) };
        let link = link::InviteLink { host: "relay.example".to_owned(), port: 4433, link };
        let (whole, code) = (link.to_string(), link.link.to_code());
        let lines = linking(&LinkNews::Code { link, code: code.clone(), expires_ms: 0, is_new: true }, true);
        assert!(!lines.concat().contains('█'), "a chat of lines has no rows of blocks: {lines:?}");
        for (size, fits) in [((80, 24), false), ((80, 30), true), ((30, 60), false), ((0, 0), false)] {
            let shown = with_camera(lines.clone(), &whole, size);
            let all = shown.concat();
            assert_eq!(all.contains('█'), fits, "{size:?}: {shown:#?}");
            assert_eq!(all.contains("it takes a terminal of"), !fits, "{size:?}: {shown:#?}");
            assert!(shown.contains(&whole) && all.contains(&code), "{size:?}: {shown:#?}");
            let rows: usize =
                shown.iter().map(|line| line.width().div_ceil(usize::from(size.0).max(1))).sum();
            assert!(!fits || rows < usize::from(size.1), "{size:?}: {rows} rows, and one for what is asked");
        }
    }

    #[test]
    fn account_without_a_name_is_called_so() {
        let fingerprint = shared::identity::Fingerprint([1; 32]);
        let told =
            linking(&LinkNews::Received { name: String::new(), fingerprint, rooms: 1 }, false).concat();
        assert!(told.contains("one of an account without a name now"), "{told}");
    }
}
