//! What a typed line means.

use shared::room::{MAX_PAST, Policy};

use crate::failure::Failure;

/// A line of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Nothing but white space.
    Empty,
    /// A message to the current room.
    Say(String),
    /// Go to a room of this profile, or to the open room of that name.
    Join(String),
    /// Join by an invite link.
    Link(String),
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
    /// Who is here.
    Members,
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
    /// Give our last message another text.
    Edit(String),
    /// Take our last message back.
    Delete,
    /// Put a sign under the last message of the others.
    React(String),
    /// Change what we say of ourselves.
    Status(String),
    /// Change our sign.
    Glyph(String),
    /// Show or change after how many seconds messages go.
    Disappear(Option<u32>),
    /// Look for words in what was said here.
    Search(String),
    /// List the rooms.
    Rooms,
    /// Leave the current room.
    Leave,
    /// Go on in the current room although its relay was restored from a backup.
    Accept,
    /// Be told of what is said here, or not.
    Mute(bool),
    /// Explain what went wrong last.
    Why,
    /// List the commands.
    Help,
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

/// The commands with their usage, for `/help`.
pub const COMMANDS: &[(&str, &str)] = &[
    (
        "/join ROOM|LINK",
        "join by an invite link, use the relay of its link, go to one of your rooms, or open the open room of that name",
    ),
    (
        "/create ROOM",
        "make a private room; past=100 hands newcomers so many messages, disappear=7d lets messages go after a time",
    ),
    ("/reply TEXT", "answer the last message of somebody else"),
    ("/edit TEXT", "give your last message another text; everybody sees that it was edited"),
    ("/delete", "take your last message back"),
    ("/react EMOJI", "put a sign under the last message of somebody else; once more takes it back"),
    ("/search WORDS", "find what was said in this room"),
    (
        "/invite [uses=N] [expires=TIME]",
        "show a link that lets others in; with limits such as uses=1 expires=2h, or never, it is a new one",
    ),
    ("/invites", "the live invites, whose they are and how far they are used"),
    ("/revoke INVITE", "end an invite, by the beginning of its id"),
    ("/members", "who is here"),
    ("/verify [NAME]", "the safety number to compare with somebody"),
    ("/verify NAME yes", "it is the same at both ends: mark the member as verified"),
    ("/unverify NAME", "take that mark back"),
    ("/kick NAME|FINGERPRINT", "remove a member; moderators only. It ends all invites"),
    ("/moderator NAME [no]", "make a member a moderator, or not any more; moderators only"),
    (
        "/policy [invite=everybody|moderators] [seats=N]",
        "who may invite, and how many devices one person may have; alone, it shows that. Moderators change it",
    ),
    ("/nick NAME", "change your name"),
    ("/status [TEXT]", "say something of yourself beside your name, or nothing any more"),
    ("/glyph [EMOJI]", "a small sign for you, or none any more"),
    (
        "/disappear [TIME|off]",
        "messages from now on go after a time like 30m, 12h, 7d; alone, it shows the time",
    ),
    ("/rooms", "list your rooms"),
    ("/leave", "leave this room"),
    ("/accept", "go on in this room although its relay was restored from a backup; ask its operator first"),
    ("/mute", "do not tell me of this room while I look elsewhere"),
    ("/unmute", "tell me of it again"),
    ("/why", "explain what went wrong last, and what to do"),
    ("/help", "this list"),
    ("/quit", "end; so does Ctrl-D"),
];

/// A text without what is blank around it. The first of several lines keeps its indentation, as the others do.
pub fn without_blank_lines(text: &str) -> &str {
    let text = text.trim_end();
    if !text.trim_start().contains('\n') {
        return text.trim_start();
    }
    let blank = text.len() - text.trim_start().len();
    let start = text.get(..blank).and_then(|blank| blank.rfind('\n')).map_or(0, |at| at + 1);
    text.get(start..).unwrap_or_default()
}

