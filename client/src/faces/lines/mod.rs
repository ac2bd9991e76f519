//! What a typed line means.

mod arguments;
mod commands;
#[cfg(test)]
mod tests;

use shared::{invite::link::Link, room::Policy};

use crate::{
    faces::link,
    failure::Failure,
    runtime::{HandedPast, LinkAnswer, Steer},
    text::names::unquoted,
};
pub use arguments::lifetime;
use arguments::{allowed, create, limits, marked, seconds};
pub use commands::COMMANDS;
use commands::usage_of;

/// A line of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypedLine {
    /// Nothing but white space.
    Empty,
    /// A message to the current room.
    Say(String),
    /// Go to a room of this profile, or to the open room of that name.
    Join(String),
    /// Join by an invite link.
    Link(String),
    /// Link another device: by the code that it shows, or by showing one.
    Device(Option<String>),
    /// What somebody says who was asked about a device.
    DeviceAnswer(LinkAnswer),
    /// Make a private room.
    Create(String, Policy),
    /// Show an invite link, or make one with these limits.
    Invite(Limits),
    /// The live invites.
    Invites,
    /// End an invite, named by the beginning of its id.
    Revoke(String),
    /// Make a member a moderator, or not any more.
    Moderator(String, bool),
    /// Show or change what the room allows.
    Policy(Allowed),
    /// What this room is.
    Info,
    /// Who is here.
    Members,
    /// The devices of this person.
    Devices,
    /// Take one of them out of every room.
    RemoveDevice(String),
    /// How the account gets another key.
    ReplaceKey,
    /// Call this one so.
    NameDevice(String),
    /// Compare safety numbers, with one member or all.
    Verify(Option<String>),
    /// The numbers were compared: mark the member as verified.
    Mark(String),
    /// Take the mark back.
    Unverify(String),
    /// Remove a member, by name or fingerprint.
    Kick(String),
    /// Change the display name.
    Nick(String),
    /// Answer the last message of the others.
    Reply(String),
    /// Answer it with its text above.
    Quote(String),
    /// Give our last message another text.
    Edit(String),
    /// Take our last message back.
    Delete,
    /// Put a reaction under the last message of the others.
    React(String),
    /// Change what we say of ourselves.
    Status(String),
    /// Change our sign.
    Glyph(String),
    /// Change our picture; none: there is none any more.
    Avatar(Option<String>),
    /// Show or change after how many seconds messages go.
    Disappear(Option<u32>),
    /// Show what the room is about, or change it; to nothing, too.
    Topic(Option<String>),
    /// Send a file.
    File(String),
    /// Send a recording as a voice message.
    Voice(String),
    /// Fetch the newest file, or the newest with these words in its name.
    Get(String),
    /// List the files of the room with these words in their names, and those under way.
    Files(String),
    /// Let a file under way wait, go on or end.
    Steer(i64, Steer),
    /// Look for words in what was said here.
    Search(String),
    /// List the rooms; with those that were left, or without.
    Rooms(bool),
    /// Leave the current room.
    Leave,
    /// Delete what is kept of a room that is over: of this one, or of the current one.
    Forget(Option<String>),
    /// Go on in the current room although its relay was restored from a backup.
    Accept,
    /// Be told of what is said here, or not.
    Mute(bool),
    /// The current room stands above the others, or not any more.
    Pin(bool),
    /// Explain what went wrong last.
    Why,
    /// List the commands, or those with these words.
    Help(String),
    /// End.
    Quit,
}

/// Limits of an invite; what is not named is as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How many devices it lets in; 0 for no limit.
    pub uses: Option<u32>,
    /// For how many seconds from now; 0 for ever.
    pub lives_s: Option<u32>,
}

/// What a room's policy says; what is not named stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Only moderators may invite.
    pub moderators_invite: Option<bool>,
    /// Devices that one person may have in the room.
    pub seats: Option<u32>,
}

/// Digits that two devices show while they are linked.
const LINK_DIGITS: usize = 12;

