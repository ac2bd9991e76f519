//! What a typed line means.

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
    Create(String),
    /// Show an invite link.
    Invite,
    /// Who is here.
    Members,
    /// Compare safety numbers, with one member or all.
    Verify(Option<String>),
    /// Remove a member, by name or fingerprint.
    Kick(String),
    /// Change the display name.
    Nick(String),
    /// List the rooms.
    Rooms,
    /// Leave the current room.
    Leave,
    /// Be told of what is said here, or not.
    Mute(bool),
    /// Explain what went wrong last.
    Why,
    /// List the commands.
    Help,
    /// End.
    Quit,
}

/// The commands with their usage, for `/help`.
pub const COMMANDS: &[(&str, &str)] = &[
    (
        "/join ROOM|LINK",
        "join by an invite link, use the relay of its link, go to one of your rooms, or open the open room of that name",
    ),
    ("/create ROOM", "make a private room"),
    ("/invite", "show a link that lets others in"),
    ("/members", "who is here"),
    ("/verify [NAME]", "the safety number to compare with somebody"),
    ("/kick NAME|FINGERPRINT", "remove a member"),
    ("/nick NAME", "change your name"),
    ("/rooms", "list your rooms"),
    ("/leave", "leave this room"),
    ("/mute", "do not tell me of this room while I look elsewhere"),
    ("/unmute", "tell me of it again"),
    ("/why", "explain what went wrong last, and what to do"),
    ("/help", "this list"),
    ("/quit", "end; so does Ctrl-D"),
];

/// Reads a line. Two slashes begin a message with a slash.
///
/// # Errors
/// [`Failure`] of kind usage for an unknown command or a wrong number of words.
pub fn parse(line: &str) -> Result<Line, Failure> {
    let line = line.trim();
    let Some(rest) = line.strip_prefix('/') else {
        return Ok(if line.is_empty() { Line::Empty } else { Line::Say(line.to_owned()) });
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
        "create" => needed().map(Line::Create),
        "invite" => alone(Line::Invite),
        "members" => alone(Line::Members),
        "verify" => Ok(Line::Verify(Some(argument.to_owned()).filter(|name| !name.is_empty()))),
        "kick" => needed().map(Line::Kick),
        "nick" => needed().map(Line::Nick),
        "rooms" => alone(Line::Rooms),
        "leave" => alone(Line::Leave),
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

/// It looks like an invite link.
pub fn is_link(text: &str) -> bool {
    text.starts_with("schat://") || text.starts_with("https://")
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
            ("//etc/passwd", Line::Say("/etc/passwd".into())),
            ("/join lobby", Line::Join("lobby".into())),
            ("/join two words", Line::Join("two words".into())),
            ("/join schat://h:1/#x", Line::Link("schat://h:1/#x".into())),
            ("/invite", Line::Invite),
            ("/verify", Line::Verify(None)),
            ("/verify bob", Line::Verify(Some("bob".into()))),
            ("/kick bob b.", Line::Kick("bob b.".into())),
            ("/quit ", Line::Quit),
        ] {
            assert_eq!(parse(text), Ok(line), "{text:?}");
        }
    }

    #[test]
    fn unknown_or_incomplete_command_is_never_sent_as_a_message() {
        for text in ["/", "/jion lobby", "/join", "/kick ", "/leave now", "/invite bob", "/\u{1b}[2J"] {
            let failure = parse(text).unwrap_err();
            assert_eq!(failure.code, "usage", "{text:?}");
            assert!(!failure.message.contains('\u{1b}'));
        }
    }

    #[test]
    fn every_command_in_the_help_parses() {
        for (usage, _) in COMMANDS {
            let text =
                usage.replace("ROOM|LINK", "x").replace("NAME|FINGERPRINT", "x").replace("[NAME]", "x");
            assert!(parse(&text).is_ok(), "{usage}");
        }
    }
}