/// Reads a line. Two slashes begin a message with a slash.
///
/// # Errors
/// [`Failure`] of kind usage for an unknown command or a wrong number of words.
pub fn parse(line: &str) -> Result<Line, Failure> {
    let said = without_blank_lines(line);
    let line = line.trim();
    let Some(rest) = line.strip_prefix('/') else {
        return Ok(if line.is_empty() { Line::Empty } else { Line::Say(said.to_owned()) });
    };
    if rest.starts_with('/') {
        return Ok(Line::Say(rest.to_owned()));
    }
    let (word, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let argument = argument.trim();
    let needed = || match argument {
        "" => Err(usage_of(word)),
        argument => Ok(argument.to_owned()),
    };
    let alone = |line: Line| if argument.is_empty() { Ok(line) } else { Err(usage_of(word)) };
    match word {
        "join" if is_link(argument) => Ok(Line::Link(argument.to_owned())),
        "join" => needed().map(Line::Join),
        "create" => create(argument).ok_or_else(|| usage_of(word))?,
        "invite" => limits(argument).map(Line::Invite),
        "invites" => alone(Line::Invites),
        "revoke" => needed().map(Line::Revoke),
        "moderator" => needed().map(|who| match who.rsplit_once(char::is_whitespace) {
            Some((name, "no")) if !name.trim().is_empty() => Line::Moderator(name.trim().to_owned(), false),
            _ => Line::Moderator(who, true),
        }),
        "policy" => allowed(argument).map(Line::Policy),
        "members" => alone(Line::Members),
        "verify" if marked(argument).is_some() => Ok(Line::Mark(marked(argument).unwrap_or_default())),
        "unverify" => needed().map(Line::Unverify),
        "verify" => Ok(Line::Verify(Some(argument.to_owned()).filter(|name| !name.is_empty()))),
        "kick" => needed().map(Line::Kick),
        "nick" => needed().map(Line::Nick),
        "reply" => needed().map(Line::Reply),
        "edit" => needed().map(Line::Edit),
        "delete" => alone(Line::Delete),
        "react" => needed().map(Line::React),
        "status" => Ok(Line::Status(argument.to_owned())),
        "glyph" => Ok(Line::Glyph(argument.to_owned())),
        "disappear" if argument.is_empty() => Ok(Line::Disappear(None)),
        "disappear" => seconds(argument).map(|time| Line::Disappear(Some(time))),
        "search" => needed().map(Line::Search),
        "rooms" => alone(Line::Rooms),
        "leave" => alone(Line::Leave),
        "accept" => alone(Line::Accept),
        "mute" => alone(Line::Mute(true)),
        "unmute" => alone(Line::Mute(false)),
        "why" => alone(Line::Why),
        "help" => alone(Line::Help),
        "quit" | "exit" => alone(Line::Quit),
        _ => Err(Failure::usage(
            format!("There is no command /{}.", super::sanitize::line(word)),
            "See /help. To send a line that begins with a slash, begin it with two.",
        )),
    }
}

/// A room's name and, behind it, what it keeps. None without a name. It is read in order, so that a name may hold `=`.
fn create(argument: &str) -> Option<Result<Line, Failure>> {
    let (mut name, mut policy) = (argument, Policy::default());
    loop {
        let (rest, last) = name.rsplit_once(char::is_whitespace).unwrap_or(("", name));
        if let Some(count) = last.strip_prefix("past=") {
            match count.parse() {
                Ok(count) if count <= MAX_PAST => policy.past_lines = count,
                _ => {
                    let remedy = format!("Write a number up to {MAX_PAST}: past=100.");
                    return Some(Err(Failure::usage("That is no number of messages.", remedy)));
                }
            }
        } else if let Some(time) = last.strip_prefix("disappear=") {
            match seconds(time) {
                Ok(time) => policy.disappear_s = time,
                Err(failure) => return Some(Err(failure)),
            }
        } else {
            return (!name.is_empty()).then(|| Ok(Line::Create(name.to_owned(), policy)));
        }
        name = rest.trim_end();
    }
}

fn limits(argument: &str) -> Result<Limits, Failure> {
    let mut limits = Limits::default();
    for word in argument.split_whitespace() {
        match word.split_once('=') {
            Some(("uses", "any")) => limits.uses = Some(0),
            Some(("uses", count)) => limits.uses = Some(number(count)?),
            Some(("expires", time)) => limits.lives_s = Some(lifetime(time)?),
            _ => return Err(usage_of("invite")),
        }
    }
    Ok(limits)
}

/// How long an invite lives, in seconds; `never` ends is 0.
///
/// # Errors
/// [`Failure`] of kind usage for anything else.
pub fn lifetime(text: &str) -> Result<u32, Failure> {
    if text == "never" { Ok(0) } else { seconds(text) }
}

fn allowed(argument: &str) -> Result<Allowed, Failure> {
    let mut allowed = Allowed::default();
    for word in argument.split_whitespace() {
        match word.split_once('=') {
            Some(("invite", "everybody")) => allowed.moderators_invite = Some(false),
            Some(("invite", "moderators")) => allowed.moderators_invite = Some(true),
            Some(("seats", count)) => allowed.seats = Some(number(count)?),
            _ => return Err(usage_of("policy")),
        }
    }
    Ok(allowed)
}

fn number(text: &str) -> Result<u32, Failure> {
    let bad = || Failure::usage("That is no number that can be meant.", "Write one from 1 on: uses=5.");
    text.parse().ok().filter(|count| *count > 0).ok_or_else(bad)
}

/// A length of time such as `90`, `30m`, `12h`, `7d`, `2w`, in seconds; `off` is 0.
fn seconds(text: &str) -> Result<u32, Failure> {
    let bad = || Failure::usage("That is no length of time.", "Write 30m, 12h, 7d, 2w or off.");
    if text == "off" {
        return Ok(0);
    }
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];
    let unit = units.iter().find_map(|(unit, length)| Some((text.strip_suffix(*unit)?, *length)));
    let (count, length) = unit.unwrap_or((text, 1));
    let count: u32 = count.parse().ok().filter(|count| *count > 0).ok_or_else(bad)?;
    count.checked_mul(length).ok_or_else(bad)
}