/// A text without blank lines around it. Its first line keeps its indentation, as the others do.
pub fn without_blank_lines(text: &str) -> &str {
    let text = text.trim_end();
    let blank = text.len() - text.trim_start().len();
    let start = text.get(..blank).and_then(|blank| blank.rfind('\n')).map_or(0, |at| at + 1);
    text.get(start..).unwrap_or_default()
}

/// Reads a line. Two slashes begin a message with a slash; so does anything blank before it: what is pasted with an
/// indentation is text.
///
/// # Errors
/// [`Failure`] of kind usage for an unknown command or a wrong number of words.
pub fn parse(line: &str) -> Result<TypedLine, Failure> {
    let said = without_blank_lines(line);
    let Some(rest) = line.trim_end().strip_prefix('/') else {
        return Ok(if said.is_empty() { TypedLine::Empty } else { TypedLine::Say(said.to_owned()) });
    };
    if rest.starts_with('/') {
        return Ok(TypedLine::Say(rest.to_owned()));
    }
    let (word, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let argument = argument.trim();
    let needed = || match argument {
        "" => Err(usage_of(word)),
        argument => Ok(argument.to_owned()),
    };
    let numbered = |steer: Steer| {
        argument.parse().map(|number| TypedLine::Steer(number, steer)).map_err(|_| usage_of(word))
    };
    let alone = |line: TypedLine| if argument.is_empty() { Ok(line) } else { Err(usage_of(word)) };
    match word {
        "join" if is_link(argument) => Ok(TypedLine::Link(argument.to_owned())),
        "join" => needed().map(|room| TypedLine::Join(unquoted(&room))),
        "link" if argument.split_whitespace().next() == Some("yes") => {
            confirmed(argument).map(TypedLine::DeviceAnswer).ok_or_else(commands::confirms)
        }
        "link" => Ok(match argument {
            "" => TypedLine::Device(None),
            "no" => TypedLine::DeviceAnswer(LinkAnswer::Refuse),
            "cancel" => TypedLine::DeviceAnswer(LinkAnswer::Cancel),
            code => TypedLine::Device(Some(link::tidied(code).unwrap_or_else(|| code.to_owned()))),
        }),
        "create" => create(argument).ok_or_else(|| usage_of(word))?,
        "invite" => limits(argument).map(TypedLine::Invite),
        "invites" => alone(TypedLine::Invites),
        "revoke" => needed().map(TypedLine::Revoke),
        "moderator" => needed().map(|who| match who.rsplit_once(char::is_whitespace) {
            Some((name, "no")) if !name.trim().is_empty() => {
                TypedLine::Moderator(name.trim().to_owned(), false)
            }
            _ => TypedLine::Moderator(who, true),
        }),
        "policy" => allowed(argument).map(TypedLine::Policy),
        "info" => alone(TypedLine::Info),
        "members" => alone(TypedLine::Members),
        "devices" if argument.is_empty() => Ok(TypedLine::Devices),
        "devices" => match argument.split_once(char::is_whitespace) {
            Some(("remove", name)) => Ok(TypedLine::RemoveDevice(name.trim().to_owned())),
            _ if argument == "replace-key" => Ok(TypedLine::ReplaceKey),
            Some(("rename", name)) => Ok(TypedLine::NameDevice(name.trim().to_owned())),
            _ => Err(usage_of(word)),
        },
        "verify" if marked(argument).is_some() => Ok(TypedLine::Mark(marked(argument).unwrap_or_default())),
        "unverify" => needed().map(TypedLine::Unverify),
        "verify" => Ok(TypedLine::Verify(Some(argument.to_owned()).filter(|name| !name.is_empty()))),
        "kick" => needed().map(TypedLine::Kick),
        "nick" => needed().map(TypedLine::Nick),
        "reply" => needed().map(TypedLine::Reply),
        "quote" => needed().map(TypedLine::Quote),
        "me" => needed().map(|action| TypedLine::Say(crate::faces::action::text(&action))),
        "edit" => needed().map(TypedLine::Edit),
        "delete" => alone(TypedLine::Delete),
        "react" => needed().map(TypedLine::React),
        "status" => Ok(TypedLine::Status(argument.to_owned())),
        "glyph" => Ok(TypedLine::Glyph(argument.to_owned())),
        "avatar" if argument == "none" => Ok(TypedLine::Avatar(None)),
        "avatar" => needed().map(|path| TypedLine::Avatar(Some(path))),
        "disappear" if argument.is_empty() => Ok(TypedLine::Disappear(None)),
        "disappear" => seconds(argument).map(|time| TypedLine::Disappear(Some(time))),
        "topic" if argument.is_empty() => Ok(TypedLine::Topic(None)),
        "topic" if argument == "off" => Ok(TypedLine::Topic(Some(String::new()))),
        "topic" => Ok(TypedLine::Topic(Some(argument.to_owned()))),
        "file" => needed().map(TypedLine::File),
        "voice" => needed().map(TypedLine::Voice),
        "get" => Ok(TypedLine::Get(argument.to_owned())),
        "files" => Ok(TypedLine::Files(argument.to_owned())),
        "pause" => numbered(Steer::Pause),
        "resume" => numbered(Steer::Run),
        "cancel" => numbered(Steer::Cancel),
        "search" => needed().map(TypedLine::Search),
        "rooms" if argument == "all" => Ok(TypedLine::Rooms(true)),
        "rooms" => alone(TypedLine::Rooms(false)),
        "leave" => alone(TypedLine::Leave),
        "forget" => Ok(TypedLine::Forget(Some(unquoted(argument)).filter(|room| !room.is_empty()))),
        "accept" => alone(TypedLine::Accept),
        "mute" => alone(TypedLine::Mute(true)),
        "unmute" => alone(TypedLine::Mute(false)),
        "pin" => alone(TypedLine::Pin(true)),
        "unpin" => alone(TypedLine::Pin(false)),
        "why" => alone(TypedLine::Why),
        "help" => Ok(TypedLine::Help(argument.to_owned())),
        "quit" | "exit" => alone(TypedLine::Quit),
        _ => Err(Failure::usage(
            format!("There is no command /{}.", crate::faces::sanitize::line(word)),
            "See /help. To send a line that begins with a slash, begin it with two.",
        )),
    }
}

/// How much of the past a new device gets: `none`, `all`, or a number of lines of each room.
pub fn history(text: &str) -> Option<HandedPast> {
    match text {
        "none" => Some(HandedPast::Nothing),
        "all" => Some(HandedPast::All),
        lines => lines.parse().ok().map(HandedPast::Newest),
    }
}

/// `yes`, the digits that the new device shows, and perhaps how much of the past it gets.
fn confirmed(argument: &str) -> Option<LinkAnswer> {
    let (mut digits, mut past) = (String::new(), HandedPast::default());
    for word in argument.split_whitespace().skip(1) {
        match word.strip_prefix("history=") {
            Some(wanted) => past = history(wanted)?,
            None => digits.push_str(word),
        }
    }
    Some(LinkAnswer::Confirm { digits: link_digits(&digits)?, past })
}

/// Twelve digits, however they are grouped. None: something else, so nobody has compared anything by it.
pub fn link_digits(typed: &str) -> Option<String> {
    let is_between = |sign: char| sign.is_whitespace() || sign == '-';
    let digits: String = typed.chars().filter(|sign| !is_between(*sign)).collect();
    let is_whole = digits.len() == LINK_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then_some(digits)
}

/// It is the code of a device that is to be linked, as that shows it.
pub fn is_code(text: &str) -> bool {
    Link::from_code(text).is_ok()
}

/// It looks like an invite link, or has one among its words.
pub fn is_link(text: &str) -> bool {
    link::tidied(text).or_else(|| link::among(text)).is_some()
}