/// It looks like an invite link.
pub fn is_link(text: &str) -> bool {
    super::link::tidied(text).is_some()
}

/// The name in `NAME yes`.
fn marked(argument: &str) -> Option<String> {
    let (name, yes) = argument.rsplit_once(char::is_whitespace)?;
    (yes == "yes").then(|| name.trim().to_owned()).filter(|name| !name.is_empty())
}

fn usage_of(word: &str) -> Failure {
    let usage =
        COMMANDS.iter().find(|(usage, _)| usage.trim_start_matches('/').split(' ').next() == Some(word));
    Failure::usage(
        "The command is not complete, or says too much.",
        usage.map_or("See /help.", |(usage, _)| usage),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_mean_what_they_say() {
        for (text, line) in [
            ("", Line::Empty),
            ("  ", Line::Empty),
            (" hello there ", Line::Say("hello there".into())),
            ("\n\n    if x:\n        y\n ", Line::Say("    if x:\n        y".into())),
            ("//etc/passwd", Line::Say("/etc/passwd".into())),
            ("/join lobby", Line::Join("lobby".into())),
            ("/join two words", Line::Join("two words".into())),
            ("/join schat://h:1/#x", Line::Link("schat://h:1/#x".into())),
            ("/invite", Line::Invite(Limits::default())),
            ("/invite uses=3 expires=2h", Line::Invite(Limits { uses: Some(3), lives_s: Some(7_200) })),
            ("/invite expires=never", Line::Invite(Limits { uses: None, lives_s: Some(0) })),
            ("/invite uses=any", Line::Invite(Limits { uses: Some(0), lives_s: None })),
            ("/invites", Line::Invites),
            ("/revoke 3fa2", Line::Revoke("3fa2".into())),
            ("/moderator bob b.", Line::Moderator("bob b.".into(), true)),
            ("/moderator bob no", Line::Moderator("bob".into(), false)),
            ("/moderator no", Line::Moderator("no".into(), true)),
            ("/policy", Line::Policy(Allowed::default())),
            (
                "/policy invite=moderators seats=2",
                Line::Policy(Allowed { moderators_invite: Some(true), seats: Some(2) }),
            ),
            ("/verify", Line::Verify(None)),
            ("/verify bob", Line::Verify(Some("bob".into()))),
            ("/verify bob yes", Line::Mark("bob".into())),
            ("/verify bob b. yes", Line::Mark("bob b.".into())),
            ("/verify yes", Line::Verify(Some("yes".into()))),
            ("/unverify bob", Line::Unverify("bob".into())),
            ("/kick bob b.", Line::Kick("bob b.".into())),
            ("/create two words", Line::Create("two words".into(), Policy::default())),
            (
                "/create team past=50 disappear=1h",
                Line::Create("team".into(), Policy { disappear_s: 3_600, past_lines: 50 }),
            ),
            ("/disappear 2w", Line::Disappear(Some(1_209_600))),
            ("/disappear off", Line::Disappear(Some(0))),
            ("/status", Line::Status(String::new())),
            ("/react 👍", Line::React("👍".into())),
            ("/accept", Line::Accept),
            ("/quit ", Line::Quit),
        ] {
            assert_eq!(parse(text), Ok(line), "{text:?}");
        }
    }

    #[test]
    fn unknown_or_incomplete_command_is_never_sent_as_a_message() {
        for text in [
            "/",
            "/jion lobby",
            "/join",
            "/kick ",
            "/leave now",
            "/accept all",
            "/invite bob",
            "/invite uses=0",
            "/invite expires=soon",
            "/invites all",
            "/revoke",
            "/moderator",
            "/policy invite=nobody",
            "/policy seats=0",
            "/disappear soon",
            "/create",
            "/create past=9",
            "/create x past=9999",
            "/disappear 9999999w",
            "/\u{1b}[2J",
        ] {
            let failure = parse(text).unwrap_err();
            assert_eq!(failure.code, "usage", "{text:?}");
            assert!(!failure.message.contains('\u{1b}'));
        }
    }

    #[test]
    fn every_command_in_the_help_parses() {
        for (usage, _) in COMMANDS {
            let text =
                usage.replace("ROOM|LINK", "x").replace("NAME|FINGERPRINT", "x").replace("[TIME|off]", "1h");
            let text =
                text.replace("=N", "=3").replace("=TIME", "=1h").replace("everybody|moderators", "everybody");
            let text = text.replace(['[', ']'], "");
            assert!(parse(&text).is_ok(), "{usage}");
        }
    }
}
